//! What quick replies ask and are told.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::row_state::RowState;

/// The texts that are sent often, and who may change them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct QuickReplies {
    /// By their short name.
    pub replies: Vec<QuickReply>,
    /// Whether the member at this desk may change them.
    pub may_change: bool,
    /// Names of the places that the program fills in by itself.
    pub variables: Vec<String>,
}

/// A text that is sent often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct QuickReply {
    /// Which.
    pub id: Uuid,
    /// What is typed after the slash.
    pub shortcut: String,
    /// What it is called.
    pub title: String,
    /// What it says; `{{nome}}` is a place for a value.
    pub body: String,
    /// Whether it is already in the clinic's database.
    pub state: RowState,
}

/// Keeps a quick reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SaveQuickReply {
    /// Which; absent for a new one.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// 1 to 40 letters, digits, - and _; accents and capitals are taken off.
    pub shortcut: String,
    /// 1 to 80 characters.
    pub title: String,
    /// 1 to 4,096 characters.
    pub body: String,
}

/// Removes a quick reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RemoveQuickReply {
    /// Which.
    pub id: Uuid,
}

/// Fills in the places of a text for the person of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FillText {
    /// Whose thread.
    pub conversation_id: Uuid,
    /// The text, at most 4,096 characters.
    pub text: String,
    /// Values that the person at the desk has given, by name of the place; they go over what the program knows.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

/// A text with its places filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FilledText {
    /// The text; places without a value stand as they were.
    pub text: String,
    /// Names of the places without a value, in the order in which they stand.
    pub missing: Vec<String>,
}
