//! What a gateway says, stored: the raw event, the people, the threads and the messages, in one transaction.
//!
//! Repetitions, other orders and two computers that ingest at once all lead to the same rows. One channel is ingested
//! by one transaction at a time, because an effect must not miss a message that is being stored beside it.

mod adoption;
mod attachment;
mod batch;
mod channel;
mod effects;
mod erased;
mod merge;
mod messages;
mod people;
mod prior;
mod threads;

use balcao_domain::message::{Content, DeliveryStatus, Effect, GatewayEvent, Ignored};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

pub(crate) use adoption::adopt;
pub use batch::Told;
use channel::Signs;
use messages::Became;
use prior::Prior;

use crate::{Error, Result, Tenant};

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
        /// Parts that are understood and of no consequence, such as what is said of somebody who was erased.
        ignored: u32,
        /// Parts that could not be understood: of an unknown name, or of an unknown shape.
        not_understood: u32,
    },
}

/// Where and when an event is being stored.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    pub(crate) clinic: Uuid,
    pub(crate) channel: Uuid,
    pub(crate) received_at: DateTime<Utc>,
}

impl From<Counts> for IngestOutcome {
    fn from(counts: Counts) -> Self {
        let Counts { messages, unsupported, repeated, statuses, changes, waiting, ignored, not_understood, erased: _ } =
            counts;
        Self::Stored { messages, unsupported, repeated, statuses, changes, waiting, ignored, not_understood }
    }
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
    /// Among the ignored ones those about somebody who was erased.
    erased: u32,
}

impl Counts {
    fn forget(&mut self) {
        self.ignored += 1;
        self.erased += 1;
    }
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
        let told = Told { raw: raw.clone(), events: events.to_vec() };
        self.ingest_all(None, channel_id, &[told]).await?.pop().ok_or(Error::Protocol)
    }

    /// The channel of this name, made if the clinic has none. The name is also the gateway's name for the connection
    /// of a channel that is made.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for a name that is empty or longer than 80 characters; [`Error::NotPermitted`] when
    /// the channel must be made and the login is not allowed to.
    pub async fn channel_named(&self, name: &str) -> Result<Uuid> {
        self.ask(async |connection| channel::named(connection, name).await).await
    }
}

/// Stores one thing that an event says, and notes what it says of the life of the channel.
async fn store(
    transaction: &mut PgConnection,
    scope: Scope,
    prior: &mut Prior,
    event: &GatewayEvent,
    counts: &mut Counts,
    signs: &mut Signs,
) -> Result<()> {
    match event {
        GatewayEvent::Message(message) => match messages::store(transaction, scope, prior, message).await? {
            Became::New => {
                counts.messages += 1;
                signs.inbound_at = signs.inbound_at.max((!message.from_me).then_some(message.sent_at));
                counts.unsupported += u32::from(matches!(message.content, Content::Unsupported { .. }));
            }
            Became::Again => counts.repeated += 1,
            Became::Erased => counts.forget(),
        },
        GatewayEvent::Effect { gateway_id, effect } => {
            let is_known = prior.has(gateway_id);
            let there = is_known && messages::affect(transaction, scope, gateway_id, effect).await?;
            if !there && is_known && erased::was(transaction, scope, gateway_id).await? {
                counts.forget();
                return Ok(());
            }
            if !there {
                effects::keep(transaction, scope, gateway_id, effect).await?;
                prior.note(gateway_id);
            }
            counts.waiting += u32::from(!there);
            match effect {
                Effect::Status { status, at } => {
                    counts.statuses += 1;
                    signs.ack_at = signs.ack_at.max((*status >= DeliveryStatus::Sent).then_some(*at));
                }
                Effect::Edit { .. } | Effect::Revoke { .. } | Effect::Reaction(_) => counts.changes += 1,
            }
        }
        GatewayEvent::Contact { person, push_name } => {
            people::learn(transaction, scope, person, push_name.as_deref()).await?;
            prior.forget_people();
        }
        GatewayEvent::Ignored(Ignored::Malformed) | GatewayEvent::Unknown(_) => counts.not_understood += 1,
        GatewayEvent::Ignored(_) => counts.ignored += 1,
        // Of several reports only the last counts.
        GatewayEvent::Connection { state, phone } => signs.connection = Some((*state, phone.clone())),
    }
    Ok(())
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
