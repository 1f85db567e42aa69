//! The one window.

use std::path::Path;

use tauri::webview::NewWindowResponse;
use tauri::window::Color;
use tauri::{AppHandle, Manager as _, Theme, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent};

use crate::bridge::Bridge;
use crate::launch::Launch;
use crate::{drawing, external, microphone, paint};

/// Label of the window, as in `capabilities/desk.json`.
pub(crate) const LABEL: &str = "desk";

/// Inner size in logical pixels; the screens are designed for it.
const SIZE: (f64, f64) = (1366.0, 768.0);

/// Smallest inner size at which the screens work.
const SMALLEST: (f64, f64) = (1024.0, 640.0);

/// Backgrounds of the screens (`--app` in `tokens.css`): what is seen until the first paint.
const LIGHT: Color = Color(0xf5, 0xf4, 0xf1, 0xff);
const DARK: Color = Color(0x15, 0x14, 0x13, 0xff);

/// Opens the window at once; the page paints itself when it is there.
pub(crate) fn open(app: &AppHandle, profile: &Path, launch: &Launch) -> tauri::Result<WebviewWindow> {
    let development = if cfg!(dev) { app.config().build.dev_url.clone() } else { None };
    let mut builder = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
        .title("Balcão")
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(SMALLEST.0, SMALLEST.1)
        .center()
        .visible(!launch.in_background)
        .data_directory(profile.join("webview"))
        .background_color(LIGHT)
        // The board drags its cards with the page's own events, which the shell would swallow on Windows.
        .disable_drag_drop_handler()
        .on_navigation(move |url| {
            let stays = external::is_app(url, development.as_ref());
            if !stays {
                external::open(url);
            }
            stays
        })
        .on_permission_request(|_, kind| microphone::answer(kind))
        .on_new_window(|url, _| {
            external::open(&url);
            NewWindowResponse::Deny
        });
    if let Some(selector) = launch.report_paint.as_deref() {
        paint::print_reports(app);
        builder = builder.initialization_script(paint::script(selector)?);
    }
    let window = builder.build()?;
    microphone::prepare(&window);
    drawing::prepare(&window);
    // Only the window knows the theme, and nothing has been drawn yet.
    show_theme(&window, window.theme().unwrap_or(Theme::Light));
    window.on_window_event({
        let window = window.clone();
        move |event| match event {
            WindowEvent::ThemeChanged(theme) => show_theme(&window, *theme),
            WindowEvent::CloseRequested { api, .. } if stays(&window) => {
                api.prevent_close();
                put_aside(&window);
            }
            _ => {}
        }
    });
    Ok(window)
}

/// Whether the program goes on without its window: other computers work with the database on this one, or it receives and sends
/// for the clinic.
fn stays(window: &WebviewWindow) -> bool {
    window.state::<Bridge>().desk().is_some_and(|desk| desk.is_needed() == Some(true))
}

/// Shows the window again, wherever it was put.
pub(crate) fn bring_back(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL) {
        let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
        if let Err(error) = shown {
            tracing::warn!(%error, "the window does not come back");
        }
    }
}

/// Not every desktop of Linux has a place for the icon that would bring a hidden window back.
fn put_aside(window: &WebviewWindow) {
    let done = if cfg!(target_os = "linux") { window.minimize() } else { window.hide() };
    if let Err(error) = done {
        tracing::warn!(%error, "the window stays in sight");
    }
}

fn show_theme(window: &WebviewWindow, theme: Theme) {
    let background = if theme == Theme::Dark { DARK } else { LIGHT };
    if let Err(error) = window.set_background_color(Some(background)) {
        tracing::debug!(%error, "the window keeps its background");
    }
}
