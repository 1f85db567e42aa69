-- What of the queue may be next, whatever the time: of each row the first write, none before what it depends on, and no
-- message before an earlier one of its thread that was put off. One that was refused holds nothing back: a person decides
-- about it.
create view outbox_in_turn as
select * from outbox o
where o.state = 'waiting'
  and not exists (select 1 from outbox earlier where earlier.entity_id = o.entity_id and earlier.seq < o.seq)
  and (o.depends_on is null or not exists (select 1 from outbox d where d.operation_id = o.depends_on))
  and not (o.entity = 'messages' and o.kind = 'insert' and exists (
      select 1 from outbox earlier indexed by outbox_put_off
      where earlier.not_before > 0 and earlier.not_before > o.not_before and earlier.seq < o.seq
        and earlier.state = 'waiting' and earlier.entity = 'messages' and earlier.kind = 'insert'
        and earlier.fields ->> '$.conversation_id' = o.fields ->> '$.conversation_id'));

-- Mostly nothing is put off.
create index outbox_put_off on outbox (not_before) where not_before > 0;
