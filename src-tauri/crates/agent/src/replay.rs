//! Recorded events of a gateway, put through the same way as live ones.

use std::collections::{BTreeMap, HashMap};

use balcao_domain::clock::Clock;
use balcao_domain::message::{Content, GatewayEvent};
use balcao_tenant::{Error, IngestOutcome, RawEvent, Tenant};
use balcao_whatsapp as whatsapp;
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};
use uuid::Uuid;

/// Longest line that is read, in bytes. A history of a phone comes in parts of a few megabytes.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;
/// The channel of events that name none.
const NAMELESS_CHANNEL: &str = "WhatsApp";

/// What became of a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Lines read, without empty ones.
    pub lines: u64,
    /// Events that were new.
    pub stored: u64,
    /// Events that were known already: nothing was changed.
    pub already_known: u64,
    /// New messages.
    pub messages: u64,
    /// Messages that came again in another event.
    pub repeated_messages: u64,
    /// Delivery statuses.
    pub statuses: u64,
    /// Edits, deletions and reactions.
    pub changes: u64,
    /// Statuses and changes whose message has not come yet.
    pub waiting: u64,
    /// Parts of events that are of no consequence.
    pub ignored: u64,
    /// Kinds of messages that are shown as unsupported, and how many of each were in new events.
    pub unsupported_kinds: BTreeMap<String, u64>,
    /// Names of events that nobody knows, and how many of each were new.
    pub unknown_events: BTreeMap<String, u64>,
    /// Parts of new events that have an unknown shape.
    pub not_understood: u64,
    /// Numbers of the lines that could not be read, from 1.
    pub damaged_lines: Vec<u64>,
}

/// What is told while a recording is read.
pub enum Progress<'a> {
    /// A line cannot be used; the next ones can.
    Damaged {
        /// Its number, from 1.
        line: u64,
        /// Why. It quotes nothing of the line.
        reason: String,
    },
    /// So much is done.
    Done(&'a Summary),
}

/// Why a recording was given up.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read any further.
    #[error("the recording cannot be read after line {line}")]
    Unreadable {
        /// The last line that was read.
        line: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database does not take any more.
    #[error("line {line} could not be stored")]
    NotStored {
        /// The line; those before it are stored.
        line: u64,
        /// What the database said.
        source: Error,
    },
}

impl ReplayError {
    /// Whether running it again cannot help until somebody changes something.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Unreadable { .. } => true,
            Self::NotStored { source, .. } => source.is_permanent(),
        }
    }
}

/// Stores every event of a recording, one JSON object `{event, payload}` a line, and goes on after lines that are
/// damaged. Events go to the channel of this name, or to the one that each names itself; a channel that is not there
/// is made. `told` hears of every damaged line, and of the state after every line.
///
/// # Errors
/// [`ReplayError`]. What was stored before stays, and running it again stores only the rest.
pub async fn replay(
    tenant: &Tenant,
    recording: impl AsyncBufRead + Unpin,
    channel: Option<&str>,
    clock: &Clock,
    mut told: impl FnMut(Progress<'_>),
) -> Result<Summary, ReplayError> {
    let mut lines = Lines { recording, number: 0, bytes: Vec::new() };
    let mut summary = Summary::default();
    let mut channels = Channels { tenant, given: channel, known: HashMap::new() };
    while let Some((line, read)) = lines.next().await? {
        let event = match read.and_then(recorded) {
            Ok(Some(event)) => event,
            Ok(None) => continue,
            Err(reason) => {
                summary.lines += 1;
                summary.damaged_lines.push(line);
                told(Progress::Damaged { line, reason });
                continue;
            }
        };
        summary.lines += 1;
        match store(&mut channels, event, clock, &mut summary).await {
            Ok(()) => {}
            Err(refused) if is_about_the_line(&refused) => {
                summary.damaged_lines.push(line);
                told(Progress::Damaged { line, reason: refused.to_string() });
            }
            Err(source) => return Err(ReplayError::NotStored { line, source }),
        }
        told(Progress::Done(&summary));
    }
    Ok(summary)
}

async fn store(
    channels: &mut Channels<'_>,
    event: Recorded,
    clock: &Clock,
    summary: &mut Summary,
) -> Result<(), Error> {
    let payload = whatsapp::scrub(&event.payload);
    let received_at = clock.now();
    let events = whatsapp::parse(&event.event, &payload, received_at);
    let channel = channels.of(&payload).await?;
    let raw = RawEvent {
        digest: whatsapp::digest(&event.event, &payload),
        event: whatsapp::canonical_name(&event.event),
        payload,
        received_at,
    };
    match channels.tenant.ingest(channel, &raw, &events).await? {
        IngestOutcome::AlreadyKnown => summary.already_known += 1,
        IngestOutcome::Stored { messages, repeated, statuses, changes, waiting, ignored, not_understood, .. } => {
            summary.stored += 1;
            summary.messages += u64::from(messages);
            summary.repeated_messages += u64::from(repeated);
            summary.statuses += u64::from(statuses);
            summary.changes += u64::from(changes);
            summary.waiting += u64::from(waiting);
            summary.ignored += u64::from(ignored);
            for event in &events {
                match event {
                    GatewayEvent::Unknown(name) => *summary.unknown_events.entry(name.clone()).or_default() += 1,
                    GatewayEvent::Message(message) => {
                        if let Content::Unsupported { kind } = &message.content {
                            *summary.unsupported_kinds.entry(kind.clone()).or_default() += 1;
                        }
                    }
                    _ => {}
                }
            }
            let unknown = events.iter().filter(|event| matches!(event, GatewayEvent::Unknown(_))).count();
            summary.not_understood += u64::from(not_understood).saturating_sub(unknown as u64);
        }
    }
    Ok(())
}

/// Whether the database refuses what is in this line, and would take others.
fn is_about_the_line(error: &Error) -> bool {
    matches!(error, Error::Database { .. } | Error::Constraint { .. } | Error::InvalidRequest { .. })
}

struct Recorded {
    event: String,
    payload: Value,
}

/// Reads a line; `None` for an empty one.
fn recorded(bytes: &[u8]) -> Result<Option<Recorded>, String> {
    let bytes = bytes.trim_ascii();
    if bytes.is_empty() {
        return Ok(None);
    }
    let line: Value = serde_json::from_slice(bytes).map_err(|error| {
        let column = error.column();
        if error.is_eof() { "it ends in the middle".to_owned() } else { format!("it is not JSON (column {column})") }
    })?;
    let Value::Object(mut line) = line else { return Err("it is not an object {event, payload}".to_owned()) };
    let payload = match line.remove("payload") {
        Some(payload @ Value::Object(_)) => payload,
        _ => return Err("it has no payload".to_owned()),
    };
    // The payload repeats the name of its event.
    let named = |object: Option<&Value>| {
        let name: String = object?.as_str()?.trim().chars().filter(|sign| *sign != '\0').take(80).collect();
        Some(name).filter(|name| !name.is_empty())
    };
    let event = named(line.get("event")).or_else(|| named(payload.get("event")));
    Ok(Some(Recorded { event: event.ok_or("it does not name its event")?, payload }))
}

struct Channels<'a> {
    tenant: &'a Tenant,
    given: Option<&'a str>,
    known: HashMap<String, Uuid>,
}

impl Channels<'_> {
    async fn of(&mut self, payload: &Value) -> Result<Uuid, Error> {
        let name = self.given.or_else(|| whatsapp::instance(payload)).unwrap_or(NAMELESS_CHANNEL);
        if let Some(channel) = self.known.get(name) {
            return Ok(*channel);
        }
        let channel = self.tenant.channel_named(name).await?;
        self.known.insert(name.to_owned(), channel);
        Ok(channel)
    }
}

struct Lines<R> {
    recording: R,
    number: u64,
    bytes: Vec<u8>,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// The next line with its number, `None` at the end. A line that is too long is skipped and refused.
    async fn next(&mut self) -> Result<Option<(u64, Result<&[u8], String>)>, ReplayError> {
        self.bytes.clear();
        let unreadable = |line| move |source| ReplayError::Unreadable { line, source };
        let mut limited = (&mut self.recording).take(MAX_LINE_BYTES);
        let read = limited.read_until(b'\n', &mut self.bytes).await.map_err(unreadable(self.number))?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if read as u64 == MAX_LINE_BYTES && self.bytes.last() != Some(&b'\n') {
            self.skip_rest().await.map_err(unreadable(self.number))?;
            return Ok(Some((self.number, Err("it is longer than 64 MiB".to_owned()))));
        }
        const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
        let bytes = match self.number {
            1 => self.bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.bytes),
            _ => &self.bytes,
        };
        Ok(Some((self.number, Ok(bytes))))
    }

    async fn skip_rest(&mut self) -> std::io::Result<()> {
        loop {
            let available = self.recording.fill_buf().await?;
            if available.is_empty() {
                return Ok(());
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let consumed = end.map_or(available.len(), |end| end + 1);
            self.recording.consume(consumed);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> String {
        recorded(line.as_bytes()).err().unwrap_or_else(|| panic!("{line:?} was taken"))
    }

    #[test]
    fn a_damaged_line_says_why_and_quotes_nothing() {
        assert_eq!(refusal(r#"{"event": "messages.upsert", "payload": {"da"#), "it ends in the middle");
        assert!(refusal("Maria 11 98888-7777").starts_with("it is not JSON (column"));
        assert_eq!(refusal("[1]"), "it is not an object {event, payload}");
        assert_eq!(refusal(r#"{"event": "call"}"#), "it has no payload");
        assert_eq!(refusal(r#"{"payload": {}}"#), "it does not name its event");
        assert!(recorded(&[b'{', 0xff, b'}']).is_err(), "not UTF-8");
    }

    #[test]
    fn empty_lines_and_a_name_inside_the_payload_are_fine() {
        assert!(recorded(b" \r\n").unwrap().is_none());
        let line = recorded(br#"{"payload": {"event": "call"}}"#).unwrap().unwrap();
        assert_eq!(line.event, "call");
    }

    #[tokio::test]
    async fn lines_are_numbered_as_an_editor_numbers_them() {
        let text = "\u{feff}{\"a\":1}\r\n\n{\"b\":2}";
        let mut lines = Lines { recording: text.as_bytes(), number: 0, bytes: Vec::new() };
        let mut seen = Vec::new();
        while let Some((number, line)) = lines.next().await.unwrap() {
            seen.push((number, String::from_utf8(line.unwrap().trim_ascii().to_vec()).unwrap()));
        }
        assert_eq!(seen, [(1, "{\"a\":1}".to_owned()), (2, String::new()), (3, "{\"b\":2}".to_owned())]);
    }
}
