-- Members and their computers, invited and sent away by the clinic's own owner: no administrator's address is kept anywhere.
--
-- The gatekeeper is a role that nobody logs in as. It makes the clinics' logins and owns the few functions that touch them;
-- each works on names of our own shape only, and only functions that check the caller's role may call them.

do $$
begin
    create role balcao_gatekeeper nologin nosuperuser nobypassrls nocreatedb createrole inherit;
exception when duplicate_object or unique_violation then null;
end $$;
do $$
begin
    -- Who was invited and has not come yet: may do nothing but accept.
    create role balcao_invited nologin nosuperuser nobypassrls nocreatedb nocreaterole inherit;
exception when duplicate_object or unique_violation then null;
end $$;
do $$
begin
    if not (select rolsuper from pg_roles where rolname = current_user) then
        grant balcao_gatekeeper to current_user;
    end if;
    execute format('grant connect on database %I to balcao_invited', current_database());
end $$;
grant usage on schema app to balcao_gatekeeper, balcao_invited;
grant usage on schema internal to balcao_gatekeeper;

-- An invitation is a login that may do nothing but accept, until it does. What it was given to log in with is worth nothing
-- after that, nor after it has expired: the server itself does not let it in.
create table internal.invitations (
    id uuid primary key default gen_random_uuid(),
    login text not null unique,
    clinic_id uuid not null,
    member_id uuid not null,
    role text not null
        constraint invitations_role check (role in ('owner', 'admin', 'attendant', 'professional', 'viewer')),
    device_name text,
    invited_by uuid not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    accepted_at timestamptz,
    cancelled_at timestamptz
);
create index invitations_by_clinic on internal.invitations (clinic_id, member_id);
grant select, insert, update on internal.invitations to balcao_definer;
grant insert, update on internal.logins to balcao_definer;

-- A name that only this program makes, and what the server stores in place of a password: never the password itself.
create function internal.check_login(login text, verifier text default null) returns void
    language plpgsql immutable set search_path = pg_catalog, pg_temp
    as $$
begin
    if login is null or login !~ '^balcao_[0-9a-f]{16}$' then
        raise exception using errcode = 'insufficient_privilege', message = 'this is no login of a clinic';
    end if;
    if verifier is not null
        and verifier !~ '^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22,44}={0,2}\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$' then
        raise exception using errcode = 'invalid_parameter_value', message = 'this is no verifier of a password';
    end if;
end $$;

-- Makes a login that is in one group. The limits of time are starting values that a session can change: they guard against
-- accidents, not against people. Two connections for statements and one that listens, for each of two programs, with room
-- for dead ones.
create function internal.make_login(login text, verifier text, until timestamptz, member_of text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    perform internal.check_login(login, coalesce(verifier, ''));
    execute format(
        'create role %I with login nosuperuser nobypassrls nocreatedb nocreaterole noreplication inherit
         connection limit 10 password %L valid until %L', login, verifier, coalesce(until, 'infinity'));
    execute format('alter role %I set search_path = app, ext, pg_temp', login);
    execute format('alter role %I set statement_timeout = ''60s''', login);
    execute format('alter role %I set lock_timeout = ''10s''', login);
    execute format('alter role %I set idle_in_transaction_session_timeout = ''60s''', login);
    -- Also keeps firewalls from forgetting a connection that only listens.
    execute format('alter role %I set tcp_keepalives_idle = 60', login);
    perform internal.change_group(login, null, member_of);
end $$;

-- Moves a login from one group to another. What it holds of the old one from somebody else than the gatekeeper would stay,
-- so that is looked at and refused, unless the login is sent away, which holds without it.
create function internal.change_group(login text, leaves text, joins text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    groups constant text[] := array['balcao_owner', 'balcao_admin', 'balcao_attendant', 'balcao_professional', 'balcao_viewer',
                                    'balcao_agent', 'balcao_invited', 'balcao_revoked'];
begin
    perform internal.check_login(login);
    if joins <> all (groups) or leaves <> all (groups) then
        raise exception using errcode = 'insufficient_privilege', message = 'this is no group of a clinic''s logins';
    end if;
    if leaves is not null then
        execute format('revoke %I from %I', leaves, login);
        if joins <> 'balcao_revoked' and exists (
            select from pg_auth_members m where m.member = to_regrole(login) and m.roleid = to_regrole(leaves))
        then
            raise exception using errcode = 'insufficient_privilege', message = 'the login keeps its group';
        end if;
    end if;
    execute format('grant %I to %I', joins, login);
end $$;

create function internal.set_verifier(login text, verifier text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    perform internal.check_login(login, coalesce(verifier, ''));
    execute format('alter role %I with password %L valid until ''infinity''', login, verifier);
end $$;

create function internal.remove_login(login text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    perform internal.check_login(login);
    execute format('drop role if exists %I', login);
end $$;

-- Ends the sessions of these logins. Whoever has the rights of a role may: the gatekeeper lends them to itself for as long
-- as that takes. Returns how many there were.
create function internal.end_sessions(logins text[]) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    name text;
    modern constant boolean := current_setting('server_version_num')::integer >= 160000;
    ended bigint := 0;
    found_here bigint;
begin
    for name in select distinct a.usename::text from pg_stat_activity a where a.usename = any (logins) loop
        perform internal.check_login(name);
        execute format('grant %I to balcao_gatekeeper %s', name, case when modern then 'with inherit true, set false' end);
        select count(*) filter (where pg_terminate_backend(a.pid)) into found_here
        from pg_stat_activity a where a.usename = name and a.pid <> pg_backend_pid();
        execute format('revoke %I from balcao_gatekeeper', name);
        ended := ended + found_here;
    end loop;
    return ended;
end $$;

-- Gives the gatekeeper what it needs of the roles that were there before it, or that somebody else has made: from
-- PostgreSQL 16 on, whoever may create roles holds only those that were given or made. Run by the administrator after each
-- migration, with the administrator's own rights.
create procedure internal.entrust_gatekeeper()
    language plpgsql set search_path = pg_catalog, pg_temp
    as $$
declare
    needed record;
begin
    begin
        -- Closed to everybody by an earlier migration where the administrator could.
        grant select on pg_stat_activity to balcao_gatekeeper;
        grant execute on function pg_stat_get_activity(integer) to balcao_gatekeeper;
    exception when insufficient_privilege then null;
    end;
    if current_setting('server_version_num')::integer < 160000 then
        return;
    end if;
    for needed in
        select r.rolname::text as name from pg_roles r
        where (r.rolname in ('balcao_owner', 'balcao_admin', 'balcao_attendant', 'balcao_professional', 'balcao_viewer',
                             'balcao_agent', 'balcao_invited', 'balcao_revoked')
               or exists (select from internal.logins l where l.login = r.rolname))
          and not exists (select from pg_auth_members m
                          where m.roleid = r.oid and m.member = 'balcao_gatekeeper'::regrole and m.admin_option)
    loop
        execute format('grant %I to balcao_gatekeeper with admin true, inherit false, set false', needed.name);
    end loop;
    for needed in
        select l.login, m.roleid::regrole::text as held, m.grantor::regrole::text as giver
        from internal.logins l join pg_roles r on r.rolname = l.login join pg_auth_members m on m.member = r.oid
        where m.roleid::regrole::text ~ '^balcao_[a-z]+$' and m.grantor <> 'balcao_gatekeeper'::regrole
    loop
        execute format('revoke %I from %I granted by %s', needed.held, needed.login, needed.giver);
        execute format('grant %I to %I granted by balcao_gatekeeper', needed.held, needed.login);
    end loop;
end $$;

-- Who asks for a change among the clinic's members: its owner, or an admin. One change of a clinic waits for another, so
-- that two owners cannot send one another away at once.
create function internal.begin_team_change() returns internal.logins
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker internal.logins;
begin
    perform 1 from internal.logins
    where clinic_id = (select l.clinic_id from internal.logins l where l.login = session_user) order by login for update;
    select * into speaker from internal.logins where login = session_user and revoked_at is null;
    if speaker.role is null or speaker.role not in ('owner', 'admin') then
        raise exception using errcode = 'insufficient_privilege', message = 'this role has no say in who is a member';
    end if;
    return speaker;
end $$;

-- An owner decides about everybody; an admin about those who only work in the clinic.
create function internal.check_say(speaker internal.logins, about text) returns void
    language plpgsql immutable set search_path = pg_catalog, pg_temp
    as $$
begin
    if not (speaker.role = 'owner' or (speaker.role = 'admin' and about in ('attendant', 'professional', 'viewer'))) then
        raise exception using errcode = 'insufficient_privilege', message = 'this role has no say in that one';
    end if;
end $$;

-- Links a member with the agenda that is theirs. Says whether that could be: an agenda has one member.
create function internal.keep_agenda(clinic uuid, member uuid, agenda uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    if agenda is null then
        return true;
    end if;
    update app.professionals p set member_id = member
    where p.clinic_id = clinic and p.id = agenda and (p.member_id is null or p.member_id = member);
    return found;
end $$;

-- Invites somebody, or a further computer of a member. The desk draws the password and sends only its verifier. Answers with
-- the login, or with a refusal: `member_gone`, `email_taken`, `agenda_taken`, `too_many`.
create function app.invite_member(
    member_name text, email text, role text, professional uuid, member uuid, device_name text, verifier text,
    valid_hours integer default 24)
    returns table (refusal text, invitation_id uuid, invited_login text, invited_member uuid, expires_at timestamptz)
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    speaker constant internal.logins := internal.begin_team_change();
    wanted text := invite_member.role;
    known app.members;
    old record;
begin
    if member is not null then
        select * into known from app.members m where m.clinic_id = speaker.clinic_id and m.id = member and m.active;
        if known.id is null then
            refusal := 'member_gone';
            return next;
            return;
        end if;
        wanted := known.role;
    end if;
    perform internal.check_say(speaker, wanted);
    if wanted is null or wanted not in ('owner', 'admin', 'attendant', 'professional', 'viewer') then
        raise exception using errcode = 'invalid_parameter_value', message = 'nobody is invited as that';
    end if;
    if valid_hours is null or valid_hours not between 1 and 168 then
        raise exception using errcode = 'invalid_parameter_value', message = 'an invitation holds an hour to a week';
    end if;
    -- What nobody came with is swept away first.
    for old in
        update internal.invitations i set cancelled_at = now()
        where i.clinic_id = speaker.clinic_id and i.accepted_at is null and i.cancelled_at is null and i.expires_at < now()
        returning i.login
    loop
        perform internal.remove_login(old.login);
    end loop;
    -- Roles belong to the whole server: one clinic does not fill it.
    if (select count(*) from internal.invitations i
        where i.clinic_id = speaker.clinic_id and i.accepted_at is null and i.cancelled_at is null) >= 20
       or (select count(*) from internal.logins l where l.clinic_id = speaker.clinic_id) >= 500
    then
        refusal := 'too_many';
        return next;
        return;
    end if;
    if member is null then
        if nullif(btrim(invite_member.email), '') is not null then
            select * into known from app.members m
            where m.clinic_id = speaker.clinic_id and lower(m.email) = lower(btrim(invite_member.email));
        end if;
        if known.active then
            refusal := 'email_taken';
        elsif wanted = 'professional' and professional is not null and not exists (
            select from app.professionals p where p.clinic_id = speaker.clinic_id and p.id = professional
               and (p.member_id is null or p.member_id = known.id))
        then
            refusal := 'agenda_taken';
        end if;
        if refusal is not null then
            return next;
            return;
        end if;
        if known.id is null then
            insert into app.members as m (clinic_id, name, email, role, active)
            values (speaker.clinic_id, btrim(member_name), nullif(btrim(invite_member.email), ''), wanted, false)
            returning m.* into known;
        else
            -- Who was here before, or was invited before and did not come.
            perform internal.check_say(speaker, known.role);
            update app.members m set name = btrim(member_name), role = wanted
            where m.clinic_id = speaker.clinic_id and m.id = known.id;
        end if;
    end if;
    if wanted = 'professional' and member is null then
        perform internal.keep_agenda(speaker.clinic_id, known.id, professional);
    end if;
    invited_login := 'balcao_' || left(replace(gen_random_uuid()::text, '-', ''), 16);
    invited_member := known.id;
    expires_at := now() + make_interval(hours => valid_hours);
    insert into internal.invitations as i (login, clinic_id, member_id, role, device_name, invited_by, expires_at)
    values (invited_login, speaker.clinic_id, known.id, wanted, left(nullif(btrim(invite_member.device_name), ''), 120),
            speaker.member_id, expires_at)
    returning i.id into invitation_id;
    perform internal.make_login(invited_login, verifier, expires_at, 'balcao_invited');
    return next;
end $$;

-- Whether this login was invited and may still come: for a desk to look before it accepts. Null when it may.
create function app.invitation_refusal() returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    select coalesce((
        select case when i.cancelled_at is not null then 'cancelled' when i.accepted_at is not null then 'used'
                    when i.expires_at <= now() then 'expired' else '' end
        from internal.invitations i where i.login = session_user), 'unknown')
$$;

-- The invited login comes: with another password at once, so that what was handed over is worth nothing any more. Null, or
-- why not: `used`, `cancelled`, `expired`, `unknown`.
create function app.accept_invitation(verifier text, device_name text, platform text, app_version text) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    invited internal.invitations;
    why text;
    device uuid;
begin
    select * into invited from internal.invitations i where i.login = session_user for update;
    why := app.invitation_refusal();
    if why <> '' then
        return why;
    end if;
    perform internal.set_verifier(invited.login, verifier);
    perform internal.change_group(invited.login, 'balcao_invited', 'balcao_' || invited.role);
    insert into app.devices (clinic_id, member_id, name, platform, app_version)
    values (invited.clinic_id, invited.member_id,
            left(coalesce(nullif(btrim(accept_invitation.device_name), ''), invited.device_name, '?'), 120),
            left(accept_invitation.platform, 80), left(accept_invitation.app_version, 40))
    returning id into device;
    insert into internal.logins (login, clinic_id, member_id, device_id, role)
    values (invited.login, invited.clinic_id, invited.member_id, device, invited.role);
    update internal.invitations i set accepted_at = now() where i.id = invited.id;
    update app.members m set active = true
    where m.clinic_id = invited.clinic_id and m.id = invited.member_id and not m.active;
    return null;
end $$;

-- Takes an invitation back. `gone` when there is none that could still be accepted.
create function app.cancel_invitation(invitation uuid) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker constant internal.logins := internal.begin_team_change();
    invited internal.invitations;
begin
    select * into invited from internal.invitations i
    where i.id = invitation and i.clinic_id = speaker.clinic_id and i.accepted_at is null and i.cancelled_at is null
    for update;
    if invited.id is null then
        return 'gone';
    end if;
    perform internal.check_say(speaker, invited.role);
    update internal.invitations i set cancelled_at = now() where i.id = invited.id;
    perform internal.remove_login(invited.login);
    return null;
end $$;

-- Gives a member another role, on all of the member's computers at once. Null, or `member_gone`, `last_owner`, `agenda_taken`.
create function app.change_role(member uuid, new_role text, professional uuid default null) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker constant internal.logins := internal.begin_team_change();
    known app.members;
    held record;
begin
    select * into known from app.members m where m.clinic_id = speaker.clinic_id and m.id = change_role.member;
    if known.id is null or known.role = 'agent' then
        return 'member_gone';
    end if;
    perform internal.check_say(speaker, known.role);
    perform internal.check_say(speaker, new_role);
    if new_role is null or new_role not in ('owner', 'admin', 'attendant', 'professional', 'viewer') then
        raise exception using errcode = 'invalid_parameter_value', message = 'nobody has that role';
    end if;
    if known.role = 'owner' and new_role <> 'owner' and not exists (
        select from internal.logins l
        where l.clinic_id = speaker.clinic_id and l.role = 'owner' and l.revoked_at is null and l.member_id <> known.id)
    then
        return 'last_owner';
    end if;
    if new_role = 'professional' and not internal.keep_agenda(speaker.clinic_id, known.id, professional) then
        return 'agenda_taken';
    end if;
    update app.members m set role = new_role
    where m.clinic_id = speaker.clinic_id and m.id = known.id and m.role <> new_role;
    update internal.invitations i set role = new_role
    where i.clinic_id = speaker.clinic_id and i.member_id = known.id and i.accepted_at is null and i.cancelled_at is null;
    for held in
        select l.login, l.role from internal.logins l
        where l.clinic_id = speaker.clinic_id and l.member_id = known.id and l.revoked_at is null and l.role <> new_role
    loop
        update internal.logins l set role = new_role where l.login = held.login;
        perform internal.change_group(held.login, 'balcao_' || held.role, 'balcao_' || new_role);
    end loop;
    return null;
end $$;

-- Takes one login away: it may only hear that it was.
create function internal.take_away(gone internal.logins) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    update internal.logins l set revoked_at = now() where l.login = gone.login and l.revoked_at is null;
    perform internal.change_group(gone.login, 'balcao_' || gone.role, 'balcao_revoked');
    update app.devices d set revoked_at = now()
    where d.clinic_id = gone.clinic_id and d.id = gone.device_id and d.revoked_at is null;
end $$;

-- Takes a computer's access away. Null, or `gone`, `own_device`. Its sessions see nothing from then on; they are ended by
-- app.end_revoked_sessions, which the desk calls next.
create function app.revoke_device(device uuid) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker constant internal.logins := internal.begin_team_change();
    gone internal.logins;
begin
    select * into gone from internal.logins l
    where l.clinic_id = speaker.clinic_id and l.device_id = device and l.revoked_at is null;
    if gone.login is null then
        return 'gone';
    end if;
    perform internal.check_say(speaker, gone.role);
    if gone.login = session_user then
        return 'own_device';
    end if;
    perform internal.take_away(gone);
    return null;
end $$;

-- Takes a member's access away, on every computer. Null, or `member_gone`, `own_member`.
create function app.revoke_member(member uuid) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker constant internal.logins := internal.begin_team_change();
    known app.members;
    gone internal.logins;
    invited internal.invitations;
begin
    select * into known from app.members m where m.clinic_id = speaker.clinic_id and m.id = revoke_member.member;
    if known.id is null then
        return 'member_gone';
    end if;
    perform internal.check_say(speaker, known.role);
    -- Whoever sends others away stays: a clinic is never without an owner.
    if known.id = speaker.member_id then
        return 'own_member';
    end if;
    for gone in
        select * from internal.logins l
        where l.clinic_id = speaker.clinic_id and l.member_id = known.id and l.revoked_at is null
    loop
        perform internal.take_away(gone);
    end loop;
    for invited in
        update internal.invitations i set cancelled_at = now()
        where i.clinic_id = speaker.clinic_id and i.member_id = known.id and i.accepted_at is null and i.cancelled_at is null
        returning i.*
    loop
        perform internal.remove_login(invited.login);
    end loop;
    update app.members m set active = false where m.clinic_id = speaker.clinic_id and m.id = known.id and m.active;
    return null;
end $$;

-- Ends what is left of sessions of the clinic's logins that were taken away. Returns how many.
create function app.end_revoked_sessions() returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker constant internal.logins := internal.begin_team_change();
begin
    return internal.end_sessions(array(
        select l.login from internal.logins l where l.clinic_id = speaker.clinic_id and l.revoked_at is not null));
end $$;

-- The members, their computers and the open invitations of the caller's clinic, for its owner and admins.
create function app.list_team() returns jsonb
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker internal.logins;
begin
    select * into speaker from internal.logins where login = session_user and revoked_at is null;
    if speaker.role is null or speaker.role not in ('owner', 'admin') then
        raise exception using errcode = 'insufficient_privilege', message = 'this role has no say in who is a member';
    end if;
    return jsonb_build_object(
        'role', speaker.role,
        'members', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'id', m.id, 'name', m.name, 'email', m.email, 'role', m.role, 'is_you', m.id = speaker.member_id,
                'professional', (select p.name from app.professionals p
                                 where p.clinic_id = m.clinic_id and p.member_id = m.id order by p.name limit 1),
                'computers', (
                    select coalesce(jsonb_agg(jsonb_build_object(
                        'id', d.id, 'name', nullif(d.name, '?'), 'platform', d.platform, 'app_version', d.app_version,
                        'last_seen_at', d.last_seen_at, 'is_this', l.login = session_user)
                        order by l.login = session_user desc, d.last_seen_at desc nulls last, l.login), '[]')
                    from internal.logins l left join app.devices d on d.clinic_id = l.clinic_id and d.id = l.device_id
                    where l.clinic_id = m.clinic_id and l.member_id = m.id and l.revoked_at is null))
                order by m.id = speaker.member_id desc, lower(m.name), m.id), '[]')
            from app.members m
            where m.clinic_id = speaker.clinic_id and m.active and m.role <> 'agent'),
        'invitations', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'id', i.id, 'member_id', m.id, 'member_name', m.name, 'role', i.role, 'device_name', i.device_name,
                'further', m.active, 'created_at', i.created_at, 'expires_at', i.expires_at) order by i.created_at), '[]')
            from internal.invitations i join app.members m on m.clinic_id = i.clinic_id and m.id = i.member_id
            where i.clinic_id = speaker.clinic_id and i.accepted_at is null and i.cancelled_at is null and i.expires_at > now()),
        'agendas', (
            select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'name', p.name) order by lower(p.name)), '[]')
            from app.professionals p where p.clinic_id = speaker.clinic_id and p.member_id is null));
end $$;

-- What a desk knows of its computer; the name only where it has none yet. The database writes down that it was here.
create function app.introduce_device(host_name text, platform text, app_version text) returns uuid
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    device constant uuid := app.begin_session(null, introduce_device.platform, introduce_device.app_version);
begin
    update app.devices d set name = left(btrim(host_name), 120)
    where d.id = device and d.clinic_id = app.current_clinic() and d.name = '?' and nullif(btrim(host_name), '') is not null;
    return device;
end $$;

do $$
declare
    f regprocedure;
begin
    grant create on schema app, internal to balcao_definer, balcao_gatekeeper;
    for f in select p.oid::regprocedure from pg_proc p join pg_roles r on r.oid = p.proowner
             where p.pronamespace in ('app'::regnamespace, 'internal'::regnamespace) and p.prosecdef
               and r.rolname not in ('balcao_definer', 'balcao_steward', 'balcao_gatekeeper') loop
        execute format('revoke all on function %s from public', f);
        execute format('alter function %s owner to %I', f, case
            when f::text ~ '^internal\.(make_login|change_group|set_verifier|remove_login|end_sessions)\(' then 'balcao_gatekeeper'
            else 'balcao_definer' end);
    end loop;
    revoke create on schema app, internal from balcao_definer, balcao_gatekeeper;
end $$;
revoke all on function internal.check_login(text, text), internal.check_say(internal.logins, text) from public;
revoke all on procedure internal.entrust_gatekeeper() from public;
-- Called by functions that run as these roles.
grant execute on function internal.check_login(text, text) to balcao_gatekeeper;
grant execute on function internal.make_login(text, text, timestamptz, text), internal.change_group(text, text, text),
    internal.set_verifier(text, text), internal.remove_login(text), internal.end_sessions(text[]),
    internal.begin_team_change(), internal.check_say(internal.logins, text), internal.keep_agenda(uuid, uuid, uuid),
    internal.take_away(internal.logins) to balcao_definer;
grant execute on function
    app.invite_member(text, text, text, uuid, uuid, text, text, integer), app.cancel_invitation(uuid),
    app.change_role(uuid, text, uuid), app.revoke_device(uuid), app.revoke_member(uuid), app.end_revoked_sessions(),
    app.list_team()
    to balcao_owner, balcao_admin;
grant execute on function app.accept_invitation(text, text, text, text), app.invitation_refusal(), app.schema_version()
    to balcao_invited;
grant execute on function app.introduce_device(text, text, text)
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;

call internal.entrust_gatekeeper();
