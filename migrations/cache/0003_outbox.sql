-- What this computer has written and the database has not yet confirmed.

-- Strict order for one row of the clinic: the lowest `seq` of an `entity_id` goes first, and nothing passes it.
create table outbox (
    seq integer primary key autoincrement,
    operation_id blob not null unique,
    -- What the person did, in words of the program: send_message, move_appointment, move_lead.
    action text not null,
    entity text not null,
    entity_id blob not null,
    kind text not null check (kind in ('insert', 'patch', 'delete')),
    -- Wanted values by column, and the values the person saw: JSON objects.
    fields text not null,
    base text not null,
    depends_on blob,
    state text not null default 'waiting' check (state in ('waiting', 'parked')),
    -- Counted before each try, so that a crash in the middle is seen.
    attempts integer not null default 0,
    not_before integer not null default 0,
    expires_at integer,
    -- Why it is parked, and the values of others it met.
    reason text,
    theirs text,
    queued_at integer not null
) strict;
create index outbox_by_row on outbox (entity_id, seq);
create index outbox_by_state on outbox (state, seq);

-- What an operation shows on this computer before it is confirmed: its own row, and rows that the database will change
-- along with it. Applied again over whatever arrives meanwhile.
create table effects (
    operation_id blob not null references outbox (operation_id) on delete cascade,
    entity text not null,
    entity_id blob not null,
    fields text not null,
    primary key (operation_id, entity, entity_id)
) strict, without rowid;
create index effects_by_row on effects (entity_id);

-- The database's last known version of a row that shows something else here. `row` is null for a row that the database
-- does not have yet.
create table shadows (
    entity text not null,
    entity_id blob not null,
    row text,
    primary key (entity, entity_id)
) strict, without rowid;

-- Small facts about the copy: feed epoch, cursor, place in the first copy, last confirmation.
create table sync_state (key text primary key, value text not null) strict, without rowid;

-- What happened, for people who ask why: no patient data.
create table sync_log (
    id integer primary key autoincrement,
    at integer not null,
    event text not null,
    detail text not null default ''
) strict;
