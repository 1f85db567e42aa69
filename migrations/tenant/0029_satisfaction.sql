-- How people liked it: a question after a talk was closed, and the number that comes back.

-- Whether it is asked, with which words, and for how many hours a number counts as the answer.
alter table app.clinic_settings add constraint clinic_settings_satisfaction check (
    case when not inbox ? 'satisfaction' then true
    else coalesce(jsonb_typeof(inbox -> 'satisfaction' -> 'on') = 'boolean'
        and length(btrim(inbox -> 'satisfaction' ->> 'question')) between 1 and 500
        and (inbox -> 'satisfaction' ->> 'hours')::integer between 1 and 168, false) end);

create table app.satisfaction_surveys (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    conversation_id uuid not null,
    -- The question.
    message_id uuid not null,
    -- Who closed the talk.
    member_id uuid,
    asked_at timestamptz not null,
    -- For so long after it the next word may be the answer.
    hours integer not null constraint satisfaction_surveys_hours check (hours between 1 and 168),
    score integer constraint satisfaction_surveys_score check (score between 1 and 5),
    answered_at timestamptz,
    constraint satisfaction_surveys_pk primary key (clinic_id, id),
    constraint satisfaction_surveys_answer check ((score is null) = (answered_at is null)),
    constraint satisfaction_surveys_conversation foreign key (clinic_id, conversation_id)
        references app.conversations on delete cascade,
    constraint satisfaction_surveys_message foreign key (clinic_id, message_id) references app.messages on delete cascade,
    constraint satisfaction_surveys_member foreign key (clinic_id, member_id) references app.members
);
create index satisfaction_surveys_by_thread on app.satisfaction_surveys (clinic_id, conversation_id, asked_at desc);
create index satisfaction_surveys_by_message on app.satisfaction_surveys (clinic_id, message_id);
create index satisfaction_surveys_by_time on app.satisfaction_surveys (clinic_id, answered_at) where answered_at is not null;

-- The last answer, for every desk to see.
alter table app.conversations
    add column satisfaction_score integer constraint conversations_satisfaction check (satisfaction_score between 1 and 5),
    add column satisfaction_at timestamptz;
alter table app.conversations alter column satisfaction_score set statistics 0;

-- What a message of the person answers, in the eyes of whoever stores it. It stays only where something was asked.
alter table app.messages
    add column rating integer constraint messages_rating
        check (rating is null or (rating between 1 and 5 and direction = 'inbound' and sender_kind = 'contact'));
alter table app.messages alter column rating set statistics 0;

-- A talk that a person has closed is asked about, some minutes later: whoever closed it by mistake opens it again, and nothing
-- goes out. Nobody is asked who was not answered by a person, who has not written for a day (WhatsApp takes no words of ours
-- then), or who was asked within a week.
create function internal.satisfaction_follows_status() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    wanted constant jsonb := (select s.inbox -> 'satisfaction' from app.clinic_settings s where s.clinic_id = new.clinic_id);
    goes_out constant timestamptz := clock_timestamp() + interval '2 minutes';
    letter uuid;
begin
    if old.status = 'closed' then
        -- The message before its job, as whoever sends it does; what is being sent goes out.
        for letter in
            select m.id from app.satisfaction_surveys s
            join app.messages m on m.clinic_id = s.clinic_id and m.id = s.message_id
            where s.clinic_id = new.clinic_id and s.conversation_id = new.id and m.status = 'queued'
            for no key update of m skip locked
        loop
            delete from app.jobs j
            where j.clinic_id = new.clinic_id and j.kind = 'send_message' and j.dedupe_key = letter::text and j.status = 'queued';
            if found then
                delete from app.messages m where m.clinic_id = new.clinic_id and m.id = letter;
            end if;
        end loop;
        return null;
    end if;
    if not coalesce((wanted ->> 'on')::boolean, false)
        or new.status_decided_at is not distinct from old.status_decided_at
        or new.responded_at is null
        or coalesce(new.last_inbound_at, '-infinity') < clock_timestamp() - interval '1 day'
        or exists (select from app.satisfaction_surveys s
                   where s.clinic_id = new.clinic_id and s.conversation_id = new.id
                     and s.asked_at > clock_timestamp() - interval '7 days')
        or not exists (select from app.contacts p
                       where p.clinic_id = new.clinic_id and p.id = new.contact_id and p.status = 'active')
        or not exists (select from app.channels c
                       where c.clinic_id = new.clinic_id and c.id = new.channel_id and c.active) then
        return null;
    end if;
    insert into app.messages
        (clinic_id, conversation_id, channel_id, direction, sender_kind, kind, body, status, sent_at, scheduled_for)
    values (new.clinic_id, new.id, new.channel_id, 'outbound', 'system', 'text', btrim(wanted ->> 'question'), 'queued',
            goes_out, goes_out)
    returning id into letter;
    insert into app.satisfaction_surveys (clinic_id, conversation_id, message_id, member_id, asked_at, hours)
    values (new.clinic_id, new.id, letter, app.current_member(), goes_out,
            (wanted ->> 'hours')::integer);
    return null;
end $$;
create trigger satisfaction after update of status on app.conversations for each row
    when ((old.status = 'closed') is distinct from (new.status = 'closed'))
    execute function internal.satisfaction_follows_status();

-- A number is the answer when it is the first word after the question, and comes in time.
create function internal.message_rates() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    survey app.satisfaction_surveys;
begin
    select s.* into survey
    from app.satisfaction_surveys s join app.messages q on q.clinic_id = s.clinic_id and q.id = s.message_id
    where s.clinic_id = new.clinic_id and q.conversation_id = new.conversation_id and s.answered_at is null
      and q.status not in ('queued', 'failed')
      -- WhatsApp tells whole seconds.
      and new.sent_at between date_trunc('second', q.sent_at) and q.sent_at + make_interval(hours => s.hours)
      and not exists (select from app.messages m
                      where m.clinic_id = q.clinic_id and m.conversation_id = q.conversation_id and m.direction <> 'internal'
                        and m.id <> q.id and m.sent_at > q.sent_at)
    order by s.asked_at desc limit 1 for update of s;
    if survey.id is null then
        new.rating := null;
        return new;
    end if;
    update app.satisfaction_surveys s set score = new.rating, answered_at = new.sent_at
    where s.clinic_id = survey.clinic_id and s.id = survey.id;
    return new;
end $$;
-- After `reaches_thread`, which may lead it to another thread.
create trigger says_how_it_was before insert on app.messages for each row
    when (new.rating is not null) execute function internal.message_rates();

-- The answer asks for no answer: it shows in the list, and the thread stays as it is.
create function internal.rating_moves_conversation() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    update app.conversations c set
        last_message_at = greatest(c.last_message_at, new.sent_at),
        last_message_preview = left(regexp_replace(new.body, '\s+', ' ', 'g'), 160),
        last_message_direction = new.direction, last_message_kind = new.kind,
        last_inbound_at = greatest(c.last_inbound_at, new.sent_at),
        satisfaction_score = new.rating, satisfaction_at = new.sent_at
    where c.clinic_id = new.clinic_id and c.id = new.conversation_id;
    return null;
end $$;
drop trigger moves_conversation on app.messages;
create trigger moves_conversation after insert on app.messages
    for each row when (new.scheduled_for is null and new.rating is null)
    execute function internal.message_moves_conversation();
create trigger rating_moves_conversation after insert on app.messages
    for each row when (new.rating is not null) execute function internal.rating_moves_conversation();

do $$
declare
    f regprocedure;
    kept record;
begin
    alter table app.satisfaction_surveys enable row level security, force row level security;
    create policy own_clinic on app.satisfaction_surveys for all
        to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent
        using (clinic_id = (select id from app.own_clinic)) with check (clinic_id = (select id from app.own_clinic));
    create policy definer_functions on app.satisfaction_surveys for all to balcao_definer using (true) with check (true);
    grant select, insert, update, delete on app.satisfaction_surveys to balcao_definer;
    grant select on app.satisfaction_surveys to balcao_owner, balcao_admin, balcao_attendant, balcao_viewer, balcao_agent;
    -- As everywhere: no statistics of what names or describes somebody.
    for kept in
        select a.attname from pg_attribute a
        where a.attrelid = 'app.satisfaction_surveys'::regclass and a.attnum > 0 and a.atttypid <> 'timestamptz'::regtype
    loop
        execute format('alter table app.satisfaction_surveys alter column %I set statistics 0', kept.attname);
    end loop;

    grant create on schema app, internal to balcao_definer;
    foreach f in array array[
        'internal.satisfaction_follows_status()', 'internal.message_rates()', 'internal.rating_moves_conversation()'
    ]::regprocedure[] loop
        execute format('revoke all on function %s from public', f);
        execute format('alter function %s owner to balcao_definer', f);
    end loop;
    revoke create on schema app, internal from balcao_definer;
end $$;
