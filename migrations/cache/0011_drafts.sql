-- What somebody has begun to write in a thread and not sent. It stays on this computer, whatever is copied anew.
create table drafts (conversation_id blob primary key, text text not null, note text not null default '',
    quoted_id blob) strict, without rowid;
