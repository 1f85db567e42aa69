//! Meta's Graph and a relay of webhooks at one address: `/graph/v0/…` and `/relay/events`.

mod graph;
mod relay;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::listener::Listener;

/// The number's id at Meta.
pub const PHONE_NUMBER_ID: &str = "106540352242922";
/// Opens Graph.
pub const TOKEN: &str = "token-of-meta";
/// Opens the relay.
pub const RELAY_KEY: &str = "key-of-the-relay";

/// Both servers. Dropping it stops them.
pub struct FakeCloud {
    shared: Arc<Shared>,
    router: Router,
    listener: Listener,
}

struct Shared {
    books: Mutex<Books>,
    /// Something was kept for whoever asks.
    came: Notify,
}

#[derive(Default)]
struct Books {
    address: String,
    kept: Vec<Value>,
    sent: Vec<Value>,
    files: BTreeMap<String, (String, Vec<u8>)>,
    faults: VecDeque<CloudFault>,
    relay_fails: u32,
    next_id: u64,
}

/// How the next message to Graph fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudFault {
    /// HTTP status, and Meta's number of the error.
    Error(u16, i64),
    /// It goes out, and the connection breaks before the answer.
    Breaks,
    /// It goes out, and the answer comes this late.
    Late(Duration),
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn fresh_id(&mut self, prefix: &str) -> String {
        self.next_id += 1;
        format!("{prefix}{}", self.next_id)
    }
}

fn shows(headers: &HeaderMap, key: &str) -> bool {
    let shown = headers.get("authorization").and_then(|value| value.to_str().ok());
    shown.and_then(|shown| shown.strip_prefix("Bearer ")) == Some(key)
}

impl FakeCloud {
    /// Starts both on any free port of this computer.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared { books: Mutex::new(Books::default()), came: Notify::new() });
        let router = graph::router(shared.clone()).merge(relay::router(shared.clone()));
        let listener = Listener::start(SocketAddr::from(([127, 0, 0, 1], 0)), &router, None).await?;
        shared.books().address = format!("http://{}", listener.address());
        Ok(Self { shared, router, listener })
    }

    /// Address of Graph, with its version.
    pub fn graph(&self) -> String {
        format!("http://{}/graph/v0", self.listener.address())
    }

    /// Address of the relay.
    pub fn relay(&self) -> String {
        format!("http://{}/relay", self.listener.address())
    }

    /// Meta sends a webhook, and the relay keeps it.
    pub fn webhook(&self, value: Value) {
        let mut value = value;
        value["metadata"] = json!({"display_phone_number": "5511999990003", "phone_number_id": PHONE_NUMBER_ID});
        let change = json!({"field": "messages", "value": value});
        self.keep(json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}));
    }

    /// A person writes. Says the id of the message.
    pub fn receive(&self, from: &str, text: &str, at: i64) -> String {
        let id = self.shared.books().fresh_id("wamid.IN");
        self.webhook(json!({
            "contacts": [{"wa_id": from, "profile": {"name": "Maria"}}],
            "messages": [{"from": from, "id": id, "timestamp": at.to_string(), "type": "text", "text": {"body": text}}],
        }));
        id
    }

    /// A status of a message of ours.
    pub fn report(&self, id: &str, status: &str, at: i64) {
        self.webhook(
            json!({"statuses": [{"id": id, "status": status, "timestamp": at.to_string(), "recipient_id": "x"}]}),
        );
    }

    /// The relay keeps this payload, whatever it is.
    pub fn keep(&self, payload: Value) {
        self.shared.books().kept.push(payload);
        self.shared.came.notify_waiters();
    }

    /// A file that somebody sent, for download.
    pub fn add_file(&self, handle: &str, mime_type: &str, bytes: &[u8]) {
        self.shared.books().files.insert(handle.to_owned(), (mime_type.to_owned(), bytes.to_vec()));
    }

    /// What goes wrong with the next messages, in order.
    pub fn fail_next(&self, fault: CloudFault) {
        self.shared.books().faults.push_back(fault);
    }

    /// So many of the next questions to the relay fail.
    pub fn fail_relay(&self, times: u32) {
        self.shared.books().relay_fails = times;
    }

    /// Bodies of all messages that went out, in order.
    pub fn sent(&self) -> Vec<Value> {
        self.shared.books().sent.clone()
    }

    /// Stops both; what Meta sends meanwhile is kept.
    pub fn stop(&self) {
        self.listener.stop();
    }

    /// Starts both again where they were.
    ///
    /// # Errors
    /// When the port was taken meanwhile.
    pub async fn start_again(&self) -> io::Result<()> {
        self.listener.start_again(&self.router).await
    }
}
