-- What is kept for a time only has to be let go of, and sessions that stand have to be ended, on any server: not only where the
-- database runs beside the program. Every computer of an owner, an admin or the background work asks whether it is time; the
-- clock of the database says so to one of them.

-- When something was begun for a clinic, and when it was last done.
create table internal.upkeep (
    clinic_id uuid not null,
    chore text not null,
    begun_at timestamptz not null,
    done_at timestamptz,
    constraint upkeep_pk primary key (clinic_id, chore)
);
grant select, insert, update on internal.upkeep to balcao_definer;

-- Whether the caller is to do it now: it was not done for as long as it may wait, and nobody else is at it. Whoever began it and
-- has not said within a quarter of an hour that it is done, is gone. A clock that was set back makes nothing wait.
create function app.begin_upkeep(chore text) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    clinic constant uuid := app.current_clinic();
    every constant interval := case begin_upkeep.chore when 'ageing' then interval '1 day' when 'sessions' then interval '5 minutes' end;
    known internal.upkeep;
    moment timestamptz;
begin
    if clinic is null or app.current_member_role() not in ('owner', 'admin', 'agent') then
        raise exception using errcode = 'insufficient_privilege', message = 'this login does no upkeep';
    end if;
    if every is null then
        raise exception using errcode = 'invalid_parameter_value', message = 'there is no such upkeep';
    end if;
    insert into internal.upkeep (clinic_id, chore, begun_at) values (clinic, begin_upkeep.chore, '-infinity')
    on conflict on constraint upkeep_pk do nothing;
    select u.* into known from internal.upkeep u
    where u.clinic_id = clinic and u.chore = begin_upkeep.chore for no key update;
    -- After the wait for whoever came first: what that one wrote must not lie in the future.
    moment := clock_timestamp();
    if known.done_at between moment - every and moment
        or (known.done_at is null or known.done_at < known.begun_at)
            and known.begun_at between moment - interval '15 minutes' and moment
    then
        return false;
    end if;
    update internal.upkeep u set begun_at = moment, done_at = case when u.done_at <= moment then u.done_at end
    where u.clinic_id = clinic and u.chore = begin_upkeep.chore;
    return true;
end $$;

-- It is done, where it was begun.
create function app.finish_upkeep(chore text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    clinic constant uuid := app.current_clinic();
begin
    if clinic is null or app.current_member_role() not in ('owner', 'admin', 'agent') then
        raise exception using errcode = 'insufficient_privilege', message = 'this login does no upkeep';
    end if;
    update internal.upkeep u set done_at = clock_timestamp()
    where u.clinic_id = clinic and u.chore = finish_upkeep.chore and (u.done_at is null or u.done_at < u.begun_at);
end $$;

do $$
declare
    f regprocedure;
begin
    grant create on schema app to balcao_definer;
    foreach f in array array['app.begin_upkeep(text)', 'app.finish_upkeep(text)']::regprocedure[] loop
        execute format('revoke all on function %s from public', f);
        execute format('alter function %s owner to balcao_definer', f);
    end loop;
    revoke create on schema app from balcao_definer;
end $$;
grant execute on function app.begin_upkeep(text), app.finish_upkeep(text) to balcao_owner, balcao_admin, balcao_agent;
-- A clinic on a server of its own may have no computer but those of its admins switched on.
grant execute on function app.age_audit(integer), app.forget_old_effects(), app.end_stuck_sessions() to balcao_admin;
