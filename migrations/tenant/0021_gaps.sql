-- What the wall costs, where somebody comes from who comes through the front, and what is left of somebody who was erased.

-- Who asks, as views: a policy that reads one has the look-up in its own plan, made once for a prepared question. A function
-- of the definer was set up anew with each question, in PostgreSQL before 18 with a plan of its own, and that took longer than
-- a short question itself. One column each: a second one that is not asked for is a further step of the plan.
--
-- `security_barrier` and `offset 0` are what keeps others' rows in: without the first a filter of the asker's own could be tried
-- on every login, without the second the planner would take that filter inside, and its choice of an index would tell
-- whether there is a clinic of that id.
create view app.own_clinic with (security_barrier) as
    select clinic_id as id from internal.logins
    where login = session_user::text collate "default" and revoked_at is null offset 0;
create view app.own_member with (security_barrier) as
    select member_id as id from internal.logins
    where login = session_user::text collate "default" and revoked_at is null offset 0;
create view app.own_agenda with (security_barrier) as
    select p.id from app.professionals p
    join internal.logins l on l.clinic_id = p.clinic_id and l.member_id = p.member_id
    where l.login = session_user::text collate "default" and l.revoked_at is null offset 0;

do $$
begin
    grant create on schema app to balcao_definer;
    alter view app.own_clinic owner to balcao_definer;
    alter view app.own_member owner to balcao_definer;
    alter view app.own_agenda owner to balcao_definer;
    revoke create on schema app from balcao_definer;
end $$;
grant select on app.own_clinic, app.own_member
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;
grant select on app.own_agenda to balcao_professional;

do $$
declare
    p record;
begin
    for p in
        select tablename, policyname,
               replace(replace(replace(qual,
                   '( SELECT app.current_clinic() AS current_clinic)', '(select id from app.own_clinic)'),
                   '( SELECT app.current_member() AS current_member)', '(select id from app.own_member)'),
                   '( SELECT app.own_agendas() AS own_agendas)::uuid[]', 'array(select id from app.own_agenda)') as sees,
               replace(replace(replace(with_check,
                   '( SELECT app.current_clinic() AS current_clinic)', '(select id from app.own_clinic)'),
                   '( SELECT app.current_member() AS current_member)', '(select id from app.own_member)'),
                   '( SELECT app.own_agendas() AS own_agendas)::uuid[]', 'array(select id from app.own_agenda)') as writes
        from pg_policies
        where schemaname = 'app' and concat(qual, with_check) ~ 'app\.(current_clinic|current_member|own_agendas)\(\)'
    loop
        execute format('alter policy %I on app.%I %s %s', p.policyname, p.tablename,
                       'using (' || p.sees || ')', 'with check (' || p.writes || ')');
    end loop;
end $$;

-- Where a session comes from. A desk of the clinic's own network comes through the front, which stands on the same computer as
-- the database and says with the first packet whom it carries; what the packet said of that before is gone. Whatever the
-- session sets later is not asked: the value it began with is. Whoever comes over loopback without the front could begin with
-- any address: that is a login used at the very computer of the clinic.
create function internal.client_address() returns inet
    language plpgsql volatile set search_path = pg_catalog, pg_temp
    as $$
declare
    direct constant inet := inet_client_addr();
    carried text;
begin
    if direct is null or not (direct <<= inet '127.0.0.0/8' or direct = inet '::1')
        or current_setting('balcao.peer', true) is null
    then
        return direct;
    end if;
    carried := set_config('balcao.peer', null, true);
    begin
        return coalesce(nullif(carried, '')::inet, direct);
    exception when invalid_text_representation then
        return direct;
    end;
end $$;
revoke all on function internal.client_address() from public;
grant execute on function internal.client_address() to balcao_definer;

do $$
declare
    f record;
begin
    for f in
        select replace(pg_get_functiondef(p.oid), 'inet_client_addr()', '(select internal.client_address())') as better
        from pg_proc p
        where p.pronamespace in ('app'::regnamespace, 'internal'::regnamespace) and p.prokind = 'f'
          and p.prosrc like '%inet_client_addr()%' and p.oid <> 'internal.client_address()'::regprocedure
    loop
        execute f.better;
    end loop;
end $$;

-- What the gateway called the messages of people who were erased, as digests: what it says of them later is dropped, with the
-- text that may be in it.
create table internal.erased_messages (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    digest bytea not null,
    primary key (clinic_id, digest)
);
grant select on internal.erased_messages to balcao_definer;
grant select, insert on internal.erased_messages to balcao_eraser;

create function internal.message_digest(channel uuid, gateway_id text) returns bytea
    language sql stable strict parallel safe set search_path = pg_catalog, pg_temp
    as $$ select sha256(convert_to(channel::text || '/' || gateway_id, 'UTF8')) $$;

do $$
declare
    source text := pg_get_functiondef('internal.erase_person(uuid, uuid, text, uuid, timestamptz)'::regprocedure);
    change record;
begin
    for change in select * from (values
        ($q$    delete from app.pending_effects p where p.clinic_id = clinic and p.gateway_id in ($q$,
         $q$    with dropped as (delete from app.pending_effects p where p.clinic_id = clinic and p.gateway_id in ($q$),
        ($q$        where g.clinic_id = clinic and g.id = any (raw));
    -- The digest stays$q$,
         $q$        where g.clinic_id = clinic and g.id = any (raw)) returning p.channel_id, p.gateway_id)
    insert into internal.erased_messages (clinic_id, digest)
    select distinct clinic, internal.message_digest(d.channel_id, d.gateway_id) from dropped d on conflict do nothing;
    -- The digest stays$q$),
        ($q$    delete from app.messages m where m.clinic_id = clinic and m.id = any (letters);$q$,
         $q$    insert into internal.erased_messages (clinic_id, digest)
    select clinic, internal.message_digest(m.channel_id, m.gateway_id) from app.messages m
    where m.clinic_id = clinic and m.id = any (letters) and m.channel_id is not null and m.gateway_id is not null
    on conflict do nothing;
    delete from app.messages m where m.clinic_id = clinic and m.id = any (letters);$q$)) as c (stands, becomes)
    loop
        if length(source) - length(replace(source, change.stands, '')) <> length(change.stands) then
            raise exception 'internal.erase_person is otherwise than this migration knows';
        end if;
        source := replace(source, change.stands, change.becomes);
    end loop;
    execute source;
end $$;

-- Whether a message of the caller's clinic was of somebody who was erased since.
create function app.is_message_erased(channel uuid, message text) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    select exists (
        select from internal.erased_messages e
        where e.clinic_id = app.current_clinic() and e.digest = internal.message_digest(channel, message))
$$;

create function internal.forget_effect() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    if exists (
        select from internal.erased_messages e
        where e.clinic_id = new.clinic_id and e.digest = internal.message_digest(new.channel_id, new.gateway_id))
    then
        return null;
    end if;
    return new;
end $$;
create trigger forget_effect before insert on app.pending_effects
    for each row execute function internal.forget_effect();

-- What is said of a message waits for it thirty days: one that has not come by then does not come. Returns how many effects of
-- the caller's clinic that was.
create function app.forget_old_effects() returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    gone bigint;
begin
    delete from app.pending_effects e
    where e.clinic_id = app.current_clinic() and e.created_at < now() - interval '30 days';
    get diagnostics gone = row_count;
    return gone;
end $$;

do $$
declare
    f regprocedure;
begin
    grant create on schema app, internal to balcao_definer;
    foreach f in array array[
        'app.is_message_erased(uuid, text)', 'internal.forget_effect()', 'app.forget_old_effects()']::regprocedure[]
    loop
        execute format('revoke all on function %s from public', f);
        execute format('alter function %s owner to balcao_definer', f);
    end loop;
    revoke create on schema app, internal from balcao_definer;
end $$;
revoke all on function internal.message_digest(uuid, text) from public;
-- Called by functions that run as these roles.
grant execute on function internal.message_digest(uuid, text) to balcao_definer, balcao_eraser;
grant execute on function app.is_message_erased(uuid, text), app.forget_old_effects() to balcao_agent;
