//! The lock of the screens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How the screens lock on this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LockSettings {
    /// Whether there is a PIN; without one nothing locks.
    pub has_pin: bool,
    /// Minutes without anybody at the screens until they lock: 5, 15 or 60; 0 is only when asked for.
    pub minutes: u32,
}

/// Changes how the screens lock.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChangeLock {
    /// The PIN there is; needed when there is one.
    pub current_pin: Option<String>,
    /// A PIN in its place, of 4 to 64 characters. Absent, it stays.
    pub new_pin: Option<String>,
    /// Takes the lock away.
    pub remove: bool,
    /// 0, 5, 15 or 60.
    pub minutes: u32,
}

/// Opens the screens again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Unlock {
    /// As it was typed.
    pub pin: String,
}

// A PIN is nothing for a log.
impl std::fmt::Debug for ChangeLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeLock")
            .field("remove", &self.remove)
            .field("minutes", &self.minutes)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Unlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unlock(…)")
    }
}
