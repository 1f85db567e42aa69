//! Format, lints, types and generated files.

use anyhow::Result;

use crate::program::Program;
use crate::system::{self, Needs};
use crate::{bindings, progress, ui};

/// Everything that is wrong without running anything.
pub(crate) fn run() -> Result<()> {
    system::check(Needs::Build)?;
    ui::build()?;
    rust()?;
    bindings::check()?;
    screens()
}

/// Format and lints of the Rust code.
pub(crate) fn rust() -> Result<()> {
    progress::say("check format");
    Program::cargo().args(["fmt", "--all", "--check"]).quiet()?;
    progress::say("check lints");
    Program::cargo().args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]).quiet()
}

/// Types, lints and format of the screens.
pub(crate) fn screens() -> Result<()> {
    progress::say("check the screens");
    ui::npm().args(["run", "--silent", "check"]).quiet()
}
