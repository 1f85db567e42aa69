//! Recorded gateway events, through the same parse and the same transaction as live ones, into a real database.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use balcao_agent::replay::{Progress, Summary, replay};
use balcao_domain::clock::Clock;
use balcao_tenant::{Error, IngestOutcome, RawEvent, Role, Tenant};
use balcao_testkit::database::{TestDatabase, log_in};
use balcao_whatsapp as whatsapp;
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

const FIRST_SECOND: i64 = 1_795_000_000;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(FIRST_SECOND + second, 0).unwrap()
}

/// An event as a line of a recording has it.
fn event(name: &str, data: Value) -> Value {
    let payload = json!({
        "event": name, "instance": "recepcao", "data": data, "server_url": "http://127.0.0.1:8080",
        "date_time": "2026-11-18T06:00:00.000Z", "sender": "5521990001111@s.whatsapp.net", "apikey": "tok-secret",
    });
    json!({"event": name, "payload": payload})
}

fn message(id: &str, from: &str, second: i64, content: Value) -> Value {
    json!({
        "key": {"remoteJid": from, "fromMe": false, "id": id}, "pushName": "Dona Lúcia", "status": "DELIVERY_ACK",
        "message": content, "messageType": "conversation", "messageTimestamp": FIRST_SECOND + second,
    })
}

fn text(id: &str, from: &str, second: i64, words: &str) -> Value {
    event("messages.upsert", message(id, from, second, json!({"conversation": words})))
}

fn sent_by_program(id: &str, to: &str, second: i64, words: &str) -> Value {
    let mut data = message(id, to, second, json!({"conversation": words}));
    data["key"]["fromMe"] = json!(true);
    data["status"] = json!("PENDING");
    event("send.message", data)
}

fn status(id: &str, name: &str) -> Value {
    event("messages.update", json!({"keyId": id, "fromMe": true, "status": name, "messageId": "clx1row"}))
}

fn edit(id: &str, second: i64, words: &str) -> Value {
    let data = json!({"key": {"id": id}, "type": "MESSAGE_EDIT", "editedMessage": {"conversation": words}, "timestampMs": (FIRST_SECOND + second) * 1000});
    event("messages.edited", data)
}

fn revoke(id: &str) -> Value {
    event("messages.edited", json!({"key": {"id": id}, "type": "REVOKE"}))
}

fn reaction(id: &str, from: &str, second: i64, emoji: &str) -> Value {
    let content = json!({"reactionMessage": {"key": {"id": id}, "text": emoji, "senderTimestampMs": (FIRST_SECOND + second) * 1000}});
    event("messages.upsert", message(&format!("R{second}"), from, second, content))
}

const LUCIA: &str = "5531977776666@s.whatsapp.net";
const LUCIA_WITHOUT_NINE: &str = "553177776666@s.whatsapp.net";
const LUCIA_HIDDEN: &str = "104857600123456@lid";

fn recording(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// A clinic, its owner's connection, and a look at its rows as the administrator sees them.
struct Clinic {
    database: TestDatabase,
    owner: Tenant,
    admin: PgConnection,
}

impl Clinic {
    async fn open() -> Result<Self> {
        let database = TestDatabase::fresh().await?;
        let owner = log_in(database.owner()).await?;
        let admin = PgConnection::connect(database.admin_url()).await?;
        Ok(Self { database, owner, admin })
    }

    async fn replay(&self, recording: &str) -> Result<(Summary, Vec<(u64, String)>)> {
        let mut damaged = Vec::new();
        let clock = Clock::manual(at(500));
        let summary = replay(&self.owner, recording.as_bytes(), None, &clock, |progress| {
            if let Progress::Damaged { line, reason } = progress {
                damaged.push((line, reason));
            }
        });
        Ok((summary.await?, damaged))
    }

    /// Replays events, none of which may be damaged.
    async fn tell(&self, events: &[Value]) -> Result<Summary> {
        let (summary, damaged) = self.replay(&recording(events)).await?;
        assert_eq!(damaged, []);
        Ok(summary)
    }

    async fn rows(&mut self, query: &str) -> Result<Vec<Value>> {
        let query = format!("select coalesce(jsonb_agg(to_jsonb(q)), '[]') from ({query}) q");
        let rows: Value = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut self.admin).await?;
        Ok(rows.as_array().unwrap().clone())
    }

    async fn one(&mut self, query: &str) -> Result<Value> {
        let mut rows = self.rows(query).await?;
        assert_eq!(rows.len(), 1, "{query}");
        Ok(rows.remove(0))
    }

    /// Every column of every row of every table of the clinic.
    async fn everything(&mut self) -> Result<Vec<(String, Vec<Value>)>> {
        let tables = self
            .rows("select relname from pg_class where relnamespace = 'app'::regnamespace and relkind = 'r' order by 1")
            .await?;
        let mut whole = Vec::new();
        for table in tables {
            let name = table["relname"].as_str().unwrap().to_owned();
            let rows = self.rows(&format!("select * from app.{name} t order by t::text")).await?;
            whole.push((name, rows));
        }
        Ok(whole)
    }
}

#[tokio::test]
async fn a_recording_makes_people_threads_and_messages() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let ana = "5511955554444@s.whatsapp.net";
    let mut answer = message("3A03", LUCIA, 30, json!({"conversation": "Temos às 15h"}));
    answer["key"]["fromMe"] = json!(true);
    answer["pushName"] = json!("Clínica");
    let summary = clinic
        .tell(&[
            text("3A01", LUCIA, 10, "bom dia"),
            text("3A02", LUCIA, 20, "tem horário\n hoje?"),
            event("messages.upsert", answer),
            event(
                "messages.set",
                json!([message("3B01", ana, 5, json!({"audioMessage": {"seconds": 7, "ptt": true}}))]),
            ),
        ])
        .await?;
    assert_eq!((summary.lines, summary.stored, summary.messages), (4, 4, 4));

    let people = clinic.rows("select name, profile_name, phone, source from app.contacts order by phone").await?;
    assert_eq!(
        people[1],
        json!({"name": "Dona Lúcia", "profile_name": "Dona Lúcia", "phone": "+5531977776666", "source": "whatsapp"})
    );
    assert_eq!(people.len(), 2);

    let threads = clinic
        .rows("select k.name as channel, c.chat_address, c.unread_count, c.waiting_since is not null as waiting, c.last_message_preview
               from app.conversations c join app.channels k on k.id = c.channel_id order by c.chat_address")
        .await?;
    assert_eq!(
        threads,
        [
            json!({"channel": "recepcao", "chat_address": ana, "unread_count": 1, "waiting": true, "last_message_preview": ""}),
            json!({"channel": "recepcao", "chat_address": LUCIA, "unread_count": 0, "waiting": false, "last_message_preview": "Temos às 15h"}),
        ]
    );
    let ours = clinic.one("select direction, sender_kind, status from app.messages where gateway_id = '3A03'").await?;
    assert_eq!(
        ours,
        json!({"direction": "outbound", "sender_kind": "phone", "status": "delivered"}),
        "typed on the phone"
    );
    let voice = clinic.one("select kind, attachment from app.messages where gateway_id = '3B01'").await?;
    let attachment = json!({"seconds": 7, "voice": true, "file": "pending"});
    assert_eq!(voice, json!({"kind": "audio", "attachment": attachment}), "the file itself is still to be fetched");
    Ok(())
}

#[tokio::test]
async fn no_token_reaches_the_database() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    clinic.tell(&[text("3A01", LUCIA, 10, "oi"), event("moon.phase", json!({"token": "tok-secret"}))]).await?;
    let stored = format!("{:?}", clinic.everything().await?);
    assert!(stored.contains("recepcao") && !stored.contains("tok-secret"));
    Ok(())
}

#[tokio::test]
async fn replaying_twice_changes_nothing() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let events = [
        status("3EB0", "READ"),
        text("3A01", LUCIA, 10, "bom dia"),
        sent_by_program("3EB0", LUCIA, 20, "Bom dia, Lúcia!"),
        edit("3A01", 15, "boa tarde"),
        reaction("3EB0", LUCIA, 25, "👍"),
        revoke("3A77"),
        event("contacts.update", json!({"remoteJid": LUCIA, "pushName": "Lúcia P."})),
        event("connection.update", json!({"state": "open", "wuid": "5521990001111@s.whatsapp.net"})),
        event("messages.upsert", message("3A02", LUCIA, 30, json!({"strangeMessage": {}}))),
    ];
    clinic.tell(&events).await?;
    let before = clinic.everything().await?;
    let again = clinic.tell(&events).await?;
    assert_eq!((again.stored, again.already_known, again.messages), (0, 9, 0));
    assert_eq!(clinic.everything().await?, before, "not a column of any table, versions and change marks included");

    // The gateway may say the same in another event: then that event is new, and nothing else.
    let in_history = event("messages.set", json!([events[1]["payload"]["data"], events[2]["payload"]["data"]]));
    let repeated = clinic.tell(&[in_history]).await?;
    assert_eq!((repeated.stored, repeated.repeated_messages, repeated.messages), (1, 2, 0));
    let after = clinic.everything().await?;
    for (table, rows) in &before {
        let now = &after.iter().find(|(name, _)| name == table).unwrap().1;
        match table.as_str() {
            "gateway_events" => assert_eq!(now.len(), rows.len() + 1),
            _ => assert_eq!(now, rows, "{table}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_kind_shows_as_such() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let strange = event("messages.upsert", message("3A01", LUCIA, 10, json!({"paymentMagicMessage": {"amount": 5}})));
    let summary = clinic.tell(&[strange, event("moon.phase", json!({}))]).await?;
    assert_eq!(summary.unsupported_kinds.get("paymentMagicMessage"), Some(&1));
    assert_eq!(summary.unknown_events.get("moon.phase"), Some(&1));
    let shown = clinic.one("select kind, attachment from app.messages").await?;
    assert_eq!(shown, json!({"kind": "unsupported", "attachment": {"original_kind": "paymentMagicMessage"}}));
    let events = clinic.rows("select event, error from app.gateway_events order by event").await?;
    assert_eq!(events[1], json!({"event": "moon.phase", "error": "unknown event"}));
    Ok(())
}

#[tokio::test]
async fn a_damaged_line_is_reported_with_its_number_and_the_rest_goes_on() -> Result<()> {
    let clinic = Clinic::open().await?;
    let (first, last) = (text("3A01", LUCIA, 10, "um"), text("3A02", LUCIA, 20, "dois"));
    let torn = &first.to_string()[..60];
    let recording = format!("{first}\n\n{torn}\nMaria 11 98888-7777\n[]\n{last}");
    let (summary, damaged) = clinic.replay(&recording).await?;
    assert_eq!(summary.damaged_lines, [3, 4, 5]);
    assert_eq!((summary.lines, summary.stored, summary.messages), (5, 2, 2));
    assert_eq!(damaged[0], (3, "it ends in the middle".to_owned()));
    assert!(damaged.iter().all(|(_, reason)| !reason.contains("Maria") && !reason.contains("98888")), "{damaged:?}");
    Ok(())
}

#[tokio::test]
async fn what_no_database_stores_is_stored_all_the_same() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let nul = text("3A01", LUCIA, 10, "a\u{0}b");
    let long = text("3A02", LUCIA, 20, &"á ".repeat(60_000));
    let (summary, damaged) = clinic.replay(&recording(&[nul, long])).await?;
    assert_eq!((summary.messages, damaged.len()), (2, 0));
    let rows = clinic.rows("select length(body) as characters from app.messages order by sent_at").await?;
    assert_eq!(rows, [json!({"characters": 2}), json!({"characters": 65_536})]);
    Ok(())
}

#[tokio::test]
async fn a_status_that_beats_its_message_waits_for_it() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let summary = clinic.tell(&[status("3EB0", "READ"), status("3EB0", "SERVER_ACK")]).await?;
    assert_eq!((summary.statuses, summary.waiting), (2, 2));
    clinic.tell(&[sent_by_program("3EB0", LUCIA, 20, "Confirmado")]).await?;
    let message = clinic
        .one("select status, read_at is not null as read, delivered_at is not null as delivered from app.messages")
        .await?;
    assert_eq!(message, json!({"status": "read", "read": true, "delivered": true}));
    assert_eq!(clinic.rows("select * from app.pending_effects").await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn an_edit_and_a_deletion_change_what_the_list_shows() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let preview = "select last_message_preview as shown from app.conversations";
    clinic.tell(&[text("3A01", LUCIA, 10, "às 14h"), edit("3A01", 15, "às 15h, digo")]).await?;
    assert_eq!(clinic.one(preview).await?["shown"], "às 15h, digo");
    clinic.tell(&[revoke("3A01")]).await?;
    assert_eq!(clinic.one(preview).await?["shown"], "");
    // The same when the news come first.
    clinic.tell(&[revoke("3A02"), text("3A02", LUCIA, 20, "segredo")]).await?;
    assert_eq!(clinic.one(preview).await?["shown"], "");
    clinic.tell(&[edit("3A01", 30, "mudou de novo"), text("3A03", LUCIA, 40, "oi")]).await?;
    assert_eq!(clinic.one(preview).await?["shown"], "oi");
    Ok(())
}

#[tokio::test]
async fn what_was_only_announced_is_filled_in_once_and_never_replaced() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    clinic.tell(&[event("messages.upsert", message("3A01", LUCIA, 10, Value::Null))]).await?;
    let body = "select kind, body from app.messages";
    assert_eq!(clinic.one(body).await?, json!({"kind": "unsupported", "body": ""}));
    let summary = clinic.tell(&[text("3A01", LUCIA, 10, "agora sim")]).await?;
    assert_eq!((summary.messages, summary.repeated_messages), (0, 1));
    assert_eq!(clinic.one(body).await?, json!({"kind": "text", "body": "agora sim"}));
    assert_eq!(clinic.one("select last_message_preview as shown from app.conversations").await?["shown"], "agora sim");
    clinic.tell(&[text("3A01", LUCIA, 10, "outra coisa")]).await?;
    assert_eq!(clinic.one(body).await?, json!({"kind": "text", "body": "agora sim"}), "what is there stays");
    Ok(())
}

#[tokio::test]
async fn both_ages_of_a_number_are_one_person_and_the_reply_goes_to_the_newest_address() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    clinic.tell(&[text("3A01", LUCIA, 10, "um"), text("3A02", LUCIA_WITHOUT_NINE, 20, "dois")]).await?;
    assert_eq!(clinic.rows("select id from app.contacts").await?.len(), 1);
    let thread = clinic.one("select chat_address, unread_count from app.conversations").await?;
    assert_eq!(thread, json!({"chat_address": LUCIA_WITHOUT_NINE, "unread_count": 2}));
    clinic.tell(&[text("3A00", LUCIA, 5, "zero, atrasado")]).await?;
    assert_eq!(clinic.one("select chat_address from app.conversations").await?["chat_address"], LUCIA_WITHOUT_NINE);
    Ok(())
}

#[tokio::test]
async fn a_hidden_account_is_a_person_without_a_number_until_the_number_is_known() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    clinic.tell(&[text("3A01", LUCIA_HIDDEN, 10, "oi")]).await?;
    assert_eq!(clinic.one("select phone, name from app.contacts").await?, json!({"phone": null, "name": "Dona Lúcia"}));
    let mut both = message("3A02", LUCIA, 20, json!({"conversation": "sou eu"}));
    both["key"]["remoteJidAlt"] = json!(LUCIA_HIDDEN);
    clinic.tell(&[event("messages.upsert", both), text("3A03", LUCIA_HIDDEN, 30, "de novo")]).await?;
    assert_eq!(clinic.one("select phone from app.contacts").await?["phone"], "+5531977776666");
    assert_eq!(clinic.one("select unread_count from app.conversations").await?["unread_count"], 3);
    Ok(())
}

#[tokio::test]
async fn two_threads_become_one_when_their_people_turn_out_to_be_one() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    clinic.tell(&[text("3A01", LUCIA_HIDDEN, 10, "oi"), text("3A02", LUCIA, 20, "bom dia")]).await?;
    assert_eq!(clinic.rows("select id from app.contacts where status = 'active'").await?.len(), 2);
    let mut both = message("3A03", LUCIA, 30, json!({"conversation": "sou a mesma"}));
    both["key"]["remoteJidAlt"] = json!(LUCIA_HIDDEN);
    clinic.tell(&[event("messages.upsert", both)]).await?;
    let people = clinic.rows("select phone from app.contacts where status = 'active'").await?;
    assert_eq!(people, [json!({"phone": "+5531977776666"})]);
    let open = clinic
        .one("select c.unread_count, c.waiting_since, (select count(*) from app.messages m where m.conversation_id = c.id) as messages
              from app.conversations c where c.status = 'open'")
        .await?;
    assert_eq!((&open["unread_count"], &open["messages"]), (&json!(3), &json!(3)));
    assert_eq!(
        open["waiting_since"].as_str().unwrap().parse::<DateTime<Utc>>()?,
        at(10),
        "she has waited since the first"
    );
    Ok(())
}

#[tokio::test]
async fn the_same_message_seen_under_both_addresses_joins_them() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    clinic.tell(&[text("3A01", LUCIA_HIDDEN, 10, "oi"), text("3A01", LUCIA, 10, "oi")]).await?;
    assert_eq!(clinic.one("select phone from app.contacts").await?["phone"], "+5531977776666");
    let kinds = clinic.rows("select kind from app.contact_identifiers order by kind").await?;
    assert_eq!(kinds, [json!({"kind": "lid"}), json!({"kind": "phone"})]);
    Ok(())
}

#[tokio::test]
async fn a_person_the_clinic_has_worked_with_is_not_joined_by_itself() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    clinic.tell(&[text("3A01", LUCIA_HIDDEN, 10, "oi"), text("3A02", LUCIA, 20, "bom dia")]).await?;
    sqlx::query("insert into app.patients (clinic_id, contact_id, name) select clinic_id, id, 'Rex' from app.contacts where phone is null")
        .execute(&mut clinic.admin)
        .await?;
    let mut both = message("3A03", LUCIA, 30, json!({"conversation": "sou a mesma"}));
    both["key"]["remoteJidAlt"] = json!(LUCIA_HIDDEN);
    clinic.tell(&[event("messages.upsert", both)]).await?;
    assert_eq!(clinic.rows("select id from app.contacts where status = 'active'").await?.len(), 2);
    let by_number =
        "select count(*) as messages from app.messages m join app.conversations c on c.id = m.conversation_id
                     join app.contacts p on p.id = c.contact_id where p.phone is not null";
    assert_eq!(clinic.one(by_number).await?["messages"], 2, "the number says who wrote");
    Ok(())
}

#[tokio::test]
async fn a_phone_s_address_book_does_not_become_the_clinic_s() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let book = json!([{"remoteJid": LUCIA, "pushName": "Lúcia"}, {"remoteJid": "5511955554444@s.whatsapp.net", "pushName": "Ana"}]);
    clinic.tell(&[event("contacts.upsert", book.clone()), text("3A01", LUCIA, 10, "oi")]).await?;
    let mut again = book;
    again[0]["pushName"] = json!("Lúcia Prado");
    clinic.tell(&[event("contacts.update", again)]).await?;
    let people = clinic.rows("select name, profile_name from app.contacts").await?;
    assert_eq!(people, [json!({"name": "Dona Lúcia", "profile_name": "Lúcia Prado"})], "what the clinic reads stays");
    Ok(())
}

#[tokio::test]
async fn a_message_of_a_desk_is_found_again_by_its_id() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    clinic.tell(&[text("3A01", LUCIA, 10, "tem vaga?")]).await?;
    let mut desk = PgConnection::connect(clinic.database.admin_url()).await?;
    sqlx::query(
        "insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body, gateway_id, status)
         select clinic_id, id, channel_id, 'outbound', 'member', 'Temos às 15h', '3EB0', 'sending' from app.conversations",
    )
    .execute(&mut desk)
    .await?;
    let summary =
        clinic.tell(&[sent_by_program("3EB0", LUCIA, 20, "Temos às 15h"), status("3EB0", "DELIVERY_ACK")]).await?;
    assert_eq!((summary.messages, summary.repeated_messages), (0, 1));
    let message = clinic.one("select sender_kind, status from app.messages where gateway_id = '3EB0'").await?;
    assert_eq!(message, json!({"sender_kind": "member", "status": "delivered"}));
    Ok(())
}

#[tokio::test]
async fn the_channel_shows_how_its_connection_is() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let open = event("connection.update", json!({"state": "open", "wuid": "5521990001111@s.whatsapp.net"}));
    clinic.tell(&[event("qrcode.updated", json!({"qrcode": {"code": "2@x"}})), open]).await?;
    let channel = clinic.one("select name, status, phone, last_event_at from app.channels").await?;
    assert_eq!((&channel["status"], &channel["phone"]), (&json!("connected"), &json!("+5521990001111")));
    assert_eq!(channel["last_event_at"].as_str().unwrap().parse::<DateTime<Utc>>()?, at(500));
    Ok(())
}

#[tokio::test]
async fn two_computers_that_ingest_at_once_store_everything_once() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let agent = log_in(&clinic.database.add_member(Role::Agent).await?).await?;
    clinic.owner.channel_named("recepcao").await?;
    clinic.owner.channel_named("outra").await?;
    let mut events = Vec::new();
    for number in 0..40 {
        let person = format!("55319777{:05}@s.whatsapp.net", number % 7);
        events.push(text(&format!("3A{number}"), &person, number, "oi"));
        events.push(sent_by_program(&format!("3E{number}"), &person, number, "olá"));
        events.push(status(&format!("3E{number}"), "READ"));
        // The same people write to another number of the clinic: there two events are stored side by side.
        let mut elsewhere = text(&format!("3X{number}"), &person, number, "oi de novo");
        elsewhere["payload"]["instance"] = json!("outra");
        events.push(elsewhere);
    }
    let forwards = recording(&events);
    events.reverse();
    let backwards = recording(&events);
    let clock = Clock::manual(at(500));
    let (one, other) = tokio::join!(
        replay(&clinic.owner, forwards.as_bytes(), None, &clock, |_| ()),
        replay(&agent, backwards.as_bytes(), None, &clock, |_| ()),
    );
    let (one, other) = (one?, other?);
    assert_eq!(one.stored + other.stored, 160, "each event once, by whoever came first");
    assert_eq!(one.messages + other.messages, 120);
    let counted = clinic
        .one(
            "select (select count(*) from app.messages) as messages, (select count(*) from app.contacts) as people,
                     (select count(*) from app.messages where status = 'read') as read,
                     (select count(*) from app.pending_effects) as waiting",
        )
        .await?;
    assert_eq!(counted, json!({"messages": 120, "people": 7, "read": 40, "waiting": 0}));
    Ok(())
}

#[tokio::test]
async fn only_the_owner_and_the_background_work_may_store_what_others_said() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let channel = clinic.owner.channel_named("recepcao").await?;
    let line = text("3A01", LUCIA, 10, "oi");
    for role in [Role::Attendant, Role::Professional, Role::Viewer] {
        let desk = log_in(&clinic.database.add_member(role).await?).await?;
        assert_eq!(feed(&desk, channel, &line, at(0)).await, Err(Error::NotPermitted), "{role:?}");
    }
    let stranger = clinic.database.another_clinic("Outra Clínica").await?;
    let stranger = log_in(&stranger.owner).await?;
    assert!(matches!(
        feed(&stranger, channel, &line, at(0)).await,
        Err(Error::InvalidRequest { field: "channel", .. })
    ));
    assert_eq!(clinic.rows("select id from app.gateway_events").await?.len(), 0, "a refusal leaves nothing");
    Ok(())
}

async fn feed(
    tenant: &Tenant,
    channel: Uuid,
    line: &Value,
    heard: DateTime<Utc>,
) -> balcao_tenant::Result<IngestOutcome> {
    let name = line["event"].as_str().unwrap();
    let payload = whatsapp::scrub(&line["payload"]);
    let events = whatsapp::parse(name, &payload, heard);
    let raw =
        RawEvent { event: name.to_owned(), digest: whatsapp::digest(name, &payload), payload, received_at: heard };
    tenant.ingest(channel, &raw, &events).await
}

/// A small story with everything that may come in another order, about a person of its own.
fn story(number: u32) -> Vec<Value> {
    let phone = format!("55319{:08}@s.whatsapp.net", 70_000_000 + number);
    let without_nine = format!("5531{:08}@s.whatsapp.net", 70_000_000 + number);
    let hidden = format!("9000000{number:06}@lid");
    let mut both = message("M4", &phone, 50, json!({"conversation": "sou eu"}));
    both["key"]["remoteJidAlt"] = json!(hidden);
    let quoting = {
        let mut data = message("M1", &phone, 10, json!({"conversation": "oi"}));
        data["contextInfo"] = json!({"stanzaId": "M0", "quotedMessage": {"conversation": "Olá!"}});
        event("messages.set", json!([data]))
    };
    vec![
        text("M1", &phone, 10, "oi"),
        quoting,
        edit("M1", 15, "boa tarde"),
        edit("M1", 18, "boa noite"),
        sent_by_program("O1", &phone, 20, "Olá, Lúcia"),
        status("O1", "SERVER_ACK"),
        status("O1", "READ"),
        status("O1", "DELIVERY_ACK"),
        status("O1", "ERROR"),
        reaction("O1", &phone, 25, "👍"),
        reaction("O1", &phone, 27, ""),
        text("M2", &without_nine, 30, "apague isso"),
        revoke("M2"),
        text("M3", &hidden, 40, "do outro aparelho"),
        event("messages.upsert", both),
        event("connection.update", json!({"state": "open"})),
    ]
}

const RUNGS: [&str; 8] = ["queued", "sending", "unknown", "sent", "failed", "delivered", "read", "played"];

/// What remains of a story, without what says when and in which order it was told.
async fn remains(clinic: &mut Clinic, channel: Uuid) -> Result<Value> {
    let messages = clinic
        .rows(&format!(
            "select gateway_id, direction, sender_kind, kind, body, reply_to_gateway_id, quoted_preview, status, sent_at,
                    delivered_at, read_at, edited_at, revoked_at, reactions, attachment
             from app.messages where channel_id = '{channel}' order by gateway_id"
        ))
        .await?;
    let threads = clinic
        .rows(&format!(
            "select split_part(c.chat_address, '@', 2) as replies_to, c.status, c.last_message_at, c.last_message_preview,
                    c.last_message_direction, c.last_inbound_at, c.last_outbound_at, p.name, p.phone is not null as has_phone,
                    (select count(*) from app.messages m where m.conversation_id = c.id) as messages,
                    (select jsonb_agg(i.kind order by i.kind) from app.contact_identifiers i where i.contact_id = p.id) as known_by
             from app.conversations c join app.contacts p on p.id = c.contact_id
             where c.channel_id = '{channel}' and p.status = 'active'"
        ))
        .await?;
    let waiting = clinic.rows(&format!("select id from app.pending_effects where channel_id = '{channel}'")).await?;
    Ok(json!({"messages": messages, "threads": threads, "waiting": waiting}))
}

#[test]
fn the_order_of_events_does_not_matter() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clinic = RefCell::new(runtime.block_on(Clinic::open()).unwrap());
    static STORIES: AtomicU32 = AtomicU32::new(0);

    let tell = |order: &[usize]| -> Result<Value> {
        let mut clinic = clinic.borrow_mut();
        runtime.block_on(async {
            let number = STORIES.fetch_add(1, Ordering::SeqCst);
            let channel = clinic.owner.channel_named(&format!("canal {number}")).await?;
            let story = story(number);
            let mut rung = 0;
            for &part in order {
                // Each event is heard at an instant of its own, whenever that is in this telling.
                feed(&clinic.owner, channel, &story[part], at(100 + part as i64)).await?;
                let now = clinic
                    .rows(&format!(
                        "select status from app.messages where channel_id = '{channel}' and gateway_id = 'O1'"
                    ))
                    .await?;
                if let Some(row) = now.first() {
                    let reached = RUNGS.iter().position(|name| row["status"] == *name).unwrap();
                    assert!(reached >= rung, "the status went down from {} to {}", RUNGS[rung], RUNGS[reached]);
                    rung = reached;
                }
            }
            remains(&mut clinic, channel).await
        })
    };

    let in_order: Vec<usize> = (0..story(0).len()).collect();
    let expected = tell(&in_order).unwrap();
    assert_eq!(expected["waiting"], json!([]));
    assert_eq!(expected["threads"].as_array().unwrap().len(), 1, "one person, one thread");
    assert_eq!(expected["threads"][0]["messages"], json!(5));
    assert_eq!(expected["messages"][0]["body"], json!("boa noite"));
    assert_eq!(expected["messages"][4]["status"], json!("read"));

    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let orders = Just(in_order).prop_shuffle();
    runner
        .run(&orders, |order| {
            let told = tell(&order).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(&told, &expected);
            Ok(())
        })
        .unwrap();
}
