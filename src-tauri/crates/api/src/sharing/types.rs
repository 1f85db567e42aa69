//! Sharing the clinic on the network, and finding out why a connection does not come about.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::ApiError;

/// Whether and how other computers of the network reach the clinic that is on this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Sharing {
    /// off, starting, on or failed.
    pub state: String,
    /// Why it is not shared although it is to be; it is tried again now and then.
    pub problem: Option<ApiError>,
    /// Addresses of this computer in its networks, the likeliest first; none without a network.
    pub addresses: Vec<String>,
    /// The port that is listened on, or would be.
    pub port: u16,
    /// SHA-256 of the clinic's certificate, in pairs, for people to compare; while it is shared.
    pub fingerprint: Option<String>,
    /// Whether computers find the clinic by themselves when its address has changed.
    pub is_announced: bool,
    /// Who is connected, oldest first.
    pub guests: Vec<SharingGuest>,
    /// What the system's firewall needs.
    pub firewall: Firewall,
}

/// A computer that is connected. It may have more than one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SharingGuest {
    /// Its address.
    pub address: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Its connections.
    pub connections: u32,
}

/// What is to be known about the firewall of this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Firewall {
    /// windows, macos or linux.
    pub system: String,
    /// What an administrator enters to let the other computers in; absent where nothing is to be entered.
    pub command: Option<String>,
    /// Whether the program can have it entered, with the system's own question for consent.
    pub can_run: bool,
}

/// Shares the clinic on the network, or no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChangeSharing {
    /// Whether to share.
    pub on: bool,
    /// By which port; absent, the one that was chosen last. 1024 to 65535.
    #[serde(default)]
    pub port: Option<u16>,
    /// Makes a new certificate, when the key of the old one is lost. Every other computer then needs a new invitation.
    #[serde(default)]
    pub new_certificate: bool,
}

/// What is to be tried.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum DiagnoseConnection {
    /// The way to the clinic of this profile.
    Clinic {},
    /// The way that an invitation tells. It is not accepted.
    Invitation {
        /// Its text.
        invitation: String,
        /// Its code.
        code: String,
    },
    /// An address that was typed.
    Address {
        /// postgres://login@host:port/database
        address: String,
        /// The login's password; kept nowhere.
        password: String,
    },
}

impl std::fmt::Debug for DiagnoseConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Clinic {} => "Clinic",
            Self::Invitation { .. } => "Invitation(…)",
            Self::Address { .. } => "Address(…)",
        })
    }
}

/// How far the trying of a connection is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Diagnosis {
    /// Whether it is still under way.
    pub is_running: bool,
    /// Name, port, tls, login, version, clock, in this order; empty before the first diagnosis.
    pub steps: Vec<DiagnosisStep>,
}

/// One step of the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct DiagnosisStep {
    /// name, port, tls, login, version or clock.
    pub step: String,
    /// waiting, running, ok, failed or not_reached.
    pub state: String,
    /// What is wrong, when it failed.
    pub code: Option<String>,
    /// What was seen, by name: host, port, addresses, protection (loopback, system, given, pinned), server, schema,
    /// known_schema, seconds (by which this computer's clock is ahead), found (the address that the network told).
    pub facts: BTreeMap<String, String>,
}
