-- A row that is changed twice before it is indexed again is noted once. The conflict clause of the statement that changes the
-- row goes over that of a statement in its trigger, so `insert or ignore` does not hold there.
drop trigger messages_text_changed;
drop trigger contacts_text_changed;

create trigger messages_text_changed after update of body on messages
    when old.body is not new.body
        and not exists (select 1 from search_again where entity = 'messages' and row = new.row) begin
    insert into search_again values ('messages', new.row);
end;
create trigger contacts_text_changed after update of name, phone on contacts
    when (old.name is not new.name or old.phone is not new.phone)
        and not exists (select 1 from search_again where entity = 'contacts' and row = new.row) begin
    insert into search_again values ('contacts', new.row);
end;
