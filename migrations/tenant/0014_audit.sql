-- Who did what, from where: for everything that matters, kept by triggers, rewritten by nobody.

alter table app.audit_logs add column person_id uuid;
alter table app.audit_logs alter column person_id set statistics 0;
create index audit_logs_by_person on app.audit_logs (clinic_id, person_id, at desc) where person_id is not null;
create index audit_logs_by_member on app.audit_logs (clinic_id, member_id, at desc);

-- What a row of the audit may still become: without an address after ninety days, and gone after five years. Nobody may do
-- even that by hand, and the trigger also stands in the way of who owns the table.
create function internal.audit_is_kept() returns trigger
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
    raise exception using errcode = 'insufficient_privilege', message = 'the audit is not rewritten';
end $$;
create trigger is_kept before update or delete on app.audit_logs
    for each row execute function internal.audit_is_kept();
create trigger is_kept_whole before truncate on app.audit_logs
    for each statement execute function internal.audit_is_kept();
revoke update, delete, truncate on app.audit_logs from balcao_definer;
create policy ageing on app.audit_logs for all to balcao_steward using (true) with check (true);
grant select, delete, update (address) on app.audit_logs to balcao_steward;

-- With arguments only those columns count: for rows that change all the time in ways that matter to nobody.
create or replace function internal.write_audit() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    before_values jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    after_values jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    whole jsonb := coalesce(after_values, before_values);
    ignored constant text[] := array['version', 'change_xid', 'updated_at', 'last_interaction_at', 'last_event_at', 'last_seen_at'];
    what text := lower(tg_op);
    speaker internal.logins;
begin
    if tg_nargs > 0 then
        select jsonb_object_agg(key, before_values -> key), jsonb_object_agg(key, after_values -> key)
            into before_values, after_values from unnest(tg_argv) as key;
    end if;
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
    if tg_table_name = 'appointments' and after_values ->> 'squeezed_in' = 'true' then
        what := 'squeeze_in';
    end if;
    select * into speaker from internal.logins where login = session_user;
    insert into app.audit_logs
        (clinic_id, action, table_name, record_id, person_id, member_id, device_id, application, address, old_values, new_values)
    values ((whole ->> 'clinic_id')::uuid, what, tg_table_name, (whole ->> 'id')::uuid,
            case tg_table_name when 'contacts' then (whole ->> 'id')::uuid else (whole ->> 'contact_id')::uuid end,
            speaker.member_id, speaker.device_id, current_setting('application_name', true), inet_client_addr(),
            before_values, after_values);
    return null;
end $$;

-- A thread changes with each message; who closed it, put it off, took it over or labelled it is what is asked about.
create trigger write_audit after update on app.conversations for each row
    when ((old.status, old.handler, old.assignee_id, old.priority, old.labels, old.snoozed_until, old.contact_id)
          is distinct from (new.status, new.handler, new.assignee_id, new.priority, new.labels, new.snoozed_until, new.contact_id))
    execute function internal.write_audit('status', 'handler', 'assignee_id', 'priority', 'labels', 'snoozed_until', 'contact_id');
-- What was said is kept as it was said; that somebody took it away or put other words in its place is not.
create trigger write_audit after delete on app.messages for each row
    execute function internal.write_audit('conversation_id', 'direction', 'sent_at');
create trigger write_audit_edit after update on app.messages for each row
    when (old.body is distinct from new.body or old.revoked_at is distinct from new.revoked_at)
    execute function internal.write_audit('body', 'revoked_at');
create trigger write_audit after insert or update or delete on app.appointment_series
    for each row execute function internal.write_audit();

-- Logins: made, given another role, taken away. Neither passwords nor the salt of the feed are in the audit.
create function internal.audit_login() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker internal.logins;
    what text;
begin
    if tg_op = 'INSERT' then
        what := 'login_made';
    elsif old.role is distinct from new.role then
        what := 'role_change';
    elsif old.revoked_at is null and new.revoked_at is not null then
        what := 'login_revoked';
    else
        return null;
    end if;
    select * into speaker from internal.logins where login = session_user;
    insert into app.audit_logs
        (clinic_id, action, table_name, record_id, member_id, device_id, application, address, old_values, new_values)
    values (new.clinic_id, what, 'members', new.member_id, speaker.member_id, speaker.device_id,
            current_setting('application_name', true), inet_client_addr(),
            case when tg_op = 'UPDATE' then jsonb_build_object('role', old.role, 'revoked_at', old.revoked_at) end,
            jsonb_build_object('login', new.login, 'role', new.role, 'revoked_at', new.revoked_at));
    return null;
end $$;
create trigger audit_login after insert or update of role, revoked_at on internal.logins
    for each row execute function internal.audit_login();

-- A desk says that it has come. The database sees the login and the address by itself; the computer's name is the desk's
-- word, and null leaves it as it is. Coming again within ten minutes is the same visit. Returns the computer's id.
create function app.begin_session(device_name text default null, platform text default null, app_version text default null)
    returns uuid
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    speaker internal.logins;
    device uuid;
begin
    select * into speaker from internal.logins where login = session_user and revoked_at is null;
    if not found then
        raise exception using errcode = 'insufficient_privilege', message = 'this login speaks for no clinic';
    end if;
    device := speaker.device_id;
    if device is null then
        insert into app.devices (clinic_id, member_id, name, platform, app_version)
        values (speaker.clinic_id, speaker.member_id, left(coalesce(nullif(btrim(begin_session.device_name), ''), '?'), 120),
                left(begin_session.platform, 80), left(begin_session.app_version, 40))
        returning id into device;
        update internal.logins set device_id = device where login = session_user;
    end if;
    update app.devices d
    set last_seen_at = now(),
        name = left(coalesce(nullif(btrim(begin_session.device_name), ''), d.name), 120),
        platform = left(coalesce(begin_session.platform, d.platform), 80),
        app_version = left(coalesce(begin_session.app_version, d.app_version), 40)
    where d.clinic_id = speaker.clinic_id and d.id = device
      and (d.last_seen_at is null or d.last_seen_at < now() - interval '10 minutes'
           or (d.name, d.platform, d.app_version) is distinct from
              (left(coalesce(nullif(btrim(begin_session.device_name), ''), d.name), 120),
               left(coalesce(begin_session.platform, d.platform), 80), left(coalesce(begin_session.app_version, d.app_version), 40)));
    if not exists (
        select from app.audit_logs a
        where a.clinic_id = speaker.clinic_id and a.member_id = speaker.member_id and a.at > now() - interval '10 minutes'
          and a.action = 'login' and a.login = session_user and a.address is not distinct from inet_client_addr())
    then
        insert into app.audit_logs
            (clinic_id, action, table_name, record_id, member_id, device_id, application, address)
        values (speaker.clinic_id, 'login', 'devices', device, speaker.member_id, device,
                current_setting('application_name', true), inet_client_addr());
    end if;
    return device;
end $$;
grant update (device_id) on internal.logins to balcao_definer;

-- What leaves the clinic is written down by whoever takes it out: a list, one person's data, a backup. `about` is the person,
-- where it is one; `details` says what and how much, not what was in it.
create function app.record_export(what text, about uuid default null, details jsonb default '{}') returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker internal.logins;
begin
    select * into speaker from internal.logins where login = session_user and revoked_at is null;
    if not found then
        raise exception using errcode = 'insufficient_privilege', message = 'this login speaks for no clinic';
    end if;
    if what not in ('list', 'person', 'audit', 'backup') or length(details::text) > 2000 then
        raise exception using errcode = 'invalid_parameter_value', message = 'this is no export';
    end if;
    insert into app.audit_logs
        (clinic_id, action, record_id, person_id, member_id, device_id, application, address, new_values)
    values (speaker.clinic_id, 'export', about, about, speaker.member_id, speaker.device_id,
            current_setting('application_name', true), inet_client_addr(),
            jsonb_build_object('what', what) || jsonb_build_object('details', details));
end $$;

-- How far the audit of a clinic has aged: what lies before needs no second look.
create table internal.audit_age (
    clinic_id uuid primary key,
    addresses_gone_until timestamptz not null
);
grant select, insert, update on internal.audit_age to balcao_steward;
grant select (clinic_id) on internal.logins to balcao_steward;

-- Lets the audit of the caller's clinic age: addresses go after ninety days, rows after five years. The background work
-- calls it about daily; a piece at a time, so that it holds nobody up. Returns how many rows it changed; fewer than
-- `max_rows` means that it is done for today.
create function app.age_audit(max_rows integer default 5000) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := app.current_clinic();
    done timestamptz;
    deleted bigint;
    cleared bigint;
    last_cleared timestamptz;
begin
    with old as (
        select a.id from app.audit_logs a
        where a.clinic_id = clinic and a.at < now() - interval '5 years' order by a.at limit max_rows
    )
    delete from app.audit_logs a using old where a.clinic_id = clinic and a.id = old.id;
    get diagnostics deleted = row_count;

    select addresses_gone_until into done from internal.audit_age where clinic_id = clinic;
    with old as (
        select a.id, a.at from app.audit_logs a
        where a.clinic_id = clinic and a.at >= coalesce(done, '-infinity') and a.at < now() - interval '90 days'
          and a.address is not null
        order by a.at limit max_rows
    ), gone as (
        update app.audit_logs a set address = null from old where a.clinic_id = clinic and a.id = old.id returning a.at
    )
    select count(*), max(at) into cleared, last_cleared from gone;
    -- A full piece may have ended in the middle of rows of one instant, so the next one begins with it.
    insert into internal.audit_age as g (clinic_id, addresses_gone_until)
    values (clinic, case when cleared < max_rows then now() - interval '91 days' else last_cleared end)
    on conflict (clinic_id) do update set addresses_gone_until = greatest(g.addresses_gone_until, excluded.addresses_gone_until);
    return deleted + cleared;
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
            case when f = 'app.age_audit(integer)'::regprocedure then 'balcao_steward' else 'balcao_definer' end);
    end loop;
    revoke create on schema app, internal from balcao_definer, balcao_steward;
end $$;
grant execute on function app.current_clinic() to balcao_steward;
grant execute on function app.begin_session(text, text, text), app.record_export(text, uuid, jsonb)
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;
grant execute on function app.age_audit(integer) to balcao_owner, balcao_agent;
