//! What the window's desktop is told: notifications and their clicks, and the number in the dock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures_util::StreamExt as _;
use serde_json::json;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

use crate::place::{Place, make_clinic};

const SOON: Duration = Duration::from_secs(20);
const PATH: &str = "/org/freedesktop/Notifications";

/// A notification, as a desktop gets it.
#[derive(Debug, Clone)]
struct Shown {
    id: u32,
    replaces: u32,
    title: String,
    body: String,
    actions: Vec<String>,
    silent: bool,
}

/// The part of a desktop that shows notifications.
#[derive(Debug, Clone, Default)]
struct Desktop {
    shown: Arc<Mutex<Vec<Shown>>>,
    closed: Arc<Mutex<Vec<u32>>>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Desktop {
    #[allow(clippy::too_many_arguments, reason = "as the interface has it")]
    fn notify(
        &self,
        _app_name: String,
        replaces: u32,
        _app_icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        _expire_timeout: i32,
    ) -> u32 {
        let mut shown = self.shown.lock().unwrap();
        let id = if replaces == 0 { u32::try_from(shown.len()).unwrap() + 1 } else { replaces };
        shown.push(Shown { id, replaces, title, body, actions, silent: hints.contains_key("suppress-sound") });
        id
    }

    fn close_notification(&self, id: u32) {
        self.closed.lock().unwrap().push(id);
    }

    fn get_capabilities(&self) -> Vec<String> {
        ["actions", "body", "body-markup"].map(str::to_owned).into()
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action_key: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

impl Desktop {
    /// Waits for a notification after so many others.
    async fn after(&self, others: usize) -> Result<Shown> {
        let begun = Instant::now();
        while begun.elapsed() < SOON {
            if let Some(shown) = self.shown.lock().unwrap().get(others) {
                return Ok(shown.clone());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("nothing was shown")
    }
}

/// Waits until a dock is told this number.
async fn docked(signals: &mut zbus::MessageStream, count: i64) -> Result<()> {
    let told = async {
        while let Some(message) = signals.next().await {
            let (program, facts): (String, HashMap<String, OwnedValue>) = message?.body().deserialize()?;
            assert_eq!(program, "application://Balcão.desktop");
            let told = facts.get("count").context("count")?.downcast_ref::<i64>()?;
            let visible = facts.get("count-visible").context("count-visible")?.downcast_ref::<bool>()?;
            if told == count && visible == (count > 0) {
                return Ok(());
            }
        }
        bail!("the bus is gone")
    };
    tokio::time::timeout(SOON, told).await.context("the dock was not told")?
}

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_has_its_desktop_show_what_arrives_and_a_click_opens_the_thread() -> Result<()> {
    let desktop = Desktop::default();
    let bus = zbus::connection::Builder::session()?
        .name("org.freedesktop.Notifications")?
        .serve_at(PATH, desktop.clone())?
        .build()
        .await?;
    let launcher = zbus::MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .interface("com.canonical.Unity.LauncherEntry")?
        .member("Update")?
        .build();
    let mut docks = zbus::MessageStream::for_match_rule(launcher, &bus, None).await?;

    let place = Place::new()?;
    let (_driver, window) = place.open().await?;
    make_clinic(&window).await?;
    window.wait_for_status("online", SOON, |line| line.connection == "online").await?;
    window.call("set_preferences", json!({ "notifications": { "with": "everything" } })).await?;
    // The first look is taken: what comes from here on is new.
    tokio::time::sleep(Duration::from_secs(4)).await;

    let mut database = place.database().await?;
    let thread: String = sqlx::query_scalar(
        "with channel as (insert into app.channels (clinic_id, name) select id, 'Recepção' from app.clinics returning *),
              person as (insert into app.contacts (clinic_id, name) select id, 'Aparecida' from app.clinics returning *)
         insert into app.conversations (clinic_id, contact_id, channel_id)
         select c.clinic_id, p.id, c.id from channel c, person p returning id::text",
    )
    .fetch_one(&mut database)
    .await?;
    let writes = "insert into app.messages
            (clinic_id, conversation_id, channel_id, direction, sender_kind, body, gateway_id, sent_at)
         select clinic_id, id, channel_id, 'inbound', 'contact', $1, $1, clock_timestamp() from app.conversations";
    sqlx::query(writes).bind("Tudo <b>bem</b> & em paz?").execute(&mut database).await?;
    let first = desktop.after(0).await?;
    assert_eq!((first.title.as_str(), first.replaces, first.silent), ("Aparecida", 0, false));
    assert_eq!(first.body, "Tudo &lt;b&gt;bem&lt;/b&gt; &amp; em paz?", "what a patient writes is no markup");
    assert_eq!(first.actions.first().map(String::as_str), Some("default"), "it can be clicked");
    docked(&mut docks, 1).await?;

    sqlx::query(writes).bind("Oi?").execute(&mut database).await?;
    let second = desktop.after(1).await?;
    assert_eq!((second.id, second.replaces), (first.id, first.id), "one place for each thread");
    assert_eq!(second.body, "Oi? (2 mensagens novas)");

    let emitter = SignalEmitter::new(&bus, PATH)?;
    Desktop::action_invoked(&emitter, second.id, "default").await?;
    let begun = Instant::now();
    loop {
        let hash = window.run("return location.hash;", json!([])).await?;
        if hash.as_str().is_some_and(|hash| hash.ends_with(&thread)) {
            break;
        }
        assert!(begun.elapsed() < SOON, "the thread was not opened: {hash}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    window.call("send_message", json!({ "conversation_id": thread, "text": "Tudo!" })).await?;
    let begun = Instant::now();
    while !desktop.closed.lock().unwrap().contains(&first.id) {
        assert!(begun.elapsed() < SOON, "what was answered still stands there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    docked(&mut docks, 0).await?;
    window.close().await
}
