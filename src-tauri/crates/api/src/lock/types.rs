//! The lock of the screens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What opens locked screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockWay {
    /// Nothing locks.
    None,
    /// A PIN that is kept as a hash in the keyring.
    Pin,
    /// Whatever opens the account of the system: a finger, a face, its PIN or its password.
    Account,
}

/// How the screens lock on this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LockSettings {
    /// What opens them.
    pub way: LockWay,
    /// Whether this system lets the account open them.
    pub offers_account: bool,
    /// Minutes without anybody at the screens until they lock: 5, 15 or 60; 0 is only when asked for.
    pub minutes: u32,
}

/// Changes how the screens lock.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChangeLock {
    /// The PIN there is; needed when there is one. Where the account opens, the system asks by itself.
    pub current_pin: Option<String>,
    /// What is to open them.
    pub way: LockWay,
    /// The PIN from now on, of 4 to 64 characters. Absent, the one there is stays.
    pub new_pin: Option<String>,
    /// 0, 5, 15 or 60.
    pub minutes: u32,
}

/// Opens the screens again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Unlock {
    /// As it was typed; absent where the account opens.
    pub pin: Option<String>,
}

// A PIN is nothing for a log.
impl std::fmt::Debug for ChangeLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeLock").field("way", &self.way).field("minutes", &self.minutes).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Unlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unlock(…)")
    }
}
