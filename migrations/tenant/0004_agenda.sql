-- What can be booked, with whom, where and when; and what is booked.

create table app.services (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null constraint services_name check (length(btrim(name)) between 1 and 160),
    category text,
    description text not null default '',
    duration_minutes integer not null constraint services_duration check (duration_minutes between 5 and 1440),
    buffer_before_minutes integer not null default 0 constraint services_buffer_before check (buffer_before_minutes between 0 and 240),
    buffer_after_minutes integer not null default 0 constraint services_buffer_after check (buffer_after_minutes between 0 and 240),
    price_cents bigint constraint services_price check (price_cents >= 0),
    active boolean not null default true,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint services_pk primary key (clinic_id, id)
);
call internal.track('services');

create table app.rooms (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null constraint rooms_name check (length(btrim(name)) between 1 and 80),
    position integer not null default 0,
    active boolean not null default true,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint rooms_pk primary key (clinic_id, id)
);
call internal.track('rooms');

create table app.professionals (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    member_id uuid,
    room_id uuid,
    name text not null constraint professionals_name check (length(btrim(name)) between 1 and 160),
    specialty text,
    registration_number text,
    color integer not null default 1 constraint professionals_color check (color between 1 and 8),
    position integer not null default 0,
    active boolean not null default true,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint professionals_pk primary key (clinic_id, id),
    constraint professionals_member foreign key (clinic_id, member_id) references app.members,
    constraint professionals_room foreign key (clinic_id, room_id) references app.rooms
);
call internal.track('professionals');

create table app.professional_services (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    professional_id uuid not null,
    service_id uuid not null,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint professional_services_pk primary key (clinic_id, id),
    constraint professional_services_unique unique (clinic_id, professional_id, service_id),
    constraint professional_services_professional foreign key (clinic_id, professional_id) references app.professionals on delete cascade,
    constraint professional_services_service foreign key (clinic_id, service_id) references app.services on delete cascade
);
call internal.track('professional_services');

-- Local wall time of the clinic: minutes since midnight; weekday 1 = Monday … 7 = Sunday (ISO 8601).
create table app.working_hours (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    professional_id uuid not null,
    weekday integer not null constraint working_hours_weekday check (weekday between 1 and 7),
    starts_minute integer not null constraint working_hours_start check (starts_minute between 0 and 1439),
    ends_minute integer not null,
    valid_from date,
    valid_until date,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint working_hours_pk primary key (clinic_id, id),
    constraint working_hours_order check (ends_minute > starts_minute and ends_minute <= 1440),
    constraint working_hours_professional foreign key (clinic_id, professional_id) references app.professionals on delete cascade
);
call internal.track('working_hours');

-- A closed day, a blocked hour, extra hours. Without professional and room it is for the whole clinic.
create table app.schedule_exceptions (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    professional_id uuid,
    room_id uuid,
    kind text not null constraint schedule_exceptions_kind check (kind in ('closed', 'blocked', 'extra_hours')),
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    reason text not null default '',
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint schedule_exceptions_pk primary key (clinic_id, id),
    constraint schedule_exceptions_order check (ends_at > starts_at),
    constraint schedule_exceptions_professional foreign key (clinic_id, professional_id) references app.professionals on delete cascade,
    constraint schedule_exceptions_room foreign key (clinic_id, room_id) references app.rooms on delete cascade
);
create index schedule_exceptions_by_start on app.schedule_exceptions (clinic_id, starts_at);
call internal.track('schedule_exceptions');

create table app.appointment_series (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    rule text not null,
    time_zone text not null,
    notes text not null default '',
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint appointment_series_pk primary key (clinic_id, id)
);
call internal.track('appointment_series');

create table app.appointments (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    patient_id uuid not null,
    contact_id uuid not null,
    professional_id uuid not null,
    room_id uuid,
    service_id uuid,
    series_id uuid,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    status text not null default 'scheduled' constraint appointments_status
        check (status in ('scheduled', 'confirmed', 'arrived', 'in_service', 'completed', 'cancelled', 'no_show')),
    squeezed_in boolean not null default false,
    squeeze_reason text,
    price_cents bigint constraint appointments_price check (price_cents >= 0),
    notes text not null default '',
    source text not null default 'person'
        constraint appointments_source check (source in ('person', 'bot', 'google', 'import')),
    cancel_reason text,
    confirmed_at timestamptz,
    arrived_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    created_by uuid,
    metadata jsonb not null default '{}',
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint appointments_pk primary key (clinic_id, id),
    constraint appointments_order check (ends_at > starts_at),
    constraint appointments_length check (ends_at <= starts_at + interval '24 hours'),
    constraint appointments_squeeze_reason check (not squeezed_in or length(btrim(squeeze_reason)) > 0),
    constraint appointments_patient foreign key (clinic_id, patient_id) references app.patients,
    constraint appointments_contact foreign key (clinic_id, contact_id) references app.contacts,
    constraint appointments_professional foreign key (clinic_id, professional_id) references app.professionals,
    constraint appointments_room foreign key (clinic_id, room_id) references app.rooms,
    constraint appointments_service foreign key (clinic_id, service_id) references app.services,
    constraint appointments_series foreign key (clinic_id, series_id) references app.appointment_series,
    -- The slot guard: decided here and nowhere else. A squeezed-in visit is a deliberate exception with a reason.
    constraint appointments_professional_slot exclude using gist
        (clinic_id with =, professional_id with =, tstzrange(starts_at, ends_at) with &&)
        where (status not in ('cancelled', 'no_show') and not squeezed_in),
    constraint appointments_room_slot exclude using gist
        (clinic_id with =, room_id with =, tstzrange(starts_at, ends_at) with &&)
        where (room_id is not null and status not in ('cancelled', 'no_show') and not squeezed_in)
);
create index appointments_by_start on app.appointments (clinic_id, starts_at);
create index appointments_by_patient on app.appointments (clinic_id, patient_id, starts_at);
create index appointments_by_contact on app.appointments (clinic_id, contact_id, starts_at);
call internal.track('appointments');

-- What happened to a visit, in order. Written by the trigger below, never by a desk.
create table app.appointment_events (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    appointment_id uuid not null,
    kind text not null,
    details jsonb not null default '{}',
    member_id uuid,
    at timestamptz not null default now(),
    constraint appointment_events_pk primary key (clinic_id, id),
    constraint appointment_events_appointment foreign key (clinic_id, appointment_id) references app.appointments on delete cascade
);
create index appointment_events_by_appointment on app.appointment_events (clinic_id, appointment_id, at);

create function internal.record_appointment_event() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    if tg_op = 'INSERT' then
        insert into app.appointment_events (clinic_id, appointment_id, kind, member_id, details)
        values (new.clinic_id, new.id, 'booked', app.current_member(),
                jsonb_build_object('starts_at', new.starts_at, 'source', new.source, 'squeezed_in', new.squeezed_in));
        return null;
    end if;
    if (old.starts_at, old.ends_at, old.professional_id, old.room_id)
        is distinct from (new.starts_at, new.ends_at, new.professional_id, new.room_id) then
        insert into app.appointment_events (clinic_id, appointment_id, kind, member_id, details)
        values (new.clinic_id, new.id, 'moved', app.current_member(), jsonb_build_object(
            'from', jsonb_build_object('starts_at', old.starts_at, 'ends_at', old.ends_at, 'professional_id', old.professional_id),
            'to', jsonb_build_object('starts_at', new.starts_at, 'ends_at', new.ends_at, 'professional_id', new.professional_id)));
    end if;
    if old.status is distinct from new.status then
        insert into app.appointment_events (clinic_id, appointment_id, kind, member_id, details)
        values (new.clinic_id, new.id, new.status, app.current_member(), jsonb_build_object('from', old.status));
    end if;
    return null;
end $$;
create trigger record_event after insert or update on app.appointments
    for each row execute function internal.record_appointment_event();

create table app.waitlist_entries (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    contact_id uuid not null,
    patient_id uuid,
    service_id uuid,
    professional_id uuid,
    wanted_from date,
    wanted_until date,
    preferences jsonb not null default '{}',
    status text not null default 'waiting'
        constraint waitlist_status check (status in ('waiting', 'offered', 'accepted', 'expired', 'removed')),
    offered_until timestamptz,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint waitlist_entries_pk primary key (clinic_id, id),
    constraint waitlist_contact foreign key (clinic_id, contact_id) references app.contacts,
    constraint waitlist_patient foreign key (clinic_id, patient_id) references app.patients,
    constraint waitlist_service foreign key (clinic_id, service_id) references app.services,
    constraint waitlist_professional foreign key (clinic_id, professional_id) references app.professionals
);
call internal.track('waitlist_entries');
