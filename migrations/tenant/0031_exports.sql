-- A file of a message that somebody saves to a disk leaves the clinic like anything else that is exported. Where there was no
-- line then, the computer tells of it later, perhaps twice: with the id that it gave to it, it is written down once.
do $$
declare
    source text := pg_get_functiondef('app.record_export(text,uuid,jsonb)'::regprocedure);
    change record;
begin
    for change in select * from (values
        ($q$what not in ('list', 'person', 'audit', 'backup')$q$, $q$what not in ('list', 'person', 'audit', 'backup', 'file')$q$),
        ($q$    insert into app.audit_logs$q$,
         $q$    if details ? 'id' and exists (
        select from app.audit_logs a
        where a.clinic_id = speaker.clinic_id and a.person_id = about and a.action = 'export'
          and a.device_id is not distinct from speaker.device_id
          and a.new_values -> 'details' ->> 'id' = details ->> 'id')
    then
        return;
    end if;
    insert into app.audit_logs$q$)) as c (stands, becomes)
    loop
        if length(source) - length(replace(source, change.stands, '')) <> length(change.stands) then
            raise exception 'app.record_export is otherwise than this migration knows';
        end if;
        source := replace(source, change.stands, change.becomes);
    end loop;
    execute source;
end $$;
