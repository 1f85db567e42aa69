//! What the server knows: instances, rows, sockets, and what really went out.

use std::collections::{BTreeMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use uuid::Uuid;

use super::faults::{self, Faults, Mode};
use super::frames::{self, Frame};
use super::sockets::Sockets;

/// Everything, behind one lock.
#[derive(Default)]
pub(super) struct Books {
    pub faults: Faults,
    pub instances: BTreeMap<String, Instance>,
    pub sockets: Sockets,
    pub sent: Vec<Sent>,
    pub calls: Vec<String>,
    /// Namespaces of instances that something happened in.
    namespaces: HashSet<String>,
    /// An event that waits for the one after it.
    held: Option<(String, Vec<Frame>)>,
    next_id: u64,
}

/// One connection to WhatsApp.
pub(super) struct Instance {
    pub token: String,
    pub link: Link,
    /// Rows of messages as they are stored, bytes as `{"type": "Buffer"}`.
    pub rows: Vec<Row>,
    /// Numbers without WhatsApp.
    pub absent: HashSet<String>,
    /// Numbers that WhatsApp knows otherwise than they are dialled.
    pub known_as: BTreeMap<String, String>,
    /// Files by the id of their message.
    pub files: BTreeMap<String, (String, Vec<u8>)>,
    pub own: String,
    pub closed_by: Option<i64>,
    pub codes: u32,
    /// The number that was named when it began to wait for a phone.
    pub pairs_with: Option<String>,
    pub socket_events: Option<Value>,
}

/// How a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Paired.
    Open,
    /// Waits for the QR code to be read.
    Connecting,
    /// Neither.
    Closed,
}

/// A stored message and what was reported about it.
pub(super) struct Row {
    /// The id of the row, which is no id of the message.
    pub id: String,
    pub message: Value,
    pub at: i64,
    pub updates: Vec<String>,
}

/// A message that a person got.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// Over which instance.
    pub instance: String,
    /// By which call: `sendText`, …
    pub call: String,
    /// To whom, as it was asked.
    pub number: String,
    /// Text, caption or emoji.
    pub text: String,
    /// Its id.
    pub id: String,
    /// Everything that was asked.
    pub body: Value,
}

impl Instance {
    pub(super) fn new(token: &str) -> Self {
        Self {
            token: token.to_owned(),
            link: Link::Closed,
            rows: Vec::new(),
            absent: HashSet::new(),
            known_as: BTreeMap::new(),
            files: BTreeMap::new(),
            own: "5511999990003@s.whatsapp.net".to_owned(),
            closed_by: None,
            codes: 0,
            pairs_with: None,
            socket_events: None,
        }
    }

    pub(super) fn row(&mut self, id: &str) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.message["key"]["id"] == id)
    }
}

impl Row {
    pub(super) fn new(message: Value) -> Self {
        let at = message["messageTimestamp"].as_i64().unwrap_or_default();
        Self { id: Uuid::new_v4().simple().to_string(), message, at, updates: Vec::new() }
    }
}

impl Books {
    /// Seconds since 1970.
    pub(super) fn now() -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or_default()
    }

    pub(super) fn fresh_id(&mut self, prefix: &str) -> String {
        self.next_id += 1;
        format!("{prefix}{:012X}", self.next_id)
    }

    pub(super) fn has_namespace(&self, instance: &str) -> bool {
        self.faults.mode == Mode::Instance && self.namespaces.contains(instance)
    }

    pub(super) fn forget_namespaces(&mut self) {
        self.namespaces.clear();
    }

    /// Tells everybody who listens that something happened, as well as the faults let it.
    pub(super) fn emit(&mut self, instance: &str, event: &str, data: &Value) {
        let own = self.instances.get(instance).map(|instance| (instance.own.clone(), instance.token.clone()));
        let (sender, token) = own.unwrap_or_default();
        let payload = json!({
            "event": event, "instance": instance, "data": data, "server_url": "http://fake",
            // The server's wall clock with a false Z.
            "date_time": "2026-11-21T03:20:56.341Z", "sender": sender, "apikey": token,
        });
        let namespace = match self.faults.mode {
            Mode::Global => "/".to_owned(),
            Mode::Instance => format!("/{instance}"),
        };
        // The event that makes the namespace is heard by nobody.
        if self.faults.mode == Mode::Instance && self.namespaces.insert(instance.to_owned()) {
            return;
        }
        if faults::take(&mut self.faults.lose) {
            return;
        }
        let frames = frames::event(&namespace, event, payload, self.faults.no_attachments);
        if std::mem::take(&mut self.faults.swap) {
            self.held = Some((namespace, frames));
            return;
        }
        let times = if faults::take(&mut self.faults.repeat) { 2 } else { 1 };
        for _ in 0..times {
            self.hand_out(&namespace, &frames);
        }
        if let Some((namespace, frames)) = self.held.take() {
            self.hand_out(&namespace, &frames);
        }
    }

    fn hand_out(&mut self, namespace: &str, frames: &[Frame]) {
        let has_attachments = frames.len() > 1;
        if has_attachments && faults::take(&mut self.faults.cut_within) {
            self.sockets.say(namespace, &frames[..2.min(frames.len() - 1)]);
            self.sockets.break_all();
        } else if has_attachments && faults::take(&mut self.faults.withhold) {
            self.sockets.say(namespace, &frames[..frames.len() - 1]);
        } else {
            self.sockets.say(namespace, frames);
        }
    }
}
