-- What the law gives a person: a copy of everything that is known about them, and to be forgotten.
--
-- Forgetting is the work of a role that nobody logs in as: the audit writes down that a person was erased, and not, once
-- more, everything that was; and it is the only one that may take texts out of the audit, of somebody who was erased, and
-- put nothing else in their place.

do $$
begin
    create role balcao_eraser nologin nosuperuser nobypassrls nocreatedb nocreaterole inherit;
exception when duplicate_object or unique_violation then null;
end $$;
do $$
begin
    if not (select rolsuper from pg_roles where rolname = current_user) then
        grant balcao_eraser to current_user;
    end if;
end $$;
grant usage on schema app, internal, ext to balcao_eraser;

-- Who was erased. Ids only: of the contact, and of what was theirs. A backup of before knows them all again, so
-- this list is kept beside the backups, too, and worked through after a restore.
create table app.erasures (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null,
    reason text not null default 'request'
        constraint erasures_reason check (reason in ('request', 'consent', 'ended', 'mistake', 'other')),
    member_id uuid,
    row_ids uuid[] not null default '{}',
    details jsonb not null default '{}',
    erased_at timestamptz not null default now(),
    constraint erasures_pk primary key (clinic_id, id)
);
alter table app.erasures
    alter column clinic_id set statistics 0, alter column id set statistics 0, alter column member_id set statistics 0,
    alter column row_ids set statistics 0, alter column details set statistics 0;
alter table app.erasures enable row level security, force row level security;
create policy own_clinic on app.erasures for all
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent
    using (clinic_id = (select app.current_clinic())) with check (clinic_id = (select app.current_clinic()));
create policy definer_functions on app.erasures for all to balcao_definer using (true) with check (true);
grant select on app.erasures to balcao_owner, balcao_admin;
grant select on app.erasures to balcao_definer;

-- What stands where a text was that may not be empty.
create function internal.erased_word() returns text
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
    as $$ select 'Pessoa apagada'::text $$;

-- Values of the audit without what they say about anybody: ids, times and states stay.
create function internal.redacted(told jsonb) returns jsonb
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
    as $$
    select case when told is null then null else (
        select coalesce(jsonb_object_agg(f.key, case
            when f.key = any (array[
                'id', 'clinic_id', 'contact_id', 'patient_id', 'professional_id', 'room_id', 'service_id', 'series_id',
                'pipeline_id', 'stage_id', 'loss_reason_id', 'owner_id', 'assignee_id', 'conversation_id', 'channel_id',
                'created_by', 'starts_at', 'ends_at', 'status', 'squeezed_in', 'price_cents', 'value_cents', 'kind',
                'is_primary', 'direction', 'sent_at', 'revoked_at', 'handler', 'priority', 'snoozed_until', 'relation',
                'active', 'position', 'stage_entered_at', 'closed_at', 'confirmed_at', 'arrived_at', 'started_at',
                'finished_at', 'created_at', 'opted_in_at', 'opted_out_at', 'wanted_from', 'wanted_until',
                'offered_until', 'next_action_at', 'time_zone'])
                or f.value in ('null', '""', '[]', '{}') then f.value
            else to_jsonb(internal.erased_word()) end), '{}')
        from jsonb_each(told) as f) end
    $$;

-- As before, and texts about somebody who was erased may go.
create or replace function internal.audit_is_kept() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
    as $$
begin
    if tg_op = 'DELETE' and current_user = 'balcao_steward' and old.at < now() - interval '5 years' then
        return old;
    end if;
    if tg_op = 'UPDATE' and current_user = 'balcao_steward' and old.at < now() - interval '90 days' and new.address is null
        and to_jsonb(new) - 'address' = to_jsonb(old) - 'address' then
        return new;
    end if;
    if tg_op = 'UPDATE' and current_user = 'balcao_eraser'
        and to_jsonb(new) - array['old_values', 'new_values'] = to_jsonb(old) - array['old_values', 'new_values']
        and new.old_values is not distinct from internal.redacted(old.old_values)
        and new.new_values is not distinct from internal.redacted(old.new_values) then
        return new;
    end if;
    raise exception using errcode = 'insufficient_privilege', message = 'the audit is not rewritten';
end $$;

-- The eraser sees what functions of the definer see, and changes what it has to.
do $$
declare
    t text;
begin
    foreach t in array array[
        'contacts', 'contact_identifiers', 'patients', 'appointments', 'appointment_series', 'waitlist_entries',
        'conversations', 'messages', 'leads', 'lead_events', 'jobs', 'gateway_events', 'pending_effects', 'audit_logs',
        'erasures'
    ] loop
        execute format('alter policy definer_functions on app.%I to balcao_definer, balcao_eraser', t);
        execute format('grant select on app.%I to balcao_eraser', t);
    end loop;
end $$;
grant update on app.contacts, app.patients, app.appointments, app.appointment_series, app.conversations, app.leads,
    app.lead_events, app.gateway_events to balcao_eraser;
grant delete on app.contact_identifiers, app.waitlist_entries, app.conversations, app.messages, app.leads, app.jobs,
    app.pending_effects to balcao_eraser;
grant insert, update on app.erasures to balcao_eraser;
grant insert, update (old_values, new_values) on app.audit_logs to balcao_eraser;

-- The audit does not write down, once more, what is being forgotten.
do $$
declare
    t text;
begin
    foreach t in array array[
        'contacts', 'contact_identifiers', 'patients', 'appointments', 'appointment_series', 'waitlist_entries', 'leads'
    ] loop
        execute format('drop trigger write_audit on app.%I', t);
        execute format($q$create trigger write_audit after insert or update or delete on app.%I for each row
                          when (current_user <> 'balcao_eraser') execute function internal.write_audit()$q$, t);
    end loop;
end $$;
drop trigger write_audit on app.messages;
create trigger write_audit after delete on app.messages for each row when (current_user <> 'balcao_eraser')
    execute function internal.write_audit('conversation_id', 'direction', 'sent_at');

-- Nobody is brought back by a write that was made before its desk heard of it. What says nothing about the person (a visit
-- of the past is completed) goes through. `tg_argv` are the columns that speak; without any, no row may come.
create function internal.stays_erased() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    said jsonb;
    before_it jsonb;
    person uuid;
begin
    if not exists (select from app.erasures e where e.clinic_id = new.clinic_id) then
        return null;
    end if;
    said := to_jsonb(new);
    person := (said ->> case tg_table_name when 'contacts' then 'id' else 'contact_id' end)::uuid;
    if not exists (select from app.erasures e where e.clinic_id = new.clinic_id and e.id = person) then
        return null;
    end if;
    if tg_op = 'UPDATE' then
        before_it := to_jsonb(old);
        if (tg_table_name = 'contacts' or before_it ->> 'contact_id' = said ->> 'contact_id') and not exists (
            select from unnest(tg_argv) as speaks
            where coalesce(said ->> speaks, '') not in ('', '[]', '{}', internal.erased_word()))
        then
            return null;
        end if;
    end if;
    raise exception using errcode = 'BL003', message = 'this person was erased';
end $$;
-- After the constraints, whose locks wait for an erasure under way.
create trigger zz_stays_erased after insert or update on app.contacts for each row
    execute function internal.stays_erased('name', 'profile_name', 'phone', 'email', 'tags', 'custom_fields', 'notes');
create trigger zz_stays_erased after insert or update on app.patients for each row
    execute function internal.stays_erased('name', 'birth_date', 'sex', 'species', 'breed', 'weight_grams', 'medical_notes');
create trigger zz_stays_erased after insert or update on app.appointments for each row
    execute function internal.stays_erased('notes', 'squeeze_reason', 'cancel_reason', 'metadata');
create trigger zz_stays_erased after insert or update on app.leads for each row
    execute function internal.stays_erased('title', 'answers', 'metadata', 'source', 'next_action', 'loss_note');
create trigger zz_stays_erased after insert or update on app.contact_identifiers for each row
    execute function internal.stays_erased();
create trigger zz_stays_erased after insert or update on app.waitlist_entries for each row
    execute function internal.stays_erased();
create trigger zz_stays_erased after insert or update of contact_id on app.conversations for each row
    execute function internal.stays_erased();

-- Whether one of these rows is, or was, of somebody who was erased.
create function app.was_erased(ids uuid[]) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    select exists (
        select from app.erasures e
        where e.clinic_id = app.current_clinic() and (e.id = any (ids) or e.row_ids && ids))
$$;

-- As before, and a write about somebody who was erased is refused as that: a desk then forgets it, too.
do $$
declare
    source text := pg_get_functiondef('app.apply_operations(jsonb)'::regprocedure);
    change record;
begin
    for change in select * from (values
        ($q$            when no_data_found then
                outcome := 'gone';$q$,
         $q$            when sqlstate 'BL003' then
                outcome := 'refused';
                detail := jsonb_build_object('reason', 'erased');
            when no_data_found then
                outcome := 'gone';$q$),
        ($q$                outcome := 'busy';
        end;
        return next;$q$,
         $q$                outcome := 'busy';
        end;
        if (outcome in ('gone', 'conflict') or detail ->> 'reason' = 'missing_reference') and app.was_erased(array(
            select f.value::uuid from jsonb_each_text(fields) as f
            where f.value ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$') || row_id)
        then
            outcome := 'refused';
            detail := jsonb_build_object('reason', 'erased');
        end if;
        return next;$q$)) as c (stands, becomes)
    loop
        if length(source) - length(replace(source, change.stands, '')) <> length(change.stands) then
            raise exception 'app.apply_operations is otherwise than this migration knows';
        end if;
        source := replace(source, change.stands, change.becomes);
    end loop;
    execute source;
end $$;

-- Contacts that were found to be this person and emptied into it, and the person.
create function internal.one_person(clinic uuid, person uuid) returns uuid[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    with recursive joined (id) as (
        select person
        union
        select (a.old_values ->> 'contact_id')::uuid
        from joined j join app.audit_logs a on a.clinic_id = clinic and a.person_id = j.id
        where a.action = 'update' and a.table_name in ('conversations', 'contact_identifiers')
          and a.old_values ? 'contact_id' and a.new_values ->> 'contact_id' = j.id::text
    )
    select coalesce(array_agg(c.id order by c.id), '{}') from app.contacts c join joined j on j.id = c.id
    where c.clinic_id = clinic and (c.id = person or (
        c.status = 'archived' and c.phone is null
        and not exists (select from app.contact_identifiers i where i.clinic_id = clinic and i.contact_id = c.id)
        and not exists (select from app.patients p where p.clinic_id = clinic and p.contact_id = c.id)
        and not exists (select from app.appointments a where a.clinic_id = clinic and a.contact_id = c.id)
        and not exists (select from app.leads l where l.clinic_id = clinic and l.contact_id = c.id)))
$$;

-- Patients of these contacts who have a visit with somebody else, who was not erased: they stay, with that one.
create function internal.patients_of_others(clinic uuid, people uuid[]) returns table (patient_id uuid, contact_id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    select distinct on (p.id) p.id, a.contact_id
    from app.patients p join app.appointments a on a.clinic_id = p.clinic_id and a.patient_id = p.id
    where p.clinic_id = clinic and p.contact_id = any (people) and a.contact_id <> all (people)
      and not exists (select from app.erasures e where e.clinic_id = clinic and e.id = a.contact_id)
    order by p.id, a.starts_at desc
$$;

-- What gateways know the person by: digits of numbers with and without the ninth, hidden accounts, names.
create function internal.addresses_of(clinic uuid, people uuid[]) returns text[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    with known (value) as (
        select unnest(array[i.value, i.match_key]) from app.contact_identifiers i
        where i.clinic_id = clinic and i.contact_id = any (people)
        union all
        select c.phone from app.contacts c where c.clinic_id = clinic and c.id = any (people)
        union all
        select split_part(split_part(c.chat_address, '@', 1), ':', 1) from app.conversations c
        where c.clinic_id = clinic and c.contact_id = any (people)
    ), plain (value) as (
        select ltrim(value, '+') from known where length(value) >= 6
    )
    select coalesce(array_agg(distinct v), '{}') from plain,
        lateral unnest(array[
            value,
            case when value ~ '^55[0-9]{10}$' then left(value, 4) || '9' || right(value, 8) end,
            case when value ~ '^55[0-9]{2}9[0-9]{8}$' then left(value, 4) || right(value, 8) end]) as v
    where v is not null
$$;

-- Forgets a person. Kept, without any text: visits with their times and states, closed leads with their values, who did what
-- and when. Everything else goes, or says nothing any more. Doing it again does no harm. Null when there is no such person.
create function internal.erase_person(clinic uuid, person uuid, why text, by_member uuid, at_time timestamptz) returns jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    word constant text := internal.erased_word();
    people uuid[] := internal.one_person(clinic, person);
    kept uuid[];
    sick uuid[];
    visits uuid[];
    series uuid[];
    threads uuid[];
    letters uuid[];
    open_leads uuid[];
    leads uuid[];
    waiting uuid[];
    identifiers uuid[];
    addresses text[];
    gateway text[];
    raw uuid[];
    cancelled bigint;
    counts jsonb;
begin
    if not person = any (people) then
        return null;
    end if;
    -- Whoever writes about them just now is waited for, or finds them erased.
    perform 1 from app.contacts c where c.clinic_id = clinic and c.id = any (people) order by c.id for update;
    perform 1 from app.conversations c where c.clinic_id = clinic and c.contact_id = any (people) order by c.id for update;
    perform 1 from app.leads l where l.clinic_id = clinic and l.contact_id = any (people) order by l.id for update;

    kept := array(select o.patient_id from internal.patients_of_others(clinic, people) o);
    update app.patients p set contact_id = o.contact_id
    from internal.patients_of_others(clinic, people) o where p.clinic_id = clinic and p.id = o.patient_id;
    kept := kept || array(select distinct p.id from app.patients p join app.appointments a on a.clinic_id = clinic and a.patient_id = p.id
                           where p.clinic_id = clinic and a.contact_id = any (people) and p.contact_id <> all (people)
                               and p.id <> all (kept));
    sick := array(select p.id from app.patients p where p.clinic_id = clinic and p.contact_id = any (people));
    visits := array(select a.id from app.appointments a
                    where a.clinic_id = clinic and (a.contact_id = any (people) or a.patient_id = any (sick)));
    series := array(select distinct a.series_id from app.appointments a
                    where a.clinic_id = clinic and a.id = any (visits) and a.series_id is not null);
    threads := array(select c.id from app.conversations c where c.clinic_id = clinic and c.contact_id = any (people));
    letters := array(select m.id from app.messages m where m.clinic_id = clinic and m.conversation_id = any (threads));
    leads := array(select l.id from app.leads l where l.clinic_id = clinic and l.contact_id = any (people));
    open_leads := array(select l.id from app.leads l
                        where l.clinic_id = clinic and l.contact_id = any (people) and l.closed_at is null);
    waiting := array(select w.id from app.waitlist_entries w
                     where w.clinic_id = clinic and (w.contact_id = any (people) or w.patient_id = any (sick)));
    identifiers := array(select i.id from app.contact_identifiers i
                         where i.clinic_id = clinic and i.contact_id = any (people));
    addresses := internal.addresses_of(clinic, people);
    gateway := array(select m.gateway_id from app.messages m
                     where m.clinic_id = clinic and m.conversation_id = any (threads) and m.gateway_id is not null);

    insert into app.erasures as e (clinic_id, id, reason, member_id, row_ids, erased_at)
    select clinic, p, why, by_member, case when p = person then sick || visits || threads || leads || waiting || identifiers
           else '{}' end, at_time
    from unnest(people) as p
    on conflict on constraint erasures_pk do update
        set row_ids = array(select unnest(e.row_ids) union select unnest(excluded.row_ids));

    -- What the gateway said, word for word: wherever an address of theirs or one of their messages is named.
    raw := array(
        select g.id from app.gateway_events g
        where g.clinic_id = clinic and exists (
            select from jsonb_path_query(g.payload, 'strict $.** ? (@.type() == "string")') as leaf
            where split_part(split_part(leaf #>> '{}', '@', 1), ':', 1) in (select unnest(addresses || gateway))));
    delete from app.pending_effects p where p.clinic_id = clinic and p.gateway_id in (
        select unnest(gateway)
        union
        select leaf #>> '{}' from app.gateway_events g,
            jsonb_path_query(g.payload, 'strict $.** ? (@.type() == "string")') as leaf
        where g.clinic_id = clinic and g.id = any (raw));
    -- The digest stays: the same event, told again, is known and brings nobody back.
    update app.gateway_events g set payload = '{}' where g.clinic_id = clinic and g.id = any (raw);
    delete from app.jobs j where j.clinic_id = clinic and (
        j.payload ->> 'message_id' in (select unnest(letters)::text)
        or exists (select from unnest(people::text[] || addresses) as known where strpos(j.payload::text, known) > 0));

    delete from app.messages m where m.clinic_id = clinic and m.id = any (letters);
    delete from app.conversations c where c.clinic_id = clinic and c.id = any (threads);
    delete from app.leads l where l.clinic_id = clinic and l.id = any (open_leads);
    update app.leads l set title = '', answers = '{}', metadata = '{}', source = null, next_action = null,
        next_action_at = null, loss_note = null
    where l.clinic_id = clinic and l.id = any (leads)
      and (l.title, l.answers, l.metadata, l.source, l.next_action, l.next_action_at, l.loss_note)
          is distinct from ('', '{}'::jsonb, '{}'::jsonb, null, null, null, null);
    update app.lead_events v set details = v.details - 'loss_note'
    where v.clinic_id = clinic and v.lead_id = any (leads) and v.details ? 'loss_note';
    delete from app.waitlist_entries w where w.clinic_id = clinic and w.id = any (waiting);
    delete from app.contact_identifiers i where i.clinic_id = clinic and i.id = any (identifiers);

    cancelled := (select count(*) from app.appointments a where a.clinic_id = clinic and a.id = any (visits)
                  and a.starts_at > now() and a.status in ('scheduled', 'confirmed'));
    update app.appointments a set notes = '', squeeze_reason = case when a.squeezed_in then word end, cancel_reason = null,
        metadata = '{}',
        status = case when a.starts_at > now() and a.status in ('scheduled', 'confirmed') then 'cancelled' else a.status end
    where a.clinic_id = clinic and a.id = any (visits)
      and ((a.notes, a.squeeze_reason, a.cancel_reason, a.metadata)
               is distinct from ('', case when a.squeezed_in then word end, null, '{}'::jsonb)
           or (a.starts_at > now() and a.status in ('scheduled', 'confirmed')));
    update app.appointment_series s set notes = '' where s.clinic_id = clinic and s.id = any (series) and s.notes <> '';
    update app.patients p set name = word, birth_date = null, sex = null, species = null, breed = null, weight_grams = null,
        medical_notes = '', active = false
    where p.clinic_id = clinic and p.id = any (sick) and p.name <> word;
    update app.contacts c set name = word, profile_name = null, phone = null, email = null, status = 'archived',
        source = 'erased', tags = '[]', custom_fields = '{}', notes = '', opted_in_at = null, opted_out_at = null,
        last_interaction_at = null
    where c.clinic_id = clinic and c.id = any (people) and c.source is distinct from 'erased';

    update app.audit_logs a set old_values = internal.redacted(a.old_values), new_values = internal.redacted(a.new_values)
    where a.clinic_id = clinic and a.person_id = any (people) and a.record_id <> all (kept)
      and a.action in ('insert', 'update', 'delete', 'squeeze_in')
      and (a.old_values is distinct from internal.redacted(a.old_values)
           or a.new_values is distinct from internal.redacted(a.new_values));
    -- What was written down before it was noted whom it is about, and edits of messages.
    update app.audit_logs a set old_values = internal.redacted(a.old_values), new_values = internal.redacted(a.new_values)
    from (select 'messages' as entity, unnest(letters) as id
          union all select 'conversations', unnest(threads) union all select 'contacts', unnest(people)
          union all select 'patients', unnest(sick) union all select 'appointments', unnest(visits)
          union all select 'appointment_series', unnest(series) union all select 'leads', unnest(leads)
          union all select 'waitlist_entries', unnest(waiting)
          union all select 'contact_identifiers', unnest(identifiers)) as theirs
    where a.clinic_id = clinic and a.table_name = theirs.entity and a.record_id = theirs.id
      and a.action in ('insert', 'update', 'delete', 'squeeze_in')
      and (a.old_values is distinct from internal.redacted(a.old_values)
           or a.new_values is distinct from internal.redacted(a.new_values));

    counts := jsonb_build_object(
        'messages', cardinality(letters), 'conversations', cardinality(threads), 'visits_kept', cardinality(visits),
        'visits_cancelled', cancelled, 'patients', cardinality(sick), 'patients_kept', cardinality(kept),
        'leads_deleted', cardinality(open_leads), 'leads_kept', cardinality(leads) - cardinality(open_leads),
        'gateway_events', cardinality(raw));
    update app.erasures e set details = counts
    where e.clinic_id = clinic and e.id = person and e.details = '{}';
    return counts;
end $$;

-- Who may ask for a copy of a person's data, or for its end: the clinic's owner, or an admin.
create function internal.privacy_speaker() returns internal.logins
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker internal.logins;
begin
    select * into speaker from internal.logins where login = session_user and revoked_at is null;
    if speaker.role is null or speaker.role not in ('owner', 'admin') then
        raise exception using errcode = 'insufficient_privilege', message = 'this role has no say in a person''s data';
    end if;
    return speaker;
end $$;

-- What would go, and what would stay. Null when there is no such person.
create function app.preview_erasure(person uuid) returns jsonb
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := (internal.privacy_speaker()).clinic_id;
    people constant uuid[] := internal.one_person(clinic, person);
begin
    if not person = any (people) then
        return null;
    end if;
    return (
        with sick as (
            select p.id, p.name from app.patients p
            where p.clinic_id = clinic and p.contact_id = any (people)
              and p.id not in (select o.patient_id from internal.patients_of_others(clinic, people) o)
        ), visits as (
            select a.starts_at, a.status from app.appointments a
            where a.clinic_id = clinic and (a.contact_id = any (people) or a.patient_id in (select id from sick))
        )
        select jsonb_build_object(
            'name', coalesce(nullif(c.name, ''), c.profile_name, c.phone, ''),
            'erased_at', (select e.erased_at from app.erasures e where e.clinic_id = clinic and e.id = person),
            'patients', (select coalesce(jsonb_agg(name order by name), '[]') from sick),
            'patients_kept', (
                select coalesce(jsonb_agg(p.name order by p.name), '[]')
                from internal.patients_of_others(clinic, people) o join app.patients p on p.clinic_id = clinic and p.id = o.patient_id),
            'addresses', (select count(*) from app.contact_identifiers i where i.clinic_id = clinic and i.contact_id = any (people)),
            'messages', (select count(*) from app.messages m join app.conversations t on t.clinic_id = m.clinic_id and t.id = m.conversation_id
                         where t.clinic_id = clinic and t.contact_id = any (people)),
            'conversations', (select count(*) from app.conversations t where t.clinic_id = clinic and t.contact_id = any (people)),
            'visits', (select count(*) from visits),
            'visits_ahead', (select count(*) from visits where starts_at > now() and status in ('scheduled', 'confirmed')),
            'leads_open', (select count(*) from app.leads l where l.clinic_id = clinic and l.contact_id = any (people) and l.closed_at is null),
            'leads_closed', (select count(*) from app.leads l where l.clinic_id = clinic and l.contact_id = any (people) and l.closed_at is not null),
            'waiting_list', (select count(*) from app.waitlist_entries w where w.clinic_id = clinic and w.contact_id = any (people)),
            'audit_entries', (select count(*) from app.audit_logs a where a.clinic_id = clinic and a.person_id = any (people)))
        from app.contacts c where c.clinic_id = clinic and c.id = person);
end $$;

-- Forgets a person of the caller's clinic, and writes down that it was done, by whom and why. Null when there is none.
create function app.erase_contact(person uuid, reason text) returns jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker constant internal.logins := internal.privacy_speaker();
    done jsonb;
begin
    if reason is null or reason not in ('request', 'consent', 'ended', 'mistake', 'other') then
        raise exception using errcode = 'invalid_parameter_value', message = 'this is no reason';
    end if;
    done := internal.erase_person(speaker.clinic_id, person, reason, speaker.member_id, now());
    if done is not null then
        insert into app.audit_logs
            (clinic_id, action, table_name, record_id, person_id, member_id, device_id, application, address, new_values)
        values (speaker.clinic_id, 'erasure', 'contacts', person, person, speaker.member_id, speaker.device_id,
                current_setting('application_name', true), inet_client_addr(),
                jsonb_build_object('reason', reason) || done);
    end if;
    return done;
end $$;

-- A person's data, part by part, for a copy that is handed out: each row a document. The first part is written down as an
-- export. Nothing when there is no such person, or no such part.
create function app.export_person(person uuid, part text) returns setof jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := (internal.privacy_speaker()).clinic_id;
    people constant uuid[] := internal.one_person(clinic, person);
    ours constant text[] := array['clinic_id', 'version', 'change_xid', 'updated_at'];
begin
    if not person = any (people) then
        return;
    end if;
    case part
    when 'person' then
        perform app.record_export('person', person, '{}');
        return query select to_jsonb(c) - ours from app.contacts c
            where c.clinic_id = clinic and c.id = any (people) order by c.id <> person, c.id;
    when 'addresses' then
        return query select to_jsonb(i) - ours - 'match_key' from app.contact_identifiers i
            where i.clinic_id = clinic and i.contact_id = any (people) order by i.created_at, i.id;
    when 'patients' then
        return query select to_jsonb(p) - ours from app.patients p
            where p.clinic_id = clinic and p.contact_id = any (people) order by p.name, p.id;
    when 'visits' then
        return query select to_jsonb(a) - ours || jsonb_build_object(
                'patient', p.name, 'professional', d.name, 'service', s.name, 'room', r.name)
            from app.appointments a
            left join app.patients p on p.clinic_id = clinic and p.id = a.patient_id
            left join app.professionals d on d.clinic_id = clinic and d.id = a.professional_id
            left join app.services s on s.clinic_id = clinic and s.id = a.service_id
            left join app.rooms r on r.clinic_id = clinic and r.id = a.room_id
            where a.clinic_id = clinic and (a.contact_id = any (people)
                or a.patient_id in (select q.id from app.patients q where q.clinic_id = clinic and q.contact_id = any (people)))
            order by a.starts_at, a.id;
    when 'waiting_list' then
        return query select to_jsonb(w) - ours from app.waitlist_entries w
            where w.clinic_id = clinic and w.contact_id = any (people) order by w.created_at, w.id;
    when 'conversations' then
        return query select to_jsonb(t) - ours - array['last_message_preview', 'unread_count'] || jsonb_build_object('channel', h.name)
            from app.conversations t left join app.channels h on h.clinic_id = clinic and h.id = t.channel_id
            where t.clinic_id = clinic and t.contact_id = any (people) order by t.created_at, t.id;
    when 'messages' then
        return query select to_jsonb(m) - ours || jsonb_build_object(
                'sender', b.name,
                'media', (select coalesce(jsonb_agg(to_jsonb(f) - ours - 'sha256' order by f.id), '[]') from app.media f
                          where f.clinic_id = clinic and f.message_id = m.id))
            from app.conversations t join app.messages m on m.clinic_id = t.clinic_id and m.conversation_id = t.id
            left join app.members b on b.clinic_id = clinic and b.id = m.sender_id
            where t.clinic_id = clinic and t.contact_id = any (people) order by m.sent_at, m.id;
    when 'leads' then
        return query select to_jsonb(l) - ours - 'position' || jsonb_build_object(
                'pipeline', n.name, 'stage', g.name, 'loss_reason', r.name,
                'events', (select coalesce(jsonb_agg(jsonb_build_object('at', v.at, 'kind', v.kind, 'stage', k.name) order by v.at, v.id), '[]')
                           from app.lead_events v left join app.pipeline_stages k on k.clinic_id = clinic and k.id = v.to_stage_id
                           where v.clinic_id = clinic and v.lead_id = l.id))
            from app.leads l
            left join app.pipelines n on n.clinic_id = clinic and n.id = l.pipeline_id
            left join app.pipeline_stages g on g.clinic_id = clinic and g.id = l.stage_id
            left join app.loss_reasons r on r.clinic_id = clinic and r.id = l.loss_reason_id
            where l.clinic_id = clinic and l.contact_id = any (people) order by l.created_at, l.id;
    when 'audit' then
        return query select jsonb_build_object('at', a.at, 'action', a.action, 'table', a.table_name, 'record', a.record_id,
                'old', a.old_values - ours, 'new', a.new_values - ours)
            from app.audit_logs a where a.clinic_id = clinic and a.person_id = any (people) order by a.at, a.id;
    else
        return;
    end case;
end $$;

-- Who was erased, for the list that is kept beside the backups: a backup of before does not know it.
create function app.list_erasures() returns jsonb
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'clinic_id', e.clinic_id, 'id', e.id, 'reason', e.reason, 'member_id', e.member_id, 'erased_at', e.erased_at)
        order by e.erased_at, e.id), '[]')
    from app.erasures e where e.clinic_id = (internal.privacy_speaker()).clinic_id
$$;

-- After a restore: forgets everybody again who is in this list or in the restored one. Ids that are not there are passed
-- over. Returns how many people were there.
create function internal.reapply_erasures(list jsonb default '[]') returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    erased record;
    done bigint := 0;
begin
    for erased in
        select distinct on (l.clinic_id, l.id) l.* from (
            select e.clinic_id, e.id, e.reason, e.member_id, e.erased_at from app.erasures e
            union all
            select r.clinic_id, r.id, r.reason, r.member_id, r.erased_at
            from jsonb_to_recordset(list) as r (clinic_id uuid, id uuid, reason text, member_id uuid, erased_at timestamptz)
        ) as l order by l.clinic_id, l.id, l.erased_at
    loop
        if internal.erase_person(erased.clinic_id, erased.id, coalesce(erased.reason, 'other'), erased.member_id,
                                 coalesce(erased.erased_at, now())) is not null then
            done := done + 1;
        end if;
    end loop;
    return done;
end $$;

do $$
declare
    f record;
begin
    grant create on schema app, internal to balcao_definer, balcao_eraser;
    for f in select p.oid::regprocedure as name from pg_proc p join pg_roles r on r.oid = p.proowner
             where p.pronamespace in ('app'::regnamespace, 'internal'::regnamespace) and p.prosecdef
               and r.rolname not in ('balcao_definer', 'balcao_steward', 'balcao_gatekeeper', 'balcao_eraser') loop
        execute format('revoke all on function %s from public', f.name);
        execute format('alter function %s owner to %I', f.name, case
            when f.name::text ~ '^internal\.(erase_person|reapply_erasures)\(' then 'balcao_eraser' else 'balcao_definer' end);
    end loop;
    revoke create on schema app, internal from balcao_definer, balcao_eraser;
end $$;
revoke all on function internal.erased_word(), internal.redacted(jsonb) from public;
-- An index on names is made with it.
grant execute on function app.fold(text) to balcao_eraser;
-- Called by functions that run as these roles.
grant execute on function internal.erased_word(), internal.redacted(jsonb) to balcao_definer, balcao_eraser;
grant execute on function internal.one_person(uuid, uuid), internal.patients_of_others(uuid, uuid[]),
    internal.addresses_of(uuid, uuid[]) to balcao_eraser;
grant execute on function internal.erase_person(uuid, uuid, text, uuid, timestamptz) to balcao_definer;
grant execute on function app.was_erased(uuid[])
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_agent;
grant execute on function app.preview_erasure(uuid), app.erase_contact(uuid, text), app.export_person(uuid, text),
    app.list_erasures() to balcao_owner, balcao_admin;
