-- How people liked it, as they said last.
alter table conversations add column satisfaction_score integer;
alter table conversations add column satisfaction_at integer;
