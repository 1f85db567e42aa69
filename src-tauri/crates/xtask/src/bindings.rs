//! The TypeScript of the commands.

use anyhow::{Context as _, Result, bail};

use crate::program::Program;
use crate::{progress, workspace};

const FILE: &str = "ui/src/lib/bridge/bindings.ts";

/// Writes the file.
pub(crate) fn write() -> Result<()> {
    build()?;
    let wanted = generate()?;
    let file = workspace::at(FILE);
    if std::fs::read_to_string(&file).is_ok_and(|found| found == wanted) {
        println!("{FILE} is up to date");
        return Ok(());
    }
    std::fs::write(&file, wanted).with_context(|| format!("cannot write {FILE}"))?;
    println!("{FILE} is written");
    Ok(())
}

/// Fails when the file is not what the commands say.
pub(crate) fn check() -> Result<()> {
    progress::say("check that the TypeScript of the commands is up to date");
    build()?;
    let found = std::fs::read_to_string(workspace::at(FILE)).with_context(|| format!("cannot read {FILE}"))?;
    if found != generate()? {
        bail!("{FILE} is not what the commands say; run `cargo xtask bindings` and commit it");
    }
    Ok(())
}

fn build() -> Result<()> {
    // One crate alone would be built with other features, and everything below it twice.
    Program::cargo().args(["build", "--quiet", "--workspace", "--examples"]).quiet()
}

fn generate() -> Result<String> {
    Program::new(workspace::built("examples/bindings")).output()
}
