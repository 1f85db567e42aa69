//! Events of one channel, several in one transaction: a sweep brings thousands, and most of them are known.

use std::collections::HashSet;
use std::time::Duration;

use balcao_domain::message::{GatewayEvent, Ignored};
use chrono::SubsecRound as _;
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::channel::Signs;
use super::{Counts, IngestOutcome, Prior, RawEvent, Scope, channel, erased, store};
use crate::connect::finish;
use crate::lease::{self, Fence};
use crate::{Error, Result, Tenant};

/// Tries before the contention is reported.
const TRIES: u32 = 6;

/// An event, and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// As the gateway sent it.
    pub raw: RawEvent,
    /// What its payload says; an instant in it must not be finer than a microsecond.
    pub events: Vec<GatewayEvent>,
}

impl Tenant {
    /// Stores events of a channel in their order and everything they mean, in one transaction, each exactly once. With a fence
    /// only while that is the newest.
    ///
    /// # Errors
    /// As [`Tenant::ingest`], and [`Error::LeaseLost`]. After an error nothing of any of them is stored, unless only the answer
    /// was lost; trying again is always harmless.
    pub async fn ingest_all(
        &self,
        fence: Option<Fence>,
        channel_id: Uuid,
        told: &[Told],
    ) -> Result<Vec<IngestOutcome>> {
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = self.ask(async |connection| ingest_once(connection, fence, channel_id, told).await).await;
            match outcome {
                Err(error) if tries < TRIES && passes(&error) => {
                    let wait = u64::from(rand::random::<u8>()) * u64::from(tries) / 4;
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                }
                outcome => return outcome,
            }
        }
    }
}

async fn ingest_once(
    connection: &mut PgConnection,
    fence: Option<Fence>,
    channel_id: Uuid,
    told: &[Told],
) -> Result<Vec<IngestOutcome>> {
    let mut transaction = connection.begin().await?;
    let outcome = ingest_in(&mut transaction, fence, channel_id, told).await;
    finish(transaction, outcome).await
}

async fn ingest_in(
    transaction: &mut PgConnection,
    fence: Option<Fence>,
    channel_id: Uuid,
    told: &[Told],
) -> Result<Vec<IngestOutcome>> {
    if let Some(fence) = fence {
        lease::hold(transaction, fence).await?;
    }
    let clinic = channel::take(transaction, channel_id).await?;
    let mut new = store_raw(transaction, clinic, channel_id, told).await?;
    let news = told.iter().filter(|told| new.contains(&told.raw.digest[..])).flat_map(|told| &told.events);
    let mut prior = Prior::of(transaction, clinic, channel_id, &news.collect::<Vec<_>>()).await?;
    let mut outcomes = Vec::with_capacity(told.len());
    let mut signs = Signs::default();
    let mut heard_last = None;
    for told in told {
        // The same event twice in one batch is new once.
        if !new.remove(&told.raw.digest[..]) {
            outcomes.push(IngestOutcome::AlreadyKnown);
            continue;
        }
        let scope = Scope { clinic, channel: channel_id, received_at: told.raw.received_at.trunc_subsecs(6) };
        let mut counts = Counts::default();
        for event in &told.events {
            store(transaction, scope, &mut prior, event, &mut counts, &mut signs).await?;
        }
        if counts.erased > 0 {
            erased::blank(transaction, scope, &told.raw).await?;
        }
        heard_last = heard_last.max(Some(scope.received_at));
        outcomes.push(counts.into());
    }
    if let Some(received_at) = heard_last {
        channel::heard(transaction, Scope { clinic, channel: channel_id, received_at }, &signs).await?;
    }
    Ok(outcomes)
}

/// Whether the same transaction may succeed now: another one had to be first, made the same person first, or erased one.
fn passes(error: &Error) -> bool {
    match error {
        Error::Contention { .. } => true,
        Error::Constraint { sqlstate, .. } => matches!(sqlstate.as_str(), "23505" | "23503"),
        _ => false,
    }
}

/// Stores the events themselves; says which of them were not there, by their digests.
async fn store_raw(
    transaction: &mut PgConnection,
    clinic: Uuid,
    channel_id: Uuid,
    told: &[Told],
) -> Result<HashSet<Vec<u8>>> {
    let raw = || told.iter().map(|told| &told.raw);
    let new: Vec<Vec<u8>> = sqlx::query_scalar(
        "insert into app.gateway_events (clinic_id, channel_id, event, digest, payload, received_at, processed_at, error)
         select $1, $2, e.event, e.digest, e.payload, e.received_at, now(), e.error
         from unnest($3::text[], $4::bytea[], $5::jsonb[], $6::timestamptz[], $7::text[])
              as e (event, digest, payload, received_at, error)
         on conflict on constraint gateway_events_digest_unique do nothing
         returning digest",
    )
    .bind(clinic)
    .bind(channel_id)
    .bind(raw().map(|raw| raw.event.as_str()).collect::<Vec<_>>())
    .bind(raw().map(|raw| &raw.digest[..]).collect::<Vec<_>>())
    .bind(raw().map(|raw| Json(&raw.payload)).collect::<Vec<_>>())
    .bind(raw().map(|raw| raw.received_at.trunc_subsecs(6)).collect::<Vec<_>>())
    .bind(told.iter().map(|told| not_understood(&told.events)).collect::<Vec<Option<&str>>>())
    .fetch_all(transaction)
    .await?;
    Ok(new.into_iter().collect())
}

fn not_understood(events: &[GatewayEvent]) -> Option<&'static str> {
    events.iter().find_map(|event| match event {
        GatewayEvent::Unknown(_) => Some("unknown event"),
        GatewayEvent::Ignored(Ignored::Malformed) => Some("not understood"),
        _ => None,
    })
}
