-- What a desk calls: apply a batch of writes, search, and what a login needs to know of itself.

-- Applies queued writes in order, in one round trip and one transaction, each in its own sub-transaction.
--
-- An operation is {operation_id, entity, entity_id, kind: insert | patch | delete, fields: {column: value},
-- base: {column: value the desk saw}}. Outcomes: `applied`, `already` (this id was applied before), `conflict`
-- (someone else changed one of the same columns; detail.theirs has their values), `gone`, `refused` (detail.reason, and
-- detail.constraint where a named one said no). Runs with the rights of the caller: grants, policies and constraints
-- decide, not this function.
create function app.apply_operations(operations jsonb)
    returns table (operation_id uuid, outcome text, version bigint, detail jsonb)
    language plpgsql security invoker set search_path = app, pg_catalog, ext, pg_temp
    as $$
#variable_conflict use_column
declare
    op jsonb;
    clinic constant uuid := app.current_clinic();
    entity text;
    row_id uuid;
    fields jsonb;
    base jsonb;
    current_row jsonb;
    current_version bigint;
    ours jsonb;
    seen jsonb;
    columns text;
    clashing jsonb;
    fresh boolean;
    violated text;
    state text;
begin
    for op in select value from jsonb_array_elements(operations) loop
        operation_id := (op ->> 'operation_id')::uuid;
        entity := op ->> 'entity';
        row_id := (op ->> 'entity_id')::uuid;
        fields := coalesce(op -> 'fields', '{}') - array['clinic_id', 'id', 'version', 'change_xid', 'created_at', 'updated_at'];
        base := coalesce(op -> 'base', '{}');
        version := null;
        detail := null;
        begin
            insert into app.applied_operations as a (clinic_id, operation_id, entity, entity_id, kind, member_id)
            values (clinic, (op ->> 'operation_id')::uuid, entity, row_id, op ->> 'kind', app.current_member())
            on conflict on constraint applied_operations_pk do nothing;
            fresh := found;
            if not fresh then
                execute format('select t.version from app.%I t where t.clinic_id = $1 and t.id = $2', entity)
                    into current_version using clinic, row_id;
                outcome := 'already';
                version := current_version;
                return next;
                continue;
            end if;
            select string_agg(format('%I', key), ', ' order by key) into columns from jsonb_object_keys(fields) as key;

            if op ->> 'kind' = 'insert' then
                execute format(
                    'insert into app.%1$I as t (clinic_id, id, %2$s)
                     select $1, $2, %2$s from jsonb_populate_record(null::app.%1$I, $3) returning t.version', entity, columns)
                    into version using clinic, row_id, fields;
                outcome := 'applied';

            elsif op ->> 'kind' = 'patch' then
                execute format(
                    'select t.version, to_jsonb(t), to_jsonb(jsonb_populate_record(t, $3)), to_jsonb(jsonb_populate_record(t, $4))
                     from app.%I t where t.clinic_id = $1 and t.id = $2 for update', entity)
                    into current_version, current_row, ours, seen using clinic, row_id, fields, base;
                if current_row is null then
                    raise exception using errcode = 'no_data_found';
                end if;
                -- A column clashes when it is neither what the desk saw nor already what the desk wants.
                select jsonb_object_agg(key, current_row -> key) into clashing from jsonb_object_keys(fields) as key
                where base ? key
                  and (current_row -> key) is distinct from (seen -> key)
                  and (current_row -> key) is distinct from (ours -> key);
                if clashing is not null then
                    raise exception using errcode = 'BL001', detail = clashing::text;
                end if;
                execute format(
                    'update app.%1$I as t set (%2$s) = (select %3$s from jsonb_populate_record(t, $3) as r)
                     where t.clinic_id = $1 and t.id = $2 returning t.version', entity, columns,
                    (select string_agg(format('r.%I', key), ', ' order by key) from jsonb_object_keys(fields) as key))
                    into version using clinic, row_id, fields;
                outcome := 'applied';

            elsif op ->> 'kind' = 'delete' then
                execute format('delete from app.%I t where t.clinic_id = $1 and t.id = $2', entity) using clinic, row_id;
                outcome := 'applied';
            else
                raise exception using errcode = 'invalid_parameter_value';
            end if;
        exception
            when sqlstate 'BL001' then
                get stacked diagnostics violated = pg_exception_detail;
                outcome := 'conflict';
                version := current_version;
                detail := jsonb_build_object('theirs', violated::jsonb);
            when no_data_found then
                outcome := 'gone';
            when integrity_constraint_violation then
                get stacked diagnostics violated = constraint_name, state = returned_sqlstate;
                outcome := 'refused';
                detail := jsonb_build_object('reason', case state
                    when '23P01' then 'slot_taken' when '23505' then 'duplicate' when '23503' then 'missing_reference'
                    else 'constraint' end, 'constraint', violated);
            when insufficient_privilege then
                outcome := 'refused';
                detail := jsonb_build_object('reason', 'not_permitted');
            when data_exception or undefined_table or undefined_column or syntax_error then
                outcome := 'refused';
                detail := jsonb_build_object('reason', 'invalid');
        end;
        return next;
    end loop;
end $$;

-- Full-text search through a definer function: the search operators are not leakproof, so under row security they could
-- not use the index. The function filters by the clinic of the login itself.
create function app.search_messages(query text, sent_before timestamptz default 'infinity', max_rows integer default 50)
    returns table (id uuid, conversation_id uuid, sent_at timestamptz, body text)
    language sql stable security definer set search_path = pg_catalog, app, ext, pg_temp
    as $$
    select m.id, m.conversation_id, m.sent_at, m.body
    from app.messages m
    where m.clinic_id = app.current_clinic()
      and app.current_member_role() <> 'professional'
      and to_tsvector('portuguese', app.fold(m.body)) @@ websearch_to_tsquery('portuguese', app.fold(query))
      and m.sent_at < sent_before
    order by m.sent_at desc
    limit least(max_rows, 200)
$$;

create function app.search_contacts(query text, max_rows integer default 50)
    returns table (id uuid, name text, phone text)
    language sql stable security definer set search_path = pg_catalog, app, ext, pg_temp
    as $$
    select c.id, c.name, c.phone
    from app.contacts c
    where c.clinic_id = app.current_clinic()
      and app.fold(c.name) like '%' || replace(replace(replace(app.fold(query), '\', '\\'), '%', '\%'), '_', '\_') || '%'
    order by c.last_interaction_at desc nulls last
    limit least(max_rows, 200)
$$;

-- Definer functions belong to a role that nobody can log in as.
do $$
declare
    f regprocedure;
begin
    grant create on schema app, internal to balcao_definer;
    for f in select oid::regprocedure from pg_proc
             where pronamespace in ('app'::regnamespace, 'internal'::regnamespace) and prosecdef loop
        execute format('alter function %s owner to balcao_definer', f);
    end loop;
    revoke create on schema app, internal from balcao_definer;
end $$;

grant execute on function app.apply_operations(jsonb)
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_agent;
grant execute on function app.search_messages(text, timestamptz, integer), app.search_contacts(text, integer)
    to balcao_owner, balcao_admin, balcao_attendant, balcao_viewer, balcao_agent;

-- Which tables have rows at or after a cursor, among those the caller may read: mostly none, at the cost of one look
-- into each index.
create function app.changed_entities(since xid8) returns setof text
    language plpgsql stable security definer set search_path = pg_catalog, app, pg_temp
    as $$
declare
    clinic constant uuid := app.current_clinic();
    entity text;
    found_one boolean;
begin
    foreach entity in array array[
        'tombstones', 'clinics', 'clinic_settings', 'members', 'channels', 'services', 'rooms', 'professionals',
        'working_hours', 'schedule_exceptions', 'quick_replies', 'pipelines', 'pipeline_stages', 'loss_reasons', 'contacts',
        'patients', 'appointments', 'conversations', 'messages', 'leads'
    ] loop
        if has_table_privilege(session_user, format('app.%I', entity), 'select') then
            execute format('select exists (select 1 from app.%I where clinic_id = $1 and change_xid >= $2)', entity)
                into found_one using clinic, since;
            if found_one then
                return next entity;
            end if;
        end if;
    end loop;
end $$;
grant create on schema app to balcao_definer;
alter function app.changed_entities(xid8) owner to balcao_definer;
revoke create on schema app from balcao_definer;
grant execute on function app.changed_entities(xid8)
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;
