//! What a gateway tells us, in our own words: messages, what happens to them later, and the state of the connection.

mod content;
mod effect;

use std::fmt;

use chrono::{DateTime, Utc};

pub use content::{Choice, ContactCard, Content, Media, Place};
pub use effect::{DeliveryStatus, Effect, MessageState, Reaction};

use crate::phone::Phone;

/// Longest text of a message, in characters. What is longer is cut where it enters.
pub const MAX_BODY_CHARS: usize = 65_536;

/// The gateway's id of a message: unique within a channel, and what makes a repetition visible. 1 to 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayId(String);

impl GatewayId {
    /// Longest id, in characters.
    pub const MOST_CHARS: usize = 200;

    /// `None` for text that cannot be an id: empty, longer than 200 characters, or with control characters.
    pub fn new(id: &str) -> Option<Self> {
        let plausible = !id.is_empty() && id.chars().count() <= Self::MOST_CHARS && !id.chars().any(char::is_control);
        plausible.then(|| Self(id.to_owned()))
    }

    /// As the gateway spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a reply goes: a chat as the gateway addresses it (`5511988887777@s.whatsapp.net`, `1234@lid`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ChatAddress(String);

impl ChatAddress {
    /// Takes the address as it is; at most 200 characters, `None` otherwise.
    pub fn new(address: &str) -> Option<Self> {
        let plausible = !address.is_empty() && address.len() <= 200 && !address.chars().any(char::is_control);
        plausible.then(|| Self(address.to_owned()))
    }

    /// The chat of a number that has not written yet. The gateway may know it by another spelling.
    pub fn of_phone(phone: &Phone) -> Self {
        Self(format!("{}@s.whatsapp.net", phone.digits()))
    }

    /// As the gateway spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shows only the server part: the rest may be a patient's number.
impl fmt::Debug for ChatAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChatAddress(…@{})", self.0.rsplit('@').next().unwrap_or_default())
    }
}

/// An account that WhatsApp shows without its number. Its digits are no phone number and never become one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lid(String);

impl Lid {
    /// The user part of an address on `lid`: 1 to 40 digits. `None` for anything else.
    pub fn new(user: &str) -> Option<Self> {
        let plausible = (1..=40).contains(&user.len()) && user.bytes().all(|byte| byte.is_ascii_digit());
        plausible.then(|| Self(user.to_owned()))
    }

    /// The digits, without the server.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// By what a person is known to the gateway. At least one of the two is there; both together teach that they are one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The number, where the gateway gave a real one.
    pub phone: Option<Phone>,
    /// The account without a number.
    pub lid: Option<Lid>,
}

impl Person {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        self.phone.is_none() && self.lid.is_none()
    }
}

/// How a message came to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// Just now, from the person or from the clinic's own phone.
    Live,
    /// With the history that WhatsApp hands over after pairing.
    History,
    /// As the echo of a message that some program sent through the gateway.
    Api,
}

/// A message in a chat with one person.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewayMessage {
    /// Its id at the gateway.
    pub gateway_id: GatewayId,
    /// The chat it stands in; a reply goes there.
    pub chat: ChatAddress,
    /// Who the chat is with, also where the message is ours.
    pub person: Person,
    /// Whether the clinic sent it.
    pub from_me: bool,
    /// How the person calls itself. Never the clinic's own name, never digits.
    pub push_name: Option<String>,
    /// When it was sent, by WhatsApp's clock.
    pub sent_at: DateTime<Utc>,
    /// What it says.
    pub content: Content,
    /// The message it answers.
    pub reply_to: Option<GatewayId>,
    /// First words of the message it answers, at most 300 characters.
    pub quoted_preview: Option<String>,
    /// How far it has come, where the clinic sent it and the gateway says.
    pub status: Option<DeliveryStatus>,
    /// How it came to us.
    pub via: Via,
}

impl GatewayMessage {
    /// How far a message of ours has come, `None` for one of the person. What was typed on the phone or stands in the
    /// history has left the house; an echo without a word about it has at least been handed over.
    pub fn initial_status(&self) -> Option<DeliveryStatus> {
        let least = match (self.via, self.status) {
            (Via::Api, Some(_)) => DeliveryStatus::Sending,
            _ => DeliveryStatus::Sent,
        };
        self.from_me.then(|| self.status.map_or(least, |status| status.climb(least)))
    }
}

/// State of the clinic's connection to WhatsApp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// Messages flow, as far as the gateway knows.
    Connected,
    /// The gateway is trying.
    Connecting,
    /// It waits for the QR code to be read.
    Pairing,
    /// Not connected.
    Disconnected,
    /// WhatsApp refused, or nobody read the QR code in time.
    Refused,
}

/// Why an event of the gateway changes nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// A chat with more than two: groups, communities, broadcasts, status posts, newsletters.
    NotOnePerson,
    /// A kind of event that this program has no use for.
    NoUse,
    /// What WhatsApp's programs tell each other; people see nothing of it.
    Housekeeping,
    /// A delivery status with a name nobody knows, or without meaning for people.
    UnknownStatus,
    /// What is needed to understand it is missing or of another shape.
    Malformed,
}

/// One thing that an event of the gateway says.
#[derive(Debug, Clone, PartialEq)]
pub enum GatewayEvent {
    /// A message, perhaps one that is known already.
    Message(Box<GatewayMessage>),
    /// Something happened to a message, perhaps to one that has not come yet.
    Effect {
        /// Which message.
        gateway_id: GatewayId,
        /// What happened to it.
        effect: Effect,
    },
    /// The connection changed.
    Connection {
        /// How it is now.
        state: ConnectionState,
        /// The clinic's own number, where the gateway says it.
        phone: Option<Phone>,
    },
    /// What the gateway knows of a person. It makes nobody known who has not written: a phone's address book is not
    /// the clinic's.
    Contact {
        /// Who.
        person: Person,
        /// How the person calls itself. Never digits.
        push_name: Option<String>,
    },
    /// Understood, and of no consequence.
    Ignored(Ignored),
    /// An event with a name nobody knows; at most 80 characters of it.
    Unknown(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(from_me: bool, via: Via, status: Option<DeliveryStatus>) -> GatewayMessage {
        GatewayMessage {
            gateway_id: GatewayId::new("3A01").unwrap(),
            chat: ChatAddress::new("5511988887777@s.whatsapp.net").unwrap(),
            person: Person::default(),
            from_me,
            push_name: None,
            sent_at: DateTime::UNIX_EPOCH,
            content: Content::Text("oi".to_owned()),
            reply_to: None,
            quoted_preview: None,
            status,
            via,
        }
    }

    #[test]
    fn only_our_messages_have_a_delivery_status() {
        let theirs = message(false, Via::Live, Some(DeliveryStatus::Delivered));
        assert_eq!(theirs.initial_status(), None);
    }

    #[test]
    fn what_was_typed_on_the_phone_has_left_the_house() {
        use DeliveryStatus::{Read, Sending, Sent};
        assert_eq!(message(true, Via::Live, Some(Sending)).initial_status(), Some(Sent));
        assert_eq!(message(true, Via::History, None).initial_status(), Some(Sent));
        assert_eq!(message(true, Via::History, Some(Read)).initial_status(), Some(Read));
        assert_eq!(message(true, Via::Api, Some(Sending)).initial_status(), Some(Sending), "not acknowledged yet");
        assert_eq!(message(true, Via::Api, None).initial_status(), Some(Sent));
    }

    #[test]
    fn an_id_or_address_that_cannot_be_one_is_refused() {
        assert_eq!(GatewayId::new(""), None);
        assert_eq!(GatewayId::new("a\0b"), None);
        assert_eq!(GatewayId::new(&"x".repeat(201)), None);
        assert_eq!(ChatAddress::new("a\nb@lid"), None);
        assert_eq!(Lid::new("12a"), None);
        assert_eq!(Lid::new(""), None);
    }

    #[test]
    fn debug_shows_no_number() {
        assert_eq!(
            format!("{:?}", ChatAddress::new("5511988887777@s.whatsapp.net").unwrap()),
            "ChatAddress(…@s.whatsapp.net)"
        );
    }
}
