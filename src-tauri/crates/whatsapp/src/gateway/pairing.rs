//! How a connection is made and how it is.

use std::fmt;

use balcao_domain::message::ConnectionState;
use balcao_domain::phone::Phone;

use super::Key;

/// How a connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    /// As far as the gateway knows: connected may also be a connection that is dead.
    pub state: ConnectionState,
    /// The clinic's own number, where it is told.
    pub phone: Option<Phone>,
    /// Why WhatsApp closed it, by its number; 401, 402, 403 and 406 want a new pairing.
    pub closed_by: Option<i64>,
}

impl LinkState {
    /// Whether only reading a QR code brings it back.
    pub fn needs_pairing(&self) -> bool {
        matches!(self.state, ConnectionState::Pairing | ConnectionState::Refused)
            || (self.state != ConnectionState::Connected && matches!(self.closed_by, Some(401 | 402 | 403 | 406)))
    }
}

/// What the phone must read, or that it has.
#[derive(Clone, PartialEq, Eq)]
pub enum Pairing {
    /// It is connected already.
    Connected,
    /// The phone must read this, within about 40 seconds.
    Code {
        /// What the QR code says; a secret as long as it lasts.
        code: String,
        /// Eight characters to type on the phone instead, where a number was given.
        pairing_code: Option<String>,
    },
    /// The gateway has none yet: ask again in a moment.
    NotYet,
}

impl Pairing {
    /// What is typed on the phone, as the phone shows it: four signs and four.
    pub fn typed(&self) -> Option<String> {
        let Self::Code { pairing_code: Some(code), .. } = self else { return None };
        let signs: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
        (signs.len() == 8).then(|| format!("{}-{}", &signs[..4], &signs[4..]).to_ascii_uppercase())
    }
}

/// Shows no code.
impl fmt::Debug for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connected => "Connected",
            Self::Code { .. } => "Code(…)",
            Self::NotYet => "NotYet",
        })
    }
}

/// A connection that was made at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInstance {
    /// A key for it alone, to be kept instead of the one that may do everything.
    pub key: Option<Key>,
    /// The first QR code.
    pub pairing: Pairing,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its version: `2.3.7`.
    pub version: Option<String>,
}

/// What an instance hands to its own stream; a server in global mode hands everything to everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SocketSetting {
    /// Whether it has a stream of its own.
    pub enabled: bool,
    /// Names of events in it, in the spelling of the settings; none means all.
    pub events: Vec<String>,
}
