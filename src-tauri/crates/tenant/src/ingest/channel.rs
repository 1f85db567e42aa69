//! The channel that an event came through.

use balcao_domain::message::ConnectionState;
use balcao_domain::phone::Phone;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Scope, state_name};
use crate::{Error, Result};

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
pub(super) async fn heard(
    transaction: &mut PgConnection,
    scope: Scope,
    connection: Option<(ConnectionState, Option<&Phone>)>,
) -> Result<()> {
    sqlx::query(
        "update app.channels set status = coalesce($3, status), phone = coalesce($4, phone),
                last_event_at = greatest(last_event_at, $5)
         where clinic_id = $1 and id = $2
           and (status <> $3 or phone is distinct from coalesce($4, phone)
                or last_event_at is null or last_event_at < $5 - interval '1 minute')",
    )
    .bind(scope.clinic)
    .bind(scope.channel)
    .bind(connection.map(|(state, _)| state_name(state)))
    .bind(connection.and_then(|(_, phone)| phone).map(Phone::as_str))
    .bind(scope.received_at)
    .execute(transaction)
    .await?;
    Ok(())
}

/// Finds or makes a channel by its name.
pub(super) async fn named(pool: &PgPool, name: &str) -> Result<Uuid> {
    let name = name.trim();
    if !(1..=80).contains(&name.chars().count()) || name.contains('\0') {
        return Err(Error::InvalidRequest { field: "channel", reason: "a name has 1 to 80 characters" });
    }
    let find = || {
        sqlx::query_scalar("select id from app.channels where clinic_id = (select app.current_clinic()) and name = $1")
            .bind(name)
            .fetch_optional(pool)
    };
    if let Some(id) = find().await? {
        return Ok(id);
    }
    sqlx::query(
        "insert into app.channels (clinic_id, name, kind, instance) values (app.current_clinic(), $1, 'evolution', $1)
         on conflict on constraint channels_name_unique do nothing",
    )
    .bind(name)
    .execute(pool)
    .await?;
    find().await?.ok_or(Error::Protocol)
}
