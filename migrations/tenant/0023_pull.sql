-- A pull in one answer, where little has changed: after every commit each desk asks what it was, and it mostly is a message
-- and its conversation.

-- The first row says where the feed stands, in `rows` as {epoch, place, server_time}, with no table. Then one row for each
-- table with rows at or after the cursor among those the caller may read; `rows` has them whole, as the caller sees them, or
-- is null where there are more than `most` or the table changes too seldom to have a statement here: the desk then reads the
-- table by itself. Deletions come as [entity, id]. Everything is of the moment in which the position was taken. No row for a
-- login without a clinic.
create function app.changes_since(since xid8, most integer)
    returns table (entity text, rows json)
    language plpgsql stable security invoker set search_path = pg_catalog, pg_temp
    as $$
declare
    feed record;
    clinic constant uuid := app.current_clinic();
    found_rows bigint;
begin
    select * into feed from app.feed_since(since);
    if not found then
        return;
    end if;
    rows := json_build_object('epoch', feed.epoch, 'place', feed.place, 'server_time', feed.server_time);
    return next;
    foreach entity in array feed.changed loop
        rows := null;
        found_rows := 0;
        case entity
            when 'tombstones' then
                select json_agg(json_build_array(t.entity, t.id)), count(*) into rows, found_rows from (
                    select d.entity, d.id from app.tombstones d
                    where d.clinic_id = clinic and d.change_xid >= since limit most + 1) t;
            when 'messages' then
                select json_agg(to_json(t)), count(*) into rows, found_rows from (
                    select d.* from app.messages d
                    where d.clinic_id = clinic and d.change_xid >= since limit most + 1) t;
            when 'conversations' then
                select json_agg(to_json(t)), count(*) into rows, found_rows from (
                    select d.* from app.conversations d
                    where d.clinic_id = clinic and d.change_xid >= since limit most + 1) t;
            when 'contacts' then
                select json_agg(to_json(t)), count(*) into rows, found_rows from (
                    select d.* from app.contacts d
                    where d.clinic_id = clinic and d.change_xid >= since limit most + 1) t;
            when 'appointments' then
                select json_agg(to_json(t)), count(*) into rows, found_rows from (
                    select d.* from app.appointments d
                    where d.clinic_id = clinic and d.change_xid >= since limit most + 1) t;
            when 'leads' then
                select json_agg(to_json(t)), count(*) into rows, found_rows from (
                    select d.* from app.leads d
                    where d.clinic_id = clinic and d.change_xid >= since limit most + 1) t;
            else null;
        end case;
        if found_rows > most then
            rows := null;
        end if;
        return next;
    end loop;
end $$;

grant create on schema app to balcao_definer;
alter function app.changes_since(xid8, integer) owner to balcao_definer;
revoke create on schema app from balcao_definer;
revoke execute on function app.changes_since(xid8, integer) from public;
grant execute on function app.changes_since(xid8, integer)
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;

-- A batch asks once who it comes from, and looks for notes to be appended only where the word stands.
do $$
declare
    source text := pg_get_functiondef('app.apply_operations(jsonb)'::regprocedure);
    change record;
begin
    for change in select * from (values
        ($q$    clinic constant uuid := app.current_clinic();
$q$,
         $q$    clinic constant uuid := app.current_clinic();
    member constant uuid := app.current_member();
$q$),
        ($q$entity, row_id, op ->> 'kind', app.current_member())$q$, $q$entity, row_id, op ->> 'kind', member)$q$),
        ($q$            if exists (select from jsonb_each(fields) as f where jsonb_typeof(f.value -> 'append') = 'string') then
$q$,
         $q$            -- Mostly there is none, and looking at each field costs more than looking for the word.
            if strpos(op ->> 'fields', '"append"') > 0 then
$q$)) as c (stands, becomes)
    loop
        if length(source) - length(replace(source, change.stands, '')) <> length(change.stands) then
            raise exception 'app.apply_operations is otherwise than this migration knows';
        end if;
        source := replace(source, change.stands, change.becomes);
    end loop;
    execute source;
end $$;
