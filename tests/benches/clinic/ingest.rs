//! How fast a sweep is stored: pages of a gateway's rows as the program takes them, from the question to the commit, beside the
//! inserts of as many messages that it cannot do without, with their triggers, into threads that are there.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use balcao_tenant::provision::{self, Databases};
use balcao_tenant::{RawEvent, Tenant, Told};
use balcao_testkit::database::{clinic_request, log_in, server};
use balcao_testkit::gateway::{FakeEvolution, Incoming};
use balcao_whatsapp as whatsapp;
use balcao_whatsapp::gateway::{
    Endpoint, Evolution, EvolutionSetting, Gateway, Key, Name, Namespace, Timing, Window, WireEvent,
};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::measure::{Line, Sample, Target, milliseconds};
use crate::say;

const DATABASE: &str = "balcao_bench_ingest";
/// Messages of one round, each a second after the one before.
const MESSAGES: i64 = 1_000;
const ROUNDS: i64 = 8;
const PEOPLE: i64 = 200;
/// Events of one transaction, as in the background work.
const BATCH: usize = 100;
/// 500 messages a second, in milliseconds of one.
const SLOWEST: f64 = 2.0;

/// Makes a clinic, measures, and removes it.
pub async fn run(server_url: Option<String>) -> Result<Vec<Line>> {
    let server_url = match server_url {
        Some(url) => url,
        None => server().await?.to_owned(),
    };
    let databases = Databases::at(&server_url)?;
    remove(&databases).await?;
    databases.copy(&databases.template().await?, DATABASE).await?;
    let measured = measure(&databases.url_of(DATABASE)).await;
    remove(&databases).await?;
    measured
}

async fn remove(databases: &Databases) -> Result<()> {
    // The logins are in the database, which may not be there.
    let _ = databases.remove_logins(DATABASE).await;
    databases.remove(DATABASE).await?;
    Ok(())
}

async fn measure(admin_url: &str) -> Result<Vec<Line>> {
    let clinic = provision::provision(admin_url, &clinic_request("Clínica")).await?;
    let tenant = log_in(&clinic.owner).await?;
    let channel = tenant.channel_named("recepcao").await?;
    let mut administrator = PgConnection::connect(admin_url).await?;
    let fake = FakeEvolution::start().await?;
    let gateway = client(&fake, &fake.add_instance("recepcao"))?;
    #[allow(clippy::disallowed_methods, reason = "a gateway lives in this time, too")]
    let first = Utc::now() - TimeDelta::seconds(ROUNDS * MESSAGES);
    let (mut new, mut known, mut floor) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let begins = first + TimeDelta::seconds(round * MESSAGES);
        for number in 0..MESSAGES {
            fake.store("recepcao", &message(round * MESSAGES + number, begins + TimeDelta::seconds(number)));
        }
        let window = Window::new(begins, begins + TimeDelta::seconds(MESSAGES));
        let (of_new, of_known) =
            (sweep(&tenant, channel, &gateway, window).await?, sweep(&tenant, channel, &gateway, window).await?);
        let of_floor = inserts(&mut administrator, clinic.clinic_id, round).await?;
        // People are made in the first one.
        if round > 0 {
            new.push(of_new);
            known.push(of_known);
            floor.push(of_floor);
        }
        say(&format!("round {round}: {:.0} new messages a second, {:.0} known", 1e3 / of_new, 1e3 / of_known));
    }
    let stored: i64 = sqlx::query_scalar("select count(*) from app.messages where gateway_id not like 'bare%'")
        .fetch_one(&mut administrator)
        .await?;
    ensure!(stored == ROUNDS * MESSAGES, "{stored} messages are stored");
    let line = |what: &str, ours: &[f64], floor: &[f64], target| Line {
        what: what.to_owned(),
        unit: "ms",
        tail: "worst",
        ours: Sample::of(ours, 1.0),
        floor: Some(Sample::of(floor, 1.0)),
        target,
        notes: Vec::new(),
    };
    Ok(vec![
        line("a message of a sweep is stored", &new, &floor, Target::TailAndRatioAtMost(SLOWEST, 3.0)),
        line("a message of a sweep is known", &known, &floor, Target::TailAndRatioAtMost(SLOWEST, 1.0)),
    ])
}

fn client(fake: &FakeEvolution, token: &str) -> Result<Gateway> {
    let setting = EvolutionSetting {
        endpoint: Endpoint::parse(&fake.url())?,
        instance: Name::new("recepcao")?,
        key: Key::new(token)?,
        namespace: Namespace::Global,
    };
    Ok(Gateway::Evolution(Evolution::new(setting, Timing::default())?))
}

/// Of a third the clinic typed on its own phone.
fn message(number: i64, at: DateTime<Utc>) -> Incoming {
    let person = format!("55119{:08}", 80_000_000 + number % PEOPLE);
    let said = Incoming::text(&person, &format!("mensagem número {number} da varredura"));
    Incoming { from_me: number % 3 == 0, ..said }.at(at.timestamp())
}

/// Milliseconds of one message.
async fn sweep(tenant: &Tenant, channel: Uuid, gateway: &Gateway, window: Window) -> Result<f64> {
    let begun = Instant::now();
    let mut sweep = gateway.sweep(window);
    while let Some(page) = sweep.next_page().await? {
        for events in page.events.chunks(BATCH) {
            let told: Vec<Told> = events.iter().map(|event| told(event, window)).collect();
            tenant.ingest_all(None, channel, &told).await?;
        }
    }
    ensure!(sweep.tally().is_complete() && sweep.tally().distinct as i64 == MESSAGES, "the sweep is not whole");
    Ok(milliseconds(begun.elapsed()) / MESSAGES as f64)
}

fn told(event: &WireEvent, window: Window) -> Told {
    let payload = whatsapp::scrub(&event.payload);
    let received_at = DateTime::from_timestamp(window.last_second(), 0).unwrap_or_default();
    Told {
        events: whatsapp::parse(&event.name, &payload, received_at),
        raw: RawEvent {
            digest: whatsapp::digest(&event.name, &payload),
            event: whatsapp::canonical_name(&event.name),
            payload,
            received_at,
        },
    }
}

/// The same by hand, as a superuser.
async fn inserts(administrator: &mut PgConnection, clinic: Uuid, round: i64) -> Result<f64> {
    let threads: Vec<(Uuid, Uuid)> = sqlx::query_as("select id, channel_id from app.conversations order by id")
        .fetch_all(&mut *administrator)
        .await?;
    let begun = Instant::now();
    for batch in (0..MESSAGES).collect::<Vec<_>>().chunks(BATCH) {
        let mut transaction = administrator.begin().await?;
        for number in batch {
            let (thread, channel) = threads.get(usize::try_from(*number)? % threads.len()).context("a thread")?;
            sqlx::query(
                "insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body, gateway_id, sent_at)
                 values ($1, $2, $3, 'inbound', 'contact', $4, $5, clock_timestamp())",
            )
            .bind(clinic)
            .bind(thread)
            .bind(channel)
            .bind(format!("mensagem número {number} da varredura"))
            .bind(format!("bare {round} {number}"))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
    }
    Ok(milliseconds(begun.elapsed()) / MESSAGES as f64)
}
