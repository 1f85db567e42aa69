//! How the page gets on the screen.

use tauri::WebviewWindow;

/// WebKitGTK leaves it to the graphics card to put a page together. Where there is none, the processor does a card's work, for the
/// whole window at every change; told not to, it paints what has changed.
#[cfg(target_os = "linux")]
pub(crate) fn prepare(window: &WebviewWindow) {
    if has_graphics_card() {
        return;
    }
    let told = window.with_webview(|view| {
        use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt as _, WebViewExt as _};
        if let Some(settings) = view.inner().settings() {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    });
    if let Err(error) = told {
        tracing::warn!(%error, "the page is put together without a graphics card");
    }
}

#[cfg(target_os = "linux")]
fn has_graphics_card() -> bool {
    let devices = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    devices.map(|device| device.file_name()).any(|name| name.as_encoded_bytes().starts_with(b"renderD"))
}

/// Other web views find out by themselves.
#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare(_: &WebviewWindow) {}
