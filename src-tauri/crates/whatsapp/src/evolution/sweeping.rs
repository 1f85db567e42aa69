//! What the server has stored of a time. Its pages lose rows where many have the same second, so a window is never paged
//! through but halved until one page holds all of it.

use std::collections::HashSet;

use balcao_domain::message::{DeliveryStatus, GatewayEvent, GatewayMessage};
use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use super::Evolution;
use crate::gateway::{GatewayError, Page, Search, Tally, Window, WireEvent};
use crate::{lenient, status};

/// Rows of one page.
const PAGE_ROWS: usize = 200;
/// Rows that may have come between two questions about the same second.
const ROOM: usize = 50;

/// A sweep of an Evolution server.
#[derive(Debug)]
pub struct Sweep {
    gateway: Evolution,
    /// Windows to be asked for, the next one last.
    open: Vec<Window>,
    only_ours: bool,
    ids: HashSet<String>,
    tally: Tally,
}

/// What the server answers about a window.
struct Found {
    total: usize,
    rows: Vec<Value>,
}

impl Evolution {
    pub(crate) fn sweep(&self, window: Window) -> Sweep {
        Sweep::new(self, window, false)
    }

    pub(crate) async fn look_for(&self, search: &Search) -> Result<Vec<GatewayMessage>, GatewayError> {
        let mut sweep = Sweep::new(self, search.window, true);
        let mut found: Vec<GatewayMessage> = Vec::new();
        while let Some(page) = sweep.next_page().await? {
            for event in page.events {
                // Each row carries its own time.
                for event in crate::parse(&event.name, &event.payload, DateTime::UNIX_EPOCH) {
                    let GatewayEvent::Message(message) = event else { continue };
                    let is_new = found.iter().all(|known| known.gateway_id != message.gateway_id);
                    if is_new && search.fits(&message) {
                        found.push(*message);
                    }
                }
            }
        }
        Ok(found)
    }

    async fn find_messages(&self, window: Window, only_ours: bool, rows: usize) -> Result<Found, GatewayError> {
        // Both ends or neither counts, and numbers are read as milliseconds.
        let spelt = |second| {
            let instant = DateTime::from_timestamp(second, 0).unwrap_or_default();
            instant.to_rfc3339_opts(SecondsFormat::Millis, true)
        };
        let mut filter = json!({"messageTimestamp": {
            "gte": spelt(window.first_second()), "lte": spelt(window.last_second()),
        }});
        if only_ours {
            filter["key"] = json!({"fromMe": true});
        }
        let answer = self.post("chat", "findMessages", &json!({"where": filter, "page": 1, "offset": rows})).await?;
        let found = answer.get("messages").unwrap_or(&answer);
        let total = found.get("total").and_then(Value::as_u64).and_then(|total| usize::try_from(total).ok());
        match (total, found.get("records").and_then(Value::as_array)) {
            (Some(total), Some(rows)) => Ok(Found { total, rows: rows.clone() }),
            _ => Err(GatewayError::NotAGateway("it does not tell what it has stored")),
        }
    }
}

impl Sweep {
    fn new(gateway: &Evolution, window: Window, only_ours: bool) -> Self {
        let open = if window.seconds() > 0 { vec![window] } else { Vec::new() };
        Self { gateway: gateway.clone(), open, only_ours, ids: HashSet::new(), tally: Tally::BEGINNING }
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    pub(crate) async fn next_page(&mut self) -> Result<Option<Page>, GatewayError> {
        while let Some(window) = self.open.last().copied() {
            let found = match (self.ask(window, PAGE_ROWS).await, window.halves()) {
                (Ok(found), _) if found.total <= PAGE_ROWS => found,
                (Ok(_) | Err(GatewayError::TooLarge), Some(halves)) => {
                    self.open.pop();
                    self.open.extend(halves);
                    continue;
                }
                // A second cannot be halved.
                (Ok(found), None) => self.ask(window, found.total + ROOM).await?,
                (Err(error), _) => return Err(error),
            };
            self.open.pop();
            return Ok(Some(self.take(found)));
        }
        self.tally.done = true;
        Ok(None)
    }

    async fn ask(&mut self, window: Window, rows: usize) -> Result<Found, GatewayError> {
        self.tally.questions += 1;
        self.gateway.find_messages(window, self.only_ours, rows).await
    }

    fn take(&mut self, found: Found) -> Page {
        self.tally.total += found.total;
        self.tally.short |= found.rows.len() < found.total;
        let mut events = Vec::new();
        // The newest comes first; people read the other way.
        for mut row in found.rows.into_iter().rev() {
            let id = row.get("key").and_then(|key| key.get("id")).and_then(Value::as_str).map(str::to_owned);
            let Some(id) = id else {
                self.tally.repeated += 1;
                continue;
            };
            let key = row.get("key").cloned().unwrap_or_default();
            let status = take_status(&mut row).filter(|_| lenient::is_true(&key, "fromMe"));
            let is_on_its_way = may_be_on_its_way(&row, status.as_ref());
            if is_on_its_way {
                row["status"] = json!("PENDING");
                events.push(self.event("send.message", row));
            } else {
                events.push(self.event("messages.set", json!([row])));
            }
            if let Some((_, status)) = status.filter(|_| !is_on_its_way) {
                let update = json!({"keyId": id, "remoteJid": key.get("remoteJid"), "fromMe": true, "status": status});
                events.push(self.event("messages.update", update));
            }
            match self.ids.insert(id) {
                true => self.tally.distinct += 1,
                false => self.tally.repeated += 1,
            }
        }
        Page { events }
    }

    fn event(&self, name: &str, data: Value) -> WireEvent {
        let payload = json!({"event": name, "instance": self.gateway.name(), "data": data});
        WireEvent { name: name.to_owned(), payload, position: None }
    }
}

/// The furthest a message has come, and its wire name. What is left of the row is the same at every sweep.
fn take_status(row: &mut Value) -> Option<(DeliveryStatus, String)> {
    let updates = row.as_object_mut()?.remove("MessageUpdate")?;
    let reported = updates.as_array()?.iter().filter_map(|update| {
        let status = update.get("status")?;
        Some((status::status(status)?, status.as_str()?.to_owned()))
    });
    reported.max_by_key(|(status, _)| *status)
}

/// Whether this is a message of ours that WhatsApp may not have: the server writes it down before. What was typed on the
/// phone has left the house.
fn may_be_on_its_way(row: &Value, status: Option<&(DeliveryStatus, String)>) -> bool {
    let is_ours = row.get("key").is_some_and(|key| lenient::is_true(key, "fromMe"));
    let typed = matches!(row.get("source").and_then(Value::as_str), Some("android" | "ios" | "desktop"));
    is_ours && !typed && status.is_none_or(|(status, _)| *status < DeliveryStatus::Sent)
}
