-- For how long the clinic keeps the files of its messages. When their time is over the bytes go; the message stays, with the
-- name, the kind, the size and the small picture of its file.

-- Months, 0 for ever; two years where nothing was chosen.
alter table app.clinic_settings
    add constraint clinic_settings_files check (coalesce((inbox ->> 'files_months')::integer between 0 and 1200, true));

alter table app.media drop constraint media_state;
alter table app.media
    add column removed_at timestamptz,
    add column kept_months integer,
    add constraint media_state
        check (state in ('uploading', 'pending', 'stored', 'expired', 'too_large', 'failed', 'removed')),
    add constraint media_removed check ((state = 'removed') = (removed_at is not null and kept_months is not null));
alter table app.media alter column removed_at set statistics 0, alter column kept_months set statistics 0;

create or replace function internal.media_tells_message() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    update app.messages m
    set attachment = coalesce(m.attachment, '{}') || jsonb_build_object('file', new.state)
        || case when new.state = 'stored'
                then jsonb_build_object('mime_type', new.mime_type, 'size_bytes', new.size_bytes) else '{}' end
        || case when new.state = 'stored' and new.file_name is not null
                then jsonb_build_object('file_name', new.file_name) else '{}' end
        || case when new.state = 'removed'
                then jsonb_build_object('removed_at', new.removed_at, 'kept_months', new.kept_months) else '{}' end
    where m.clinic_id = new.clinic_id and m.id = new.message_id;
    return null;
end $$;

-- When the files of a clinic were last looked through to the end.
create table internal.media_age (
    clinic_id uuid primary key,
    done_at timestamptz not null
);
grant select, insert, update on internal.media_age to balcao_definer;

-- Removes files of the caller's clinic whose time is over, a few at a time, and once a day only: whichever computer asks, it is
-- the clock here that counts. A file that came in the last thirty days stays, however old its message is: somebody asked for it.
-- The audit is told how many files that were, and no more. Returns that; 0 means that it is done for today.
create function app.age_media(max_files integer default 50) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker internal.logins;
    most constant integer := least(greatest(coalesce(max_files, 50), 1), 500);
    months integer;
    files bigint := 0;
    bytes bigint := 0;
begin
    select * into speaker from internal.logins
    where login = session_user::text collate "default" and revoked_at is null;
    if speaker.clinic_id is null then
        raise exception using errcode = 'insufficient_privilege', message = 'this login speaks for no clinic';
    end if;
    if exists (select from internal.media_age g
               where g.clinic_id = speaker.clinic_id and g.done_at between clock_timestamp() - interval '1 day' and clock_timestamp()) then
        return 0;
    end if;
    months := coalesce((select (s.inbox ->> 'files_months')::integer from app.clinic_settings s
                        where s.clinic_id = speaker.clinic_id), 24);
    if months > 0 then
        with due as (
            select f.id, f.size_bytes from app.media f
            join app.messages m on m.clinic_id = f.clinic_id and m.id = f.message_id
            where f.clinic_id = speaker.clinic_id and f.state = 'stored'
              and m.sent_at < clock_timestamp() - make_interval(months => months)
              and f.updated_at < clock_timestamp() - interval '30 days'
            limit most for no key update of f skip locked
        ), old as (
            -- The first of them, and as many more as go in a few seconds on any disk.
            select d.id from (select due.id, sum(due.size_bytes) over (order by due.id) - due.size_bytes as before from due) d
            where d.before < 67108864
        ), gone as (
            delete from app.media_chunks c using old where c.clinic_id = speaker.clinic_id and c.media_id = old.id
        ), told as (
            update app.media f
            set state = 'removed', removed_at = clock_timestamp(), kept_months = months, sha256 = null
            from old where f.clinic_id = speaker.clinic_id and f.id = old.id
            returning f.size_bytes
        )
        select count(*), coalesce(sum(told.size_bytes), 0) into files, bytes from told;
    end if;
    if files > 0 then
        insert into app.audit_logs
            (clinic_id, action, member_id, device_id, application, address, new_values)
        values (speaker.clinic_id, 'files_removed', speaker.member_id, speaker.device_id,
                current_setting('application_name', true), inet_client_addr(),
                jsonb_build_object('files', files, 'bytes', bytes, 'kept_months', months));
    end if;
    if files = 0 then
        insert into internal.media_age as g (clinic_id, done_at) values (speaker.clinic_id, clock_timestamp())
        on conflict (clinic_id) do update set done_at = excluded.done_at;
    end if;
    return files;
end $$;

do $$
begin
    grant create on schema app to balcao_definer;
    revoke all on function app.age_media(integer) from public;
    alter function app.age_media(integer) owner to balcao_definer;
    revoke create on schema app from balcao_definer;
end $$;
grant execute on function app.age_media(integer) to balcao_owner, balcao_agent;
