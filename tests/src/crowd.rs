//! What makes an inbox crowded, as statements for the administrator of its database.

/// What is written from here on moves no thread: every message of a long one would write its row once more.
pub const STILL: &str = "set session_replication_role = replica";

/// From here on it does again.
pub const MOVING: &str = "set session_replication_role = origin";

/// Puts so many messages (`$2`) before those of a thread (`$1`): one every five minutes, from eighty days ago on.
pub const LONG_THREAD: &str = "
    insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, status, body, sent_at)
    select c.clinic_id, c.id, c.channel_id,
           case when n % 5 < 3 then 'inbound' else 'outbound' end,
           case when n % 5 < 3 then 'contact' else 'phone' end,
           case when n % 5 < 3 then 'received' else 'read' end,
           n || '. ' || repeat('Bom dia, ainda tem horário para a semana que vem? ', 1 + (n * 7 % 4)),
           now() - interval '80 days' + n * interval '5 minutes'
    from app.conversations c, generate_series(1, $2) n where c.id = $1";

/// Opens every thread, and has everybody of a clinic (`$1`) write who has none yet.
pub const OPEN_THREADS: [&str; 3] = [
    "update app.conversations set status = 'open' where clinic_id = $1 and status <> 'open'",
    "insert into app.conversations (clinic_id, contact_id, channel_id)
     select p.clinic_id, p.id, (select c.id from app.channels c where c.clinic_id = p.clinic_id order by c.id limit 1)
     from app.contacts p
     where p.clinic_id = $1 and not exists
         (select from app.conversations c where (c.clinic_id, c.contact_id) = (p.clinic_id, p.id))",
    "insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body, sent_at)
     select clinic_id, id, channel_id, 'inbound', 'contact', 'Vocês atendem aos sábados?',
            now() - row_number() over (order by id) * interval '10 minutes'
     from app.conversations where clinic_id = $1 and last_message_at is null",
];
