// Generated from the command list of the api crate by `cargo xtask bindings`. Do not edit.

/**
 * What was given up with a bucket.
 */
export type AbandonedBucket = { 
/**
 * Files that were nowhere else.
 */
lost: number, };

/**
 * Does one thing with some threads. Each is a write of its own.
 */
export type ActOnThreads = { 
/**
 * Which threads, at most 200.
 */
conversation_ids: Array<string>, 
/**
 * What is done.
 */
action: ThreadAction, 
/**
 * Takes it back together with an earlier piece of the same work.
 */
undo: string | null, };

/**
 * What was done.
 */
export type ActedOnThreads = { 
/**
 * Threads that are otherwise now; the others were that already, or are not there any more.
 */
changed: number, 
/**
 * Takes it back; absent when nothing changed.
 */
undo: string | null, };

/**
 * Adds a connection.
 */
export type AddChannel = { 
/**
 * As it is to be.
 */
wish: ChannelWish, 
/**
 * What opens it.
 */
keys: ChannelKeys, 
/**
 * Makes the instance on the server of the Evolution API first, with the server's own key; kept is the instance's token.
 */
make_instance: boolean, };

/**
 * Adds a note to whatever stands there.
 */
export type AddNote = { 
/**
 * What it is about.
 */
about: NoteAbout, 
/**
 * The person, the visit or the lead.
 */
id: string, 
/**
 * 1 to 2,000 characters. Time and author are put in front.
 */
text: string, };

/**
 * A connection that was added.
 */
export type AddedChannel = { 
/**
 * The connection.
 */
id: string, };

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
 * Whether these are all visits: where they are not, an empty time is not a free one.
 */
coverage: Coverage, 
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
 * Its bytes, for the window to show and send it.
 */
export type AttachedContents = { 
/**
 * What the window that it came from takes it for.
 */
mime_type: string, 
/**
 * The bytes in base64.
 */
base64: string, };

/**
 * A file beside an answer that was not sent.
 */
export type AttachedFile = { 
/**
 * The file.
 */
id: string, 
/**
 * Its name.
 */
file_name: string, 
/**
 * What the window that it came from takes it for.
 */
mime_type: string, 
/**
 * Its size in bytes.
 */
size_bytes: number, 
/**
 * What is known of a recording.
 */
voice: VoiceNote | null, 
/**
 * What is there of it.
 */
state: AttachedState, };

/**
 * Names a file beside an answer.
 */
export type AttachedOfDraft = { 
/**
 * The file.
 */
file_id: string, };

/**
 * What is there of a file beside an answer.
 */
export type AttachedState = "whole" | "interrupted" | "gone";

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
 * What became of the file: uploading, pending, stored, expired, too_large, failed, or removed when its
 * time was over. Absent where nobody has tried.
 */
file: string | null, 
/**
 * Width of a picture or film in pixels, as its sender says.
 */
width: number | null, 
/**
 * Its height.
 */
height: number | null, 
/**
 * A small JPEG of it in base64.
 */
thumbnail: string | null, 
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
original_kind: string | null, 
/**
 * Address of a place.
 */
address: string | null, 
/**
 * Whether a place moves with the person.
 */
live: boolean | null, 
/**
 * Whether sound was spoken into a microphone.
 */
voice: boolean | null, 
/**
 * How loud a voice note is from beginning to end: at most 64 values of 0 to 100. Empty where nobody knows.
 */
waveform: Array<number>, 
/**
 * When the clinic removed the file.
 */
removed_at: string | null, 
/**
 * After how many months.
 */
kept_months: number | null, 
/**
 * Second line of a chosen option.
 */
description: string | null, 
/**
 * What can be voted for.
 */
options: Array<string>, 
/**
 * The vote that counts of each side of a poll; of a vote that is told by itself, that one.
 */
votes: Array<PollVote>, 
/**
 * People's cards.
 */
cards: Array<ContactCard>, };

/**
 * A member as the audit knows them.
 */
export type AuditActor = { 
/**
 * The member.
 */
id: string, 
/**
 * Name.
 */
name: string, 
/**
 * Whether they still are a member.
 */
active: boolean, };

/**
 * One field of a row.
 */
export type AuditChange = { 
/**
 * The column.
 */
field: string, 
/**
 * What was there.
 */
before: AuditValue | null, 
/**
 * What is there now.
 */
after: AuditValue | null, };

/**
 * A page of the audit.
 */
export type AuditEntries = { 
/**
 * Newest first. May be fewer than asked for, even none, where a long time had to be looked through.
 */
entries: Array<AuditEntry>, 
/**
 * Where to go on; absent at the end.
 */
next: AuditPoint | null, };

/**
 * Something that somebody did.
 */
export type AuditEntry = { 
/**
 * The entry.
 */
id: string, 
/**
 * When.
 */
at: string, 
/**
 * insert, update, delete, or the name of what else was done.
 */
action: string, 
/**
 * Table of the row that it was done to, where it was one.
 */
kind: string | null, 
/**
 * Who did it; absent, it was done on the server itself.
 */
who: string | null, 
/**
 * On which computer.
 */
computer: string | null, 
/**
 * With which program.
 */
program: string | null, 
/**
 * From which address; gone after ninety days.
 */
address: string | null, 
/**
 * The person it is about.
 */
person: AuditPerson | null, 
/**
 * What the row is called, where it has a name.
 */
subject: string | null, 
/**
 * What changed.
 */
changes: Array<AuditChange>, };

/**
 * Who may have done something.
 */
export type AuditPeople = { 
/**
 * Those who work here first.
 */
members: Array<AuditActor>, };

/**
 * A person that the audit is about.
 */
export type AuditPerson = { 
/**
 * The contact.
 */
id: string, 
/**
 * Name; absent when there is none any more.
 */
name: string | null, };

/**
 * A place in the audit.
 */
export type AuditPoint = { 
/**
 * When.
 */
at: string, 
/**
 * Which entry of that instant.
 */
id: string, };

/**
 * How the text of a value is to be read.
 */
export type AuditShape = "text" | "flag" | "number" | "money" | "time" | "date" | "clock" | "code" | "gone";

/**
 * What stands in a field.
 */
export type AuditValue = { 
/**
 * How `text` is to be read.
 */
shape: AuditShape, 
/**
 * The value.
 */
text: string, };

/**
 * What of the audit is asked for; what is absent does not matter.
 */
export type AuditWish = { 
/**
 * Who did it.
 */
member_id: string | null, 
/**
 * The person it is about.
 */
person_id: string | null, 
/**
 * What it was: people, visits, threads, leads, settings, team, logins, exports, squeezes or deletions.
 */
topic: string | null, 
/**
 * Not before.
 */
from: string | null, 
/**
 * Before.
 */
until: string | null, 
/**
 * In the values or the name of the person; at most 200 characters.
 */
text: string | null, };

/**
 * A visit that was booked here.
 */
export type AwaitedVisit = { 
/**
 * The visit.
 */
appointment_id: string, 
/**
 * For whom.
 */
patient: string, 
/**
 * Start.
 */
starts_at: string, 
/**
 * Why the clinic has not taken it: slot_taken, or another reason that a person decides about. Absent while it waits.
 */
refused: string | null, 
/**
 * The text that confirms it.
 */
text: string, };

/**
 * They, the first to come first.
 */
export type AwaitedVisits = { 
/**
 * The visits.
 */
visits: Array<AwaitedVisit>, };

/**
 * What is in a backup.
 */
export type BackupContents = { 
/**
 * Name of the clinic.
 */
clinic_name: string, 
/**
 * The moment it shows.
 */
taken_at: string, 
/**
 * Rows of all tables.
 */
rows: number, 
/**
 * Size of the file.
 */
bytes: number, };

/**
 * Whether the owner is to be warned.
 */
export type BackupHealth = { 
/**
 * There has been no good backup for longer than was chosen. Always false where the clinic is not on this computer.
 */
overdue: boolean, 
/**
 * When one was last tried and good.
 */
verified_at: string | null, 
/**
 * Of a clinic that was brought back here, until somebody has taken note.
 */
restored: RestoredClinic | null, };

/**
 * How far the work on a backup is.
 */
export type BackupProgress = { 
/**
 * make or verify.
 */
doing: string, 
/**
 * look, copy, read, scratch, rows or finish.
 */
step: string, 
/**
 * 0 to 1 where it is known.
 */
fraction: number | null, 
/**
 * Bytes that were copied, while that is what is done.
 */
bytes: number | null, };

/**
 * One backup.
 */
export type BackupRow = { 
/**
 * Name of the file.
 */
file: string, 
/**
 * The moment it shows.
 */
taken_at: string, 
/**
 * Size of the file.
 */
bytes: number, 
/**
 * Rows of all tables.
 */
rows: number, 
/**
 * made, verified or failed.
 */
state: string, 
/**
 * When it was tried.
 */
tried_at: string | null, 
/**
 * Why it is not good.
 */
problem: ApiError | null, 
/**
 * Whether the words that are in use open it.
 */
opens: boolean, };

/**
 * The backups of the clinic that is on this computer.
 */
export type BackupState = { 
/**
 * Whether the recovery words were drawn and written down.
 */
has_words: boolean, 
/**
 * What was chosen.
 */
wish: BackupWish, 
/**
 * Whether the folder is on the disk of the database itself, so that both would be lost together.
 */
same_disk: boolean, 
/**
 * When the next one is made; absent while something is still to be chosen.
 */
next_at: string | null, 
/**
 * When one was last restored to try it, and was good.
 */
verified_at: string | null, 
/**
 * What is being done right now.
 */
running: BackupProgress | null, 
/**
 * Why the last one was not made or is not good; absent when it was and is.
 */
problem: ApiError | null, 
/**
 * The backups in the folder, newest first.
 */
backups: Array<BackupRow>, 
/**
 * Why they cannot be listed.
 */
folder_problem: ApiError | null, };

/**
 * Where, when and how many.
 */
export type BackupWish = { 
/**
 * The folder; absent until one was chosen.
 */
folder: string | null, 
/**
 * Minutes since midnight in the clinic's time, every day. When the computer is off at that time, as soon as it is on.
 */
at_minute: number, 
/**
 * Of so many days the last backup stays, 1 to 60.
 */
daily: number, 
/**
 * Of so many weeks, 0 to 60.
 */
weekly: number, 
/**
 * Of so many months, 0 to 120.
 */
monthly: number, 
/**
 * Days without a good backup after which the owner is warned, 1 to 60.
 */
warn_after_days: number, };

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
 * Books a visit for the person of a thread.
 */
export type BookAppointment = { 
/**
 * The thread.
 */
conversation_id: string, 
/**
 * For whom.
 */
book_for: BookFor, 
/**
 * What for; absent where the clinic has no services.
 */
service_id: string | null, 
/**
 * With whom.
 */
professional_id: string, 
/**
 * Start; how long it takes follows from the service.
 */
starts_at: string, };

/**
 * For whom a visit is.
 */
export type BookFor = { "kind": "patient", 
/**
 * Whom.
 */
patient_id: string, } | { "kind": "person" } | { "kind": "new", 
/**
 * 1 to 200 characters.
 */
name: string, };

/**
 * A visit was booked: it is safe on this computer and queued.
 */
export type Booked = { 
/**
 * The visit.
 */
appointment_id: string, 
/**
 * A text that confirms it to the person, in the language of the clinic's people.
 */
text: string, 
/**
 * The patient who was made with it, to be given back when it is undone.
 */
patient_added: string | null, };

/**
 * What can be booked for a person, with whom and for whom.
 */
export type Booking = { 
/**
 * Whom the person answers for, the person's own first.
 */
patients: Array<BookingPatient>, 
/**
 * Name under which the person would be a patient, who is none yet; absent where that makes no sense.
 */
own_name: string | null, 
/**
 * Whether those who are cared for are animals.
 */
is_veterinary: boolean, 
/**
 * What can be booked.
 */
services: Array<BookingService>, 
/**
 * What the person last came for, else the first.
 */
usual_service_id: string | null, 
/**
 * Who works here, in the order of the agenda.
 */
professionals: Array<BookingProfessional>, };

/**
 * Chooses how many minutes before a visit it is still offered in a thread.
 */
export type BookingLead = { 
/**
 * 0 to a week.
 */
minutes: number, };

/**
 * Somebody who is cared for.
 */
export type BookingPatient = { 
/**
 * The patient.
 */
id: string, 
/**
 * Name.
 */
name: string, };

/**
 * Somebody with whom it can be booked.
 */
export type BookingProfessional = { 
/**
 * The professional.
 */
id: string, 
/**
 * Name.
 */
name: string, 
/**
 * 1 to 8: one of the eight colours for professionals.
 */
color: number, };

/**
 * Something that can be booked.
 */
export type BookingService = { 
/**
 * The service.
 */
id: string, 
/**
 * Name.
 */
name: string, 
/**
 * How long it takes.
 */
minutes: number, 
/**
 * Who does it.
 */
professional_ids: Array<string>, };

/**
 * A bucket that is used, and how it stands.
 */
export type BucketDetails = { 
/**
 * As it is to be.
 */
wish: BucketWish, 
/**
 * Since when everything comes back, to be forgotten then.
 */
emptying_since: string | null, 
/**
 * What stands between the clinic and its bucket.
 */
problem: string | null, 
/**
 * Since when.
 */
problem_since: string | null, 
/**
 * Files that are there.
 */
files: number, 
/**
 * Their bytes.
 */
bytes: number, 
/**
 * Files that are to go there now.
 */
leaving: number, 
/**
 * Files that somebody waits for.
 */
wanted: number, 
/**
 * Files that something is wrong with: they are tried again.
 */
failing: number, 
/**
 * Objects of files that are gone, still to be deleted there.
 */
deleting: number, };

/**
 * What opens a bucket; goes to the keyring of this computer and nowhere else.
 */
export type BucketKeys = { 
/**
 * Id of the key.
 */
key_id: string, 
/**
 * Its secret.
 */
secret: string, };

/**
 * How far the trying of a bucket is.
 */
export type BucketTrial = { 
/**
 * Whether it is still under way.
 */
is_running: boolean, 
/**
 * Name, tls, key, write, read, delete, in this order; empty before the first trial.
 */
steps: Array<BucketTrialStep>, };

/**
 * One step of it.
 */
export type BucketTrialStep = { 
/**
 * name, tls, key, write, read or delete.
 */
step: string, 
/**
 * waiting, running, ok, failed or not_reached.
 */
state: string, 
/**
 * What is wrong, when it failed.
 */
code: string | null, 
/**
 * The host, or how the line is protected: system, loopback.
 */
seen: string | null, };

/**
 * A bucket as it is to be. Nothing of it is a secret.
 */
export type BucketWish = { 
/**
 * Address of the server, https:// and its name.
 */
endpoint: string, 
/**
 * Name of the bucket.
 */
bucket: string, 
/**
 * Its region.
 */
region: string, 
/**
 * After how many days files go there, 0 to 3,650.
 */
after_days: number, };

/**
 * Takes an invitation back.
 */
export type CancelInvitation = { 
/**
 * The invitation.
 */
id: string, };

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
conversations: Array<string>, 
/**
 * Where the screens are led to; absent, they stay where they are.
 */
opening: Destination | null, };

/**
 * Changes a connection.
 */
export type ChangeChannel = { 
/**
 * The connection.
 */
id: string, 
/**
 * As it is to be.
 */
wish: ChannelWish, 
/**
 * A new key; absent, the one that this computer has stays.
 */
keys: ChannelKeys | null, };

/**
 * Changes how the screens lock.
 */
export type ChangeLock = { 
/**
 * The PIN there is; needed when there is one. Where the account opens, the system asks by itself.
 */
current_pin: string | null, 
/**
 * What is to open them.
 */
way: LockWay, 
/**
 * The PIN from now on, of 4 to 64 characters. Absent, the one there is stays.
 */
new_pin: string | null, 
/**
 * 0, 5, 15 or 60.
 */
minutes: number, };

/**
 * Gives a member another role, on all of their computers at once.
 */
export type ChangeRole = { 
/**
 * The member.
 */
member_id: string, 
/**
 * owner, admin, attendant, professional or viewer.
 */
role: string, 
/**
 * Of a professional: the agenda that becomes theirs.
 */
agenda_id: string | null, };

/**
 * Decides anew about a message that waits for its time.
 */
export type ChangeScheduled = { 
/**
 * Which.
 */
message_id: string, 
/**
 * What becomes of it.
 */
change: ScheduledChange, };

/**
 * Shares the clinic on the network, or no longer.
 */
export type ChangeSharing = { 
/**
 * Whether to share.
 */
on: boolean, 
/**
 * By which port; absent, the one that was chosen last. 1024 to 65535.
 */
port: number | null, 
/**
 * Makes a new certificate, when the key of the old one is lost. Every other computer then needs a new invitation.
 */
new_certificate: boolean, };

/**
 * Something that is wrong with a connection in use.
 */
export type ChannelAlarm = { 
/**
 * The connection.
 */
id: string, 
/**
 * What it is called.
 */
name: string, 
/**
 * acks_missing, or the code of a problem.
 */
code: string, 
/**
 * Since when, where it is known.
 */
since: string | null, };

/**
 * One connection, and how it is doing. Its key is in keyrings and nowhere else.
 */
export type ChannelDetails = { 
/**
 * The connection.
 */
id: string, 
/**
 * How it is called, reached and used.
 */
wish: ChannelWish, 
/**
 * The clinic's number behind it.
 */
phone: string | null, 
/**
 * Whether it is used.
 */
active: boolean, 
/**
 * Whether it was removed, and is only here for its conversations; one that is not used otherwise is paused.
 */
removed: boolean, 
/**
 * Whether it has an address at all; one that only a recording was put into has none.
 */
has_address: boolean, 
/**
 * disconnected, connecting, pairing, connected or refused, as far as the gateway says.
 */
status: string, 
/**
 * Whether only reading a QR code brings it back.
 */
needs_pairing: boolean, 
/**
 * What is wrong with it, as a code.
 */
problem: string | null, 
/**
 * here, missing, or unknown when the keyring does not answer.
 */
key: string, 
/**
 * The newest message of a person.
 */
last_inbound_at: string | null, 
/**
 * The last word of WhatsApp about a message of ours.
 */
last_ack_at: string | null, 
/**
 * Since when such a word is missing.
 */
acks_missing_since: string | null, 
/**
 * The last sweep that was complete.
 */
last_sweep_at: string | null, 
/**
 * Messages that may have gone out or not.
 */
unknown_outcomes: number, };

/**
 * Who looks after the connections, and what people must know of them, for the status line.
 */
export type ChannelHealth = { 
/**
 * Connections in use.
 */
in_use: number, 
/**
 * The computer that listens and sends, or did it last.
 */
holder: WorkHolder | null, 
/**
 * What is wrong, the worst first.
 */
alarms: Array<ChannelAlarm>, };

/**
 * What opens a gateway; goes to the keyring of this computer and nowhere else.
 */
export type ChannelKeys = { 
/**
 * Of the gateway.
 */
key: string, 
/**
 * Of the relay of a Cloud API connection.
 */
relay_key: string | null, };

/**
 * How far that is.
 */
export type ChannelPairing = { 
/**
 * The connection; absent before the first one.
 */
id: string | null, 
/**
 * asking (there is no code yet), code (to be read), connected, failed, over (nobody has read it for minutes), or empty.
 */
state: string, 
/**
 * What the phone must read; a fresh one comes every few seconds.
 */
picture: QrPicture | null, 
/**
 * What is typed on the phone instead, where its number was given and the gateway has one.
 */
typed: string | null, 
/**
 * Why it failed, or what stands in the way at the moment.
 */
problem: ApiError | null, };

/**
 * How far the trying of a connection is.
 */
export type ChannelTrial = { 
/**
 * Whether it is still under way.
 */
is_running: boolean, 
/**
 * Address, tls, key, instance, state, stream, in this order; empty before the first trial.
 */
steps: Array<ChannelTrialStep>, };

/**
 * One step of it.
 */
export type ChannelTrialStep = { 
/**
 * address, tls, key, instance, state or stream.
 */
step: string, 
/**
 * waiting, running, ok, failed or not_reached.
 */
state: string, 
/**
 * What is wrong, when it failed.
 */
code: string | null, 
/**
 * What was seen, by name: host; protection (system, given, loopback, none); others (connections of other names that the key
 * opens, which are not the clinic's); state, needs_pairing; waits.
 */
facts: { [key in string]: string }, };

/**
 * A connection as it is to be.
 */
export type ChannelWish = { 
/**
 * How people call it, 1 to 80 characters.
 */
name: string, 
/**
 * evolution or cloud_api; it stays what it was made as.
 */
kind: string, 
/**
 * Address of the server, or of Graph with its version.
 */
url: string, 
/**
 * Name of the instance, or the number's id at Meta.
 */
instance: string, 
/**
 * Address of the relay of a Cloud API connection.
 */
relay_url: string | null, 
/**
 * The authority of the certificate of the server, or of the relay, in PEM; those that the system trusts where there is none.
 */
ca_pem: string | null, 
/**
 * Whether the server has no global stream, so that the instance's own is listened to.
 */
per_instance: boolean, 
/**
 * How fast it sends: calm, brisk or none.
 */
pace: string, 
/**
 * Messages of one day, 1 to 100,000.
 */
daily_cap: number, 
/**
 * Whether "is typing" is shown before a message.
 */
typing: boolean, 
/**
 * Whether people are told that their messages were read when they are answered.
 */
read_receipts: boolean, };

/**
 * The connections, and what may be done about them here.
 */
export type Channels = { 
/**
 * Whether who works here may add, change and remove them.
 */
may_change: boolean, 
/**
 * Whether this computer may listen and send for the clinic.
 */
may_work: boolean, 
/**
 * Those in use first, then those that are paused, then those that were removed; each by name.
 */
channels: Array<ChannelDetails>, };

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
export type Choice = "retry" | "keep_mine" | "keep_theirs" | "other_time" | "squeeze_in" | "discard";

/**
 * How far back this computer copies, in days; 0 is all the way.
 */
export type ChooseWindow = { 
/**
 * Messages: 0, or 7 to 3650.
 */
message_days: number, 
/**
 * Visits: 0, or 7 to 3650. Those to come are always copied.
 */
appointment_days: number, };

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
 * Somebody else who has the thread open.
 */
export type Companion = { 
/**
 * Who.
 */
member_id: string, 
/**
 * What they are called.
 */
name: string, 
/**
 * Whether they are writing.
 */
typing: boolean, };

/**
 * Who else has it open; nobody without a line.
 */
export type Company = { 
/**
 * Each once.
 */
people: Array<Companion>, };

/**
 * What this computer could be called.
 */
export type ComputerName = { 
/**
 * What the operating system calls it.
 */
name: string, };

/**
 * Shows that the words were written down. From then on they are those of the backups to come.
 */
export type ConfirmWords = { 
/**
 * The words that were asked for, in the order of their places.
 */
words: Array<string>, };

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
 * A person's card.
 */
export type ContactCard = { 
/**
 * The name on it.
 */
name: string, 
/**
 * The numbers on it, as people write them; at most five.
 */
phones: Array<string>, };

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
counts: InboxCounts, 
/**
 * How many the further views have, in the order in which they were asked for.
 */
counted: Array<number>, 
/**
 * When the next thread comes back that was put aside: then the answer is another one.
 */
returns_at: string | null, };

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
 * open, snoozed or closed. What was put aside until a time that has come is open.
 */
status: string, 
/**
 * Until when it is put aside.
 */
snoozed_until: string | null, 
/**
 * When it came back, while nobody has answered since.
 */
came_back_at: string | null, 
/**
 * A person wants it among those to be answered.
 */
marked_unread: boolean, 
/**
 * The clinic has blocked this person.
 */
is_blocked: boolean, 
/**
 * A note in it names the member who asks, and was not seen yet.
 */
is_mentioned: boolean, 
/**
 * Since when the talk that goes on, or went on last, is open.
 */
opened_at: string | null, 
/**
 * When a person of the clinic first answered in it.
 */
responded_at: string | null, 
/**
 * When it was done.
 */
closed_at: string | null, 
/**
 * The member it is assigned to.
 */
assignee_id: string | null, 
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
 * The file of the copy could not be read. It was set aside, and the copy is made anew.
 */
export type CopyNotice = { 
/**
 * When that was noticed.
 */
at: string, 
/**
 * Name of the file that was set aside, in the folder of the profile.
 */
file: string, 
/**
 * Writes that were not yet confirmed, read from the damaged file and kept.
 */
writes_kept: number, 
/**
 * More of them that were in it and could not be read; absent where not even their number could be.
 */
writes_lost: number | null, };

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
total: number, 
/**
 * Seconds until it is done, about; absent while nothing can be said.
 */
seconds_left: number | null, };

/**
 * What is to be said about the copy on this computer.
 */
export type CopyState = { 
/**
 * Something happened that the person has not yet put away.
 */
notice: CopyNotice | null, };

/**
 * How far back this computer copies, and what is missing of it.
 */
export type CopyWindow = { 
/**
 * Messages, in days; 0 is all the way.
 */
message_days: number, 
/**
 * Visits, in days; 0 is all the way.
 */
appointment_days: number, 
/**
 * Whether something of it is not here yet.
 */
missing: boolean, 
/**
 * How far fetching it is; absent while it waits for the line.
 */
widening: Widening | null, };

/**
 * Whether the copy has every visit of some days.
 */
export type Coverage = "whole" | "elsewhere" | "coming";

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
reason: string | null, 
/**
 * Required with other_time: the new start. The visit keeps its length.
 */
starts_at: string | null, };

/**
 * Where somebody wants to be who has clicked outside the window.
 */
export type Destination = { 
/**
 * The thread; absent, the list of those that wait for an answer.
 */
conversation_id: string | null, };

/**
 * What is to be tried.
 */
export type DiagnoseConnection = { "of": "clinic", } | { "of": "invitation", 
/**
 * Its text.
 */
invitation: string, 
/**
 * Its code.
 */
code: string, } | { "of": "address", 
/**
 * postgres://login@host:port/database
 */
address: string, 
/**
 * The login's password; kept nowhere.
 */
password: string, };

/**
 * How far the trying of a connection is.
 */
export type Diagnosis = { 
/**
 * Whether it is still under way.
 */
is_running: boolean, 
/**
 * Name, port, tls, login, version, clock, in this order; empty before the first diagnosis.
 */
steps: Array<DiagnosisStep>, };

/**
 * One step of the way.
 */
export type DiagnosisStep = { 
/**
 * name, port, tls, login, version or clock.
 */
step: string, 
/**
 * waiting, running, ok, failed or not_reached.
 */
state: string, 
/**
 * What is wrong, when it failed.
 */
code: string | null, 
/**
 * What was seen, by name: host, port, addresses, protection (loopback, system, given, pinned), server, schema,
 * known_schema, seconds (by which this computer's clock is ahead), found (the address that the network told).
 */
facts: { [key in string]: string }, };

/**
 * What somebody has begun to write.
 */
export type Draft = { 
/**
 * The answer; empty where there is none.
 */
text: string, 
/**
 * The note to the team; empty where there is none.
 */
note: string, 
/**
 * The message that the answer quotes.
 */
quoted_id: string | null, 
/**
 * Files beside the answer, in the order in which they came.
 */
files: Array<AttachedFile>, };

/**
 * Erases a person for good.
 */
export type ErasePerson = { 
/**
 * The person.
 */
contact_id: string, 
/**
 * request, consent, ended, mistake or other.
 */
reason: string, 
/**
 * Their name, typed.
 */
typed_name: string, };

/**
 * What was erased.
 */
export type ErasedPerson = { 
/**
 * Messages that are gone.
 */
messages: number, 
/**
 * Visits that stayed without a text.
 */
visits_kept: number, 
/**
 * Visits to come that were cancelled.
 */
visits_cancelled: number, };

/**
 * Saves what was asked for as a table that a spreadsheet opens.
 */
export type ExportAudit = { 
/**
 * What of the audit.
 */
wish: AuditWish, 
/**
 * What things are called in the person's language, by `column.`, `action.`, `kind.`, `field.`, `code.` and `flag.` with
 * the name after it. What is not in it stands as the audit has it.
 */
words: { [key in string]: string }, };

/**
 * Reads everything about a person into a file.
 */
export type ExportPerson = { 
/**
 * The person.
 */
contact_id: string, };

/**
 * Where the audit was saved.
 */
export type ExportedAudit = { 
/**
 * The file.
 */
path: string, 
/**
 * Entries in it.
 */
entries: number, 
/**
 * Whether older ones were left out, because a spreadsheet would not take more.
 */
left_out: boolean, };

/**
 * Where the log was written to.
 */
export type ExportedLog = { 
/**
 * The file.
 */
path: string, 
/**
 * Lines in it.
 */
lines: number, };

/**
 * Where the file is.
 */
export type ExportedPerson = { 
/**
 * The file: a zip with a page, a document for programs, and files. Absent when the export was called off: nothing is left
 * of it then.
 */
path: string | null, 
/**
 * Entries in it.
 */
rows: number, 
/**
 * Files of messages that are named in it and could not be read.
 */
missing: Array<string>, };

/**
 * Asks for the next page of a conversation before the window of the copy. It is in the copy when the answer comes.
 */
export type FetchOlderMessages = { 
/**
 * Which conversation.
 */
conversation_id: string, };

/**
 * Asks for the visits of a day and of all days after it that the copy does not have. They are in the copy when the answer
 * comes.
 */
export type FetchOlderVisits = { 
/**
 * The day.
 */
from: string, };

/**
 * Asks for every visit of a person, however old. They are in the copy when the answer comes.
 */
export type FetchPersonVisits = { 
/**
 * Which person.
 */
contact_id: string, };

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
 * For how long the clinic keeps the files of messages.
 */
export type FilesKept = { 
/**
 * Months, at most 1,200; 0 for ever.
 */
months: number, };

/**
 * Fills in the places of a text for the person of a thread.
 */
export type FillText = { 
/**
 * Whose thread.
 */
conversation_id: string, 
/**
 * The text, at most 4,096 characters.
 */
text: string, 
/**
 * Values that the person at the desk has given, by name of the place; they go over what the program knows.
 */
values: { [key in string]: string }, };

/**
 * A text with its places filled in.
 */
export type FilledText = { 
/**
 * The text; places without a value stand as they were.
 */
text: string, 
/**
 * Names of the places without a value, in the order in which they stand.
 */
missing: Array<string>, };

/**
 * A view and what it is narrowed to.
 */
export type FilteredView = { 
/**
 * The view.
 */
view: InboxView, 
/**
 * What it is narrowed to.
 */
filter: ThreadFilter, };

/**
 * Asks for the next free times for the person of a thread.
 */
export type FindTimes = { 
/**
 * The thread.
 */
conversation_id: string, 
/**
 * What for; absent where the clinic has no services.
 */
service_id: string | null, 
/**
 * With whom; absent for whoever is free first.
 */
professional_id: string | null, 
/**
 * Not before this day.
 */
from: string | null, 
/**
 * Not before this instant: the end of the last time that was shown.
 */
after: string | null, };

/**
 * What is to be known about the firewall of this computer.
 */
export type Firewall = { 
/**
 * windows, macos or linux.
 */
system: string, 
/**
 * What an administrator enters to let the other computers in; absent where nothing is to be entered.
 */
command: string | null, 
/**
 * Whether the program can have it entered, with the system's own question for consent.
 */
can_run: boolean, };

/**
 * A folder or a backup.
 */
export type FolderEntry = { 
/**
 * What to show.
 */
name: string, 
/**
 * Where it is.
 */
path: string, 
/**
 * home, documents, desktop, drive or cloud for places to begin with; folder or backup otherwise.
 */
kind: string, };

/**
 * What is in a folder, as far as it matters to somebody who chooses one.
 */
export type Folders = { 
/**
 * The folder; absent where it is the places to begin with.
 */
path: string | null, 
/**
 * The folder around it; absent where there is none.
 */
parent: string | null, 
/**
 * Folders in it.
 */
folders: Array<FolderEntry>, 
/**
 * Backups in it, the newest name first.
 */
backups: Array<FolderEntry>, };

/**
 * Follows the clinic with a new invitation.
 */
export type FollowClinic = { 
/**
 * Text of the invitation, as it was sent or is in its file.
 */
invitation: string, 
/**
 * The code that was told with it.
 */
code: string, 
/**
 * What this computer is to be called, 1 to 120 characters.
 */
computer_name: string, 
/**
 * The person was told that it is for somebody of another name, and goes on. Without it such an invitation is refused
 * with `other_member`; the reference is that name.
 */
as_somebody_else: boolean, };

/**
 * What an invitation says to a computer that has a clinic already.
 */
export type FoundInvitation = { 
/**
 * Name of the clinic, as it is called where it is now.
 */
clinic_name: string, 
/**
 * Whom it is for.
 */
member_name: string, 
/**
 * Who works at this computer so far; empty while that is not known.
 */
member_before: string, 
/**
 * Whether it is for somebody of another name: what is queued here goes out as theirs, if the person agrees.
 */
is_somebody_else: boolean, 
/**
 * Server that it leads to.
 */
host: string, 
/**
 * Writes that are not confirmed; they are kept, and sent there.
 */
waiting: number, 
/**
 * When it ends.
 */
expires_at: string, };

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
 * What was found there.
 */
export type FoundOlder = { 
/**
 * Newest first.
 */
messages: Array<FoundMessage>, 
/**
 * Whether there are more before the last of them.
 */
more: boolean, };

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
 * A free time.
 */
export type FreeSlot = { 
/**
 * Start.
 */
starts_at: string, 
/**
 * End.
 */
ends_at: string, };

/**
 * The next free times, as far as this computer knows.
 */
export type FreeSlots = { 
/**
 * With whom.
 */
professional: string | null, 
/**
 * At most three, in order; none when nothing is free in the next four weeks.
 */
slots: Array<FreeSlot>, };

/**
 * A free time.
 */
export type FreeTime = { 
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
 * Name of whom.
 */
professional: string, };

/**
 * The next free times, as far as this computer knows.
 */
export type FreeTimes = { 
/**
 * At most three, in order, none of which shares time with another.
 */
times: Array<FreeTime>, 
/**
 * A text that offers them, in the language of the clinic's people; empty where there is none.
 */
text: string, 
/**
 * Last day that was looked at.
 */
until: string, 
/**
 * Whether all visits of these days are here: where they are not, a time may not be free.
 */
coverage: Coverage, };

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
 * Asks what can be booked for the person of a thread.
 */
export type GetBooking = { 
/**
 * The thread.
 */
conversation_id: string, };

/**
 * Who else has a thread open.
 */
export type GetCompany = { 
/**
 * The thread, which is before somebody's eyes here.
 */
conversation_id: string, };

/**
 * Asks what somebody at this computer has begun to write in a thread.
 */
export type GetDraft = { 
/**
 * Which thread.
 */
conversation_id: string, };

/**
 * Asks for the notes.
 */
export type GetNotes = { 
/**
 * What they are about.
 */
about: NoteAbout, 
/**
 * The person, the visit or the lead.
 */
id: string, };

/**
 * Asks what is known about a person, and what erasing them would leave.
 */
export type GetPersonData = { 
/**
 * The person.
 */
contact_id: string, };

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
limit: number, 
/**
 * Visits of the person to return, at most 200.
 */
visits: number, };

/**
 * Who answers a thread.
 */
export type Handler = "bot" | "person";

/**
 * How many conversations each view holds.
 */
export type InboxCounts = { needs_reply: number, mine: number, mentioned: number, unassigned: number, bot: number, snoozed: number, closed: number, blocked: number, all: number, };

/**
 * What the inbox is worked with: who works here, which labels there are, how long is long.
 */
export type InboxFrame = { 
/**
 * The member at this desk.
 */
me: string, 
/**
 * Whom a thread can be given to, by name.
 */
members: Array<Named>, 
/**
 * WhatsApp connections, by name.
 */
channels: Array<Named>, 
/**
 * Labels in use, the commonest first.
 */
labels: Array<string>, 
/**
 * From when a wait is shown.
 */
limits: WaitLimits, 
/**
 * For how many months the clinic keeps the files of messages; 0 for ever.
 */
files_months: number, 
/**
 * How many minutes before a visit it is still offered in a thread.
 */
booking_lead_minutes: number, };

/**
 * Which conversations a list shows.
 */
export type InboxView = "needs_reply" | "mine" | "mentioned" | "unassigned" | "bot" | "snoozed" | "closed" | "blocked" | "all";

/**
 * An invitation, shown once: neither its text nor its code is kept anywhere.
 */
export type InvitationMade = { 
/**
 * The invitation.
 */
id: string, 
/**
 * Whom it is for.
 */
member_name: string, 
/**
 * What is told by voice: ten symbols in two groups.
 */
code: string, 
/**
 * What is sent or saved; only the code opens it.
 */
text: string, 
/**
 * The text as a QR code, where it fits one.
 */
picture: QrPicture | null, 
/**
 * When it ends.
 */
expires_at: string, 
/**
 * Whether the database is reached from this very computer only.
 */
only_here: boolean, };

/**
 * Invites a person, or a further computer of a member.
 */
export type InviteMember = { 
/**
 * The member who gets a further computer; absent, a new person is invited.
 */
member_id: string | null, 
/**
 * Of a new person: 1 to 160 characters.
 */
name: string | null, 
/**
 * Of a new person: e-mail address, once per clinic.
 */
email: string | null, 
/**
 * Of a new person: owner, admin, attendant, professional or viewer.
 */
role: string | null, 
/**
 * Of a new professional: the agenda that becomes theirs.
 */
agenda_id: string | null, 
/**
 * What the computer is to be called; whoever comes may choose otherwise.
 */
device_name: string | null, };

/**
 * Comes into a clinic with an invitation.
 */
export type JoinClinic = { 
/**
 * Text of the invitation, as it was sent or is in its file.
 */
invitation: string, 
/**
 * The code that was told with it.
 */
code: string, 
/**
 * What this computer is to be called, 1 to 120 characters.
 */
computer_name: string, };

/**
 * Keeps a piece of a file beside the answer of a thread on this computer, encrypted, until it is sent or dropped. There is
 * room for 384 MB over all threads: what came first makes room for what comes later.
 */
export type KeepAttached = { 
/**
 * Which thread.
 */
conversation_id: string, 
/**
 * The file: whoever has it makes the id.
 */
file_id: string, 
/**
 * Its name.
 */
file_name: string, 
/**
 * What it is, as far as its window knows.
 */
mime_type: string, 
/**
 * Which piece: 0 begins the file, and the others follow in their order. One that was kept is not kept twice.
 */
number: number, 
/**
 * Its bytes in base64; none where only `whole` or `voice` is told.
 */
base64: string, 
/**
 * Nothing of the file is left to come.
 */
whole: boolean, 
/**
 * What is known of a recording until here.
 */
voice: VoiceNote | null, };

/**
 * Keeps the key of the bucket on this computer.
 */
export type KeepBucketKeys = { 
/**
 * What opens it.
 */
keys: BucketKeys, };

/**
 * Keeps the key of a connection on this computer.
 */
export type KeepChannelKeys = { 
/**
 * The connection.
 */
id: string, 
/**
 * What opens it.
 */
keys: ChannelKeys, };

/**
 * Keeps it on this computer, encrypted, until it is sent or emptied.
 */
export type KeepDraft = { 
/**
 * Which thread.
 */
conversation_id: string, 
/**
 * The answer, at most 65,536 characters.
 */
text: string, 
/**
 * The note to the team, at most 65,536 characters.
 */
note: string, 
/**
 * The message that the answer quotes.
 */
quoted_id: string | null, };

/**
 * How many operations there are of a kind.
 */
export type KindCount = { 
/**
 * send_message, move_lead …
 */
kind: string, 
/**
 * How many.
 */
count: number, };

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
 * The same as an id: moved out of its column by mistake, it goes back with it.
 */
loss_reason_id: string | null, 
/**
 * Words beside the reason.
 */
loss_note: string | null, 
/**
 * Whether what is shown is already in the clinic's database.
 */
state: RowState, };

/**
 * Removes everything of the clinic from this computer: for who works at another one, or has tried the sample out. Refused
 * with `exports_untold` while the clinic's audit has not heard of files that were saved here without a line.
 */
export type LeaveClinic = { 
/**
 * The person was shown the writes that would be lost, and goes on. Without it, a copy with writes that were not
 * confirmed is refused with `writes_wait`; the reference says how many.
 */
confirm_loss: boolean, 
/**
 * The recovery words, where this computer holds the clinic's database: whoever leaves it can bring it back.
 */
words: string | null, };

/**
 * Asks for a page of the audit.
 */
export type ListAudit = { 
/**
 * What of it.
 */
wish: AuditWish, 
/**
 * Entries before this place; absent, the newest.
 */
before: AuditPoint | null, 
/**
 * 1 to 200 entries.
 */
limit: number, };

/**
 * Asks for visits that were booked here and that the clinic has not taken, or not yet.
 */
export type ListAwaited = { 
/**
 * The thread.
 */
conversation_id: string, };

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
limit: number, 
/**
 * Only those that it lets through.
 */
filter: ThreadFilter, 
/**
 * Further views that are only counted.
 */
counting: Array<FilteredView>, };

/**
 * Looks into a folder of this computer.
 */
export type ListFolders = { 
/**
 * The folder; absent, where one would begin to look.
 */
path: string | null, };

/**
 * Asks where a refused visit could stand instead.
 */
export type ListFreeSlots = { 
/**
 * The operation that would move it.
 */
operation_id: string, };

/**
 * Asks who was joined to a person.
 */
export type ListMerges = { 
/**
 * The person.
 */
contact_id: string, };

/**
 * Asks for the operations in a state.
 */
export type ListOperations = { 
/**
 * Which.
 */
state: OperationState, 
/**
 * Only what people did in this way: send_message, move_lead …
 */
kind: string | null, 
/**
 * What concerns this row (a message, a visit, a lead, a person) comes first.
 */
first: string | null, 
/**
 * Operations to return; absent for 100, at most 500.
 */
limit: number | null, };

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
 * Asks for a page of the log.
 */
export type ListSyncLog = { 
/**
 * Lines before this one; absent, the newest.
 */
before: number | null, 
/**
 * 1 to 500 lines.
 */
limit: number, };

/**
 * Language of the screens.
 */
export type Locale = "pt-BR" | "en";

/**
 * How the screens lock on this computer.
 */
export type LockSettings = { 
/**
 * What opens them.
 */
way: LockWay, 
/**
 * Whether this system lets the account open them.
 */
offers_account: boolean, 
/**
 * Minutes without anybody at the screens until they lock: 5, 15 or 60; 0 is only when asked for.
 */
minutes: number, };

/**
 * What opens locked screens.
 */
export type LockWay = "none" | "pin" | "account";

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
 * The file of a message, for a screen to show.
 */
export type MediaContents = { 
/**
 * What its bytes are, whatever its sender said.
 */
mime_type: string, 
/**
 * Its bytes in base64; absent for what can only be saved.
 */
base64: string | null, 
/**
 * Its size in bytes.
 */
size_bytes: number, };

/**
 * Names a message with a file.
 */
export type MediaOfMessage = { 
/**
 * The message.
 */
message_id: string, };

/**
 * Whether there is anything to be fetched.
 */
export type MediaWanted = { 
/**
 * The computer that looks after the connection tries again.
 */
wanted: boolean, };

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
 * One merge.
 */
export type Merge = { 
/**
 * The merge.
 */
id: string, 
/**
 * What the absorbed one was called.
 */
name: string, 
/**
 * Their phone as people write it.
 */
phone: string | null, 
/**
 * When.
 */
merged_at: string, 
/**
 * Who did it.
 */
member: string | null, };

/**
 * Two people who are one.
 */
export type MergePeople = { 
/**
 * Who stays.
 */
keep: string, 
/**
 * Whose everything moves there.
 */
absorbed: string, };

/**
 * What would come together, as far as this computer knows.
 */
export type MergePreview = { 
/**
 * Who stays.
 */
keep: PersonWeight, 
/**
 * Who goes.
 */
absorbed: PersonWeight, 
/**
 * Both have an open lead in the same pipeline: one of them has to be closed first.
 */
leads_collide: boolean, };

/**
 * Two people were joined.
 */
export type MergedPeople = { 
/**
 * Takes it apart within thirty days.
 */
merge_id: string, };

/**
 * Who was joined to a person and can still be taken apart.
 */
export type Merges = { 
/**
 * Newest first.
 */
merges: Array<Merge>, };

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
 * Why it failed, as a stable name: not_on_whatsapp, person_blocked, cancelled …
 */
error_code: string | null, 
/**
 * Why it failed, in words of the gateway.
 */
error_text: string | null, 
/**
 * When it was sent.
 */
sent_at: string, 
/**
 * When it is to go, or was to go, where that was not at once.
 */
scheduled_for: string | null, 
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
 * The message it answers.
 */
quoted: Quoted | null, 
/**
 * Whether an answer can quote it.
 */
is_quotable: boolean, 
/**
 * Members that it names, where it is a note.
 */
mentions: Array<Named>, 
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
 * Somebody or something with a name.
 */
export type Named = { 
/**
 * Which.
 */
id: string, 
/**
 * Its name.
 */
name: string, };

/**
 * Somebody who treats.
 */
export type NewProfessional = { 
/**
 * 1 to 160 characters.
 */
name: string, 
/**
 * What they do.
 */
specialty: string | null, };

/**
 * Something that is offered.
 */
export type NewService = { 
/**
 * 1 to 160 characters.
 */
name: string, 
/**
 * 5 to 1440.
 */
duration_minutes: number, 
/**
 * In cents; absent when it is told on request.
 */
price_cents: number | null, };

/**
 * What a note is about.
 */
export type NoteAbout = "contact" | "appointment" | "lead";

/**
 * What a person has before their eyes.
 */
export type NoteAttention = { 
/**
 * The thread that is open in a window that has the focus; none where there is none.
 */
conversation_id: string | null, };

/**
 * Somebody writes.
 */
export type NoteTyping = { 
/**
 * In which thread.
 */
conversation_id: string, 
/**
 * Whether they do; it ends by itself some seconds after the last word.
 */
typing: boolean, };

/**
 * Notes, and what of them the clinic's database does not have yet.
 */
export type Notes = { 
/**
 * Whose they are: the person or the visit.
 */
entity_id: string, 
/**
 * What the database has, as far as this computer knows.
 */
text: string, 
/**
 * What is queued, in order.
 */
queued: Array<QueuedNote>, };

/**
 * A command without arguments, or an answer without content.
 */
export type Nothing = Record<symbol, never>;

/**
 * What is said outside the window when messages arrive.
 */
export type NotificationChoice = { 
/**
 * Whether anything is.
 */
on: boolean, 
/**
 * Of whose threads.
 */
of: NotifyOf, 
/**
 * How much; nothing of a person while the screens are locked.
 */
with: NotifyWith, 
/**
 * Whether it is heard.
 */
sound: boolean, 
/**
 * When not; absent, at any hour.
 */
quiet: QuietHours | null, };

/**
 * Of whose threads something is said.
 */
export type NotifyOf = "mine_and_nobodys" | "everybodys";

/**
 * How much of a message is said.
 */
export type NotifyWith = "nothing" | "name" | "everything";

/**
 * What lies before the oldest thing that is shown.
 */
export type Older = "here" | "elsewhere" | "coming" | "nothing";

/**
 * A span of one day of the week, in the clinic's wall time.
 */
export type OpeningHours = { 
/**
 * 1 Monday to 7 Sunday.
 */
weekday: number, 
/**
 * Minutes since midnight.
 */
starts_minute: number, 
/**
 * Minutes since midnight, after the start.
 */
ends_minute: number, };

/**
 * The operations in a state, oldest first.
 */
export type OperationList = { 
/**
 * As many as were asked for.
 */
rows: Array<OperationRow>, 
/**
 * How many there are in this state, of every kind.
 */
total: number, 
/**
 * How many there are of each kind among the first 500, the most frequent first.
 */
kinds: Array<KindCount>, 
/**
 * How many of those that were asked for can be tried again without a decision.
 */
retriable: number, };

/**
 * One queued write.
 */
export type OperationRow = { 
/**
 * The operation.
 */
operation_id: string, 
/**
 * send_message, book_appointment, move_appointment, move_lead, add_note …
 */
kind: string, 
/**
 * What it changes.
 */
entity_id: string, 
/**
 * The thread to look at, for a message.
 */
conversation_id: string | null, 
/**
 * Whom it is about.
 */
subject: string, 
/**
 * What it would do, in values: a text, a time, a stage.
 */
wanted: Array<FieldValue>, 
/**
 * What stood in the same fields when the person decided.
 */
before: Array<FieldValue>, 
/**
 * When it was made.
 */
queued_at: string, 
/**
 * How often it was tried.
 */
attempts: number, 
/**
 * Why it is parked: slot_taken, conflict, gone, not_permitted, duplicate, missing_reference, invalid, expired, already_sent.
 */
reason: string | null, 
/**
 * What stands in the database where someone else changed the same.
 */
theirs: Array<FieldValue>, 
/**
 * What can be done.
 */
choices: Array<Choice>, 
/**
 * Writes that cannot go without this one: given up, it takes them along.
 */
dependents: number, };

/**
 * Whether an operation waits or needs a decision.
 */
export type OperationState = "waiting" | "parked";

/**
 * Pairs a phone with a connection.
 */
export type PairChannel = { 
/**
 * The connection.
 */
id: string, 
/**
 * Unpairs the phone that is paired first.
 */
afresh: boolean, 
/**
 * The phone's number, to be shown a code that is typed there; absent, a QR code is enough.
 */
number: string | null, };

/**
 * A backup and the words that open it.
 */
export type PeekBackup = { 
/**
 * The file.
 */
path: string, 
/**
 * Twelve words, however they were typed.
 */
words: string, };

/**
 * Looks into an invitation.
 */
export type PeekInvitation = { 
/**
 * Text of the invitation, as it was sent or is in its file.
 */
invitation: string, 
/**
 * The code that was told with it.
 */
code: string, };

/**
 * How much is known about a person; what goes and what stays when they are erased.
 */
export type PersonData = { 
/**
 * What the person is called; must be typed to erase them.
 */
name: string, 
/**
 * When they were erased before.
 */
erased_at: string | null, 
/**
 * Names of patients that go with them.
 */
patients: Array<string>, 
/**
 * Names of patients that stay, because somebody else comes with them, too.
 */
patients_kept: Array<string>, 
/**
 * Telephone numbers and other addresses.
 */
addresses: number, 
/**
 * Messages that go.
 */
messages: number, 
/**
 * Visits that stay without a text.
 */
visits: number, 
/**
 * Among them those to come, which are cancelled.
 */
visits_ahead: number, 
/**
 * Open leads, which go.
 */
leads_open: number, 
/**
 * Closed leads, which stay without a text.
 */
leads_closed: number, 
/**
 * Entries of the waiting list, which go.
 */
waiting_list: number, 
/**
 * Entries of the audit that stay without what was in them.
 */
audit_entries: number, };

/**
 * How far an export is.
 */
export type PersonExport = { 
/**
 * person, addresses, patients, visits, waiting_list, leads, conversations, messages, merges, audit, files; absent when
 * none is under way.
 */
part: string | null, 
/**
 * Entries that were read.
 */
rows: number, 
/**
 * Files that were read.
 */
files_done: number, 
/**
 * Files there are, as far as messages were read.
 */
files: number, };

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
 * The clinic has blocked them.
 */
is_blocked: boolean, 
/**
 * Patients this person answers for.
 */
patients: Array<string>, 
/**
 * Visits to come and the latest past ones, newest first.
 */
visits: Array<PersonVisit>, 
/**
 * What lies before the last of them.
 */
older_visits: Older, 
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
status: string, 
/**
 * Whether it is already in the clinic's database as it is shown.
 */
state: RowState, };

/**
 * A person, and what hangs on them.
 */
export type PersonWeight = { 
/**
 * Name to show.
 */
name: string, 
/**
 * Phone as people write it.
 */
phone: string | null, 
/**
 * Patients they answer for.
 */
patients: Array<string>, 
/**
 * Conversations.
 */
conversations: number, 
/**
 * Visits.
 */
visits: number, 
/**
 * Leads.
 */
leads: number, };

/**
 * What one side of a poll chose.
 */
export type PollVote = { 
/**
 * Whether the clinic voted.
 */
from_me: boolean, 
/**
 * What was chosen; nothing where the vote was taken back. Absent where WhatsApp lets nobody but the phone read it.
 */
options: Array<string> | null, };

/**
 * What a clinic works with from its first day. Empty lists are fine; all of it can be changed afterwards.
 */
export type Practice = { 
/**
 * When it is open; every professional begins with these hours.
 */
hours: Array<OpeningHours>, 
/**
 * Who treats.
 */
professionals: Array<NewProfessional>, 
/**
 * What is offered; every professional begins with all of it.
 */
services: Array<NewService>, 
/**
 * Names of the rooms, 1 to 80 characters each.
 */
rooms: Array<string>, };

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
theme: Theme, 
/**
 * Views of the inbox that the person has made, in order.
 */
saved_views: Array<SavedView>, 
/**
 * What sends a message that is being written.
 */
send_key: SendKey, 
/**
 * Emoji that the person has put in lately, the latest first, in the colour that has no tone of skin.
 */
recent_emoji: Array<string>, 
/**
 * What is said outside the window.
 */
notifications: NotificationChoice, 
/**
 * Tone of skin of emoji that show people: 1, the lightest, to 5; 0 is none.
 */
emoji_tone: number, };

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
 * The program.
 */
export type ProgramInfo = { 
/**
 * Its version.
 */
version: string, };

/**
 * A QR code.
 */
export type QrPicture = { 
/**
 * Squares on a side, without the quiet zone of four around.
 */
size: number, 
/**
 * Path of an SVG picture: the dark squares, one unit each.
 */
path: string, };

/**
 * A note that the clinic's database does not have yet.
 */
export type QueuedNote = { 
/**
 * The operation that carries it.
 */
operation_id: string, 
/**
 * The line, with time and author.
 */
text: string, 
/**
 * Refused; a person decides.
 */
parked: boolean, };

/**
 * The texts that are sent often, and who may change them.
 */
export type QuickReplies = { 
/**
 * By their short name.
 */
replies: Array<QuickReply>, 
/**
 * Whether the member at this desk may change them.
 */
may_change: boolean, 
/**
 * Names of the places that the program fills in by itself.
 */
variables: Array<string>, };

/**
 * A text that is sent often.
 */
export type QuickReply = { 
/**
 * Which.
 */
id: string, 
/**
 * What is typed after the slash.
 */
shortcut: string, 
/**
 * What it is called.
 */
title: string, 
/**
 * What it says; `{{nome}}` is a place for a value.
 */
body: string, 
/**
 * Whether it is already in the clinic's database.
 */
state: RowState, };

/**
 * Hours of the day in which nothing is said, by the clinic's clock; past midnight where the end comes first.
 */
export type QuietHours = { 
/**
 * Minutes since midnight, 0 to 1439.
 */
from_minute: number, 
/**
 * Minutes since midnight, 0 to 1439.
 */
until_minute: number, };

/**
 * A message that is answered.
 */
export type Quoted = { 
/**
 * The message; absent where it is not on this computer.
 */
id: string | null, 
/**
 * Its first words, as they were when it was answered.
 */
preview: string, 
/**
 * inbound or outbound, where it is known.
 */
direction: string | null, 
/**
 * Its kind, where it is known.
 */
kind: string | null, };

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
 * Recovery words that were just drawn. They are shown once and nowhere else.
 */
export type RecoveryWords = { 
/**
 * Twelve words in their order.
 */
words: Array<string>, 
/**
 * Places of words, 1 to 12, that are to be typed to show that they were written down.
 */
ask: Array<number>, };

/**
 * Removes a connection, and its key from this computer.
 */
export type RemoveChannel = { 
/**
 * The connection.
 */
id: string, };

/**
 * Removes a quick reply.
 */
export type RemoveQuickReply = { 
/**
 * Which.
 */
id: string, };

/**
 * What became of it.
 */
export type RemovedChannel = { 
/**
 * gone; or retired: it has conversations, which stay, and is only not used any more.
 */
outcome: string, };

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
 * Makes the copy on this computer anew.
 */
export type ResetCopy = { 
/**
 * The person was shown the writes that would be lost, and goes on. Without it, a copy with writes that were not
 * confirmed is refused with `writes_wait`; the reference says how many.
 */
confirm_loss: boolean, };

/**
 * Takes back that an operation was given up.
 */
export type RestoreOperation = { 
/**
 * The operation.
 */
operation_id: string, };

/**
 * A clinic that was brought back from a backup.
 */
export type RestoredClinic = { 
/**
 * When.
 */
at: string, 
/**
 * The moment that the backup shows.
 */
taken_at: string, 
/**
 * Rows of all tables. Each table was compared with what the backup says it held.
 */
rows: number, 
/**
 * Tables.
 */
tables: number, };

/**
 * How many go again.
 */
export type Retried = { 
/**
 * Operations.
 */
count: number, };

/**
 * Sends everything again that needs no decision.
 */
export type RetryOperations = { 
/**
 * Only of this kind.
 */
kind: string | null, };

/**
 * Takes a computer's access away at once.
 */
export type RevokeComputer = { 
/**
 * The computer.
 */
id: string, };

/**
 * Takes a member's access away on every computer.
 */
export type RevokeMember = { 
/**
 * The member.
 */
id: string, };

/**
 * Whether what a row shows is already in the clinic's database.
 */
export type RowState = "confirmed" | "pending" | "parked";

/**
 * How a person liked it.
 */
export type Satisfaction = { 
/**
 * 1 to 5.
 */
score: number, 
/**
 * When they said so.
 */
said_at: string, };

/**
 * Saves an invitation as a file for the person.
 */
export type SaveInvitation = { 
/**
 * Its text.
 */
text: string, };

/**
 * Keeps a quick reply.
 */
export type SaveQuickReply = { 
/**
 * Which; absent for a new one.
 */
id: string | null, 
/**
 * 1 to 40 letters, digits, - and _; accents and capitals are taken off.
 */
shortcut: string, 
/**
 * 1 to 80 characters.
 */
title: string, 
/**
 * 1 to 4,096 characters.
 */
body: string, };

/**
 * Where the invitation was saved.
 */
export type SavedInvitation = { 
/**
 * The file.
 */
path: string, };

/**
 * Where a file was saved.
 */
export type SavedMedia = { 
/**
 * The file on this computer.
 */
path: string, };

/**
 * A view of the inbox with a name of its own.
 */
export type SavedView = { 
/**
 * Which.
 */
id: string, 
/**
 * What the person calls it.
 */
name: string, 
/**
 * What it shows.
 */
shows: FilteredView, };

/**
 * What becomes of a message that waits for its time.
 */
export type ScheduledChange = { "kind": "reschedule", 
/**
 * Within a year.
 */
at: string, } | { "kind": "send_now" } | { "kind": "cancel" } | { "kind": "restore" };

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
limit: number, 
/**
 * Only these messages.
 */
scope: SearchScope, };

/**
 * Searches messages from before the window of the copy, in the clinic's database.
 */
export type SearchOlder = { 
/**
 * Words of a message, in any of their forms.
 */
text: string, 
/**
 * Only before this instant; absent for everything that the copy does not have.
 */
before: string | null, 
/**
 * Only these messages.
 */
scope: SearchScope, };

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
 * Which messages are searched; what is absent narrows nothing.
 */
export type SearchScope = { 
/**
 * Of this conversation.
 */
conversation_id: string | null, 
/**
 * Sent at or after this instant.
 */
from: string | null, 
/**
 * Sent before this instant.
 */
until: string | null, };

/**
 * The member at this desk has seen what names them in a thread.
 */
export type SeeMentions = { 
/**
 * Which thread.
 */
conversation_id: string, };

/**
 * Sends a file; it is queued on this computer and goes out when the clinic's database has it. How it goes, as a picture or
 * otherwise, follows from its bytes.
 */
export type SendFile = { 
/**
 * Where to.
 */
conversation_id: string, 
/**
 * Its name.
 */
file_name: string, 
/**
 * Its bytes in base64.
 */
base64: string, 
/**
 * Text under it, at most 4,096 characters; sound has none.
 */
caption: string, 
/**
 * The message it answers.
 */
quoted_id: string | null, 
/**
 * What was spoken into the microphone goes as a voice note, and has neither a name nor a caption.
 */
voice: VoiceNote | null, 
/**
 * The file beside the draft that this is: it is there until it is queued, and not any more then.
 */
attached_id: string | null, };

/**
 * What sends a message that is being written.
 */
export type SendKey = "enter" | "ctrl_enter";

/**
 * Sends a text; it is queued on this computer and goes out when the clinic's database has it.
 */
export type SendMessage = { 
/**
 * Where to.
 */
conversation_id: string, 
/**
 * 1 to 4,096 characters after trimming, with no place left to be filled in.
 */
text: string, 
/**
 * The message it answers.
 */
quoted_id: string | null, 
/**
 * When it is to go; absent for at once.
 */
scheduled_for: string | null, };

/**
 * A PostgreSQL as its administrator reaches it.
 */
export type ServerAddress = { 
/**
 * postgres://administrator:password@host:port/database. Used once, kept nowhere.
 */
address: string, 
/**
 * A certificate authority in PEM; absent, those that the operating system trusts.
 */
ca_pem: string | null, };

/**
 * What was found on a server.
 */
export type ServerFindings = { 
/**
 * Name or address of the server.
 */
host: string, 
/**
 * Its port.
 */
port: number, 
/**
 * Name of the database.
 */
database: string, 
/**
 * As the server says it, such as 18.6.
 */
server_version: string, 
/**
 * Whether the way there is encrypted; in plain text only this computer itself is spoken to.
 */
is_encrypted: boolean, 
/**
 * Names of the clinics that are in the database already.
 */
clinics: Array<string>, };

/**
 * Where the program stands.
 */
export type Session = { "state": "first_run" } | { "state": "preparing", 
/**
 * postgres_binaries, database, schema, sample, keychain, backup, restore, restore_finish, copy, connect, open,
 * cancel, leave.
 */
step: string, 
/**
 * 0 to 1 where it is known.
 */
fraction: number | null, 
/**
 * The first copy, while it is that.
 */
copy: CopyProgress | null, } | { "state": "ready", 
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
has_profile: boolean, } | { "state": "locked", 
/**
 * The clinic; empty while it is not open yet.
 */
clinic_name: string, 
/**
 * What opens them.
 */
way: LockWay, 
/**
 * Seconds until a PIN is heard again, after many wrong ones.
 */
wait_seconds: number, } | { "state": "revoked", 
/**
 * The clinic.
 */
clinic_name: string, 
/**
 * Writes that were made here and never reached the clinic.
 */
lost: number, };

/**
 * What a set-up that is not finished had asked for.
 */
export type SetupState = { 
/**
 * sample, local or remote; absent when nothing is unfinished.
 */
unfinished: string | null, 
/**
 * What was asked for.
 */
clinic: StartLocalClinic | null, 
/**
 * The backup whose restore onto a server was interrupted: nothing of it is left there.
 */
restoring: string | null, 
/**
 * Whether it can still be called off.
 */
can_cancel: boolean, };

/**
 * Whether and how other computers of the network reach the clinic that is on this one.
 */
export type Sharing = { 
/**
 * off, starting, on or failed.
 */
state: string, 
/**
 * Why it is not shared although it is to be; it is tried again now and then.
 */
problem: ApiError | null, 
/**
 * Addresses of this computer in its networks, the likeliest first; none without a network.
 */
addresses: Array<string>, 
/**
 * The port that is listened on, or would be.
 */
port: number, 
/**
 * SHA-256 of the clinic's certificate, in pairs, for people to compare; while it is shared.
 */
fingerprint: string | null, 
/**
 * Whether computers find the clinic by themselves when its address has changed.
 */
is_announced: boolean, 
/**
 * Who is connected, oldest first.
 */
guests: Array<SharingGuest>, 
/**
 * What the system's firewall needs.
 */
firewall: Firewall, };

/**
 * A computer that is connected. It may have more than one connection.
 */
export type SharingGuest = { 
/**
 * Its address.
 */
address: string, 
/**
 * Since when.
 */
since: string, 
/**
 * Its connections.
 */
connections: number, };

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
 * One of them.
 */
export type SnoozeTime = { 
/**
 * hour, afternoon, tomorrow or monday.
 */
name: string, 
/**
 * When that is.
 */
at: string, };

/**
 * Times until which a thread is often put aside.
 */
export type SnoozeTimes = { 
/**
 * In order.
 */
times: Array<SnoozeTime>, };

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
vertical: string, 
/**
 * What it works with.
 */
practice: Practice, };

/**
 * Brings a clinic back from a backup.
 */
export type StartRestore = { 
/**
 * Which one.
 */
backup: PeekBackup, 
/**
 * Into an empty database of a PostgreSQL that is there already; absent, onto this computer.
 */
server: ServerAddress | null, };

/**
 * Opens a sample clinic on this computer, to try the program.
 */
export type StartSampleClinic = Record<symbol, never>;

/**
 * Makes a clinic in a PostgreSQL that is there already.
 */
export type StartServerClinic = { 
/**
 * Where.
 */
server: ServerAddress, 
/**
 * Which.
 */
clinic: StartLocalClinic, };

/**
 * Where files of messages are, besides the clinic's database.
 */
export type Storage = { 
/**
 * Whether who works here may do the background work, and so needs the key on this computer.
 */
may_work: boolean, 
/**
 * The bucket; absent while all files are in the database.
 */
bucket: BucketDetails | null, 
/**
 * The bucket's key on this computer: here, missing, or unknown where the keyring does not tell.
 */
key: string, };

/**
 * A question after a talk was closed: how the person liked it, from 1 to 5.
 */
export type Survey = { 
/**
 * Whether it is asked.
 */
on: boolean, 
/**
 * What is asked, 1 to 500 characters; empty where nothing was ever chosen.
 */
question: string, 
/**
 * Hours for which the next message of the person may be the answer, 1 to 168.
 */
hours: number, };

/**
 * A page of the log, newest first.
 */
export type SyncLog = { 
/**
 * The lines.
 */
lines: Array<SyncLogLine>, 
/**
 * Whether older lines follow.
 */
has_more: boolean, };

/**
 * Something that happened to the copy or to the line. Never about a person.
 */
export type SyncLogLine = { 
/**
 * Grows with each line.
 */
id: number, 
/**
 * When, by this computer's clock.
 */
at: string, 
/**
 * connected, line_down, first_copy_begun, first_copy_resumed, first_copy_done, sent, received, expired,
 * operation_refused, epoch_changed, clinic_followed, clock_wrong, clock_right, copy_opened, copy_set_aside,
 * copy_reset; another name is of a newer program.
 */
event: string, 
/**
 * Numbers and codes that belong to it, by name.
 */
facts: { [key in string]: string }, };

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
 * The members of the clinic, for its owner and admins.
 */
export type Team = { 
/**
 * What whoever asks may invite people as, and give to members.
 */
roles: Array<string>, 
/**
 * Whether other computers can reach the clinic's database; without it nobody can be invited.
 */
can_invite: boolean, 
/**
 * Whoever asks comes first.
 */
members: Array<TeamMember>, 
/**
 * Invitations that can still be accepted.
 */
invitations: Array<TeamInvitation>, 
/**
 * Agendas that are nobody's yet.
 */
agendas: Array<TeamAgenda>, };

/**
 * An agenda.
 */
export type TeamAgenda = { 
/**
 * The professional.
 */
id: string, 
/**
 * Name.
 */
name: string, };

/**
 * A computer with access.
 */
export type TeamComputer = { 
/**
 * The computer; absent until it has connected for the first time.
 */
id: string | null, 
/**
 * What it is called.
 */
name: string | null, 
/**
 * linux, macos or windows.
 */
platform: string | null, 
/**
 * Version of the program on it.
 */
app_version: string | null, 
/**
 * When it was last here, up to some ten minutes late.
 */
last_seen_at: string | null, 
/**
 * Whether it is this one.
 */
is_this: boolean, 
/**
 * Whether whoever asks may take its access away.
 */
may_revoke: boolean, };

/**
 * An invitation that nobody has accepted yet.
 */
export type TeamInvitation = { 
/**
 * The invitation.
 */
id: string, 
/**
 * Whom it is for.
 */
member_name: string, 
/**
 * What they will be.
 */
role: string, 
/**
 * What the computer is to be called.
 */
device_name: string | null, 
/**
 * Whether it is a further computer of a member.
 */
further: boolean, 
/**
 * When it ends.
 */
expires_at: string, 
/**
 * Whether whoever asks may take it back.
 */
may_cancel: boolean, };

/**
 * One member.
 */
export type TeamMember = { 
/**
 * The member.
 */
id: string, 
/**
 * Name.
 */
name: string, 
/**
 * E-mail address.
 */
email: string | null, 
/**
 * owner, admin, attendant, professional or viewer.
 */
role: string, 
/**
 * Whether it is who asks.
 */
is_you: boolean, 
/**
 * Name of the agenda that is theirs.
 */
agenda: string | null, 
/**
 * Computers with access; this one first.
 */
computers: Array<TeamComputer>, 
/**
 * Whether whoever asks may give them another role.
 */
may_change_role: boolean, 
/**
 * Whether whoever asks may send them away.
 */
may_revoke: boolean, 
/**
 * Whether whoever asks may invite a further computer of theirs.
 */
may_add_computer: boolean, };

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
 * What waits for its time, the next first.
 */
scheduled: Array<MessageRow>, 
/**
 * What lies before the first of them.
 */
older: Older, 
/**
 * How the person liked it, as they said last.
 */
satisfaction: Satisfaction | null, };

/**
 * What is done with a thread.
 */
export type ThreadAction = { "kind": "hand_over", 
/**
 * Who answers from now on.
 */
to: Handler, } | { "kind": "assign", 
/**
 * Whose.
 */
member_id: string | null, } | { "kind": "prioritise", 
/**
 * How much.
 */
priority: ThreadPriority, } | { "kind": "add_label", 
/**
 * 1 to 40 characters after trimming.
 */
label: string, } | { "kind": "remove_label", 
/**
 * Which.
 */
label: string, } | { "kind": "snooze", 
/**
 * Until when; within a year.
 */
until: string, } | { "kind": "close" } | { "kind": "reopen" } | { "kind": "mark_unread" } | { "kind": "block" } | { "kind": "unblock" };

/**
 * What a view is narrowed to; what is absent narrows nothing.
 */
export type ThreadFilter = { 
/**
 * Threads with this label.
 */
label: string | null, 
/**
 * Threads of this member.
 */
assignee_id: string | null, 
/**
 * Threads of this connection.
 */
channel_id: string | null, 
/**
 * Threads that wait longer than so many minutes.
 */
waiting_minutes: number | null, };

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
 * How much a thread presses.
 */
export type ThreadPriority = "low" | "normal" | "high" | "urgent";

/**
 * What a change touches. A screen that shows the topic asks for its data again.
 */
export type Topic = "session" | "status" | "inbox" | "agenda" | "leads" | "people" | "operations" | "preferences" | "backup" | "network" | "channels" | "storage" | "company";

/**
 * Tries a bucket out.
 */
export type TryBucket = { 
/**
 * As it is to be.
 */
wish: BucketWish, 
/**
 * What opens it; absent, what this computer has.
 */
keys: BucketKeys | null, };

/**
 * Tries a connection out.
 */
export type TryChannel = { 
/**
 * The connection, where it is there already.
 */
id: string | null, 
/**
 * As it is to be.
 */
wish: ChannelWish, 
/**
 * What opens it; absent, what this computer has for it.
 */
keys: ChannelKeys | null, };

/**
 * Takes a booking back.
 */
export type UndoBooking = { 
/**
 * The visit.
 */
appointment_id: string, 
/**
 * The patient who was made with it: given back, unless something else is theirs by now.
 */
patient_added: string | null, };

/**
 * Takes a merge apart.
 */
export type UndoMerge = { 
/**
 * Which.
 */
merge_id: string, };

/**
 * Takes back what was done a moment ago, where nobody has done something else since.
 */
export type UndoThreads = { 
/**
 * What.
 */
undo: string, };

/**
 * Opens the screens again.
 */
export type Unlock = { 
/**
 * As it was typed; absent where the account opens.
 */
pin: string | null, };

/**
 * One file on its way.
 */
export type Upload = { 
/**
 * Its message.
 */
message_id: string, 
/**
 * Bytes that the database has.
 */
done_bytes: number, 
/**
 * Bytes in all.
 */
total_bytes: number, };

/**
 * Files of this computer on their way to the clinic's database.
 */
export type Uploads = { 
/**
 * Each one.
 */
rows: Array<Upload>, };

/**
 * Uses a bucket, or changes after how many days files go there.
 */
export type UseBucket = { 
/**
 * As it is to be.
 */
wish: BucketWish, 
/**
 * What opens it; absent, what this computer has stays.
 */
keys: BucketKeys | null, };

/**
 * Uses a connection, or pauses it.
 */
export type UseChannel = { 
/**
 * The connection.
 */
id: string, 
/**
 * Whether it is used.
 */
active: boolean, };

/**
 * Names a backup in the chosen folder.
 */
export type VerifyBackup = { 
/**
 * Name of the file.
 */
file: string, };

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
 * A recording, as the window that made it knows it.
 */
export type VoiceNote = { 
/**
 * How long it is; the file has the last word where it says so itself.
 */
seconds: number, 
/**
 * How loud it is from beginning to end, 0 to 100; at most 64 values.
 */
waveform: Array<number>, };

/**
 * After how many minutes a wait is amber, and red.
 */
export type WaitLimits = { 
/**
 * 1 or more.
 */
amber_minutes: number, 
/**
 * More than that, at most a week.
 */
red_minutes: number, };

/**
 * How far fetching what a wider window lacks is.
 */
export type Widening = { 
/**
 * What is being fetched: appointments or messages.
 */
entity: string, 
/**
 * Rows fetched.
 */
done: number, 
/**
 * Rows in all, about.
 */
total: number, };

/**
 * The computer that does the background work.
 */
export type WorkHolder = { 
/**
 * What it is called.
 */
name: string, 
/**
 * Since when.
 */
since: string, 
/**
 * When it was last known to work; up to a minute late.
 */
seen_at: string, 
/**
 * Whether it works, as far as this computer knows.
 */
is_working: boolean, 
/**
 * Whether it is this one.
 */
is_this: boolean, };

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
 * Writes a note into a thread, for the team. It is never sent to the person.
 */
export type WriteNote = { 
/**
 * Which thread.
 */
conversation_id: string, 
/**
 * 1 to 4,096 characters after trimming; "@Ana Prado" names a member.
 */
text: string, };

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
  /** What a set-up that was interrupted had asked for. */
  get_setup: { request: Nothing; response: SetupState };
  /** Looks at a PostgreSQL that is to hold a clinic. Nothing is written there or kept here. */
  check_server: { request: ServerAddress; response: ServerFindings };
  /** Makes a clinic in a PostgreSQL that is there already. The administrator's address is used once and kept nowhere. Answers at once; the session tells how far it is. */
  start_server_clinic: { request: StartServerClinic; response: Session };
  /** Calls the set-up off that is under way or was interrupted, and undoes what it did. */
  cancel_setup: { request: Nothing; response: Session };
  /** Looks into a folder of this computer for folders and backups. */
  list_folders: { request: ListFolders; response: Folders };
  /** What is in a backup, when the words open it. */
  peek_backup: { request: PeekBackup; response: BackupContents };
  /** Brings a clinic back from a backup. Answers at once; the session tells how far it is. */
  start_restore: { request: StartRestore; response: Session };
  /** Connects to a clinic's database. Answers at once; the session tells how far it is. */
  connect_clinic: { request: ConnectClinic; response: Session };
  /** Tries again to open the clinic of this profile. */
  retry_session: { request: Nothing; response: Session };
  /** The person knows that this computer's access was taken away. Back to first run. */
  acknowledge_revocation: { request: Nothing; response: Session };
  /** About the program. */
  get_program: { request: Nothing; response: ProgramInfo };
  /** A page of conversations and the counts of all views. */
  list_conversations: { request: ListConversations; response: ConversationList };
  /** A piece of a thread and who it is with. */
  get_thread: { request: GetThread; response: Thread };
  /** Fetches the next page of a conversation from before the window of the copy. */
  fetch_older_messages: { request: FetchOlderMessages; response: Nothing };
  /** Fetches every visit of a person, however old. */
  fetch_person_visits: { request: FetchPersonVisits; response: Nothing };
  /** Queues a text message, to go at once or later. */
  send_message: { request: SendMessage; response: Written };
  /** Queues a file, with a text under it. */
  send_file: { request: SendFile; response: Written };
  /** Files of this computer that are being brought to the clinic's database. */
  list_uploads: { request: Nothing; response: Uploads };
  /** The file of a message, from this computer or fetched. Needs the line for what nobody has opened here. */
  get_media: { request: MediaOfMessage; response: MediaContents };
  /** Saves the file of a message where this account keeps what was downloaded. */
  save_media: { request: MediaOfMessage; response: SavedMedia };
  /** Has the file of a message fetched from the gateway once more. Needs the line. */
  fetch_media: { request: MediaOfMessage; response: MediaWanted };
  /** Queues another decision about a message that waits for its time. */
  change_scheduled: { request: ChangeScheduled; response: Written };
  /** Queues a note to the team in a thread. */
  write_note: { request: WriteNote; response: Written };
  /** Queues that the member has seen what names them in a thread. */
  see_mentions: { request: SeeMentions; response: Nothing };
  /** What somebody at this computer has begun to write in a thread. */
  get_draft: { request: GetDraft; response: Draft };
  /** Keeps that, on this computer only. */
  keep_draft: { request: KeepDraft; response: Nothing };
  /** Keeps a piece of a file beside it, or of what is being spoken, on this computer only. */
  keep_attached: { request: KeepAttached; response: Nothing };
  /** The bytes of such a file. */
  get_attached: { request: AttachedOfDraft; response: AttachedContents };
  /** Drops such a file: nobody is going to send it. */
  drop_attached: { request: AttachedOfDraft; response: Nothing };
  /** Texts that are sent often. */
  list_quick_replies: { request: Nothing; response: QuickReplies };
  /** Queues a new one, or a change of one; for the clinic's owner and admins. */
  save_quick_reply: { request: SaveQuickReply; response: Written };
  /** Queues that one is removed; for the clinic's owner and admins. */
  remove_quick_reply: { request: RemoveQuickReply; response: Written };
  /** Fills in the places of a text for the person of a thread. */
  fill_text: { request: FillText; response: FilledText };
  /** Whom a thread can be given to, labels, connections, and how long is long. */
  get_inbox_frame: { request: Nothing; response: InboxFrame };
  /** Times until which a thread is often put aside. */
  get_snooze_times: { request: Nothing; response: SnoozeTimes };
  /** Queues one deed on some threads. */
  act_on_threads: { request: ActOnThreads; response: ActedOnThreads };
  /** Queues what takes such a deed back. */
  undo_threads: { request: UndoThreads; response: ActedOnThreads };
  /** Queues for how long the files of messages are kept; for the clinic's owner and admins. */
  set_files_kept: { request: FilesKept; response: Written };
  /** Queues after how many minutes a wait is amber, and red; for the clinic's owner and admins. */
  set_wait_limits: { request: WaitLimits; response: Written };
  /** Who else has a thread open. */
  get_company: { request: GetCompany; response: Company };
  /** Somebody writes in a thread; needed once every few seconds. */
  note_typing: { request: NoteTyping; response: Nothing };
  /** Whether people are asked how they liked it. */
  get_survey: { request: Nothing; response: Survey };
  /** Queues whether they are; for the clinic's owner and admins. */
  set_survey: { request: Survey; response: Written };
  /** Chooses, for the whole clinic, how many minutes before a visit it is still offered in a thread. */
  set_booking_lead: { request: BookingLead; response: Written };
  /** What would come together if two people were one. */
  preview_merge: { request: MergePeople; response: MergePreview };
  /** Joins two people who are one. Needs the line. */
  merge_people: { request: MergePeople; response: MergedPeople };
  /** Takes that apart again. Needs the line. */
  undo_merge: { request: UndoMerge; response: Nothing };
  /** Who was joined to a person lately. Needs the line. */
  list_merges: { request: ListMerges; response: Merges };
  /** Some days of the agenda. */
  get_agenda: { request: GetAgenda; response: Agenda };
  /** Fetches visits from before the window of the copy. */
  fetch_older_visits: { request: FetchOlderVisits; response: Nothing };
  /** Whether a visit could stand there, as far as this computer knows. */
  check_slot: { request: CheckSlot; response: SlotVerdict };
  /** Queues the move of a visit. */
  reschedule_appointment: { request: RescheduleAppointment; response: Written };
  /** What can be booked for the person of a thread. */
  get_booking: { request: GetBooking; response: Booking };
  /** The next free times for that person, as far as this computer knows. */
  find_times: { request: FindTimes; response: FreeTimes };
  /** Queues a visit, and a patient where there is none. */
  book_appointment: { request: BookAppointment; response: Booked };
  /** Takes it back: out of the queue, or off in the clinic. */
  undo_booking: { request: UndoBooking; response: Written };
  /** Visits that were booked here for the person of a thread and that the clinic has not taken, or not yet. */
  list_awaited: { request: ListAwaited; response: AwaitedVisits };
  /** A pipeline as a board. */
  get_board: { request: GetBoard; response: Board };
  /** More cards of a column. */
  list_stage_leads: { request: ListStageLeads; response: StageLeads };
  /** Queues the move of a lead. */
  move_lead: { request: MoveLead; response: Written };
  /** Notes about a person or a visit. */
  get_notes: { request: GetNotes; response: Notes };
  /** Queues a note. */
  add_note: { request: AddNote; response: Written };
  /** Searches people and messages in the copy. */
  search_everything: { request: SearchEverything; response: SearchResults };
  /** Searches the messages that the copy does not go back to. Needs the line. */
  search_older: { request: SearchOlder; response: FoundOlder };
  /** The status line. */
  get_status: { request: Nothing; response: SyncStatus };
  /** Tries to reach the database now. */
  sync_now: { request: Nothing; response: SyncStatus };
  /** Writes that wait or need a decision. */
  list_operations: { request: ListOperations; response: OperationList };
  /** Decides about a write that was refused. */
  decide_operation: { request: DecideOperation; response: Written };
  /** The next free times for a visit whose slot was taken. */
  list_free_slots: { request: ListFreeSlots; response: FreeSlots };
  /** Sends refused writes again that need no decision. */
  retry_operations: { request: RetryOperations; response: Retried };
  /** Takes back that a write was given up a moment ago. */
  restore_operation: { request: RestoreOperation; response: Written };
  /** What is to be said about the copy on this computer. */
  get_copy: { request: Nothing; response: CopyState };
  /** Puts the notice about the copy away. */
  dismiss_copy_notice: { request: Nothing; response: CopyState };
  /** Makes the copy anew. Answers at once; the session tells how far it is. */
  reset_copy: { request: ResetCopy; response: Session };
  /** A page of what happened to the copy and the line. */
  list_sync_log: { request: ListSyncLog; response: SyncLog };
  /** Writes all of it into a file for the person. No patient data is in it. */
  export_sync_log: { request: Nothing; response: ExportedLog };
  /** The backups of the clinic on this computer. */
  get_backup: { request: Nothing; response: BackupState };
  /** Whether the owner is to be warned that there is no good backup. */
  get_backup_health: { request: Nothing; response: BackupHealth };
  /** Draws recovery words for backups to come. The answer is shown once. */
  draw_backup_words: { request: Nothing; response: RecoveryWords };
  /** Takes the words that were drawn into use, when those that were asked for are typed. */
  confirm_backup_words: { request: ConfirmWords; response: BackupState };
  /** Chooses where and when backups are made and how many stay. */
  change_backup: { request: BackupWish; response: BackupState };
  /** Makes a backup now and tries it. Answers at once; the state tells how far it is. */
  start_backup: { request: Nothing; response: BackupState };
  /** Tries a backup by restoring it. Answers at once. */
  verify_backup: { request: VerifyBackup; response: BackupState };
  /** Calls off what is being made or tried. */
  cancel_backup: { request: Nothing; response: BackupState };
  /** Puts away what is said about a clinic that was brought back. */
  dismiss_restored: { request: Nothing; response: BackupHealth };
  /** The clinic's members, their computers and the open invitations; for its owner and admins. */
  get_team: { request: Nothing; response: Team };
  /** Invites a person, or a further computer of a member. The answer is shown once. */
  invite_member: { request: InviteMember; response: InvitationMade };
  /** Saves an invitation as a file for the person. */
  save_invitation: { request: SaveInvitation; response: SavedInvitation };
  /** Takes an invitation back. */
  cancel_invitation: { request: CancelInvitation; response: Nothing };
  /** Gives a member another role, on all of their computers at once. */
  change_role: { request: ChangeRole; response: Nothing };
  /** Takes a computer's access away at once; its copy is destroyed when it next connects. */
  revoke_computer: { request: RevokeComputer; response: Nothing };
  /** Takes a member's access away on every computer. */
  revoke_member: { request: RevokeMember; response: Nothing };
  /** A page of who did what; for the owner and admins. */
  list_audit: { request: ListAudit; response: AuditEntries };
  /** Who may have done something: the members, also those who are gone. */
  get_audit_people: { request: Nothing; response: AuditPeople };
  /** Saves who did what as a table; that it was taken out is written down. */
  export_audit: { request: ExportAudit; response: ExportedAudit };
  /** What this computer could be called. */
  get_computer_name: { request: Nothing; response: ComputerName };
  /** Comes into a clinic with an invitation. Answers when the database has let this computer in. */
  join_clinic: { request: JoinClinic; response: Session };
  /** Looks into an invitation with which this computer could follow its clinic. Nothing is accepted. */
  peek_invitation: { request: PeekInvitation; response: FoundInvitation };
  /** Follows the clinic to where it is now with a new invitation, keeping the copy and every queued write. Answers when the database has let this computer in. */
  follow_clinic: { request: FollowClinic; response: Session };
  /** Removes everything of the clinic from this computer. Answers at once; the session tells when it is done. */
  leave_clinic: { request: LeaveClinic; response: Session };
  /** How other computers of the network reach the clinic that is on this one. */
  get_sharing: { request: Nothing; response: Sharing };
  /** Shares it, or no longer. */
  change_sharing: { request: ChangeSharing; response: Sharing };
  /** Lets other computers through the system's firewall; the system asks the person for consent. */
  open_firewall: { request: Nothing; response: Nothing };
  /** Tries the way to a clinic's database step by step. Answers at once; `get_diagnosis` tells how far it is. */
  diagnose_connection: { request: DiagnoseConnection; response: Diagnosis };
  /** How far that is. */
  get_diagnosis: { request: Nothing; response: Diagnosis };
  /** The connections to WhatsApp and how they are doing. */
  get_channels: { request: Nothing; response: Channels };
  /** Who looks after them, and what is wrong. */
  get_channel_health: { request: Nothing; response: ChannelHealth };
  /** Adds a connection; for the clinic's owner and admins. Its key goes to the keyring of this computer. */
  add_channel: { request: AddChannel; response: AddedChannel };
  /** Changes a connection, and its key on this computer. */
  change_channel: { request: ChangeChannel; response: Nothing };
  /** Keeps the key of a connection on this computer. */
  keep_channel_keys: { request: KeepChannelKeys; response: Nothing };
  /** Uses a connection, or pauses it. */
  use_channel: { request: UseChannel; response: Nothing };
  /** Removes a connection; one that has conversations is only not used any more. */
  remove_channel: { request: RemoveChannel; response: RemovedChannel };
  /** Tries a connection out step by step. Answers at once; `get_channel_trial` tells how far it is. */
  try_channel: { request: TryChannel; response: ChannelTrial };
  /** How far that is. */
  get_channel_trial: { request: Nothing; response: ChannelTrial };
  /** Pairs a phone with a connection. Answers at once; `get_pairing` has the QR code, fresh until it is read. */
  pair_channel: { request: PairChannel; response: ChannelPairing };
  /** How far that is. */
  get_pairing: { request: Nothing; response: ChannelPairing };
  /** Nobody is going to read the code any more. */
  end_pairing: { request: Nothing; response: Nothing };
  /** Where files of messages are, besides the clinic's database; for the clinic's owner and admins. */
  get_storage: { request: Nothing; response: Storage };
  /** Uses a bucket of S3-compatible storage. Its key goes to the keyring of this computer. */
  use_bucket: { request: UseBucket; response: Nothing };
  /** Keeps the key of the bucket on this computer. */
  keep_bucket_keys: { request: KeepBucketKeys; response: Nothing };
  /** Has every file brought back from the bucket, which is forgotten then. */
  empty_bucket: { request: Nothing; response: Nothing };
  /** Gives up a bucket that is lost, with the files that are nowhere else. */
  abandon_bucket: { request: Nothing; response: AbandonedBucket };
  /** Tries a bucket out step by step. Answers at once; `get_bucket_trial` tells how far it is. */
  try_bucket: { request: TryBucket; response: BucketTrial };
  /** How far that is. */
  get_bucket_trial: { request: Nothing; response: BucketTrial };
  /** What is known about a person, and what erasing them would leave; for the clinic's owner and admins. */
  get_person_data: { request: GetPersonData; response: PersonData };
  /** Reads everything about a person into a file. Answers when it is there. */
  export_person: { request: ExportPerson; response: ExportedPerson };
  /** How far an export is. */
  get_person_export: { request: Nothing; response: PersonExport };
  /** Calls the export off that is under way; nothing of it is left. */
  cancel_person_export: { request: Nothing; response: Nothing };
  /** Erases a person for good. */
  erase_person: { request: ErasePerson; response: ErasedPerson };
  /** Preferences of the person at this computer. */
  get_preferences: { request: Nothing; response: Preferences };
  /** Changes the preferences. */
  set_preferences: { request: Preferences; response: Preferences };
  /** How the screens lock on this computer. */
  get_lock: { request: Nothing; response: LockSettings };
  /** Changes it. Whoever asks shows that they may open it, where there is one. */
  change_lock: { request: ChangeLock; response: LockSettings };
  /** Locks the screens now, when something can open them. */
  lock_now: { request: Nothing; response: Nothing };
  /** Somebody is at the screens. */
  note_presence: { request: Nothing; response: Nothing };
  /** Which thread somebody has before their eyes: what arrives there needs no notice. */
  note_attention: { request: NoteAttention; response: Nothing };
  /** Opens locked screens. */
  unlock: { request: Unlock; response: Nothing };
  /** How far back this computer copies. */
  get_copy_window: { request: Nothing; response: CopyWindow };
  /** Chooses how far back this computer copies: what is missing is fetched, what is outside goes. */
  set_copy_window: { request: ChooseWindow; response: CopyWindow };
}
