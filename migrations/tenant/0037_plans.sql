-- A pull asks the same few questions after every commit. Their plans are made once in a connection: what the planner would
-- learn of the cursor, so that it plans anew each time, changes nothing, because every table is entered by the same index.

alter function app.feed_since(xid8) set plan_cache_mode = force_generic_plan;
alter function app.changes_since(xid8, integer) set plan_cache_mode = force_generic_plan;

-- Whose feed it is, and which one, in one look instead of three.
do $$
declare
    source text := pg_get_functiondef('app.feed_since(xid8)'::regprocedure);
    change record;
begin
    for change in select * from (values
        ($q$    select l.clinic_id, l.member_id, l.role, l.feed_salt into clinic, member, role, salt
    from internal.logins l where$q$,
         $q$    select l.clinic_id, l.member_id, l.role,
           case when l.feed_salt is null then f.epoch else md5(f.epoch::text || l.feed_salt::text)::uuid end
    into clinic, member, role, epoch
    from internal.logins l cross join internal.feed f where$q$),
        ($q$    salt uuid;
$q$, ''),
        ($q$    epoch := internal.epoch_of(salt);
$q$, '')) as c (stands, becomes)
    loop
        if length(source) - length(replace(source, change.stands, '')) <> length(change.stands) then
            raise exception 'app.feed_since is otherwise than this migration knows';
        end if;
        source := replace(source, change.stands, change.becomes);
    end loop;
    execute source;
end $$;
