//! How people liked it: what is asked after a talk was closed, and what counts as the answer.

use std::time::Duration;

use anyhow::Result;
use balcao_domain::message::{ChatAddress, Content, GatewayEvent, GatewayId, GatewayMessage, Person, Via};
use balcao_domain::phone::Phone;
use balcao_tenant::{Begun, Bid, NextDue, RawEvent, Role, Tenant, Tenure, Told};
use balcao_testkit::database::{TestDatabase, log_in};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desks::actors::{Actor, Outsider, sample_clinic};

const PHONE: &str = "+5596991234567";

/// A clinic that asks, with a desk that answers and the computer that stores what people write.
struct Clinic {
    _database: TestDatabase,
    desk: Actor,
    agent: Tenant,
    outsider: Outsider,
    channel: Uuid,
    told: u8,
}

impl Clinic {
    async fn open(on: bool) -> Result<Self> {
        let database = sample_clinic().await?;
        let owner = Actor::connect(database.owner()).await?;
        let desk = Actor::connect(&database.add_member(Role::Attendant).await?).await?;
        let agent = log_in(&database.add_member(Role::Agent).await?).await?;
        let mut outsider = Outsider::look(&database).await?;
        let channel =
            outsider.text("select id::text from app.channels where active limit 1").await?.unwrap().parse()?;
        owner.call("set_survey", json!({ "on": on, "question": " De 1 a 5? ", "hours": 24 })).await?;
        owner.until("get_status", json!({}), |status| status["waiting"] == 0).await?;
        desk.until("get_survey", json!({}), |survey| survey["on"] == on && survey["question"] == "De 1 a 5?").await?;
        let mut clinic = Self { _database: database, desk, agent, outsider, channel, told: 0 };
        clinic.writes("Bom dia").await?;
        Ok(clinic)
    }

    /// What the gateway brings from the person.
    async fn writes(&mut self, text: &str) -> Result<()> {
        self.told += 1;
        let phone = Phone::from_e164(PHONE).unwrap();
        let message = GatewayMessage {
            gateway_id: GatewayId::new(&format!("IN{}", self.told)).unwrap(),
            chat: ChatAddress::of_phone(&phone),
            person: Person { phone: Some(phone), lid: None },
            from_me: false,
            via: Via::Live,
            sent_at: now(),
            push_name: Some("Marta".to_owned()),
            content: Content::Text(text.to_owned()),
            reply_to: None,
            quoted_preview: None,
            status: None,
        };
        let raw = RawEvent {
            event: "test".to_owned(),
            payload: json!({ "n": self.told }),
            digest: [self.told; 32],
            received_at: now(),
        };
        let told = Told { raw, events: vec![GatewayEvent::Message(Box::new(message))] };
        self.agent.ingest_all(None, self.channel, &[told]).await?;
        Ok(())
    }

    async fn thread(&mut self) -> Result<Uuid> {
        let id = self
            .outsider
            .text(format!(
                "select c.id::text from app.conversations c join app.contacts p on p.id = c.contact_id where p.phone = '{PHONE}'"
            ))
            .await?;
        Ok(id.unwrap().parse()?)
    }

    /// Answers the person and waits until the database has it.
    async fn answers(&mut self) -> Result<()> {
        let thread = self.thread().await?;
        self.shows(|thread| thread["conversation"]["waiting_since"].is_string()).await?;
        self.desk.call("send_message", json!({ "conversation_id": thread, "text": "Bom dia, Marta" })).await?;
        self.sent().await
    }

    async fn acts(&mut self, action: &str) -> Result<()> {
        let thread = self.thread().await?;
        let deed = json!({ "conversation_ids": [thread], "action": { "kind": action } });
        self.desk.call("act_on_threads", deed).await?;
        self.sent().await
    }

    async fn sent(&self) -> Result<()> {
        self.desk.until("get_status", json!({}), |status| status["waiting"] == 0).await?;
        Ok(())
    }

    async fn shows(&mut self, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let about = json!({ "conversation_id": self.thread().await?, "limit": 50 });
        self.desk.until("get_thread", about, fits).await
    }

    /// The two minutes are over, and the question has gone out.
    async fn question_goes_out(&mut self) -> Result<()> {
        self.outsider
            .run(
                "update app.messages set status = 'sending', sent_at = clock_timestamp() where sender_kind = 'system'
                 and scheduled_for is not null and status = 'queued'",
            )
            .await?;
        self.outsider
            .run("update app.messages set status = 'sent' where sender_kind = 'system' and status = 'sending'")
            .await
    }

    /// The talk is closed, and whoever would send the question comes after so many hours; the person wrote so many hours ago.
    /// Says whether the question leaves.
    async fn leaves_after(&mut self, closed: u32, wrote: u32) -> Result<bool> {
        self.answers().await?;
        self.acts("close").await?;
        for statement in [
            "update app.jobs j set status = 'done' from app.messages m
             where m.clinic_id = j.clinic_id and m.id::text = j.dedupe_key and m.sender_kind = 'member'"
                .to_owned(),
            format!("update app.satisfaction_surveys set asked_at = asked_at - interval '{closed} hours'"),
            // Its job goes with it.
            format!(
                "update app.messages set scheduled_for = scheduled_for - interval '{closed} hours'
                 where id in (select message_id from app.satisfaction_surveys)"
            ),
            format!(
                "update app.conversations set last_inbound_at = clock_timestamp() - interval '{wrote} hours'
                 where id in (select conversation_id from app.satisfaction_surveys)"
            ),
        ] {
            self.outsider.run(&statement).await?;
        }
        let bid = Bid { holder: Uuid::new_v4(), label: "Sala 1", held_for: Duration::from_secs(60) };
        let Tenure::Held { fence, .. } = self.agent.take_lease(&bid).await? else { panic!("nobody else works") };
        let NextDue::Message(due) = self.agent.next_due(self.channel, 1_000).await? else { panic!("it is due") };
        assert_eq!(due.body, "De 1 a 5?");
        Ok(matches!(self.agent.begin_attempt(fence, self.channel, &due).await?, Begun::Now(_)))
    }

    async fn surveys(&mut self) -> Result<String> {
        let found = self
            .outsider
            .text("select coalesce(string_agg(coalesce(score::text, '-'), ' ' order by asked_at), '') from app.satisfaction_surveys")
            .await?;
        Ok(found.unwrap_or_default())
    }
}

#[allow(clippy::disallowed_methods, reason = "messages are of the real day")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_that_comes_back_is_kept_and_shown_and_the_thread_stays_closed() -> Result<()> {
    let mut clinic = Clinic::open(true).await?;
    clinic.answers().await?;
    clinic.acts("close").await?;
    assert_eq!(clinic.surveys().await?, "-");
    let waits =
        clinic.outsider.text("select body from app.messages where sender_kind = 'system' and scheduled_for > now()");
    assert_eq!(waits.await?.as_deref(), Some("De 1 a 5?"), "it goes out a little later");
    clinic.question_goes_out().await?;
    clinic.writes("Nota 5!").await?;
    let shown = |thread: &Value| thread["satisfaction"]["score"] == 5 && thread["conversation"]["preview"] == "Nota 5!";
    let thread = clinic.shows(shown).await?;
    let row = &thread["conversation"];
    assert_eq!((&row["status"], &row["unread_count"]), (&json!("closed"), &json!(0)));
    assert_eq!(row["waiting_since"], Value::Null);
    assert_eq!(clinic.surveys().await?, "5");
    // A word of thanks is a word like any other.
    clinic.writes("obrigada").await?;
    clinic.shows(|thread| thread["conversation"]["status"] == "open").await?;
    // A second number answers nothing.
    clinic.answers().await?;
    clinic.writes("1").await?;
    clinic.shows(|thread| thread["conversation"]["waiting_since"].is_string()).await?;
    assert_eq!(clinic.surveys().await?, "5");
    // Nor is the same person asked again so soon.
    clinic.answers().await?;
    clinic.acts("close").await?;
    assert_eq!(clinic.surveys().await?, "5");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_was_closed_by_mistake_is_opened_again_and_nothing_goes_out() -> Result<()> {
    let mut clinic = Clinic::open(true).await?;
    clinic.answers().await?;
    clinic.acts("close").await?;
    let question = "select count(*) from app.messages where sender_kind = 'system' and scheduled_for is not null";
    assert_eq!(clinic.outsider.count(question).await?, 1);
    clinic.acts("reopen").await?;
    assert_eq!(clinic.outsider.count(question).await?, 0);
    assert_eq!(clinic.surveys().await?, "");
    let open = "select count(*) from app.jobs j where j.kind = 'send_message' and j.status = 'queued'
                and not exists (select from app.messages m where m.id::text = j.dedupe_key)";
    assert_eq!(clinic.outsider.count(open).await?, 0, "no job is left without its message");
    clinic
        .shows(|thread| thread["messages"].as_array().unwrap().iter().all(|each| each["sender_kind"] != "system"))
        .await?;
    // Whoever writes before it has gone out is not asked either.
    clinic.acts("close").await?;
    assert_eq!(clinic.surveys().await?, "-");
    clinic.writes("só mais uma coisa").await?;
    assert_eq!(clinic.surveys().await?, "");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_an_answer_only_as_the_first_word_after_the_question() -> Result<()> {
    let mut clinic = Clinic::open(true).await?;
    clinic.writes("4").await?;
    clinic.answers().await?;
    clinic.acts("close").await?;
    clinic.question_goes_out().await?;
    clinic.writes("Que pergunta é essa?").await?;
    clinic.writes("4").await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(clinic.surveys().await?, "-");
    let thread = clinic.shows(|thread| thread["conversation"]["status"] == "open").await?;
    assert_eq!(thread["satisfaction"], Value::Null);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_who_was_not_answered_or_where_the_clinic_does_not_ask() -> Result<()> {
    let mut clinic = Clinic::open(true).await?;
    clinic.shows(|_| true).await?;
    clinic.acts("close").await?;
    assert_eq!(clinic.surveys().await?, "", "no person has answered");
    let mut silent = Clinic::open(false).await?;
    silent.answers().await?;
    silent.acts("close").await?;
    assert_eq!(silent.surveys().await?, "");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_late_is_a_message_like_any_other() -> Result<()> {
    let mut clinic = Clinic::open(true).await?;
    clinic.answers().await?;
    clinic.acts("close").await?;
    clinic.question_goes_out().await?;
    clinic.outsider.run("update app.messages set sent_at = sent_at - interval '25 hours'").await?;
    clinic.writes("5").await?;
    clinic.shows(|thread| thread["conversation"]["status"] == "open").await?;
    assert_eq!(clinic.surveys().await?, "-");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_nobody_could_send_for_a_day_is_not_asked_any_more() -> Result<()> {
    for (closed, wrote, leaves) in [(22, 23, true), (25, 23, false), (2, 25, false)] {
        let mut clinic = Clinic::open(true).await?;
        assert_eq!(clinic.leaves_after(closed, wrote).await?, leaves, "closed {closed} h ago, wrote {wrote} h ago");
        assert_eq!(clinic.surveys().await?, if leaves { "-" } else { "" });
        let waits = "select count(*) from app.messages where sender_kind = 'system' and scheduled_for is not null
                     and status = 'queued'";
        assert_eq!(clinic.outsider.count(waits).await?, 0, "nothing of it waits");
        let left = "select count(*) from app.jobs j where j.kind = 'send_message' and j.status = 'queued'
                    and not exists (select from app.messages m where m.id::text = j.dedupe_key)";
        assert_eq!(clinic.outsider.count(left).await?, 0, "nor a job without its message");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whoever_leads_the_clinic_says_what_is_asked() -> Result<()> {
    let clinic = Clinic::open(true).await?;
    let wish = |question: &str, hours: u32| json!({ "on": true, "question": question, "hours": hours });
    for (wish, code) in
        [(wish(" ", 24), "text_empty"), (wish("?", 0), "survey_hours"), (wish("?", 169), "survey_hours")]
    {
        assert_eq!(clinic.desk.call("set_survey", wish).await.unwrap_err().code, code);
    }
    clinic.desk.call("set_survey", wish("Outra pergunta?", 24)).await?;
    clinic.desk.until("get_status", json!({}), |status| status["needs_you"] == 1).await?;
    let parked = clinic.desk.call("list_operations", json!({ "state": "parked" })).await?["rows"][0].clone();
    assert_eq!(parked["reason"], "not_permitted");
    Ok(())
}
