//! How many threads wait, where the program's icon is: beside the clock, in the dock, on the task bar.

#[cfg(not(any(windows, target_os = "macos")))]
mod launcher;
#[cfg(not(target_os = "macos"))]
mod number;

use std::sync::{Mutex, PoisonError};

use tauri::{AppHandle, Manager as _};

use crate::window::LABEL;

/// What is shown now. An icon that comes later shows it, too.
#[derive(Debug, Default)]
pub(crate) struct Badge(Mutex<(u32, String)>);

/// Shows how many wait. `words` say it beside the icon.
pub(crate) async fn show(app: &AppHandle, count: u32, words: &str) {
    *app.state::<Badge>().0.lock().unwrap_or_else(PoisonError::into_inner) = (count, words.to_owned());
    show_beside_the_clock(app);
    if let Err(error) = show_on_the_program(app, count).await {
        tracing::debug!(%error, "the program's icon does not say how many wait");
    }
}

/// Shows it on the icon beside the clock, where there is one.
pub(crate) fn show_beside_the_clock(app: &AppHandle) {
    let Some(tray) = app.tray_by_id(LABEL) else { return };
    let (count, words) = app.state::<Badge>().0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let words = if words.is_empty() { &app.package_info().name } else { &words };
    let shown = tray.set_tooltip(Some(words)).and_then(|()| mark(app, &tray, count));
    if let Err(error) = shown {
        tracing::debug!(%error, "the icon beside the clock does not say how many wait");
    }
}

/// The menu bar has room for a number.
#[cfg(target_os = "macos")]
fn mark(_app: &AppHandle, tray: &tauri::tray::TrayIcon, count: u32) -> tauri::Result<()> {
    tray.set_title((count > 0).then(|| count.to_string()))
}

#[cfg(not(target_os = "macos"))]
fn mark(app: &AppHandle, tray: &tauri::tray::TrayIcon, count: u32) -> tauri::Result<()> {
    let Some(icon) = app.default_window_icon() else { return Ok(()) };
    tray.set_icon(Some(number::over(icon, count)))
}

/// The dock.
#[cfg(target_os = "macos")]
async fn show_on_the_program(app: &AppHandle, count: u32) -> tauri::Result<()> {
    let window = app.get_webview_window(LABEL);
    window.map_or(Ok(()), |window| window.set_badge_count((count > 0).then_some(count.into())))
}

/// The task bar has no numbers of its own, but a place for a small picture.
#[cfg(windows)]
async fn show_on_the_program(app: &AppHandle, count: u32) -> tauri::Result<()> {
    let window = app.get_webview_window(LABEL);
    window.map_or(Ok(()), |window| window.set_overlay_icon((count > 0).then(|| number::disc(count, 32))))
}

/// The docks of several desktops.
#[cfg(not(any(windows, target_os = "macos")))]
async fn show_on_the_program(app: &AppHandle, count: u32) -> zbus::Result<()> {
    launcher::show(&app.package_info().name, count).await
}
