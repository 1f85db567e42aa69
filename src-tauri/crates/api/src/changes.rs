//! The ordered stream that tells the screens what to ask for again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

/// What a change touches. A screen that shows the topic asks for its data again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// First run, preparing, ready.
    Session,
    /// The status line.
    Status,
    /// Conversations and messages.
    Inbox,
    /// Visits, hours, professionals.
    Agenda,
    /// The board.
    Leads,
    /// Contacts and patients.
    People,
    /// Queued and parked writes.
    Operations,
    /// Preferences.
    Preferences,
    /// Backups of the clinic on this computer.
    Backup,
    /// How the clinic is shared on the network, and how a connection is being tried.
    Network,
    /// The connections to WhatsApp, and which computer looks after them.
    Channels,
    /// Where files of messages are, and how that is being tried.
    Storage,
    /// Who else has the thread open.
    Company,
}

/// One entry of the change stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Change {
    /// Grows by one; a gap means that entries were missed and everything shown must be asked for again.
    pub seq: u32,
    /// What was touched.
    pub topics: Vec<Topic>,
    /// Ids of the conversations whose threads changed; empty when there were more than a hundred.
    pub conversations: Vec<Uuid>,
    /// Where the screens are led to; absent, they stay where they are.
    pub opening: Option<Destination>,
}

/// Where somebody wants to be who has clicked outside the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Destination {
    /// The thread; absent, the list of those that wait for an answer.
    pub conversation_id: Option<Uuid>,
}

impl Topic {
    /// Every topic.
    pub(crate) const ALL: [Self; 13] = [
        Self::Session,
        Self::Status,
        Self::Inbox,
        Self::Agenda,
        Self::Leads,
        Self::People,
        Self::Operations,
        Self::Preferences,
        Self::Backup,
        Self::Network,
        Self::Channels,
        Self::Storage,
        Self::Company,
    ];

    /// What a change of the copy touches on the screens.
    pub(crate) fn of(change: &balcao_cache::CacheChange) -> Vec<Self> {
        let mut topics = Vec::new();
        for entity in &change.entities {
            topics.extend_from_slice(match *entity {
                "contacts" => &[Self::People, Self::Inbox, Self::Agenda, Self::Leads][..],
                "patients" | "appointments" => &[Self::Agenda, Self::Inbox],
                "services"
                | "rooms"
                | "professionals"
                | "professional_services"
                | "working_hours"
                | "schedule_exceptions" => &[Self::Agenda],
                "conversations" => &[Self::Inbox, Self::Leads],
                "messages" | "mentions" => &[Self::Inbox],
                "leads" | "pipelines" | "pipeline_stages" | "loss_reasons" => &[Self::Leads, Self::Inbox],
                "members" => &[Self::Inbox, Self::Leads, Self::Session],
                "channels" => &[Self::Inbox, Self::Channels],
                "background_holders" => &[Self::Channels],
                "clinic_settings" | "quick_replies" => &[Self::Inbox],
                "clinics" => &[Self::Session],
                _ => &[],
            });
        }
        if change.outbox {
            topics.extend([Self::Operations, Self::Status]);
        }
        topics
    }
}
