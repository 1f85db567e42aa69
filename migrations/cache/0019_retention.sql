-- A file that the clinic keeps no longer goes from this computer, too, as soon as its message says so.
create trigger messages_media_removed after update of attachment on messages
    when new.attachment is not null and json_extract(new.attachment, '$.file') = 'removed'
begin
    delete from media where message_id = new.id;
end;
