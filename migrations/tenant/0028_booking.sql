-- Desks copy who does what: they offer free times only with somebody who offers the service.
do $$
declare
    source text := pg_get_functiondef('app.feed_since(xid8)'::regprocedure);
    hours constant text := $q$case when exists (select 1 from app.working_hours where clinic_id = clinic and change_xid >= since) then 'working_hours' end,$q$;
begin
    -- Once for professionals, once for everybody else.
    if (length(source) - length(replace(source, hours, ''))) <> 2 * length(hours) then
        raise exception 'app.feed_since looks at working hours otherwise than this migration knows';
    end if;
    execute replace(source, hours, hours || replace(hours, 'working_hours', 'professional_services'));
end $$;
