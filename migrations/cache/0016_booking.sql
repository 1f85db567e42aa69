-- Who does what: a free time with somebody who does not offer the service is none.
create table professional_services (id blob primary key, version integer not null, professional_id blob not null,
    service_id blob not null) strict;

-- There are no rows yet: the next connection makes the copy anew.
delete from sync_state where key = 'epoch';
