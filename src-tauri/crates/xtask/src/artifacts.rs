//! Building, always the whole workspace with examples: a part of it alone, or without what tests need, would be built
//! with other features, and most of what it stands on a second time.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::program::Program;
use crate::{progress, workspace};

/// Without what only measures.
const EVERYTHING: [&str; 6] = ["build", "--workspace", "--lib", "--bins", "--tests", "--examples"];

/// Builds everything there is: programs, tests, examples.
pub(crate) fn everything() -> Result<()> {
    progress::say("build everything");
    let log = workspace::target("logs")?.join("build.log");
    let said = Program::cargo().args(EVERYTHING).logged(&log)?;
    if !said.ok {
        println!("{}", said.text);
        bail!("the build failed");
    }
    Ok(())
}

/// One of the test programs that were built with everything, by the name of its target, where cargo would run it.
pub(crate) fn test(name: &str) -> Result<Program> {
    let told = Program::cargo().args(EVERYTHING).args(["--quiet", "--message-format", "json"]).output()?;
    let (program, manifest) = named(&told, name).with_context(|| format!("there is no test program {name}"))?;
    let folder = Path::new(&manifest).parent().context("a package has a folder")?.to_owned();
    Ok(Program::new(program).dir(folder))
}

/// The test program of this name and the manifest of its package, in what cargo tells of what it built.
fn named(told: &str, name: &str) -> Option<(String, String)> {
    told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|artifact| {
        let target = &artifact["target"];
        let is_it = target["name"] == name && target["kind"].as_array()?.iter().any(|kind| kind == "test");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        is_it.then(|| Some((text(&artifact["executable"])?, text(&artifact["manifest_path"])?))).flatten()
    })
}

/// Builds the window, and what walks through it.
pub(crate) fn window() -> Result<()> {
    progress::say("build the program (several minutes the first time)");
    Program::cargo().args(["build", "--workspace", "--bins", "--examples"]).run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_program_is_found_by_the_name_of_its_target() {
        let told = r#"
{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"histories"},"executable":null,"manifest_path":"/a/Cargo.toml"}
{"reason":"compiler-artifact","target":{"kind":["test"],"name":"histories"},"executable":"/t/histories-1","manifest_path":"/b/Cargo.toml"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(named(told, "histories"), Some(("/t/histories-1".to_owned(), "/b/Cargo.toml".to_owned())));
        assert_eq!(named(told, "window"), None);
    }
}
