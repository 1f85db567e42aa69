-- The copy of the clinic on this computer. Column names are PostgreSQL's; ids are blobs of 16 bytes, instants microseconds
-- since 1970 UTC, documents JSON text. Rows arrive nearest first and in pieces, so copied tables do not reference one another.

create table clinics (id blob primary key, version integer not null, name text not null, slug text not null,
    vertical text not null, plan text not null, status text not null, time_zone text not null, locale text not null) strict;

create table clinic_settings (id blob primary key, version integer not null, operating_hours text not null,
    assistant text not null, reminders text not null, context text not null) strict;

create table members (id blob primary key, version integer not null, name text not null, email text, phone text,
    role text not null, active integer not null, registration_number text, last_seen_at integer) strict;

create table channels (id blob primary key, version integer not null, name text not null, kind text not null, phone text,
    status text not null, active integer not null, last_event_at integer) strict;

create table services (id blob primary key, version integer not null, name text not null, category text,
    duration_minutes integer not null, buffer_before_minutes integer not null, buffer_after_minutes integer not null,
    price_cents integer, active integer not null) strict;

create table rooms (id blob primary key, version integer not null, name text not null, position integer not null,
    active integer not null) strict;

create table professionals (id blob primary key, version integer not null, member_id blob, room_id blob, name text not null,
    specialty text, color integer not null, position integer not null, active integer not null) strict;

create table working_hours (id blob primary key, version integer not null, professional_id blob not null,
    weekday integer not null, starts_minute integer not null, ends_minute integer not null, valid_from text,
    valid_until text) strict;

create table schedule_exceptions (id blob primary key, version integer not null, professional_id blob, room_id blob,
    kind text not null, starts_at integer not null, ends_at integer not null, reason text not null) strict;
create index schedule_exceptions_by_end on schedule_exceptions (ends_at);

create table quick_replies (id blob primary key, version integer not null, shortcut text not null, title text not null,
    body text not null, active integer not null) strict;

create table pipelines (id blob primary key, version integer not null, name text not null, position integer not null,
    is_default integer not null) strict;

create table pipeline_stages (id blob primary key, version integer not null, pipeline_id blob not null, name text not null,
    kind text not null, position integer not null) strict;

create table loss_reasons (id blob primary key, version integer not null, name text not null, position integer not null,
    active integer not null) strict;

create table contacts (row integer primary key, id blob not null unique, version integer not null, name text not null,
    profile_name text, phone text, email text, status text not null, source text, tags text not null, notes text not null,
    last_interaction_at integer) strict;

create table patients (id blob primary key, version integer not null, contact_id blob not null, relation text not null,
    name text not null, birth_date text, species text, breed text, active integer not null) strict;
create index patients_by_contact on patients (contact_id);

create table appointments (id blob primary key, version integer not null, patient_id blob not null, contact_id blob not null,
    professional_id blob not null, room_id blob, service_id blob, starts_at integer not null, ends_at integer not null,
    status text not null, squeezed_in integer not null, squeeze_reason text, notes text not null, source text not null,
    arrived_at integer) strict;
create index appointments_by_start on appointments (starts_at);
create index appointments_by_contact on appointments (contact_id, starts_at);
create index appointments_missed on appointments (patient_id) where status = 'no_show';

create table conversations (id blob primary key, version integer not null, contact_id blob not null, channel_id blob not null,
    status text not null, handler text not null, assignee_id blob, priority text not null, labels text not null,
    snoozed_until integer, unread_count integer not null, waiting_since integer, last_message_at integer,
    last_message_preview text not null, last_message_direction text, last_message_kind text) strict;
create index conversations_waiting on conversations (waiting_since)
    where waiting_since is not null and handler = 'person' and status = 'open';
create index conversations_by_status on conversations (status, last_message_at desc);
create index conversations_by_time on conversations (last_message_at desc);
create index conversations_by_contact on conversations (contact_id, last_message_at desc);
create index conversations_assigned on conversations (assignee_id, last_message_at desc) where status = 'open';
create index conversations_of_bot on conversations (last_message_at desc) where handler = 'bot' and status = 'open';

create table messages (row integer primary key, id blob not null unique, version integer not null,
    conversation_id blob not null, channel_id blob not null, direction text not null, sender_kind text not null,
    sender_id blob, kind text not null, body text not null, status text not null, error_text text, sent_at integer not null,
    delivered_at integer, read_at integer, edited_at integer, revoked_at integer, quoted_preview text,
    reactions text not null, attachment text) strict;
create index messages_timeline on messages (conversation_id, sent_at, id);

create table leads (id blob primary key, version integer not null, contact_id blob not null, pipeline_id blob not null,
    stage_id blob not null, title text not null, value_cents integer, source text, owner_id blob, next_action text,
    next_action_at integer, position real not null, stage_entered_at integer not null, loss_reason_id blob, loss_note text,
    closed_at integer) strict;
create index leads_by_stage on leads (stage_id, position, id);
create index leads_closed on leads (stage_id, closed_at, value_cents);
create index leads_by_contact on leads (contact_id, stage_entered_at desc);
