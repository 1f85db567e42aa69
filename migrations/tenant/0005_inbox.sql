-- Conversations and messages.

create table app.conversations (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    contact_id uuid not null,
    channel_id uuid not null,
    chat_address text,
    status text not null default 'open' constraint conversations_status check (status in ('open', 'snoozed', 'closed')),
    handler text not null default 'person' constraint conversations_handler check (handler in ('bot', 'person')),
    assignee_id uuid,
    priority text not null default 'normal'
        constraint conversations_priority check (priority in ('low', 'normal', 'high', 'urgent')),
    labels jsonb not null default '[]' constraint conversations_labels check (jsonb_typeof(labels) = 'array'),
    snoozed_until timestamptz,
    unread_count integer not null default 0 constraint conversations_unread check (unread_count >= 0),
    waiting_since timestamptz,
    first_response_at timestamptz,
    closed_at timestamptz,
    last_message_at timestamptz,
    last_message_preview text not null default '',
    last_message_direction text,
    last_message_kind text,
    last_inbound_at timestamptz,
    last_outbound_at timestamptz,
    last_human_message_at timestamptz,
    metadata jsonb not null default '{}',
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint conversations_pk primary key (clinic_id, id),
    constraint conversations_person_unique unique (clinic_id, channel_id, contact_id),
    constraint conversations_contact foreign key (clinic_id, contact_id) references app.contacts,
    constraint conversations_channel foreign key (clinic_id, channel_id) references app.channels,
    constraint conversations_assignee foreign key (clinic_id, assignee_id) references app.members
);
create index conversations_by_last_message on app.conversations (clinic_id, last_message_at desc);
create index conversations_waiting on app.conversations (clinic_id, waiting_since) where waiting_since is not null;
call internal.track('conversations');

create table app.conversation_reads (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    conversation_id uuid not null,
    member_id uuid not null,
    read_until timestamptz not null,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint conversation_reads_pk primary key (clinic_id, id),
    constraint conversation_reads_unique unique (clinic_id, conversation_id, member_id),
    constraint conversation_reads_conversation foreign key (clinic_id, conversation_id) references app.conversations on delete cascade,
    constraint conversation_reads_member foreign key (clinic_id, member_id) references app.members on delete cascade
);
call internal.track('conversation_reads');

create table app.messages (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    conversation_id uuid not null,
    channel_id uuid not null,
    direction text not null constraint messages_direction check (direction in ('inbound', 'outbound', 'internal')),
    sender_kind text not null
        constraint messages_sender_kind check (sender_kind in ('contact', 'member', 'bot', 'phone', 'system')),
    sender_id uuid,
    kind text not null default 'text' constraint messages_kind check (kind in (
        'text', 'image', 'audio', 'video', 'document', 'sticker', 'location', 'contact', 'button_reply', 'list_reply',
        'poll', 'template', 'unsupported')),
    body text not null default '' constraint messages_body check (length(body) <= 65536),
    gateway_id text,
    reply_to_gateway_id text,
    quoted_preview text,
    status text not null default 'received' constraint messages_status check (status in (
        'received', 'queued', 'sending', 'sent', 'delivered', 'read', 'played', 'failed', 'unknown')),
    error_code text,
    error_text text,
    sent_at timestamptz not null default now(),
    delivered_at timestamptz,
    read_at timestamptz,
    edited_at timestamptz,
    revoked_at timestamptz,
    reactions jsonb not null default '[]' constraint messages_reactions check (jsonb_typeof(reactions) = 'array'),
    -- What the kind carries beside text: mime type, file name, size in bytes, seconds, coordinates, vCard, chosen option.
    attachment jsonb,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint messages_pk primary key (clinic_id, id),
    constraint messages_gateway_unique unique (clinic_id, channel_id, gateway_id),
    constraint messages_conversation foreign key (clinic_id, conversation_id) references app.conversations,
    constraint messages_channel foreign key (clinic_id, channel_id) references app.channels,
    constraint messages_sender foreign key (clinic_id, sender_id) references app.members
);
create index messages_timeline on app.messages (clinic_id, conversation_id, sent_at desc, id desc);
create index messages_by_time on app.messages (clinic_id, sent_at desc, id desc);
create index messages_search on app.messages using gin (clinic_id, to_tsvector('portuguese', app.fold(body)));
call internal.track('messages');

-- How far up a status stands. Ticks only move up: see `internal.message_is_honest`. A failure may be reported after the
-- gateway took the message, never after it arrived.
create function internal.status_rank(status text) returns integer
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
    as $$
    select case status when 'queued' then 0 when 'sending' then 1 when 'unknown' then 2 when 'sent' then 3
        when 'failed' then 4 when 'delivered' then 5 when 'read' then 6 when 'played' then 7 else 8 end
$$;

create table app.message_attempts (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    message_id uuid not null,
    attempt integer not null,
    outcome text not null default 'running'
        constraint message_attempts_outcome check (outcome in ('running', 'accepted', 'refused', 'unknown')),
    error_code text,
    error_text text,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint message_attempts_pk primary key (clinic_id, id),
    constraint message_attempts_message foreign key (clinic_id, message_id) references app.messages on delete cascade,
    constraint message_attempts_unique unique (clinic_id, message_id, attempt)
);

create table app.media (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    message_id uuid not null,
    mime_type text not null,
    file_name text,
    size_bytes bigint constraint media_size check (size_bytes >= 0),
    sha256 bytea,
    storage text not null default 'gateway' constraint media_storage check (storage in ('gateway', 'database', 'object_store')),
    state text not null default 'pending' constraint media_state check (state in ('pending', 'stored', 'expired', 'failed')),
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint media_pk primary key (clinic_id, id),
    constraint media_message foreign key (clinic_id, message_id) references app.messages on delete cascade
);
call internal.track('media');

-- What the gateway said about a message that is not here yet: it waits for the message.
create table app.pending_effects (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    channel_id uuid not null,
    gateway_id text not null,
    kind text not null constraint pending_effects_kind check (kind in ('status', 'edit', 'revoke', 'reaction')),
    payload jsonb not null,
    created_at timestamptz not null default now(),
    constraint pending_effects_pk primary key (clinic_id, id),
    constraint pending_effects_channel foreign key (clinic_id, channel_id) references app.channels on delete cascade
);
create index pending_effects_by_message on app.pending_effects (clinic_id, channel_id, gateway_id, created_at);

create table app.quick_replies (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    shortcut text not null constraint quick_replies_shortcut check (shortcut ~ '^[a-z0-9_-]{1,40}$'),
    title text not null,
    body text not null,
    active boolean not null default true,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint quick_replies_pk primary key (clinic_id, id),
    constraint quick_replies_shortcut_unique unique (clinic_id, shortcut)
);
call internal.track('quick_replies');
