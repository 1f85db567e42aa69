//! What the board of leads asks and is told.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use crate::row_state::RowState;

/// Asks for a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct GetBoard {
    /// Which pipeline; absent for the default one.
    #[serde(default)]
    pub pipeline_id: Option<Uuid>,
    /// Cards of each column to return, at most 500.
    pub limit: u32,
}

/// A pipeline as a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Board {
    /// The pipeline.
    pub pipeline_id: Uuid,
    /// Its name.
    pub name: String,
    /// Columns from left to right.
    pub stages: Vec<Stage>,
    /// Reasons a lead can be lost for.
    pub loss_reasons: Vec<LossReason>,
}

/// A column of the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Stage {
    /// The stage.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// open, won or lost.
    pub kind: String,
    /// How many leads stand in it; closed columns count the last 30 days.
    pub count: u32,
    /// Sum of their values, in cents.
    pub sum_cents: f64,
    /// The first cards, by position.
    pub leads: Vec<LeadCard>,
}

/// Asks for more cards of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ListStageLeads {
    /// The column.
    pub stage_id: Uuid,
    /// Cards to skip.
    pub offset: u32,
    /// Cards to return, at most 500.
    pub limit: u32,
}

/// More cards of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct StageLeads {
    /// By position.
    pub leads: Vec<LeadCard>,
}

/// A card of the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LeadCard {
    /// The lead.
    pub id: Uuid,
    /// The column it stands in.
    pub stage_id: Uuid,
    /// Who it is.
    pub contact_id: Uuid,
    /// Name to show.
    pub name: String,
    /// What the person wants.
    pub title: String,
    /// Value in cents.
    pub value_cents: Option<f64>,
    /// Where the person came from.
    pub source: Option<String>,
    /// Since when it stands in this column.
    pub stage_entered_at: DateTime<Utc>,
    /// What to do next.
    pub next_action: Option<String>,
    /// When to do it.
    pub next_action_at: Option<DateTime<Utc>>,
    /// Who owns it.
    pub owner: Option<String>,
    /// First line of the last message with this person.
    pub last_message: Option<String>,
    /// The conversation with this person.
    pub conversation_id: Option<Uuid>,
    /// Why it was lost.
    pub loss_reason: Option<String>,
    /// The same as an id: moved out of its column by mistake, it goes back with it.
    pub loss_reason_id: Option<Uuid>,
    /// Words beside the reason.
    pub loss_note: Option<String>,
    /// Whether what is shown is already in the clinic's database.
    pub state: RowState,
}

/// A reason a lead can be lost for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LossReason {
    /// The reason.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// Moves a lead to a column, or within it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct MoveLead {
    /// The lead.
    pub lead_id: Uuid,
    /// The column.
    pub stage_id: Uuid,
    /// The card it shall stand before; absent for the end of the column.
    #[serde(default)]
    pub before_lead_id: Option<Uuid>,
    /// Required when the column is for lost leads.
    #[serde(default)]
    pub loss_reason_id: Option<Uuid>,
    /// Free words beside the reason, at most 500 characters.
    #[serde(default)]
    pub loss_note: Option<String>,
}
