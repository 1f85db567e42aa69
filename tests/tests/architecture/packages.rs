//! The packages of the workspace and whom they know, as cargo says.

use std::process::Command;

use serde_json::Value;

/// Packages that never reach a person's computer: they may know everybody.
pub const DEVELOPMENT: &[&str] = &["xtask", "balcao-tests"];

/// Which dependencies are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Those of the program.
    Normal,
    /// Those of tests and build scripts, too.
    Any,
}

/// A package of the workspace.
pub struct Package {
    pub name: String,
    /// Name, and whether it is a dependency of the program itself.
    dependencies: Vec<(String, bool)>,
}

impl Package {
    /// Names of the packages it depends on.
    pub fn known(&self, kind: Kind) -> impl Iterator<Item = &str> {
        let wanted = move |normal: bool| normal || kind == Kind::Any;
        self.dependencies.iter().filter(move |(_, normal)| wanted(*normal)).map(|(name, _)| name.as_str())
    }
}

/// Every package of the workspace.
pub fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(super::root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |package: &Value| Package {
        name: text(&package["name"]),
        dependencies: package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|dependency| (text(&dependency["name"]), dependency["kind"].is_null()))
            .collect(),
    };
    metadata["packages"].as_array().unwrap().iter().map(of).collect()
}
