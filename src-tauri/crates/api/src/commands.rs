//! The one list of commands. The window and the headless host both consume [`call`]; types, JSON schemas and
//! TypeScript are generated from the same lines, so a command cannot exist in one place only.

use std::sync::Arc;

use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::agenda::{Agenda, CheckSlot, GetAgenda, RescheduleAppointment, SlotVerdict};
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{ConversationList, GetThread, ListConversations, SendMessage, Thread};
use crate::leads::{Board, GetBoard, ListStageLeads, MoveLead, StageLeads};
use crate::operations::{DecideOperation, ListOperations, OperationList, SyncStatus, Written};
use crate::preferences::Preferences;
use crate::search::{SearchEverything, SearchResults};
use crate::session::{ConnectClinic, Session, StartLocalClinic, StartSampleClinic};

/// A command without arguments, or an answer without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Nothing {}

/// What a host publishes about one command.
#[derive(Debug, Clone, Serialize)]
pub struct CommandInfo {
    /// Name, as in `call`.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// JSON schema of the payload.
    pub request: Schema,
    /// JSON schema of the answer.
    pub response: Schema,
}

macro_rules! commands {
    ($($(#[doc = $doc:literal])+ $name:ident($request:ty) -> $response:ty = $handler:path;)*) => {
        /// Runs a command by name. An unknown name and a payload of the wrong shape are answers, not panics.
        pub async fn call(desk: &Arc<Desk>, command: &str, payload: Value) -> Result<Value, ApiError> {
            match command {
                $(stringify!($name) => {
                    let request: $request = serde_json::from_value(payload).map_err(ApiError::bad_payload)?;
                    let response: $response = $handler(desk, request).await?;
                    serde_json::to_value(response).map_err(ApiError::internal)
                })*
                _ => Err(ApiError::new("unknown_command", "there is no such command").about(command)),
            }
        }

        /// Every command with the shapes of its payload and its answer.
        pub fn catalogue() -> Vec<CommandInfo> {
            vec![$(CommandInfo {
                name: stringify!($name),
                description: concat!($($doc),+).trim_ascii(),
                request: schema_for!($request),
                response: schema_for!($response),
            }),*]
        }

        pub(crate) fn describe(out: &mut crate::bindings::Bindings) {
            $(out.command::<$request, $response>(stringify!($name), &[$($doc),+]);)*
        }
    };
}

commands! {
    /// Where the program stands: first run, preparing, a clinic is open, or why not.
    get_session(Nothing) -> Session = crate::session::get_session;
    /// Opens a sample clinic on this computer. Answers at once; the session tells how far it is.
    start_sample_clinic(StartSampleClinic) -> Session = crate::session::start_sample_clinic;
    /// Makes this computer the clinic. Answers at once; the session tells how far it is.
    start_local_clinic(StartLocalClinic) -> Session = crate::session::start_local_clinic;
    /// Connects to a clinic's database. Answers at once; the session tells how far it is.
    connect_clinic(ConnectClinic) -> Session = crate::session::connect_clinic;
    /// Tries again to open the clinic of this profile.
    retry_session(Nothing) -> Session = crate::session::retry_session;

    /// A page of conversations and the counts of all views.
    list_conversations(ListConversations) -> ConversationList = crate::inbox::list_conversations;
    /// A piece of a thread and who it is with.
    get_thread(GetThread) -> Thread = crate::inbox::get_thread;
    /// Queues a text message.
    send_message(SendMessage) -> Written = crate::inbox::send_message;

    /// Some days of the agenda.
    get_agenda(GetAgenda) -> Agenda = crate::agenda::get_agenda;
    /// Whether a visit could stand there, as far as this computer knows.
    check_slot(CheckSlot) -> SlotVerdict = crate::agenda::check_slot;
    /// Queues the move of a visit.
    reschedule_appointment(RescheduleAppointment) -> Written = crate::agenda::reschedule_appointment;

    /// A pipeline as a board.
    get_board(GetBoard) -> Board = crate::leads::get_board;
    /// More cards of a column.
    list_stage_leads(ListStageLeads) -> StageLeads = crate::leads::list_stage_leads;
    /// Queues the move of a lead.
    move_lead(MoveLead) -> Written = crate::leads::move_lead;

    /// Searches people and messages in the copy.
    search_everything(SearchEverything) -> SearchResults = crate::search::search_everything;

    /// The status line.
    get_status(Nothing) -> SyncStatus = crate::operations::get_status;
    /// Tries to reach the database now.
    sync_now(Nothing) -> SyncStatus = crate::operations::sync_now;
    /// Writes that wait or need a decision.
    list_operations(ListOperations) -> OperationList = crate::operations::list_operations;
    /// Decides about a write that was refused.
    decide_operation(DecideOperation) -> Written = crate::operations::decide_operation;

    /// Preferences of the person at this computer.
    get_preferences(Nothing) -> Preferences = crate::preferences::get_preferences;
    /// Changes the preferences.
    set_preferences(Preferences) -> Preferences = crate::preferences::set_preferences;
}
