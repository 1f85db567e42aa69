-- Objects that their bucket refuses, files on their way that take long, and buckets that are changed while the work is at it.

alter table app.buckets
    -- The problem is one of writing, or perhaps of one object: what is there is read all the same.
    add column still_read boolean not null default false;

-- A file that is not kept any more has no pieces either: neither those that were here, nor the first ones of a way that was not
-- gone to its end.
create or replace function internal.media_leaves_bucket() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    delete from app.media_objects o where o.clinic_id = new.clinic_id and o.media_id = new.id;
    delete from app.media_chunks c where c.clinic_id = new.clinic_id and c.media_id = new.id;
    return null;
end $$;
drop trigger leaves_bucket on app.media;
create trigger leaves_bucket after update of state on app.media
    for each row when (old.state in ('pending', 'stored') and new.state not in ('pending', 'stored'))
    execute function internal.media_leaves_bucket();

-- As before, but only files that were found there keep another one from being named. Another place is another bucket, by another
-- id: a computer that still works with the place of before does nothing in the name of this one. What waits for a while is tried
-- at once: whoever says it again has mended something.
create or replace function app.use_bucket(endpoint text, bucket text, region text, after_days integer) returns uuid
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    speaker constant internal.logins := internal.bucket_speaker(array['owner', 'admin']);
    known app.buckets;
    is_elsewhere boolean;
    named uuid;
begin
    select b.* into known from app.buckets b where b.clinic_id = speaker.clinic_id for no key update;
    is_elsewhere := (known.endpoint, known.bucket, known.region)
        is distinct from (use_bucket.endpoint, use_bucket.bucket, use_bucket.region);
    if is_elsewhere then
        if exists (select from app.media_objects o where o.clinic_id = speaker.clinic_id and o.moved_at is not null) then
            raise exception using errcode = 'check_violation', constraint = 'buckets_in_use',
                message = 'files are in another bucket';
        end if;
        -- Every file is here. What may be there all the same is noise without a key.
        delete from app.media_objects o where o.clinic_id = speaker.clinic_id;
        delete from app.objects_gone g where g.clinic_id = speaker.clinic_id;
    else
        update app.media_objects o set tries = 0, next_try_at = clock_timestamp()
        where o.clinic_id = speaker.clinic_id and o.next_try_at > clock_timestamp();
        -- Those without a problem wait for something else.
        update app.objects_gone g set tries = 0, next_try_at = clock_timestamp()
        where g.clinic_id = speaker.clinic_id and g.problem is not null and g.next_try_at > clock_timestamp();
    end if;
    insert into app.buckets as b (clinic_id, endpoint, bucket, region, after_days)
    values (speaker.clinic_id, use_bucket.endpoint, use_bucket.bucket, use_bucket.region, use_bucket.after_days)
    on conflict on constraint buckets_one do update
        set id = case when is_elsewhere then excluded.id else b.id end,
            endpoint = excluded.endpoint, bucket = excluded.bucket, region = excluded.region, after_days = excluded.after_days,
            emptying_since = null, problem = null, problem_since = null, still_read = false
    returning b.id into named;
    perform internal.audit_bucket(speaker, 'bucket_used', jsonb_build_object(
        'endpoint', use_bucket.endpoint, 'bucket', use_bucket.bucket, 'after_days', use_bucket.after_days));
    perform internal.wake_desks(speaker.clinic_id);
    return named;
end $$;

-- As before. The bucket's row is held first, here and by whoever moves files, so that nothing goes there behind this.
create or replace function app.empty_bucket() returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker constant internal.logins := internal.bucket_speaker(array['owner', 'admin']);
begin
    perform from app.buckets b where b.clinic_id = speaker.clinic_id for update;
    if not found then
        return false;
    end if;
    update app.buckets b set emptying_since = coalesce(b.emptying_since, clock_timestamp()),
        problem = null, problem_since = null, still_read = false
    where b.clinic_id = speaker.clinic_id;
    -- What is on its way there is here, and what was given up once is tried once more.
    delete from app.media_objects o where o.clinic_id = speaker.clinic_id and o.moved_at is null;
    update app.media_objects o set tries = 0, next_try_at = clock_timestamp()
    where o.clinic_id = speaker.clinic_id and o.next_try_at > clock_timestamp();
    perform internal.audit_bucket(speaker, 'bucket_emptied', null);
    perform internal.wake_desks(speaker.clinic_id);
    return true;
end $$;

-- Gives up a bucket that is lost, and with it the files that are nowhere else: a thousand at a time, so that each call is answered
-- soon. Says of how many that was, and whether it was the last call: only then the bucket is forgotten. A gateway may have them.
drop function app.abandon_bucket();
create function app.abandon_bucket(out lost bigint, out is_over boolean)
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker constant internal.logins := internal.bucket_speaker(array['owner', 'admin']);
    taken uuid[];
begin
    lost := 0;
    is_over := true;
    -- Whoever brings or moves a file waits for this, and finds that there is no bucket.
    perform from app.buckets b where b.clinic_id = speaker.clinic_id for update;
    if not found then
        return;
    end if;
    -- Nothing goes there between two calls.
    update app.buckets b set emptying_since = coalesce(b.emptying_since, clock_timestamp()) where b.clinic_id = speaker.clinic_id;
    taken := array(select o.media_id from app.media_objects o where o.clinic_id = speaker.clinic_id limit 1000);
    update app.media f set state = 'expired', problem = 'bucket_lost'
    from app.media_objects o
    where f.clinic_id = speaker.clinic_id and f.id = any (taken) and f.state = 'stored'
      and o.clinic_id = f.clinic_id and o.media_id = f.id and o.moved_at is not null and o.brought_at is null;
    get diagnostics lost = row_count;
    delete from app.media_objects o where o.clinic_id = speaker.clinic_id and o.media_id = any (taken);
    -- Nobody deletes there any more.
    delete from app.objects_gone g where g.clinic_id = speaker.clinic_id;
    is_over := not exists (select from app.media_objects o where o.clinic_id = speaker.clinic_id);
    if is_over then
        delete from app.buckets b where b.clinic_id = speaker.clinic_id;
    end if;
    perform internal.audit_bucket(speaker, 'bucket_abandoned', jsonb_build_object('files', lost));
    perform internal.wake_desks(speaker.clinic_id);
end $$;

-- Files whose time to go there has come, and that nobody has begun with: so many at the most. One that was written here goes when
-- the gateway has it, and when it is not sent again any more, or a week later.
drop function internal.media_to_move(uuid, integer);
create function internal.media_to_move(clinic uuid, after_days integer, most bigint) returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
    select f.id from app.media f join app.messages m on m.clinic_id = f.clinic_id and m.id = f.message_id
    where f.clinic_id = clinic and f.state = 'stored' and f.size_bytes > 0 and m.gateway_id is not null
      and f.updated_at <= clock_timestamp() - make_interval(days => after_days)
      and m.sent_at <= clock_timestamp() - make_interval(days => after_days)
      and (m.direction = 'inbound' or m.status in ('delivered', 'read', 'played')
           or m.sent_at < clock_timestamp() - interval '7 days')
      and not exists (select from app.media_objects o where o.clinic_id = f.clinic_id and o.media_id = f.id)
    limit most
$$;

-- As before; of those that are to go there no more are counted than anybody reads, and something is wrong with those that do not
-- come back.
create or replace function app.bucket_state()
    returns table (id uuid, endpoint text, bucket text, region text, after_days integer, emptying_since timestamptz, problem text,
                   problem_since timestamptz, files bigint, bytes bigint, leaving bigint, wanted bigint, failing bigint, deleting bigint)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    clinic constant uuid := (internal.bucket_speaker(array['owner', 'admin', 'agent'])).clinic_id;
begin
    return query
    with there as (
        select count(*) filter (where o.moved_at is not null) as files,
               coalesce(sum(f.size_bytes) filter (where o.moved_at is not null), 0)::bigint as bytes,
               count(*) filter (where o.moved_at is null) as begun,
               count(*) filter (where o.wanted_at is not null) as wanted,
               count(*) filter (where o.problem is not null and o.moved_at is not null and o.brought_at is null) as failing
        from app.media_objects o join app.media f on f.clinic_id = o.clinic_id and f.id = o.media_id
        where o.clinic_id = clinic
    )
    select b.id, b.endpoint, b.bucket, b.region, b.after_days, b.emptying_since, b.problem, b.problem_since, t.files, t.bytes,
           case when b.emptying_since is null
                then t.begun + (select count(*) from internal.media_to_move(clinic, b.after_days, 10001)) else 0 end,
           t.wanted, t.failing, (select count(*) from app.objects_gone g where g.clinic_id = clinic)
    from app.buckets b cross join there t where b.clinic_id = clinic;
end $$;

-- Puts down which files go next to this bucket, each with a key of its own that was drawn elsewhere; as many as there are keys.
-- Says how many: none where the clinic's bucket is not this one any more.
drop function app.begin_moving(bytea[]);
create function app.begin_moving(bucket_id uuid, keys bytea[]) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := (internal.bucket_speaker(array['owner', 'agent'])).clinic_id;
    days integer;
    begun bigint;
begin
    select b.after_days into days from app.buckets b
    where b.clinic_id = clinic and b.id = begin_moving.bucket_id and b.emptying_since is null for share;
    if not found then
        return 0;
    end if;
    with due as (
        select d.id, row_number() over () as place
        from internal.media_to_move(clinic, days, least(cardinality(keys), 100)) as d (id)
    ), new as (
        insert into app.media_objects (clinic_id, media_id, key)
        select clinic, d.id, keys[d.place] from due d on conflict on constraint media_objects_pk do nothing
        returning media_id
    ) select count(*) into begun from new;
    return begun;
end $$;

-- What is there was read back and is the file: its pieces go from here. False where the file is gone meanwhile: so does the object;
-- and where the clinic's bucket is not this one any more.
drop function app.object_moved(uuid, uuid);
create function app.object_moved(bucket_id uuid, media uuid, object uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := (internal.bucket_speaker(array['owner', 'agent'])).clinic_id;
begin
    perform from app.buckets b where b.clinic_id = clinic and b.id = object_moved.bucket_id for share;
    if not found then
        return false;
    end if;
    perform from app.media f where f.clinic_id = clinic and f.id = object_moved.media and f.state = 'stored' for no key update;
    if found then
        update app.media_objects o set moved_at = clock_timestamp(), brought_at = null, tries = 0, problem = null
        where o.clinic_id = clinic and o.media_id = object_moved.media and o.object_id = object_moved.object
          and (o.moved_at is null or o.brought_at is not null);
    end if;
    if not found then
        insert into app.objects_gone (clinic_id, object_id)
        select clinic, object_moved.object
        where not exists (select from app.media_objects o where o.clinic_id = clinic and o.object_id = object_moved.object)
        on conflict on constraint objects_gone_pk do update set next_try_at = clock_timestamp();
        return false;
    end if;
    delete from app.media_chunks c where c.clinic_id = clinic and c.media_id = object_moved.media;
    return true;
end $$;

-- Pieces that were brought back go by the way by which they came there, so that the object is found once more before they do.
drop function app.clear_brought();

-- A piece of a file that comes from a gateway, or back from the bucket, in a transaction of its own: none of them keeps others
-- waiting for as long as a file takes on a slow line. With the first one those go that an earlier try has left. The file has them
-- when somebody says so after the last. False where they are not wanted any more.
create function app.put_media_piece(media uuid, place integer, bytes bytea) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    clinic constant uuid := (internal.bucket_speaker(array['owner', 'agent'])).clinic_id;
begin
    perform from app.buckets b where b.clinic_id = clinic for share;
    perform from app.media f
    where f.clinic_id = clinic and f.id = put_media_piece.media
      and (f.state = 'pending' or (f.state = 'stored' and exists (
          select from app.media_objects o
          where o.clinic_id = clinic and o.media_id = f.id and o.moved_at is not null and o.brought_at is null)))
    for no key update of f;
    if not found then
        return false;
    end if;
    if put_media_piece.place = 0 then
        delete from app.media_chunks c where c.clinic_id = clinic and c.media_id = put_media_piece.media;
    end if;
    -- Told again, it is there.
    insert into app.media_chunks (clinic_id, media_id, place, bytes)
    values (clinic, put_media_piece.media, put_media_piece.place, put_media_piece.bytes)
    on conflict on constraint media_chunks_pk do nothing;
    return true;
end $$;

-- Every piece of a file is here again. False where it is gone, where there is no bucket any more, and where not all of it is here.
create or replace function app.object_brought(media uuid, object uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := (internal.bucket_speaker(array['owner', 'agent'])).clinic_id;
    is_emptied boolean;
    size bigint;
    was_here boolean;
begin
    select b.emptying_since is not null into is_emptied from app.buckets b where b.clinic_id = clinic for share;
    if not found then
        return false;
    end if;
    select f.size_bytes into size from app.media f
    where f.clinic_id = clinic and f.id = object_brought.media and f.state = 'stored' for no key update;
    if not found then
        return false;
    end if;
    select o.brought_at is not null into was_here from app.media_objects o
    where o.clinic_id = clinic and o.media_id = object_brought.media and o.object_id = object_brought.object
      and o.moved_at is not null for no key update;
    if not found then
        return false;
    end if;
    if not was_here and (select coalesce(sum(octet_length(c.bytes)), 0) from app.media_chunks c
                         where c.clinic_id = clinic and c.media_id = object_brought.media) is distinct from size
    then
        return false;
    end if;
    if is_emptied then
        delete from app.media_objects o where o.clinic_id = clinic and o.media_id = object_brought.media;
        -- A backup that was made before points at the object, and has its key: it stays for as long as such a backup is of use.
        update app.objects_gone g set next_try_at = clock_timestamp() + interval '30 days'
        where g.clinic_id = clinic and g.object_id = object_brought.object;
    else
        update app.media_objects o set brought_at = clock_timestamp(), wanted_at = null, tries = 0, problem = null
        where o.clinic_id = clinic and o.media_id = object_brought.media;
    end if;
    return true;
end $$;

-- A try with a file came to nothing; it is tried again after so many seconds, and others come first until then. Where it is not
-- wanted any more, when somebody wants it again.
drop function app.object_failed(uuid, text, double precision);
create function app.object_failed(media uuid, problem text, seconds double precision, still_wanted boolean) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    clinic constant uuid := (internal.bucket_speaker(array['owner', 'agent'])).clinic_id;
begin
    update app.media_objects o set tries = o.tries + 1, problem = object_failed.problem,
        wanted_at = case when object_failed.still_wanted then o.wanted_at end,
        next_try_at = clock_timestamp() + make_interval(secs => object_failed.seconds)
    where o.clinic_id = clinic and o.media_id = object_failed.media;
end $$;

-- What stands between the clinic and its bucket, and whether it is read all the same; null when nothing does.
drop function app.note_bucket(text);
create function app.note_bucket(problem text, still_read boolean) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    clinic constant uuid := (internal.bucket_speaker(array['owner', 'agent'])).clinic_id;
begin
    update app.buckets b set problem = note_bucket.problem, still_read = note_bucket.still_read,
        problem_since = case when note_bucket.problem is not null then
            case when b.problem is null then clock_timestamp() else b.problem_since end end
    where b.clinic_id = clinic and (b.problem, b.still_read) is distinct from (note_bucket.problem, note_bucket.still_read);
end $$;

-- As before, but its row says where a file is: the first pieces of one that is on its way back are no file. What keeps files from
-- going there keeps none from coming back.
create or replace function app.media_place(message uuid) returns text
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := (internal.bucket_speaker(array['owner', 'admin', 'attendant', 'viewer', 'agent'])).clinic_id;
    file app.media;
    object app.media_objects;
    problem text;
begin
    select f.* into file from app.media f
    where f.clinic_id = clinic and f.message_id = media_place.message and f.state = 'stored';
    if file.id is null then
        return null;
    end if;
    select o.* into object from app.media_objects o where o.clinic_id = clinic and o.media_id = file.id;
    if object.media_id is null or object.moved_at is null or object.brought_at is not null then
        return 'here';
    end if;
    if not exists (select from app.leases l where l.clinic_id = clinic and l.name = 'background' and l.held_until > clock_timestamp()) then
        return 'media_nobody';
    end if;
    problem := (select b.problem from app.buckets b where b.clinic_id = clinic and not b.still_read);
    return coalesce(problem, case when object.wanted_at is null then object.problem end,
                    case when object.wanted_at is not null then 'wanted' else 'away' end);
end $$;

-- As before, but nobody has the database filled by opening one file after another: fifty are waited for at once, and five hundred
-- come in an hour. Owner and admins may have everything brought back anyway, and hand out a person's files. One for whom there is
-- no room yet stays away, and is asked for again.
create or replace function app.want_media(message uuid) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker constant internal.logins := internal.bucket_speaker(array['owner', 'admin', 'attendant', 'viewer', 'agent']);
begin
    update app.media_objects o set wanted_at = clock_timestamp(), next_try_at = clock_timestamp()
    from app.media f
    where f.clinic_id = speaker.clinic_id and f.message_id = want_media.message and f.state = 'stored'
      and o.clinic_id = f.clinic_id and o.media_id = f.id
      and o.moved_at is not null and o.brought_at is null and o.wanted_at is null
      and (speaker.role in ('owner', 'admin') or (
          (select count(*) from app.media_objects w where w.clinic_id = speaker.clinic_id and w.wanted_at is not null) < 50
          and (select count(*) from app.media_objects w
               where w.clinic_id = speaker.clinic_id and w.brought_at > clock_timestamp() - interval '1 hour') < 500));
    if found then
        perform internal.wake_desks(speaker.clinic_id);
    end if;
    return app.media_place(want_media.message);
end $$;

-- As before; its file is wanted where it is away, and the message waits for it.
create or replace function app.retry_message(message uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    m constant app.messages := internal.undecided_message(message, array['failed', 'unknown']);
begin
    if m.id is null then
        return false;
    end if;
    update app.messages t set status = 'queued', gateway_id = null, error_code = null, error_text = null, cancelled_at = null
    where t.clinic_id = m.clinic_id and t.id = m.id;
    insert into app.jobs as j (clinic_id, kind, dedupe_key, priority, payload)
    values (m.clinic_id, 'send_message', m.id::text, 10, jsonb_build_object('message_id', m.id))
    on conflict on constraint jobs_dedupe_unique
        do update set status = 'queued', run_at = clock_timestamp(), attempts = 0, last_error = null, finished_at = null,
                      created_at = clock_timestamp();
    update app.media_objects o set wanted_at = clock_timestamp(), next_try_at = clock_timestamp()
    from app.media f
    where f.clinic_id = m.clinic_id and f.message_id = m.id and o.clinic_id = f.clinic_id and o.media_id = f.id
      and o.moved_at is not null and o.brought_at is null;
    return true;
end $$;

do $$
declare
    f regprocedure;
begin
    grant create on schema app, internal to balcao_definer;
    foreach f in array array[
        'internal.media_to_move(uuid, integer, bigint)', 'app.abandon_bucket()', 'app.begin_moving(uuid, bytea[])',
        'app.object_moved(uuid, uuid, uuid)', 'app.put_media_piece(uuid, integer, bytea)',
        'app.object_failed(uuid, text, double precision, boolean)', 'app.note_bucket(text, boolean)']::regprocedure[]
    loop
        execute format('revoke all on function %s from public', f);
        execute format('alter function %s owner to balcao_definer', f);
    end loop;
    revoke create on schema app, internal from balcao_definer;
end $$;
grant execute on function app.abandon_bucket() to balcao_owner, balcao_admin;
grant execute on function app.begin_moving(uuid, bytea[]), app.object_moved(uuid, uuid, uuid),
    app.put_media_piece(uuid, integer, bytea), app.object_failed(uuid, text, double precision, boolean),
    app.note_bucket(text, boolean)
    to balcao_owner, balcao_agent;
