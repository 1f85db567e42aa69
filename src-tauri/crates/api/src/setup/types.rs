//! Making a clinic.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::session::StartLocalClinic;

/// What a clinic works with from its first day. Empty lists are fine; all of it can be changed afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct Practice {
    /// When it is open; every professional begins with these hours.
    pub hours: Vec<OpeningHours>,
    /// Who treats.
    pub professionals: Vec<NewProfessional>,
    /// What is offered; every professional begins with all of it.
    pub services: Vec<NewService>,
    /// Names of the rooms, 1 to 80 characters each.
    pub rooms: Vec<String>,
}

/// A span of one day of the week, in the clinic's wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct OpeningHours {
    /// 1 Monday to 7 Sunday.
    pub weekday: i32,
    /// Minutes since midnight.
    pub starts_minute: i32,
    /// Minutes since midnight, after the start.
    pub ends_minute: i32,
}

/// Somebody who treats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct NewProfessional {
    /// 1 to 160 characters.
    pub name: String,
    /// What they do.
    pub specialty: Option<String>,
}

/// Something that is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct NewService {
    /// 1 to 160 characters.
    pub name: String,
    /// 5 to 1440.
    pub duration_minutes: i32,
    /// In cents; absent when it is told on request.
    pub price_cents: Option<i32>,
}

/// A PostgreSQL as its administrator reaches it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ServerAddress {
    /// postgres://administrator:password@host:port/database. Used once, kept nowhere.
    pub address: String,
    /// A certificate authority in PEM; absent, those that the operating system trusts.
    pub ca_pem: Option<String>,
}

// The address holds the administrator's password.
impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerAddress(…)")
    }
}

/// What was found on a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ServerFindings {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// As the server says it, such as 18.6.
    pub server_version: String,
    /// Whether the way there is encrypted; in plain text only this computer itself is spoken to.
    pub is_encrypted: bool,
    /// Names of the clinics that are in the database already.
    pub clinics: Vec<String>,
}

/// Makes a clinic in a PostgreSQL that is there already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct StartServerClinic {
    /// Where.
    pub server: ServerAddress,
    /// Which.
    pub clinic: StartLocalClinic,
}

/// What a set-up that is not finished had asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SetupState {
    /// sample, local or remote; absent when nothing is unfinished.
    pub unfinished: Option<String>,
    /// What was asked for.
    pub clinic: Option<StartLocalClinic>,
    /// The backup whose restore onto a server was interrupted: nothing of it is left there.
    pub restoring: Option<String>,
    /// Whether it can still be called off.
    pub can_cancel: bool,
}
