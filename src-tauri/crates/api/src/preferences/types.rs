//! Preferences of the person at this computer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::inbox::FilteredView;
use crate::notices::NotificationChoice;

/// Language of the screens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub enum Locale {
    /// Brazilian Portuguese.
    #[default]
    #[serde(rename = "pt-BR")]
    PtBr,
    /// English.
    #[serde(rename = "en")]
    En,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// What sends a message that is being written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SendKey {
    /// Enter; with Shift it begins a new line.
    #[default]
    Enter,
    /// Enter with Ctrl (or Command); alone it begins a new line.
    CtrlEnter,
}

/// Preferences of the person at this computer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct Preferences {
    /// Language of the screens.
    pub locale: Locale,
    /// Light or dark.
    pub theme: Theme,
    /// Views of the inbox that the person has made, in order.
    pub saved_views: Vec<SavedView>,
    /// What sends a message that is being written.
    pub send_key: SendKey,
    /// Emoji that the person has put in lately, the latest first, in the colour that has no tone of skin.
    pub recent_emoji: Vec<String>,
    /// What is said outside the window.
    pub notifications: NotificationChoice,
    /// Tone of skin of emoji that show people: 1, the lightest, to 5; 0 is none.
    pub emoji_tone: u8,
}

/// A view of the inbox with a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SavedView {
    /// Which.
    pub id: Uuid,
    /// What the person calls it.
    pub name: String,
    /// What it shows.
    pub shows: FilteredView,
}

/// How far back this computer copies, in days; 0 is all the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChooseWindow {
    /// Messages: 0, or 7 to 3650.
    pub message_days: u32,
    /// Visits: 0, or 7 to 3650. Those to come are always copied.
    pub appointment_days: u32,
}

/// How far back this computer copies, and what is missing of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct CopyWindow {
    /// Messages, in days; 0 is all the way.
    pub message_days: u32,
    /// Visits, in days; 0 is all the way.
    pub appointment_days: u32,
    /// Whether something of it is not here yet.
    pub missing: bool,
    /// How far fetching it is; absent while it waits for the line.
    pub widening: Option<Widening>,
}

/// How far fetching what a wider window lacks is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Widening {
    /// What is being fetched: appointments or messages.
    pub entity: String,
    /// Rows fetched.
    pub done: u32,
    /// Rows in all, about.
    pub total: u32,
}
