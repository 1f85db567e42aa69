//! The microphone, for voice notes: the one thing of this computer that the page may ask for.
//!
//! The page is the program's own, and no other is ever shown, so it is not asked about here whether the person agrees: the page
//! asks only when somebody has pressed the button, and the system has a say of its own. Windows asks for the program in its
//! privacy settings; macOS asks with the words in `Info.plist`; on Linux there is no such question.

use tauri::WebviewWindow;
use tauri::webview::{PermissionKind, PermissionResponse};

/// What the window answers to a page that wants something of this computer. Everything but the microphone is refused, also what
/// a web view would ask the person about.
pub(crate) fn answer(kind: PermissionKind) -> PermissionResponse {
    match kind {
        PermissionKind::Microphone => PermissionResponse::Allow,
        // What somebody has pressed a button to hear plays either way.
        PermissionKind::Autoplay => PermissionResponse::Default,
        _ => PermissionResponse::Deny,
    }
}

/// WebKitGTK has the microphone only where it is switched on.
#[cfg(target_os = "linux")]
pub(crate) fn prepare(window: &WebviewWindow) {
    let switched = window.with_webview(|view| {
        use webkit2gtk::{SettingsExt as _, WebViewExt as _};
        if let Some(settings) = view.inner().settings() {
            settings.set_enable_media_stream(true);
        }
    });
    if let Err(error) = switched {
        tracing::warn!(%error, "the microphone stays off in this window");
    }
}

/// Other web views have it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare(_: &WebviewWindow) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_microphone_is_all_that_a_page_gets() {
        assert_eq!(answer(PermissionKind::Microphone), PermissionResponse::Allow);
        for other in [
            PermissionKind::Camera,
            PermissionKind::DisplayCapture,
            PermissionKind::Geolocation,
            PermissionKind::Notifications,
            PermissionKind::FileSystemAccess,
            PermissionKind::Other,
        ] {
            assert_eq!(answer(other), PermissionResponse::Deny, "{other:?}");
        }
    }
}
