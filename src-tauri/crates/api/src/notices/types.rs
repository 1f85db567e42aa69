//! What is said outside the window.

use balcao_domain::notification as rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::error::ApiError;

/// Of whose threads something is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotifyOf {
    /// One's own, and those that are nobody's yet.
    #[default]
    MineAndNobodys,
    /// Everybody's.
    Everybodys,
}

/// How much of a message is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotifyWith {
    /// That there is one.
    Nothing,
    /// From whom it is. Others may see the screen, too.
    #[default]
    Name,
    /// What it says, too.
    Everything,
}

/// Hours of the day in which nothing is said, by the clinic's clock; past midnight where the end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct QuietHours {
    /// Minutes since midnight, 0 to 1439.
    pub from_minute: u32,
    /// Minutes since midnight, 0 to 1439.
    pub until_minute: u32,
}

/// What is said outside the window when messages arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct NotificationChoice {
    /// Whether anything is.
    pub on: bool,
    /// Of whose threads.
    pub of: NotifyOf,
    /// How much; nothing of a person while the screens are locked.
    pub with: NotifyWith,
    /// Whether it is heard.
    pub sound: bool,
    /// When not; absent, at any hour.
    pub quiet: Option<QuietHours>,
}

impl Default for NotificationChoice {
    fn default() -> Self {
        Self { on: true, of: NotifyOf::default(), with: NotifyWith::default(), sound: true, quiet: None }
    }
}

impl NotificationChoice {
    /// What the rule makes of it.
    ///
    /// # Errors
    /// `quiet_hours_empty`.
    pub(crate) fn rule(&self) -> Result<rule::Choice, ApiError> {
        let quiet = |QuietHours { from_minute, until_minute }| rule::QuietHours { from_minute, until_minute }.check();
        Ok(rule::Choice {
            on: self.on,
            whose: match self.of {
                NotifyOf::MineAndNobodys => rule::Whose::MineAndNobodys,
                NotifyOf::Everybodys => rule::Whose::Everybodys,
            },
            shows: match self.with {
                NotifyWith::Nothing => rule::Shows::Nothing,
                NotifyWith::Name => rule::Shows::Name,
                NotifyWith::Everything => rule::Shows::Everything,
            },
            sound: self.sound,
            quiet: self.quiet.map(quiet).transpose()?,
        })
    }
}

/// What a person has before their eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct NoteAttention {
    /// The thread that is open in a window that has the focus; none where there is none.
    pub conversation_id: Option<Uuid>,
}

/// What a notification says of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeMessage {
    /// Its kind: `text`, `image` and so on.
    pub kind: String,
    /// Its first words; empty where it has none.
    pub text: String,
}

/// What a host shows outside the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// A thread has something new. Takes the place of what was said of it before.
    Thread {
        /// Which; a click opens it.
        conversation_id: Uuid,
        /// From whom, where that is said.
        name: Option<String>,
        /// What, where that is said.
        message: Option<NoticeMessage>,
        /// Messages of the thread that wait.
        waiting: u32,
        /// Whether it is heard.
        sound: bool,
    },
    /// Many threads have. Takes the place of the last of its kind; a click opens the list.
    Many {
        /// How many threads.
        threads: u32,
        /// How many messages.
        messages: u32,
        /// Whether it is heard.
        sound: bool,
    },
    /// What was said of a thread is taken back: it was answered, or somebody has it before their eyes.
    Withdrawn {
        /// Which.
        conversation_id: Uuid,
    },
    /// Everything that was said is taken back.
    Cleared,
}
