//! What search asks and is told.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

/// Searches people and messages, accents ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SearchEverything {
    /// Piece of a name, of a phone, or words of a message.
    pub text: String,
    /// Results of each kind, at most 50.
    pub limit: u32,
    /// Only these messages.
    #[serde(default)]
    pub scope: SearchScope,
}

/// Which messages are searched; what is absent narrows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct SearchScope {
    /// Of this conversation.
    pub conversation_id: Option<Uuid>,
    /// Sent at or after this instant.
    pub from: Option<DateTime<Utc>>,
    /// Sent before this instant.
    pub until: Option<DateTime<Utc>>,
}

/// What was found in the copy on this computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SearchResults {
    /// People, the latest to talk first.
    pub people: Vec<FoundPerson>,
    /// Messages, newest first.
    pub messages: Vec<FoundMessage>,
}

/// Searches messages from before the window of the copy, in the clinic's database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SearchOlder {
    /// Words of a message, in any of their forms.
    pub text: String,
    /// Only before this instant; absent for everything that the copy does not have.
    #[serde(default)]
    pub before: Option<DateTime<Utc>>,
    /// Only these messages.
    #[serde(default)]
    pub scope: SearchScope,
}

/// What was found there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FoundOlder {
    /// Newest first.
    pub messages: Vec<FoundMessage>,
    /// Whether there are more before the last of them.
    pub more: bool,
}

/// A person that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FoundPerson {
    /// The contact.
    pub contact_id: Uuid,
    /// Name to show.
    pub name: String,
    /// Phone as people write it.
    pub phone: Option<String>,
    /// The latest conversation with this person.
    pub conversation_id: Option<Uuid>,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FoundMessage {
    /// The message.
    pub id: Uuid,
    /// Its conversation.
    pub conversation_id: Uuid,
    /// Who the conversation is with.
    pub name: String,
    /// The text in pieces; the found words are marked.
    pub snippet: Vec<SnippetPiece>,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SnippetPiece {
    /// The text.
    pub text: String,
    /// Whether it is what was searched for.
    pub found: bool,
}
