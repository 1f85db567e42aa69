//! What desks say outside their windows when messages arrive, and what they do not.

use std::time::Duration;

use anyhow::{Context as _, Result};
use balcao_api::notices::Notice;
use balcao_tenant::Role;
use balcao_testkit::database::TestDatabase;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

use crate::desks::actors::{Actor, Outsider, sample_clinic};

/// Longer than a desk gathers what comes together.
const SOON: Duration = Duration::from_secs(15);
const AWHILE: Duration = Duration::from_secs(4);

async fn desk(clinic: &TestDatabase) -> Result<(Actor, Receiver<Notice>)> {
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let notices = ana.desk.notices();
    choose(&ana, json!({ "of": "everybodys", "with": "everything" })).await?;
    // The first look has been taken: what comes from here on is new.
    assert!(timeout(AWHILE, ana.desk.notices().recv()).await.is_err(), "what came with the first copy is not said");
    Ok((ana, notices))
}

async fn choose(desk: &Actor, choice: Value) -> Result<()> {
    desk.call("set_preferences", json!({ "notifications": choice })).await?;
    Ok(())
}

async fn said(notices: &mut Receiver<Notice>) -> Result<Notice> {
    timeout(SOON, notices.recv()).await.context("nothing was said")?.context("the desk is gone")
}

async fn nothing_is_said(notices: &mut Receiver<Notice>) {
    let said = timeout(AWHILE, notices.recv()).await;
    assert!(said.is_err(), "{said:?}");
}

/// Threads that wait for a person, which were written in by nobody else.
async fn waiting(desk: &Actor, most: usize) -> Result<Vec<Value>> {
    let list = desk.call("list_conversations", json!({ "view": "needs_reply", "limit": most })).await?;
    let rows = list["rows"].as_array().context("rows")?.clone();
    assert_eq!(rows.len(), most, "the sample has as many");
    Ok(rows)
}

fn id(thread: &Value) -> String {
    thread["id"].as_str().unwrap().to_owned()
}

fn of_thread(notice: &Notice) -> Option<String> {
    match notice {
        Notice::Thread { conversation_id, .. } => Some(conversation_id.to_string()),
        _ => None,
    }
}

/// What the gateway brings from the people of some threads, all at once.
async fn write(outsider: &mut Outsider, threads: &[String], text: &str) -> Result<()> {
    let threads = threads.iter().map(|thread| format!("'{thread}'")).collect::<Vec<_>>().join(", ");
    outsider
        .run(&format!(
            "insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body, gateway_id, sent_at)
             select clinic_id, id, channel_id, 'inbound', 'contact', '{text}', '{text}' || id, clock_timestamp()
             from app.conversations where id in ({threads})"
        ))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_said_once_and_taken_back_when_it_was_answered() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, mut notices) = desk(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = &waiting(&ana, 1).await?[0];
    write(&mut outsider, &[id(talk)], "Bom dia,  posso remarcar?").await?;
    let Notice::Thread { conversation_id, name, message, waiting, sound } = said(&mut notices).await? else {
        panic!("a thread is told of")
    };
    assert_eq!(conversation_id.to_string(), id(talk));
    assert_eq!(name.as_deref(), talk["name"].as_str());
    let message = message.context("what it says")?;
    assert_eq!((message.kind.as_str(), message.text.as_str()), ("text", "Bom dia, posso remarcar?"));
    assert!(waiting >= 1 && sound);
    nothing_is_said(&mut notices).await;

    // What others do to the thread says nothing anew.
    outsider.run(&format!("update app.conversations set priority = 'high' where id = '{}'", id(talk))).await?;
    nothing_is_said(&mut notices).await;
    ana.call("send_message", json!({ "conversation_id": id(talk), "text": "Claro!" })).await?;
    assert_eq!(said(&mut notices).await?, Notice::Withdrawn { conversation_id });
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_badge_counts_what_waits_and_follows_it() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, _notices) = desk(&clinic).await?;
    let list = ana.call("list_conversations", json!({ "view": "needs_reply", "limit": 2 })).await?;
    let waiting = u32::try_from(list["counts"]["needs_reply"].as_u64().unwrap())?;
    let mut badge = ana.desk.badge();
    timeout(SOON, badge.wait_for(|count| *count == waiting)).await??;
    let close = json!({ "conversation_ids": [list["rows"][0]["id"]], "action": { "kind": "close" } });
    ana.call("act_on_threads", close).await?;
    timeout(SOON, badge.wait_for(|count| *count == waiting - 1)).await??;
    // What was put aside counts again when its time comes, without a word from anywhere.
    #[allow(clippy::disallowed_methods, reason = "a thread is put aside until a time of the real day")]
    let until = chrono::Utc::now() + chrono::TimeDelta::seconds(6);
    let snooze = json!({ "conversation_ids": [list["rows"][1]["id"]], "action": { "kind": "snooze", "until": until } });
    ana.call("act_on_threads", snooze).await?;
    timeout(SOON, badge.wait_for(|count| *count == waiting - 2)).await??;
    timeout(SOON, badge.wait_for(|count| *count == waiting - 1)).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_thread_that_somebody_looks_at_is_not_said_and_a_rush_is_said_together() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, mut notices) = desk(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talks: Vec<String> = waiting(&ana, 6).await?.iter().map(id).collect();
    ana.call("note_attention", json!({ "conversation_id": talks[0] })).await?;
    write(&mut outsider, &talks[..2], "oi").await?;
    assert_eq!(of_thread(&said(&mut notices).await?).as_ref(), Some(&talks[1]));
    nothing_is_said(&mut notices).await;
    // Opening the other one takes back what was said of it.
    ana.call("note_attention", json!({ "conversation_id": talks[1] })).await?;
    assert_eq!(said(&mut notices).await?, Notice::Withdrawn { conversation_id: talks[1].parse()? });

    ana.call("note_attention", json!({ "conversation_id": null })).await?;
    write(&mut outsider, &talks[2..], "bom dia").await?;
    let Notice::Many { threads, messages, .. } = said(&mut notices).await? else { panic!("many are told of") };
    assert!(threads >= 4 && messages >= 4, "{threads} {messages}");
    nothing_is_said(&mut notices).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_person_is_said_while_the_screens_are_locked() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, mut notices) = desk(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talks: Vec<String> = waiting(&ana, 2).await?.iter().map(id).collect();
    let lock = json!({ "current_pin": null, "new_pin": "482917", "way": "pin", "minutes": 0 });
    ana.call("change_lock", lock).await?;
    ana.call("note_attention", json!({ "conversation_id": talks[1] })).await?;
    write(&mut outsider, &talks[..1], "Meu exame chegou?").await?;
    assert!(matches!(said(&mut notices).await?, Notice::Thread { name: Some(_), message: Some(_), .. }));
    ana.call("lock_now", json!({})).await?;
    assert_eq!(said(&mut notices).await?, Notice::Cleared, "what stands there would be read by anybody");

    // Whoever had the thread open is not there any more.
    write(&mut outsider, &talks[1..], "Sou eu de novo").await?;
    let notice = said(&mut notices).await?;
    assert_eq!(of_thread(&notice).as_ref(), Some(&talks[1]));
    assert!(matches!(notice, Notice::Thread { name: None, message: None, .. }), "{notice:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_the_program_was_closed_is_said_at_the_next_start_and_nothing_twice() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, mut notices) = desk(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talks: Vec<String> = waiting(&ana, 2).await?.iter().map(id).collect();
    write(&mut outsider, &talks[..1], "antes").await?;
    assert_eq!(of_thread(&said(&mut notices).await?).as_ref(), Some(&talks[0]));
    // The line is cut, so that what comes next is not here before the end.
    ana.line.cut();
    ana.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    write(&mut outsider, &talks[1..], "depois").await?;
    let ana = ana.restart().await?;
    let mut notices = ana.desk.notices();
    ana.line.mend();
    let notice = said(&mut notices).await?;
    assert_eq!(of_thread(&notice).as_ref(), Some(&talks[1]), "{notice:?}");
    nothing_is_said(&mut notices).await;
    let ana = ana.restart().await?;
    nothing_is_said(&mut ana.desk.notices()).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bot_answers_and_what_others_work_on_is_said_only_when_it_is_asked_for() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, mut notices) = desk(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talks: Vec<String> = waiting(&ana, 2).await?.iter().map(id).collect();
    let frame = ana.call("get_inbox_frame", json!({})).await?;
    let other = frame["members"].as_array().unwrap().iter().find(|member| member["id"] != frame["me"]).unwrap();
    outsider.run(&format!("update app.conversations set handler = 'bot' where id = '{}'", talks[0])).await?;
    outsider
        .run(&format!(
            "update app.conversations set assignee_id = '{}' where id = '{}'",
            other["id"].as_str().unwrap(),
            talks[1]
        ))
        .await?;
    choose(&ana, json!({ "of": "mine_and_nobodys", "with": "name" })).await?;
    write(&mut outsider, &talks, "oi").await?;
    nothing_is_said(&mut notices).await;

    // The bot gives up: somebody has to answer what it was told.
    outsider
        .run(&format!("update app.conversations set handler = 'person', assignee_id = null where id = '{}'", talks[0]))
        .await?;
    let notice = said(&mut notices).await?;
    assert_eq!(of_thread(&notice).as_ref(), Some(&talks[0]), "{notice:?}");
    assert!(matches!(notice, Notice::Thread { name: Some(_), message: None, .. }), "{notice:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_are_quiet_and_have_an_end() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, mut notices) = desk(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talks: Vec<String> = waiting(&ana, 2).await?.iter().map(id).collect();
    let quiet =
        |from: u32, until: u32| json!({ "of": "everybodys", "quiet": { "from_minute": from, "until_minute": until } });
    let refused = ana.call("set_preferences", json!({ "notifications": quiet(60, 60) })).await.unwrap_err();
    assert_eq!(refused.code, "quiet_hours_empty");

    #[allow(clippy::disallowed_methods, reason = "it is quiet at a time of the real day")]
    let now = chrono::Utc::now().with_timezone(&chrono_tz::America::Sao_Paulo);
    let minute = chrono::Timelike::hour(&now) * 60 + chrono::Timelike::minute(&now);
    choose(&ana, quiet((minute + 1_430) % 1_440, (minute + 10) % 1_440)).await?;
    write(&mut outsider, &talks[..1], "de noite").await?;
    nothing_is_said(&mut notices).await;
    choose(&ana, json!({ "of": "everybodys" })).await?;
    write(&mut outsider, &talks[1..], "de dia").await?;
    assert_eq!(of_thread(&said(&mut notices).await?).as_ref(), Some(&talks[1]));
    nothing_is_said(&mut notices).await;
    Ok(())
}
