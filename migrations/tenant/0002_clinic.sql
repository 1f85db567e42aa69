-- The tenant, its people and its connections.

create table app.clinics (
    id uuid primary key default gen_random_uuid(),
    clinic_id uuid not null generated always as (id) stored,
    name text not null constraint clinics_name check (length(btrim(name)) between 1 and 160),
    slug text not null constraint clinics_slug_unique unique,
    vertical text not null default 'human'
        constraint clinics_vertical check (vertical in ('human', 'veterinary', 'dental', 'other')),
    plan text not null default 'starter'
        constraint clinics_plan check (plan in ('starter', 'pro', 'scale', 'enterprise')),
    status text not null default 'active' constraint clinics_status check (status in ('active', 'suspended', 'trial')),
    time_zone text not null,
    locale text not null default 'pt-BR',
    next_billing_date date,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
call internal.track('clinics');

create table app.clinic_settings (
    clinic_id uuid primary key references app.clinics (id) on delete cascade,
    id uuid not null generated always as (clinic_id) stored,
    operating_hours jsonb not null default '{}',
    assistant jsonb not null default '{}',
    reminders jsonb not null default '{}',
    message_retention_days integer constraint clinic_settings_retention check (message_retention_days > 0),
    context jsonb not null default '{}',
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index clinic_settings_context on app.clinic_settings using gin (clinic_id, context);
call internal.track('clinic_settings');

create table app.members (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null constraint members_name check (length(btrim(name)) between 1 and 160),
    email text,
    phone text,
    role text not null
        constraint members_role check (role in ('owner', 'admin', 'attendant', 'professional', 'viewer', 'agent')),
    active boolean not null default true,
    bio text constraint members_bio check (length(bio) <= 2000),
    registration_number text,
    picture_url text,
    last_seen_at timestamptz,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint members_pk primary key (clinic_id, id),
    constraint members_email_unique unique (clinic_id, email)
);
call internal.track('members');

create table app.devices (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    member_id uuid not null,
    name text not null,
    platform text,
    app_version text,
    last_seen_at timestamptz,
    revoked_at timestamptz,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint devices_pk primary key (clinic_id, id),
    constraint devices_member foreign key (clinic_id, member_id) references app.members on delete cascade
);
call internal.track('devices');

create table app.owner_numbers (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    member_id uuid,
    phone text not null,
    is_primary boolean not null default false,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint owner_numbers_pk primary key (clinic_id, id),
    constraint owner_numbers_member foreign key (clinic_id, member_id) references app.members,
    constraint owner_numbers_phone_unique unique (clinic_id, phone)
);
call internal.track('owner_numbers');

-- A WhatsApp connection. Its token is in the keyring of the computer that uses it, never here.
create table app.channels (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null constraint channels_name check (length(btrim(name)) between 1 and 80),
    kind text not null default 'evolution' constraint channels_kind check (kind in ('evolution', 'cloud_api')),
    url text,
    instance text,
    phone text,
    status text not null default 'disconnected'
        constraint channels_status check (status in ('disconnected', 'connecting', 'pairing', 'connected', 'refused')),
    active boolean not null default true,
    last_event_at timestamptz,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint channels_pk primary key (clinic_id, id),
    constraint channels_name_unique unique (clinic_id, name)
);
call internal.track('channels');
