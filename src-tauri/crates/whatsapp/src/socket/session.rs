//! What the frames of one connection mean, in their order.

use std::time::Duration;

use serde_json::Value;

use super::assembly::{Assembly, Put};
use super::packet::{self, Packet};
use crate::gateway::Ended;

/// A connection, from the greeting on.
#[derive(Debug)]
pub struct Session {
    /// The namespace of an instance; `None` for the one that always is there.
    instance: Option<String>,
    assembly: Option<Assembly>,
    /// Whether it is of our namespace; those of others are only counted.
    assembly_is_ours: bool,
}

/// What a frame leads to.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Nothing to be done.
    Nothing,
    /// The server greeted: ask to be let in.
    Greeted {
        /// It must not be silent for longer.
        silence: Duration,
    },
    /// It asked whether we are there: say so.
    Pinged,
    /// We are in: from here on events come.
    Up,
    /// The namespace is not there yet: ask again later.
    NotYet,
    /// Something happened.
    Event {
        /// Its name.
        name: String,
        /// The payload, attachments in their places.
        payload: Value,
    },
    /// Something happened, and what came of it cannot be put together.
    Lost,
    /// The connection is over.
    End(Ended),
}

impl Session {
    /// A connection that wants to be let into the namespace of this instance, or into the one of all.
    pub fn new(instance: Option<&str>) -> Self {
        Self { instance: instance.map(str::to_owned), assembly: None, assembly_is_ours: false }
    }

    /// What to send to be let in.
    pub fn knock(&self) -> String {
        self.instance.as_ref().map_or_else(|| "40".to_owned(), |instance| format!("40/{instance},"))
    }

    /// Whether attachments must follow.
    pub fn is_waiting(&self) -> bool {
        self.assembly.is_some()
    }

    /// Takes a text frame.
    pub fn text(&mut self, frame: &str) -> Step {
        let Some(packet) = packet::read(frame) else {
            // How many attachments follow is not said, and they would be taken for another's.
            return match frame.starts_with("45") {
                true => Step::End(Ended::Protocol("an event does not say what belongs to it")),
                false => Step::Nothing,
            };
        };
        match packet {
            Packet::Open { silence } => Step::Greeted { silence },
            Packet::Close => Step::End(Ended::Closed),
            Packet::Ping => Step::Pinged,
            Packet::Other => Step::Nothing,
            Packet::Connected(namespace) if self.is_ours(namespace) => Step::Up,
            Packet::Disconnected(namespace) if self.is_ours(namespace) => Step::End(Ended::Closed),
            Packet::NotConnected { namespace, reason } if self.is_ours(namespace) => {
                match self.instance.is_some() && reason == "Invalid namespace" {
                    true => Step::NotYet,
                    false => Step::End(Ended::InvalidNamespace(reason)),
                }
            }
            Packet::Connected(_) | Packet::Disconnected(_) | Packet::NotConnected { .. } => Step::Nothing,
            Packet::Event { namespace, attachments, data } => {
                let is_ours = self.is_ours(namespace);
                self.event(is_ours, attachments, data)
            }
        }
    }

    fn event(&mut self, is_ours: bool, attachments: usize, data: Option<Value>) -> Step {
        // The server sends the attachments of an event before anything else.
        if self.assembly.take().is_some() {
            return Step::End(Ended::Protocol("an event came before the attachments of another"));
        }
        if attachments > 0 {
            self.assembly = Some(Assembly::new(data, attachments));
            self.assembly_is_ours = is_ours;
            return Step::Nothing;
        }
        if is_ours { data.map_or(Step::Lost, said) } else { Step::Nothing }
    }

    /// Takes a binary frame.
    pub fn binary(&mut self, frame: &[u8]) -> Step {
        // One that nobody announced belongs to nothing.
        let Some(assembly) = &mut self.assembly else { return Step::Nothing };
        let put = assembly.put(frame);
        if put == Put::Waiting {
            return Step::Nothing;
        }
        self.assembly = None;
        match put {
            _ if !self.assembly_is_ours => Step::Nothing,
            Put::Whole(data) => said(data),
            Put::Waiting | Put::Broken => Step::Lost,
        }
    }

    fn is_ours(&self, namespace: &str) -> bool {
        match &self.instance {
            Some(instance) => namespace.strip_prefix('/') == Some(instance),
            None => namespace == "/",
        }
    }
}

/// `[name, payload]`.
fn said(data: Value) -> Step {
    let Value::Array(items) = data else { return Step::Lost };
    let mut items = items.into_iter();
    match (items.next(), items.next()) {
        (Some(Value::String(name)), Some(payload)) => Step::Event { name, payload },
        // Somebody says something to every client of socket.io; a gateway never speaks without a payload.
        (Some(Value::String(_)), None) => Step::Nothing,
        _ => Step::Lost,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn event(name: &str, payload: Value) -> Step {
        Step::Event { name: name.to_owned(), payload }
    }

    #[test]
    fn a_connection_from_greeting_to_goodbye() {
        let mut session = Session::new(None);
        assert_eq!(session.knock(), "40");
        assert!(matches!(session.text(r#"0{"pingInterval":1,"pingTimeout":1}"#), Step::Greeted { .. }));
        assert_eq!(session.text(r#"40{"sid":"a"}"#), Step::Up);
        assert_eq!(session.text("2"), Step::Pinged);
        assert_eq!(session.text(r#"42["call",{"a":1}]"#), event("call", json!({"a": 1})));
        assert_eq!(session.text(r#"451-["call",{"a":{"_placeholder":true,"num":0}}]"#), Step::Nothing);
        assert!(session.is_waiting());
        assert_eq!(session.text("2"), Step::Pinged, "a ping between an event and its bytes is answered");
        assert_eq!(session.binary(b"JP\xff"), event("call", json!({"a": "SlD/"})));
        assert_eq!(session.text("41"), Step::End(Ended::Closed));
    }

    #[test]
    fn the_namespace_of_an_instance_is_asked_for_again_and_others_are_not_ours() {
        let mut session = Session::new(Some("recepção"));
        assert_eq!(session.knock(), "40/recepção,");
        assert_eq!(session.text(r#"44/recepção,{"message":"Invalid namespace"}"#), Step::NotYet);
        assert_eq!(session.text(r#"40{"sid":"a"}"#), Step::Nothing);
        assert_eq!(session.text(r#"42["call",{"a":1}]"#), Step::Nothing);
        assert_eq!(session.text(r#"451-/outra,["call",{"a":{"_placeholder":true,"num":0}}]"#), Step::Nothing);
        assert_eq!(session.binary(b"x"), Step::Nothing);
        assert_eq!(session.text(r#"40/recepção,{"sid":"b"}"#), Step::Up);
        assert_eq!(session.text(r#"42/recepção,["call",{"a":1}]"#), event("call", json!({"a": 1})));
    }

    #[test]
    fn the_namespace_of_all_is_never_missing_for_long() {
        let refused = Session::new(None).text(r#"44{"message":"Invalid namespace"}"#);
        assert_eq!(refused, Step::End(Ended::InvalidNamespace("Invalid namespace".to_owned())));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_connection_goes_on() {
        let mut session = Session::new(None);
        assert_eq!(session.text("42[nonsense"), Step::Lost);
        assert_eq!(session.text("42{}"), Step::Lost);
        assert_eq!(session.text("9"), Step::Nothing);
        assert_eq!(session.binary(b"nobody announced this"), Step::Nothing);
        assert_eq!(session.text(r#"451-["call",{"a":{"_placeholder":true,"num":4}}]"#), Step::Nothing);
        assert_eq!(session.binary(b"x"), Step::Lost);
        assert_eq!(session.text(r#"42["call",1]"#), event("call", json!(1)));
    }

    #[test]
    fn bytes_are_never_taken_for_those_of_another_event() {
        let mut session = Session::new(None);
        assert_eq!(session.text("452-[nonsense"), Step::Nothing);
        assert_eq!((session.binary(b"x"), session.binary(b"y")), (Step::Nothing, Step::Lost));
        assert!(matches!(session.text("45many-[nonsense"), Step::End(Ended::Protocol(_))));
        let mut session = Session::new(None);
        assert_eq!(session.text(r#"452-["a",1]"#), Step::Nothing);
        assert!(matches!(session.text(r#"451-["b",1]"#), Step::End(Ended::Protocol(_))));
    }

    #[derive(Debug, Clone)]
    enum Frame {
        Text(String),
        Binary(Vec<u8>),
    }

    fn frames() -> impl Strategy<Value = Vec<Frame>> {
        let likely = prop::sample::select(vec![
            "2".to_owned(),
            "40{\"sid\":\"a\"}".to_owned(),
            "42[\"a\",{}]".to_owned(),
            "451-[\"a\",{\"_placeholder\":true,\"num\":0}]".to_owned(),
            "452-[\"a\",{\"_placeholder\":true,\"num\":1}]".to_owned(),
            "44{\"message\":\"x\"}".to_owned(),
        ]);
        let frame = prop_oneof![
            4 => likely.prop_map(Frame::Text),
            1 => "4?[0-6]{0,2}[0-9]?-?(/[a-z]*,)?\\PC{0,20}".prop_map(Frame::Text),
            3 => prop::collection::vec(any::<u8>(), 0..9).prop_map(Frame::Binary),
        ];
        prop::collection::vec(frame, 0..40)
    }

    proptest! {
        #[test]
        fn no_order_of_frames_panics_or_waits_for_more_than_was_announced(frames in frames()) {
            let mut session = Session::new(None);
            let mut binaries_in_a_row = 0;
            for frame in &frames {
                match frame {
                    Frame::Text(text) => { session.text(text); }
                    Frame::Binary(bytes) => { session.binary(bytes); }
                }
                binaries_in_a_row = if matches!(frame, Frame::Binary(_)) { binaries_in_a_row + 1 } else { 0 };
                let announced = packet::MAX_ATTACHMENTS;
                prop_assert!(!session.is_waiting() || binaries_in_a_row <= announced);
            }
        }
    }
}
