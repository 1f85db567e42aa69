-- Files of messages in a bucket of S3-compatible storage, for clinics that want their database small.
--
-- Desks know nothing of it: they read the pieces of a file here as ever, and say that they want a file whose pieces are not here.
-- The one computer that does the background work has the bucket's key, in its keyring. It moves files there, sealed with a key of
-- their own, and brings them back. A file's key stands in its row here, so that an object whose row is gone is noise, whatever
-- versions of it the provider keeps. The row of a file in app.media says nothing of it: to the clinic it is stored all the same.

create table app.buckets (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    -- What the names of its objects begin with.
    id uuid not null default gen_random_uuid(),
    endpoint text not null constraint buckets_endpoint check (endpoint ~ '^https?://[^/?#@[:space:]]{1,250}$'),
    bucket text not null constraint buckets_bucket check (bucket ~ '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$'),
    region text not null constraint buckets_region check (region ~ '^[a-z0-9-]{1,64}$'),
    after_days integer not null default 30 constraint buckets_after_days check (after_days >= 0 and after_days <= 3650),
    -- Since when everything comes back, and nothing goes there any more.
    emptying_since timestamptz,
    problem text constraint buckets_problem check (problem ~ '^[a-z_]{1,40}$'),
    problem_since timestamptz,
    -- The problem is one of writing, or perhaps of one object: what is there is read all the same.
    still_read boolean not null default false,
    created_at timestamptz not null default now(),
    constraint buckets_pk primary key (clinic_id, id),
    constraint buckets_one unique (clinic_id)
);

-- A file that is there, or on its way. `moved_at` is null until what is there was read back and found to be the file; only then its
-- pieces go from here. `brought_at` says since when they are here again; the object stays, so that they may go once more.
create table app.media_objects (
    clinic_id uuid not null,
    media_id uuid not null,
    object_id uuid not null default gen_random_uuid(),
    key bytea not null constraint media_objects_key check (octet_length(key) = 32),
    moved_at timestamptz,
    brought_at timestamptz,
    wanted_at timestamptz,
    tries integer not null default 0,
    next_try_at timestamptz not null default now(),
    problem text constraint media_objects_problem check (problem ~ '^[a-z_]{1,40}$'),
    constraint media_objects_pk primary key (clinic_id, media_id),
    constraint media_objects_object unique (clinic_id, object_id),
    constraint media_objects_media foreign key (clinic_id, media_id) references app.media on delete cascade
);
create index media_objects_wanted on app.media_objects (clinic_id, wanted_at) where wanted_at is not null;
create index media_objects_leaving on app.media_objects (clinic_id, next_try_at) where moved_at is null;
create index media_objects_brought on app.media_objects (clinic_id, brought_at) where brought_at is not null;

-- Objects whose files are gone, until they are gone, too. A random name, and nothing about whose it was.
create table app.objects_gone (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    object_id uuid not null,
    tries integer not null default 0,
    next_try_at timestamptz not null default now(),
    problem text constraint objects_gone_problem check (problem ~ '^[a-z_]{1,40}$'),
    constraint objects_gone_pk primary key (clinic_id, object_id)
);
create index objects_gone_due on app.objects_gone (clinic_id, next_try_at);

alter table app.buckets
    alter column clinic_id set statistics 0, alter column id set statistics 0, alter column endpoint set statistics 0,
    alter column bucket set statistics 0, alter column region set statistics 0;
alter table app.media_objects
    alter column clinic_id set statistics 0, alter column media_id set statistics 0, alter column object_id set statistics 0,
    alter column key set statistics 0;
alter table app.objects_gone alter column clinic_id set statistics 0, alter column object_id set statistics 0;

do $$
declare
    t text;
begin
    foreach t in array array['buckets', 'media_objects', 'objects_gone'] loop
        execute format('alter table app.%I enable row level security, force row level security', t);
        execute format($q$create policy own_clinic on app.%I for all
            to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent
            using (clinic_id = (select id from app.own_clinic)) with check (clinic_id = (select id from app.own_clinic))$q$, t);
        execute format('create policy definer_functions on app.%I for all to balcao_definer using (true) with check (true)', t);
        execute format('grant select, insert, update, delete on app.%I to balcao_definer', t);
    end loop;
end $$;
-- Whoever may do the background work reads what is to be done; everything is changed by functions.
grant select on app.buckets to balcao_owner, balcao_admin, balcao_agent;
grant select on app.media_objects, app.objects_gone to balcao_owner, balcao_agent;

-- Where the bytes of a file are is said by the rows above and by its pieces.
alter table app.media drop constraint media_storage;
alter table app.media add constraint media_storage check (storage in ('gateway', 'database'));

-- The object of a file that is gone goes, too; nobody can read it any more from this moment on.
create function internal.object_is_gone() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    -- Not where the whole clinic goes.
    insert into app.objects_gone (clinic_id, object_id)
    select old.clinic_id, old.object_id from app.clinics c where c.id = old.clinic_id
    on conflict on constraint objects_gone_pk do update set next_try_at = clock_timestamp();
    return null;
end $$;
create trigger object_is_gone after delete on app.media_objects
    for each row execute function internal.object_is_gone();

-- A file that is not kept any more has no pieces either: neither those that were here, nor the first ones of a way that was not
-- gone to its end.
create function internal.media_leaves_bucket() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    delete from app.media_objects o where o.clinic_id = new.clinic_id and o.media_id = new.id;
    delete from app.media_chunks c where c.clinic_id = new.clinic_id and c.media_id = new.id;
    return null;
end $$;
create trigger leaves_bucket after update of state on app.media
    for each row when (old.state in ('pending', 'stored') and new.state not in ('pending', 'stored'))
    execute function internal.media_leaves_bucket();

-- Who speaks, if it is one of these.
create function internal.bucket_speaker(roles text[]) returns internal.logins
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    speaker internal.logins;
begin
    select * into speaker from internal.logins
    where login = session_user::text collate "default" and revoked_at is null;
    if speaker.role is null or speaker.role <> all (roles) then
        raise exception using errcode = 'insufficient_privilege', message = 'this role has no say in where files are';
    end if;
    return speaker;
end $$;

create function internal.audit_bucket(speaker internal.logins, what text, told jsonb) returns void
    language sql security definer set search_path = pg_catalog, pg_temp
    as $$
    insert into app.audit_logs (clinic_id, action, member_id, device_id, application, address, new_values)
    values (speaker.clinic_id, what, speaker.member_id, speaker.device_id, current_setting('application_name', true),
            inet_client_addr(), told)
$$;

-- Uses a bucket, or says again after how many days files go there; one that was being emptied is used again. Another place can be
-- named when no file was found in this one: it is another bucket, by another id, so that a computer that still works with the place
-- of before does nothing in the name of this one. What waits for a while is tried at once: whoever says it again has mended something.
create function app.use_bucket(endpoint text, bucket text, region text, after_days integer) returns uuid
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

-- Wakes whoever listens for the clinic.
create function internal.wake_desks(clinic uuid) returns void
    language sql security definer set search_path = pg_catalog, pg_temp
    as $$ select pg_notify(l.channel, '') from internal.listen_channels l where l.clinic_id = clinic $$;

-- Has everything brought back; the bucket is forgotten when nothing is left there. False where there is none. The bucket's row is
-- held first, here and by whoever moves files, so that nothing goes there behind this.
create function app.empty_bucket() returns boolean
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

-- How it stands, for those who decide and for the computer that works; no row where there is no bucket.
-- Of those that are to go there no more are counted than anybody reads, and something is wrong with those that do not come back.
create function app.bucket_state()
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

-- Files whose time to go there has come, and that nobody has begun with: so many at the most. One that was written here goes when
-- the gateway has it, and when it is not sent again any more, or a week later.
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

-- Puts down which files go next to this bucket, each with a key of its own that was drawn elsewhere; as many as there are keys.
-- Says how many: none where the clinic's bucket is not this one any more.
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

-- Every piece of a file is here again. False where it is gone, where there is no bucket any more, and where not all of it is here.
create function app.object_brought(media uuid, object uuid) returns boolean
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

-- What became of the deleting of an object: without a problem it is gone.
create function app.object_deleted(object uuid, problem text, seconds double precision) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    clinic constant uuid := (internal.bucket_speaker(array['owner', 'agent'])).clinic_id;
begin
    if object_deleted.problem is null then
        delete from app.objects_gone g where g.clinic_id = clinic and g.object_id = object_deleted.object;
    else
        update app.objects_gone g set tries = g.tries + 1, problem = object_deleted.problem,
            next_try_at = clock_timestamp() + make_interval(secs => object_deleted.seconds)
        where g.clinic_id = clinic and g.object_id = object_deleted.object;
    end if;
end $$;

-- What stands between the clinic and its bucket, and whether it is read all the same; null when nothing does.
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

-- Forgets a bucket that was emptied. False while something is there.
create function app.forget_bucket() returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := (internal.bucket_speaker(array['owner', 'agent'])).clinic_id;
begin
    delete from app.buckets b
    where b.clinic_id = clinic and b.emptying_since is not null
      and not exists (select from app.media_objects o where o.clinic_id = clinic)
      and not exists (select from app.objects_gone g where g.clinic_id = clinic);
    return found;
end $$;

-- Where the bytes of a message's file are: here; gone from here and wanted by somebody; away; or away, and what stands in the way:
-- nobody does the background work (media_nobody), or the problem of the bucket or of the file. Null where the clinic does not have it.
-- The row of the object says it: the first pieces of a file that is on its way back are no file. What keeps files from going there
-- keeps none from coming back.
create function app.media_place(message uuid) returns text
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

-- Wants the file of a message brought here, where it is away, and wakes the computer that brings it. Says where it is, as above.
-- Nobody has the database filled by opening one file after another: fifty are waited for at once, and five hundred come in an hour.
-- Owner and admins may have everything brought back anyway, and hand out a person's files. One for whom there is no room yet stays
-- away, and is asked for again.
create function app.want_media(message uuid) returns text
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

-- As before; the message's file is wanted where it is away, and the message waits for it.
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
        'internal.object_is_gone()', 'internal.media_leaves_bucket()', 'internal.bucket_speaker(text[])',
        'internal.audit_bucket(internal.logins, text, jsonb)', 'internal.wake_desks(uuid)', 'internal.media_to_move(uuid, integer, bigint)',
        'app.use_bucket(text, text, text, integer)', 'app.empty_bucket()', 'app.abandon_bucket()', 'app.bucket_state()',
        'app.begin_moving(uuid, bytea[])', 'app.object_moved(uuid, uuid, uuid)', 'app.object_brought(uuid, uuid)',
        'app.object_failed(uuid, text, double precision, boolean)', 'app.put_media_piece(uuid, integer, bytea)',
        'app.object_deleted(uuid, text, double precision)', 'app.note_bucket(text, boolean)', 'app.forget_bucket()',
        'app.media_place(uuid)', 'app.want_media(uuid)']::regprocedure[]
    loop
        execute format('revoke all on function %s from public', f);
        execute format('alter function %s owner to balcao_definer', f);
    end loop;
    revoke create on schema app, internal from balcao_definer;
end $$;
grant execute on function app.use_bucket(text, text, text, integer), app.empty_bucket(), app.abandon_bucket()
    to balcao_owner, balcao_admin;
grant execute on function app.bucket_state() to balcao_owner, balcao_admin, balcao_agent;
grant execute on function app.begin_moving(uuid, bytea[]), app.object_moved(uuid, uuid, uuid), app.object_brought(uuid, uuid),
    app.object_failed(uuid, text, double precision, boolean), app.put_media_piece(uuid, integer, bytea),
    app.object_deleted(uuid, text, double precision), app.note_bucket(text, boolean), app.forget_bucket()
    to balcao_owner, balcao_agent;
grant execute on function app.media_place(uuid), app.want_media(uuid)
    to balcao_owner, balcao_admin, balcao_attendant, balcao_viewer, balcao_agent;
