-- Search without accents. The indexes hold no text, only what finds it. They are filled behind the copy: new rows have
-- higher row numbers than `search_progress` says, changed ones are in `search_again`.

create virtual table messages_search using fts5 (
    body, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2');
create virtual table contacts_search using fts5 (
    name, phone, content = '', contentless_delete = 1, tokenize = 'trigram remove_diacritics 1');

create table search_progress (entity text primary key, indexed_until integer not null) strict;
insert into search_progress values ('messages', 0), ('contacts', 0);

create table search_again (entity text not null, row integer not null, primary key (entity, row)) strict, without rowid;

create trigger messages_text_changed after update of body on messages when old.body is not new.body begin
    insert or ignore into search_again values ('messages', new.row);
end;
create trigger messages_gone after delete on messages begin
    delete from messages_search where rowid = old.row;
end;
create trigger contacts_text_changed after update of name, phone on contacts
    when old.name is not new.name or old.phone is not new.phone begin
    insert or ignore into search_again values ('contacts', new.row);
end;
create trigger contacts_gone after delete on contacts begin
    delete from contacts_search where rowid = old.row;
end;
