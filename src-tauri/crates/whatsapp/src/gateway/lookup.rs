//! What is looked for at a gateway.

use std::fmt;

use balcao_domain::message::{ChatAddress, Content, GatewayMessage};
use balcao_domain::phone::Phone;

use super::Window;
use crate::address::{self, Peer};

/// A number that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberFound {
    /// As it was asked.
    pub phone: Phone,
    /// Where it is reached, `None` when it has no WhatsApp.
    pub chat: Option<ChatAddress>,
}

/// A message whose sending has no known outcome.
#[derive(Clone, PartialEq)]
pub struct Search {
    /// Where it went.
    pub chat: ChatAddress,
    /// Its kind, as [`Content::kind`] says.
    pub kind: &'static str,
    /// Its words, as [`Content::body`] says.
    pub body: String,
    /// When it can have gone out.
    pub window: Window,
}

impl Search {
    /// Whether this may be the message.
    pub fn fits(&self, found: &GatewayMessage) -> bool {
        found.from_me && found.content.kind() == self.kind && self.says_the_same(&found.content) && self.is_to(found)
    }

    fn says_the_same(&self, found: &Content) -> bool {
        // Gateways trim, and end lines as they please.
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        plain(&found.body()) == plain(&self.body)
    }

    /// The same chat may be spelt with and without a ninth digit, and by an account that hides the number: that one cannot
    /// be told from others, so only another number says no.
    fn is_to(&self, found: &GatewayMessage) -> bool {
        let asked = address::peer(self.chat.as_str());
        match (asked, &found.person.phone, &found.person.lid) {
            _ if found.chat == self.chat => true,
            (Peer::Phone(asked), Some(phone), _) => asked.same_person(phone),
            (Peer::Lid(asked), _, Some(lid)) => asked == *lid,
            (Peer::Phone(_), None, Some(_)) | (Peer::Lid(_), Some(_), None) => true,
            _ => false,
        }
    }
}

/// Shows neither the words nor the number.
impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Search({} within {:?})", self.kind, self.window)
    }
}
