-- Pipelines: who may become a patient, and how far along they are.

create table app.pipelines (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null constraint pipelines_name check (length(btrim(name)) between 1 and 80),
    position integer not null default 0,
    is_default boolean not null default false,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pipelines_pk primary key (clinic_id, id)
);
call internal.track('pipelines');

create table app.pipeline_stages (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    pipeline_id uuid not null,
    name text not null constraint pipeline_stages_name check (length(btrim(name)) between 1 and 80),
    kind text not null default 'open' constraint pipeline_stages_kind check (kind in ('open', 'won', 'lost')),
    position integer not null default 0,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pipeline_stages_pk primary key (clinic_id, id),
    constraint pipeline_stages_pipeline foreign key (clinic_id, pipeline_id) references app.pipelines on delete cascade
);
call internal.track('pipeline_stages');

create table app.loss_reasons (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null constraint loss_reasons_name check (length(btrim(name)) between 1 and 80),
    position integer not null default 0,
    active boolean not null default true,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint loss_reasons_pk primary key (clinic_id, id)
);
call internal.track('loss_reasons');

create table app.leads (
    clinic_id uuid not null references app.clinics (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    contact_id uuid not null,
    pipeline_id uuid not null,
    stage_id uuid not null,
    title text not null default '' constraint leads_title check (length(title) <= 200),
    value_cents bigint constraint leads_value check (value_cents >= 0),
    source text,
    answers jsonb not null default '{}' constraint leads_answers check (jsonb_typeof(answers) = 'object'),
    metadata jsonb not null default '{}' constraint leads_metadata check (jsonb_typeof(metadata) = 'object'),
    owner_id uuid,
    next_action text,
    next_action_at timestamptz,
    position double precision not null default 0,
    stage_entered_at timestamptz not null default now(),
    loss_reason_id uuid,
    loss_note text,
    closed_at timestamptz,
    last_interaction_at timestamptz,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint leads_pk primary key (clinic_id, id),
    constraint leads_contact foreign key (clinic_id, contact_id) references app.contacts,
    constraint leads_pipeline foreign key (clinic_id, pipeline_id) references app.pipelines,
    constraint leads_stage foreign key (clinic_id, stage_id) references app.pipeline_stages,
    constraint leads_owner foreign key (clinic_id, owner_id) references app.members,
    constraint leads_loss_reason foreign key (clinic_id, loss_reason_id) references app.loss_reasons
);
create unique index leads_one_open on app.leads (clinic_id, pipeline_id, contact_id) where closed_at is null;
create index leads_by_stage on app.leads (clinic_id, stage_id, position);
create index leads_answers on app.leads using gin (clinic_id, answers);
call internal.track('leads');

create table app.lead_events (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    lead_id uuid not null,
    kind text not null,
    from_stage_id uuid,
    to_stage_id uuid,
    details jsonb not null default '{}',
    member_id uuid,
    at timestamptz not null default now(),
    constraint lead_events_pk primary key (clinic_id, id),
    constraint lead_events_lead foreign key (clinic_id, lead_id) references app.leads on delete cascade
);
create index lead_events_by_lead on app.lead_events (clinic_id, lead_id, at);

-- A stage change keeps the book of stages, opens or closes the lead, and asks for a reason when it is lost.
create function internal.lead_enters_stage() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    stage app.pipeline_stages;
begin
    if tg_op = 'UPDATE' and new.stage_id = old.stage_id then
        return new;
    end if;
    select * into stage from app.pipeline_stages where clinic_id = new.clinic_id and id = new.stage_id;
    if stage.kind = 'lost' and new.loss_reason_id is null then
        raise exception using errcode = 'check_violation', constraint = 'leads_loss_reason_required',
            message = 'a lost lead needs a reason';
    end if;
    if stage.pipeline_id is distinct from new.pipeline_id then
        raise exception using errcode = 'check_violation', constraint = 'leads_stage_of_pipeline',
            message = 'the stage belongs to another pipeline';
    end if;
    if stage.kind <> 'lost' then
        new.loss_reason_id := null;
        new.loss_note := null;
    end if;
    new.closed_at := case when stage.kind = 'open' then null else coalesce(new.closed_at, now()) end;
    new.stage_entered_at := case when tg_op = 'INSERT' then new.stage_entered_at else now() end;
    return new;
end $$;
create trigger enters_stage before insert or update on app.leads
    for each row execute function internal.lead_enters_stage();

create function internal.record_lead_event() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    if tg_op = 'INSERT' then
        insert into app.lead_events (clinic_id, lead_id, kind, to_stage_id, member_id)
        values (new.clinic_id, new.id, 'created', new.stage_id, app.current_member());
    elsif old.stage_id is distinct from new.stage_id then
        insert into app.lead_events (clinic_id, lead_id, kind, from_stage_id, to_stage_id, member_id, details)
        values (new.clinic_id, new.id, 'moved', old.stage_id, new.stage_id, app.current_member(),
                jsonb_strip_nulls(jsonb_build_object('loss_reason_id', new.loss_reason_id, 'loss_note', new.loss_note)));
    end if;
    return null;
end $$;
create trigger record_event after insert or update on app.leads
    for each row execute function internal.record_lead_event();
