//! What people do with threads at desks that do not know of one another, and what becomes of it.

use anyhow::Result;
use balcao_tenant::Role;
use balcao_testkit::database::TestDatabase;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::desks::actors::{Actor, Outsider, sample_clinic};

async fn two_desks(clinic: &TestDatabase) -> Result<(Actor, Actor)> {
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let bia = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    Ok((ana, bia))
}

async fn cut(desk: &Actor) -> Result<()> {
    desk.line.cut();
    desk.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    Ok(())
}

async fn mend(desk: &Actor) -> Result<()> {
    desk.line.mend();
    desk.until("get_status", json!({}), |status| status["connection"] == "online" && status["waiting"] == 0).await?;
    Ok(())
}

async fn act(desk: &Actor, thread: &Value, action: Value) -> Result<Value> {
    Ok(desk.call("act_on_threads", json!({ "conversation_ids": [thread["id"]], "action": action })).await?)
}

async fn thread(desk: &Actor, id: &Value, fits: impl Fn(&Value) -> bool) -> Result<Value> {
    let about = json!({ "conversation_id": id, "limit": 1 });
    let thread = desk.until("get_thread", about, |thread| fits(&thread["conversation"])).await?;
    Ok(thread["conversation"].clone())
}

async fn is_in(desk: &Actor, view: &str, id: &Value) -> Result<bool> {
    let list = desk.call("list_conversations", json!({ "view": view, "limit": 500 })).await?;
    Ok(list["rows"].as_array().unwrap().iter().any(|row| row["id"] == *id))
}

/// What the gateway brings from the person of a thread.
async fn writes(outsider: &mut Outsider, thread: &Value, text: &str) -> Result<()> {
    let insert = format!(
        "insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body, gateway_id, sent_at)
         select clinic_id, id, channel_id, 'inbound', 'contact', '{text}', '{text}', clock_timestamp()
         from app.conversations where id = '{}'",
        word(&thread["id"])
    );
    outsider.run(&insert).await
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[allow(clippy::disallowed_methods, reason = "threads are put aside until a time of the real day")]
fn soon(seconds: i64) -> DateTime<Utc> {
    Utc::now() + TimeDelta::seconds(seconds)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_desks_that_give_a_thread_to_different_people_are_asked_whose_it_is() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia) = two_desks(&clinic).await?;
    let talk = ana.waiting_conversation().await?;
    let frame = ana.call("get_inbox_frame", json!({})).await?;
    let others: Vec<&Value> =
        frame["members"].as_array().unwrap().iter().filter(|member| member["id"] != talk["assignee_id"]).collect();
    cut(&ana).await?;
    cut(&bia).await?;
    let give = |to: &Value| json!({ "kind": "assign", "member_id": to["id"] });
    assert_eq!(act(&ana, &talk, give(others[0])).await?["changed"], 1);
    act(&bia, &talk, give(others[1])).await?;
    mend(&bia).await?;
    mend(&ana).await?;
    ana.until("get_status", json!({}), |status| status["needs_you"] == 1).await?;
    let parked = ana.call("list_operations", json!({ "state": "parked" })).await?["rows"][0].clone();
    assert_eq!(parked["kind"], "assign_conversation");
    assert_eq!(parked["reason"], "conflict");
    assert_eq!(parked["subject"], talk["name"]);
    assert_eq!(parked["theirs"], json!([{ "field": "assignee_id", "value": others[1]["name"] }]), "in names of people");
    let keep = json!({ "operation_id": parked["operation_id"], "choice": "keep_theirs" });
    ana.call("decide_operation", keep).await?;
    thread(&ana, &talk["id"], |row| row["assignee_id"] == others[1]["id"]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_was_put_aside_comes_back_on_every_desk_with_and_without_a_line() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia) = two_desks(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = ana.waiting_conversation().await?;
    let id = &talk["id"];
    act(&ana, &talk, json!({ "kind": "snooze", "until": soon(8) })).await?;
    thread(&bia, id, |row| row["status"] == "snoozed").await?;
    cut(&bia).await?;
    for desk in [&ana, &bia] {
        assert!(!is_in(desk, "needs_reply", id).await? && is_in(desk, "snoozed", id).await?);
    }
    for desk in [&ana, &bia] {
        let back = thread(desk, id, |row| row["status"] == "open" && !row["came_back_at"].is_null()).await?;
        assert_eq!(back["snoozed_until"], Value::Null);
        assert!(is_in(desk, "needs_reply", id).await? && !is_in(desk, "snoozed", id).await?);
    }

    // Put aside for long, it comes back when the person writes.
    act(&ana, &talk, json!({ "kind": "snooze", "until": soon(86_400) })).await?;
    mend(&ana).await?;
    writes(&mut outsider, &talk, "cheguei").await?;
    thread(&ana, id, |row| row["status"] == "open" && row["snoozed_until"].is_null()).await?;
    assert_eq!(
        act(&ana, &talk, json!({ "kind": "snooze", "until": soon(-5) })).await.unwrap_err().to_string(),
        "this time is over [time_passed]"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_was_closed_without_a_line_does_not_hide_what_was_written_since() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia) = two_desks(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = ana.waiting_conversation().await?;
    cut(&ana).await?;
    act(&ana, &talk, json!({ "kind": "close" })).await?;
    assert!(!is_in(&ana, "needs_reply", &talk["id"]).await?);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    writes(&mut outsider, &talk, "ainda estou aqui").await?;
    mend(&ana).await?;
    for desk in [&ana, &bia] {
        thread(desk, &talk["id"], |row| row["status"] == "open" && row["preview"] == "ainda estou aqui").await?;
        assert!(is_in(desk, "needs_reply", &talk["id"]).await?);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_before_it_was_sent_never_goes_out() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let list = ana.call("list_conversations", json!({ "view": "needs_reply", "limit": 3 })).await?;
    let before: Vec<Value> = list["rows"].as_array().unwrap().clone();
    let ids: Vec<&Value> = before.iter().map(|row| &row["id"]).collect();
    cut(&ana).await?;
    let wish = |action: Value, undo: &Value| json!({ "conversation_ids": ids, "action": action, "undo": undo });
    let label = json!({ "kind": "add_label", "label": "retorno hoje" });
    let first = ana.call("act_on_threads", wish(label, &Value::Null)).await?;
    assert_eq!(first["changed"], 3);
    let more = ana.call("act_on_threads", wish(json!({ "kind": "close" }), &first["undo"])).await?;
    assert_eq!(more["undo"], first["undo"], "one word takes all of it back");
    assert_eq!(ana.counts().await?, (6, 0));
    let frame = ana.call("get_inbox_frame", json!({})).await?;
    assert!(frame["labels"].as_array().unwrap().contains(&json!("retorno hoje")));
    ana.call("undo_threads", json!({ "undo": first["undo"] })).await?;
    assert_eq!(ana.counts().await?, (0, 0), "nothing is left to be sent");
    let list = ana.call("list_conversations", json!({ "view": "needs_reply", "limit": 3 })).await?;
    assert_eq!(list["rows"], json!(before));
    assert_eq!(ana.call("undo_threads", json!({ "undo": first["undo"] })).await.unwrap_err().code, "not_found");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_somebody_who_is_blocked() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia) = two_desks(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = ana.waiting_conversation().await?;
    let id = &talk["id"];
    cut(&bia).await?;
    let message = json!({ "conversation_id": id, "text": "Bom dia" });
    bia.call("send_message", message.clone()).await?;
    ana.call("send_message", message.clone()).await?;
    mend(&ana).await?;
    let done = act(&ana, &talk, json!({ "kind": "block" })).await?;
    mend(&ana).await?;
    assert_eq!(ana.call("send_message", message.clone()).await.unwrap_err().code, "person_blocked");
    let jobs = format!(
        "select count(*) from app.jobs j join app.messages m on m.id::text = j.dedupe_key
         where m.conversation_id = '{}' and j.status = 'queued'",
        word(id)
    );
    assert_eq!(outsider.count(jobs).await?, 0, "what waited to be sent is not");
    bia.line.mend();
    bia.until("get_status", json!({}), |status| status["needs_you"] == 1).await?;
    let parked = bia.call("list_operations", json!({ "state": "parked" })).await?["rows"][0].clone();
    assert_eq!(parked["reason"], "person_blocked");
    writes(&mut outsider, &talk, "de novo").await?;
    thread(&ana, id, |row| row["preview"] == "de novo").await?;
    assert!(!is_in(&ana, "needs_reply", id).await?, "what they write asks for no answer");
    for view in ["all", "blocked"] {
        assert!(is_in(&ana, view, id).await?);
    }
    ana.call("undo_threads", json!({ "undo": done["undo"] })).await?;
    assert!(is_in(&ana, "needs_reply", id).await?);
    mend(&ana).await?;
    ana.call("send_message", message).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_is_marked_waits_until_a_person_answers() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia) = two_desks(&clinic).await?;
    let all = ana.call("list_conversations", json!({ "view": "all", "limit": 500 })).await?;
    let answered =
        |row: &&Value| row["waiting_since"].is_null() && row["status"] == "open" && row["last_direction"] == "outbound";
    let talk = all["rows"].as_array().unwrap().iter().find(answered).unwrap();
    act(&ana, talk, json!({ "kind": "mark_unread" })).await?;
    thread(&bia, &talk["id"], |row| row["marked_unread"] == true).await?;
    assert!(is_in(&bia, "needs_reply", &talk["id"]).await?);
    bia.call("send_message", json!({ "conversation_id": talk["id"], "text": "Voltando ao assunto" })).await?;
    assert!(!is_in(&bia, "needs_reply", &talk["id"]).await?, "at once");
    thread(&ana, &talk["id"], |row| row["marked_unread"] == false).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_person_waited_is_written_down_and_the_bot_does_not_count() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = ana.waiting_conversation().await?;
    act(&ana, &talk, json!({ "kind": "close" })).await?;
    mend(&ana).await?;
    writes(&mut outsider, &talk, "outra coisa").await?;
    let bot = format!(
        "insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body, status, sent_at)
         select clinic_id, id, channel_id, 'outbound', 'bot', 'um momento', 'sent', clock_timestamp()
         from app.conversations where id = '{}'",
        word(&talk["id"])
    );
    outsider.run(&bot).await?;
    let opened = thread(&ana, &talk["id"], |row| row["preview"] == "um momento").await?;
    assert_eq!(opened["responded_at"], Value::Null, "only a person answers");
    assert_eq!(opened["closed_at"], Value::Null);
    ana.call("send_message", json!({ "conversation_id": talk["id"], "text": "Oi, aqui é a Ana" })).await?;
    mend(&ana).await?;
    thread(&ana, &talk["id"], |row| !row["responded_at"].is_null()).await?;
    act(&ana, &talk, json!({ "kind": "close" })).await?;
    mend(&ana).await?;
    let told = format!(
        "select string_agg(kind || case when seconds is null then '' else '+' end, ' ' order by at) from app.conversation_events
         where conversation_id = '{}' and at > now() - interval '1 minute'",
        word(&talk["id"])
    );
    let told = outsider.text(told).await?.unwrap();
    assert!(told.ends_with("opened first_response+ resolved+"), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_become_one_and_two_again() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia) = two_desks(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let list = ana.call("list_conversations", json!({ "view": "needs_reply", "limit": 500 })).await?;
    let rows = list["rows"].as_array().unwrap();
    let free = |row: &Value| {
        format!(
            "select count(*) from app.leads where contact_id = '{}' and closed_at is null",
            word(&row["contact_id"])
        )
    };
    let mut pair = Vec::new();
    for row in rows {
        if outsider.count(free(row)).await? == 0 {
            pair.push(row);
        }
    }
    let (keep, gone) = (pair[0], pair[1]);
    let wish = json!({ "keep": keep["contact_id"], "absorbed": gone["contact_id"] });
    let preview = ana.call("preview_merge", wish.clone()).await?;
    assert_eq!(preview["absorbed"]["name"], gone["name"]);
    assert_eq!(preview["leads_collide"], false);
    let messages = |id: &Value| format!("select count(*) from app.messages where conversation_id = '{}'", word(id));
    let (ours, theirs) = (outsider.count(messages(&keep["id"])).await?, outsider.count(messages(&gone["id"])).await?);
    cut(&bia).await?;
    assert_eq!(bia.call("merge_people", wish.clone()).await.unwrap_err().code, "offline", "it is not queued");

    let merged = ana.call("merge_people", wish.clone()).await?;
    assert_eq!(outsider.count(messages(&keep["id"])).await?, ours + theirs);
    mend(&bia).await?;
    bia.until("list_conversations", json!({ "view": "all", "limit": 500 }), |list| {
        list["rows"].as_array().unwrap().iter().all(|row| row["id"] != gone["id"])
    })
    .await?;
    let known = ana.call("list_merges", json!({ "contact_id": keep["contact_id"] })).await?;
    assert_eq!(known["merges"][0]["name"], gone["name"]);
    assert_eq!(ana.call("merge_people", wish).await.unwrap_err().code, "not_found", "once");

    ana.call("undo_merge", json!({ "merge_id": merged["merge_id"] })).await?;
    assert_eq!(outsider.count(messages(&gone["id"])).await?, theirs);
    thread(&bia, &gone["id"], |row| row["name"] == gone["name"] && row["preview"] == gone["preview"]).await?;
    assert_eq!(
        ana.call("undo_merge", json!({ "merge_id": merged["merge_id"] })).await.unwrap_err().code,
        "merge_stays"
    );
    let professional = Actor::connect(&clinic.add_member(Role::Viewer).await?).await?;
    let wish = json!({ "keep": keep["contact_id"], "absorbed": gone["contact_id"] });
    assert_eq!(professional.call("merge_people", wish).await.unwrap_err().code, "not_permitted");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_narrowed_and_counted_and_old_messages_are_found_in_the_clinic() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(clinic.owner()).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = ana.waiting_conversation().await?;
    act(&ana, &talk, json!({ "kind": "add_label", "label": "só esta" })).await?;
    let only = json!({ "view": "all", "filter": { "label": "só esta" } });
    let narrowed = json!({ "view": "all", "filter": { "label": "só esta" }, "limit": 10,
                           "counting": [only, { "view": "closed", "filter": { "label": "só esta" } }] });
    let list = ana.call("list_conversations", narrowed).await?;
    assert_eq!((&list["total"], &list["counted"]), (&json!(1), &json!([1, 0])));
    assert_eq!(list["rows"][0]["id"], talk["id"]);

    let limits = |amber: u32, red: u32| json!({ "amber_minutes": amber, "red_minutes": red });
    assert_eq!(ana.call("set_wait_limits", limits(20, 10)).await.unwrap_err().code, "limits_disordered");
    ana.call("set_wait_limits", limits(7, 21)).await?;
    mend(&ana).await?;
    assert_eq!(outsider.text("select inbox ->> 'red_minutes' from app.clinic_settings limit 1").await?.unwrap(), "21");

    let old = format!(
        "insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body, gateway_id, sent_at)
         select clinic_id, id, channel_id, 'inbound', 'contact', 'Preciso da receita da pomada', 'velha', now() - interval '2 years'
         from app.conversations where id = '{}'",
        word(&talk["id"])
    );
    outsider.run(&old).await?;
    let found = ana.call("search_older", json!({ "text": "receitas pomada" })).await?;
    assert_eq!(found["messages"][0]["conversation_id"], talk["id"]);
    assert_eq!(found["messages"][0]["name"], talk["name"]);
    cut(&ana).await?;
    assert_eq!(ana.call("search_older", json!({ "text": "receita" })).await.unwrap_err().code, "offline");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_a_person_forgets_whom_they_were_joined_with() -> Result<()> {
    let clinic = sample_clinic().await?;
    let owner = Actor::connect(clinic.owner()).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let made = |name: &str| {
        format!(
            "insert into app.contacts (clinic_id, name, notes) values ('{}', '{name}', 'segredo de {name}') returning id::text",
            clinic.clinic_id()
        )
    };
    let keep = outsider.text(made("Zulmira Um")).await?.unwrap();
    let gone = outsider.text(made("Zulmira Dois")).await?.unwrap();
    owner.call("merge_people", json!({ "keep": keep, "absorbed": gone })).await?;
    let notes = outsider.text(format!("select notes from app.contacts where id = '{keep}'")).await?.unwrap();
    assert_eq!(notes, "segredo de Zulmira Um\nsegredo de Zulmira Dois");
    owner.call("erase_person", json!({ "contact_id": keep, "typed_name": "Zulmira Um", "reason": "request" })).await?;
    for place in [
        "app.contacts t where to_jsonb(t)::text",
        "app.contact_merges t where to_jsonb(t)::text",
        "app.audit_logs t where to_jsonb(t)::text",
    ] {
        let told = format!("select count(*) from {place} ~ 'Zulmira'");
        assert_eq!(outsider.count(told).await?, 0, "{place}");
    }
    Ok(())
}
