//! Ending when the system asks for it, as at the end of a session.

use tauri::AppHandle;

/// Ends the program in order when it is told to terminate; without this, the database of the clinic would go on running.
#[cfg(unix)]
pub(crate) fn on_signals(app: AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};

    tauri::async_runtime::spawn(async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::warn!("cannot listen for signals");
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        app.exit(0);
    });
}

/// Windows closes the window instead.
#[cfg(windows)]
pub(crate) fn on_signals(_app: AppHandle) {}
