//! Building, always the whole workspace with examples: a part of it alone, or without what tests need, would be built
//! with other features, and most of what it stands on a second time.

use anyhow::{Result, bail};

use crate::program::Program;
use crate::{progress, workspace};

/// Builds everything there is: programs, tests, examples.
pub(crate) fn everything() -> Result<()> {
    progress::say("build everything");
    let log = workspace::target("logs")?.join("build.log");
    let said = Program::cargo().args(["build", "--workspace", "--all-targets"]).logged(&log)?;
    if !said.ok {
        println!("{}", said.text);
        bail!("the build failed");
    }
    Ok(())
}

/// Builds the window, and what walks through it.
pub(crate) fn window() -> Result<()> {
    progress::say("build the program (several minutes the first time)");
    Program::cargo().args(["build", "--workspace", "--bins", "--examples"]).run()
}
