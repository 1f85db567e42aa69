//! `balcao`: the front desk of a clinic.

// Without this, Windows opens a console beside the window.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    balcao_shell::run()
}
