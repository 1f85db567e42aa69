-- A person was erased: what is left of them in the file behind the rows (the search indexes, writes that wait for a
-- decision, older files) goes, too, step by step. See `forget.rs`.
create trigger contacts_erased after update of source on contacts
    when new.source = 'erased' and old.source is not 'erased' begin
    delete from sync_state where key = 'forget';
    insert into sync_state values ('forget', 'writes');
end;
