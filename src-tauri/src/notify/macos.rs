//! Notifications of macOS.

use std::collections::HashMap;

use mac_usernotifications::{Notification, check_bundle, close_delivered, request_auth};
use tauri::{AppHandle, async_runtime};

use super::{Banner, Clicked};

/// The notifications of this program.
pub(super) struct System {
    clicked: Clicked,
    /// The system's own name of what is shown, by tag.
    shown: HashMap<String, String>,
    /// A program that was not installed has none.
    can: bool,
}

impl System {
    pub(super) async fn new(_app: &AppHandle, clicked: Clicked) -> Self {
        let can = match check_bundle() {
            Ok(_) => true,
            Err(error) => {
                tracing::debug!(%error, "there are no notifications");
                false
            }
        };
        // The system asks the person once; who says no has said it, and may change their mind in its settings.
        if can && let Err(error) = request_auth().await {
            tracing::debug!(%error, "it was not asked whether notifications may be shown");
        }
        Self { clicked, shown: HashMap::new(), can }
    }

    pub(super) async fn show(&mut self, banner: Banner) {
        if !self.can {
            return;
        }
        // What takes the place of another one is heard of under a name of its own.
        self.withdraw(&banner.tag).await;
        let mut notification = Notification::new().title(&banner.title).message(&banner.body);
        if banner.sound {
            notification = notification.default_sound();
        }
        let shown = match notification.send().await {
            Ok(shown) => shown,
            Err(error) => {
                tracing::debug!(%error, "a notification was not shown");
                return;
            }
        };
        self.shown.insert(banner.tag.clone(), shown.notification_id().to_owned());
        let clicked = self.clicked.clone();
        async_runtime::spawn(async move {
            if shown.response().await.is_ok_and(|response| response.is_default_action()) {
                clicked(&banner.tag);
            }
        });
    }

    pub(super) async fn withdraw(&mut self, tag: &str) {
        if let Some(name) = self.shown.remove(tag) {
            close_delivered(&name).await;
        }
    }

    pub(super) async fn clear(&mut self) {
        for (_, name) in std::mem::take(&mut self.shown) {
            close_delivered(&name).await;
        }
    }
}
