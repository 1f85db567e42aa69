//! Windows, seen from Linux: everything compiles for it, and what needs neither a window nor a database runs there.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use balcao_local_server::release;

use crate::program::{Program, Said};
use crate::test::counts::Counts;
use crate::{progress, system, ui, workspace};

const TARGET: &str = "x86_64-pc-windows-gnu";

/// Crates whose tests need neither a window nor a database.
const TESTED: &[&str] = &["balcao-domain", "balcao-cache", "balcao-keychain", "balcao-sync"];

/// Crates of which this is true of the tests beside the code only.
const TESTED_INSIDE: &[&str] = &["balcao-local-server", "balcao-tenant", "balcao-whatsapp"];

/// The chore.
pub(crate) fn run(kit: Option<PathBuf>, setup: &Path) -> Result<()> {
    let counts = check(kit, setup)?;
    println!("{counts}");
    if counts.failed > 0 { bail!("tests failed on Windows") } else { Ok(()) }
}

/// Compiles and tests; what failed is shown.
///
/// # Errors
/// The kit is not there, or something does not compile without warnings.
pub(crate) fn check(kit: Option<PathBuf>, setup: &Path) -> Result<Counts> {
    ui::build()?;
    let kit = Kit::open(kit.unwrap_or_else(|| release::cache_dir().join("windows-kit")), setup)?;
    progress::say("check lints for Windows (several minutes the first time)");
    // What is tested there is compiled for it below; the rest of the tests is not.
    let lints = ["clippy", "--quiet", "--workspace", "--lib", "--bins", "--target", TARGET, "--", "--deny", "warnings"];
    kit.cargo(&lints).quiet()?;
    progress::say("run tests for Windows");
    let mut counts = test(&kit, TESTED, &["--no-fail-fast"], "windows")?;
    counts += test(&kit, TESTED_INSIDE, &["--no-fail-fast", "--lib"], "windows-inside")?;
    Ok(counts)
}

fn test(kit: &Kit, packages: &[&str], options: &[&str], name: &str) -> Result<Counts> {
    let mut tests = kit.cargo(&["test", "--target", TARGET]).args(options);
    for package in packages {
        tests = tests.args(["--package", package]);
    }
    // The keyring that one test asks for is always there on Windows.
    let tests = tests.args(["--", "--include-ignored"]);
    let Said { ok, text } = tests.logged(&workspace::target("logs")?.join(format!("{name}.log")))?;
    let mut counts = Counts::of_cargo(&text);
    if !ok {
        println!("{text}");
        counts.failed = counts.failed.max(1);
    }
    if counts.is_empty() {
        println!("{text}");
        bail!("{name} ran no test");
    }
    Ok(counts)
}

/// A toolchain that compiles for Windows and a Windows that runs the results.
struct Kit {
    cargo: PathBuf,
    env: Vec<(String, String)>,
    removed: Vec<String>,
}

impl Kit {
    fn open(folder: PathBuf, setup: &Path) -> Result<Self> {
        let settings = folder.join("env");
        if !is_complete(&folder) {
            make(&folder, setup)?;
        }
        let text = std::fs::read_to_string(&settings).with_context(|| format!("no kit in {}", folder.display()))?;
        let path = std::env::var("PATH").unwrap_or_default();
        let (env, removed) = parse(&text, &path);
        // The first folder of its path holds its cargo.
        let bin = env.iter().find(|(name, _)| name == "PATH").and_then(|(_, path)| path.split(':').next());
        let cargo = Path::new(bin.context("the kit does not say where its cargo is")?).join("cargo");
        Ok(Self { cargo, env, removed })
    }

    fn cargo(&self, arguments: &[&str]) -> Program {
        // Into the same folder: what is compiled for this machine on the way, the makers of code, is there already.
        let mut cargo = Program::new(&self.cargo).args(arguments).envs(self.env.iter().cloned());
        // The cargo that runs this tells its children where its own compiler and libraries are.
        for name in self.removed.iter().map(String::as_str).chain(["CARGO", "LD_LIBRARY_PATH", "RUSTUP_TOOLCHAIN"]) {
            cargo = cargo.env_remove(name);
        }
        cargo
    }
}

/// The settings are written before the last steps, of which this file is one.
fn is_complete(folder: &Path) -> bool {
    ["env", "wp/drive_c/windows/system32/bcryptprimitives.dll"].iter().all(|file| folder.join(file).is_file())
}

fn make(folder: &Path, setup: &Path) -> Result<()> {
    let setup = workspace::root().join(setup);
    if !setup.is_file() {
        bail!("there is no Windows kit in {} and nothing to make it with at {}", folder.display(), setup.display());
    }
    if !system::is_root() {
        bail!("run this as root, once: {} {} --wine", setup.display(), folder.display());
    }
    progress::say(format_args!("make the Windows kit in {} (about two minutes)", folder.display()));
    // Half a kit cannot be continued.
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    // It compiles Rust's own library and takes it from the folder in which cargo leaves things by default.
    Program::new(setup).arg(folder).arg("--wine").env_remove("CARGO_BUILD_BUILD_DIR").quiet()
}

/// The settings of a kit: lines of `export NAME=VALUE …` and `unset NAME`.
fn parse(text: &str, path: &str) -> (Vec<(String, String)>, Vec<String>) {
    let (mut env, mut removed) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("export") => env.extend(words.filter_map(|word| {
                let (name, value) = word.split_once('=')?;
                Some((name.to_owned(), value.replace('"', "").replace("$PATH", path)))
            })),
            Some("unset") => removed.extend(words.map(str::to_owned)),
            _ => {}
        }
    }
    (env, removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_a_kit_are_understood() {
        let text = "export PATH=/kit/tc/bin:$PATH\nexport A=1 B=\"x,y=;z=d\"\nunset DISPLAY\n";
        let (env, removed) = parse(text, "/usr/bin");
        let expected = [("PATH", "/kit/tc/bin:/usr/bin"), ("A", "1"), ("B", "x,y=;z=d")];
        assert_eq!(env, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(removed, ["DISPLAY"]);
    }
}
