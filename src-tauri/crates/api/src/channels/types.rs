//! The clinic's connections to WhatsApp as the screens see them.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::error::ApiError;
use crate::members::QrPicture;

/// The connections, and what may be done about them here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Channels {
    /// Whether who works here may add, change and remove them.
    pub may_change: bool,
    /// Whether this computer may listen and send for the clinic.
    pub may_work: bool,
    /// Those in use first, then those that are paused, then those that were removed; each by name.
    pub channels: Vec<ChannelDetails>,
}

/// One connection, and how it is doing. Its key is in keyrings and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChannelDetails {
    /// The connection.
    pub id: Uuid,
    /// How it is called, reached and used.
    pub wish: ChannelWish,
    /// The clinic's number behind it.
    pub phone: Option<String>,
    /// Whether it is used.
    pub active: bool,
    /// Whether it was removed, and is only here for its conversations; one that is not used otherwise is paused.
    pub removed: bool,
    /// Whether it has an address at all; one that only a recording was put into has none.
    pub has_address: bool,
    /// disconnected, connecting, pairing, connected or refused, as far as the gateway says.
    pub status: String,
    /// Whether only reading a QR code brings it back.
    pub needs_pairing: bool,
    /// What is wrong with it, as a code.
    pub problem: Option<String>,
    /// here, missing, or unknown when the keyring does not answer.
    pub key: String,
    /// The newest message of a person.
    pub last_inbound_at: Option<DateTime<Utc>>,
    /// The last word of WhatsApp about a message of ours.
    pub last_ack_at: Option<DateTime<Utc>>,
    /// Since when such a word is missing.
    pub acks_missing_since: Option<DateTime<Utc>>,
    /// The last sweep that was complete.
    pub last_sweep_at: Option<DateTime<Utc>>,
    /// Messages that may have gone out or not.
    pub unknown_outcomes: u32,
}

/// A connection as it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChannelWish {
    /// How people call it, 1 to 80 characters.
    pub name: String,
    /// evolution or cloud_api; it stays what it was made as.
    pub kind: String,
    /// Address of the server, or of Graph with its version.
    pub url: String,
    /// Name of the instance, or the number's id at Meta.
    pub instance: String,
    /// Address of the relay of a Cloud API connection.
    pub relay_url: Option<String>,
    /// The authority of the certificate of the server, or of the relay, in PEM; those that the system trusts where there is none.
    pub ca_pem: Option<String>,
    /// Whether the server has no global stream, so that the instance's own is listened to.
    pub per_instance: bool,
    /// How fast it sends: calm, brisk or none.
    pub pace: String,
    /// Messages of one day, 1 to 100,000.
    pub daily_cap: u32,
    /// Whether "is typing" is shown before a message.
    pub typing: bool,
    /// Whether people are told that their messages were read when they are answered.
    pub read_receipts: bool,
}

/// What opens a gateway; goes to the keyring of this computer and nowhere else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChannelKeys {
    /// Of the gateway.
    pub key: String,
    /// Of the relay of a Cloud API connection.
    pub relay_key: Option<String>,
}

/// Shows no key.
impl fmt::Debug for ChannelKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelKeys(…)")
    }
}

/// Adds a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AddChannel {
    /// As it is to be.
    pub wish: ChannelWish,
    /// What opens it.
    pub keys: ChannelKeys,
    /// Makes the instance on the server of the Evolution API first, with the server's own key; kept is the instance's token.
    pub make_instance: bool,
}

/// A connection that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AddedChannel {
    /// The connection.
    pub id: Uuid,
}

/// Changes a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChangeChannel {
    /// The connection.
    pub id: Uuid,
    /// As it is to be.
    pub wish: ChannelWish,
    /// A new key; absent, the one that this computer has stays.
    pub keys: Option<ChannelKeys>,
}

/// Keeps the key of a connection on this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct KeepChannelKeys {
    /// The connection.
    pub id: Uuid,
    /// What opens it.
    pub keys: ChannelKeys,
}

/// Uses a connection, or pauses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct UseChannel {
    /// The connection.
    pub id: Uuid,
    /// Whether it is used.
    pub active: bool,
}

/// Removes a connection, and its key from this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RemoveChannel {
    /// The connection.
    pub id: Uuid,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RemovedChannel {
    /// gone; or retired: it has conversations, which stay, and is only not used any more.
    pub outcome: String,
}

/// Tries a connection out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TryChannel {
    /// The connection, where it is there already.
    pub id: Option<Uuid>,
    /// As it is to be.
    pub wish: ChannelWish,
    /// What opens it; absent, what this computer has for it.
    pub keys: Option<ChannelKeys>,
}

/// How far the trying of a connection is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChannelTrial {
    /// Whether it is still under way.
    pub is_running: bool,
    /// Address, tls, key, instance, state, stream, in this order; empty before the first trial.
    pub steps: Vec<ChannelTrialStep>,
}

/// One step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChannelTrialStep {
    /// address, tls, key, instance, state or stream.
    pub step: String,
    /// waiting, running, ok, failed or not_reached.
    pub state: String,
    /// What is wrong, when it failed.
    pub code: Option<String>,
    /// What was seen, by name: host; protection (system, given, loopback, none); others (connections of other names that the key
    /// opens, which are not the clinic's); state, needs_pairing; waits.
    pub facts: BTreeMap<String, String>,
}

/// Pairs a phone with a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct PairChannel {
    /// The connection.
    pub id: Uuid,
    /// Unpairs the phone that is paired first.
    pub afresh: bool,
    /// The phone's number, to be shown a code that is typed there; absent, a QR code is enough.
    #[serde(default)]
    pub number: Option<String>,
}

/// How far that is.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChannelPairing {
    /// The connection; absent before the first one.
    pub id: Option<Uuid>,
    /// asking (there is no code yet), code (to be read), connected, failed, over (nobody has read it for minutes), or empty.
    pub state: String,
    /// What the phone must read; a fresh one comes every few seconds.
    pub picture: Option<QrPicture>,
    /// What is typed on the phone instead, where its number was given and the gateway has one.
    pub typed: Option<String>,
    /// Why it failed, or what stands in the way at the moment.
    pub problem: Option<ApiError>,
}

/// Shows no code.
impl fmt::Debug for ChannelPairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelPairing").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

/// Who looks after the connections, and what people must know of them, for the status line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChannelHealth {
    /// Connections in use.
    pub in_use: u32,
    /// The computer that listens and sends, or did it last.
    pub holder: Option<WorkHolder>,
    /// What is wrong, the worst first.
    pub alarms: Vec<ChannelAlarm>,
}

/// The computer that does the background work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct WorkHolder {
    /// What it is called.
    pub name: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it was last known to work; up to a minute late.
    pub seen_at: DateTime<Utc>,
    /// Whether it works, as far as this computer knows.
    pub is_working: bool,
    /// Whether it is this one.
    pub is_this: bool,
}

/// Something that is wrong with a connection in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChannelAlarm {
    /// The connection.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// acks_missing, or the code of a problem.
    pub code: String,
    /// Since when, where it is known.
    pub since: Option<DateTime<Utc>>,
}
