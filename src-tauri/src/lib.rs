//! The desktop shell: one window, one command, one stream of changes. What the program does is in the `api` crate; what
//! it shows is in the screens. This is the only package that knows Tauri.
//!
//! ```text
//! Launch ──► log ──► Bridge (opens the desk) ──► window
//! screens ──call(command, payload)──► Bridge ──► balcao_api::call
//! desk ──changes──► Bridge ──event "change"──► screens
//! ```

mod badge;
mod bridge;
mod drawing;
mod end;
mod external;
mod launch;
mod log;
mod microphone;
mod notify;
pub mod paint;
mod startup;
mod tray;
mod updater;
mod window;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use balcao_api::DeskOptions;
use clap::Parser as _;
use tauri::{Manager as _, RunEvent};

use crate::bridge::Bridge;
use crate::launch::Launch;

/// Opens the window and returns when it was closed, or the program was told to end: 0, or 1 when the desk could not be opened.
pub fn run() -> ExitCode {
    let launch = Launch::parse();
    let context = context();
    let Some(profile) = launch.profile_dir(&context.config().identifier) else {
        return refuse("there is no folder for application data on this computer; name one with --profile");
    };
    if let Err(error) = std::fs::create_dir_all(&profile) {
        return refuse(&format!("cannot make the folder {}: {error}", profile.display()));
    }
    log::start(&profile);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "start");

    let bridge = Bridge::open(DeskOptions {
        profile_dir: profile.clone(),
        postgres_dir: launch.postgres.clone(),
        export_dir: dirs::download_dir().or_else(dirs::document_dir),
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
    });
    let mut builder = tauri::Builder::default();
    // Started by hand while it runs beside the clock, the program shows the window that there is. A profile that was named
    // is a program of its own.
    if launch.profile.is_none() {
        builder = builder.plugin(tauri_plugin_single_instance::init(|app, _, _| window::bring_back(app)));
    }
    if let Some(updater) = updater::plugin(context.config()) {
        builder = builder.plugin(updater);
    }
    let built = builder
        .manage(bridge)
        .manage(badge::Badge::default())
        .invoke_handler(tauri::generate_handler![bridge::call])
        .setup(move |app| {
            window::open(app.handle(), &profile, &launch)?;
            app.state::<Bridge>().forward_changes(app.handle().clone(), launch.profile.is_some());
            end::on_signals(app.handle().clone());
            Ok(())
        })
        .build(context);
    let app = match built {
        Ok(app) => app,
        Err(error) => return refuse(&format!("the window could not be opened: {error}")),
    };
    let had_a_desk = Arc::new(AtomicBool::new(true));
    let code = app.run_return({
        let had_a_desk = had_a_desk.clone();
        move |app, event| match event {
            RunEvent::Exit => had_a_desk.store(app.state::<Bridge>().close(), Ordering::Relaxed),
            // A click on the icon in the dock.
            #[cfg(target_os = "macos")]
            RunEvent::Reopen { .. } => window::bring_back(app),
            _ => {}
        }
    });
    tracing::info!("end");
    if code == 0 && had_a_desk.load(Ordering::Relaxed) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the window is built with: its settings and the screens.
#[cfg(not(test))]
pub fn context() -> tauri::Context {
    tauri::generate_context!()
}

/// Tests open no window. The screens are written to a folder of the build and taken in from there; two compilers that do
/// so at the same time, one for the tests, leave one of them with half a file.
#[cfg(test)]
fn context() -> tauri::Context {
    panic!("tests open no window")
}

/// Where there is no window to say it in. On Windows nobody sees it, but it is in the log where there is one.
fn refuse(why: &str) -> ExitCode {
    tracing::error!("{why}");
    eprintln!("balcao: {why}");
    ExitCode::FAILURE
}
