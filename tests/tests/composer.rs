//! What people write at desks: texts that are sent often, and what they have begun and not sent.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "desks/actors.rs"]
#[allow(dead_code, reason = "other walks use the rest")]
mod actors;

use actors::{Actor, Outsider, sample_clinic};
use anyhow::Result;
use balcao_tenant::Role;
use serde_json::{Value, json};

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
    let name =
        outsider.text(format!("select name from app.contacts where id = '{}'", talk["contact_id"].as_str().unwrap()));
    let name = name.await?.unwrap();
    let first = name.split(' ').next().unwrap();
    let filled = ana.call("fill_text", fill("Oi, {{Primeiro nome}}, da {{clínica}}: {{valor}}", json!({}))).await?;
    let here = outsider.text("select name from app.clinics").await?.unwrap();
    assert_eq!(filled["text"], format!("Oi, {first}, da {here}: {{{{valor}}}}"));
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
