// Generated from the command list of the api crate by `cargo xtask bindings`. Do not edit.

/**
 * Some days of the agenda.
 */
export type Agenda = { 
/**
 * IANA name of the clinic's time zone.
 */
time_zone: string, 
/**
 * First day.
 */
from: string, 
/**
 * Number of days.
 */
days: number, 
/**
 * Who works here, in the order of the columns.
 */
professionals: Array<Professional>, 
/**
 * Visits that touch these days, cancelled ones included, by start.
 */
visits: Array<Visit>, 
/**
 * Working hours of these days, as instants.
 */
working_hours: Array<WorkingSpan>, 
/**
 * Closed days, blocked hours.
 */
closures: Array<Closure>, };

/**
 * An answer that is not the wanted one. Screens match `code` only and have their own words for each; `message` is for
 * people who read logs. No database text and no patient data is in it.
 */
export type ApiError = { 
/**
 * Stable name in snake_case.
 */
code: string, 
/**
 * One English sentence.
 */
message: string, 
/**
 * What it is about (a field, an id), or where to find it in the log.
 */
reference: string | null, };

/**
 * What a message carries beside text; which fields are there depends on the kind.
 */
export type Attachment = { 
/**
 * MIME type of the file.
 */
mime_type: string | null, 
/**
 * Name of the file.
 */
file_name: string | null, 
/**
 * Size in bytes.
 */
size_bytes: number | null, 
/**
 * Length of audio or video in seconds.
 */
seconds: number | null, 
/**
 * Degrees.
 */
latitude: number | null, 
/**
 * Degrees.
 */
longitude: number | null, 
/**
 * Name of a place, a contact card, a document; text of a chosen option.
 */
title: string | null, 
/**
 * Kind as the gateway named it, where it is unsupported.
 */
original_kind: string | null, };

/**
 * A pipeline as a board.
 */
export type Board = { 
/**
 * The pipeline.
 */
pipeline_id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Columns from left to right.
 */
stages: Array<Stage>, 
/**
 * Reasons a lead can be lost for.
 */
loss_reasons: Array<LossReason>, };

/**
 * One entry of the change stream.
 */
export type Change = { 
/**
 * Grows by one; a gap means that entries were missed and everything shown must be asked for again.
 */
seq: number, 
/**
 * What was touched.
 */
topics: Array<Topic>, 
/**
 * Ids of the conversations whose threads changed; empty when there were more than a hundred.
 */
conversations: Array<string>, };

/**
 * Asks whether a visit could stand there, as far as this computer knows.
 */
export type CheckSlot = { 
/**
 * The visit.
 */
appointment_id: string, 
/**
 * Wanted start.
 */
starts_at: string, 
/**
 * Wanted end.
 */
ends_at: string, 
/**
 * With whom.
 */
professional_id: string, };

/**
 * What a person can do with a parked operation.
 */
export type Choice = "retry" | "squeeze_in" | "discard";

/**
 * The open clinic.
 */
export type ClinicSummary = { 
/**
 * The clinic.
 */
id: string, 
/**
 * Name.
 */
name: string, 
/**
 * IANA name.
 */
time_zone: string, 
/**
 * sample, local or remote.
 */
kind: string, };

/**
 * A time without work.
 */
export type Closure = { 
/**
 * Whose; absent for the whole clinic.
 */
professional_id: string | null, 
/**
 * Start.
 */
starts_at: string, 
/**
 * End.
 */
ends_at: string, 
/**
 * Why.
 */
reason: string, };

/**
 * Connects to a clinic's database.
 */
export type ConnectClinic = { 
/**
 * postgres://login@host:port/database, without the password.
 */
address: string, 
/**
 * The login's password; goes to the keyring and nowhere else.
 */
password: string, };

/**
 * How the desk stands with the clinic's database.
 */
export type Connection = "connecting" | "online" | "offline" | "refused";

/**
 * A page of conversations, with the counts that stand beside the views.
 */
export type ConversationList = { 
/**
 * The page.
 */
rows: Array<ConversationRow>, 
/**
 * How many rows the view has in all.
 */
total: number, 
/**
 * How many each view has.
 */
counts: InboxCounts, };

/**
 * One conversation in a list.
 */
export type ConversationRow = { 
/**
 * The conversation.
 */
id: string, 
/**
 * Who it is with.
 */
contact_id: string, 
/**
 * Name to show; the phone where no name is known.
 */
name: string, 
/**
 * Phone as people write it, where it is known.
 */
phone: string | null, 
/**
 * First line of the last message; empty for a message without text.
 */
preview: string, 
/**
 * Kind of the last message (text, image, audio …).
 */
last_kind: string | null, 
/**
 * inbound or outbound.
 */
last_direction: string | null, 
/**
 * When the last message was sent.
 */
last_message_at: string | null, 
/**
 * Since when the person waits for an answer; absent when nobody waits.
 */
waiting_since: string | null, 
/**
 * Messages since the last answer.
 */
unread_count: number, 
/**
 * Who answers.
 */
handler: Handler, 
/**
 * open, snoozed or closed.
 */
status: string, 
/**
 * Name of the member it is assigned to.
 */
assignee: string | null, 
/**
 * low, normal, high or urgent.
 */
priority: string, 
/**
 * Labels in the order they were given.
 */
labels: Array<string>, 
/**
 * Whether what is shown is already in the clinic's database.
 */
state: RowState, };

/**
 * How far the first copy is.
 */
export type CopyProgress = { 
/**
 * What is being copied now (an entity of the feed).
 */
entity: string, 
/**
 * Rows copied.
 */
done: number, 
/**
 * Rows in all, as far as known.
 */
total: number, };

/**
 * Decides about a parked operation.
 */
export type DecideOperation = { 
/**
 * The operation.
 */
operation_id: string, 
/**
 * What to do.
 */
choice: Choice, 
/**
 * Required with squeeze_in.
 */
reason: string | null, };

/**
 * A field and its value as text.
 */
export type FieldValue = { 
/**
 * Name of the field.
 */
field: string, 
/**
 * Its value; instants as RFC 3339, ids as the name they stand for.
 */
value: string | null, };

/**
 * A message that was found.
 */
export type FoundMessage = { 
/**
 * The message.
 */
id: string, 
/**
 * Its conversation.
 */
conversation_id: string, 
/**
 * Who the conversation is with.
 */
name: string, 
/**
 * The text in pieces; the found words are marked.
 */
snippet: Array<SnippetPiece>, 
/**
 * When it was sent.
 */
sent_at: string, };

/**
 * A person that was found.
 */
export type FoundPerson = { 
/**
 * The contact.
 */
contact_id: string, 
/**
 * Name to show.
 */
name: string, 
/**
 * Phone as people write it.
 */
phone: string | null, 
/**
 * The latest conversation with this person.
 */
conversation_id: string | null, };

/**
 * Asks for some days of the agenda, in the clinic's time zone.
 */
export type GetAgenda = { 
/**
 * First day.
 */
from: string, 
/**
 * 1 to 42 days.
 */
days: number, };

/**
 * Asks for a board.
 */
export type GetBoard = { 
/**
 * Which pipeline; absent for the default one.
 */
pipeline_id: string | null, 
/**
 * Cards of each column to return, at most 500.
 */
limit: number, };

/**
 * Asks for a piece of a thread.
 */
export type GetThread = { 
/**
 * Which conversation.
 */
conversation_id: string, 
/**
 * Only messages older than this one; absent for the newest.
 */
before: ThreadPosition | null, 
/**
 * Messages to return, at most 500.
 */
limit: number, };

/**
 * Who answers a thread.
 */
export type Handler = "bot" | "person";

/**
 * How many conversations each view holds.
 */
export type InboxCounts = { needs_reply: number, mine: number, unassigned: number, bot: number, snoozed: number, closed: number, all: number, };

/**
 * Which conversations a list shows.
 */
export type InboxView = "needs_reply" | "mine" | "unassigned" | "bot" | "snoozed" | "closed" | "all";

/**
 * A card of the board.
 */
export type LeadCard = { 
/**
 * The lead.
 */
id: string, 
/**
 * The column it stands in.
 */
stage_id: string, 
/**
 * Who it is.
 */
contact_id: string, 
/**
 * Name to show.
 */
name: string, 
/**
 * What the person wants.
 */
title: string, 
/**
 * Value in cents.
 */
value_cents: number | null, 
/**
 * Where the person came from.
 */
source: string | null, 
/**
 * Since when it stands in this column.
 */
stage_entered_at: string, 
/**
 * What to do next.
 */
next_action: string | null, 
/**
 * When to do it.
 */
next_action_at: string | null, 
/**
 * Who owns it.
 */
owner: string | null, 
/**
 * First line of the last message with this person.
 */
last_message: string | null, 
/**
 * The conversation with this person.
 */
conversation_id: string | null, 
/**
 * Why it was lost.
 */
loss_reason: string | null, 
/**
 * Whether what is shown is already in the clinic's database.
 */
state: RowState, };

/**
 * Asks for a page of conversations.
 */
export type ListConversations = { 
/**
 * Which conversations.
 */
view: InboxView, 
/**
 * Only people whose name or phone contains this, accents ignored.
 */
search: string | null, 
/**
 * Rows to skip.
 */
offset: number, 
/**
 * Rows to return, at most 500.
 */
limit: number, };

/**
 * Asks for the operations in a state.
 */
export type ListOperations = { 
/**
 * Which.
 */
state: OperationState, };

/**
 * Asks for more cards of a column.
 */
export type ListStageLeads = { 
/**
 * The column.
 */
stage_id: string, 
/**
 * Cards to skip.
 */
offset: number, 
/**
 * Cards to return, at most 500.
 */
limit: number, };

/**
 * Language of the screens.
 */
export type Locale = "pt-BR" | "en";

/**
 * A reason a lead can be lost for.
 */
export type LossReason = { 
/**
 * The reason.
 */
id: string, 
/**
 * Its name.
 */
name: string, };

/**
 * The member at this desk.
 */
export type MemberSummary = { 
/**
 * The member.
 */
id: string, 
/**
 * Name.
 */
name: string, 
/**
 * owner, admin, attendant, professional or viewer.
 */
role: string, };

/**
 * One message of a thread.
 */
export type MessageRow = { 
/**
 * The message.
 */
id: string, 
/**
 * inbound, outbound or internal (a private note).
 */
direction: string, 
/**
 * contact, member, bot, phone or system.
 */
sender_kind: string, 
/**
 * Name of the member who wrote it.
 */
sender_name: string | null, 
/**
 * text, image, audio, video, document, sticker, location, contact, button_reply, list_reply, poll, template, unsupported.
 */
kind: string, 
/**
 * Text or caption.
 */
body: string, 
/**
 * received, queued, sending, sent, delivered, read, played, failed or unknown.
 */
status: string, 
/**
 * Why it failed, in words of the gateway.
 */
error_text: string | null, 
/**
 * When it was sent.
 */
sent_at: string, 
/**
 * When it reached the phone.
 */
delivered_at: string | null, 
/**
 * When it was read.
 */
read_at: string | null, 
/**
 * Whether it was edited afterwards.
 */
edited: boolean, 
/**
 * Whether it was deleted for everyone.
 */
revoked: boolean, 
/**
 * First words of the message it answers.
 */
quoted_preview: string | null, 
/**
 * Reactions to it.
 */
reactions: Array<Reaction>, 
/**
 * What the kind carries beside text.
 */
attachment: Attachment | null, 
/**
 * Whether it is already in the clinic's database.
 */
state: RowState, };

/**
 * Moves a lead to a column, or within it.
 */
export type MoveLead = { 
/**
 * The lead.
 */
lead_id: string, 
/**
 * The column.
 */
stage_id: string, 
/**
 * The card it shall stand before; absent for the end of the column.
 */
before_lead_id: string | null, 
/**
 * Required when the column is for lost leads.
 */
loss_reason_id: string | null, 
/**
 * Free words beside the reason, at most 500 characters.
 */
loss_note: string | null, };

/**
 * A command without arguments, or an answer without content.
 */
export type Nothing = Record<symbol, never>;

/**
 * The operations in a state, oldest first.
 */
export type OperationList = { 
/**
 * At most 500.
 */
rows: Array<OperationRow>, 
/**
 * How many there are.
 */
total: number, };

/**
 * One queued write.
 */
export type OperationRow = { 
/**
 * The operation.
 */
operation_id: string, 
/**
 * send_message, move_appointment, move_lead.
 */
kind: string, 
/**
 * What it changes.
 */
entity_id: string, 
/**
 * Whom it is about.
 */
subject: string, 
/**
 * What it would do, in values: a text, a time, a stage.
 */
wanted: Array<FieldValue>, 
/**
 * When it was made.
 */
queued_at: string, 
/**
 * How often it was tried.
 */
attempts: number, 
/**
 * Why it is parked: slot_taken, conflict, gone, not_permitted, duplicate, missing_reference, invalid, expired.
 */
reason: string | null, 
/**
 * What stands in the database where someone else changed the same.
 */
theirs: Array<FieldValue>, 
/**
 * What can be done.
 */
choices: Array<Choice>, };

/**
 * Whether an operation waits or needs a decision.
 */
export type OperationState = "waiting" | "parked";

/**
 * A lead as the side panel shows it.
 */
export type PersonLead = { 
/**
 * The lead.
 */
id: string, 
/**
 * What the person wants.
 */
title: string, 
/**
 * Name of the stage.
 */
stage: string, };

/**
 * Who a conversation is with, in short.
 */
export type PersonSummary = { 
/**
 * The contact.
 */
contact_id: string, 
/**
 * Full name.
 */
name: string, 
/**
 * The name the person gave itself on WhatsApp.
 */
profile_name: string | null, 
/**
 * Phone as people write it.
 */
phone: string | null, 
/**
 * Where the person came from.
 */
source: string | null, 
/**
 * Labels of the person.
 */
tags: Array<string>, 
/**
 * Notes of the clinic about the person.
 */
notes: string, 
/**
 * Patients this person answers for.
 */
patients: Array<string>, 
/**
 * Visits to come and the latest past ones, newest first.
 */
visits: Array<PersonVisit>, 
/**
 * How many visits were missed.
 */
no_show_count: number, 
/**
 * Open or latest lead: title and stage.
 */
lead: PersonLead | null, };

/**
 * A visit as the side panel shows it.
 */
export type PersonVisit = { 
/**
 * The appointment.
 */
id: string, 
/**
 * When it starts.
 */
starts_at: string, 
/**
 * Name of the service.
 */
service: string | null, 
/**
 * Name of the professional.
 */
professional: string, 
/**
 * Status of the visit.
 */
status: string, };

/**
 * Preferences of the person at this computer.
 */
export type Preferences = { 
/**
 * Language of the screens.
 */
locale: Locale, 
/**
 * Light or dark.
 */
theme: Theme, };

/**
 * A column of the agenda.
 */
export type Professional = { 
/**
 * The professional.
 */
id: string, 
/**
 * Name.
 */
name: string, 
/**
 * Specialty.
 */
specialty: string | null, 
/**
 * 1 to 8: one of the eight colours for professionals.
 */
color: number, };

/**
 * A reaction to a message.
 */
export type Reaction = { 
/**
 * The emoji.
 */
emoji: string, 
/**
 * Whether the clinic gave it.
 */
from_me: boolean, };

/**
 * Moves a visit to another time or professional.
 */
export type RescheduleAppointment = { 
/**
 * The visit.
 */
appointment_id: string, 
/**
 * New start.
 */
starts_at: string, 
/**
 * New end.
 */
ends_at: string, 
/**
 * With whom.
 */
professional_id: string, 
/**
 * Given: the visit is deliberately squeezed in beside another, or outside working hours, for this reason.
 */
squeeze_reason: string | null, };

/**
 * Whether what a row shows is already in the clinic's database.
 */
export type RowState = "confirmed" | "pending" | "parked";

/**
 * Searches people and messages, accents ignored.
 */
export type SearchEverything = { 
/**
 * Piece of a name, of a phone, or words of a message.
 */
text: string, 
/**
 * Results of each kind, at most 50.
 */
limit: number, };

/**
 * What was found in the copy on this computer.
 */
export type SearchResults = { 
/**
 * People, the latest to talk first.
 */
people: Array<FoundPerson>, 
/**
 * Messages, newest first.
 */
messages: Array<FoundMessage>, };

/**
 * Sends a text; it is queued on this computer and goes out when the clinic's database has it.
 */
export type SendMessage = { 
/**
 * Where to.
 */
conversation_id: string, 
/**
 * 1 to 4,096 characters after trimming.
 */
text: string, };

/**
 * Where the program stands.
 */
export type Session = { "state": "first_run" } | { "state": "preparing", 
/**
 * postgres_binaries, database, schema, sample, keychain, copy, connect.
 */
step: string, 
/**
 * 0 to 1 where it is known.
 */
fraction: number | null, } | { "state": "ready", 
/**
 * The clinic.
 */
clinic: ClinicSummary, 
/**
 * Who works at this desk.
 */
member: MemberSummary, } | { "state": "failed", 
/**
 * What happened.
 */
problem: ApiError, 
/**
 * Whether a profile exists (retry) or not (back to first run).
 */
has_profile: boolean, };

/**
 * Whether a slot is free as far as this computer knows.
 */
export type SlotVerdict = { 
/**
 * Absent when the visit may stand there; else the code of the refusal (slot_taken, outside_working_hours …).
 */
refusal: string | null, 
/**
 * Patient of the visit that stands in the way.
 */
occupied_by: string | null, };

/**
 * A piece of a text.
 */
export type SnippetPiece = { 
/**
 * The text.
 */
text: string, 
/**
 * Whether it is what was searched for.
 */
found: boolean, };

/**
 * A column of the board.
 */
export type Stage = { 
/**
 * The stage.
 */
id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * open, won or lost.
 */
kind: string, 
/**
 * How many leads stand in it; closed columns count the last 30 days.
 */
count: number, 
/**
 * Sum of their values, in cents.
 */
sum_cents: number, 
/**
 * The first cards, by position.
 */
leads: Array<LeadCard>, };

/**
 * More cards of a column.
 */
export type StageLeads = { 
/**
 * By position.
 */
leads: Array<LeadCard>, };

/**
 * Makes this computer the clinic: an embedded database with an empty clinic.
 */
export type StartLocalClinic = { 
/**
 * 1 to 160 characters.
 */
clinic_name: string, 
/**
 * Name of the owner, 1 to 160 characters.
 */
owner_name: string, 
/**
 * IANA name.
 */
time_zone: string, 
/**
 * human, veterinary, dental or other.
 */
vertical: string, };

/**
 * Opens a sample clinic on this computer, to try the program.
 */
export type StartSampleClinic = Record<symbol, never>;

/**
 * The status line. It never says more than the desk knows.
 */
export type SyncStatus = { 
/**
 * How the desk stands with the database.
 */
connection: Connection, 
/**
 * Since when it does not answer.
 */
offline_since: string | null, 
/**
 * Last time the database confirmed that this copy is complete.
 */
last_confirmed_at: string | null, 
/**
 * Writes that are kept on this computer and not yet confirmed.
 */
waiting: number, 
/**
 * Writes that were refused and need a decision.
 */
needs_you: number, 
/**
 * What stands in the way, when something does.
 */
problem: ApiError | null, 
/**
 * The copy is being made for the first time.
 */
first_copy: CopyProgress | null, 
/**
 * Seconds by which this computer's clock is ahead of the server's; absent while it is small.
 */
clock_ahead_seconds: number | null, };

/**
 * Light or dark.
 */
export type Theme = "system" | "light" | "dark";

/**
 * A piece of a thread, oldest message first, and who it is with.
 */
export type Thread = { 
/**
 * The conversation as the list shows it.
 */
conversation: ConversationRow, 
/**
 * Who this is.
 */
person: PersonSummary, 
/**
 * Oldest first.
 */
messages: Array<MessageRow>, 
/**
 * Whether older messages exist in the copy.
 */
has_older: boolean, };

/**
 * A place in a thread: instants can tie, so the id decides.
 */
export type ThreadPosition = { 
/**
 * When the message was sent.
 */
sent_at: string, 
/**
 * The message.
 */
id: string, };

/**
 * What a change touches. A screen that shows the topic asks for its data again.
 */
export type Topic = "session" | "status" | "inbox" | "agenda" | "leads" | "people" | "operations" | "preferences";

/**
 * One visit.
 */
export type Visit = { 
/**
 * The appointment.
 */
id: string, 
/**
 * Start.
 */
starts_at: string, 
/**
 * End.
 */
ends_at: string, 
/**
 * With whom.
 */
professional_id: string, 
/**
 * Room, where one is set.
 */
room: string | null, 
/**
 * Service, where one is set.
 */
service: string | null, 
/**
 * Who is cared for.
 */
patient: string, 
/**
 * Who answers for the patient.
 */
contact_id: string, 
/**
 * Phone as people write it.
 */
phone: string | null, 
/**
 * scheduled, confirmed, arrived, in_service, completed, cancelled or no_show.
 */
status: string, 
/**
 * Deliberately beside another visit.
 */
squeezed_in: boolean, 
/**
 * Why it was squeezed in.
 */
squeeze_reason: string | null, 
/**
 * Notes of the desk.
 */
notes: string, 
/**
 * How many visits the patient has missed.
 */
no_show_count: number, 
/**
 * Whether what is shown is already in the clinic's database.
 */
state: RowState, };

/**
 * A piece of working time.
 */
export type WorkingSpan = { 
/**
 * Whose.
 */
professional_id: string, 
/**
 * Start.
 */
starts_at: string, 
/**
 * End.
 */
ends_at: string, };

/**
 * A write was taken: it is safe on this computer and queued.
 */
export type Written = { 
/**
 * The operation; absent when nothing had to change.
 */
operation_id: string | null, 
/**
 * What it changes.
 */
entity_id: string, };

/** Every command: what it takes and what it answers. */
export interface Commands {
  /** Where the program stands: first run, preparing, a clinic is open, or why not. */
  get_session: { request: Nothing; response: Session };
  /** Opens a sample clinic on this computer. Answers at once; the session tells how far it is. */
  start_sample_clinic: { request: StartSampleClinic; response: Session };
  /** Makes this computer the clinic. Answers at once; the session tells how far it is. */
  start_local_clinic: { request: StartLocalClinic; response: Session };
  /** Connects to a clinic's database. Answers at once; the session tells how far it is. */
  connect_clinic: { request: ConnectClinic; response: Session };
  /** Tries again to open the clinic of this profile. */
  retry_session: { request: Nothing; response: Session };
  /** A page of conversations and the counts of all views. */
  list_conversations: { request: ListConversations; response: ConversationList };
  /** A piece of a thread and who it is with. */
  get_thread: { request: GetThread; response: Thread };
  /** Queues a text message. */
  send_message: { request: SendMessage; response: Written };
  /** Some days of the agenda. */
  get_agenda: { request: GetAgenda; response: Agenda };
  /** Whether a visit could stand there, as far as this computer knows. */
  check_slot: { request: CheckSlot; response: SlotVerdict };
  /** Queues the move of a visit. */
  reschedule_appointment: { request: RescheduleAppointment; response: Written };
  /** A pipeline as a board. */
  get_board: { request: GetBoard; response: Board };
  /** More cards of a column. */
  list_stage_leads: { request: ListStageLeads; response: StageLeads };
  /** Queues the move of a lead. */
  move_lead: { request: MoveLead; response: Written };
  /** Searches people and messages in the copy. */
  search_everything: { request: SearchEverything; response: SearchResults };
  /** The status line. */
  get_status: { request: Nothing; response: SyncStatus };
  /** Tries to reach the database now. */
  sync_now: { request: Nothing; response: SyncStatus };
  /** Writes that wait or need a decision. */
  list_operations: { request: ListOperations; response: OperationList };
  /** Decides about a write that was refused. */
  decide_operation: { request: DecideOperation; response: Written };
  /** Preferences of the person at this computer. */
  get_preferences: { request: Nothing; response: Preferences };
  /** Changes the preferences. */
  set_preferences: { request: Preferences; response: Preferences };
}
