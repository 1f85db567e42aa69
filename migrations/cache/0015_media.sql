-- Files of messages that somebody has opened on this computer, as long as there is room; and those that wait to be brought to
-- the database, which nobody else has.
create table media (
    message_id blob primary key,
    mime_type text not null,
    file_name text,
    bytes blob not null,
    used_at integer not null
) strict;
create index media_by_use on media (used_at);
create table outgoing_media (
    message_id blob primary key,
    mime_type text not null,
    file_name text not null,
    bytes blob not null,
    queued_at integer not null
) strict;

-- A message that is gone leaves no file behind.
create trigger messages_media after delete on messages begin
    delete from media where message_id = old.id;
end;
