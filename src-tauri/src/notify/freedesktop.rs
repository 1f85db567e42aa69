//! Notifications of the desktops of Linux, by the interface that all of them speak.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use tauri::{AppHandle, async_runtime};
use zbus::zvariant::Value;

use super::{Banner, Clicked};

/// What a click on the notification itself invokes.
const DEFAULT: &str = "default";

/// Name of the program's icon in the theme, where it was installed.
const ICON: &str = "balcao";

/// The server decides how long it stands.
const USUAL: i32 = -1;

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications",
    gen_blocking = false
)]
trait Notifications {
    #[allow(clippy::too_many_arguments, reason = "as the interface has it")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Value<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;

    fn close_notification(&self, id: u32) -> zbus::Result<()>;

    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;

    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action_key: String) -> zbus::Result<()>;

    #[zbus(signal)]
    fn notification_closed(&self, id: u32, reason: u32) -> zbus::Result<()>;
}

/// The desktop's own number of what is shown, by tag.
type Shown = Arc<Mutex<HashMap<String, u32>>>;

/// The notifications of this program.
pub(super) struct System {
    program: String,
    clicked: Clicked,
    server: Option<Server>,
}

struct Server {
    proxy: NotificationsProxy<'static>,
    /// Whether it takes `<` for the beginning of a tag.
    reads_markup: bool,
    shown: Shown,
}

impl System {
    pub(super) async fn new(app: &AppHandle, clicked: Clicked) -> Self {
        // The name of the file by which the desktop knows the program.
        Self { program: app.package_info().name.clone(), clicked, server: None }
    }

    pub(super) async fn show(&mut self, banner: Banner) {
        if let Err(error) = self.try_to_show(&banner).await {
            tracing::debug!(%error, "a notification was not shown");
            // A desktop that was started again is a new one.
            self.server = None;
        }
    }

    async fn try_to_show(&mut self, banner: &Banner) -> zbus::Result<()> {
        let server = match &mut self.server {
            Some(server) => server,
            none => none.insert(Server::reach(self.clicked.clone()).await?),
        };
        let body = if server.reads_markup { without_markup(&banner.body) } else { banner.body.clone() };
        let mut hints = HashMap::from([
            ("category", Value::from("im.received")),
            ("desktop-entry", Value::from(self.program.as_str())),
            ("urgency", Value::from(1_u8)),
        ]);
        if banner.sound {
            hints.insert("sound-name", Value::from("message-new-instant"));
        } else {
            hints.insert("suppress-sound", Value::from(true));
        }
        let before = server.number(&banner.tag).unwrap_or(0);
        // A click on the notification needs a name that is shown nowhere.
        let actions = [DEFAULT, ""];
        let number =
            server.proxy.notify(&self.program, before, ICON, &banner.title, &body, &actions, hints, USUAL).await?;
        lock(&server.shown).insert(banner.tag.clone(), number);
        Ok(())
    }

    pub(super) async fn withdraw(&mut self, tag: &str) {
        let Some(server) = &self.server else { return };
        let number = lock(&server.shown).remove(tag);
        if let Some(number) = number {
            close(&server.proxy, number).await;
        }
    }

    pub(super) async fn clear(&mut self) {
        let Some(server) = &self.server else { return };
        let shown = std::mem::take(&mut *lock(&server.shown));
        for number in shown.into_values() {
            close(&server.proxy, number).await;
        }
    }
}

impl Server {
    async fn reach(clicked: Clicked) -> zbus::Result<Self> {
        let connection = zbus::Connection::session().await?;
        let proxy = NotificationsProxy::new(&connection).await?;
        let reads_markup = proxy.get_capabilities().await?.iter().any(|name| name == "body-markup");
        let shown = Shown::default();
        let (mut invoked, mut closed) =
            (proxy.receive_action_invoked().await?, proxy.receive_notification_closed().await?);
        async_runtime::spawn({
            let shown = shown.clone();
            async move {
                while let Some(signal) = invoked.next().await {
                    let Ok(action) = signal.args() else { continue };
                    if action.action_key() == DEFAULT
                        && let Some(tag) = tag_of(&shown, *action.id())
                    {
                        clicked(&tag);
                    }
                }
            }
        });
        async_runtime::spawn({
            let shown = shown.clone();
            async move {
                while let Some(signal) = closed.next().await {
                    let Ok(closed) = signal.args() else { continue };
                    lock(&shown).retain(|_, number| number != closed.id());
                }
            }
        });
        Ok(Self { proxy, reads_markup, shown })
    }

    fn number(&self, tag: &str) -> Option<u32> {
        lock(&self.shown).get(tag).copied()
    }
}

async fn close(proxy: &NotificationsProxy<'_>, number: u32) {
    // It may just have gone by itself.
    if let Err(error) = proxy.close_notification(number).await {
        tracing::debug!(%error, "a notification was not taken back");
    }
}

fn tag_of(shown: &Shown, number: u32) -> Option<String> {
    lock(shown).iter().find(|(_, known)| **known == number).map(|(tag, _)| tag.clone())
}

fn lock(shown: &Shown) -> std::sync::MutexGuard<'_, HashMap<String, u32>> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A text that stays one where tags are read.
fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_patient_writes_is_no_markup() {
        assert_eq!(without_markup("<a href='x'>R$ 5 & 6</a>"), "&lt;a href='x'&gt;R$ 5 &amp; 6&lt;/a&gt;");
    }
}
