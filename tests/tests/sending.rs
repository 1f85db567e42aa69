//! Messages on their way out, as the clinic's database has them: who may send, in which order, and what becomes of a try.

use std::time::Duration;

use anyhow::Result;
use balcao_domain::message::{
    ChatAddress, Content, DeliveryStatus, Effect, GatewayEvent, GatewayId, GatewayMessage, Person, Via,
};
use balcao_domain::phone::Phone;
use balcao_tenant::{
    Attempt, Begun, Bid, Due, Error, Fence, NextDue, Operation, OperationKind, Quoted, RawEvent, Role, SendOutcome,
    Tenant, Tenure, Told, Verdict,
};
use balcao_testkit::database::{TestDatabase, log_in};
use chrono::{DateTime, SubsecRound as _, Utc};
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

const MANY: u32 = 1_000;

/// A clinic with one connection, a person who wrote, an agent that works and an attendant who answers.
struct Clinic {
    database: TestDatabase,
    admin: PgConnection,
    agent: Tenant,
    desk: Tenant,
    channel: Uuid,
    fence: Fence,
    told: u32,
}

impl Clinic {
    async fn open() -> Result<Self> {
        let database = TestDatabase::fresh().await?;
        let mut admin = PgConnection::connect(database.admin_url()).await?;
        let agent = log_in(&database.add_member(Role::Agent).await?).await?;
        let desk = log_in(&database.add_member(Role::Attendant).await?).await?;
        let channel =
            sqlx::query_scalar("insert into app.channels (clinic_id, name) values ($1, 'Recepção') returning id");
        let channel = channel.bind(database.clinic_id()).fetch_one(&mut admin).await?;
        let fence = take(&agent, Uuid::new_v4()).await?;
        Ok(Self { database, admin, agent, desk, channel, fence, told: 0 })
    }

    /// Somebody writes; the conversation.
    async fn person_writes(&mut self, phone: &str) -> Result<Uuid> {
        let message = gateway_message(&format!("IN{}", self.told), phone, false, "oi", now());
        self.tell(GatewayEvent::Message(Box::new(message))).await?;
        let conversation = sqlx::query_scalar(
            "select c.id from app.conversations c join app.contacts p on p.id = c.contact_id where p.phone = $1",
        );
        Ok(conversation.bind(phone).fetch_one(&mut self.admin).await?)
    }

    async fn tell(&mut self, event: GatewayEvent) -> Result<()> {
        self.told += 1;
        let raw = RawEvent {
            event: "test".to_owned(),
            payload: json!({"n": self.told}),
            digest: [u8::try_from(self.told)?; 32],
            received_at: now(),
        };
        self.agent.ingest_all(Some(self.fence), self.channel, &[Told { raw, events: vec![event] }]).await?;
        Ok(())
    }

    /// An answer typed at the desk; its id.
    async fn answer(&mut self, conversation: Uuid, body: &str, more: Value) -> Result<Uuid> {
        let mut fields = json!({
            "conversation_id": conversation, "channel_id": self.channel, "direction": "outbound", "sender_kind": "member",
            "kind": "text", "body": body,
        });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let id = Uuid::now_v7();
        assert_eq!(self.write(OperationKind::Insert, id, fields, json!({})).await?, Verdict::Applied);
        Ok(id)
    }

    async fn write(&self, kind: OperationKind, id: Uuid, fields: Value, base: Value) -> Result<Verdict> {
        let map = |value: Value| -> Map<String, Value> { value.as_object().unwrap().clone() };
        let operation = Operation {
            operation_id: Uuid::new_v4(),
            entity: "messages".to_owned(),
            entity_id: id,
            kind,
            fields: map(fields),
            base: map(base),
            expires_at: None,
        };
        Ok(self.desk.apply(&[operation]).await?.remove(0).verdict)
    }

    async fn next(&self) -> Result<Option<Due>> {
        Ok(match self.agent.next_due(self.channel, MANY).await? {
            NextDue::Message(due) => Some(*due),
            _ => None,
        })
    }

    /// Begins to send the next message, which must be there.
    async fn begin(&self) -> Result<Attempt> {
        let due = self.next().await?.unwrap();
        match self.agent.begin_attempt(self.fence, self.channel, &due).await? {
            Begun::Now(attempt) => Ok(attempt),
            other => panic!("{other:?}"),
        }
    }

    async fn ends(&self, attempt: &Attempt, outcome: SendOutcome) -> Result<()> {
        Ok(self.agent.record_outcome(self.fence, attempt, &outcome).await?)
    }

    /// Status, gateway id and the state of the job.
    async fn state(&mut self, message: Uuid) -> Result<(String, Option<String>, String)> {
        let row = sqlx::query_as(
            "select m.status, m.gateway_id, j.status from app.messages m join app.jobs j on j.dedupe_key = m.id::text
             where m.id = $1",
        );
        Ok(row.bind(message).fetch_one(&mut self.admin).await?)
    }

    async fn count(&mut self, what: &str) -> Result<i64> {
        Ok(sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {what}"))).fetch_one(&mut self.admin).await?)
    }
}

async fn take(tenant: &Tenant, holder: Uuid) -> Result<Fence> {
    match tenant.take_lease(&Bid { holder, label: "Recepção 1", held_for: Duration::from_secs(20) }).await? {
        Tenure::Held { fence, .. } => Ok(fence),
        other => panic!("{other:?}"),
    }
}

#[allow(clippy::disallowed_methods, reason = "the database's clock is compared with")]
fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(0)
}

fn gateway_message(id: &str, phone: &str, from_me: bool, body: &str, sent_at: DateTime<Utc>) -> GatewayMessage {
    let phone = Phone::from_e164(phone).unwrap();
    GatewayMessage {
        gateway_id: GatewayId::new(id).unwrap(),
        chat: ChatAddress::of_phone(&phone),
        person: Person { phone: Some(phone), lid: None },
        from_me,
        push_name: None,
        sent_at,
        content: Content::Text(body.to_owned()),
        reply_to: None,
        quoted_preview: None,
        status: from_me.then_some(DeliveryStatus::Sending),
        via: if from_me { Via::Api } else { Via::Live },
    }
}

fn accepted(id: &str) -> SendOutcome {
    SendOutcome::Accepted { gateway_id: GatewayId::new(id).unwrap(), chat: None }
}

fn unknown() -> SendOutcome {
    SendOutcome::Unknown { text: "timed out".to_owned() }
}

const ANA: &str = "+5511988887777";
const BIA: &str = "+5511977776666";

#[tokio::test]
async fn one_computer_works_and_an_older_term_writes_nothing() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let other = log_in(&clinic.database.add_member(Role::Agent).await?).await?;
    let bid = |holder, seconds| Bid { holder, label: "Sala 2", held_for: Duration::from_secs_f64(seconds) };
    let elsewhere = other.take_lease(&bid(Uuid::new_v4(), 20.0)).await?;
    let Tenure::Elsewhere { free_in, .. } = elsewhere else { panic!("{elsewhere:?}") };
    assert!(free_in <= Duration::from_secs(20));

    clinic.agent.release_lease(clinic.fence).await?;
    let holder = Uuid::new_v4();
    let Tenure::Held { fence, .. } = other.take_lease(&bid(holder, 0.3)).await? else { panic!("it was given back") };
    assert!(fence > clinic.fence);
    let Tenure::Held { fence: renewed, .. } = other.take_lease(&bid(holder, 0.3)).await? else { panic!("not renewed") };
    assert_eq!(renewed, fence, "a renewal is the same term");
    let late = clinic.agent.note_problem(clinic.fence, clinic.channel, Some("late")).await;
    assert_eq!(late.unwrap_err(), Error::LeaseLost);
    let late = clinic.agent.ingest_all(Some(clinic.fence), clinic.channel, &[]).await;
    assert_eq!(late.unwrap_err(), Error::LeaseLost);

    tokio::time::sleep(Duration::from_millis(400)).await;
    let again = take(&clinic.agent, Uuid::new_v4()).await?;
    assert!(again > fence, "who holds it no longer may be followed");
    let shown: (String, bool) = sqlx::query_as("select label, released_at is null from app.background_holders")
        .fetch_one(&mut clinic.admin)
        .await?;
    assert_eq!(shown, ("Recepção 1".to_owned(), true));
    assert_eq!(clinic.desk.take_lease(&bid(holder, 1.0)).await.unwrap_err(), Error::NotPermitted);
    Ok(())
}

#[tokio::test]
async fn a_conversation_is_sent_in_order_and_others_do_not_wait() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let (ana, bia) = (clinic.person_writes(ANA).await?, clinic.person_writes(BIA).await?);
    let first = clinic.answer(ana, "um", json!({})).await?;
    let second = clinic.answer(ana, "dois", json!({})).await?;
    let other = clinic.answer(bia, "três", json!({})).await?;
    let attempt = clinic.begin().await?;
    assert_eq!(attempt.message, first);
    let beside = clinic.begin().await?;
    assert_eq!(beside.message, other, "what stands behind one on its way waits, another conversation does not");
    assert_eq!(clinic.next().await?, None);
    clinic.ends(&attempt, SendOutcome::NotSent { code: "gateway_unreachable", wait: Duration::from_secs(60) }).await?;
    assert_eq!(clinic.state(first).await?, ("queued".into(), None, "queued".into()));
    assert_eq!(clinic.next().await?, None, "nobody overtakes one that was put off");
    sqlx::query("update app.jobs set run_at = now()").execute(&mut clinic.admin).await?;
    let again = clinic.begin().await?;
    assert_eq!((again.message, again.number), (first, 2));
    clinic.ends(&again, accepted("G1")).await?;
    assert_eq!(clinic.state(first).await?, ("sending".into(), Some("G1".into()), "done".into()));
    assert_eq!(clinic.begin().await?.message, second);
    Ok(())
}

#[tokio::test]
async fn an_echo_meets_the_message_before_and_after_the_answer() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let ana = clinic.person_writes(ANA).await?;
    let echo = |id: &str, body: &str| GatewayEvent::Message(Box::new(gateway_message(id, ANA, true, body, now())));
    let before = clinic.answer(ana, "às 15h?", json!({})).await?;
    let attempt = clinic.begin().await?;
    clinic.tell(echo("G1", "às 15h?")).await?;
    let read = Effect::Status { status: DeliveryStatus::Read, at: now() };
    clinic.tell(GatewayEvent::Effect { gateway_id: GatewayId::new("G1").unwrap(), effect: read.clone() }).await?;
    clinic.ends(&attempt, accepted("G1")).await?;
    assert_eq!(clinic.state(before).await?, ("read".into(), Some("G1".into()), "done".into()));

    let after = clinic.answer(ana, "às 15h?", json!({})).await?;
    let attempt = clinic.begin().await?;
    clinic.tell(GatewayEvent::Effect { gateway_id: GatewayId::new("G2").unwrap(), effect: read }).await?;
    clinic.ends(&attempt, accepted("G2")).await?;
    clinic.tell(echo("G2", "às 15h?")).await?;
    assert_eq!(
        clinic.state(after).await?,
        ("read".into(), Some("G2".into()), "done".into()),
        "also what came before the answer"
    );

    // An echo that nobody took for ours: the gateway has changed the words.
    let changed = clinic.answer(ana, "veja https://x.example", json!({})).await?;
    let attempt = clinic.begin().await?;
    clinic.tell(echo("G3", "veja aqui")).await?;
    clinic.ends(&attempt, accepted("G3")).await?;
    assert_eq!(clinic.state(changed).await?.1.as_deref(), Some("G3"));
    assert_eq!(clinic.count("app.messages where direction = 'outbound'").await?, 3, "none stands there twice");
    Ok(())
}

#[tokio::test]
async fn an_unknown_outcome_is_settled_by_what_is_found_or_by_a_person() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let ana = clinic.person_writes(ANA).await?;
    let mut lost = Vec::new();
    for body in ["um", "dois", "três", "quatro"] {
        let message = clinic.answer(ana, body, json!({})).await?;
        let attempt = clinic.begin().await?;
        clinic.ends(&attempt, unknown()).await?;
        lost.push((message, attempt));
    }
    let unknowns = "app.channels where unknown_outcomes = 4";
    assert_eq!(clinic.count(unknowns).await?, 1);
    assert_eq!(clinic.agent.unknown_sends(clinic.channel, Duration::from_secs(60)).await?.len(), 4);
    assert_eq!(clinic.next().await?, None, "nothing is sent again by itself");

    let known = GatewayId::new("IN0").unwrap();
    assert!(!clinic.agent.settle_unknown(clinic.fence, &lost[0].1, std::slice::from_ref(&known)).await?);
    let found = [known, GatewayId::new("G1").unwrap()];
    assert!(clinic.agent.settle_unknown(clinic.fence, &lost[0].1, &found).await?);
    assert_eq!(clinic.state(lost[0].0).await?, ("sent".into(), Some("G1".into()), "done".into()));

    let swept = GatewayMessage { via: Via::History, ..gateway_message("G2", ANA, true, "dois", now()) };
    clinic.tell(GatewayEvent::Message(Box::new(swept))).await?;
    assert_eq!(clinic.state(lost[1].0).await?.1.as_deref(), Some("G2"), "a sweep finds it, too");

    assert!(clinic.desk.message_arrived(lost[2].0).await?);
    assert!(!clinic.desk.message_arrived(lost[2].0).await?, "it is decided");
    assert_eq!(clinic.state(lost[2].0).await?, ("sent".into(), None, "done".into()));

    assert!(clinic.desk.retry_message(lost[3].0).await?);
    let again = clinic.begin().await?;
    assert_eq!((again.message, again.number), (lost[3].0, 1));
    clinic.ends(&again, accepted("G4")).await?;
    assert_eq!(clinic.count("app.channels where unknown_outcomes = 0").await?, 1);
    assert_eq!(clinic.count("app.messages where direction = 'outbound'").await?, 4);
    Ok(())
}

#[tokio::test]
async fn a_try_that_was_left_half_way_is_unknown_to_whoever_takes_over() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let (ana, bia) = (clinic.person_writes(ANA).await?, clinic.person_writes(BIA).await?);
    let (lost, told) = (clinic.answer(ana, "um", json!({})).await?, clinic.answer(bia, "dois", json!({})).await?);
    let attempt = clinic.begin().await?;
    clinic.begin().await?;
    clinic.tell(GatewayEvent::Message(Box::new(gateway_message("G2", BIA, true, "dois", now())))).await?;
    clinic.agent.release_lease(clinic.fence).await?;
    let fence = take(&clinic.agent, Uuid::new_v4()).await?;
    let late = clinic.agent.record_outcome(clinic.fence, &attempt, &accepted("G1")).await;
    assert_eq!(late.unwrap_err(), Error::LeaseLost);
    assert_eq!(clinic.agent.recover_attempts(fence, clinic.channel).await?, 2);
    assert_eq!(clinic.state(lost).await?, ("unknown".into(), None, "unknown".into()));
    assert_eq!(clinic.state(told).await?, ("sending".into(), Some("G2".into()), "done".into()));
    Ok(())
}

#[tokio::test]
async fn a_message_waits_for_its_time_and_is_called_off_until_it_goes() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let ana = clinic.person_writes(ANA).await?;
    let waits = "app.conversations where waiting_since is not null";
    let later = json!({"scheduled_for": now() + chrono::TimeDelta::hours(2)});
    let message = clinic.answer(ana, "amanhã às 9h", later.clone()).await?;
    assert_eq!(clinic.count(waits).await?, 1, "what is not sent answers nobody");
    assert_eq!(clinic.next().await?, None);

    let patch =
        async |clinic: &Clinic, fields: Value| clinic.write(OperationKind::Patch, message, fields, json!({})).await;
    assert_eq!(patch(&clinic, json!({"cancelled_at": now()})).await?, Verdict::Applied);
    assert_eq!(clinic.state(message).await?, ("failed".into(), None, "cancelled".into()));
    assert_eq!(patch(&clinic, json!({"cancelled_at": null})).await?, Verdict::Applied, "wanted after all");
    assert_eq!(patch(&clinic, json!({"scheduled_for": null})).await?, Verdict::Applied, "now");
    let attempt = clinic.begin().await?;
    assert_eq!(attempt.message, message);
    assert_eq!(clinic.count(waits).await?, 0);
    let refused = patch(&clinic, json!({"cancelled_at": now()})).await?;
    assert!(
        matches!(&refused, Verdict::Refused { constraint: Some(name), .. } if name == "messages_waits"),
        "{refused:?}"
    );
    assert_eq!(
        clinic.write(OperationKind::Patch, message, json!({"body": "outra"}), json!({})).await?,
        Verdict::Refused { reason: "not_permitted".into(), constraint: None },
        "only when it goes is a desk's to change"
    );
    Ok(())
}

#[tokio::test]
async fn the_gateway_is_told_what_an_answer_quotes_and_a_note_never_reaches_it() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let ana = clinic.person_writes(ANA).await?;
    let answer = json!({"reply_to_gateway_id": "IN0", "quoted_preview": "oi"});
    let message = clinic.answer(ana, "pode sim", answer).await?;
    let note = clinic.answer(ana, "conferir a carteirinha", json!({"direction": "internal"})).await?;
    let due = clinic.next().await?.unwrap();
    assert_eq!(due.message, message);
    assert_eq!(due.quoted, Some(Quoted { gateway_id: GatewayId::new("IN0").unwrap(), from_me: false }));
    let attempt = clinic.begin().await?;
    clinic.ends(&attempt, accepted("G1")).await?;
    assert_eq!(clinic.next().await?, None);
    assert_eq!(clinic.count(&format!("app.jobs where dedupe_key = '{note}'")).await?, 0);
    let named = json!({"mentions": [Uuid::new_v4()]});
    let refused = clinic
        .write(
            OperationKind::Insert,
            Uuid::now_v7(),
            json!({
                "conversation_id": ana, "channel_id": clinic.channel, "direction": "outbound", "sender_kind": "member",
                "kind": "text", "body": "@Ana", "mentions": named["mentions"],
            }),
            json!({}),
        )
        .await?;
    assert!(
        matches!(&refused, Verdict::Refused { constraint: Some(name), .. } if name == "messages_mentions"),
        "only a note names members: {refused:?}"
    );
    Ok(())
}

#[tokio::test]
async fn the_daily_cap_and_a_blocked_person_hold_messages_back() -> Result<()> {
    let mut clinic = Clinic::open().await?;
    let (ana, bia) = (clinic.person_writes(ANA).await?, clinic.person_writes(BIA).await?);
    clinic.answer(ana, "um", json!({})).await?;
    let attempt = clinic.begin().await?;
    clinic.ends(&attempt, accepted("G1")).await?;
    let second = clinic.answer(bia, "dois", json!({})).await?;
    assert_eq!(clinic.agent.next_due(clinic.channel, 1).await?, NextDue::DailyCap);
    let due = clinic.next().await?.unwrap();
    assert_eq!(due.unanswered, [GatewayId::new("IN1").unwrap()], "what the answer answers");
    sqlx::query("update app.contacts set status = 'blocked' where phone = $1")
        .bind(BIA)
        .execute(&mut clinic.admin)
        .await?;
    assert_eq!(clinic.agent.begin_attempt(clinic.fence, clinic.channel, &due).await?, Begun::NotAnyMore);
    assert_eq!(clinic.state(second).await?, ("failed".into(), None, "cancelled".into()));
    Ok(())
}
