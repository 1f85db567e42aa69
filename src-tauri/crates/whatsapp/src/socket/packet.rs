//! One text frame: an Engine.IO packet, and the socket.io packet within it.

use std::time::Duration;

use serde_json::Value;

/// Attachments that one event may announce: a history of thousands of messages has some of each.
pub const MAX_ATTACHMENTS: usize = 100_000;

/// What a text frame says.
#[derive(Debug, Clone, PartialEq)]
pub enum Packet<'a> {
    /// The server greets. It must not be silent for longer than this.
    Open {
        /// The time between two pings, and how late one may be.
        silence: Duration,
    },
    /// It says goodbye.
    Close,
    /// It wants to know whether we are there.
    Ping,
    /// It lets us into a namespace.
    Connected(&'a str),
    /// It shows us out of one.
    Disconnected(&'a str),
    /// It does not let us in.
    NotConnected {
        /// Which namespace.
        namespace: &'a str,
        /// Its words.
        reason: String,
    },
    /// Something happened.
    Event {
        /// In which namespace.
        namespace: &'a str,
        /// Binary frames that follow and belong to it.
        attachments: usize,
        /// `[name, payload, …]`; `None` where it cannot be read.
        data: Option<Value>,
    },
    /// Something a client does not care about.
    Other,
}

/// Reads a text frame; `None` for what no server says.
pub fn read(frame: &str) -> Option<Packet<'_>> {
    let kind = *frame.as_bytes().first()?;
    let rest = frame.get(1..)?;
    match kind {
        b'0' => open(rest),
        b'1' => Some(Packet::Close),
        b'2' => Some(Packet::Ping),
        b'4' => message(rest),
        // Pong, upgrade and noop.
        b'3' | b'5' | b'6' => Some(Packet::Other),
        _ => None,
    }
}

fn open(json: &str) -> Option<Packet<'_>> {
    /// A server that is silent for longer would not be noticed to be gone.
    const LONGEST: u64 = 10 * 60 * 1000;
    let greeting: Value = serde_json::from_str(json).ok()?;
    let milliseconds = |key: &str| greeting.get(key).and_then(Value::as_u64);
    let silence = milliseconds("pingInterval")?.saturating_add(milliseconds("pingTimeout")?);
    Some(Packet::Open { silence: Duration::from_millis(silence.clamp(1, LONGEST)) })
}

fn message(rest: &str) -> Option<Packet<'_>> {
    let kind = *rest.as_bytes().first()?;
    let rest = rest.get(1..)?;
    let (attachments, rest) = match kind {
        b'5' | b'6' => {
            let (count, rest) = rest.split_once('-')?;
            (count.parse().ok().filter(|count| *count <= MAX_ATTACHMENTS)?, rest)
        }
        _ => (0, rest),
    };
    let (namespace, rest) = namespace(rest);
    match kind {
        b'0' => Some(Packet::Connected(namespace)),
        b'1' => Some(Packet::Disconnected(namespace)),
        b'2' | b'5' => {
            // Digits before the data ask for an acknowledgement, which no gateway waits for.
            let data = serde_json::from_str(rest.trim_start_matches(|sign: char| sign.is_ascii_digit())).ok();
            Some(Packet::Event { namespace, attachments, data })
        }
        b'3' | b'6' => Some(Packet::Other),
        b'4' => Some(Packet::NotConnected { namespace, reason: reason(rest) }),
        _ => None,
    }
}

/// The namespace, `/` where none is said, and what follows it.
fn namespace(rest: &str) -> (&str, &str) {
    if !rest.starts_with('/') {
        return ("/", rest);
    }
    let (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
    // A query may follow the name.
    (namespace.split('?').next().unwrap_or(namespace), rest)
}

fn reason(json: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    let words = value.as_str().or_else(|| value.get("message")?.as_str()).unwrap_or("no reason");
    words.chars().filter(|sign| !sign.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_server_greets_with_the_time_it_may_be_silent() {
        let frame = r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        assert_eq!(read(frame), Some(Packet::Open { silence: Duration::from_secs(45) }));
        assert_eq!(read("0{}"), None, "without a time nobody knows when it is dead");
        let Some(Packet::Open { silence }) = read(r#"0{"pingInterval":18446744073709551615,"pingTimeout":9}"#) else {
            panic!("a strange time is still a greeting")
        };
        assert!(silence <= Duration::from_secs(600));
    }

    #[test]
    fn events_are_read_with_and_without_namespace_acknowledgement_and_attachments() {
        let data = json!(["messages.upsert", {"a": 1}]);
        for (frame, namespace, attachments) in [
            (r#"42["messages.upsert",{"a":1}]"#, "/", 0),
            (r#"4213["messages.upsert",{"a":1}]"#, "/", 0),
            (r#"42/recepção 1,["messages.upsert",{"a":1}]"#, "/recepção 1", 0),
            (r#"42/a?x=1,7["messages.upsert",{"a":1}]"#, "/a", 0),
            (r#"453-["messages.upsert",{"a":1}]"#, "/", 3),
            (r#"4512-/a,["messages.upsert",{"a":1}]"#, "/a", 12),
        ] {
            assert_eq!(
                read(frame),
                Some(Packet::Event { namespace, attachments, data: Some(data.clone()) }),
                "{frame}"
            );
        }
    }

    #[test]
    fn being_let_in_and_shown_out_names_the_namespace() {
        assert_eq!(read(r#"40{"sid":"y"}"#), Some(Packet::Connected("/")));
        assert_eq!(read(r#"40/a,{"sid":"y"}"#), Some(Packet::Connected("/a")));
        assert_eq!(read("41/a,"), Some(Packet::Disconnected("/a")));
        assert_eq!(read("41"), Some(Packet::Disconnected("/")));
        let refused = Packet::NotConnected { namespace: "/a", reason: "Invalid namespace".to_owned() };
        assert_eq!(read(r#"44/a,{"message":"Invalid namespace"}"#), Some(refused));
    }

    #[test]
    fn what_no_server_says_is_nothing() {
        for frame in ["", "4", "45", "45-[]", "45x-[]", "452[]", "459999999999999999999-[]", "9", "é", "4é"] {
            assert_eq!(read(frame), None, "{frame:?}");
        }
        let too_many = format!("45{}-[\"a\"]", MAX_ATTACHMENTS + 1);
        assert_eq!(read(&too_many), None);
    }

    #[test]
    fn an_event_that_cannot_be_read_still_says_how_many_attachments_follow() {
        let unread = |attachments| Some(Packet::Event { namespace: "/", attachments, data: None });
        assert_eq!(read("42"), unread(0));
        assert_eq!(read("453-[nonsense"), unread(3));
        let deep = format!("42{}", "[".repeat(100_000));
        assert_eq!(read(&deep), unread(0), "a parser that recursed would overflow");
    }

    proptest! {
        #[test]
        fn no_frame_panics(frame in "\\PC*") {
            let _ = read(&frame);
        }

        #[test]
        fn no_frame_that_begins_well_panics(head in "[0-6]{0,3}[0-9]{0,12}-?", rest in "(/[a-z?,]*)?[\\[\\]{}\":,a-z0-9é]{0,40}") {
            let _ = read(&format!("{head}{rest}"));
        }
    }
}
