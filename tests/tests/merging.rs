//! What two desks write into the same rows, tried with their own logins: what comes together, and what a person must decide.

use std::time::Duration;

use anyhow::Result;
use balcao_tenant::{Operation, OperationKind, Outcome, Role, Tenant, Verdict};
use balcao_testkit::database::{TestDatabase, log_in, servers};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

/// Two attendants, a contact with an open lead, and someone who looks from outside.
struct Desks {
    database: TestDatabase,
    outside: PgConnection,
    ana: Tenant,
    bia: Tenant,
    contact: Uuid,
    lead: Uuid,
    /// Three open stages, then the one for lost leads.
    stages: Vec<Uuid>,
    reasons: Vec<Uuid>,
}

impl Desks {
    async fn on(server: &str) -> Result<Self> {
        let database = TestDatabase::fresh_on(server).await?;
        let ana = log_in(&database.add_member(Role::Attendant).await?).await?;
        let bia = log_in(&database.add_member(Role::Attendant).await?).await?;
        let mut outside = PgConnection::connect(database.admin_url()).await?;
        let clinic = database.clinic_id();
        let mut stages: Vec<Uuid> = sqlx::query_scalar(
            "select id from app.pipeline_stages where clinic_id = $1 and kind = 'open' order by position limit 3",
        )
        .bind(clinic)
        .fetch_all(&mut outside)
        .await?;
        stages.push(
            sqlx::query_scalar("select id from app.pipeline_stages where clinic_id = $1 and kind = 'lost'")
                .bind(clinic)
                .fetch_one(&mut outside)
                .await?,
        );
        let reasons = sqlx::query_scalar("select id from app.loss_reasons where clinic_id = $1 order by position")
            .bind(clinic)
            .fetch_all(&mut outside)
            .await?;
        let contact =
            sqlx::query_scalar("insert into app.contacts (clinic_id, name) values ($1, 'Maria') returning id")
                .bind(clinic)
                .fetch_one(&mut outside)
                .await?;
        let lead = sqlx::query_scalar(
            "insert into app.leads (clinic_id, contact_id, pipeline_id, stage_id, created_at, stage_entered_at)
             select clinic_id, $2, pipeline_id, id, now() - interval '3 days', now() - interval '3 days'
             from app.pipeline_stages where clinic_id = $1 and id = $3 returning id",
        )
        .bind(clinic)
        .bind(contact)
        .bind(stages[0])
        .fetch_one(&mut outside)
        .await?;
        Ok(Self { database, outside, ana, bia, contact, lead, stages, reasons })
    }

    async fn text(&mut self, query: &'static str) -> Result<String> {
        Ok(sqlx::query_scalar(query).bind(self.database.clinic_id()).fetch_one(&mut self.outside).await?)
    }

    /// The moves in the book, oldest first: to which stage, when, by whom.
    async fn moves(&mut self) -> Result<Vec<(Option<Uuid>, Uuid, DateTime<Utc>, Option<Uuid>)>> {
        Ok(sqlx::query_as(
            "select from_stage_id, to_stage_id, at, member_id from app.lead_events where lead_id = $1 and kind = 'moved' order by at",
        )
        .bind(self.lead)
        .fetch_all(&mut self.outside)
        .await?)
    }

    /// Where the lead stands, since when, why it was lost and its place in the column.
    async fn standing(&mut self) -> Result<(Uuid, DateTime<Utc>, Option<Uuid>, f64)> {
        Ok(sqlx::query_as("select stage_id, stage_entered_at, loss_reason_id, position from app.leads where id = $1")
            .bind(self.lead)
            .fetch_one(&mut self.outside)
            .await?)
    }

    /// The move to a stage, as a desk queues it that saw the lead in its first stage.
    fn moved(&self, to: usize, at: DateTime<Utc>, reason: Option<Uuid>) -> Operation {
        let fields = json!({
            "stage_id": self.stages[to], "stage_entered_at": at, "closed_at": reason.map(|_| at),
            "loss_reason_id": reason, "loss_note": reason.map(|_| "caro"), "position": to as f64,
        });
        operation(
            "leads",
            self.lead,
            OperationKind::Patch,
            fields,
            json!({ "stage_id": self.stages[0], "position": 0 }),
        )
    }
}

fn operation(entity: &str, id: Uuid, kind: OperationKind, fields: Value, base: Value) -> Operation {
    let object = |value: Value| -> Map<String, Value> { value.as_object().unwrap().clone() };
    Operation {
        operation_id: Uuid::now_v7(),
        entity: entity.to_owned(),
        entity_id: id,
        kind,
        fields: object(fields),
        base: object(base),
        expires_at: None,
    }
}

async fn apply(desk: &Tenant, operation: &Operation) -> Result<Outcome> {
    Ok(desk.apply(std::slice::from_ref(operation)).await?.remove(0))
}

fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap()
}

#[allow(clippy::disallowed_methods, reason = "the database has no other clock")]
fn now() -> DateTime<Utc> {
    micros(Utc::now())
}

#[tokio::test]
async fn notes_of_two_people_both_stay_and_a_repetition_adds_nothing() -> Result<()> {
    for server in servers().await? {
        let mut desks = Desks::on(&server).await?;
        let note = |text: &str| {
            operation(
                "contacts",
                desks.contact,
                OperationKind::Patch,
                json!({ "notes": { "append": text } }),
                json!({}),
            )
        };
        let (first, second) = (note("21/11 14:30 Ana: prefere manhã"), note("21/11 14:31 Bia: vem com a filha"));
        assert_eq!(apply(&desks.ana, &first).await?.verdict, Verdict::Applied);
        assert_eq!(apply(&desks.bia, &second).await?.verdict, Verdict::Applied);
        assert_eq!(apply(&desks.ana, &first).await?.verdict, Verdict::Already);
        let both = "21/11 14:30 Ana: prefere manhã\n21/11 14:31 Bia: vem com a filha";
        assert_eq!(desks.text("select notes from app.contacts where clinic_id = $1").await?, both);
        // Whoever rewrites the whole text over notes they have not seen is asked; and a new row can begin with a note.
        let rewritten = json!({ "notes": "nada" });
        let rewritten = operation("contacts", desks.contact, OperationKind::Patch, rewritten, json!({ "notes": "" }));
        assert!(
            matches!(apply(&desks.bia, &rewritten).await?.verdict, Verdict::Conflict { theirs } if theirs["notes"] == both)
        );
        let fresh = operation(
            "contacts",
            Uuid::now_v7(),
            OperationKind::Insert,
            json!({ "name": "João", "notes": { "append": "novo" } }),
            json!({}),
        );
        assert_eq!(apply(&desks.bia, &fresh).await?.verdict, Verdict::Applied);
        assert_eq!(desks.text("select notes from app.contacts where clinic_id = $1 and name = 'João'").await?, "novo");
    }
    Ok(())
}

#[tokio::test]
async fn what_looks_like_an_append_in_a_document_is_kept_as_a_document() -> Result<()> {
    for server in servers().await? {
        let mut desks = Desks::on(&server).await?;
        let document = json!({ "custom_fields": { "append": "x" } });
        let written =
            operation("contacts", desks.contact, OperationKind::Patch, document, json!({ "custom_fields": {} }));
        assert_eq!(apply(&desks.ana, &written).await?.verdict, Verdict::Applied);
        let stored = desks.text("select custom_fields ->> 'append' from app.contacts where clinic_id = $1").await?;
        assert_eq!(stored, "x");
    }
    Ok(())
}

#[tokio::test]
async fn two_moves_of_a_lead_end_the_same_in_whatever_order_they_arrive() -> Result<()> {
    for server in servers().await? {
        let mut ends = Vec::new();
        for earlier_first in [true, false] {
            let mut desks = Desks::on(&server).await?;
            let (early, late) = (now() - TimeDelta::hours(5), now() - TimeDelta::hours(2));
            let (ana, bia) = (desks.moved(3, early, Some(desks.reasons[0])), desks.moved(2, late, None));
            if earlier_first {
                assert_eq!(apply(&desks.ana, &ana).await?.verdict, Verdict::Applied);
                assert_eq!(apply(&desks.bia, &bia).await?.verdict, Verdict::Applied);
            } else {
                assert_eq!(apply(&desks.bia, &bia).await?.verdict, Verdict::Applied);
                assert_eq!(apply(&desks.ana, &ana).await?.verdict, Verdict::Applied);
            }
            let (stage, since, reason, position) = desks.standing().await?;
            assert_eq!((stage, since, reason), (desks.stages[2], late, None), "earlier first: {earlier_first}");
            let moves = desks.moves().await?;
            assert_eq!(moves.len(), 2, "both are in the book: {moves:?}");
            assert_eq!((moves[0].0, moves[0].1, moves[0].2), (Some(desks.stages[0]), desks.stages[3], early));
            assert_eq!((moves[1].1, moves[1].2), (desks.stages[2], late));
            assert!(moves[0].3.is_some() && moves[1].3.is_some() && moves[0].3 != moves[1].3, "each has its author");
            let why = desks.text(
                "select details ->> 'loss_note' from app.lead_events where clinic_id = $1 and details ? 'loss_note'",
            );
            assert_eq!(why.await?, "caro", "why it was lost for a while is in the book");
            ends.push(position);
        }
        assert_eq!(ends, [2.0, 2.0], "the place in the column is the later move's");
    }
    Ok(())
}

#[tokio::test]
async fn a_loss_reason_is_the_later_ones_although_both_lost_the_lead() -> Result<()> {
    for server in servers().await? {
        for earlier_first in [true, false] {
            let mut desks = Desks::on(&server).await?;
            let early = desks.moved(3, now() - TimeDelta::hours(5), Some(desks.reasons[0]));
            let late = desks.moved(3, now() - TimeDelta::hours(2), Some(desks.reasons[1]));
            let order = if earlier_first { [&early, &late] } else { [&late, &early] };
            for operation in order {
                assert_eq!(apply(&desks.ana, operation).await?.verdict, Verdict::Applied);
            }
            assert_eq!(desks.standing().await?.2, Some(desks.reasons[1]), "earlier first: {earlier_first}");
            assert_eq!(desks.moves().await?.len(), 2);
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_time_of_a_move_is_trusted_within_reason() -> Result<()> {
    for server in servers().await? {
        let mut desks = Desks::on(&server).await?;
        let before = desks.moved(1, now() - TimeDelta::days(400), None);
        assert_eq!(apply(&desks.ana, &before).await?.verdict, Verdict::Applied);
        let created: DateTime<Utc> = sqlx::query_scalar("select created_at from app.leads where id = $1")
            .bind(desks.lead)
            .fetch_one(&mut desks.outside)
            .await?;
        assert_eq!(desks.moves().await?[0].2, created, "nobody moved it before it was there");

        let asked = now();
        let ahead = desks.moved(2, asked + TimeDelta::days(9), None);
        assert_eq!(apply(&desks.ana, &ahead).await?.verdict, Verdict::Applied);
        let (stage, since, ..) = desks.standing().await?;
        assert_eq!(stage, desks.stages[2]);
        assert!(since >= asked && since <= now(), "a clock that is ahead does not reach into the future: {since}");
        // Who is right about the time is not kept out by who was wrong.
        let honest = desks.moved(1, now(), None);
        assert_eq!(apply(&desks.bia, &honest).await?.verdict, Verdict::Applied);
        assert_eq!(desks.standing().await?.0, desks.stages[1]);
    }
    Ok(())
}

#[tokio::test]
async fn a_lead_that_was_moved_away_and_back_before_anything_was_sent_has_not_moved() -> Result<()> {
    for server in servers().await? {
        let mut desks = Desks::on(&server).await?;
        let (stage, since, ..) = desks.standing().await?;
        let mut back = desks.moved(0, now(), None);
        back.base.insert("loss_reason_id".to_owned(), Value::Null);
        back.fields.insert("position".to_owned(), json!(9.5));
        assert_eq!(apply(&desks.ana, &back).await?.verdict, Verdict::Applied);
        assert_eq!(desks.standing().await?, (stage, since, None, 9.5));
        assert!(desks.moves().await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_statement_that_says_no_time_moves_a_lead_now() -> Result<()> {
    for server in servers().await? {
        let mut desks = Desks::on(&server).await?;
        let asked = now();
        let statement = "update app.leads set stage_id = $2 where id = $1";
        sqlx::query(statement).bind(desks.lead).bind(desks.stages[1]).execute(&mut desks.outside).await?;
        let (stage, since, ..) = desks.standing().await?;
        assert_eq!(stage, desks.stages[1]);
        assert!(since >= asked, "{since} {asked}");
        let late = desks.moved(2, asked - TimeDelta::minutes(1), None);
        assert_eq!(apply(&desks.ana, &late).await?.verdict, Verdict::Applied);
        assert_eq!(desks.standing().await?.0, desks.stages[1], "what was done later stands");
    }
    Ok(())
}

#[tokio::test]
async fn a_lead_stays_in_its_pipeline_and_a_lost_one_keeps_its_reason() -> Result<()> {
    for server in servers().await? {
        let mut desks = Desks::on(&server).await?;
        let other: Uuid =
            sqlx::query_scalar("insert into app.pipelines (clinic_id, name) values ($1, 'Outro') returning id")
                .bind(desks.database.clinic_id())
                .fetch_one(&mut desks.outside)
                .await?;
        let refused = |constraint: &str| Verdict::Refused {
            reason: "constraint".to_owned(),
            constraint: Some(constraint.to_owned()),
        };
        let patch = |fields: Value| operation("leads", desks.lead, OperationKind::Patch, fields, json!({}));
        let (elsewhere, unexplained) =
            (patch(json!({ "pipeline_id": other })), patch(json!({ "loss_reason_id": null })));
        assert_eq!(apply(&desks.ana, &elsewhere).await?.verdict, refused("leads_stage_of_pipeline"));
        let lost = desks.moved(3, now(), Some(desks.reasons[0]));
        assert_eq!(apply(&desks.ana, &lost).await?.verdict, Verdict::Applied);
        assert_eq!(apply(&desks.ana, &unexplained).await?.verdict, refused("leads_loss_reason_required"));
        assert_eq!(desks.standing().await?.2, Some(desks.reasons[0]));
        let again = desks.moved(3, now(), None);
        assert_eq!(apply(&desks.ana, &again).await?.verdict, refused("leads_loss_reason_required"));
    }
    Ok(())
}

#[tokio::test]
async fn different_fields_come_together_and_the_same_one_is_asked_about() -> Result<()> {
    for server in servers().await? {
        let desks = Desks::on(&server).await?;
        let seen = json!({ "title": "", "value_cents": null });
        let patch = |fields: Value| operation("leads", desks.lead, OperationKind::Patch, fields, seen.clone());
        assert_eq!(apply(&desks.ana, &patch(json!({ "title": "Implante" }))).await?.verdict, Verdict::Applied);
        assert_eq!(apply(&desks.bia, &patch(json!({ "value_cents": 250_000 }))).await?.verdict, Verdict::Applied);
        let clash = apply(&desks.bia, &patch(json!({ "title": "Limpeza", "value_cents": 250_000 }))).await?;
        let Verdict::Conflict { theirs } = clash.verdict else { panic!("{clash:?}") };
        assert_eq!(Value::Object(theirs), json!({ "title": "Implante" }), "only what contradicts");
        assert_eq!(
            apply(&desks.bia, &patch(json!({ "title": "Implante" }))).await?.verdict,
            Verdict::Applied,
            "agreed"
        );
        // The order of cards is nobody's word against anybody's.
        let ordered =
            operation("leads", desks.lead, OperationKind::Patch, json!({ "position": 7.5 }), json!({ "position": 3 }));
        assert_eq!(apply(&desks.bia, &ordered).await?.verdict, Verdict::Applied);
    }
    Ok(())
}

#[tokio::test]
async fn a_delete_of_what_someone_changed_is_asked_about() -> Result<()> {
    for server in servers().await? {
        let desks = Desks::on(&server).await?;
        let id = Uuid::now_v7();
        let made = json!({ "kind": "blocked", "starts_at": "2026-11-24T12:00:00Z", "ends_at": "2026-11-24T13:00:00Z", "reason": "reunião" });
        let insert = operation("schedule_exceptions", id, OperationKind::Insert, made.clone(), json!({}));
        assert_eq!(apply(&desks.ana, &insert).await?.verdict, Verdict::Applied);
        let mut seen = made.as_object().unwrap().clone();
        seen.insert("version".to_owned(), json!(1));
        let delete =
            || operation("schedule_exceptions", id, OperationKind::Delete, json!({}), Value::Object(seen.clone()));
        let longer = json!({ "ends_at": "2026-11-24T14:00:00Z" });
        let patch = || operation("schedule_exceptions", id, OperationKind::Patch, longer.clone(), made.clone());
        assert_eq!(apply(&desks.bia, &patch()).await?.verdict, Verdict::Applied);
        let refused = apply(&desks.ana, &delete()).await?;
        let Verdict::Conflict { theirs } = refused.verdict else { panic!("{refused:?}") };
        assert_eq!(theirs.keys().collect::<Vec<_>>(), ["ends_at"]);

        let mut over = delete();
        over.base.extend(theirs);
        assert_eq!(apply(&desks.ana, &over).await?.verdict, Verdict::Applied, "decided anew over what the other wrote");
        assert_eq!(apply(&desks.bia, &patch()).await?.verdict, Verdict::Gone);
        assert_eq!(apply(&desks.bia, &delete()).await?.verdict, Verdict::Applied, "gone is what was wanted");
    }
    Ok(())
}

#[tokio::test]
async fn an_operation_whose_time_is_over_is_refused_unless_it_was_applied_before() -> Result<()> {
    for server in servers().await? {
        let desks = Desks::on(&server).await?;
        let clock = balcao_domain::clock::Clock::System;
        let note = |text: &str| {
            let fields = json!({ "notes": { "append": text } });
            operation("contacts", desks.contact, OperationKind::Patch, fields, json!({}))
        };
        let mut today = note("Ligar hoje");
        today.expires_at = Some(clock.now() + chrono::TimeDelta::milliseconds(1_500));
        assert_eq!(apply(&desks.ana, &today).await?.verdict, Verdict::Applied);
        let mut late = note("Ligar ontem");
        late.expires_at = Some(clock.now() - chrono::TimeDelta::hours(1));
        let refused = apply(&desks.ana, &late).await?.verdict;
        assert!(matches!(&refused, Verdict::Refused { reason, .. } if reason == "expired"), "{refused:?}");
        tokio::time::sleep(std::time::Duration::from_millis(1_600)).await;
        assert_eq!(apply(&desks.ana, &today).await?.verdict, Verdict::Already, "what is done stays done");
    }
    Ok(())
}

#[tokio::test]
async fn a_message_does_not_pass_an_earlier_one_of_its_thread_that_met_somebody_elses_work() -> Result<()> {
    for server in servers().await? {
        let mut desks = Desks::on(&server).await?;
        let channel: Uuid =
            sqlx::query_scalar("insert into app.channels (clinic_id, name) values ($1, 'Recepção') returning id")
                .bind(desks.database.clinic_id())
                .fetch_one(&mut desks.outside)
                .await?;
        let threads: Vec<Uuid> = sqlx::query_scalar(
            "with people as (insert into app.contacts (clinic_id, name) values ($1, 'Caio'), ($1, 'Rui') returning id)
             insert into app.conversations (clinic_id, contact_id, channel_id) select $1, id, $2 from people returning id",
        )
        .bind(desks.database.clinic_id())
        .bind(channel)
        .fetch_all(&mut desks.outside)
        .await?;
        let message = |thread: Uuid| {
            let fields = json!({
                "conversation_id": thread, "channel_id": channel, "direction": "outbound", "sender_kind": "member",
                "body": "Bom dia",
            });
            operation("messages", Uuid::now_v7(), OperationKind::Insert, fields, json!({}))
        };
        let written = [message(threads[0]), message(threads[1]), message(threads[0])];

        let mut work = desks.outside.begin().await?;
        sqlx::query("select from app.conversations where id = $1 for update")
            .bind(threads[0])
            .execute(&mut *work)
            .await?;
        // It ends when the first message was waited for in vain, and before the third would be.
        let ends = async {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            work.commit().await
        };
        let (met, ended) = tokio::join!(desks.ana.apply(&written), ends);
        ended?;
        let verdicts: Vec<_> = met?.into_iter().map(|outcome| outcome.verdict).collect();
        assert_eq!(verdicts, [Verdict::Busy, Verdict::Applied, Verdict::Busy]);
        for again in &written {
            let verdict = apply(&desks.ana, again).await?.verdict;
            assert!(matches!(verdict, Verdict::Applied | Verdict::Already), "{verdict:?}");
        }
    }
    Ok(())
}
