-- The people who talk to the clinic, and who is cared for.

create table app.contacts (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null default '' constraint contacts_name check (length(name) <= 200),
    profile_name text,
    phone text constraint contacts_phone check (phone ~ '^\+[0-9]{6,15}$'),
    email text,
    status text not null default 'active' constraint contacts_status check (status in ('active', 'archived', 'blocked')),
    source text,
    tags jsonb not null default '[]' constraint contacts_tags check (jsonb_typeof(tags) = 'array'),
    custom_fields jsonb not null default '{}' constraint contacts_custom_fields check (jsonb_typeof(custom_fields) = 'object'),
    notes text not null default '',
    opted_in_at timestamptz,
    opted_out_at timestamptz,
    last_interaction_at timestamptz,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint contacts_pk primary key (clinic_id, id)
);
create index contacts_by_name on app.contacts using gin (clinic_id, app.fold(name) ext.gin_trgm_ops);
create index contacts_by_interaction on app.contacts (clinic_id, last_interaction_at desc);
call internal.track('contacts');

-- Every address a person is known by. `match_key` is what two spellings of one address share: for a Brazilian phone,
-- country + area + last eight digits, so that the ninth digit neither splits nor joins people.
create table app.contact_identifiers (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    contact_id uuid not null,
    kind text not null constraint contact_identifiers_kind check (kind in ('phone', 'lid', 'username', 'email')),
    value text not null constraint contact_identifiers_value check (length(value) between 1 and 200),
    match_key text not null,
    is_primary boolean not null default false,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint contact_identifiers_pk primary key (clinic_id, id),
    constraint contact_identifiers_contact foreign key (clinic_id, contact_id) references app.contacts on delete cascade,
    constraint contact_identifiers_unique unique (clinic_id, kind, match_key)
);
create index contact_identifiers_by_contact on app.contact_identifiers (clinic_id, contact_id);
call internal.track('contact_identifiers');

create table app.patients (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    contact_id uuid not null,
    relation text not null default 'self'
        constraint patients_relation check (relation in ('self', 'dependent', 'animal', 'other')),
    name text not null constraint patients_name check (length(btrim(name)) between 1 and 200),
    birth_date date,
    sex text,
    species text,
    breed text,
    weight_grams integer constraint patients_weight check (weight_grams > 0),
    medical_notes text not null default '',
    active boolean not null default true,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint patients_pk primary key (clinic_id, id),
    constraint patients_contact foreign key (clinic_id, contact_id) references app.contacts on delete cascade
);
create index patients_by_contact on app.patients (clinic_id, contact_id);
create index patients_by_name on app.patients using gin (clinic_id, app.fold(name) ext.gin_trgm_ops);
call internal.track('patients');
