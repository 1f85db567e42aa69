-- The feed's position in one quick answer, and a login that was taken away learns of it.

-- Where the feed stands, and which tables have rows at or after a cursor among those the caller may read: mostly none, at
-- the cost of one look into each index. One statement with a plan that is kept, because every desk asks this after
-- every commit. No row for a login without a clinic.
create function app.feed_since(since xid8)
    returns table (epoch uuid, place bigint, server_time timestamptz, changed text[])
    language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp
    as $$
declare
    clinic constant uuid := app.current_clinic();
begin
    if clinic is null then
        return;
    end if;
    select array_remove(array[
        case when exists (select 1 from app.tombstones where clinic_id = clinic and change_xid >= since) then 'tombstones' end,
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
    if changed <> '{}' then
        select coalesce(array_agg(entity), '{}') into changed from unnest(changed) as entity
        where has_table_privilege(session_user, format('app.%I', entity), 'select');
    end if;
    select f.epoch into epoch from internal.feed f;
    place := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    server_time := clock_timestamp();
    return next;
end $$;

drop function app.changed_entities(xid8);

-- A login that was taken away keeps exactly one right: to hear that it was. Only then does a desk destroy its copy; a
-- wrong password or a server that does not answer is no such word.
do $$
begin
    create role balcao_revoked nologin nosuperuser nobypassrls nocreatedb nocreaterole inherit;
exception when duplicate_object or unique_violation then null;
end $$;
grant usage on schema app to balcao_revoked;

create function app.login_revoked() returns boolean
    language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
    as $$ select coalesce((select revoked_at is not null from internal.logins where login = session_user), false) $$;

grant create on schema app to balcao_definer;
alter function app.feed_since(xid8) owner to balcao_definer;
alter function app.login_revoked() owner to balcao_definer;
revoke create on schema app from balcao_definer;
grant execute on function app.feed_since(xid8)
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;
grant execute on function app.login_revoked()
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent, balcao_revoked;
