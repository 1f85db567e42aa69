-- The computer that listens and sends for the clinic, the health of its connections, and messages on their way out.

-- Who does the background work is for every desk to see. The lease itself is renewed every few seconds; this row changes when
-- somebody else takes over, and once a minute to say that the holder lives.
create table app.background_holders (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    lease text not null constraint background_holders_lease check (lease ~ '^[a-z_]{1,40}$'),
    label text not null default '',
    since timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    released_at timestamptz,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint background_holders_pk primary key (clinic_id, id),
    constraint background_holders_lease_unique unique (clinic_id, lease)
);
call internal.track('background_holders');
alter table app.background_holders enable row level security, force row level security;
create policy own_clinic on app.background_holders for all
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent
    using (clinic_id = (select app.current_clinic())) with check (clinic_id = (select app.current_clinic()));
create policy definer_functions on app.background_holders for all to balcao_definer using (true) with check (true);
grant select, insert, update, delete on app.background_holders to balcao_definer;
grant select on app.background_holders to balcao_owner, balcao_admin, balcao_attendant, balcao_viewer, balcao_agent;
alter table app.background_holders
    alter column clinic_id set statistics 0, alter column id set statistics 0, alter column lease set statistics 0,
    alter column label set statistics 0, alter column version set statistics 0;

do $$
declare
    source text := pg_get_functiondef('app.feed_since(xid8)'::regprocedure);
    channels constant text := $q$case when exists (select 1 from app.channels where clinic_id = clinic and change_xid >= since) then 'channels' end,$q$;
begin
    if (length(source) - length(replace(source, channels, ''))) <> length(channels) then
        raise exception 'app.feed_since looks at channels otherwise than this migration knows';
    end if;
    -- The table has a column of that name, too.
    execute replace(source, channels, channels || replace(
        replace(channels, 'channels', 'background_holders'), '>= since', '>= feed_since.since'));
end $$;

-- Takes the clinic's background work, or renews it, for so many milliseconds of the database's clock. `holder` is drawn anew by a
-- computer each time it begins to ask. A take-over raises the fence: what the holder of before still wants to write is refused.
-- When somebody else has it, it is said who, since when, and for how long yet.
create function app.take_lease(name text, holder uuid, label text, milliseconds integer)
    returns table (held boolean, fence bigint, holder_label text, held_since timestamptz, free_in double precision)
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    clinic constant uuid := app.current_clinic();
    lease app.leases;
    called text;
begin
    if clinic is null or app.current_member_role() not in ('owner', 'agent') then
        raise exception using errcode = 'insufficient_privilege', message = 'this login does no background work';
    end if;
    if take_lease.name <> 'background' or take_lease.holder is null or not coalesce(milliseconds between 100 and 60000, false) then
        raise exception using errcode = 'invalid_parameter_value', message = 'there is no such lease';
    end if;
    insert into app.leases (clinic_id, name) values (clinic, take_lease.name) on conflict on constraint leases_pk do nothing;
    select l.* into lease from app.leases l where l.clinic_id = clinic and l.name = take_lease.name for no key update;
    if lease.held_until > clock_timestamp() and lease.holder is distinct from take_lease.holder then
        return query select false, lease.fence, lease.holder_label, lease.held_since,
            extract(epoch from lease.held_until - clock_timestamp())::double precision;
        return;
    end if;
    if lease.held_until <= clock_timestamp() or lease.holder is distinct from take_lease.holder then
        called := left(coalesce(
            (select d.name from app.devices d where d.clinic_id = clinic and d.id = app.current_device() and d.name <> '?'),
            nullif(btrim(take_lease.label), ''), '?'), 120);
        lease.fence := lease.fence + 1;
        lease.holder_label := called;
        lease.held_since := clock_timestamp();
        insert into app.background_holders as b (clinic_id, lease, label, since, seen_at)
        values (clinic, take_lease.name, called, lease.held_since, lease.held_since)
        on conflict on constraint background_holders_lease_unique
            do update set label = excluded.label, since = excluded.since, seen_at = excluded.seen_at, released_at = null;
    else
        update app.background_holders b set seen_at = clock_timestamp()
        where b.clinic_id = clinic and b.lease = take_lease.name and b.seen_at < clock_timestamp() - interval '1 minute';
    end if;
    update app.leases l set holder = take_lease.holder, holder_label = lease.holder_label, fence = lease.fence,
        held_since = lease.held_since, held_until = clock_timestamp() + make_interval(secs => milliseconds / 1000.0)
    where l.clinic_id = clinic and l.name = take_lease.name;
    return query select true, lease.fence, lease.holder_label, lease.held_since, milliseconds / 1000.0::double precision;
end $$;

-- Gives the background work back, so that another computer need not wait for the lease to run out.
create function app.release_lease(name text, fence bigint) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    clinic constant uuid := app.current_clinic();
begin
    if clinic is null or app.current_member_role() not in ('owner', 'agent') then
        raise exception using errcode = 'insufficient_privilege', message = 'this login does no background work';
    end if;
    update app.leases l set holder = null, held_until = '-infinity'
    where l.clinic_id = clinic and l.name = release_lease.name and l.fence = release_lease.fence;
    if found then
        update app.background_holders b set released_at = clock_timestamp()
        where b.clinic_id = clinic and b.lease = release_lease.name;
    end if;
end $$;

-- The first statement of every transaction of the background work: refuses it (BL004) when the fence is no longer the newest,
-- and keeps a take-over waiting until the transaction has ended. One whose computer has died in the middle of it is ended soon.
create function app.hold_lease(name text, fence bigint) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
begin
    perform from app.leases l
    where l.clinic_id = app.current_clinic() and l.name = hold_lease.name and l.fence = hold_lease.fence for share;
    if not found then
        raise exception using errcode = 'BL004', message = 'the background work was taken over';
    end if;
    perform set_config('idle_in_transaction_session_timeout', '5s', true);
end $$;

-- A lease is taken, held and given back by these functions only.
revoke insert on app.leases from balcao_owner, balcao_agent;
do $$
declare
    columns text;
begin
    select string_agg(quote_ident(attname), ', ') into columns from pg_attribute
    where attrelid = 'app.leases'::regclass and attnum > 0 and not attisdropped;
    execute format('revoke update (%s) on app.leases from balcao_owner, balcao_agent', columns);
end $$;

-- How a connection is doing, and how it is used. Keys are in keyrings: the settings have room for nothing else than what is
-- named here.
alter table app.channels
    add column settings jsonb not null default '{}' constraint channels_settings check (
        jsonb_typeof(settings) = 'object'
        and settings - array['daily_cap', 'pace', 'typing', 'read_receipts', 'bot', 'per_instance', 'relay_url'] = '{}'
        and case when settings ? 'daily_cap' then case when jsonb_typeof(settings -> 'daily_cap') = 'number'
            then (settings ->> 'daily_cap')::numeric between 1 and 100000 else false end else true end
        and coalesce(settings ->> 'pace', 'calm') in ('calm', 'brisk', 'none')
        and coalesce(jsonb_typeof(settings -> 'typing'), 'boolean') = 'boolean'
        and coalesce(jsonb_typeof(settings -> 'read_receipts'), 'boolean') = 'boolean'
        and coalesce(jsonb_typeof(settings -> 'bot'), 'boolean') = 'boolean'
        and coalesce(jsonb_typeof(settings -> 'per_instance'), 'boolean') = 'boolean'
        and coalesce(jsonb_typeof(settings -> 'relay_url'), 'string') = 'string'),
    add column last_inbound_at timestamptz,
    add column last_ack_at timestamptz,
    add column acks_missing_since timestamptz,
    add column last_sweep_at timestamptz,
    add column swept_until timestamptz,
    add column unknown_outcomes integer not null default 0,
    add column problem text constraint channels_problem check (problem ~ '^[a-z_]{1,40}$'),
    add column needs_pairing boolean not null default false,
    -- The last event of a relay that is safely stored: who listens next goes on behind it.
    add column stream_position bigint;
alter table app.channels
    alter column settings set statistics 0, alter column unknown_outcomes set statistics 0, alter column problem set statistics 0,
    alter column stream_position set statistics 0;
grant update (settings) on app.channels to balcao_owner, balcao_admin;
grant update (last_inbound_at, last_ack_at, acks_missing_since, last_sweep_at, swept_until, problem, needs_pairing, stream_position)
    on app.channels to balcao_owner, balcao_agent;
-- Desks that have these rows already get the new columns.
update app.channels set active = active;

-- What the background work writes about a connection all day is no deed of anybody.
do $$
declare
    source text := pg_get_functiondef('internal.write_audit()'::regprocedure);
    ignored constant text := $q$'last_event_at', 'last_seen_at']$q$;
    more constant text := $q$'last_event_at', 'last_seen_at', 'last_inbound_at', 'last_ack_at', 'acks_missing_since',
        'last_sweep_at', 'swept_until', 'unknown_outcomes', 'stream_position', 'problem', 'needs_pairing']$q$;
begin
    if (length(source) - length(replace(source, ignored, ''))) <> length(ignored) then
        raise exception 'internal.write_audit passes over other columns than this migration knows';
    end if;
    execute replace(source, ignored, more);
end $$;

-- A message may wait for its time, and be called off until it goes.
alter table app.messages
    add column scheduled_for timestamptz,
    add column cancelled_at timestamptz;
grant update (scheduled_for, cancelled_at) on app.messages to balcao_owner, balcao_admin, balcao_attendant, balcao_agent;
create index messages_under_way on app.messages (clinic_id, channel_id, sent_at)
    where direction = 'outbound' and status in ('sending', 'unknown');

-- Under which fence a try was begun, and under which id the gateway took it.
alter table app.message_attempts
    add column fence bigint,
    add column gateway_id text;
alter table app.message_attempts
    alter column fence set statistics 0, alter column gateway_id set statistics 0;
grant update (fence, gateway_id) on app.message_attempts to balcao_owner, balcao_agent;
alter table app.message_attempts drop constraint message_attempts_outcome;
alter table app.message_attempts add constraint message_attempts_outcome
    check (outcome in ('running', 'accepted', 'refused', 'unknown', 'not_sent'));
create index message_attempts_by_time on app.message_attempts (clinic_id, started_at);
create index message_attempts_by_gateway_id on app.message_attempts (clinic_id, gateway_id) where gateway_id is not null;
create index message_attempts_open on app.message_attempts (clinic_id, started_at) where outcome in ('running', 'unknown');
create index jobs_at_work on app.jobs (clinic_id, kind) where status in ('queued', 'running');

-- A message that was handed over and did not leave may wait again; nothing else goes down.
do $$
declare
    source text := pg_get_functiondef('internal.message_is_honest()'::regprocedure);
    condition constant text := $q$and not (old.status in ('failed', 'unknown') and$q$;
begin
    if (length(source) - length(replace(source, condition, ''))) <> length(condition) then
        raise exception 'internal.message_is_honest lets ticks move otherwise than this migration knows';
    end if;
    execute replace(source, condition,
        $q$and not ((old.status in ('failed', 'unknown') or (old.status = 'sending' and old.gateway_id is null)) and$q$);
end $$;

-- What waits for its time answers nobody yet: it moves its conversation when it goes.
drop trigger moves_conversation on app.messages;
create trigger moves_conversation after insert on app.messages
    for each row when (new.scheduled_for is null) execute function internal.message_moves_conversation();
create trigger moves_conversation_later after update of status on app.messages
    for each row when (new.scheduled_for is not null and old.status = 'queued' and new.status = 'sending')
    execute function internal.message_moves_conversation();

create function internal.message_waits_for_its_time() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    if new.direction = 'outbound' and new.status = 'queued' then
        insert into app.jobs (clinic_id, kind, dedupe_key, priority, run_at, payload)
        values (new.clinic_id, 'send_message', new.id::text, 10, new.scheduled_for, jsonb_build_object('message_id', new.id));
    end if;
    return null;
end $$;
create trigger waits_for_its_time after insert on app.messages
    for each row when (new.scheduled_for is not null) execute function internal.message_waits_for_its_time();

-- Another time for a message, called off, or wanted after all: as long as nobody has begun to send it.
create function internal.message_is_rescheduled() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    was_off constant boolean := old.cancelled_at is not null;
    is_off constant boolean := new.cancelled_at is not null;
begin
    if (old.scheduled_for, was_off) is not distinct from (new.scheduled_for, is_off) then
        new.cancelled_at := old.cancelled_at;
        return new;
    end if;
    if old.scheduled_for is not null then
        -- Without a time it goes at once.
        new.scheduled_for := coalesce(new.scheduled_for, clock_timestamp());
    elsif new.scheduled_for is not null then
        raise exception using errcode = 'check_violation', constraint = 'messages_waits', message = 'it does not wait for a time';
    end if;
    if old.direction <> 'outbound' or old.gateway_id is not null
        or not (old.status = 'queued' or (was_off and old.status = 'failed' and old.error_code = 'cancelled'))
    then
        raise exception using errcode = 'check_violation', constraint = 'messages_waits', message = 'it does not wait any more';
    end if;
    if was_off and not is_off and exists (
        select from app.conversations c join app.contacts p on p.clinic_id = c.clinic_id and p.id = c.contact_id
        where c.clinic_id = new.clinic_id and c.id = new.conversation_id and p.status = 'blocked') then
        raise exception using errcode = 'check_violation', constraint = 'messages_person_blocked',
            message = 'this person is blocked';
    end if;
    update app.jobs j set status = case when is_off then 'cancelled' else 'queued' end,
        run_at = coalesce(new.scheduled_for, clock_timestamp()),
        finished_at = case when is_off then clock_timestamp() end
    where j.clinic_id = new.clinic_id and j.kind = 'send_message' and j.dedupe_key = new.id::text
      and j.status in ('queued', 'cancelled');
    if not found then
        raise exception using errcode = 'check_violation', constraint = 'messages_waits', message = 'it is on its way';
    end if;
    new.cancelled_at := case when is_off then coalesce(old.cancelled_at, clock_timestamp()) end;
    new.status := case when is_off then 'failed' else 'queued' end;
    new.error_code := case when is_off then 'cancelled' end;
    return new;
end $$;
create trigger reschedules before update of scheduled_for, cancelled_at on app.messages
    for each row execute function internal.message_is_rescheduled();

-- How many messages of a connection may have gone out or not.
create function internal.count_unknown_outcomes() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    update app.channels c set unknown_outcomes = (
        select count(*) from app.messages m
        where m.clinic_id = c.clinic_id and m.channel_id = c.id and m.direction = 'outbound' and m.status = 'unknown')
    where c.clinic_id = new.clinic_id and c.id = new.channel_id;
    return null;
end $$;
create trigger count_unknown_outcomes after update of status on app.messages
    for each row when ((old.status = 'unknown') is distinct from (new.status = 'unknown'))
    execute function internal.count_unknown_outcomes();

-- A person's decision about a message that failed, or that may have gone out or not. The connection is locked first, as by
-- everything that stores what the gateway says.
create function internal.undecided_message(message uuid, states text[]) returns app.messages
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := app.current_clinic();
    found_message app.messages;
begin
    if clinic is null or app.current_member_role() not in ('owner', 'admin', 'attendant') then
        raise exception using errcode = 'insufficient_privilege', message = 'this role decides nothing about messages';
    end if;
    perform from app.channels c where c.clinic_id = clinic
        and c.id = (select m.channel_id from app.messages m where m.clinic_id = clinic and m.id = message) for no key update;
    select m.* into found_message from app.messages m
    where m.clinic_id = clinic and m.id = message and m.direction = 'outbound' and m.status = any (states) for no key update;
    return found_message;
end $$;

-- Sends it again, as a new try. False when there is nothing to decide any more.
create function app.retry_message(message uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    m constant app.messages := internal.undecided_message(message, array['failed', 'unknown']);
begin
    if m.id is null then
        return false;
    end if;
    update app.messages t set status = 'queued', gateway_id = null, error_code = null, error_text = null, cancelled_at = null
    where t.clinic_id = m.clinic_id and t.id = m.id;
    insert into app.jobs as j (clinic_id, kind, dedupe_key, priority, payload)
    values (m.clinic_id, 'send_message', m.id::text, 10, jsonb_build_object('message_id', m.id))
    on conflict on constraint jobs_dedupe_unique
        do update set status = 'queued', run_at = clock_timestamp(), attempts = 0, last_error = null, finished_at = null,
                      created_at = clock_timestamp();
    return true;
end $$;

-- It has arrived: the person has seen it on the phone. False when there is nothing to decide any more.
create function app.message_arrived(message uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    m constant app.messages := internal.undecided_message(message, array['unknown']);
begin
    if m.id is null then
        return false;
    end if;
    update app.messages t set status = 'sent', error_code = null, error_text = null
    where t.clinic_id = m.clinic_id and t.id = m.id;
    update app.jobs j set status = 'done', finished_at = clock_timestamp()
    where j.clinic_id = m.clinic_id and j.kind = 'send_message' and j.dedupe_key = m.id::text;
    return true;
end $$;

-- The gateway's answer names a message that came back as an echo before, and was not known for ours: the two become one.
create function app.drop_echo(echo uuid, ours uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := app.current_clinic();
    dropped app.messages;
begin
    if clinic is null or app.current_member_role() not in ('owner', 'agent') then
        raise exception using errcode = 'insufficient_privilege', message = 'this login does no background work';
    end if;
    delete from app.messages e using app.messages o
    where e.clinic_id = clinic and e.id = echo and o.clinic_id = clinic and o.id = ours
      and e.channel_id = o.channel_id and e.direction = 'outbound' and e.sender_kind in ('system', 'phone')
      and o.direction = 'outbound' and o.gateway_id is null
      and exists (select from app.message_attempts a
                  where a.clinic_id = clinic and a.message_id = ours and a.outcome in ('running', 'unknown'))
    returning e.* into dropped;
    update app.messages o set gateway_id = dropped.gateway_id, status = dropped.status, delivered_at = dropped.delivered_at,
        read_at = dropped.read_at, edited_at = dropped.edited_at, revoked_at = dropped.revoked_at,
        reactions = dropped.reactions
    where o.clinic_id = clinic and o.id = ours and dropped.id is not null;
end $$;

do $$
declare
    f regprocedure;
begin
    grant create on schema app, internal to balcao_definer;
    foreach f in array array[
        'app.drop_echo(uuid, uuid)', 'app.take_lease(text, uuid, text, integer)', 'app.release_lease(text, bigint)', 'app.hold_lease(text, bigint)',
        'app.retry_message(uuid)', 'app.message_arrived(uuid)', 'internal.undecided_message(uuid, text[])',
        'internal.message_waits_for_its_time()', 'internal.message_is_rescheduled()', 'internal.count_unknown_outcomes()'
    ]::regprocedure[] loop
        execute format('revoke all on function %s from public', f);
        execute format('alter function %s owner to balcao_definer', f);
    end loop;
    revoke create on schema app, internal from balcao_definer;
end $$;
grant execute on function app.take_lease(text, uuid, text, integer), app.release_lease(text, bigint),
    app.hold_lease(text, bigint), app.drop_echo(uuid, uuid) to balcao_owner, balcao_agent;
grant execute on function app.retry_message(uuid), app.message_arrived(uuid)
    to balcao_owner, balcao_admin, balcao_attendant;
