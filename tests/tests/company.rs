//! Two people in one thread see each other, and nobody else hears which one it is.

use std::time::Duration;

use anyhow::Result;
use balcao_domain::presence::Word;
use balcao_tenant::{Listener, Role, Wake};
use balcao_testkit::database::log_in;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use crate::desks::actors::{Actor, Outsider, sample_clinic};

const SOON: Duration = Duration::from_secs(12);

async fn look_at(desk: &Actor, thread: Option<&Value>) -> Result<()> {
    desk.call("note_attention", json!({ "conversation_id": thread })).await?;
    Ok(())
}

async fn company(desk: &Actor, thread: &Value, fits: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
    let about = json!({ "conversation_id": thread });
    let fits = |answer: &Value| fits(answer["people"].as_array().unwrap());
    let answer = desk.until_within(SOON, "get_company", about, fits).await?;
    Ok(answer["people"].as_array().unwrap().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_see_each_other_reading_and_writing_and_going() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let bia = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let list = ana.call("list_conversations", json!({ "view": "all", "limit": 2 })).await?;
    let (thread, other) = (&list["rows"][0]["id"], &list["rows"][1]["id"]);
    look_at(&ana, Some(thread)).await?;
    look_at(&bia, Some(thread)).await?;
    let seen = company(&ana, thread, |people| people.len() == 1).await?;
    assert_eq!(seen[0]["typing"], false);
    let names: Vec<Value> = ana.call("get_inbox_frame", json!({})).await?["members"].as_array().unwrap().clone();
    assert!(names.iter().any(|member| member["id"] == seen[0]["member_id"] && member["name"] == seen[0]["name"]));
    // Who came later sees who was there.
    company(&bia, thread, |people| people.len() == 1).await?;

    bia.call("note_typing", json!({ "conversation_id": thread, "typing": true })).await?;
    company(&ana, thread, |people| people.len() == 1 && people[0]["typing"] == true).await?;
    bia.call("note_typing", json!({ "conversation_id": thread, "typing": false })).await?;
    company(&ana, thread, |people| people.len() == 1 && people[0]["typing"] == false).await?;

    look_at(&bia, Some(other)).await?;
    company(&ana, thread, <[Value]>::is_empty).await?;
    assert!(company(&bia, other, |_| true).await?.is_empty());
    look_at(&bia, Some(thread)).await?;
    company(&ana, thread, |people| people.len() == 1).await?;
    // Nobody is at the screens that are locked.
    let lock = json!({ "current_pin": null, "new_pin": "482917", "way": "pin", "minutes": 0 });
    bia.call("change_lock", lock).await?;
    bia.call("lock_now", json!({})).await?;
    company(&ana, thread, <[Value]>::is_empty).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_line_nobody_is_shown_and_afterwards_they_are_again() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let bia = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let list = ana.call("list_conversations", json!({ "view": "all", "limit": 1 })).await?;
    let thread = &list["rows"][0]["id"];
    look_at(&ana, Some(thread)).await?;
    look_at(&bia, Some(thread)).await?;
    company(&ana, thread, |people| people.len() == 1).await?;
    ana.line.cut();
    company(&ana, thread, <[Value]>::is_empty).await?;
    ana.line.mend();
    ana.until("get_status", json!({}), |status| status["connection"] == "online").await?;
    company(&ana, thread, |people| people.len() == 1).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_say_wakes_no_pull_writes_nothing_and_tells_no_thread() -> Result<()> {
    let clinic = sample_clinic().await?;
    let ana = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let list = ana.call("list_conversations", json!({ "view": "all", "limit": 1 })).await?;
    let thread = &list["rows"][0]["id"];
    let mut outsider = Outsider::look(&clinic).await?;
    // A professional may hear of changes, and knows no threads.
    let professional = log_in(&clinic.add_member(Role::Professional).await?).await?;
    let mut ears = Listener::open_among_people(&professional).await?;
    let mut deaf = Listener::open(&log_in(&clinic.add_member(Role::Viewer).await?).await?).await?;
    let written = "select (select count(*) + sum(version) from app.conversations)::bigint
                        + (select count(*) + sum(version) from app.messages)::bigint
                        + (select count(*) from app.tombstones)";
    // What was committed for their sake is over.
    while timeout(Duration::from_secs(2), ears.recv()).await.is_ok() {}
    while timeout(Duration::from_secs(2), deaf.recv()).await.is_ok() {}
    let before = outsider.count(written).await?;
    look_at(&ana, Some(thread)).await?;
    for _ in 0..8 {
        ana.call("note_typing", json!({ "conversation_id": thread, "typing": true })).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(timeout(SOON, ears.recv()).await??, Wake::People);
    let words = ears.words();
    assert!((1..=4).contains(&words.len()), "a word in two seconds at the most: {words:?}");
    let id: Uuid = thread.as_str().unwrap().parse()?;
    for text in &words {
        let word = Word::read(text).unwrap();
        assert!(!text.contains(&id.simple().to_string()) && word.place != Some(*id.as_bytes()));
        assert_eq!(word.place, ears.people().map(|people| people.place(id)), "whoever knows the thread knows it again");
    }
    assert!(timeout(Duration::from_millis(300), deaf.recv()).await.is_err(), "no desk pulls for it");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(outsider.count(written).await?, before, "nothing is written");
    Ok(())
}
