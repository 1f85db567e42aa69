-- How the clinic's connections are doing, who looks after them, and messages that wait for their time.
alter table channels add column url text;
alter table channels add column instance text;
alter table channels add column settings text not null default '{}';
alter table channels add column last_inbound_at integer;
alter table channels add column last_ack_at integer;
alter table channels add column acks_missing_since integer;
alter table channels add column last_sweep_at integer;
alter table channels add column swept_until integer;
alter table channels add column unknown_outcomes integer not null default 0;
alter table channels add column problem text;
alter table channels add column needs_pairing integer not null default 0;

create table background_holders (id blob primary key, version integer not null, lease text not null, label text not null,
    since integer not null, seen_at integer not null, released_at integer) strict;

alter table messages add column error_code text;
alter table messages add column scheduled_for integer;
alter table messages add column cancelled_at integer;
