-- What two desks write at the same time, or one of them without a network, comes together: notes are appended, moves of a
-- lead are events in the order in which people made them, and only what truly contradicts is left to a person.

-- A move of a lead is an event with a time: when the person made it. The lead stands where the latest one put it, in
-- whatever order they arrive; an earlier one that arrives later is written into the book and moves nothing.
--
-- A writer says when by giving `stage_entered_at`; without it the move is made now. A time is trusted within reason: never
-- in the future, never before the lead was there. Of two moves in the same microsecond the order of the stages' ids decides,
-- so that every order of arrival ends the same.
create or replace function internal.lead_enters_stage() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    stage app.pipeline_stages;
    moves constant boolean := tg_op = 'INSERT'
        or (new.stage_id, new.stage_entered_at) is distinct from (old.stage_id, old.stage_entered_at);
begin
    if tg_op = 'UPDATE' and not moves then
        -- What follows from the stage is not written without it.
        new.closed_at := old.closed_at;
        if (new.pipeline_id, new.loss_reason_id, new.loss_note)
            is not distinct from (old.pipeline_id, old.loss_reason_id, old.loss_note) then
            return new;
        end if;
    end if;

    select * into stage from app.pipeline_stages where clinic_id = new.clinic_id and id = new.stage_id;
    if not found then
        raise exception using errcode = 'foreign_key_violation', constraint = 'leads_stage',
            message = 'there is no such stage';
    end if;
    if stage.pipeline_id is distinct from new.pipeline_id then
        raise exception using errcode = 'check_violation', constraint = 'leads_stage_of_pipeline',
            message = 'the stage belongs to another pipeline';
    end if;
    if stage.kind = 'lost' and new.loss_reason_id is null then
        raise exception using errcode = 'check_violation', constraint = 'leads_loss_reason_required',
            message = 'a lost lead needs a reason';
    end if;
    if stage.kind <> 'lost' then
        new.loss_reason_id := null;
        new.loss_note := null;
    end if;
    if not moves then
        return new;
    end if;

    if tg_op = 'INSERT' then
        new.stage_entered_at := least(new.stage_entered_at, clock_timestamp());
        new.closed_at := case when stage.kind <> 'open' then coalesce(new.closed_at, new.stage_entered_at) end;
        return new;
    end if;
    new.stage_entered_at := case
        when new.stage_entered_at is distinct from old.stage_entered_at
        then greatest(least(new.stage_entered_at, clock_timestamp()), old.created_at)
        else clock_timestamp() end;
    if (new.stage_entered_at, new.stage_id) < (old.stage_entered_at, old.stage_id) then
        insert into app.lead_events (clinic_id, lead_id, kind, from_stage_id, to_stage_id, member_id, at, details)
        values (new.clinic_id, new.id, 'moved',
                (select e.to_stage_id from app.lead_events e
                 where e.clinic_id = new.clinic_id and e.lead_id = new.id and e.at <= new.stage_entered_at
                 order by e.at desc, e.kind = 'moved' desc limit 1),
                new.stage_id, app.current_member(), new.stage_entered_at,
                jsonb_strip_nulls(jsonb_build_object('loss_reason_id', new.loss_reason_id, 'loss_note', new.loss_note)));
        new.pipeline_id := old.pipeline_id;
        new.stage_id := old.stage_id;
        new.stage_entered_at := old.stage_entered_at;
        new.closed_at := old.closed_at;
        new.loss_reason_id := old.loss_reason_id;
        new.loss_note := old.loss_note;
        new.position := old.position;
        return new;
    end if;
    new.closed_at := case when stage.kind <> 'open' then new.stage_entered_at end;
    return new;
end $$;

create or replace function internal.record_lead_event() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    if tg_op = 'INSERT' then
        insert into app.lead_events (clinic_id, lead_id, kind, to_stage_id, member_id, at)
        values (new.clinic_id, new.id, 'created', new.stage_id, app.current_member(), least(new.created_at, now()));
    elsif (old.stage_id, old.stage_entered_at) is distinct from (new.stage_id, new.stage_entered_at) then
        insert into app.lead_events (clinic_id, lead_id, kind, from_stage_id, to_stage_id, member_id, at, details)
        values (new.clinic_id, new.id, 'moved', old.stage_id, new.stage_id, app.current_member(), new.stage_entered_at,
                jsonb_strip_nulls(jsonb_build_object('loss_reason_id', new.loss_reason_id, 'loss_note', new.loss_note)));
    end if;
    return null;
end $$;

-- As before, and:
--
-- A field of a text column may be {"append": "text"}: the text is added on a line of its own to whatever stands there, and
-- contradicts nobody.
--
-- A move of a lead contradicts nobody: see `internal.lead_enters_stage`. Nor does the order of cards: the last one wins.
--
-- A delete says in `base` what the person saw, and clashes where someone has changed it since. What is gone already is
-- deleted.
--
-- Another transaction that holds a row for longer than a second keeps only the operations on that row waiting: their outcome
-- is `busy`, nothing of them was done, and they come again.
--
-- An operation with `expires_at` is refused as `expired` after that instant.
--
-- `detail.now` of an applied operation has the columns of the row in which it stands otherwise than was asked for.
create or replace function app.apply_operations(operations jsonb)
    returns table (operation_id uuid, outcome text, version bigint, detail jsonb)
    language plpgsql security invoker set search_path = app, pg_catalog, ext, pg_temp set lock_timeout = '1s'
    as $$
#variable_conflict use_column
declare
    op jsonb;
    clinic constant uuid := app.current_clinic();
    never constant text[] := array['clinic_id', 'id', 'version', 'change_xid', 'created_at', 'updated_at'];
    events constant text[] := array['stage_id', 'stage_entered_at', 'closed_at', 'loss_reason_id', 'loss_note'];
    entity text;
    row_id uuid;
    fields jsonb;
    base jsonb;
    appended jsonb;
    merges boolean;
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
    -- A login without a clinic has not written anything wrong: it is the login that must be looked at.
    if clinic is null then
        raise exception using errcode = 'insufficient_privilege', message = 'this login speaks for no clinic';
    end if;
    for op in select value from jsonb_array_elements(operations) loop
        operation_id := (op ->> 'operation_id')::uuid;
        entity := op ->> 'entity';
        row_id := (op ->> 'entity_id')::uuid;
        fields := coalesce(op -> 'fields', '{}') - never;
        base := coalesce(op -> 'base', '{}') - never;
        version := null;
        detail := null;
        current_row := null;
        current_version := null;
        appended := null;
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
            -- Moved away and back before anything was sent: only its place in the column may have changed.
            if entity = 'leads' and (fields ? 'stage_id') and (fields -> 'stage_id', fields -> 'loss_reason_id')
                is not distinct from (base -> 'stage_id', base -> 'loss_reason_id') then
                fields := fields - events;
            end if;
            -- Its time was over before it came: unlike the desk, the database knows that it was not applied before.
            if (op ->> 'expires_at')::timestamptz < clock_timestamp() then
                raise exception using errcode = 'BL002';
            end if;
            if exists (select from jsonb_each(fields) as f where jsonb_typeof(f.value -> 'append') = 'string') then
                select jsonb_object_agg(f.key, f.value -> 'append') into appended
                from jsonb_each(fields) as f
                join pg_attribute as a on a.attrelid = format('app.%I', entity)::regclass and a.attname = f.key
                where jsonb_typeof(f.value -> 'append') = 'string' and a.atttypid = 'text'::regtype;
            end if;
            merges := appended is not null or (entity = 'leads' and fields ? 'stage_id');
            select string_agg(format('%I', key), ', ' order by key) into columns from jsonb_object_keys(fields) as key;

            if op ->> 'kind' = 'insert' then
                execute format(
                    'insert into app.%1$I as t (clinic_id, id, %2$s)
                     select $1, $2, %2$s from jsonb_populate_record(null::app.%1$I, $3) returning t.version', entity, columns)
                    into version using clinic, row_id, fields || coalesce(appended, '{}');
                outcome := 'applied';

            elsif op ->> 'kind' in ('patch', 'delete') then
                execute format(
                    'select t.version, to_jsonb(t), to_jsonb(jsonb_populate_record(t, $3)), to_jsonb(jsonb_populate_record(t, $4))
                     from app.%I t where t.clinic_id = $1 and t.id = $2 for update', entity)
                    into current_version, current_row, ours, seen using clinic, row_id, fields, base;
                if current_row is null and op ->> 'kind' = 'patch' then
                    raise exception using errcode = 'no_data_found';
                end if;
                -- A column clashes when it is neither what the desk saw nor already what the desk wants. A delete wants none.
                select jsonb_object_agg(key, current_row -> key) into clashing from jsonb_object_keys(base) as key
                where (current_row -> key) is distinct from (seen -> key)
                  and (op ->> 'kind' = 'delete'
                       or (fields ? key and (current_row -> key) is distinct from (ours -> key)
                           and not coalesce(appended ? key, false)
                           and not (entity = 'leads'
                                    and (key = 'position' or (key = any (events) and fields ? 'stage_id')))));
                if current_row is not null and clashing is not null then
                    raise exception using errcode = 'BL001', detail = clashing::text;
                end if;
                if op ->> 'kind' = 'delete' then
                    execute format('delete from app.%I t where t.clinic_id = $1 and t.id = $2', entity) using clinic, row_id;
                else
                    if appended is not null then
                        select fields || jsonb_object_agg(key, concat_ws(E'\n', nullif(current_row ->> key, ''), appended ->> key))
                            into fields from jsonb_object_keys(appended) as key;
                    end if;
                    execute format(
                        'update app.%1$I as t set (%2$s) = (select %3$s from jsonb_populate_record(t, $3) as r)
                         where t.clinic_id = $1 and t.id = $2 returning t.version, case when $4 then to_jsonb(t) end',
                        entity, columns,
                        (select string_agg(format('r.%I', key), ', ' order by key) from jsonb_object_keys(fields) as key))
                        into version, current_row using clinic, row_id, fields, merges;
                    if merges then
                        select jsonb_build_object('now', jsonb_object_agg(key, current_row -> key)) into detail
                        from jsonb_object_keys(fields) as key
                        where (current_row -> key) is distinct from (ours -> key)
                        having count(*) > 0;
                    end if;
                end if;
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
            when sqlstate 'BL002' then
                outcome := 'refused';
                detail := jsonb_build_object('reason', 'expired');
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
            when lock_not_available or deadlock_detected then
                outcome := 'busy';
        end;
        return next;
    end loop;
end $$;
