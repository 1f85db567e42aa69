-- What each role sees and does. README.md has it as a table, and a test holds that table against the catalogue.
--
-- A professional sees the own agenda and the people who have or had a visit in it. Whom that is hangs on other rows, and a
-- desk copies what changed: a row that comes into sight must look changed, and one that goes out of sight must be told as
-- gone, to that login alone.

do $$
begin
    -- Keeps house: lets the audit age, ends sessions that are stuck. What it may do, no other role of ours may.
    create role balcao_steward nologin nosuperuser nobypassrls nocreatedb nocreaterole inherit;
exception when duplicate_object or unique_violation then null;
end $$;
do $$
begin
    if not (select rolsuper from pg_roles where rolname = current_user) then
        grant balcao_steward to current_user;
    end if;
end $$;
do $$
begin
    grant pg_signal_backend, pg_read_all_stats to balcao_steward;
exception when insufficient_privilege or invalid_grant_operation then
    raise notice 'sessions that are stuck must be ended by the administrator of this server';
end $$;
grant usage on schema app, internal to balcao_steward;

-- Whose people are whose: one row for each person with a visit in an agenda, whatever became of the visit.
create table app.professional_people (
    clinic_id uuid not null,
    professional_id uuid not null,
    entity text not null constraint professional_people_entity check (entity in ('contacts', 'patients')),
    person_id uuid not null,
    visits integer not null default 1 constraint professional_people_visits check (visits >= 0),
    constraint professional_people_pk primary key (clinic_id, entity, person_id, professional_id),
    constraint professional_people_professional foreign key (clinic_id, professional_id) references app.professionals
        on delete cascade
);
create index professional_people_by_professional on app.professional_people (clinic_id, professional_id);
alter table app.professional_people enable row level security, force row level security;
create policy own_clinic on app.professional_people for all
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent
    using (clinic_id = (select app.current_clinic())) with check (clinic_id = (select app.current_clinic()));
create policy definer_functions on app.professional_people for all to balcao_definer using (true) with check (true);
grant select, insert, update, delete on app.professional_people to balcao_definer;
grant select on app.professional_people to balcao_professional;

-- The agendas of the login, as one value: a policy that compares with it is one look into an index.
create function app.own_agendas() returns uuid[]
    language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
    as $$
    select coalesce(array_agg(p.id), '{}') from app.professionals p
    join internal.logins l on l.clinic_id = p.clinic_id and l.member_id = p.member_id
    where l.login = session_user and l.revoked_at is null
$$;
create policy own_people on app.professional_people as restrictive for all to balcao_professional
    using (professional_id = any ((select app.own_agendas())::uuid[]))
    with check (professional_id = any ((select app.own_agendas())::uuid[]));

drop policy own_visits on app.appointments;
create policy own_visits on app.appointments as restrictive for all to balcao_professional
    using (professional_id = any ((select app.own_agendas())::uuid[]))
    with check (professional_id = any ((select app.own_agendas())::uuid[]));
create policy own_visits on app.appointment_events as restrictive for all to balcao_professional
    using (exists (select from app.appointments a
                   where a.clinic_id = appointment_events.clinic_id and a.id = appointment_id));
create policy own_people on app.contacts as restrictive for all to balcao_professional
    using (exists (select from app.professional_people p
                   where p.clinic_id = contacts.clinic_id and p.entity = 'contacts' and p.person_id = contacts.id));
create policy own_people on app.patients as restrictive for all to balcao_professional
    using (exists (select from app.professional_people p
                   where p.clinic_id = patients.clinic_id and p.entity = 'patients' and p.person_id = patients.id));
create policy own_people on app.contact_identifiers as restrictive for all to balcao_professional
    using (exists (select from app.professional_people p
                   where p.clinic_id = contact_identifiers.clinic_id and p.entity = 'contacts' and p.person_id = contact_id));
create policy own_waitlist on app.waitlist_entries as restrictive for all to balcao_professional
    using (professional_id = any ((select app.own_agendas())::uuid[]));
-- Why a colleague is away is the colleague's.
create policy own_agenda on app.schedule_exceptions as restrictive for all to balcao_professional
    using (professional_id is null or professional_id = any ((select app.own_agendas())::uuid[]));
revoke select on app.channels, app.appointment_series from balcao_professional;

-- A member's operations are that member's: nobody sends one in another's name.
create policy own_operations on app.applied_operations as restrictive for insert
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_agent
    with check (member_id = (select app.current_member()));
create policy own_operations_only on app.applied_operations as restrictive for select to balcao_professional
    using (member_id = (select app.current_member()));

-- A tombstone with a member is for that member's desks: the row is still there, and out of their sight.
alter table app.tombstones add column member_id uuid;
alter table app.tombstones drop constraint tombstones_pk;
alter table app.tombstones
    add constraint tombstones_unique unique nulls not distinct (clinic_id, entity, id, member_id);
create policy for_everybody on app.tombstones as restrictive for all
    to balcao_owner, balcao_admin, balcao_attendant, balcao_viewer, balcao_agent using (member_id is null);
-- What a professional sees only a part of is told gone in the professional's own name, or was never there.
create policy own_tombstones on app.tombstones as restrictive for all to balcao_professional
    using (member_id = (select app.current_member())
           or (member_id is null and entity in (
               'clinics', 'clinic_settings', 'members', 'services', 'rooms', 'professionals', 'professional_services', 'working_hours')));

create or replace function internal.leave_tombstone() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    insert into app.tombstones (clinic_id, id, entity) values (old.clinic_id, old.id, tg_table_name)
    on conflict on constraint tombstones_unique do update set change_xid = pg_current_xact_id(), deleted_at = now();
    return null;
end $$;

-- Members who see only their own agendas: one row for each agenda.
create function internal.agenda_keepers(clinic uuid) returns table (member_id uuid, professional_id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    select distinct l.member_id, p.id
    from internal.logins l left join app.professionals p on p.clinic_id = l.clinic_id and p.member_id = l.member_id
    where l.clinic_id = clinic and l.role = 'professional' and l.revoked_at is null
$$;

-- A row of one agenda that leaves it, or goes for good, leaves the desks of those who saw it there.
create function internal.leave_agenda() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    comes_to constant uuid := case when tg_op = 'UPDATE' then new.professional_id end;
    for_all constant boolean := tg_op = 'UPDATE' and new.professional_id is null;
begin
    if for_all then
        return null;
    end if;
    insert into app.tombstones (clinic_id, id, entity, member_id)
    select old.clinic_id, old.id, tg_table_name, k.member_id
    from internal.agenda_keepers(old.clinic_id) k
    group by k.member_id
    having (old.professional_id is null or bool_or(k.professional_id = old.professional_id))
       and bool_or(k.professional_id = comes_to) is not true
    on conflict on constraint tombstones_unique do update set change_xid = pg_current_xact_id(), deleted_at = now();
    return null;
end $$;
create trigger leave_agenda after delete on app.appointments
    for each row execute function internal.leave_agenda();
create trigger move_agenda after update of professional_id on app.appointments
    for each row when (old.professional_id is distinct from new.professional_id)
    execute function internal.leave_agenda();
create trigger leave_agenda after delete on app.schedule_exceptions
    for each row execute function internal.leave_agenda();
create trigger move_agenda after update of professional_id on app.schedule_exceptions
    for each row when (old.professional_id is distinct from new.professional_id)
    execute function internal.leave_agenda();

-- One more visit of a person in an agenda. The first one brings the person into the agenda's sight.
create function internal.person_comes(clinic uuid, agenda uuid, kind text, person uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    visits_now integer;
begin
    insert into app.professional_people as p (clinic_id, professional_id, entity, person_id)
    values (clinic, agenda, kind, person)
    on conflict on constraint professional_people_pk do update set visits = p.visits + 1
    returning p.visits into visits_now;
    if visits_now = 1 and exists (select from internal.agenda_keepers(clinic) k where k.professional_id = agenda) then
        -- The trigger of the change mark does the rest. A row of this very transaction has it already.
        execute format('update app.%I set change_xid = pg_current_xact_id()
                        where clinic_id = $1 and id = $2 and change_xid <> pg_current_xact_id()', kind)
            using clinic, person;
    end if;
end $$;

-- One visit less. With the last one the person leaves the sight of those who keep the agenda and no other with the person.
create function internal.person_goes(clinic uuid, agenda uuid, kind text, person uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    visits_left integer;
begin
    update app.professional_people p set visits = p.visits - 1
    where p.clinic_id = clinic and p.entity = kind and p.person_id = person and p.professional_id = agenda
    returning p.visits into visits_left;
    if visits_left is distinct from 0 then
        return;
    end if;
    delete from app.professional_people p
    where p.clinic_id = clinic and p.entity = kind and p.person_id = person and p.professional_id = agenda;
    insert into app.tombstones (clinic_id, id, entity, member_id)
    select clinic, person, kind, k.member_id
    from internal.agenda_keepers(clinic) k
    group by k.member_id
    having bool_or(k.professional_id = agenda)
       and not bool_or(exists (
           select from app.professional_people p
           where p.clinic_id = clinic and p.entity = kind and p.person_id = person and p.professional_id = k.professional_id))
    on conflict on constraint tombstones_unique do update set change_xid = pg_current_xact_id(), deleted_at = now();
end $$;

create function internal.count_people() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    -- What comes goes first: who is there before and after is never away in between.
    if tg_op <> 'DELETE' then
        perform internal.person_comes(new.clinic_id, new.professional_id, 'contacts', new.contact_id);
        perform internal.person_comes(new.clinic_id, new.professional_id, 'patients', new.patient_id);
    end if;
    if tg_op <> 'INSERT' then
        perform internal.person_goes(old.clinic_id, old.professional_id, 'contacts', old.contact_id);
        perform internal.person_goes(old.clinic_id, old.professional_id, 'patients', old.patient_id);
    end if;
    return null;
end $$;
create trigger count_people after insert or delete on app.appointments
    for each row execute function internal.count_people();
create trigger move_people after update of professional_id, contact_id, patient_id on app.appointments
    for each row when ((old.professional_id, old.contact_id, old.patient_id)
                       is distinct from (new.professional_id, new.contact_id, new.patient_id))
    execute function internal.count_people();

-- Counts anew what the triggers above keep: for rows that came in without them.
create function internal.recount_people(clinic uuid) returns void
    language sql security definer set search_path = pg_catalog, pg_temp
    as $$
    delete from app.professional_people p where p.clinic_id = clinic;
    insert into app.professional_people (clinic_id, professional_id, entity, person_id, visits)
    select a.clinic_id, a.professional_id, 'contacts', a.contact_id, count(*)
    from app.appointments a where a.clinic_id = clinic group by 1, 2, 4
    union all
    select a.clinic_id, a.professional_id, 'patients', a.patient_id, count(*)
    from app.appointments a where a.clinic_id = clinic group by 1, 2, 4;
$$;
select internal.recount_people(id) from app.clinics;

-- Where everything that a login sees changes at once (another role, another agenda), its feed becomes another one, and its
-- desks make their copy anew.
alter table internal.logins add column feed_salt uuid;
grant update (feed_salt) on internal.logins to balcao_definer;

create function internal.renew_feed_of_login() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    new.feed_salt := gen_random_uuid();
    return new;
end $$;
create trigger renew_feed before update of role on internal.logins
    for each row when (old.role is distinct from new.role) execute function internal.renew_feed_of_login();

create function internal.renew_feed_of_agenda() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := case when tg_op = 'INSERT' then new.clinic_id else old.clinic_id end;
begin
    update internal.logins l set feed_salt = gen_random_uuid()
    where l.clinic_id = clinic and l.role = 'professional'
      and (l.member_id = case when tg_op <> 'INSERT' then old.member_id end
           or l.member_id = case when tg_op <> 'DELETE' then new.member_id end);
    return null;
end $$;
create trigger renew_feed after insert or delete on app.professionals
    for each row execute function internal.renew_feed_of_agenda();
create trigger renew_feed_of_member after update of member_id on app.professionals
    for each row when (old.member_id is distinct from new.member_id) execute function internal.renew_feed_of_agenda();

create function internal.epoch_of(salt uuid) returns uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    select case when salt is null then f.epoch else md5(f.epoch::text || salt::text)::uuid end from internal.feed f
$$;

create or replace function app.feed_epoch() returns uuid
    language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
    as $$
    select internal.epoch_of((select feed_salt from internal.logins where login = session_user and revoked_at is null))
$$;

-- As before, and a professional hears only of what a professional sees.
create or replace function app.feed_since(since xid8)
    returns table (epoch uuid, place bigint, server_time timestamptz, changed text[])
    language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp
    as $$
declare
    clinic uuid;
    member uuid;
    role text;
    salt uuid;
    agendas uuid[];
begin
    select l.clinic_id, l.member_id, l.role, l.feed_salt into clinic, member, role, salt
    from internal.logins l where l.login = session_user and l.revoked_at is null;
    if clinic is null then
        return;
    end if;
    if role = 'professional' then
        agendas := app.own_agendas();
        select array_remove(array[
            case when exists (
                select 1 from app.tombstones where clinic_id = clinic and change_xid >= since and (member_id = member or (
                    member_id is null and entity in ('clinics', 'clinic_settings', 'members', 'services', 'rooms',
                                                     'professionals', 'professional_services', 'working_hours')))) then 'tombstones' end,
            case when exists (select 1 from app.clinics where clinic_id = clinic and change_xid >= since) then 'clinics' end,
            case when exists (select 1 from app.clinic_settings where clinic_id = clinic and change_xid >= since) then 'clinic_settings' end,
            case when exists (select 1 from app.members where clinic_id = clinic and change_xid >= since) then 'members' end,
            case when exists (select 1 from app.services where clinic_id = clinic and change_xid >= since) then 'services' end,
            case when exists (select 1 from app.rooms where clinic_id = clinic and change_xid >= since) then 'rooms' end,
            case when exists (select 1 from app.professionals where clinic_id = clinic and change_xid >= since) then 'professionals' end,
            case when exists (select 1 from app.working_hours where clinic_id = clinic and change_xid >= since) then 'working_hours' end,
            case when exists (
                select 1 from app.schedule_exceptions where clinic_id = clinic and change_xid >= since
                    and (professional_id is null or professional_id = any (agendas))) then 'schedule_exceptions' end,
            case when exists (
                select 1 from app.contacts c where c.clinic_id = clinic and c.change_xid >= since and exists (
                    select 1 from app.professional_people p where p.clinic_id = clinic and p.entity = 'contacts'
                        and p.person_id = c.id and p.professional_id = any (agendas))) then 'contacts' end,
            case when exists (
                select 1 from app.patients c where c.clinic_id = clinic and c.change_xid >= since and exists (
                    select 1 from app.professional_people p where p.clinic_id = clinic and p.entity = 'patients'
                        and p.person_id = c.id and p.professional_id = any (agendas))) then 'patients' end,
            case when exists (
                select 1 from app.appointments where clinic_id = clinic and change_xid >= since
                    and professional_id = any (agendas)) then 'appointments' end
        ], null) into changed;
    else
        select array_remove(array[
            case when exists (
                select 1 from app.tombstones where clinic_id = clinic and change_xid >= since and member_id is null) then 'tombstones' end,
            case when exists (select 1 from app.clinics where clinic_id = clinic and change_xid >= since) then 'clinics' end,
            case when exists (select 1 from app.clinic_settings where clinic_id = clinic and change_xid >= since) then 'clinic_settings' end,
            case when exists (select 1 from app.members where clinic_id = clinic and change_xid >= since) then 'members' end,
            case when exists (select 1 from app.channels where clinic_id = clinic and change_xid >= since) then 'channels' end,
            case when exists (select 1 from app.services where clinic_id = clinic and change_xid >= since) then 'services' end,
            case when exists (select 1 from app.rooms where clinic_id = clinic and change_xid >= since) then 'rooms' end,
            case when exists (select 1 from app.professionals where clinic_id = clinic and change_xid >= since) then 'professionals' end,
            case when exists (select 1 from app.working_hours where clinic_id = clinic and change_xid >= since) then 'working_hours' end,
            case when exists (select 1 from app.schedule_exceptions where clinic_id = clinic and change_xid >= since) then 'schedule_exceptions' end,
            case when exists (select 1 from app.quick_replies where clinic_id = clinic and change_xid >= since) then 'quick_replies' end,
            case when exists (select 1 from app.pipelines where clinic_id = clinic and change_xid >= since) then 'pipelines' end,
            case when exists (select 1 from app.pipeline_stages where clinic_id = clinic and change_xid >= since) then 'pipeline_stages' end,
            case when exists (select 1 from app.loss_reasons where clinic_id = clinic and change_xid >= since) then 'loss_reasons' end,
            case when exists (select 1 from app.contacts where clinic_id = clinic and change_xid >= since) then 'contacts' end,
            case when exists (select 1 from app.patients where clinic_id = clinic and change_xid >= since) then 'patients' end,
            case when exists (select 1 from app.appointments where clinic_id = clinic and change_xid >= since) then 'appointments' end,
            case when exists (select 1 from app.conversations where clinic_id = clinic and change_xid >= since) then 'conversations' end,
            case when exists (select 1 from app.messages where clinic_id = clinic and change_xid >= since) then 'messages' end,
            case when exists (select 1 from app.leads where clinic_id = clinic and change_xid >= since) then 'leads' end
        ], null) into changed;
    end if;
    epoch := internal.epoch_of(salt);
    place := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    server_time := clock_timestamp();
    return next;
end $$;

-- What the clinic pays and how a member is reached is not for everybody who works there.
revoke select on app.clinics, app.members from balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;
grant select (id, clinic_id, name, slug, vertical, status, time_zone, locale, version, change_xid, created_at, updated_at)
    on app.clinics to balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;
grant select (clinic_id, id, name, role, active, bio, registration_number, picture_url, version, change_xid, created_at, updated_at)
    on app.members to balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;

-- The right to change or delete in a whole table is also the right to lock it, in the face of every clinic of the database.
-- So a change is granted by column, without the columns that say which row of whom it is, and a delete is a function.
do $$
declare
    held record;
    columns text;
begin
    for held in
        select c.relname::text as entity, a.grantee::regrole::text as grantee, a.privilege_type as privilege
        from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
        where c.relnamespace = 'app'::regnamespace and c.relkind = 'r' and a.privilege_type in ('UPDATE', 'DELETE')
          and r.rolname in ('balcao_owner', 'balcao_admin', 'balcao_attendant', 'balcao_professional', 'balcao_viewer', 'balcao_agent')
    loop
        execute format('revoke %s on app.%I from %s', held.privilege, held.entity, held.grantee);
        if held.privilege = 'UPDATE' and (held.entity, held.grantee) <> ('appointments', 'balcao_professional') then
            select string_agg(quote_ident(attname), ', ') into columns from pg_attribute
            where attrelid = format('app.%I', held.entity)::regclass and attnum > 0 and not attisdropped and attgenerated = ''
              and attname not in ('clinic_id', 'id', 'version', 'change_xid', 'created_at', 'updated_at', 'created_by');
            execute format('grant update (%s) on app.%I to %s', columns, held.entity, held.grantee);
        end if;
    end loop;
end $$;
-- A professional keeps the own visits, and neither whose they are nor what they cost.
grant update (room_id, starts_at, ends_at, status, squeezed_in, squeeze_reason, notes, cancel_reason, confirmed_at, arrived_at,
              started_at, finished_at) on app.appointments to balcao_professional;

-- Deletes one row of the caller's clinic, where the caller's role may: nothing when there is none.
create function app.delete_row(entity text, row_id uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := app.current_clinic();
    role constant text := app.current_member_role();
begin
    if clinic is null or not (
        (entity in ('schedule_exceptions', 'waitlist_entries', 'contact_identifiers') and role in ('owner', 'admin', 'attendant'))
        or (entity in ('services', 'rooms', 'professionals', 'professional_services', 'working_hours', 'channels', 'quick_replies',
                       'pipelines', 'pipeline_stages', 'loss_reasons', 'owner_numbers') and role in ('owner', 'admin')))
    then
        raise exception using errcode = 'insufficient_privilege', message = 'this role deletes no such row';
    end if;
    execute format('delete from app.%I where clinic_id = $1 and id = $2', entity) using clinic, row_id;
end $$;

-- Takes what waits for a message of the gateway: the background work asks when the message has come.
create function app.take_pending_effects(channel uuid, message text) returns table (kind text, payload jsonb)
    language sql volatile security definer set search_path = pg_catalog, pg_temp
    as $$
    delete from app.pending_effects e
    where e.clinic_id = app.current_clinic() and e.channel_id = channel and e.gateway_id = message
      and app.current_member_role() in ('owner', 'agent')
    returning e.kind, e.payload
$$;

do $$
declare
    source text := pg_get_functiondef('app.apply_operations(jsonb)'::regprocedure);
    direct constant text := $q$execute format('delete from app.%I t where t.clinic_id = $1 and t.id = $2', entity) using clinic, row_id;$q$;
begin
    if (length(source) - length(replace(source, direct, ''))) <> length(direct) then
        raise exception 'app.apply_operations deletes otherwise than this migration knows';
    end if;
    execute replace(source, direct, 'perform app.delete_row(entity, row_id);');
end $$;

-- Ends sessions of clinics' logins whose transaction has stood for ten minutes: a login may change its own time-outs, and one
-- transaction that stays open holds back the feed and the cleaning of the whole database. Returns how many.
create function app.end_stuck_sessions() returns bigint
    language sql volatile security definer set search_path = pg_catalog, pg_temp
    as $$
    select count(*) filter (where pg_terminate_backend(a.pid))
    from pg_stat_activity a join internal.logins l on l.login = a.usename
    where a.datname = current_database() and a.pid <> pg_backend_pid()
      and a.xact_start < clock_timestamp() - interval '10 minutes'
$$;
grant select (login) on internal.logins to balcao_steward;

-- The planner's statistics are drawn from the rows of all clinics, and its estimates tell of them to whoever asks often enough
-- (`explain` with a comparison, again and again). None are kept of what names or describes somebody; times, flags and states
-- remain, which say nothing about anyone. Every question of ours begins with the clinic and an index, and is planned as well.
do $$
declare
    kept record;
begin
    for kept in
        select c.oid, c.relname, c.relkind, a.attname, a.attnum from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'app'::regnamespace and a.attnum > 0 and not a.attisdropped
          and ((c.relkind = 'r' and a.atttypid not in ('boolean'::regtype, 'timestamptz'::regtype, 'xid8'::regtype)
                and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'c'
                                and k.conkey = array[a.attnum] and pg_get_constraintdef(k.oid) like '%ANY (ARRAY[%'))
               or (c.relkind = 'i' and exists (select from pg_index i where i.indexrelid = c.oid and i.indexprs is not null
                                               and i.indkey[a.attnum - 1] = 0)))
    loop
        if kept.relkind = 'r' then
            execute format('alter table app.%I alter column %I set statistics 0', kept.relname, kept.attname);
        else
            execute format('alter index app.%I alter column %s set statistics 0', kept.relname, kept.attnum);
        end if;
    end loop;
end $$;
do $$
begin
    delete from pg_statistic s using pg_attribute a
    where a.attrelid = s.starelid and a.attnum = s.staattnum and a.attstattarget = 0
      and s.starelid in (select oid from pg_class where relnamespace = 'app'::regnamespace);
exception when insufficient_privilege then
    raise notice 'statistics that were gathered before must be removed by the administrator of this server';
end $$;

-- What the server tells and lets everybody do by default: large objects, locks without a table, what others are doing right
-- now, how much there is of everything, entries in the log of transactions. A desk needs none of it; who watches over the
-- server keeps its part, and so does the owner of the database.
do $$
declare
    f record;
begin
    for f in
        select p.oid::regprocedure as name, p.proname !~ '^(lo|pg_advisory_|pg_try_|pg_sleep|pg_logical_|pg_export_)' as watching
        from pg_proc p
        where p.pronamespace = 'pg_catalog'::regnamespace and (
            p.proname ~ '^(lo_|pg_advisory_|pg_try_advisory_|pg_stat_get_|pg_sleep|pg_logical_emit_message|pg_export_snapshot)'
            or p.proname in ('loread', 'lowrite', 'pg_lock_status', 'pg_notification_queue_usage', 'pg_prepared_xact',
                             'pg_blocking_pids', 'pg_safe_snapshot_blocking_pids', 'pg_isolation_test_session_is_blocked'))
    loop
        execute format('revoke execute on function %s from public', f.name);
        execute format('grant execute on function %s to pg_database_owner', f.name);
        if f.watching then
            execute format('grant execute on function %s to pg_read_all_stats', f.name);
        end if;
    end loop;
    for f in
        select c.oid::regclass as name from pg_class c
        where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind = 'v'
          and (c.relname ~ '^pg_stat(io)?_' or c.relname in ('pg_locks', 'pg_prepared_xacts'))
    loop
        execute format('revoke select on %s from public', f.name);
        execute format('grant select on %s to pg_read_all_stats', f.name);
    end loop;
exception when insufficient_privilege then
    raise notice 'the administrator of this server keeps its functions and views open to every login';
end $$;

do $$
declare
    f regprocedure;
begin
    grant create on schema app, internal to balcao_definer, balcao_steward;
    for f in select p.oid::regprocedure from pg_proc p join pg_roles r on r.oid = p.proowner
             where p.pronamespace in ('app'::regnamespace, 'internal'::regnamespace) and p.prosecdef
               and r.rolname not in ('balcao_definer', 'balcao_steward') loop
        execute format('alter function %s owner to %I', f,
            case when f = 'app.end_stuck_sessions()'::regprocedure then 'balcao_steward' else 'balcao_definer' end);
    end loop;
    revoke create on schema app, internal from balcao_definer, balcao_steward;
end $$;
grant execute on function app.own_agendas()
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;
grant execute on function app.delete_row(text, uuid) to balcao_owner, balcao_admin, balcao_attendant;
grant execute on function app.take_pending_effects(uuid, text), app.end_stuck_sessions() to balcao_agent;
-- Called by functions that run as this role.
grant execute on function internal.agenda_keepers(uuid), internal.person_comes(uuid, uuid, text, uuid),
    internal.person_goes(uuid, uuid, text, uuid), internal.epoch_of(uuid) to balcao_definer;
