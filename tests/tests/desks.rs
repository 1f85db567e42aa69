//! Desks on a real database: what they show, what they keep while the line is cut, and what arrives.

pub(crate) mod actors;
mod odd;

use std::time::{Duration, Instant};

use actors::{Actor, Outsider, sample_clinic};
use anyhow::Result;
use balcao_agent::replay::replay;
use balcao_domain::clock::Clock;
use balcao_tenant::Role;
use balcao_testkit::database::log_in;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn three_writes_made_while_the_line_is_cut_arrive_once_and_in_order() -> Result<()> {
    let clinic = sample_clinic().await?;
    let desk = Actor::connect(clinic.owner()).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let talk = desk.waiting_conversation().await?;
    let (_, wish) = desk.movable_visit().await?;
    let board = desk.board().await?;
    let lead = &board["stages"][0]["leads"][0];
    let lost = board["stages"].as_array().unwrap().iter().find(|stage| stage["kind"] == "lost").unwrap();

    desk.line.cut();
    let cut_at = Instant::now();
    desk.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    assert!(cut_at.elapsed() < Duration::from_secs(5), "the status line told the truth after {:?}", cut_at.elapsed());

    for text in ["Bom dia! Já vejo para você.", "Tenho às 10h."] {
        desk.call("send_message", json!({ "conversation_id": talk["id"], "text": text })).await?;
    }
    desk.call("reschedule_appointment", wish.clone()).await?;
    let refused = desk.call("move_lead", json!({ "lead_id": lead["id"], "stage_id": lost["id"] })).await.unwrap_err();
    assert_eq!(refused.code, "loss_reason_required");
    let reason = &board["loss_reasons"][0]["id"];
    desk.call("move_lead", json!({ "lead_id": lead["id"], "stage_id": lost["id"], "loss_reason_id": reason })).await?;
    assert_eq!(desk.counts().await?, (4, 0));
    let thread = desk.call("get_thread", json!({ "conversation_id": talk["id"], "limit": 2 })).await?;
    assert_eq!(thread["messages"][1]["state"], "pending", "reads go on and show what is queued");

    let desk = desk.restart().await?;
    assert_eq!(desk.counts().await?, (4, 0), "what waits survives a restart");

    desk.line.mend();
    desk.until("get_status", json!({}), |status| status["connection"] == "online" && status["waiting"] == 0).await?;
    let sent = outsider.count(format!(
        "select count(*) from app.messages where conversation_id = '{}' and sender_kind = 'member' and body in
         ('Bom dia! Já vejo para você.', 'Tenho às 10h.')",
        talk["id"].as_str().unwrap()
    ));
    assert_eq!(sent.await?, 2);
    let first = outsider.text(
        "select body from app.messages where sender_kind = 'member' and body in ('Bom dia! Já vejo para você.', 'Tenho às 10h.')
         order by sent_at limit 1",
    );
    assert_eq!(first.await?.unwrap(), "Bom dia! Já vejo para você.");
    assert_eq!(
        outsider.count("select count(*) from app.jobs where kind = 'send_message'").await?,
        2,
        "each is sent once"
    );
    let moved = outsider.count(format!(
        "select count(*) from app.appointments where id = '{}' and starts_at = '{}'",
        wish["appointment_id"].as_str().unwrap(),
        wish["starts_at"].as_str().unwrap()
    ));
    assert_eq!(moved.await?, 1);
    let gone = outsider.text(format!(
        "select s.kind from app.leads l join app.pipeline_stages s on s.clinic_id = l.clinic_id and s.id = l.stage_id where l.id = '{}'",
        lead["id"].as_str().unwrap()
    ));
    assert_eq!(gone.await?.unwrap(), "lost");
    assert_eq!(outsider.count("select count(*) from app.applied_operations").await?, 4);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_someone_else_took_meanwhile_is_asked_about_and_can_be_squeezed_in() -> Result<()> {
    let clinic = sample_clinic().await?;
    let attendant = clinic.add_member(Role::Attendant).await?;
    let desk = Actor::connect(&attendant).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    let (visit, wish) = desk.movable_visit().await?;

    desk.line.cut();
    desk.until("get_status", json!({}), |status| status["connection"] == "offline").await?;
    desk.call("reschedule_appointment", wish.clone()).await?;
    outsider.take_slot(&visit, &wish).await?;
    desk.line.mend();
    desk.until("get_status", json!({}), |status| status["needs_you"] == 1 && status["waiting"] == 0).await?;

    let parked = desk.call("list_operations", json!({ "state": "parked" })).await?;
    let operation = &parked["rows"][0];
    assert_eq!(operation["reason"], "slot_taken");
    assert_eq!(operation["subject"], visit["patient"]);
    assert!(operation["choices"].as_array().unwrap().contains(&json!("squeeze_in")));
    let id = &operation["operation_id"];
    let refused =
        desk.call("decide_operation", json!({ "operation_id": id, "choice": "squeeze_in" })).await.unwrap_err();
    assert_eq!(refused.code, "squeeze_reason_required");
    desk.call("decide_operation", json!({ "operation_id": id, "choice": "squeeze_in", "reason": "dor aguda" })).await?;
    desk.until("get_status", json!({}), |status| status["needs_you"] == 0 && status["waiting"] == 0).await?;
    let squeezed = outsider
        .text(format!("select squeeze_reason from app.appointments where id = '{}'", visit["id"].as_str().unwrap()));
    assert_eq!(squeezed.await?.unwrap(), "dor aguda");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_at_one_desk_reaches_the_other() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (ana, bia) =
        (Actor::connect(clinic.owner()).await?, Actor::connect(&clinic.add_member(Role::Attendant).await?).await?);
    let board = ana.board().await?;
    let (lead, stages) = (board["stages"][0]["leads"][0].clone(), board["stages"].as_array().unwrap().clone());
    let stage_of = |board: &Value, id: &Value| -> Option<Value> {
        let stages = board["stages"].as_array()?;
        let holds =
            |stage: &&Value| stage["leads"].as_array().is_some_and(|leads| leads.iter().any(|l| &l["id"] == id));
        Some(stages.iter().find(holds)?["id"].clone())
    };
    ana.call("move_lead", json!({ "lead_id": lead["id"], "stage_id": stages[1]["id"] })).await?;
    bia.until("get_board", json!({ "limit": 500 }), |board| {
        stage_of(board, &lead["id"]) == Some(stages[1]["id"].clone())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whatsapp_message_arrives_on_the_screen_of_an_open_desk() -> Result<()> {
    let clinic = sample_clinic().await?;
    let desk = Actor::connect(&clinic.add_member(Role::Attendant).await?).await?;
    let event = json!({
        "event": "messages.upsert",
        "payload": { "event": "messages.upsert", "instance": "recepcao", "data": {
            "key": { "remoteJid": "5531987654321@s.whatsapp.net", "fromMe": false, "id": "3EB0WALK1" },
            "pushName": "Otília Prado", "message": { "conversation": "Quero marcar uma consulta" },
            "messageType": "conversation", "messageTimestamp": 1_795_000_000_i64,
        }},
    });
    let tenant = log_in(clinic.owner()).await?;
    replay(&tenant, format!("{event}\n").as_bytes(), None, &Clock::System, |_| ()).await?;
    let search = json!({ "view": "all", "search": "otilia", "limit": 5 });
    let list = desk
        .until("list_conversations", search, |list| list["rows"].as_array().is_some_and(|rows| rows.len() == 1))
        .await?;
    assert_eq!(list["rows"][0]["preview"], "Quero marcar uma consulta");
    assert_eq!(list["rows"][0]["phone"], "(31) 98765-4321");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_command_is_given_it_answers_and_the_desk_works_on() -> Result<()> {
    let clinic = sample_clinic().await?;
    let desk = Actor::connect(clinic.owner()).await?;
    let (mut answered, mut defects) = (0, Vec::new());
    for (command, payload) in odd::calls() {
        let shown: String = payload.to_string().chars().take(200).collect();
        let answer = tokio::time::timeout(Duration::from_secs(20), desk.call(command, payload)).await;
        match answer {
            Ok(Err(problem)) if ["internal", "database", "protocol"].contains(&&*problem.code) => {
                defects.push(format!("{command} {shown}: {problem}"))
            }
            Ok(_) => answered += 1,
            Err(_) => defects.push(format!("{command} {shown}: no answer")),
        }
    }
    assert!(defects.is_empty(), "{}", defects.join("\n"));
    assert!(answered > 300, "only {answered} calls were made");
    desk.until("get_status", json!({}), |status| status["connection"] == "online").await?;
    // What nobody sees does not keep words from arriving.
    let waiting = desk.waiting_conversation().await?;
    desk.call("send_message", json!({ "conversation_id": waiting["id"], "text": "A sala\u{0} das 7h13" })).await?;
    desk.until("get_status", json!({}), |status| status["waiting"] == 0 && status["needs_you"] == 0).await?;
    let mut outsider = Outsider::look(&clinic).await?;
    assert_eq!(outsider.count("select count(*) from app.messages where body = 'A sala das 7h13'").await?, 1);
    Ok(())
}
