//! What a gateway says, stored: the raw event, the people, the threads and the messages, in one transaction.
//!
//! Repetitions, other orders and two computers that ingest at once all lead to the same rows. One channel is ingested
//! by one transaction at a time, because an effect must not miss a message that is being stored beside it.

mod attachment;
mod channel;
mod effects;
mod merge;
mod messages;
mod people;
mod threads;

use std::time::Duration;

use balcao_domain::message::{ConnectionState, Content, Effect, GatewayEvent, Ignored};
use chrono::{DateTime, SubsecRound, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Result, Tenant};

/// Tries of one event before the contention is reported.
const TRIES: u32 = 6;

/// An event as the gateway sent it, without secrets.
#[derive(Clone, PartialEq)]
pub struct RawEvent {
    /// Its name.
    pub event: String,
    /// The scrubbed payload: no tokens, no keys, no NUL characters.
    pub payload: Value,
    /// What two deliveries of the same event share.
    pub digest: [u8; 32],
    /// When it was heard.
    pub received_at: DateTime<Utc>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IngestOutcome {
    /// This event was stored before. Nothing was changed.
    AlreadyKnown,
    /// It is stored, with everything it means.
    Stored {
        /// Messages that were not there before.
        messages: u32,
        /// Among them those of a kind that is not shown.
        unsupported: u32,
        /// Messages that were there before; what they lacked was filled in.
        repeated: u32,
        /// Delivery statuses.
        statuses: u32,
        /// Edits, deletions and reactions.
        changes: u32,
        /// Effects of either sort whose message has not come yet: they wait for it.
        waiting: u32,
        /// Parts that are understood and of no consequence.
        ignored: u32,
        /// Parts that could not be understood: of an unknown name, or of an unknown shape.
        not_understood: u32,
    },
}

/// Where and when an event is being stored.
#[derive(Clone, Copy)]
struct Scope {
    clinic: Uuid,
    channel: Uuid,
    received_at: DateTime<Utc>,
}

#[derive(Default)]
struct Counts {
    messages: u32,
    unsupported: u32,
    repeated: u32,
    statuses: u32,
    changes: u32,
    waiting: u32,
    ignored: u32,
    not_understood: u32,
}

impl Tenant {
    /// Stores an event of a channel and everything it means, in one transaction, exactly once. `events` is what the
    /// payload says; an instant in it must not be finer than a microsecond.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] when the clinic has no such channel, [`Error::NotPermitted`] for a login that is
    /// neither the owner's nor an agent's, [`Error::Contention`] when others were in the way for too long. After an
    /// error nothing of the event is stored, unless only the answer was lost; trying again is always harmless.
    pub async fn ingest(&self, channel_id: Uuid, raw: &RawEvent, events: &[GatewayEvent]) -> Result<IngestOutcome> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.ingest_once(channel_id, raw, events).await {
                Err(error) if tries < TRIES && passes(&error) => {
                    tokio::time::sleep(Duration::from_millis(u64::from(rand::random::<u8>()) * u64::from(tries) / 4))
                        .await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn ingest_once(&self, channel_id: Uuid, raw: &RawEvent, events: &[GatewayEvent]) -> Result<IngestOutcome> {
        let mut transaction = self.pool().begin().await?;
        let clinic = channel::take(&mut transaction, channel_id).await?;
        let scope = Scope { clinic, channel: channel_id, received_at: raw.received_at.trunc_subsecs(6) };
        if !store_raw(&mut transaction, scope, raw, events).await? {
            transaction.rollback().await?;
            return Ok(IngestOutcome::AlreadyKnown);
        }
        let mut counts = Counts::default();
        let mut connection = None;
        for event in events {
            if let GatewayEvent::Connection { state, phone } = event {
                connection = Some((*state, phone.as_ref()));
            } else {
                store(&mut transaction, scope, event, &mut counts).await?;
            }
        }
        channel::heard(&mut transaction, scope, connection).await?;
        transaction.commit().await?;
        let Counts { messages, unsupported, repeated, statuses, changes, waiting, ignored, not_understood } = counts;
        Ok(IngestOutcome::Stored {
            messages,
            unsupported,
            repeated,
            statuses,
            changes,
            waiting,
            ignored,
            not_understood,
        })
    }

    /// The channel of this name, made if the clinic has none. The name is also the gateway's name for the connection
    /// of a channel that is made.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for a name that is empty or longer than 80 characters; [`Error::NotPermitted`] when
    /// the channel must be made and the login is not allowed to.
    pub async fn channel_named(&self, name: &str) -> Result<Uuid> {
        channel::named(self.pool(), name).await
    }
}

/// Whether the same transaction may succeed now: another one had to be first, or made the same person first.
fn passes(error: &Error) -> bool {
    match error {
        Error::Contention { .. } => true,
        Error::Constraint { sqlstate, .. } => sqlstate == "23505",
        _ => false,
    }
}

/// Stores the event itself; `false` when it was there.
async fn store_raw(
    transaction: &mut PgConnection,
    scope: Scope,
    raw: &RawEvent,
    events: &[GatewayEvent],
) -> Result<bool> {
    let error = events.iter().find_map(|event| match event {
        GatewayEvent::Unknown(_) => Some("unknown event"),
        GatewayEvent::Ignored(Ignored::Malformed) => Some("not understood"),
        _ => None,
    });
    let stored = sqlx::query(
        "insert into app.gateway_events (clinic_id, channel_id, event, digest, payload, received_at, processed_at, error)
         values ($1, $2, $3, $4, $5, $6, now(), $7)
         on conflict on constraint gateway_events_digest_unique do nothing",
    )
    .bind(scope.clinic)
    .bind(scope.channel)
    .bind(&raw.event)
    .bind(&raw.digest[..])
    .bind(&raw.payload)
    .bind(scope.received_at)
    .bind(error)
    .execute(transaction)
    .await?;
    Ok(stored.rows_affected() == 1)
}

async fn store(transaction: &mut PgConnection, scope: Scope, event: &GatewayEvent, counts: &mut Counts) -> Result<()> {
    match event {
        GatewayEvent::Message(message) => {
            if messages::store(transaction, scope, message).await? {
                counts.messages += 1;
                counts.unsupported += u32::from(matches!(message.content, Content::Unsupported { .. }));
            } else {
                counts.repeated += 1;
            }
        }
        GatewayEvent::Effect { gateway_id, effect } => {
            match effect {
                Effect::Status { .. } => counts.statuses += 1,
                Effect::Edit { .. } | Effect::Revoke { .. } | Effect::Reaction(_) => counts.changes += 1,
            }
            if !messages::affect(transaction, scope, gateway_id, effect).await? {
                effects::keep(transaction, scope, gateway_id, effect).await?;
                counts.waiting += 1;
            }
        }
        GatewayEvent::Contact { person, push_name } => {
            people::learn(transaction, scope, person, push_name.as_deref()).await?;
        }
        GatewayEvent::Ignored(Ignored::Malformed) | GatewayEvent::Unknown(_) => counts.not_understood += 1,
        GatewayEvent::Ignored(_) => counts.ignored += 1,
        // Of several reports in one event only the last counts: see the caller.
        GatewayEvent::Connection { .. } => {}
    }
    Ok(())
}

/// Name of a state of the connection in the database.
fn state_name(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Connected => "connected",
        ConnectionState::Connecting => "connecting",
        ConnectionState::Pairing => "pairing",
        ConnectionState::Disconnected => "disconnected",
        ConnectionState::Refused => "refused",
    }
}

// The payload is a patient's words.
impl std::fmt::Debug for RawEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawEvent")
            .field("event", &self.event)
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}
