-- Which schema this is. A desk asks before anything else, and must not read the book of migrations itself, which the
-- migrator keeps.

grant select on internal.migrations to balcao_definer;

create function app.schema_version() returns bigint
    language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
    as $$ select max(version) from internal.migrations $$;

grant create on schema app to balcao_definer;
alter function app.schema_version() owner to balcao_definer;
revoke create on schema app from balcao_definer;

grant execute on function app.schema_version()
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;
