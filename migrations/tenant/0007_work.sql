-- Background work, raw gateway events, idempotency, audit.

create table app.jobs (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    kind text not null,
    status text not null default 'queued'
        constraint jobs_status check (status in ('queued', 'running', 'done', 'failed', 'cancelled', 'unknown')),
    priority integer not null default 0,
    run_at timestamptz not null default now(),
    attempts integer not null default 0,
    max_attempts integer not null default 5,
    locked_by uuid,
    locked_until timestamptz,
    dedupe_key text,
    payload jsonb not null default '{}',
    last_error text,
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    constraint jobs_pk primary key (clinic_id, id),
    constraint jobs_dedupe_unique unique (clinic_id, kind, dedupe_key)
);
create index jobs_due on app.jobs (clinic_id, priority desc, run_at) where status = 'queued';

-- What the gateway said, word for word but without tokens. The digest makes a repetition visible.
create table app.gateway_events (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    channel_id uuid not null,
    event text not null,
    digest bytea not null,
    payload jsonb not null,
    received_at timestamptz not null default now(),
    processed_at timestamptz,
    error text,
    constraint gateway_events_pk primary key (clinic_id, id),
    constraint gateway_events_channel foreign key (clinic_id, channel_id) references app.channels on delete cascade,
    constraint gateway_events_digest_unique unique (clinic_id, channel_id, digest)
);
create index gateway_events_by_time on app.gateway_events (clinic_id, received_at);

create table app.leases (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    name text not null,
    holder uuid,
    holder_label text,
    fence bigint not null default 0,
    held_until timestamptz not null default '-infinity',
    held_since timestamptz,
    constraint leases_pk primary key (clinic_id, name)
);

-- One row for every write a desk has sent: written in the transaction of its effect.
create table app.applied_operations (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    operation_id uuid not null,
    entity text not null,
    entity_id uuid not null,
    kind text not null,
    member_id uuid,
    version bigint,
    applied_at timestamptz not null default now(),
    constraint applied_operations_pk primary key (clinic_id, operation_id)
);
create index applied_operations_by_time on app.applied_operations (clinic_id, applied_at);

create table app.audit_logs (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    at timestamptz not null default now(),
    action text not null,
    table_name text,
    record_id uuid,
    member_id uuid,
    device_id uuid,
    login text not null default session_user,
    application text,
    address inet,
    old_values jsonb,
    new_values jsonb,
    constraint audit_logs_pk primary key (clinic_id, id)
);
create index audit_logs_by_time on app.audit_logs (clinic_id, at desc);
create index audit_logs_by_record on app.audit_logs (clinic_id, table_name, record_id, at desc);

create function internal.write_audit() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    before_values jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    after_values jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    whole jsonb := coalesce(after_values, before_values);
    ignored constant text[] := array['version', 'change_xid', 'updated_at', 'last_interaction_at', 'last_event_at', 'last_seen_at'];
begin
    before_values := before_values - ignored;
    after_values := after_values - ignored;
    if tg_op = 'UPDATE' then
        if before_values = after_values then
            return null;
        end if;
        -- Only what changed: an audit is read by people.
        select jsonb_object_agg(key, value) into before_values
        from jsonb_each(before_values) where value is distinct from after_values -> key;
        select jsonb_object_agg(key, after_values -> key) into after_values from jsonb_object_keys(before_values) as key;
    end if;
    insert into app.audit_logs
        (clinic_id, action, table_name, record_id, member_id, device_id, application, address, old_values, new_values)
    values ((whole ->> 'clinic_id')::uuid, lower(tg_op), tg_table_name, (whole ->> 'id')::uuid,
            app.current_member(), app.current_device(), current_setting('application_name', true), inet_client_addr(),
            before_values, after_values);
    return null;
end $$;

do $$
declare
    audited text;
begin
    foreach audited in array array[
        'clinics', 'clinic_settings', 'members', 'devices', 'owner_numbers', 'channels', 'contacts', 'contact_identifiers',
        'patients', 'services', 'rooms', 'professionals', 'professional_services', 'working_hours', 'schedule_exceptions',
        'appointments', 'waitlist_entries', 'pipelines', 'pipeline_stages', 'loss_reasons', 'leads', 'quick_replies'
    ] loop
        execute format('create trigger write_audit after insert or update or delete on app.%I for each row
                        execute function internal.write_audit()', audited);
    end loop;
end $$;

-- A new message moves its conversation: who waits since when, what is shown in the list, who owns the thread.
create function internal.message_moves_conversation() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    shown text := left(regexp_replace(new.body, '\s+', ' ', 'g'), 160);
begin
    if new.direction = 'internal' then
        return null;
    end if;
    update app.conversations c set
        last_message_at = greatest(c.last_message_at, new.sent_at),
        last_message_preview = case when c.last_message_at is null or new.sent_at >= c.last_message_at then shown else c.last_message_preview end,
        last_message_direction = case when c.last_message_at is null or new.sent_at >= c.last_message_at then new.direction else c.last_message_direction end,
        last_message_kind = case when c.last_message_at is null or new.sent_at >= c.last_message_at then new.kind else c.last_message_kind end,
        last_inbound_at = case when new.direction = 'inbound' then greatest(c.last_inbound_at, new.sent_at) else c.last_inbound_at end,
        last_outbound_at = case when new.direction = 'outbound' then greatest(c.last_outbound_at, new.sent_at) else c.last_outbound_at end,
        last_human_message_at = case when new.sender_kind in ('member', 'phone') then greatest(c.last_human_message_at, new.sent_at) else c.last_human_message_at end,
        first_response_at = case when new.direction = 'outbound' then coalesce(c.first_response_at, new.sent_at) else c.first_response_at end,
        -- An older message that arrives late neither raises nor clears the wait.
        unread_count = case
            when new.direction = 'inbound' and (c.last_outbound_at is null or new.sent_at > c.last_outbound_at) then c.unread_count + 1
            when new.direction = 'outbound' and (c.last_inbound_at is null or new.sent_at >= c.last_inbound_at) then 0
            else c.unread_count end,
        waiting_since = case
            when new.direction = 'inbound' and (c.last_outbound_at is null or new.sent_at > c.last_outbound_at)
                then least(c.waiting_since, new.sent_at)
            when new.direction = 'outbound' and (c.last_inbound_at is null or new.sent_at >= c.last_inbound_at) then null
            else c.waiting_since end,
        -- Any reply by a person pauses the bot, also one typed on the phone.
        handler = case when new.sender_kind in ('member', 'phone') then 'person' else c.handler end,
        status = case when new.direction = 'inbound' and (c.last_message_at is null or new.sent_at > c.last_message_at) then 'open' else c.status end,
        closed_at = case when new.direction = 'inbound' and (c.last_message_at is null or new.sent_at > c.last_message_at) then null else c.closed_at end
    where c.clinic_id = new.clinic_id and c.id = new.conversation_id;

    update app.contacts p set last_interaction_at = new.sent_at
    from app.conversations c
    where c.clinic_id = new.clinic_id and c.id = new.conversation_id
      and p.clinic_id = c.clinic_id and p.id = c.contact_id
      -- A talk is one interaction: every message of it need not be sent to every desk again.
      and (p.last_interaction_at is null or p.last_interaction_at < new.sent_at - interval '5 minutes');

    if new.direction = 'outbound' and new.status = 'queued' then
        insert into app.jobs (clinic_id, kind, dedupe_key, priority, payload)
        values (new.clinic_id, 'send_message', new.id::text, 10, jsonb_build_object('message_id', new.id));
    end if;
    return null;
end $$;
create trigger moves_conversation after insert on app.messages
    for each row execute function internal.message_moves_conversation();

-- A message that a person writes is that person's, whatever the connection claims. Ticks only move up.
create function internal.message_is_honest() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    if tg_op = 'INSERT' then
        if new.sender_kind = 'member' and app.current_member() is not null then
            new.sender_id := app.current_member();
            new.status := case when new.direction = 'outbound' then 'queued' else 'received' end;
            -- The computer it was typed on may have any time on its clock, and may have waited for hours to send it.
            new.sent_at := clock_timestamp();
        end if;
        return new;
    end if;
    if old.direction = 'outbound' and internal.status_rank(new.status) < internal.status_rank(old.status)
        and not (old.status in ('failed', 'unknown') and new.status in ('queued', 'sending', 'failed', 'unknown'))
    then
        new.status := old.status;
    end if;
    return new;
end $$;
create trigger is_honest before insert or update on app.messages
    for each row execute function internal.message_is_honest();
