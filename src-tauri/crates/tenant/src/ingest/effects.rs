//! Effects whose message has not come yet: they wait for it.

use balcao_domain::message::{DeliveryStatus, Effect, GatewayId, Reaction};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{PgConnection, Row as _};

use super::Scope;
use crate::{Error, Result};

/// Keeps an effect until its message comes; once, however often it is told.
pub(super) async fn keep(
    transaction: &mut PgConnection,
    scope: Scope,
    gateway_id: &GatewayId,
    effect: &Effect,
) -> Result<()> {
    let (kind, payload) = to_row(effect);
    sqlx::query(
        "insert into app.pending_effects (clinic_id, channel_id, gateway_id, kind, payload)
         select $1, $2, $3, $4, $5 where not exists (
            select 1 from app.pending_effects
            where clinic_id = $1 and channel_id = $2 and gateway_id = $3 and kind = $4 and payload = $5)",
    )
    .bind(scope.clinic)
    .bind(scope.channel)
    .bind(gateway_id.as_str())
    .bind(kind)
    .bind(payload)
    .execute(transaction)
    .await?;
    Ok(())
}

/// Takes what waits for this message.
pub(super) async fn take(transaction: &mut PgConnection, scope: Scope, gateway_id: &GatewayId) -> Result<Vec<Effect>> {
    let rows = sqlx::query("select kind, payload from app.take_pending_effects($1, $2)")
        .bind(scope.channel)
        .bind(gateway_id.as_str())
        .fetch_all(transaction)
        .await?;
    rows.iter().map(|row| of_row(row.try_get("kind")?, &row.try_get("payload")?).ok_or(Error::Protocol)).collect()
}

fn to_row(effect: &Effect) -> (&'static str, Value) {
    match effect {
        Effect::Status { status, at } => ("status", json!({"status": status.name(), "at": at})),
        Effect::Edit { body, at } => ("edit", json!({"body": body, "at": at})),
        Effect::Revoke { at } => ("revoke", json!({"at": at})),
        Effect::Reaction(reaction) => ("reaction", reaction_to_json(reaction)),
    }
}

fn of_row(kind: &str, payload: &Value) -> Option<Effect> {
    let at = || instant(payload);
    Some(match kind {
        "status" => Effect::Status { status: DeliveryStatus::from_name(payload.get("status")?.as_str()?)?, at: at()? },
        "edit" => Effect::Edit { body: payload.get("body")?.as_str()?.to_owned(), at: at()? },
        "revoke" => Effect::Revoke { at: at()? },
        "reaction" => Effect::Reaction(reaction_of_json(payload)?),
        _ => return None,
    })
}

/// `{emoji, from_me, at}`: also what the column `reactions` holds an array of. An empty emoji is one taken back.
pub(super) fn reaction_to_json(reaction: &Reaction) -> Value {
    json!({"emoji": reaction.emoji, "from_me": reaction.from_me, "at": reaction.at})
}

/// The other way; `None` for what is no reaction.
pub(super) fn reaction_of_json(value: &Value) -> Option<Reaction> {
    Some(Reaction {
        emoji: value.get("emoji")?.as_str()?.to_owned(),
        from_me: value.get("from_me")?.as_bool()?,
        // A reaction of sample data may have no time: any report of the gateway is newer.
        at: instant(value).unwrap_or(DateTime::UNIX_EPOCH),
    })
}

fn instant(value: &Value) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(value.get("at")?.as_str()?).ok()?.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_comes_back_from_its_row_as_it_was() {
        let at = DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap();
        for effect in [
            Effect::Status { status: DeliveryStatus::Delivered, at },
            Effect::Edit { body: "às 15h".into(), at },
            Effect::Revoke { at },
            Effect::Reaction(Reaction { from_me: true, emoji: "👍".into(), at }),
        ] {
            let (kind, payload) = to_row(&effect);
            assert_eq!(of_row(kind, &payload), Some(effect));
        }
    }
}
