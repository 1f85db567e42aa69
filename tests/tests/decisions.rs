//! Two desks that write the same: what comes together by itself, what a person is asked about, and what then happens.

use std::time::Duration;

use anyhow::{Context, Result};
use balcao_tenant::Role;
use balcao_testkit::database::TestDatabase;
use serde_json::{Value, json};

use crate::desks::actors::{Actor, Outsider, later, sample_clinic};

/// Two desks of the same clinic, each with a line of its own.
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

async fn until_quiet(desk: &Actor) -> Result<()> {
    desk.until("get_status", json!({}), |status| status["connection"] == "online" && status["waiting"] == 0).await?;
    Ok(())
}

async fn parked(desk: &Actor) -> Result<Value> {
    desk.until("get_status", json!({}), |status| status["needs_you"] == 1 && status["waiting"] == 0).await?;
    Ok(desk.call("list_operations", json!({ "state": "parked" })).await?["rows"][0].clone())
}

fn stage_of(board: &Value, lead: &Value) -> Option<Value> {
    let holds = |stage: &&Value| stage["leads"].as_array().is_some_and(|leads| leads.iter().any(|l| l["id"] == *lead));
    Some(board["stages"].as_array()?.iter().find(holds)?["id"].clone())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_desks_move_the_same_lead_without_a_network_and_both_moves_count() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia) = two_desks(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let board = ana.board().await?;
    let lead = &board["stages"][0]["leads"][0]["id"];
    let lost = board["stages"].as_array().unwrap().iter().find(|stage| stage["kind"] == "lost").unwrap();
    cut(&ana).await?;
    cut(&bia).await?;
    let reason = &board["loss_reasons"][0]["id"];
    let given_up = json!({ "lead_id": lead, "stage_id": lost["id"], "loss_reason_id": reason, "loss_note": "sumiu" });
    ana.call("move_lead", given_up).await?;
    // Each desk knows the server's time only as well as a round trip tells it.
    tokio::time::sleep(Duration::from_secs(2)).await;
    bia.call("move_lead", json!({ "lead_id": lead, "stage_id": board["stages"][2]["id"] })).await?;
    // The later one arrives first.
    bia.line.mend();
    until_quiet(&bia).await?;
    ana.line.mend();
    until_quiet(&ana).await?;

    for desk in [&ana, &bia] {
        let board = json!({ "limit": 500 });
        let stands =
            desk.until("get_board", board, |shown| stage_of(shown, lead).as_ref() == Some(&board_stage(shown, 2)));
        stands.await.context("both desks show where the later move put it")?;
        assert_eq!(desk.counts().await?, (0, 0), "nobody is asked");
    }
    let moves = format!(
        "select count(distinct member_id) || ' ' || count(*) || ' ' || max(details ->> 'loss_note') from app.lead_events
         where lead_id = '{}' and kind = 'moved' and at > now() - interval '1 hour'",
        text(lead)
    );
    assert_eq!(outsider.text(moves).await?.unwrap(), "2 2 sumiu");
    let left = format!("select count(*) from app.leads where id = '{}' and loss_reason_id is not null", text(lead));
    assert_eq!(outsider.count(left).await?, 0, "the earlier move left no reason behind");
    Ok(())
}

fn board_stage(board: &Value, at: usize) -> Value {
    board["stages"][at]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_was_lost_gets_its_reason_back_when_leaving_was_a_mistake() -> Result<()> {
    let clinic = sample_clinic().await?;
    let desk = Actor::connect(clinic.owner()).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let board = desk.board().await?;
    let lost = board["stages"].as_array().unwrap().iter().find(|stage| stage["kind"] == "lost").unwrap();
    let lead = lost["leads"].as_array().unwrap().iter().find(|lead| !lead["loss_reason_id"].is_null()).unwrap();
    desk.call("move_lead", json!({ "lead_id": lead["id"], "stage_id": board["stages"][0]["id"] })).await?;
    until_quiet(&desk).await?;
    let back = json!({
        "lead_id": lead["id"], "stage_id": lost["id"], "loss_reason_id": lead["loss_reason_id"], "loss_note": lead["loss_note"],
    });
    desk.call("move_lead", back).await?;
    until_quiet(&desk).await?;
    let reason = format!("select loss_reason_id::text from app.leads where id = '{}'", text(&lead["id"]));
    assert_eq!(outsider.text(reason).await?.unwrap(), text(&lead["loss_reason_id"]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_of_two_desks_without_a_network_are_both_kept() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia) = two_desks(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let contact = ana.waiting_conversation().await?["contact_id"].clone();
    let about = json!({ "about": "contact", "id": contact });
    let before = ana.call("get_notes", about.clone()).await?["text"].as_str().unwrap().to_owned();
    cut(&ana).await?;
    cut(&bia).await?;
    let note = |text: &str| json!({ "about": "contact", "id": contact, "text": text });
    assert_eq!(ana.call("add_note", note("  ")).await.unwrap_err().code, "text_empty");
    assert_eq!(ana.call("add_note", note(&"a".repeat(2001))).await.unwrap_err().code, "text_too_long");
    ana.call("add_note", note("prefere de manhã")).await?;
    ana.call("add_note", note("vem com a filha")).await?;
    bia.call("add_note", note("alérgica a dipirona")).await?;
    let shown = ana.call("get_notes", about.clone()).await?;
    assert_eq!(shown["text"], before, "what is queued is shown apart from what the database has");
    let queued = text(&shown["queued"][0]["text"]);
    assert!(queued.contains(": prefere de manhã") && queued.contains(": vem com a filha"), "{queued}");
    assert_eq!(shown["queued"][0]["parked"], false);

    let ana = ana.restart().await?;
    ana.line.mend();
    bia.line.mend();
    until_quiet(&ana).await?;
    until_quiet(&bia).await?;
    for desk in [&ana, &bia] {
        desk.until("get_notes", about.clone(), |notes| {
            let text = text(&notes["text"]);
            notes["queued"] == json!([])
                && text.starts_with(&before)
                && ["prefere de manhã", "vem com a filha", "alérgica a dipirona"]
                    .iter()
                    .all(|note| text.matches(note).count() == 1)
        })
        .await?;
    }
    let stored =
        outsider.text(format!("select notes from app.contacts where id = '{}'", text(&contact))).await?.unwrap();
    assert_eq!(ana.call("get_notes", about).await?["text"], stored);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_about_a_visit_and_one_about_a_lead_stand_where_people_look() -> Result<()> {
    let clinic = sample_clinic().await?;
    let desk = Actor::connect(clinic.owner()).await?;
    let (visit, _) = desk.movable_visit().await?;
    let lead = desk.board().await?["stages"][0]["leads"][0].clone();
    desk.call("add_note", json!({ "about": "appointment", "id": visit["id"], "text": "trazer exames" })).await?;
    desk.call("add_note", json!({ "about": "lead", "id": lead["id"], "text": "pediu orçamento" })).await?;
    until_quiet(&desk).await?;
    for (about, id, note) in
        [("appointment", &visit["id"], "trazer exames"), ("contact", &lead["contact_id"], "pediu orçamento")]
    {
        desk.until("get_notes", json!({ "about": about, "id": id }), |notes| {
            notes["queued"] == json!([]) && text(&notes["text"]).ends_with(note)
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_visit_moved_by_two_desks_is_asked_about_with_both_values() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia) = two_desks(&clinic).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    for keep_mine in [false, true] {
        let (visit, mine) = ana.movable_visit().await?;
        cut(&ana).await?;
        ana.call("reschedule_appointment", mine.clone()).await?;
        let mut theirs = mine.clone();
        theirs["starts_at"] = json!(later(&mine["starts_at"], 24 * 60 * 7)?);
        theirs["ends_at"] = json!(later(&mine["ends_at"], 24 * 60 * 7)?);
        theirs["squeeze_reason"] = json!("pediu");
        bia.call("reschedule_appointment", theirs.clone()).await?;
        until_quiet(&bia).await?;
        ana.line.mend();
        let operation = parked(&ana).await?;
        assert_eq!((text(&operation["reason"]), &operation["subject"]), ("conflict", &visit["patient"]));
        assert_eq!(operation["choices"], json!(["keep_mine", "keep_theirs"]));
        let value = |list: &str| {
            let field = operation[list].as_array().unwrap().iter().find(|field| field["field"] == "starts_at").unwrap();
            chrono::DateTime::parse_from_rfc3339(text(&field["value"])).unwrap()
        };
        let at = |wish: &Value| chrono::DateTime::parse_from_rfc3339(text(&wish["starts_at"])).unwrap();
        assert_eq!((value("before"), value("wanted"), value("theirs")), (at(&visit), at(&mine), at(&theirs)));

        let choice = if keep_mine { "keep_mine" } else { "keep_theirs" };
        ana.call("decide_operation", json!({ "operation_id": operation["operation_id"], "choice": choice })).await?;
        ana.until("get_status", json!({}), |status| status["waiting"] == 0 && status["needs_you"] == 0).await?;
        let kept = if keep_mine { &mine } else { &theirs };
        let stands = outsider.count(format!(
            "select count(*) from app.appointments where id = '{}' and starts_at = '{}'",
            text(&visit["id"]),
            text(&kept["starts_at"])
        ));
        assert_eq!(stands.await?, 1, "{choice}");
        let day = json!({ "from": &text(&kept["starts_at"])[..10], "days": 2 });
        ana.until("get_agenda", day, |agenda| {
            agenda["visits"].as_array().is_some_and(|visits| {
                visits
                    .iter()
                    .any(|shown| shown["id"] == visit["id"] && same_instant(&shown["starts_at"], &kept["starts_at"]))
            })
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_was_taken_is_answered_with_free_ones_and_giving_up_can_be_taken_back() -> Result<()> {
    let clinic = sample_clinic().await?;
    let desk = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let (visit, wish) = desk.movable_visit().await?;
    cut(&desk).await?;
    desk.call("reschedule_appointment", wish.clone()).await?;
    outsider.take_slot(&visit, &wish).await?;
    desk.line.mend();
    let operation = parked(&desk).await?;
    assert_eq!(operation["choices"], json!(["other_time", "squeeze_in", "retry", "discard"]));
    let this = json!({ "operation_id": operation["operation_id"] });

    let decide = |choice: &str| json!({ "operation_id": operation["operation_id"], "choice": choice });
    desk.call("decide_operation", decide("discard")).await?;
    assert_eq!(desk.counts().await?, (0, 0));
    desk.call("restore_operation", this.clone()).await?;
    assert_eq!(parked(&desk).await?, operation, "it is there again as it was");
    assert_eq!(desk.call("restore_operation", this.clone()).await.unwrap_err().code, "not_found", "once");

    // What was put in the way has come here: nothing that is taken is offered.
    let day = json!({ "from": &text(&wish["starts_at"])[..10], "days": 2 });
    desk.until("get_agenda", day, |agenda| {
        agenda["visits"].as_array().is_some_and(|visits| {
            visits.iter().any(|other| {
                other["id"] != visit["id"]
                    && other["patient"] == visit["patient"]
                    && same_instant(&other["starts_at"], &wish["starts_at"])
                    && other["professional_id"] == wish["professional_id"]
            })
        })
    })
    .await?;
    let free = desk.call("list_free_slots", this).await?;
    let slots = free["slots"].as_array().unwrap();
    assert_eq!(slots.len(), 3, "{free}");
    let mut chosen = decide("other_time");
    assert_eq!(desk.call("decide_operation", chosen.clone()).await.unwrap_err().code, "bad_payload");
    chosen["starts_at"] = wish["starts_at"].clone();
    assert_eq!(desk.call("decide_operation", chosen.clone()).await.unwrap_err().code, "slot_taken");
    chosen["starts_at"] = slots[0]["starts_at"].clone();
    desk.call("decide_operation", chosen).await?;
    desk.until("get_status", json!({}), |status| status["waiting"] == 0).await?;
    assert_eq!(desk.counts().await?, (0, 0), "what is offered is free");
    let stands = outsider.count(format!(
        "select count(*) from app.appointments where id = '{}' and starts_at = '{}' and not squeezed_in",
        text(&visit["id"]),
        text(&slots[0]["starts_at"])
    ));
    assert_eq!(stands.await?, 1);
    Ok(())
}

fn same_instant(one: &Value, other: &Value) -> bool {
    let instant = |value: &Value| chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap_or_default()).ok();
    instant(one).is_some() && instant(one) == instant(other)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_decision_goes_again_all_at_once_and_a_pointed_row_comes_first() -> Result<()> {
    let clinic = sample_clinic().await?;
    let login = clinic.add_member(Role::Attendant).await?;
    let desk = Actor::connect(&login).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = desk.waiting_conversation().await?;
    cut(&desk).await?;
    let mut sent = Vec::new();
    for text in ["um", "dois", "três"] {
        let message = json!({ "conversation_id": talk["id"], "text": text });
        sent.push(desk.call("send_message", message).await?["entity_id"].clone());
    }
    desk.call("add_note", json!({ "about": "contact", "id": talk["contact_id"], "text": "ligar depois" })).await?;
    outsider.run("revoke insert on app.messages from balcao_attendant").await?;
    outsider.run("revoke update on app.contacts from balcao_attendant").await?;
    desk.line.mend();
    let refused = desk.until("get_status", json!({}), |status| status["needs_you"] == 4).await;
    outsider.run("grant insert on app.messages to balcao_attendant").await?;
    outsider.run("grant update on app.contacts to balcao_attendant").await?;
    refused?;
    let list = desk.call("list_operations", json!({ "state": "parked", "first": sent[2], "limit": 2 })).await?;
    assert_eq!((&list["rows"][0]["entity_id"], list["rows"].as_array().unwrap().len()), (&sent[2], 2));
    assert_eq!(list["rows"][0]["reason"], "not_permitted");
    assert_eq!(list["rows"][0]["conversation_id"], talk["id"]);
    assert_eq!(list["kinds"], json!([{ "kind": "send_message", "count": 3 }, { "kind": "add_note", "count": 1 }]),);
    assert_eq!((&list["total"], &list["retriable"]), (&json!(4), &json!(4)));
    let notes = desk.call("list_operations", json!({ "state": "parked", "kind": "add_note" })).await?;
    assert_eq!(notes["rows"][0]["subject"], talk["name"]);

    assert_eq!(desk.call("retry_operations", json!({ "kind": "add_note" })).await?["count"], 1);
    assert_eq!(desk.call("retry_operations", json!({})).await?["count"], 3);
    desk.until("get_status", json!({}), |status| status["needs_you"] == 0 && status["waiting"] == 0).await?;
    let arrived = outsider.count("select count(*) from app.messages where body in ('um', 'dois', 'três')").await?;
    assert_eq!(arrived, 3);
    Ok(())
}
