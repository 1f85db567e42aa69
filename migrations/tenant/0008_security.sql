-- Who sees and does what. Every table of schema app carries forced row security keyed on the login; what a role may do
-- beyond its clinic's rows is a grant. A table that is added later must add its own lines here in its own migration:
-- a test reads the catalogue and fails when one is without.

do $$
declare
    t text;
    c text;
begin
    for t in select relname from pg_class where relnamespace = 'app'::regnamespace and relkind = 'r' loop
        execute format('alter table app.%I enable row level security', t);
        execute format('alter table app.%I force row level security', t);
        c := case when t = 'clinics' then 'id' else 'clinic_id' end;
        execute format(
            'create policy own_clinic on app.%I for all
             to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent
             using (%I = (select app.current_clinic())) with check (%I = (select app.current_clinic()))', t, c, c);
        execute format('create policy definer_functions on app.%I for all to balcao_definer using (true) with check (true)', t);
        execute format('grant select, insert, update, delete on app.%I to balcao_definer', t);
    end loop;
end $$;

-- Everyone who works in the clinic reads what the screens show.
grant select on
    app.clinics, app.clinic_settings, app.members, app.channels, app.contacts, app.contact_identifiers, app.patients,
    app.services, app.rooms, app.professionals, app.professional_services, app.working_hours, app.schedule_exceptions,
    app.appointment_series, app.appointments, app.appointment_events, app.waitlist_entries, app.tombstones
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent;
grant select on
    app.conversations, app.conversation_reads, app.messages, app.message_attempts, app.media, app.quick_replies,
    app.pipelines, app.pipeline_stages, app.loss_reasons, app.leads, app.lead_events, app.leases
    to balcao_owner, balcao_admin, balcao_attendant, balcao_viewer, balcao_agent;

-- The counter: people, visits, threads, leads.
grant insert, update on
    app.contacts, app.contact_identifiers, app.patients, app.schedule_exceptions, app.appointment_series, app.appointments,
    app.waitlist_entries, app.conversations, app.conversation_reads, app.leads
    to balcao_owner, balcao_admin, balcao_attendant, balcao_agent;
grant insert on app.messages to balcao_owner, balcao_admin, balcao_attendant, balcao_agent;
grant delete on app.schedule_exceptions, app.waitlist_entries, app.contact_identifiers
    to balcao_owner, balcao_admin, balcao_attendant;

-- A professional's own visits.
grant update on app.appointments to balcao_professional;
create function app.current_professionals() returns setof uuid
    language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
    as $$ select id from app.professionals where clinic_id = app.current_clinic() and member_id = app.current_member() $$;
create policy own_visits on app.appointments as restrictive for all to balcao_professional
    using (professional_id in (select app.current_professionals()))
    with check (professional_id in (select app.current_professionals()));

-- Setting the clinic up.
grant insert, update, delete on
    app.services, app.rooms, app.professionals, app.professional_services, app.working_hours, app.channels,
    app.quick_replies, app.pipelines, app.pipeline_stages, app.loss_reasons, app.owner_numbers
    to balcao_owner, balcao_admin;
grant update on app.clinic_settings to balcao_owner, balcao_admin;
grant update (name, vertical, time_zone, locale) on app.clinics to balcao_owner, balcao_admin;
grant update (name, phone, bio, registration_number, picture_url) on app.members to balcao_owner, balcao_admin;
grant select on app.devices, app.owner_numbers, app.audit_logs to balcao_owner, balcao_admin;

-- The background work of the elected computer; an owner's computer may do it too.
grant select, insert, update on app.jobs, app.gateway_events, app.message_attempts, app.media, app.leases to balcao_agent;
grant select, insert, delete on app.pending_effects to balcao_agent;
grant update on app.messages to balcao_agent;
grant update (status, last_event_at, phone) on app.channels to balcao_agent;
do $$
begin
    -- Roles outlive this database: the grant of an earlier one is left to whoever made it.
    if not pg_has_role('balcao_owner', 'balcao_agent', 'usage') then
        grant balcao_agent to balcao_owner;
    end if;
end $$;

-- A person writes as a person: only the background work stores what others said.
create policy people_write_as_themselves on app.messages as restrictive for insert to balcao_attendant, balcao_admin
    with check (sender_kind = 'member' and gateway_id is null);

-- Idempotency: a desk records and reads its operations, and changes none.
grant select, insert on app.applied_operations
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_agent;

grant execute on function
    app.current_clinic(), app.current_member(), app.current_device(), app.current_member_role(), app.feed_epoch(),
    app.listen_channel(), app.fold(text), app.current_professionals()
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent, balcao_definer;
-- Called by a function that runs as this role.
grant execute on function internal.status_rank(text) to balcao_definer;
