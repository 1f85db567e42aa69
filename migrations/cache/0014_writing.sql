-- By what the gateway knows a message, so that an answer leads to what it quotes; and notes that name members of the team.
alter table messages add column gateway_id text;
alter table messages add column reply_to_gateway_id text;
alter table messages add column mentions text;
create index messages_by_gateway_id on messages (gateway_id) where gateway_id is not null;
create index messages_scheduled on messages (conversation_id) where scheduled_for is not null;

create table mentions (id blob primary key, version integer not null, message_id blob not null,
    conversation_id blob not null, member_id blob not null, seen_at integer) strict;
create index mentions_unseen on mentions (member_id, conversation_id) where seen_at is null;

-- The rows that are here lack the new columns: the next connection makes the copy anew.
delete from sync_state where key = 'epoch';
