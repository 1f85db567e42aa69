-- Notes to the team inside a thread, and whom they are meant for.

-- Whom a note names. The row of the message says it, so that one write is enough; who is to see it follows.
alter table app.messages
    add column mentions jsonb not null default '[]',
    add constraint messages_mentions check (
        jsonb_typeof(mentions) = 'array' and jsonb_array_length(mentions) <= 20
        and (mentions = '[]' or direction = 'internal'));
alter table app.messages alter column mentions set statistics 0;

-- What somebody is to see, until they have seen it.
create table app.mentions (
    clinic_id uuid not null,
    id uuid not null default gen_random_uuid(),
    message_id uuid not null,
    conversation_id uuid not null,
    member_id uuid not null,
    seen_at timestamptz,
    version bigint not null default 1,
    change_xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint mentions_pk primary key (clinic_id, id),
    constraint mentions_once unique (clinic_id, message_id, member_id),
    constraint mentions_message foreign key (clinic_id, message_id) references app.messages on delete cascade,
    constraint mentions_conversation foreign key (clinic_id, conversation_id) references app.conversations on delete cascade,
    constraint mentions_member foreign key (clinic_id, member_id) references app.members on delete cascade
);
create index mentions_by_conversation on app.mentions (clinic_id, conversation_id);
create index mentions_by_member on app.mentions (clinic_id, member_id);
call internal.track('mentions');
alter table app.mentions enable row level security, force row level security;
create policy own_clinic on app.mentions for all
    to balcao_owner, balcao_admin, balcao_attendant, balcao_professional, balcao_viewer, balcao_agent
    using (clinic_id = (select id from app.own_clinic)) with check (clinic_id = (select id from app.own_clinic));
-- That somebody has seen it, only they can say.
create policy own_mentions on app.mentions as restrictive for update
    to balcao_owner, balcao_admin, balcao_attendant
    using (true) with check (member_id = (select id from app.own_member));
create policy definer_functions on app.mentions for all to balcao_definer using (true) with check (true);
grant select, insert, update, delete on app.mentions to balcao_definer;
grant select on app.mentions to balcao_owner, balcao_admin, balcao_attendant, balcao_viewer, balcao_agent;
grant update (seen_at) on app.mentions to balcao_owner, balcao_admin, balcao_attendant;
alter table app.mentions
    alter column clinic_id set statistics 0, alter column id set statistics 0, alter column message_id set statistics 0,
    alter column conversation_id set statistics 0, alter column member_id set statistics 0,
    alter column version set statistics 0;

-- Those who work with threads see them; whoever writes a note need not be told of it.
create function internal.mention_members() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    insert into app.mentions (clinic_id, message_id, conversation_id, member_id)
    select new.clinic_id, new.id, new.conversation_id, m.id
    from app.members m
    where m.clinic_id = new.clinic_id and m.active and m.role in ('owner', 'admin', 'attendant')
      and m.id is distinct from new.sender_id and new.mentions @> to_jsonb(m.id);
    return null;
end $$;
create trigger mention_members after insert on app.messages
    for each row when (new.mentions <> '[]') execute function internal.mention_members();

-- Two threads became one, or two again.
create function internal.mentions_follow_message() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    update app.mentions t set conversation_id = new.conversation_id
    where t.clinic_id = new.clinic_id and t.message_id = new.id;
    return null;
end $$;
create trigger mentions_follow after update of conversation_id on app.messages
    for each row when (new.mentions <> '[]') execute function internal.mentions_follow_message();

do $$
declare
    source text := pg_get_functiondef('app.feed_since(xid8)'::regprocedure);
    messages constant text := $q$case when exists (select 1 from app.messages where clinic_id = clinic and change_xid >= since) then 'messages' end,$q$;
    f regprocedure;
begin
    if (length(source) - length(replace(source, messages, ''))) <> length(messages) then
        raise exception 'app.feed_since looks at messages otherwise than this migration knows';
    end if;
    execute replace(source, messages, messages || replace(messages, 'messages', 'mentions'));

    grant create on schema app, internal to balcao_definer;
    foreach f in array array['internal.mention_members()', 'internal.mentions_follow_message()']::regprocedure[] loop
        execute format('revoke all on function %s from public', f);
        execute format('alter function %s owner to balcao_definer', f);
    end loop;
    revoke create on schema app, internal from balcao_definer;
end $$;
