-- Who was invited is in the audit; what matters to a search of it is found by an index; sessions that are stuck can be ended
-- on every kind of server.

-- An invitation: made, taken back, run out, accepted. Whom it is for is the row it is about.
create function internal.audit_invitation() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker internal.logins;
    what text;
begin
    if tg_op = 'INSERT' then
        what := 'invitation_made';
    elsif old.accepted_at is null and new.accepted_at is not null then
        what := 'invitation_accepted';
    elsif old.cancelled_at is null and new.cancelled_at is not null then
        what := case when new.expires_at <= now() then 'invitation_expired' else 'invitation_cancelled' end;
    else
        return null;
    end if;
    select * into speaker from internal.logins where login = session_user;
    insert into app.audit_logs
        (clinic_id, action, table_name, record_id, member_id, device_id, application, address, new_values)
    values (new.clinic_id, what, 'members', new.member_id,
            -- Who accepts may not have a login yet.
            case what when 'invitation_accepted' then new.member_id else speaker.member_id end, speaker.device_id,
            current_setting('application_name', true), inet_client_addr(),
            jsonb_strip_nulls(jsonb_build_object('login', new.login, 'role', new.role, 'device_name', new.device_name,
                                                 'expires_at', new.expires_at)));
    return null;
end $$;
create trigger audit_invitation after insert or update of accepted_at, cancelled_at on internal.invitations
    for each row execute function internal.audit_invitation();

-- Logins, exports, roles, visits squeezed in: few among many changes, and asked for by themselves.
create index audit_logs_by_event on app.audit_logs (clinic_id, at desc) where action not in ('insert', 'update', 'delete');

-- Ends sessions of clinics' logins in this database whose transaction has stood for so long, where the administrator could
-- not give away the rights over other sessions: whoever has the rights of a role sees and ends its sessions, and the
-- gatekeeper lends them to itself for as long as that takes. Returns how many there were.
create function internal.end_standing(older_than interval) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    name text;
    modern constant boolean := current_setting('server_version_num')::integer >= 160000;
    ended bigint := 0;
    found_here bigint;
begin
    for name in
        select distinct a.usename::text from pg_stat_activity a
        where a.datname = current_database() and a.usename ~ '^balcao_[0-9a-f]{16}$'
    loop
        begin
            execute format('grant %I to balcao_gatekeeper %s', name, case when modern then 'with inherit true, set false' end);
            select count(*) filter (where pg_terminate_backend(a.pid)) into found_here
            from pg_stat_activity a
            where a.usename = name and a.datname = current_database() and a.pid <> pg_backend_pid()
              and a.xact_start < clock_timestamp() - older_than;
            execute format('revoke %I from balcao_gatekeeper', name);
            ended := ended + found_here;
        exception when insufficient_privilege or unique_violation or internal_error then
            -- A login that somebody else has made since the gatekeeper was last entrusted with them, or one that another
            -- clinic's background work is looking at: the next look finds it.
        end;
    end loop;
    return ended;
end $$;

create or replace function app.end_stuck_sessions() returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    standing constant interval := interval '10 minutes';
begin
    if not (pg_has_role('pg_signal_backend', 'usage') and pg_has_role('pg_read_all_stats', 'usage')) then
        return internal.end_standing(standing);
    end if;
    return (
        select count(*) filter (where pg_terminate_backend(a.pid))
        from pg_stat_activity a join internal.logins l on l.login = a.usename
        where a.datname = current_database() and a.pid <> pg_backend_pid() and a.xact_start < clock_timestamp() - standing);
end $$;

do $$
declare
    f regprocedure;
begin
    grant create on schema app, internal to balcao_definer, balcao_gatekeeper;
    foreach f in array array['internal.audit_invitation()', 'internal.end_standing(interval)']::regprocedure[] loop
        execute format('revoke all on function %s from public', f);
        execute format('alter function %s owner to %I', f,
            case when f::text like '%end_standing%' then 'balcao_gatekeeper' else 'balcao_definer' end);
    end loop;
    revoke create on schema app, internal from balcao_definer, balcao_gatekeeper;
end $$;
-- Called by a function that runs as this role.
grant execute on function internal.end_standing(interval) to balcao_steward;

-- Who asks is looked up with every question. What a session is called is a `name`, which compares in another collation than
-- the key of the logins is kept in, so the key was passed over and all logins of the server were read: with a thousand of them
-- that took three times as long as the question itself.
do $$
declare
    f record;
begin
    for f in
        select p.oid, regexp_replace(pg_get_functiondef(p.oid), '(\mlogin = session_user)\M(?!::)', '\1::text collate "default"', 'g') as better
        from pg_proc p
        where p.pronamespace in ('app'::regnamespace, 'internal'::regnamespace) and p.prokind = 'f'
          and p.prosrc ~ '\mlogin = session_user\M(?!::)'
    loop
        execute f.better;
    end loop;
end $$;
