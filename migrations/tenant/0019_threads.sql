-- What people do with a thread: put it aside, close it, mark it, block who writes, join two people; and how long it took.

alter table app.conversations
    -- A person wants it among those to be answered, whoever wrote last. An answer by a person ends it.
    add column marked_unread boolean not null default false,
    -- When a person decided on the status.
    add column status_decided_at timestamptz,
    -- The talk that goes on, or went on last: since when, and when a person first answered.
    add column opened_at timestamptz,
    add column responded_at timestamptz;
grant update (marked_unread, status_decided_at) on app.conversations
    to balcao_owner, balcao_admin, balcao_attendant, balcao_agent;

-- How the clinic works in its inbox: after how many minutes a wait is amber, and red.
alter table app.clinic_settings
    add column inbox jsonb not null default '{}',
    add constraint clinic_settings_inbox check (
        jsonb_typeof(inbox) = 'object'
        and coalesce((inbox ->> 'amber_minutes')::integer between 1 and 10080, true)
        and coalesce((inbox ->> 'red_minutes')::integer between 1 and 10080, true));
alter table app.clinic_settings alter column inbox set statistics 0;
grant update (inbox) on app.clinic_settings to balcao_owner, balcao_admin;

-- What follows from the status, and how long things took. Only what messages say counts: nobody writes these times.
--
-- A talk begins with a message of the person in a thread that is new or was closed. Its first answer is the first message of
-- a person of the clinic, at the desk or on the phone; what the bot says is none.
create function internal.conversation_follows() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
    as $$
begin
    new.opened_at := old.opened_at;
    new.responded_at := old.responded_at;
    if new.status_decided_at is distinct from old.status_decided_at and new.status_decided_at is not null then
        new.status_decided_at := least(new.status_decided_at, clock_timestamp());
        -- What the person wrote after that was not seen by whoever put the thread away.
        if new.status in ('closed', 'snoozed') and new.last_inbound_at > new.status_decided_at then
            new.status := 'open';
        end if;
    end if;

    if new.last_human_message_at is distinct from old.last_human_message_at and new.last_human_message_at is not null then
        new.marked_unread := false;
        if new.responded_at is null and new.last_human_message_at >= new.opened_at then
            new.responded_at := new.last_human_message_at;
        end if;
        -- It had come back, and was answered.
        if new.status = 'snoozed' and new.snoozed_until <= clock_timestamp() then
            new.status := 'open';
        end if;
    end if;
    if new.last_inbound_at is distinct from old.last_inbound_at and new.last_inbound_at is not null
        and (old.opened_at is null or (old.status = 'closed' and new.status = 'open')) then
        new.opened_at := new.last_inbound_at;
        new.responded_at := null;
    end if;

    if new.status <> 'snoozed' then
        new.snoozed_until := null;
    elsif new.snoozed_until is null then
        raise exception using errcode = 'check_violation', constraint = 'conversations_snoozed_until',
            message = 'a thread is put aside until some time';
    end if;
    new.closed_at := case
        when new.status <> 'closed' then null
        when old.status = 'closed' then coalesce(old.closed_at, clock_timestamp())
        when new.status_decided_at is distinct from old.status_decided_at then coalesce(new.status_decided_at, clock_timestamp())
        else clock_timestamp() end;
    return new;
end $$;
create trigger follows before update on app.conversations
    for each row execute function internal.conversation_follows();

-- What happened to threads, for those who ask how long people wait.
create table app.conversation_events (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    conversation_id uuid not null,
    kind text not null
        constraint conversation_events_kind check (kind in ('opened', 'first_response', 'resolved', 'reopened')),
    -- Who answered or decided; nobody where the person wrote, or someone on the phone.
    member_id uuid,
    at timestamptz not null default now(),
    -- Since the talk began, for a first answer and an end.
    seconds integer constraint conversation_events_seconds check (seconds >= 0),
    constraint conversation_events_pk primary key (clinic_id, id),
    constraint conversation_events_conversation foreign key (clinic_id, conversation_id)
        references app.conversations on delete cascade,
    constraint conversation_events_member foreign key (clinic_id, member_id) references app.members
);
create index conversation_events_by_thread on app.conversation_events (clinic_id, conversation_id, at);
create index conversation_events_by_time on app.conversation_events (clinic_id, at);

create function internal.record_conversation_event() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    took constant integer := extract(epoch from
        case when new.status = 'closed' and old.status <> 'closed' then new.closed_at else new.responded_at end - new.opened_at);
begin
    if new.opened_at is distinct from old.opened_at then
        insert into app.conversation_events (clinic_id, conversation_id, kind, at)
        values (new.clinic_id, new.id, case when old.opened_at is null then 'opened' else 'reopened' end, new.opened_at);
    elsif old.status = 'closed' and new.status <> 'closed' then
        insert into app.conversation_events (clinic_id, conversation_id, kind, member_id, at)
        values (new.clinic_id, new.id, 'reopened', app.current_member(), coalesce(new.status_decided_at, clock_timestamp()));
    end if;
    if new.responded_at is distinct from old.responded_at and new.responded_at is not null then
        insert into app.conversation_events (clinic_id, conversation_id, kind, member_id, at, seconds)
        values (new.clinic_id, new.id, 'first_response',
                (select m.sender_id from app.messages m
                 where m.clinic_id = new.clinic_id and m.conversation_id = new.id and m.sent_at = new.responded_at
                   and m.sender_kind = 'member' limit 1),
                new.responded_at, took);
    end if;
    if new.status = 'closed' and old.status <> 'closed' then
        insert into app.conversation_events (clinic_id, conversation_id, kind, member_id, at, seconds)
        values (new.clinic_id, new.id, 'resolved', app.current_member(), new.closed_at, greatest(took, 0));
    end if;
    return null;
end $$;
create trigger record_event after update on app.conversations for each row
    when ((old.opened_at, old.responded_at, old.status) is distinct from (new.opened_at, new.responded_at, new.status))
    execute function internal.record_conversation_event();

-- Nothing is sent to whom the clinic has blocked, whoever asks for it and however long ago. What a phone has sent has been
-- sent. A message for a thread that went into another goes there.
create function internal.message_finds_its_thread() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    thread app.conversations;
begin
    select * into thread from app.conversations c where c.clinic_id = new.clinic_id and c.id = new.conversation_id;
    if tg_op = 'INSERT' and thread.metadata ? 'joined_into' then
        select * into thread from app.conversations c
        where c.clinic_id = new.clinic_id and c.id = (thread.metadata ->> 'joined_into')::uuid;
        new.conversation_id := coalesce(thread.id, new.conversation_id);
    end if;
    if new.direction = 'outbound' and new.status = 'queued' and new.sender_kind <> 'phone'
        and exists (select from app.contacts p
                    where p.clinic_id = new.clinic_id and p.id = thread.contact_id and p.status = 'blocked') then
        raise exception using errcode = 'check_violation', constraint = 'messages_person_blocked',
            message = 'this person is blocked';
    end if;
    return new;
end $$;
-- After `is_honest`, which says what becomes of the message of a person.
create trigger reaches_thread before insert or update of status on app.messages
    for each row execute function internal.message_finds_its_thread();

create function internal.person_is_blocked() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    letters uuid[];
begin
    with stopped as (
        update app.messages m set status = 'failed', error_code = 'person_blocked', error_text = 'pessoa bloqueada'
        from app.conversations c
        where c.clinic_id = new.clinic_id and c.contact_id = new.id and m.clinic_id = c.clinic_id
          and m.conversation_id = c.id and m.direction = 'outbound' and m.status = 'queued'
        returning m.id)
    select array_agg(id) into letters from stopped;
    update app.jobs j set status = 'cancelled', finished_at = now()
    where j.clinic_id = new.clinic_id and j.kind = 'send_message' and j.status = 'queued'
      and j.dedupe_key = any (letters::text[]);
    return null;
end $$;
create trigger is_blocked after update of status on app.contacts for each row
    when (new.status = 'blocked' and old.status <> 'blocked') execute function internal.person_is_blocked();

-- Two contacts that are one person. The row says what moved, so that it can be taken back.
create table app.contact_merges (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    kept_id uuid not null,
    absorbed_id uuid not null,
    member_id uuid,
    merged_at timestamptz not null default now(),
    undone_at timestamptz,
    moved jsonb not null default '{}',
    constraint contact_merges_pk primary key (clinic_id, id),
    constraint contact_merges_kept foreign key (clinic_id, kept_id) references app.contacts on delete cascade,
    constraint contact_merges_absorbed foreign key (clinic_id, absorbed_id) references app.contacts on delete cascade,
    constraint contact_merges_member foreign key (clinic_id, member_id) references app.members
);
create unique index contact_merges_once on app.contact_merges (clinic_id, absorbed_id) where undone_at is null;
create index contact_merges_by_kept on app.contact_merges (clinic_id, kept_id);

-- What a thread shows follows from its messages: asked anew when they came or went in numbers.
create function internal.thread_follows_messages(clinic uuid, thread uuid) returns void
    language sql security definer set search_path = pg_catalog, pg_temp
    as $$
    with said as (
        select max(m.sent_at) filter (where m.direction = 'inbound') as inbound,
               max(m.sent_at) filter (where m.direction = 'outbound') as outbound,
               max(m.sent_at) filter (where m.direction <> 'internal' and m.sender_kind in ('member', 'phone')) as human
        from app.messages m where m.clinic_id = clinic and m.conversation_id = thread
    ), open_ones as (
        select count(*) as number, min(m.sent_at) as since from app.messages m, said
        where m.clinic_id = clinic and m.conversation_id = thread and m.direction = 'inbound'
          and (said.outbound is null or m.sent_at > said.outbound)
    ), newest as (
        select m.sent_at, left(regexp_replace(m.body, '\s+', ' ', 'g'), 160) as preview, m.direction, m.kind
        from app.messages m
        where m.clinic_id = clinic and m.conversation_id = thread and m.direction <> 'internal'
        order by m.sent_at desc, m.id desc limit 1
    )
    update app.conversations c set
        last_message_at = newest.sent_at, last_message_preview = coalesce(newest.preview, ''),
        last_message_direction = newest.direction, last_message_kind = newest.kind,
        last_inbound_at = said.inbound, last_outbound_at = said.outbound, last_human_message_at = said.human,
        unread_count = open_ones.number, waiting_since = open_ones.since
    from said, open_ones left join newest on true
    where c.clinic_id = clinic and c.id = thread
$$;

-- Who may join people and take it apart: whoever works at the counter.
create function internal.counter_speaker() returns internal.logins
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker internal.logins;
begin
    select * into speaker from internal.logins where login = session_user::text collate "default" and revoked_at is null;
    if speaker.role is null or speaker.role not in ('owner', 'admin', 'attendant') then
        raise exception using errcode = 'insufficient_privilege', message = 'this role joins no people';
    end if;
    return speaker;
end $$;

-- Moves everything of `absorbed` to `keep`. The emptied contact is archived without a word of whom it was; the row of the merge
-- knows. Null when one of them is not there.
create function app.merge_contacts(keep uuid, absorbed uuid) returns uuid
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker constant internal.logins := internal.counter_speaker();
    clinic constant uuid := speaker.clinic_id;
    kept app.contacts;
    gone app.contacts;
    merged app.contacts;
    thread record;
    letters uuid[];
    joined jsonb := '[]';
    threads uuid[] := '{}';
    moved jsonb;
    made uuid;
begin
    if keep = absorbed then
        raise exception using errcode = 'check_violation', constraint = 'contact_merges_two_people',
            message = 'these are two people or one';
    end if;
    perform 1 from app.contacts c where c.clinic_id = clinic and c.id in (keep, absorbed) order by c.id for update;
    select * into kept from app.contacts c where c.clinic_id = clinic and c.id = keep;
    select * into gone from app.contacts c where c.clinic_id = clinic and c.id = absorbed;
    if kept.id is null or gone.id is null then
        return null;
    end if;
    if exists (select from app.erasures e where e.clinic_id = clinic and e.id in (keep, absorbed))
        or exists (select from app.contact_merges g
                   where g.clinic_id = clinic and g.absorbed_id in (keep, absorbed) and g.undone_at is null) then
        raise exception using errcode = 'check_violation', constraint = 'contact_merges_gone',
            message = 'one of them is not there any more';
    end if;
    if exists (select from app.leads k join app.leads o on o.clinic_id = clinic and o.pipeline_id = k.pipeline_id
               where k.clinic_id = clinic and k.contact_id = keep and k.closed_at is null
                 and o.contact_id = absorbed and o.closed_at is null) then
        raise exception using errcode = 'check_violation', constraint = 'contact_merges_two_leads',
            message = 'both have an open lead in the same pipeline';
    end if;

    for thread in
        select o.id as old, k.id as into_it, to_jsonb(o) as old_row, to_jsonb(k) as row_before, o.status as old_status,
               o.handler as old_handler, o.assignee_id as old_assignee, o.labels as old_labels, k.labels as labels_before
        from app.conversations o
        left join app.conversations k on k.clinic_id = clinic and k.channel_id = o.channel_id and k.contact_id = keep
        where o.clinic_id = clinic and o.contact_id = absorbed and not o.metadata ? 'joined_into'
        order by o.id
    loop
        if thread.into_it is null then
            update app.conversations c set contact_id = keep where c.clinic_id = clinic and c.id = thread.old;
            threads := threads || thread.old;
            continue;
        end if;
        with went as (
            update app.messages m set conversation_id = thread.into_it
            where m.clinic_id = clinic and m.conversation_id = thread.old returning m.id)
        select coalesce(array_agg(id), '{}') into letters from went;
        update app.conversations c set
            handler = case when 'person' in (c.handler, thread.old_handler) then 'person' else c.handler end,
            assignee_id = coalesce(c.assignee_id, thread.old_assignee),
            status = case when thread.old_status = 'open' then 'open' else c.status end,
            labels = c.labels || coalesce((select jsonb_agg(l) from jsonb_array_elements(thread.old_labels) as l
                                           where not c.labels @> jsonb_build_array(l)), '[]')
        where c.clinic_id = clinic and c.id = thread.into_it;
        update app.conversations c set status = 'closed', marked_unread = false,
            metadata = c.metadata || jsonb_build_object('joined_into', thread.into_it)
        where c.clinic_id = clinic and c.id = thread.old;
        perform internal.thread_follows_messages(clinic, thread.old);
        perform internal.thread_follows_messages(clinic, thread.into_it);
        joined := joined || jsonb_build_object(
            'old', thread.old, 'into', thread.into_it, 'messages', to_jsonb(letters),
            'into_status', thread.row_before -> 'status',
            'old_state', jsonb_build_object('status', thread.old_status, 'snoozed_until', thread.old_row -> 'snoozed_until',
                                            'marked_unread', thread.old_row -> 'marked_unread'),
            'added_labels', (select coalesce(jsonb_agg(l), '[]') from jsonb_array_elements(thread.old_labels) as l
                             where not thread.labels_before @> jsonb_build_array(l)));
    end loop;

    moved := jsonb_build_object('threads', to_jsonb(threads), 'joined', joined, 'absorbed', to_jsonb(gone));
    with went as (update app.contact_identifiers i set contact_id = keep, is_primary = false
        where i.clinic_id = clinic and i.contact_id = absorbed returning i.id)
    select moved || jsonb_build_object('identifiers', coalesce(jsonb_agg(id), '[]')) into moved from went;
    with went as (update app.patients p set contact_id = keep
        where p.clinic_id = clinic and p.contact_id = absorbed returning p.id)
    select moved || jsonb_build_object('patients', coalesce(jsonb_agg(id), '[]')) into moved from went;
    with went as (update app.appointments a set contact_id = keep
        where a.clinic_id = clinic and a.contact_id = absorbed returning a.id)
    select moved || jsonb_build_object('appointments', coalesce(jsonb_agg(id), '[]')) into moved from went;
    with went as (update app.leads l set contact_id = keep
        where l.clinic_id = clinic and l.contact_id = absorbed returning l.id)
    select moved || jsonb_build_object('leads', coalesce(jsonb_agg(id), '[]')) into moved from went;
    with went as (update app.waitlist_entries w set contact_id = keep
        where w.clinic_id = clinic and w.contact_id = absorbed returning w.id)
    select moved || jsonb_build_object('waiting', coalesce(jsonb_agg(id), '[]')) into moved from went;

    update app.contacts c set
        name = case when c.name = '' then gone.name else c.name end,
        profile_name = coalesce(c.profile_name, gone.profile_name),
        phone = coalesce(c.phone, gone.phone), email = coalesce(c.email, gone.email),
        notes = concat_ws(E'\n', nullif(c.notes, ''), nullif(gone.notes, '')),
        tags = c.tags || coalesce((select jsonb_agg(t) from jsonb_array_elements(gone.tags) as t
                                   where not c.tags @> jsonb_build_array(t)), '[]'),
        custom_fields = gone.custom_fields || c.custom_fields,
        -- Who asked one of the two not to be written to has asked the clinic.
        opted_out_at = greatest(c.opted_out_at, gone.opted_out_at),
        opted_in_at = coalesce(c.opted_in_at, gone.opted_in_at),
        status = case when 'blocked' in (c.status, gone.status) then 'blocked' else 'active' end,
        last_interaction_at = greatest(c.last_interaction_at, gone.last_interaction_at)
    where c.clinic_id = clinic and c.id = keep returning * into merged;
    update app.contacts c set name = '', profile_name = null, phone = null, email = null, notes = '', tags = '[]',
        custom_fields = '{}', status = 'archived'
    where c.clinic_id = clinic and c.id = absorbed;

    insert into app.contact_merges (clinic_id, kept_id, absorbed_id, member_id, moved)
    values (clinic, keep, absorbed, speaker.member_id,
            moved || jsonb_build_object('kept_before', to_jsonb(kept), 'kept_after', to_jsonb(merged)))
    returning id into made;
    insert into app.audit_logs
        (clinic_id, action, table_name, record_id, person_id, member_id, device_id, application, address)
    values (clinic, 'contacts_merged', 'contacts', absorbed, keep, speaker.member_id, speaker.device_id,
            current_setting('application_name', true), inet_client_addr());
    return made;
end $$;

-- Takes a merge apart within thirty days: what moved goes back, and what came since stays with the one who was kept. A field of
-- theirs that somebody has changed since stays as it is. False when there is no such merge, or too late.
create function app.undo_merge(merge uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker constant internal.logins := internal.counter_speaker();
    clinic constant uuid := speaker.clinic_id;
    done app.contact_merges;
    moved jsonb;
    was app.contacts;
    before_it app.contacts;
    after_it app.contacts;
    thread jsonb;
    ids uuid[];
begin
    select * into done from app.contact_merges g
    where g.clinic_id = clinic and g.id = merge and g.undone_at is null and g.merged_at > now() - interval '30 days' for update;
    if not found or exists (select from app.contact_merges g where g.clinic_id = clinic and g.absorbed_id = done.kept_id
                            and g.undone_at is null) then
        return false;
    end if;
    moved := done.moved;
    perform 1 from app.contacts c where c.clinic_id = clinic and c.id in (done.kept_id, done.absorbed_id) order by c.id for update;
    was := jsonb_populate_record(null::app.contacts, moved -> 'absorbed');
    before_it := jsonb_populate_record(null::app.contacts, moved -> 'kept_before');
    after_it := jsonb_populate_record(null::app.contacts, moved -> 'kept_after');

    -- The kept one first: two people do not have one number at the same time.
    update app.contacts c set
        name = case when c.name = after_it.name then before_it.name else c.name end,
        profile_name = case when c.profile_name is not distinct from after_it.profile_name then before_it.profile_name else c.profile_name end,
        phone = case when c.phone is not distinct from after_it.phone then before_it.phone else c.phone end,
        email = case when c.email is not distinct from after_it.email then before_it.email else c.email end,
        notes = case when c.notes = after_it.notes then before_it.notes else c.notes end,
        tags = case when c.tags = after_it.tags then before_it.tags else c.tags end,
        custom_fields = case when c.custom_fields = after_it.custom_fields then before_it.custom_fields else c.custom_fields end,
        opted_out_at = case when c.opted_out_at is not distinct from after_it.opted_out_at then before_it.opted_out_at else c.opted_out_at end,
        opted_in_at = case when c.opted_in_at is not distinct from after_it.opted_in_at then before_it.opted_in_at else c.opted_in_at end,
        status = case when c.status = after_it.status then before_it.status else c.status end
    where c.clinic_id = clinic and c.id = done.kept_id;
    update app.contacts c set name = was.name, profile_name = was.profile_name, phone = was.phone, email = was.email,
        notes = was.notes, tags = was.tags, custom_fields = was.custom_fields, status = was.status
    where c.clinic_id = clinic and c.id = done.absorbed_id;

    ids := array(select e::uuid from jsonb_array_elements_text(moved -> 'identifiers') as e);
    update app.contact_identifiers i set contact_id = done.absorbed_id
    where i.clinic_id = clinic and i.contact_id = done.kept_id and i.id = any (ids);
    ids := array(select e::uuid from jsonb_array_elements_text(moved -> 'patients') as e);
    update app.patients p set contact_id = done.absorbed_id
    where p.clinic_id = clinic and p.contact_id = done.kept_id and p.id = any (ids);
    ids := array(select e::uuid from jsonb_array_elements_text(moved -> 'appointments') as e);
    update app.appointments a set contact_id = done.absorbed_id
    where a.clinic_id = clinic and a.contact_id = done.kept_id and a.id = any (ids);
    ids := array(select e::uuid from jsonb_array_elements_text(moved -> 'leads') as e);
    update app.leads l set contact_id = done.absorbed_id
    where l.clinic_id = clinic and l.contact_id = done.kept_id and l.id = any (ids);
    ids := array(select e::uuid from jsonb_array_elements_text(moved -> 'waiting') as e);
    update app.waitlist_entries w set contact_id = done.absorbed_id
    where w.clinic_id = clinic and w.contact_id = done.kept_id and w.id = any (ids);
    ids := array(select e::uuid from jsonb_array_elements_text(moved -> 'threads') as e);
    update app.conversations c set contact_id = done.absorbed_id
    where c.clinic_id = clinic and c.contact_id = done.kept_id and c.id = any (ids);
    for thread in select e from jsonb_array_elements(moved -> 'joined') as e loop
        ids := array(select e::uuid from jsonb_array_elements_text(thread -> 'messages') as e);
        update app.conversations c set
            metadata = c.metadata - 'joined_into', status = thread -> 'old_state' ->> 'status',
            snoozed_until = (thread -> 'old_state' ->> 'snoozed_until')::timestamptz,
            marked_unread = (thread -> 'old_state' ->> 'marked_unread')::boolean
        where c.clinic_id = clinic and c.id = (thread ->> 'old')::uuid;
        update app.messages m set conversation_id = (thread ->> 'old')::uuid
        where m.clinic_id = clinic and m.conversation_id = (thread ->> 'into')::uuid and m.id = any (ids);
        update app.conversations c
        set labels = coalesce((select jsonb_agg(l) from jsonb_array_elements(c.labels) as l
                               where not thread -> 'added_labels' @> jsonb_build_array(l)), '[]')
        where c.clinic_id = clinic and c.id = (thread ->> 'into')::uuid;
        perform internal.thread_follows_messages(clinic, (thread ->> 'old')::uuid);
        perform internal.thread_follows_messages(clinic, (thread ->> 'into')::uuid);
        -- Only what came along had opened it.
        update app.conversations c set status = 'closed'
        where c.clinic_id = clinic and c.id = (thread ->> 'into')::uuid and c.status = 'open'
          and thread ->> 'into_status' = 'closed' and c.waiting_since is null;
    end loop;

    -- Whoever they were stands in their own rows again.
    update app.contact_merges g set undone_at = now(), moved = '{}' where g.clinic_id = clinic and g.id = merge;
    insert into app.audit_logs
        (clinic_id, action, table_name, record_id, person_id, member_id, device_id, application, address)
    values (clinic, 'merge_undone', 'contacts', done.absorbed_id, done.kept_id, speaker.member_id, speaker.device_id,
            current_setting('application_name', true), inet_client_addr());
    return true;
end $$;

-- Merges of a person that can still be taken apart, newest first.
create function app.merges_of(person uuid)
    returns table (id uuid, name text, phone text, merged_at timestamptz, member_id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    select g.id, coalesce(nullif(g.moved -> 'absorbed' ->> 'name', ''), g.moved -> 'absorbed' ->> 'profile_name', ''),
           g.moved -> 'absorbed' ->> 'phone', g.merged_at, g.member_id
    from app.contact_merges g
    where g.clinic_id = (internal.counter_speaker()).clinic_id and g.kept_id = person and g.undone_at is null
      and g.merged_at > now() - interval '30 days'
    order by g.merged_at desc
$$;

-- As before, and those whom people have joined to this person. What moved says who they were: an erasure takes that, too.
create or replace function internal.one_person(clinic uuid, person uuid) returns uuid[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    with recursive joined (id) as (
        select person
        union
        select earlier.id from joined j cross join lateral (
            select (a.old_values ->> 'contact_id')::uuid as id from app.audit_logs a
            where a.clinic_id = clinic and a.person_id = j.id
              and a.action = 'update' and a.table_name in ('conversations', 'contact_identifiers')
              and a.old_values ? 'contact_id' and a.new_values ->> 'contact_id' = j.id::text
            union all
            select g.absorbed_id from app.contact_merges g
            where g.clinic_id = clinic and g.kept_id = j.id and g.undone_at is null
        ) as earlier
    )
    select coalesce(array_agg(c.id order by c.id), '{}') from app.contacts c join joined j on j.id = c.id
    where c.clinic_id = clinic and (c.id = person or (
        c.status = 'archived' and c.phone is null
        and not exists (select from app.contact_identifiers i where i.clinic_id = clinic and i.contact_id = c.id)
        and not exists (select from app.patients p where p.clinic_id = clinic and p.contact_id = c.id)
        and not exists (select from app.appointments a where a.clinic_id = clinic and a.contact_id = c.id)
        and not exists (select from app.leads l where l.clinic_id = clinic and l.contact_id = c.id)))
$$;
create function internal.merges_are_erased() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    delete from app.contact_merges g where g.clinic_id = new.clinic_id and new.id in (g.kept_id, g.absorbed_id);
    return null;
end $$;
create trigger merges_are_erased after insert or update on app.erasures
    for each row execute function internal.merges_are_erased();

-- As before, and in one thread, or from some time on.
drop function app.search_messages(text, timestamptz, integer);
create function app.search_messages(
        query text, sent_before timestamptz default 'infinity', max_rows integer default 50,
        sent_from timestamptz default '-infinity', thread uuid default null)
    returns table (id uuid, conversation_id uuid, sent_at timestamptz, body text)
    language sql stable security definer set search_path = pg_catalog, app, ext, pg_temp
    as $$
    select m.id, m.conversation_id, m.sent_at, m.body
    from app.messages m
    where m.clinic_id = app.current_clinic()
      and app.current_member_role() <> 'professional'
      and to_tsvector('portuguese', app.fold(m.body)) @@ websearch_to_tsquery('portuguese', app.fold(query))
      and m.sent_at < sent_before and m.sent_at >= sent_from and (thread is null or m.conversation_id = thread)
    order by m.sent_at desc
    limit least(max_rows, 200)
$$;

do $$
declare
    t text;
    f record;
    kept record;
begin
    foreach t in array array['conversation_events', 'contact_merges'] loop
        execute format('alter table app.%I enable row level security, force row level security', t);
        execute format(
            'create policy own_clinic on app.%I for all
             to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent
             using (clinic_id = (select app.current_clinic())) with check (clinic_id = (select app.current_clinic()))', t);
        execute format('create policy definer_functions on app.%I for all to balcao_definer using (true) with check (true)', t);
        execute format('grant select, insert, update, delete on app.%I to balcao_definer', t);
    end loop;
    -- As everywhere: no statistics of what names or describes somebody.
    for kept in
        select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.oid in ('app.conversation_events'::regclass, 'app.contact_merges'::regclass) and a.attnum > 0
          and a.atttypid <> 'timestamptz'::regtype and a.attname <> 'kind'
    loop
        execute format('alter table app.%I alter column %I set statistics 0', kept.relname, kept.attname);
    end loop;

    grant create on schema app, internal to balcao_definer;
    for f in select p.oid::regprocedure as name from pg_proc p join pg_roles r on r.oid = p.proowner
             where p.pronamespace in ('app'::regnamespace, 'internal'::regnamespace) and p.prosecdef
               and r.rolname not in ('balcao_definer', 'balcao_steward', 'balcao_gatekeeper', 'balcao_eraser') loop
        execute format('revoke all on function %s from public', f.name);
        execute format('alter function %s owner to balcao_definer', f.name);
    end loop;
    revoke create on schema app, internal from balcao_definer;
end $$;
revoke all on function internal.conversation_follows() from public;
grant select on app.conversation_events to balcao_owner, balcao_admin, balcao_attendant, balcao_viewer, balcao_agent;
grant select on app.contact_merges to balcao_owner, balcao_admin, balcao_attendant;
grant execute on function app.search_messages(text, timestamptz, integer, timestamptz, uuid)
    to balcao_owner, balcao_admin, balcao_attendant, balcao_viewer, balcao_agent;
grant execute on function app.merge_contacts(uuid, uuid), app.undo_merge(uuid), app.merges_of(uuid)
    to balcao_owner, balcao_admin, balcao_attendant;
