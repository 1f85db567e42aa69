-- Schemas, roles, who is logged in, and the machinery that every table of a clinic shares.

create schema if not exists ext;
create schema app;
create schema if not exists internal;

create extension if not exists btree_gist with schema ext;
create extension if not exists btree_gin with schema ext;
create extension if not exists pg_trgm with schema ext;
create extension if not exists unaccent with schema ext;

-- Roles belong to the whole server, this file to one database: a role made by an earlier database is kept.
do $$
declare
    r text;
begin
    foreach r in array array[
        'balcao_owner', 'balcao_admin', 'balcao_attendant', 'balcao_professional', 'balcao_viewer', 'balcao_agent',
        'balcao_definer'
    ] loop
        begin
            execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole inherit', r);
        exception when duplicate_object or unique_violation then null;
        end;
    end loop;
    -- Only a member may hand functions to the role that owns them; a superuser counts as a member of every role.
    if not (select rolsuper from pg_roles where rolname = current_user) then
        grant balcao_definer to current_user;
    end if;
end $$;

revoke all on schema public from public;
revoke all on schema app, internal from public;
grant usage on schema app, ext
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent, balcao_definer;
grant usage on schema internal to balcao_definer;
alter default privileges revoke execute on functions from public;

-- Which clinic and member a login speaks for. No desk role can read this table; the functions below answer
-- only for the login that asks. `session_user` cannot be changed by the person who holds the connection.
create table internal.logins (
    login text primary key,
    clinic_id uuid not null,
    member_id uuid not null,
    device_id uuid,
    role text not null
        constraint logins_role check (role in ('owner', 'admin', 'attendant', 'professional', 'viewer', 'agent')),
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);
create index logins_by_clinic on internal.logins (clinic_id, member_id);

-- The epoch changes after a restore or a move to another server: a desk that sees another one rebuilds its copy.
create table internal.feed (
    only_row boolean primary key default true constraint feed_only_row check (only_row),
    epoch uuid not null default gen_random_uuid()
);
insert into internal.feed default values;

-- The name of a clinic's notification channel is a secret of that clinic.
create table internal.listen_channels (
    clinic_id uuid primary key,
    channel text not null unique
);

grant select on internal.logins, internal.feed, internal.listen_channels to balcao_definer;

create function app.current_clinic() returns uuid
    language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
    as $$ select clinic_id from internal.logins where login = session_user and revoked_at is null $$;

create function app.current_member() returns uuid
    language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
    as $$ select member_id from internal.logins where login = session_user and revoked_at is null $$;

create function app.current_device() returns uuid
    language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
    as $$ select device_id from internal.logins where login = session_user and revoked_at is null $$;

create function app.current_member_role() returns text
    language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
    as $$ select role from internal.logins where login = session_user and revoked_at is null $$;

create function app.feed_epoch() returns uuid
    language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
    as $$ select epoch from internal.feed $$;

create function app.listen_channel() returns text
    language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
    as $$ select channel from internal.listen_channels where clinic_id = app.current_clinic() $$;

-- Text as people search it: lower case, without accents. Immutable so that indexes may use it; `unaccent` is only
-- stable because its dictionary could be replaced, which no desk role can do.
create function app.fold(value text) returns text
    language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp
    as $$ select lower(ext.unaccent('ext.unaccent'::regdictionary, value)) $$;

-- Deletion is a row, never an absence.
create table app.tombstones (
    clinic_id uuid not null,
    id uuid not null,
    entity text not null,
    change_xid xid8 not null default pg_current_xact_id(),
    deleted_at timestamptz not null default now(),
    constraint tombstones_pk primary key (clinic_id, entity, id)
);
create index tombstones_by_change on app.tombstones (clinic_id, change_xid);

create function internal.stamp_change() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
    as $$
begin
    new.version := old.version + 1;
    new.change_xid := pg_current_xact_id();
    new.updated_at := now();
    new.created_at := old.created_at;
    return new;
end $$;

-- A client may not choose the version or the change mark of a new row: both decide what others will be sent.
create function internal.stamp_insert() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
    as $$
begin
    new.version := 1;
    new.change_xid := pg_current_xact_id();
    new.updated_at := now();
    return new;
end $$;

create function internal.leave_tombstone() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    insert into app.tombstones (clinic_id, id, entity) values (old.clinic_id, old.id, tg_table_name)
    on conflict on constraint tombstones_pk do update set change_xid = pg_current_xact_id(), deleted_at = now();
    return null;
end $$;

-- Wakes the desks of the clinics that a statement touched. The notification carries no data: it is a hint.
create function internal.notify_desks() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    secret text;
begin
    for secret in
        select channel from internal.listen_channels where clinic_id in (select distinct clinic_id from changed)
    loop
        perform pg_notify(secret, '');
    end loop;
    return null;
end $$;

-- Gives a table what every copied table needs: the change mark and its index, the tombstone, the notification.
create procedure internal.track(entity text)
    language plpgsql set search_path = pg_catalog, pg_temp
    as $$
begin
    execute format('create index %I on app.%I (clinic_id, change_xid)', entity || '_by_change', entity);
    execute format('create trigger zz_stamp_insert before insert on app.%I for each row
                    execute function internal.stamp_insert()', entity);
    execute format('create trigger zz_stamp_change before update on app.%I for each row
                    execute function internal.stamp_change()', entity);
    execute format('create trigger leave_tombstone after delete on app.%I for each row
                    execute function internal.leave_tombstone()', entity);
    execute format('create trigger notify_insert after insert on app.%I referencing new table as changed
                    for each statement execute function internal.notify_desks()', entity);
    execute format('create trigger notify_update after update on app.%I referencing new table as changed
                    for each statement execute function internal.notify_desks()', entity);
    execute format('create trigger notify_delete after delete on app.%I referencing old table as changed
                    for each statement execute function internal.notify_desks()', entity);
end $$;
