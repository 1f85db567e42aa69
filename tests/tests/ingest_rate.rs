//! How fast a sweep is stored, beside the inserts that it cannot do without. For `cargo test --release … -- --ignored --nocapture`.

#![allow(clippy::unwrap_used)]

use std::time::Instant;

use anyhow::Result;
use balcao_tenant::{RawEvent, Tenant, Told};
use balcao_testkit::database::{TestDatabase, log_in};
use balcao_whatsapp as whatsapp;
use chrono::DateTime;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

const MESSAGES: usize = 5_000;
const PEOPLE: usize = 200;
const BATCH: usize = 100;

fn message(number: usize) -> Told {
    let at = 1_795_000_000 + i64::try_from(number).unwrap();
    let received_at = DateTime::from_timestamp(at, 0).unwrap();
    let payload = json!({"instance": "recepcao", "data": {
        "key": {"remoteJid": format!("55119{:08}@s.whatsapp.net", 80_000_000 + number % PEOPLE), "fromMe": number.is_multiple_of(3),
                "id": format!("3A{number:010}")},
        "pushName": "Maria", "message": {"conversation": format!("mensagem número {number} da varredura")},
        "messageType": "conversation", "messageTimestamp": at,
    }});
    Told {
        events: whatsapp::parse("messages.upsert", &payload, received_at),
        raw: RawEvent {
            digest: whatsapp::digest("messages.upsert", &payload),
            event: "messages.upsert".to_owned(),
            payload,
            received_at,
        },
    }
}

async fn sweep(tenant: &Tenant, channel: Uuid, told: &[Told]) -> Result<f64> {
    let began = Instant::now();
    for batch in told.chunks(BATCH) {
        tenant.ingest_all(None, channel, batch).await?;
    }
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    Ok(told.len() as f64 / began.elapsed().as_secs_f64())
}

/// The same messages into threads that are there, with their triggers and without any question.
async fn inserts(database: &TestDatabase) -> Result<f64> {
    let mut admin = PgConnection::connect(database.admin_url()).await?;
    let threads: Vec<(Uuid, Uuid)> =
        sqlx::query_as("select id, channel_id from app.conversations").fetch_all(&mut admin).await?;
    let began = Instant::now();
    for batch in (0..MESSAGES).collect::<Vec<_>>().chunks(BATCH) {
        let mut transaction = admin.begin().await?;
        for number in batch {
            let (thread, channel) = threads[number % threads.len()];
            sqlx::query(
                "insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body, gateway_id, sent_at)
                 values ($1, $2, $3, 'inbound', 'contact', $4, $5, now())",
            )
            .bind(database.clinic_id())
            .bind(thread)
            .bind(channel)
            .bind(format!("mensagem número {number} da varredura"))
            .bind(format!("raw{number}"))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
    }
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    Ok(MESSAGES as f64 / began.elapsed().as_secs_f64())
}

#[tokio::test]
#[ignore = "a number, for a computer that does nothing else"]
async fn a_sweep_is_stored_at_five_hundred_messages_a_second() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let tenant = log_in(database.owner()).await?;
    let channel = tenant.channel_named("Recepção").await?;
    let told: Vec<Told> = (0..MESSAGES).map(message).collect();
    let new = sweep(&tenant, channel, &told).await?;
    let known = sweep(&tenant, channel, &told).await?;
    let floor = inserts(&database).await?;
    println!("new {new:.0}/s, known {known:.0}/s, bare inserts {floor:.0}/s, ratio {:.2}", floor / new);
    assert!(new >= 500.0, "{new:.0} messages a second");
    Ok(())
}
