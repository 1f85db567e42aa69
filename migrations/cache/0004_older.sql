-- How far back the copy goes where someone looked further than its window. What the window holds is in `sync_state`:
-- `messages_from`, `appointments_from`, microseconds; at or after them every row is here. Rows before them may be here by
-- chance (an old message was edited), and say nothing about what stands beside them.

-- Every message of the conversation at or after this place is here.
create table older_threads (conversation_id blob primary key, sent_at integer not null, id blob not null)
    strict, without rowid;

-- Every visit of the person is here.
create table older_people (contact_id blob primary key) strict, without rowid;

-- A copy that was made before this was written down goes back ninety days from then, and so at least eighty from now.
insert into sync_state
    select fact.key, cast((unixepoch() - 80 * 86400) * 1000000 as text)
    from (select 'messages_from' as key union all select 'appointments_from') fact
    where exists (select 1 from sync_state where key = 'cursor');
