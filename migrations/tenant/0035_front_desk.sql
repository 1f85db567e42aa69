-- How long before a visit it is still offered to somebody who is not here: the clinic says so among what its inbox is worked
-- with.
alter table app.clinic_settings add constraint clinic_settings_lead check (
    coalesce((inbox ->> 'lead_minutes')::integer between 0 and 10080, true));

-- A connection that was removed stays for its conversations, and says so.
alter table app.channels drop constraint channels_settings;
alter table app.channels add constraint channels_settings check (
    jsonb_typeof(settings) = 'object'
    and settings - array['daily_cap', 'pace', 'typing', 'read_receipts', 'bot', 'per_instance', 'relay_url', 'removed'] = '{}'
    and case when settings ? 'daily_cap' then case when jsonb_typeof(settings -> 'daily_cap') = 'number'
        then (settings ->> 'daily_cap')::numeric between 1 and 100000 else false end else true end
    and coalesce(settings ->> 'pace', 'calm') in ('calm', 'brisk', 'none')
    and coalesce(jsonb_typeof(settings -> 'typing'), 'boolean') = 'boolean'
    and coalesce(jsonb_typeof(settings -> 'read_receipts'), 'boolean') = 'boolean'
    and coalesce(jsonb_typeof(settings -> 'bot'), 'boolean') = 'boolean'
    and coalesce(jsonb_typeof(settings -> 'per_instance'), 'boolean') = 'boolean'
    and coalesce(jsonb_typeof(settings -> 'relay_url'), 'string') = 'string'
    and coalesce(jsonb_typeof(settings -> 'removed'), 'boolean') = 'boolean');

-- The file of a message that somebody has written, held until the transaction ends: nobody else brings or finishes it.
create function internal.own_media(speaker internal.logins, message uuid) returns app.media
    language sql security definer set search_path = pg_catalog, pg_temp
    as $$
    select f.* from app.media f join app.messages m on m.clinic_id = f.clinic_id and m.id = f.message_id
    where f.clinic_id = speaker.clinic_id and f.message_id = own_media.message and m.sender_id = speaker.member_id
    for no key update of f
$$;

-- As before, by that.
create or replace function app.put_media_chunk(message uuid, place integer, bytes bytea) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    file constant app.media := internal.own_media(internal.media_speaker(), put_media_chunk.message);
begin
    if file.state = 'uploading' and put_media_chunk.place * 262144::bigint < file.size_bytes then
        insert into app.media_chunks (clinic_id, media_id, place, bytes)
        values (file.clinic_id, file.id, put_media_chunk.place, put_media_chunk.bytes)
        on conflict on constraint media_chunks_pk do nothing;
    end if;
end $$;

create or replace function app.finish_media(message uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    file constant app.media := internal.own_media(internal.media_speaker(), finish_media.message);
begin
    if file.id is null or file.state <> 'uploading' then
        return file.id is not null;
    end if;
    if (select sha256(string_agg(c.bytes, '' order by c.place)) from app.media_chunks c
        where c.clinic_id = file.clinic_id and c.media_id = file.id) is distinct from file.sha256
    then
        delete from app.media_chunks c where c.clinic_id = file.clinic_id and c.media_id = file.id;
        return false;
    end if;
    update app.media f set state = 'stored' where f.clinic_id = file.clinic_id and f.id = file.id;
    return true;
end $$;

do $$
begin
    grant create on schema internal to balcao_definer;
    revoke all on function internal.own_media(internal.logins, uuid) from public;
    alter function internal.own_media(internal.logins, uuid) owner to balcao_definer;
    revoke create on schema internal from balcao_definer;
end $$;
