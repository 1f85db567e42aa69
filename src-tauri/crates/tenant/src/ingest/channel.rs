//! The channel that an event came through.

use balcao_domain::message::ConnectionState;
use balcao_domain::phone::Phone;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Scope;
use crate::channels::state_name;
use crate::{Error, Result};

/// Signs of life of a channel.
#[derive(Default)]
pub(super) struct Signs {
    /// How its connection is, and the clinic's number behind it.
    pub connection: Option<(ConnectionState, Option<Phone>)>,
    /// The newest message of a person.
    pub inbound_at: Option<DateTime<Utc>>,
    /// When WhatsApp last spoke of a message of ours.
    pub ack_at: Option<DateTime<Utc>>,
}

/// Locks the channel until the end of the transaction, so that one event of it is stored at a time, and says whose it is.
pub(super) async fn take(transaction: &mut PgConnection, channel: Uuid) -> Result<Uuid> {
    sqlx::query_scalar("select clinic_id from app.channels where id = $1 for no key update")
        .bind(channel)
        .fetch_optional(transaction)
        .await?
        .ok_or(Error::InvalidRequest { field: "channel", reason: "the clinic has no such channel" })
}

/// Notes that the channel lives, and how its connection is. At most once a minute where nothing else changes: every
/// desk copies the row.
pub(super) async fn heard(transaction: &mut PgConnection, scope: Scope, signs: &Signs) -> Result<()> {
    sqlx::query(
        "update app.channels set status = coalesce($3, status), phone = coalesce($4, phone),
                last_event_at = greatest(last_event_at, $5), last_inbound_at = greatest(last_inbound_at, $6),
                last_ack_at = greatest(last_ack_at, $7), needs_pairing = coalesce($8, needs_pairing)
         where clinic_id = $1 and id = $2
           and (status <> $3 or phone is distinct from coalesce($4, phone) or needs_pairing <> $8
                or last_event_at is null or last_event_at < $5 - interval '1 minute'
                or ($6 is not null and (last_inbound_at is null or last_inbound_at < $6 - interval '1 minute'))
                or ($7 is not null and (last_ack_at is null or last_ack_at < $7 - interval '1 minute')))",
    )
    .bind(scope.clinic)
    .bind(scope.channel)
    .bind(signs.connection.as_ref().map(|(state, _)| state_name(*state)))
    .bind(signs.connection.as_ref().and_then(|(_, phone)| phone.as_ref()).map(Phone::as_str))
    .bind(scope.received_at)
    .bind(signs.inbound_at)
    .bind(signs.ack_at)
    .bind(signs.connection.as_ref().and_then(|(state, _)| needs_pairing(*state)))
    .execute(transaction)
    .await?;
    Ok(())
}

/// Whether only reading a QR code helps, as far as a report says.
fn needs_pairing(state: ConnectionState) -> Option<bool> {
    match state {
        ConnectionState::Connected => Some(false),
        ConnectionState::Pairing | ConnectionState::Refused => Some(true),
        ConnectionState::Connecting | ConnectionState::Disconnected => None,
    }
}

/// Finds or makes a channel by its name.
pub(super) async fn named(connection: &mut PgConnection, name: &str) -> Result<Uuid> {
    let name = name.trim();
    if !(1..=80).contains(&name.chars().count()) || name.contains('\0') {
        return Err(Error::InvalidRequest { field: "channel", reason: "a name has 1 to 80 characters" });
    }
    let find = async |connection: &mut PgConnection| {
        sqlx::query_scalar("select id from app.channels where clinic_id = (select app.current_clinic()) and name = $1")
            .bind(name)
            .fetch_optional(connection)
            .await
    };
    if let Some(id) = find(connection).await? {
        return Ok(id);
    }
    sqlx::query(
        "insert into app.channels (clinic_id, name, kind, instance) values (app.current_clinic(), $1, 'evolution', $1)
         on conflict on constraint channels_name_unique do nothing",
    )
    .bind(name)
    .execute(&mut *connection)
    .await?;
    find(connection).await?.ok_or(Error::Protocol)
}
