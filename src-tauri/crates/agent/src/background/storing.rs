//! From the journal into the database.

use balcao_tenant::{Error, RawEvent, Told};
use balcao_whatsapp as whatsapp;
use balcao_whatsapp::gateway::WireEvent;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::sleep;

use super::connection::Connection;
use super::office::Office;
use crate::journal::{Entry, Mark};

/// Events of one transaction.
pub(super) const BATCH: usize = 100;

/// Stores what is in the journal until the office is left. What is left then is stored when somebody begins again here.
pub(super) async fn run(connection: &Connection) -> Result<(), Error> {
    loop {
        match next(connection).await {
            Ok(Some((entries, mark))) => store_entries(connection, &entries, mark).await?,
            Ok(None) => tokio::select! {
                () = connection.journal.arrived() => {}
                () = connection.office.leaving.cancelled() => return Ok(()),
            },
            Err(reason) => {
                tracing::error!(channel = %connection.channel.id, %reason, "the journal cannot be read");
                sleep(connection.office.rhythm().retry_after).await;
            }
        }
    }
}

async fn next(connection: &Connection) -> std::io::Result<Option<(Vec<Entry>, Mark)>> {
    let journal = connection.journal.clone();
    tokio::task::spawn_blocking(move || journal.next(BATCH)).await.unwrap_or_else(|broken| Err(broken.into()))
}

async fn store_entries(connection: &Connection, entries: &[Entry], mark: Mark) -> Result<(), Error> {
    let told = entries.iter().map(|entry| told(&entry.event, entry.payload.clone(), entry.received_at)).collect();
    store(&connection.office, connection.channel.id, told).await?;
    if let Some(position) = entries.iter().filter_map(|entry| entry.position).max() {
        let (fence, channel) = (connection.office.fence(), connection.channel.id);
        connection.office.outlast(|tenant| async move { tenant.note_position(fence, channel, position).await }).await?;
    }
    let journal = connection.journal.clone();
    let emptied = tokio::task::spawn_blocking(move || journal.done(mark)).await;
    if !matches!(emptied, Ok(Ok(()))) {
        tracing::error!(channel = %connection.channel.id, "the journal cannot be emptied; it is stored again");
    }
    Ok(())
}

/// An event of a gateway, scrubbed, as it is stored.
pub(super) fn told_of(event: &WireEvent, received_at: DateTime<Utc>) -> Told {
    told(&event.name, whatsapp::scrub(&event.payload), received_at)
}

fn told(event: &str, scrubbed: Value, received_at: DateTime<Utc>) -> Told {
    Told {
        events: whatsapp::parse(event, &scrubbed, received_at),
        raw: RawEvent {
            digest: whatsapp::digest(event, &scrubbed),
            event: whatsapp::canonical_name(event),
            payload: scrubbed,
            received_at,
        },
    }
}

/// Stores events in one transaction. One that the database cannot take is found by itself and left out: it must not keep
/// those behind it waiting.
pub(super) async fn store(office: &Office, channel: uuid::Uuid, told: Vec<Told>) -> Result<(), Error> {
    let (fence, told) = (Some(office.fence()), &told[..]);
    let whole = office.outlast(|tenant| async move { tenant.ingest_all(fence, channel, told).await }).await;
    match whole {
        Ok(_) => return Ok(()),
        Err(error) if !is_about_the_event(&error) => return Err(error),
        Err(_) => {}
    }
    for one in told.chunks(1) {
        match office.outlast(|tenant| async move { tenant.ingest_all(fence, channel, one).await }).await {
            Ok(_) => {}
            Err(error) if is_about_the_event(&error) => {
                tracing::error!(%channel, problem = error.code(), "an event of the gateway cannot be stored");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the database refuses what is in the event, and would take others.
fn is_about_the_event(error: &Error) -> bool {
    matches!(error, Error::Database { .. } | Error::Constraint { .. } | Error::Protocol)
}
