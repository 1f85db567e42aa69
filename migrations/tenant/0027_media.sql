-- Files of messages: their bytes, what became of them, and the way of those that a desk sends.

-- One file for one message. What the sender says of it is not believed: `mime_type` of a stored file is what its bytes are.
-- `uploading` waits for its desk, `pending` for the gateway; of `expired` the gateway says that it has it no longer.
alter table app.media
    add column handle text,
    add column tries integer not null default 0,
    add column next_try_at timestamptz,
    add column problem text constraint media_problem check (problem ~ '^[a-z_]{1,40}$');
alter table app.media drop constraint media_state;
alter table app.media
    add constraint media_state
        check (state in ('uploading', 'pending', 'stored', 'expired', 'too_large', 'failed')),
    add constraint media_of_message unique (clinic_id, message_id);
alter table app.media
    alter column handle set statistics 0, alter column tries set statistics 0, alter column problem set statistics 0;
create index media_to_fetch on app.media (clinic_id, next_try_at) where state = 'pending' and next_try_at is not null;
grant insert (handle, tries, next_try_at, problem), update (handle, tries, next_try_at, problem)
    on app.media to balcao_owner, balcao_agent;

-- The bytes, in pieces that fit any memory. They are no part of the feed: a desk asks for them when somebody looks.
create table app.media_chunks (
    clinic_id uuid not null,
    media_id uuid not null,
    place integer not null constraint media_chunks_place check (place >= 0 and place < 512),
    bytes bytea not null constraint media_chunks_bytes check (octet_length(bytes) between 1 and 262144),
    constraint media_chunks_pk primary key (clinic_id, media_id, place),
    constraint media_chunks_media foreign key (clinic_id, media_id) references app.media on delete cascade
);
-- Pictures and sound are as small as they get.
alter table app.media_chunks alter column bytes set storage external;
alter table app.media_chunks
    alter column clinic_id set statistics 0, alter column media_id set statistics 0, alter column place set statistics 0,
    alter column bytes set statistics 0;
alter table app.media_chunks enable row level security, force row level security;
create policy own_clinic on app.media_chunks for all
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent
    using (clinic_id = (select id from app.own_clinic)) with check (clinic_id = (select id from app.own_clinic));
create policy definer_functions on app.media_chunks for all to balcao_definer using (true) with check (true);
grant select, insert, update, delete on app.media_chunks to balcao_definer;
grant select on app.media_chunks to balcao_owner, balcao_admin, balcao_attendant, balcao_viewer, balcao_agent;
grant insert on app.media_chunks to balcao_owner, balcao_agent;

-- A desk hears what became of a file from the message itself.
create function internal.media_tells_message() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    update app.messages m
    set attachment = coalesce(m.attachment, '{}') || jsonb_build_object('file', new.state)
        || case when new.state = 'stored'
                then jsonb_build_object('mime_type', new.mime_type, 'size_bytes', new.size_bytes) else '{}' end
        || case when new.state = 'stored' and new.file_name is not null
                then jsonb_build_object('file_name', new.file_name) else '{}' end
    where m.clinic_id = new.clinic_id and m.id = new.message_id;
    return null;
end $$;
create trigger tells_message after update of state on app.media
    for each row when (old.state is distinct from new.state) execute function internal.media_tells_message();

-- A member who writes to people, and works with their files.
create function internal.media_speaker() returns internal.logins
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker internal.logins;
begin
    select * into speaker from internal.logins
    where login = session_user::text collate "default" and revoked_at is null;
    if speaker.role is null or speaker.role not in ('owner', 'admin', 'attendant') then
        raise exception using errcode = 'insufficient_privilege', message = 'this role does nothing with files';
    end if;
    return speaker;
end $$;

-- Has the file of a message fetched, once more or for the first time. False where there is nothing to fetch.
create function app.fetch_media(message uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    clinic constant uuid := (internal.media_speaker()).clinic_id;
begin
    update app.media f set state = 'pending', tries = 0, problem = null, next_try_at = clock_timestamp()
    where f.clinic_id = clinic and f.message_id = fetch_media.message and f.state in ('pending', 'expired', 'failed');
    if not found then
        insert into app.media (clinic_id, message_id, mime_type, file_name, next_try_at)
        select m.clinic_id, m.id, coalesce(m.attachment ->> 'mime_type', ''), m.attachment ->> 'file_name', clock_timestamp()
        from app.messages m
        where m.clinic_id = clinic and m.id = fetch_media.message and m.gateway_id is not null and m.revoked_at is null
          and m.kind in ('image', 'audio', 'video', 'document', 'sticker')
        on conflict on constraint media_of_message do nothing;
        if not found then
            return false;
        end if;
    end if;
    update app.messages m set attachment = coalesce(m.attachment, '{}') || '{"file": "pending"}'
    where m.clinic_id = clinic and m.id = fetch_media.message and m.attachment ->> 'file' is distinct from 'pending';
    return true;
end $$;

-- The file of a message that the caller has written and that was not sent yet: announced once, whatever is told again. Says
-- which pieces are there already, and null when there is no such message.
create function app.offer_media(message uuid, mime_type text, file_name text, size_bytes bigint, sha256 bytea)
    returns integer[]
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    speaker constant internal.logins := internal.media_speaker();
    file app.media;
begin
    perform from app.messages m
    where m.clinic_id = speaker.clinic_id and m.id = offer_media.message and m.sender_id = speaker.member_id
      and m.direction = 'outbound' and m.kind in ('image', 'audio', 'video', 'document', 'sticker') for no key update;
    if not found then
        return null;
    end if;
    if not coalesce(offer_media.size_bytes between 1 and 33554432 and octet_length(offer_media.sha256) = 32, false) then
        raise exception using errcode = 'check_violation', constraint = 'media_size', message = 'this is no file to send';
    end if;
    insert into app.media (clinic_id, message_id, mime_type, file_name, size_bytes, sha256, storage, state)
    values (speaker.clinic_id, offer_media.message, offer_media.mime_type, left(offer_media.file_name, 255),
            offer_media.size_bytes, offer_media.sha256, 'database', 'uploading')
    on conflict on constraint media_of_message do nothing;
    select f.* into file from app.media f where f.clinic_id = speaker.clinic_id and f.message_id = offer_media.message;
    if file.state = 'stored' then
        return array(select generate_series(0, 511));
    end if;
    return array(select c.place from app.media_chunks c
                 where c.clinic_id = speaker.clinic_id and c.media_id = file.id order by c.place);
end $$;

-- One piece of it.
create function app.put_media_chunk(message uuid, place integer, bytes bytea) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    speaker constant internal.logins := internal.media_speaker();
begin
    insert into app.media_chunks (clinic_id, media_id, place, bytes)
    select f.clinic_id, f.id, put_media_chunk.place, put_media_chunk.bytes
    from app.media f join app.messages m on m.clinic_id = f.clinic_id and m.id = f.message_id
    where f.clinic_id = speaker.clinic_id and f.message_id = put_media_chunk.message and f.state = 'uploading'
      and m.sender_id = speaker.member_id and put_media_chunk.place * 262144::bigint < f.size_bytes
    on conflict on constraint media_chunks_pk do nothing;
end $$;

-- All of it is there: it may be sent. Pieces that are not the file that was announced are thrown away, and that is false.
create function app.finish_media(message uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    speaker constant internal.logins := internal.media_speaker();
    file app.media;
begin
    select f.* into file from app.media f join app.messages m on m.clinic_id = f.clinic_id and m.id = f.message_id
    where f.clinic_id = speaker.clinic_id and f.message_id = finish_media.message and m.sender_id = speaker.member_id
    for no key update of f;
    if file.id is null or file.state <> 'uploading' then
        return file.id is not null;
    end if;
    if (select sha256(string_agg(c.bytes, '' order by c.place)) from app.media_chunks c
        where c.clinic_id = speaker.clinic_id and c.media_id = file.id) is distinct from file.sha256
    then
        delete from app.media_chunks c where c.clinic_id = speaker.clinic_id and c.media_id = file.id;
        return false;
    end if;
    update app.media f set state = 'stored' where f.clinic_id = speaker.clinic_id and f.id = file.id;
    return true;
end $$;

-- How often a file was tried, and by what Meta knows it, is nothing about the person.
do $$
declare
    source text := pg_get_functiondef('app.export_person(uuid, text)'::regprocedure);
    kept constant text := $q$to_jsonb(f) - ours - 'sha256'$q$;
    f regprocedure;
begin
    if length(source) - length(replace(source, kept, '')) <> length(kept) then
        raise exception 'app.export_person tells of files otherwise than this migration knows';
    end if;
    execute replace(source, kept, $q$to_jsonb(f) - ours - array['sha256', 'handle', 'tries', 'next_try_at', 'problem']$q$);

    grant create on schema app, internal to balcao_definer;
    foreach f in array array[
        'internal.media_tells_message()', 'internal.media_speaker()', 'app.fetch_media(uuid)',
        'app.offer_media(uuid, text, text, bigint, bytea)', 'app.put_media_chunk(uuid, integer, bytea)',
        'app.finish_media(uuid)']::regprocedure[]
    loop
        execute format('revoke all on function %s from public', f);
        execute format('alter function %s owner to balcao_definer', f);
    end loop;
    revoke create on schema app, internal from balcao_definer;
end $$;
grant execute on function app.fetch_media(uuid), app.offer_media(uuid, text, text, bigint, bytea),
    app.put_media_chunk(uuid, integer, bytea), app.finish_media(uuid)
    to balcao_owner, balcao_admin, balcao_attendant;
