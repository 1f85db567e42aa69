//! What people write at desks: texts that are sent often, answers at once and later, notes that are never sent, and what they
//! have begun and not finished.

use anyhow::Result;
use balcao_tenant::Role;
use balcao_testkit::database::TestDatabase;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::desks::actors::{Actor, Outsider, sample_clinic};

async fn until_sent(desk: &Actor) -> Result<()> {
    desk.until("get_status", json!({}), |status| status["waiting"] == 0).await?;
    Ok(())
}

fn found<'a>(list: &'a Value, shortcut: &str) -> Option<&'a Value> {
    list["replies"].as_array().unwrap().iter().find(|reply| reply["shortcut"] == shortcut)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quick_reply_of_an_admin_is_on_every_desk() -> Result<()> {
    let clinic = sample_clinic().await?;
    let admin = Actor::connect(&clinic.add_member(Role::Admin).await?).await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let wish = json!({ "shortcut": "/Preço", "title": " Preços ", "body": "Olá, {{nome}}. Custa {{valor}}." });
    let written = admin.call("save_quick_reply", wish.clone()).await?;
    let list = ana.until("list_quick_replies", json!({}), |list| found(list, "preco").is_some()).await?;
    assert_eq!(found(&list, "preco").unwrap()["title"], "Preços");
    assert_eq!(
        (&list["may_change"], &admin.call("list_quick_replies", json!({})).await?["may_change"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(admin.call("save_quick_reply", wish.clone()).await.unwrap_err().code, "shortcut_taken");
    assert_eq!(ana.call("save_quick_reply", wish).await.unwrap_err().code, "not_permitted");

    let id = &written["entity_id"];
    let change = json!({ "id": id, "shortcut": "preco", "title": "Preços", "body": "Sob consulta." });
    admin.call("save_quick_reply", change.clone()).await?;
    ana.until("list_quick_replies", json!({}), |list| found(list, "preco").unwrap()["body"] == "Sob consulta.").await?;
    assert_eq!(admin.call("save_quick_reply", change).await?["operation_id"], Value::Null, "nothing has changed");
    admin.call("remove_quick_reply", json!({ "id": id })).await?;
    ana.until("list_quick_replies", json!({}), |list| found(list, "preco").is_none()).await?;
    // Taken back: the same text under its old name.
    until_sent(&admin).await?;
    admin.call("save_quick_reply", json!({ "shortcut": "preco", "title": "Preços", "body": "Sob consulta." })).await?;
    ana.until("list_quick_replies", json!({}), |list| found(list, "preco").is_some()).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let audited =
        format!("select count(*) from app.audit_logs where table_name = 'quick_replies' and record_id = {id}");
    assert_eq!(outsider.count(audited.replace('"', "'")).await?, 3, "who changed a text is written down");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_quick_replies_of_one_name_meet_and_the_second_is_asked_about() -> Result<()> {
    let clinic = sample_clinic().await?;
    let one = Actor::connect(&clinic.add_member(Role::Admin).await?).await?;
    let other = Actor::connect(&clinic.add_member(Role::Admin).await?).await?;
    other.line.cut();
    other.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    one.call("save_quick_reply", json!({ "shortcut": "laudo", "title": "Laudo", "body": "Sai em dois dias." })).await?;
    other
        .call("save_quick_reply", json!({ "shortcut": "laudo", "title": "Laudos", "body": "Sai em três dias." }))
        .await?;
    until_sent(&one).await?;
    other.line.mend();
    other.until("get_status", json!({}), |status| status["needs_you"] == 1).await?;
    let parked = other.call("list_operations", json!({ "state": "parked" })).await?["rows"][0].clone();
    assert_eq!((&parked["kind"], &parked["reason"]), (&json!("save_quick_reply"), &json!("duplicate")));
    assert_eq!(parked["subject"], "Laudos");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_filled_in_for_the_person_of_the_thread() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = ana.waiting_conversation().await?;
    let fill = |text: &str, values: Value| json!({ "conversation_id": talk["id"], "text": text, "values": values });
    // Whoever waits longest may be somebody whom nobody has given a name yet.
    let name = "Daniela Prado";
    let contact = talk["contact_id"].as_str().unwrap();
    outsider.run(&format!("update app.contacts set name = '{name}' where id = '{contact}'")).await?;
    ana.until("fill_text", fill("{{nome}}", json!({})), |filled| filled["text"] == name).await?;
    let filled = ana.call("fill_text", fill("Oi, {{Primeiro nome}}, da {{clínica}}: {{valor}}", json!({}))).await?;
    let here = outsider.text("select name from app.clinics").await?.unwrap();
    assert_eq!(filled["text"], format!("Oi, Daniela, da {here}: {{{{valor}}}}"));
    assert_eq!(filled["missing"], json!(["valor"]));
    let filled = ana.call("fill_text", fill("{{nome}}: {{valor}}", json!({ "Valor": " R$ 80 " }))).await?;
    assert_eq!((&filled["text"], &filled["missing"]), (&json!(format!("{name}: R$ 80")), &json!([])));

    // The next visit of the person, whichever it is.
    outsider
        .run(&format!(
            "update app.appointments set status = 'cancelled' where contact_id = '{}' and starts_at > now()",
            talk["contact_id"].as_str().unwrap()
        ))
        .await?;
    ana.until("fill_text", fill("{{consulta}} {{profissional}}", json!({})), |filled| {
        filled["missing"] == json!(["consulta", "profissional"])
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_with_an_open_place_is_not_sent() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let talk = ana.waiting_conversation().await?;
    let message = json!({ "conversation_id": talk["id"], "text": "Fica em {{valor}}." });
    assert_eq!(ana.call("send_message", message).await.unwrap_err().code, "value_missing");
    assert_eq!(ana.counts().await?, (0, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_being_written_is_there_after_a_restart_and_after_the_copy_was_made_anew() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let talk = ana.waiting_conversation().await?;
    let about = json!({ "conversation_id": talk["id"] });
    ana.call("keep_draft", json!({ "conversation_id": talk["id"], "text": "pela metade" })).await?;
    let ana = ana.restart().await?;
    assert_eq!(ana.call("get_draft", about.clone()).await?["text"], "pela metade");
    ana.call("reset_copy", json!({ "confirm_loss": false })).await?;
    ana.until("get_session", json!({}), |session| session["state"] == "ready").await?;
    assert_eq!(ana.call("get_draft", about.clone()).await?["text"], "pela metade");
    ana.call("keep_draft", json!({ "conversation_id": talk["id"], "text": "" })).await?;
    assert_eq!(ana.call("get_draft", about).await?["text"], "");
    Ok(())
}

async fn two_people(clinic: &TestDatabase) -> Result<(Actor, Actor, String)> {
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let bia = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let me = bia.call("get_session", json!({})).await?["member"]["id"].as_str().unwrap().to_owned();
    Outsider::look(clinic).await?.run(&format!("update app.members set name = 'Bia Rocha' where id = '{me}'")).await?;
    let known = |frame: &Value| frame["members"].as_array().unwrap().iter().any(|member| member["name"] == "Bia Rocha");
    ana.until("get_inbox_frame", json!({}), known).await?;
    Ok((ana, bia, me))
}

fn thread(talk: &Value) -> Value {
    json!({ "conversation_id": talk["id"], "limit": 500 })
}

fn message<'a>(thread: &'a Value, body: &str) -> Option<&'a Value> {
    thread["messages"].as_array().unwrap().iter().find(|message| message["body"] == body)
}

async fn is_in(desk: &Actor, view: &str, talk: &Value) -> Result<bool> {
    let list = desk.call("list_conversations", json!({ "view": view, "limit": 500 })).await?;
    Ok(list["rows"].as_array().unwrap().iter().any(|row| row["id"] == talk["id"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_seen_by_whom_it_names_and_never_sent() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia, bias_id) = two_people(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = ana.waiting_conversation().await?;
    let jobs = "select count(*) from app.jobs where kind = 'send_message'";
    let before = outsider.count(jobs).await?;
    let text = "Conferir a carteirinha, @Bia Rocha";
    ana.call("write_note", json!({ "conversation_id": talk["id"], "text": text })).await?;
    let here = ana.call("get_thread", thread(&talk)).await?;
    let note = message(&here, text).unwrap();
    assert_eq!((&note["direction"], &note["is_quotable"]), (&json!("internal"), &json!(false)));
    assert_eq!(note["mentions"], json!([{ "id": bias_id, "name": "Bia Rocha" }]));
    let there = bia.until("get_thread", thread(&talk), |thread| message(thread, text).is_some()).await?;
    bia.until("get_thread", thread(&talk), |thread| thread["conversation"]["is_mentioned"] == true).await?;
    assert_eq!(there["conversation"]["waiting_since"], talk["waiting_since"], "nobody was answered");
    assert_eq!(there["conversation"]["preview"], talk["preview"], "what the person wrote last is shown");
    assert!(is_in(&bia, "mentioned", &talk).await? && !is_in(&ana, "mentioned", &talk).await?);
    assert_eq!(outsider.count(jobs).await?, before);
    assert_eq!(outsider.count("select count(*) from app.mentions where seen_at is null").await?, 1);

    bia.call("see_mentions", json!({ "conversation_id": talk["id"] })).await?;
    assert!(!is_in(&bia, "mentioned", &talk).await?, "at once");
    until_sent(&bia).await?;
    assert_eq!(outsider.count("select count(*) from app.mentions where seen_at is null").await?, 0);
    // Written in one's own name, and seen by oneself already.
    bia.call("write_note", json!({ "conversation_id": talk["id"], "text": "Feito. @Bia Rocha" })).await?;
    until_sent(&bia).await?;
    assert_eq!(outsider.count("select count(*) from app.mentions").await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whoever_is_named_says_that_they_have_seen_it() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, _, bias_id) = two_people(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = ana.waiting_conversation().await?;
    ana.call("write_note", json!({ "conversation_id": talk["id"], "text": "@Bia Rocha, veja" })).await?;
    until_sent(&ana).await?;
    let login = clinic.add_member(Role::Attendant).await?;
    let password = login.password.as_deref().unwrap();
    let mut login = PgConnection::connect(&login.address.to_url().replacen('@', &format!(":{password}@"), 1)).await?;
    let seen = format!("update app.mentions set seen_at = now() where member_id = '{bias_id}'");
    let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(seen)).execute(&mut login).await.unwrap_err();
    assert_eq!(refused.as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"));
    let owed = "update app.messages set mentions = '[]'";
    assert!(sqlx::raw_sql(owed).execute(&mut login).await.is_err(), "whom a note names does not change");
    assert_eq!(outsider.count("select count(*) from app.mentions where seen_at is null").await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_what_it_answers() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia, _) = two_people(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = ana.waiting_conversation().await?;
    let here = ana.call("get_thread", thread(&talk)).await?;
    let asked = here["messages"].as_array().unwrap().iter().rfind(|message| message["is_quotable"] == true).unwrap();
    let answer =
        |text: &str, quoted: &Value| json!({ "conversation_id": talk["id"], "text": text, "quoted_id": quoted });
    let sent = ana.call("send_message", answer("Pode sim.", &asked["id"])).await?;
    let other = ana.call("list_conversations", json!({ "view": "all", "limit": 2 })).await?["rows"][1].clone();
    let elsewhere = json!({ "conversation_id": other["id"], "text": "Oi", "quoted_id": asked["id"] });
    assert_eq!(ana.call("send_message", elsewhere).await.unwrap_err().code, "not_quotable");
    assert_eq!(
        ana.call("send_message", answer("De novo", &sent["entity_id"])).await.unwrap_err().code,
        "not_quotable",
        "the gateway does not know it yet"
    );
    let there = bia.until("get_thread", thread(&talk), |thread| message(thread, "Pode sim.").is_some()).await?;
    let quoted = &message(&there, "Pode sim.").unwrap()["quoted"];
    assert_eq!((&quoted["id"], &quoted["direction"]), (&asked["id"], &asked["direction"]));
    let told = format!(
        "select count(*) from app.messages a join app.messages q on q.gateway_id = a.reply_to_gateway_id
         where a.id = '{}' and q.id = '{}'",
        sent["entity_id"].as_str().unwrap(),
        asked["id"].as_str().unwrap()
    );
    assert_eq!(outsider.count(told).await?, 1, "what the sender reads");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waits_for_its_time_is_moved_called_off_and_sent() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia, _) = two_people(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = ana.waiting_conversation().await?;
    let at = |hours: i64| soon() + TimeDelta::hours(hours);
    let later =
        |text: &str, at: DateTime<Utc>| json!({ "conversation_id": talk["id"], "text": text, "scheduled_for": at });
    assert_eq!(ana.call("send_message", later("Ontem", at(-1))).await.unwrap_err().code, "time_passed");
    assert_eq!(ana.call("send_message", later("Um dia", at(9_000))).await.unwrap_err().code, "too_far_ahead");
    let written = ana.call("send_message", later("Bom dia", at(20))).await?;
    let id = written["entity_id"].as_str().unwrap().to_owned();
    let scheduled = |thread: &Value| thread["scheduled"].as_array().unwrap().len();
    let there = bia.until("get_thread", thread(&talk), |thread| scheduled(thread) == 1).await?;
    assert_eq!(there["scheduled"][0]["body"], "Bom dia");
    assert!(message(&there, "Bom dia").is_none(), "it is not said yet");
    assert!(is_in(&bia, "needs_reply", &talk).await? && is_in(&ana, "needs_reply", &talk).await?);

    let change = |change: Value| json!({ "message_id": id, "change": change });
    let moved = at(40);
    bia.call("change_scheduled", change(json!({ "kind": "reschedule", "at": moved }))).await?;
    until_sent(&bia).await?;
    let due = |when: &str| {
        format!("select count(*) from app.jobs where dedupe_key = '{id}' and status = 'queued' and run_at {when}")
    };
    assert_eq!(outsider.count(due("> now() + interval '39 hours'")).await?, 1, "when the sender looks at it");
    ana.until("get_thread", thread(&talk), |thread| {
        thread["scheduled"][0]["scheduled_for"].as_str().is_some_and(|time| time.parse() == Ok(micros(moved)))
    })
    .await?;

    ana.call("change_scheduled", change(json!({ "kind": "cancel" }))).await?;
    assert_eq!(scheduled(&ana.call("get_thread", thread(&talk)).await?), 0, "at once");
    let there = bia.until("get_thread", thread(&talk), |thread| scheduled(thread) == 0).await?;
    assert!(message(&there, "Bom dia").is_none(), "what was called off was never said");
    assert_eq!(outsider.count(due("is not null")).await?, 0);
    until_sent(&ana).await?;
    ana.call("change_scheduled", change(json!({ "kind": "restore" }))).await?;
    assert_eq!(scheduled(&ana.call("get_thread", thread(&talk)).await?), 1);
    bia.until("get_thread", thread(&talk), |thread| scheduled(thread) == 1).await?;
    bia.call("change_scheduled", change(json!({ "kind": "send_now" }))).await?;
    until_sent(&bia).await?;
    assert_eq!(outsider.count(due("<= now() + interval '5 seconds'")).await?, 1);

    // It has begun to go while a desk without a line still thought that it waits.
    ana.line.cut();
    ana.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    ana.call("change_scheduled", change(json!({ "kind": "cancel" }))).await?;
    outsider.run(&format!("update app.jobs set status = 'running' where dedupe_key = '{id}'")).await?;
    outsider.run(&format!("update app.messages set status = 'sending' where id = '{id}'")).await?;
    let there = bia.until("get_thread", thread(&talk), |thread| scheduled(thread) == 0).await?;
    assert!(message(&there, "Bom dia").is_some());
    assert!(!is_in(&bia, "needs_reply", &talk).await?, "now it answers");
    assert_eq!(
        bia.call("change_scheduled", change(json!({ "kind": "cancel" }))).await.unwrap_err().code,
        "already_sent"
    );
    ana.line.mend();
    ana.until("get_status", json!({}), |status| status["needs_you"] == 1).await?;
    let parked = ana.call("list_operations", json!({ "state": "parked" })).await?["rows"][0].clone();
    assert_eq!((&parked["reason"], &parked["choices"]), (&json!("already_sent"), &json!(["discard"])));
    assert_eq!(parked["subject"], talk["name"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_keep_the_note_and_what_is_quoted() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let talk = ana.waiting_conversation().await?;
    let draft = json!({ "text": "resposta", "note": "nota", "quoted_id": talk["id"], "files": [] });
    let wish = json!({
        "conversation_id": talk["id"], "text": "resposta", "note": "nota", "quoted_id": talk["id"],
    });
    ana.call("keep_draft", wish).await?;
    let ana = ana.restart().await?;
    assert_eq!(ana.call("get_draft", json!({ "conversation_id": talk["id"] })).await?, draft);
    Ok(())
}

/// A piece of a file beside the answer of a thread.
fn piece(talk: &Value, file: Uuid, number: u32, bytes: &[u8], whole: bool) -> Value {
    json!({
        "conversation_id": talk["id"], "file_id": file, "file_name": "guia.pdf", "mime_type": "application/pdf",
        "number": number, "base64": STANDARD.encode(bytes), "whole": whole,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn files_beside_an_answer_outlive_the_program_and_its_copy_and_go_once() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let talk = ana.waiting_conversation().await?;
    let about = json!({ "conversation_id": talk["id"] });
    let [whole, half, spoken] = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()];
    ana.call("keep_attached", piece(&talk, whole, 0, b"%PDF-1.4 a ", false)).await?;
    ana.call("keep_attached", piece(&talk, whole, 1, b"guia", true)).await?;
    ana.call("keep_attached", piece(&talk, half, 0, b"%PDF-1.4 a me", false)).await?;
    let mut voice = piece(&talk, spoken, 0, b"OggS", false);
    voice["voice"] = json!({ "seconds": 4, "waveform": [10, 100] });
    ana.call("keep_attached", voice).await?;
    let nowhere = json!({ "id": Uuid::new_v4() });
    let lost = ana.call("keep_attached", piece(&nowhere, Uuid::new_v4(), 0, b"x", true)).await;
    assert_eq!(lost.unwrap_err().code, "not_found", "a thread that is gone has no draft");

    let states = |draft: &Value| -> Vec<Value> {
        draft["files"].as_array().unwrap().iter().map(|file| file["state"].clone()).collect()
    };
    let ana = ana.restart().await?;
    let draft = ana.call("get_draft", about.clone()).await?;
    assert_eq!(states(&draft), ["whole", "gone", "interrupted"], "half a document is none, what was said was said");
    assert_eq!(draft["files"][2]["voice"], json!({ "seconds": 4, "waveform": [10, 100] }));
    let bytes = ana.call("get_attached", json!({ "file_id": whole })).await?;
    assert_eq!(STANDARD.decode(bytes["base64"].as_str().unwrap())?, b"%PDF-1.4 a guia");

    ana.call("reset_copy", json!({ "confirm_loss": false })).await?;
    ana.until("get_session", json!({}), |session| session["state"] == "ready").await?;
    assert_eq!(ana.call("get_draft", about.clone()).await?, draft, "a copy that is made anew has them");
    ana.until("get_thread", json!({ "conversation_id": talk["id"], "limit": 1 }), |thread| {
        thread["messages"].as_array().is_some_and(|all| !all.is_empty())
    })
    .await?;

    let file = json!({
        "conversation_id": talk["id"], "file_name": "guia.pdf", "base64": bytes["base64"], "attached_id": whole,
    });
    ana.call("send_file", file).await?;
    assert_eq!(
        states(&ana.call("get_draft", about.clone()).await?),
        ["gone", "interrupted"],
        "what went is not beside it"
    );
    for file in [half, spoken] {
        ana.call("drop_attached", json!({ "file_id": file })).await?;
    }
    assert_eq!(ana.call("get_draft", about).await?["files"], json!([]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_beside_an_answer_is_in_nobodys_sight_while_the_screens_are_locked() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let talk = ana.waiting_conversation().await?;
    let file = Uuid::new_v4();
    ana.call("keep_attached", piece(&talk, file, 0, b"%PDF-1.4", true)).await?;
    let pin = json!({ "current_pin": null, "new_pin": "4829", "way": "pin", "minutes": 5 });
    ana.call("change_lock", pin).await?;
    ana.call("lock_now", json!({})).await?;
    for (command, payload) in [
        ("get_draft", json!({ "conversation_id": talk["id"] })),
        ("get_attached", json!({ "file_id": file })),
        ("keep_attached", piece(&talk, file, 1, b"mais", true)),
        ("drop_attached", json!({ "file_id": file })),
    ] {
        assert_eq!(ana.call(command, payload).await.unwrap_err().code, "locked", "{command}");
    }
    ana.call("unlock", json!({ "pin": "4829" })).await?;
    let bytes = ana.call("get_attached", json!({ "file_id": file })).await?;
    assert_eq!(STANDARD.decode(bytes["base64"].as_str().unwrap())?, b"%PDF-1.4");
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "messages are put off to a time of the real day")]
fn soon() -> DateTime<Utc> {
    Utc::now()
}

/// As precise as the clinic's database.
fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap()
}
