//! Who a login is.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a member may do; each role is a group role of the database that holds the grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, including the background work.
    Owner,
    /// Sets the clinic up and works at the counter.
    Admin,
    /// Works at the counter.
    Attendant,
    /// Sees and keeps their own visits.
    Professional,
    /// Reads.
    Viewer,
    /// The background work of an elected computer; not a person.
    Agent,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Owner, Self::Admin, Self::Attendant, Self::Professional, Self::Viewer, Self::Agent];

    /// The name the database uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Attendant => "attendant",
            Self::Professional => "professional",
            Self::Viewer => "viewer",
            Self::Agent => "agent",
        }
    }

    /// The role of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Who the database says is asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The one clinic this login sees.
    pub clinic_id: Uuid,
    /// The person, or the background work.
    pub member_id: Uuid,
    /// What they may do.
    pub role: Role,
    /// Name of the clinic.
    pub clinic_name: String,
    /// Name of the person.
    pub member_name: String,
    /// Time zone of the clinic, an IANA name.
    pub time_zone: String,
    /// Name of the login.
    pub login: String,
}
