-- Files that somebody has put beside an answer and not sent, and what is being spoken. Each comes in pieces: a recording is
-- here while it still goes on. One without its pieces had to make room, and is still told of.
create table attached (
    place integer primary key,
    id blob not null unique,
    conversation_id blob not null,
    file_name text not null,
    mime_type text not null,
    voice text,
    whole integer not null,
    size_bytes integer not null
) strict;
create index attached_by_thread on attached (conversation_id, place);
create table attached_pieces (
    file_id blob not null references attached (id) on delete cascade,
    number integer not null,
    bytes blob not null,
    primary key (file_id, number)
) strict;
