//! The one list of commands. The window and the headless host both consume [`call`]; types, JSON schemas and
//! TypeScript are generated from the same lines, so a command cannot exist in one place only.

use std::sync::Arc;

use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::agenda::{Agenda, CheckSlot, FetchOlderVisits, GetAgenda, RescheduleAppointment, SlotVerdict};
use crate::audit::{AuditEntries, AuditPeople, ExportAudit, ExportedAudit, ListAudit};
use crate::backup::{
    BackupContents, BackupHealth, BackupState, BackupWish, ConfirmWords, Folders, ListFolders, PeekBackup,
    RecoveryWords, StartRestore, VerifyBackup,
};
use crate::booking::{
    AwaitedVisits, BookAppointment, Booked, Booking, FindTimes, FreeTimes, GetBooking, ListAwaited, UndoBooking,
};
use crate::bucket::{AbandonedBucket, BucketTrial, KeepBucketKeys, Storage, TryBucket, UseBucket};
use crate::channels::{
    AddChannel, AddedChannel, ChangeChannel, ChannelHealth, ChannelPairing, ChannelTrial, Channels, KeepChannelKeys,
    PairChannel, RemoveChannel, RemovedChannel, TryChannel, UseChannel,
};
use crate::copy::{CopyState, ExportedLog, ListSyncLog, ResetCopy, SyncLog};
use crate::desk::Desk;
use crate::drafts::{AttachedContents, AttachedOfDraft, Draft, GetDraft, KeepAttached, KeepDraft};
use crate::error::ApiError;
use crate::inbox::{ConversationList, FetchOlderMessages, FetchPersonVisits, GetThread, ListConversations, Thread};
use crate::leads::{Board, GetBoard, ListStageLeads, MoveLead, StageLeads};
use crate::lock::{ChangeLock, LockSettings, Unlock};
use crate::media::{MediaContents, MediaOfMessage, MediaWanted, SavedMedia, SendFile, Uploads};
use crate::members::{
    CancelInvitation, ChangeRole, ComputerName, FollowClinic, FoundInvitation, InvitationMade, InviteMember,
    JoinClinic, PeekInvitation, RevokeComputer, RevokeMember, SaveInvitation, SavedInvitation, Team,
};
use crate::notes::{AddNote, GetNotes, Notes};
use crate::notices::NoteAttention;
use crate::operations::{
    DecideOperation, FreeSlots, ListFreeSlots, ListOperations, OperationList, RestoreOperation, Retried,
    RetryOperations, SyncStatus, Written,
};
use crate::payload::readable;
use crate::preferences::{ChooseWindow, CopyWindow, Preferences};
use crate::privacy::{
    ErasePerson, ErasedPerson, ExportPerson, ExportedPerson, GetPersonData, PersonData, PersonExport,
};
use crate::quick_replies::{FillText, FilledText, QuickReplies, RemoveQuickReply, SaveQuickReply};
use crate::search::{FoundOlder, SearchEverything, SearchOlder, SearchResults};
use crate::session::{ConnectClinic, LeaveClinic, ProgramInfo, Session, StartLocalClinic, StartSampleClinic};
use crate::setup::{ServerAddress, ServerFindings, SetupState, StartServerClinic};
use crate::sharing::{ChangeSharing, DiagnoseConnection, Diagnosis, Sharing};
use crate::threads::{
    ActOnThreads, ActedOnThreads, BookingLead, Company, FilesKept, GetCompany, InboxFrame, ListMerges, MergePeople,
    MergePreview, MergedPeople, Merges, NoteTyping, SnoozeTimes, Survey, UndoMerge, UndoThreads, WaitLimits,
};
use crate::writing::{ChangeScheduled, SeeMentions, SendMessage, WriteNote};

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
        async fn run(desk: &Arc<Desk>, command: &str, payload: Value) -> Result<Value, ApiError> {
            match command {
                // Each in a box of its own: together they would not fit the stack of a thread.
                $(stringify!($name) => Box::pin(async move {
                    let request: $request = serde_json::from_value(payload).map_err(ApiError::bad_payload)?;
                    let response: $response = $handler(desk, request).await?;
                    serde_json::to_value(response).map_err(ApiError::internal)
                }).await,)*
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

/// Runs a command by name. An unknown name and a payload of the wrong shape are answers, not panics. Whatever finds the
/// copy damaged has it mended, besides its answer.
pub async fn call(desk: &Arc<Desk>, command: &str, payload: Value) -> Result<Value, ApiError> {
    let time = desk.time();
    let locked = || desk.lock.is_on() && !crate::lock::ANSWERED.contains(&command);
    let refused = || Err(ApiError::new("locked", "the screens are locked"));
    if locked() {
        return refused();
    }
    // A list would be taken for an object whose fields are told in their order.
    if !payload.is_object() {
        return Err(ApiError::new("bad_payload", "the payload of a command is an object"));
    }
    let answer = run(desk, command, readable(payload)).await;
    // An answer that was on its way when the screens were locked stays here.
    if locked() && command != "lock_now" {
        return refused();
    }
    if answer.as_ref().is_err_and(|problem| problem.code == "cache_damaged") {
        desk.mend_copy(time);
    }
    answer
}

commands! {
    /// Where the program stands: first run, preparing, a clinic is open, or why not.
    get_session(Nothing) -> Session = crate::session::get_session;
    /// Opens a sample clinic on this computer. Answers at once; the session tells how far it is.
    start_sample_clinic(StartSampleClinic) -> Session = crate::session::start_sample_clinic;
    /// Makes this computer the clinic. Answers at once; the session tells how far it is.
    start_local_clinic(StartLocalClinic) -> Session = crate::session::start_local_clinic;
    /// What a set-up that was interrupted had asked for.
    get_setup(Nothing) -> SetupState = crate::setup::get_setup;
    /// Looks at a PostgreSQL that is to hold a clinic. Nothing is written there or kept here.
    check_server(ServerAddress) -> ServerFindings = crate::setup::check_server;
    /// Makes a clinic in a PostgreSQL that is there already. The administrator's address is used once and kept nowhere.
    /// Answers at once; the session tells how far it is.
    start_server_clinic(StartServerClinic) -> Session = crate::setup::start_server_clinic;
    /// Calls the set-up off that is under way or was interrupted, and undoes what it did.
    cancel_setup(Nothing) -> Session = crate::setup::cancel_setup;
    /// Looks into a folder of this computer for folders and backups.
    list_folders(ListFolders) -> Folders = crate::backup::list_folders;
    /// What is in a backup, when the words open it.
    peek_backup(PeekBackup) -> BackupContents = crate::backup::peek_backup;
    /// Brings a clinic back from a backup. Answers at once; the session tells how far it is.
    start_restore(StartRestore) -> Session = crate::backup::start_restore;
    /// Connects to a clinic's database. Answers at once; the session tells how far it is.
    connect_clinic(ConnectClinic) -> Session = crate::session::connect_clinic;
    /// Tries again to open the clinic of this profile.
    retry_session(Nothing) -> Session = crate::session::retry_session;
    /// The person knows that this computer's access was taken away. Back to first run.
    acknowledge_revocation(Nothing) -> Session = crate::session::acknowledge_revocation;
    /// About the program.
    get_program(Nothing) -> ProgramInfo = crate::session::get_program;

    /// A page of conversations and the counts of all views.
    list_conversations(ListConversations) -> ConversationList = crate::inbox::list_conversations;
    /// A piece of a thread and who it is with.
    get_thread(GetThread) -> Thread = crate::inbox::get_thread;
    /// Fetches the next page of a conversation from before the window of the copy.
    fetch_older_messages(FetchOlderMessages) -> Nothing = crate::inbox::fetch_older_messages;
    /// Fetches every visit of a person, however old.
    fetch_person_visits(FetchPersonVisits) -> Nothing = crate::inbox::fetch_person_visits;
    /// Queues a text message, to go at once or later.
    send_message(SendMessage) -> Written = crate::writing::send_message;
    /// Queues a file, with a text under it.
    send_file(SendFile) -> Written = crate::writing::send_file;
    /// Files of this computer that are being brought to the clinic's database.
    list_uploads(Nothing) -> Uploads = crate::media::list_uploads;
    /// The file of a message, from this computer or fetched. Needs the line for what nobody has opened here.
    get_media(MediaOfMessage) -> MediaContents = crate::media::get_media;
    /// Saves the file of a message where this account keeps what was downloaded.
    save_media(MediaOfMessage) -> SavedMedia = crate::media::save_media;
    /// Has the file of a message fetched from the gateway once more. Needs the line.
    fetch_media(MediaOfMessage) -> MediaWanted = crate::media::fetch_media;
    /// Queues another decision about a message that waits for its time.
    change_scheduled(ChangeScheduled) -> Written = crate::writing::change_scheduled;
    /// Queues a note to the team in a thread.
    write_note(WriteNote) -> Written = crate::writing::write_note;
    /// Queues that the member has seen what names them in a thread.
    see_mentions(SeeMentions) -> Nothing = crate::writing::see_mentions;
    /// What somebody at this computer has begun to write in a thread.
    get_draft(GetDraft) -> Draft = crate::drafts::get_draft;
    /// Keeps that, on this computer only.
    keep_draft(KeepDraft) -> Nothing = crate::drafts::keep_draft;
    /// Keeps a piece of a file beside it, or of what is being spoken, on this computer only.
    keep_attached(KeepAttached) -> Nothing = crate::drafts::keep_attached;
    /// The bytes of such a file.
    get_attached(AttachedOfDraft) -> AttachedContents = crate::drafts::get_attached;
    /// Drops such a file: nobody is going to send it.
    drop_attached(AttachedOfDraft) -> Nothing = crate::drafts::drop_attached;
    /// Texts that are sent often.
    list_quick_replies(Nothing) -> QuickReplies = crate::quick_replies::list_quick_replies;
    /// Queues a new one, or a change of one; for the clinic's owner and admins.
    save_quick_reply(SaveQuickReply) -> Written = crate::quick_replies::save_quick_reply;
    /// Queues that one is removed; for the clinic's owner and admins.
    remove_quick_reply(RemoveQuickReply) -> Written = crate::quick_replies::remove_quick_reply;
    /// Fills in the places of a text for the person of a thread.
    fill_text(FillText) -> FilledText = crate::quick_replies::fill_text;

    /// Whom a thread can be given to, labels, connections, and how long is long.
    get_inbox_frame(Nothing) -> InboxFrame = crate::threads::get_inbox_frame;
    /// Times until which a thread is often put aside.
    get_snooze_times(Nothing) -> SnoozeTimes = crate::threads::get_snooze_times;
    /// Queues one deed on some threads.
    act_on_threads(ActOnThreads) -> ActedOnThreads = crate::threads::act_on_threads;
    /// Queues what takes such a deed back.
    undo_threads(UndoThreads) -> ActedOnThreads = crate::threads::undo_threads;
    /// Queues for how long the files of messages are kept; for the clinic's owner and admins.
    set_files_kept(FilesKept) -> Written = crate::threads::set_files_kept;
    /// Queues after how many minutes a wait is amber, and red; for the clinic's owner and admins.
    set_wait_limits(WaitLimits) -> Written = crate::threads::set_wait_limits;
    /// Who else has a thread open.
    get_company(GetCompany) -> Company = crate::threads::get_company;
    /// Somebody writes in a thread; needed once every few seconds.
    note_typing(NoteTyping) -> Nothing = crate::threads::note_typing;
    /// Whether people are asked how they liked it.
    get_survey(Nothing) -> Survey = crate::threads::get_survey;
    /// Queues whether they are; for the clinic's owner and admins.
    set_survey(Survey) -> Written = crate::threads::set_survey;
    /// Chooses, for the whole clinic, how many minutes before a visit it is still offered in a thread.
    set_booking_lead(BookingLead) -> Written = crate::threads::set_booking_lead;
    /// What would come together if two people were one.
    preview_merge(MergePeople) -> MergePreview = crate::threads::preview_merge;
    /// Joins two people who are one. Needs the line.
    merge_people(MergePeople) -> MergedPeople = crate::threads::merge_people;
    /// Takes that apart again. Needs the line.
    undo_merge(UndoMerge) -> Nothing = crate::threads::undo_merge;
    /// Who was joined to a person lately. Needs the line.
    list_merges(ListMerges) -> Merges = crate::threads::list_merges;

    /// Some days of the agenda.
    get_agenda(GetAgenda) -> Agenda = crate::agenda::get_agenda;
    /// Fetches visits from before the window of the copy.
    fetch_older_visits(FetchOlderVisits) -> Nothing = crate::agenda::fetch_older_visits;
    /// Whether a visit could stand there, as far as this computer knows.
    check_slot(CheckSlot) -> SlotVerdict = crate::agenda::check_slot;
    /// Queues the move of a visit.
    reschedule_appointment(RescheduleAppointment) -> Written = crate::agenda::reschedule_appointment;

    /// What can be booked for the person of a thread.
    get_booking(GetBooking) -> Booking = crate::booking::get_booking;
    /// The next free times for that person, as far as this computer knows.
    find_times(FindTimes) -> FreeTimes = crate::booking::find_times;
    /// Queues a visit, and a patient where there is none.
    book_appointment(BookAppointment) -> Booked = crate::booking::book_appointment;
    /// Takes it back: out of the queue, or off in the clinic.
    undo_booking(UndoBooking) -> Written = crate::booking::undo_booking;
    /// Visits that were booked here for the person of a thread and that the clinic has not taken, or not yet.
    list_awaited(ListAwaited) -> AwaitedVisits = crate::booking::list_awaited;

    /// A pipeline as a board.
    get_board(GetBoard) -> Board = crate::leads::get_board;
    /// More cards of a column.
    list_stage_leads(ListStageLeads) -> StageLeads = crate::leads::list_stage_leads;
    /// Queues the move of a lead.
    move_lead(MoveLead) -> Written = crate::leads::move_lead;

    /// Notes about a person or a visit.
    get_notes(GetNotes) -> Notes = crate::notes::get_notes;
    /// Queues a note.
    add_note(AddNote) -> Written = crate::notes::add_note;

    /// Searches people and messages in the copy.
    search_everything(SearchEverything) -> SearchResults = crate::search::search_everything;
    /// Searches the messages that the copy does not go back to. Needs the line.
    search_older(SearchOlder) -> FoundOlder = crate::search::search_older;

    /// The status line.
    get_status(Nothing) -> SyncStatus = crate::operations::get_status;
    /// Tries to reach the database now.
    sync_now(Nothing) -> SyncStatus = crate::operations::sync_now;
    /// Writes that wait or need a decision.
    list_operations(ListOperations) -> OperationList = crate::operations::list_operations;
    /// Decides about a write that was refused.
    decide_operation(DecideOperation) -> Written = crate::operations::decide_operation;
    /// The next free times for a visit whose slot was taken.
    list_free_slots(ListFreeSlots) -> FreeSlots = crate::operations::list_free_slots;
    /// Sends refused writes again that need no decision.
    retry_operations(RetryOperations) -> Retried = crate::operations::retry_operations;
    /// Takes back that a write was given up a moment ago.
    restore_operation(RestoreOperation) -> Written = crate::operations::restore_operation;

    /// What is to be said about the copy on this computer.
    get_copy(Nothing) -> CopyState = crate::copy::get_copy;
    /// Puts the notice about the copy away.
    dismiss_copy_notice(Nothing) -> CopyState = crate::copy::dismiss_copy_notice;
    /// Makes the copy anew. Answers at once; the session tells how far it is.
    reset_copy(ResetCopy) -> Session = crate::copy::reset_copy;
    /// A page of what happened to the copy and the line.
    list_sync_log(ListSyncLog) -> SyncLog = crate::copy::list_sync_log;
    /// Writes all of it into a file for the person. No patient data is in it.
    export_sync_log(Nothing) -> ExportedLog = crate::copy::export_sync_log;

    /// The backups of the clinic on this computer.
    get_backup(Nothing) -> BackupState = crate::backup::get_backup;
    /// Whether the owner is to be warned that there is no good backup.
    get_backup_health(Nothing) -> BackupHealth = crate::backup::get_backup_health;
    /// Draws recovery words for backups to come. The answer is shown once.
    draw_backup_words(Nothing) -> RecoveryWords = crate::backup::draw_backup_words;
    /// Takes the words that were drawn into use, when those that were asked for are typed.
    confirm_backup_words(ConfirmWords) -> BackupState = crate::backup::confirm_backup_words;
    /// Chooses where and when backups are made and how many stay.
    change_backup(BackupWish) -> BackupState = crate::backup::change_backup;
    /// Makes a backup now and tries it. Answers at once; the state tells how far it is.
    start_backup(Nothing) -> BackupState = crate::backup::start_backup;
    /// Tries a backup by restoring it. Answers at once.
    verify_backup(VerifyBackup) -> BackupState = crate::backup::verify_backup;
    /// Calls off what is being made or tried.
    cancel_backup(Nothing) -> BackupState = crate::backup::cancel_backup;
    /// Puts away what is said about a clinic that was brought back.
    dismiss_restored(Nothing) -> BackupHealth = crate::backup::dismiss_restored;

    /// The clinic's members, their computers and the open invitations; for its owner and admins.
    get_team(Nothing) -> Team = crate::members::get_team;
    /// Invites a person, or a further computer of a member. The answer is shown once.
    invite_member(InviteMember) -> InvitationMade = crate::members::invite_member;
    /// Saves an invitation as a file for the person.
    save_invitation(SaveInvitation) -> SavedInvitation = crate::members::save_invitation;
    /// Takes an invitation back.
    cancel_invitation(CancelInvitation) -> Nothing = crate::members::cancel_invitation;
    /// Gives a member another role, on all of their computers at once.
    change_role(ChangeRole) -> Nothing = crate::members::change_role;
    /// Takes a computer's access away at once; its copy is destroyed when it next connects.
    revoke_computer(RevokeComputer) -> Nothing = crate::members::revoke_computer;
    /// Takes a member's access away on every computer.
    revoke_member(RevokeMember) -> Nothing = crate::members::revoke_member;
    /// A page of who did what; for the owner and admins.
    list_audit(ListAudit) -> AuditEntries = crate::audit::list_audit;
    /// Who may have done something: the members, also those who are gone.
    get_audit_people(Nothing) -> AuditPeople = crate::audit::get_audit_people;
    /// Saves who did what as a table; that it was taken out is written down.
    export_audit(ExportAudit) -> ExportedAudit = crate::audit::export_audit;
    /// What this computer could be called.
    get_computer_name(Nothing) -> ComputerName = crate::members::get_computer_name;
    /// Comes into a clinic with an invitation. Answers when the database has let this computer in.
    join_clinic(JoinClinic) -> Session = crate::members::join_clinic;
    /// Looks into an invitation with which this computer could follow its clinic. Nothing is accepted.
    peek_invitation(PeekInvitation) -> FoundInvitation = crate::members::peek_invitation;
    /// Follows the clinic to where it is now with a new invitation, keeping the copy and every queued write. Answers when
    /// the database has let this computer in.
    follow_clinic(FollowClinic) -> Session = crate::members::follow_clinic;
    /// Removes everything of the clinic from this computer. Answers at once; the session tells when it is done.
    leave_clinic(LeaveClinic) -> Session = crate::session::leave_clinic;

    /// How other computers of the network reach the clinic that is on this one.
    get_sharing(Nothing) -> Sharing = crate::sharing::get_sharing;
    /// Shares it, or no longer.
    change_sharing(ChangeSharing) -> Sharing = crate::sharing::change_sharing;
    /// Lets other computers through the system's firewall; the system asks the person for consent.
    open_firewall(Nothing) -> Nothing = crate::sharing::open_firewall;
    /// Tries the way to a clinic's database step by step. Answers at once; `get_diagnosis` tells how far it is.
    diagnose_connection(DiagnoseConnection) -> Diagnosis = crate::sharing::diagnose_connection;
    /// How far that is.
    get_diagnosis(Nothing) -> Diagnosis = crate::sharing::get_diagnosis;

    /// The connections to WhatsApp and how they are doing.
    get_channels(Nothing) -> Channels = crate::channels::get_channels;
    /// Who looks after them, and what is wrong.
    get_channel_health(Nothing) -> ChannelHealth = crate::channels::get_channel_health;
    /// Adds a connection; for the clinic's owner and admins. Its key goes to the keyring of this computer.
    add_channel(AddChannel) -> AddedChannel = crate::channels::add_channel;
    /// Changes a connection, and its key on this computer.
    change_channel(ChangeChannel) -> Nothing = crate::channels::change_channel;
    /// Keeps the key of a connection on this computer.
    keep_channel_keys(KeepChannelKeys) -> Nothing = crate::channels::keep_channel_keys;
    /// Uses a connection, or pauses it.
    use_channel(UseChannel) -> Nothing = crate::channels::use_channel;
    /// Removes a connection; one that has conversations is only not used any more.
    remove_channel(RemoveChannel) -> RemovedChannel = crate::channels::remove_channel;
    /// Tries a connection out step by step. Answers at once; `get_channel_trial` tells how far it is.
    try_channel(TryChannel) -> ChannelTrial = crate::channels::try_channel;
    /// How far that is.
    get_channel_trial(Nothing) -> ChannelTrial = crate::channels::get_channel_trial;
    /// Pairs a phone with a connection. Answers at once; `get_pairing` has the QR code, fresh until it is read.
    pair_channel(PairChannel) -> ChannelPairing = crate::channels::pair_channel;
    /// How far that is.
    get_pairing(Nothing) -> ChannelPairing = crate::channels::get_pairing;
    /// Nobody is going to read the code any more.
    end_pairing(Nothing) -> Nothing = crate::channels::end_pairing;

    /// Where files of messages are, besides the clinic's database; for the clinic's owner and admins.
    get_storage(Nothing) -> Storage = crate::bucket::get_storage;
    /// Uses a bucket of S3-compatible storage. Its key goes to the keyring of this computer.
    use_bucket(UseBucket) -> Nothing = crate::bucket::use_bucket;
    /// Keeps the key of the bucket on this computer.
    keep_bucket_keys(KeepBucketKeys) -> Nothing = crate::bucket::keep_bucket_keys;
    /// Has every file brought back from the bucket, which is forgotten then.
    empty_bucket(Nothing) -> Nothing = crate::bucket::empty_bucket;
    /// Gives up a bucket that is lost, with the files that are nowhere else.
    abandon_bucket(Nothing) -> AbandonedBucket = crate::bucket::abandon_bucket;
    /// Tries a bucket out step by step. Answers at once; `get_bucket_trial` tells how far it is.
    try_bucket(TryBucket) -> BucketTrial = crate::bucket::try_bucket;
    /// How far that is.
    get_bucket_trial(Nothing) -> BucketTrial = crate::bucket::get_bucket_trial;

    /// What is known about a person, and what erasing them would leave; for the clinic's owner and admins.
    get_person_data(GetPersonData) -> PersonData = crate::privacy::get_person_data;
    /// Reads everything about a person into a file. Answers when it is there.
    export_person(ExportPerson) -> ExportedPerson = crate::privacy::export_person;
    /// How far an export is.
    get_person_export(Nothing) -> PersonExport = crate::privacy::get_person_export;
    /// Calls the export off that is under way; nothing of it is left.
    cancel_person_export(Nothing) -> Nothing = crate::privacy::cancel_person_export;
    /// Erases a person for good.
    erase_person(ErasePerson) -> ErasedPerson = crate::privacy::erase_person;

    /// Preferences of the person at this computer.
    get_preferences(Nothing) -> Preferences = crate::preferences::get_preferences;
    /// Changes the preferences.
    set_preferences(Preferences) -> Preferences = crate::preferences::set_preferences;
    /// How the screens lock on this computer.
    get_lock(Nothing) -> LockSettings = crate::lock::get_lock;
    /// Changes it. Whoever asks shows that they may open it, where there is one.
    change_lock(ChangeLock) -> LockSettings = crate::lock::change_lock;
    /// Locks the screens now, when something can open them.
    lock_now(Nothing) -> Nothing = crate::lock::lock_now;
    /// Somebody is at the screens.
    note_presence(Nothing) -> Nothing = crate::lock::note_presence;
    /// Which thread somebody has before their eyes: what arrives there needs no notice.
    note_attention(NoteAttention) -> Nothing = crate::notices::note_attention;
    /// Opens locked screens.
    unlock(Unlock) -> Nothing = crate::lock::unlock;
    /// How far back this computer copies.
    get_copy_window(Nothing) -> CopyWindow = crate::preferences::get_copy_window;
    /// Chooses how far back this computer copies: what is missing is fetched, what is outside goes.
    set_copy_window(ChooseWindow) -> CopyWindow = crate::preferences::set_copy_window;
}
