-- As before, and a message does not pass an earlier one of its thread that is `busy`: it is so, too, without being tried.
do $$
declare
    source text := pg_get_functiondef('app.apply_operations(jsonb)'::regprocedure);
    change record;
begin
    for change in select * from (values
        ($q$    state text;
begin$q$,
         $q$    state text;
    -- Threads in which a message waits.
    held text[] := '{}';
begin$q$),
        ($q$            if op ->> 'kind' = 'insert' then
                execute$q$,
         $q$            if op ->> 'kind' = 'insert' then
                if entity = 'messages' and fields ->> 'conversation_id' = any (held) then
                    raise lock_not_available;
                end if;
                execute$q$),
        ($q$                outcome := 'busy';
$q$,
         $q$                outcome := 'busy';
                if entity = 'messages' and op ->> 'kind' = 'insert' then
                    held := held || (fields ->> 'conversation_id');
                end if;
$q$)) as c (stands, becomes)
    loop
        if length(source) - length(replace(source, change.stands, '')) <> length(change.stands) then
            raise exception 'app.apply_operations is otherwise than this migration knows';
        end if;
        source := replace(source, change.stands, change.becomes);
    end loop;
    execute source;
end $$;
