-- Threads that people mark, put aside and measure; whom the clinic has blocked.
alter table clinic_settings add column inbox text not null default '{}';
alter table conversations add column marked_unread integer not null default 0;
alter table conversations add column opened_at integer;
alter table conversations add column responded_at integer;
alter table conversations add column closed_at integer;
create index conversations_marked on conversations (last_message_at) where marked_unread = 1 and status = 'open';
create index contacts_blocked on contacts (id) where status = 'blocked';
