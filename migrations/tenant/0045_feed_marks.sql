-- Which tables have changed stands in one table of marks. Every desk asks that after every commit, mostly out of rest, when
-- nothing of it is in a processor's cache: a look into each of twenty tables costs it more than all that follows.

-- A transaction has changed rows of a table. The newest mark of a table says all that the older ones do.
create table internal.feed_marks (
    clinic_id uuid not null,
    change_xid xid8 not null default pg_current_xact_id(),
    entity text not null,
    constraint feed_marks_pk primary key (clinic_id, change_xid, entity)
);
grant select, insert, delete on internal.feed_marks to balcao_definer;

-- Wakes the desks of the clinics that a statement touched, and marks the table for them. The notification carries no data: it is
-- a hint.
create or replace function internal.notify_desks() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    secret text;
begin
    -- What is gone leaves a tombstone, and that the mark.
    if tg_op <> 'DELETE' then
        insert into internal.feed_marks (clinic_id, entity) select distinct clinic_id, tg_table_name from changed
        on conflict do nothing;
    end if;
    for secret in
        select channel from internal.listen_channels where clinic_id in (select distinct clinic_id from changed)
    loop
        perform pg_notify(secret, '');
    end loop;
    return null;
end $$;

create function internal.mark_tombstone() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    insert into internal.feed_marks (clinic_id, entity) values (new.clinic_id, 'tombstones') on conflict do nothing;
    return null;
end $$;
create trigger mark_tombstone after insert or update on app.tombstones
    for each row execute function internal.mark_tombstone();

-- Where the feed of the caller's clinic stands, and which tables have changed at or after a cursor, as far as the caller may hear
-- of it: in some of them there may be nothing to be read. All null for a login without a clinic.
create function app.own_feed(since xid8, out clinic uuid, out epoch uuid, out place bigint, out server_time timestamptz,
                             out changed text[])
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    -- Planned once in a connection, and for a table of marks that is long some day; it is never worth a compilation.
    set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
    as $$
declare
    member uuid;
    role text;
    agendas uuid[];
begin
    select l.clinic_id, l.member_id, l.role,
           case when l.feed_salt is null then f.epoch else md5(f.epoch::text || l.feed_salt::text)::uuid end,
           array(select distinct m.entity from internal.feed_marks m
                 where m.clinic_id = l.clinic_id and m.change_xid >= since and m.entity in (
                    'tombstones', 'clinics', 'clinic_settings', 'members', 'channels', 'background_holders', 'services', 'rooms',
                    'professionals', 'professional_services', 'working_hours', 'schedule_exceptions', 'quick_replies',
                    'pipelines', 'pipeline_stages', 'loss_reasons', 'contacts', 'patients', 'appointments', 'conversations',
                    'messages', 'mentions', 'leads'))
    into clinic, member, role, epoch, changed
    from internal.logins l cross join internal.feed f
    where l.login = session_user::text collate "default" and l.revoked_at is null;
    if clinic is null then
        return;
    end if;
    -- A professional hears only of what a professional sees.
    if role = 'professional' and changed <> '{}' then
        agendas := app.own_agendas();
        changed := array(
            select c.entity from unnest(changed) as c (entity)
            where case c.entity
                when 'tombstones' then exists (
                    select from app.tombstones t where t.clinic_id = clinic and t.change_xid >= since and (
                        t.member_id = member or (t.member_id is null and t.entity in (
                            'clinics', 'clinic_settings', 'members', 'services', 'rooms', 'professionals',
                            'professional_services', 'working_hours'))))
                when 'schedule_exceptions' then exists (
                    select from app.schedule_exceptions x where x.clinic_id = clinic and x.change_xid >= since
                        and (x.professional_id is null or x.professional_id = any (agendas)))
                when 'contacts' then exists (
                    select from app.contacts x where x.clinic_id = clinic and x.change_xid >= since and exists (
                        select from app.professional_people p where p.clinic_id = clinic and p.entity = 'contacts'
                            and p.person_id = x.id and p.professional_id = any (agendas)))
                when 'patients' then exists (
                    select from app.patients x where x.clinic_id = clinic and x.change_xid >= since and exists (
                        select from app.professional_people p where p.clinic_id = clinic and p.entity = 'patients'
                            and p.person_id = x.id and p.professional_id = any (agendas)))
                when 'appointments' then exists (
                    select from app.appointments x where x.clinic_id = clinic and x.change_xid >= since
                        and x.professional_id = any (agendas))
                else c.entity in (
                    'clinics', 'clinic_settings', 'members', 'services', 'rooms', 'professionals', 'professional_services',
                    'working_hours')
            end);
    end if;
    place := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    server_time := clock_timestamp();
end $$;

-- The same as a row; none for a login without a clinic.
create or replace function app.feed_since(since xid8)
    returns table (epoch uuid, place bigint, server_time timestamptz, changed text[])
    language sql stable security invoker set search_path = pg_catalog, pg_temp
    as $$
    select f.epoch, f.place, f.server_time, f.changed from app.own_feed(since) f where f.clinic is not null
$$;
alter function app.feed_since(xid8) reset plan_cache_mode;

-- As before; says nothing of a table in which there is nothing for the caller.
create or replace function app.changes_since(since xid8, most integer)
    returns table (entity text, rows json)
    language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    as $$
declare
    feed record;
    clinic uuid;
    found_rows json[];
begin
    feed := app.own_feed(since);
    clinic := feed.clinic;
    if clinic is null then
        return;
    end if;
    rows := json_build_object('epoch', feed.epoch, 'place', feed.place, 'server_time', feed.server_time);
    return next;
    foreach entity in array feed.changed loop
        case entity
            when 'tombstones' then
                found_rows := array(
                    select json_build_array(d.entity, d.id) from app.tombstones d
                    where d.clinic_id = clinic and d.change_xid >= since limit most + 1);
            when 'messages' then
                found_rows := array(
                    select to_json(d) from app.messages d
                    where d.clinic_id = clinic and d.change_xid >= since limit most + 1);
            when 'conversations' then
                found_rows := array(
                    select to_json(d) from app.conversations d
                    where d.clinic_id = clinic and d.change_xid >= since limit most + 1);
            when 'contacts' then
                found_rows := array(
                    select to_json(d) from app.contacts d
                    where d.clinic_id = clinic and d.change_xid >= since limit most + 1);
            when 'appointments' then
                found_rows := array(
                    select to_json(d) from app.appointments d
                    where d.clinic_id = clinic and d.change_xid >= since limit most + 1);
            when 'leads' then
                found_rows := array(
                    select to_json(d) from app.leads d
                    where d.clinic_id = clinic and d.change_xid >= since limit most + 1);
            else found_rows := null;
        end case;
        continue when cardinality(found_rows) = 0;
        rows := case when cardinality(found_rows) <= most then array_to_json(found_rows) end;
        return next;
    end loop;
end $$;

-- Desks that have not asked since before are told to look everywhere, once.
insert into internal.feed_marks (clinic_id, entity)
select c.id, e.entity from app.clinics c, unnest(array[
    'tombstones', 'clinics', 'clinic_settings', 'members', 'channels', 'background_holders', 'services', 'rooms',
    'professionals', 'professional_services', 'working_hours', 'schedule_exceptions', 'quick_replies', 'pipelines',
    'pipeline_stages', 'loss_reasons', 'contacts', 'patients', 'appointments', 'conversations', 'messages', 'mentions', 'leads'
    ]) as e (entity);

-- Drops the marks of the caller's clinic that newer ones make needless. Returns how many.
create function app.forget_old_marks() returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := app.current_clinic();
    gone bigint;
begin
    delete from internal.feed_marks m using (
        select n.entity, max(n.change_xid) as newest from internal.feed_marks n where n.clinic_id = clinic group by n.entity) k
    where m.clinic_id = clinic and m.entity = k.entity and m.change_xid < k.newest;
    get diagnostics gone = row_count;
    return gone;
end $$;

grant create on schema app, internal to balcao_definer;
alter function internal.mark_tombstone() owner to balcao_definer;
alter function app.own_feed(xid8) owner to balcao_definer;
alter function app.forget_old_marks() owner to balcao_definer;
revoke create on schema app, internal from balcao_definer;
revoke all on function internal.mark_tombstone(), app.own_feed(xid8), app.forget_old_marks() from public;
grant execute on function app.own_feed(xid8)
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;
grant execute on function app.forget_old_marks() to balcao_admin, balcao_agent;
