//! What is sent.

use std::fmt;

use balcao_domain::message::{ChatAddress, GatewayId};
use serde_json::Value;

/// A message that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRef {
    /// Its id at the gateway.
    pub gateway_id: GatewayId,
    /// The chat it stands in.
    pub chat: ChatAddress,
    /// Whether the clinic sent it.
    pub from_me: bool,
}

/// The message that is answered.
pub type Quote = MessageRef;

/// One message to one chat.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// Where it goes: the address of the last message that came from there, best.
    pub to: ChatAddress,
    /// What it answers.
    pub quote: Option<Quote>,
    /// What it says.
    pub said: Said,
}

/// What a message says.
#[derive(Clone, PartialEq)]
pub enum Said {
    /// Text, 1 to 4,096 characters for Meta, 65,536 for others.
    Text(String),
    /// A file as a picture, a film, sound, or whatever it is.
    File {
        /// The file.
        file: File,
        /// How it is shown.
        shown: Attached,
        /// Text under it; sound has none.
        caption: String,
    },
    /// A voice note: Ogg with Opus, or what the gateway can make it from.
    Voice(File),
    /// An emoji on a message; empty takes it back.
    Reaction {
        /// On which.
        target: MessageRef,
        /// The emoji.
        emoji: String,
    },
    /// A text that Meta approved: all that may be said more than a day after the person's last message. Only the Cloud API
    /// has them.
    Template {
        /// Its name there.
        name: String,
        /// Its language there: `pt_BR`.
        language: String,
        /// Meta's `components`, with what is filled in.
        components: Value,
    },
}

/// How a file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attached {
    /// As a picture.
    Image,
    /// As a film.
    Video,
    /// As sound with a player.
    Audio,
    /// As a file with its name.
    Document,
}

impl Attached {
    /// How both gateways call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
        }
    }
}

/// A file to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// MIME type.
    pub mime_type: String,
    /// Name that the person sees.
    pub name: String,
}

/// Shows how large it is and not what it is.
impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({} bytes of {})", self.bytes.len(), self.mime_type)
    }
}

/// Shows the kind and not the words.
impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} characters)", text.chars().count()),
            Self::File { file, shown, .. } => write!(f, "{shown:?}({file:?})"),
            Self::Voice(file) => write!(f, "Voice({file:?})"),
            Self::Reaction { .. } => f.write_str("Reaction"),
            Self::Template { name, .. } => write!(f, "Template({name})"),
        }
    }
}
