//! The clinic's connections to WhatsApp: seen, added, tried out, paired, changed and removed from here, and looked after by
//! the computer that is elected. What is shown is in the copy; what is changed is asked of the database itself, for the key
//! of a connection cannot wait in a queue.

mod health;
mod pairing;
mod trial;
mod types;
mod work;

use std::sync::Arc;

use balcao_agent::background::{GatewayKeys, Unusable, gateway_of};
use balcao_cache::ConnectionRow;
use balcao_domain::pacing::Pace;
use balcao_keychain::names;
use balcao_tenant::{ChannelKind, ChannelSettings, Error, NewChannel, Removed, Tenant, is_removed};
use balcao_whatsapp::gateway::{Authority, Endpoint, Gateway, GatewayError, Name, Timing};
use serde_json::{Map, Value};
use uuid::Uuid;

pub(crate) use health::get_channel_health;
pub(crate) use pairing::{end_pairing, get_pairing, pair_channel};
pub(crate) use trial::{get_channel_trial, try_channel};
pub use types::*;
pub(crate) use work::{Work, keep, may_work};

use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{at, phone};
use crate::members::line;

/// Messages of one day, at most.
const MOST_A_DAY: u32 = 100_000;

pub(crate) async fn get_channels(desk: &Arc<Desk>, _: Nothing) -> Result<Channels, ApiError> {
    let (rows, role) = {
        let clinic = desk.clinic().await?;
        let role = clinic.summary().await?.map(|(_, member)| member.role).unwrap_or_default();
        (clinic.cache.connections().await?, role)
    };
    let mut channels = Vec::with_capacity(rows.len());
    for row in rows {
        let key = match desk.keychain.get(&names::gateway_key(&row.id.to_string())).await {
            Ok(Some(_)) => "here",
            Ok(None) => "missing",
            Err(_) => "unknown",
        };
        channels.push(details(row, key));
    }
    // What is over stands below what may go on.
    channels.sort_by_key(|channel| channel.removed);
    let may_change = matches!(role.as_str(), "owner" | "admin");
    Ok(Channels { may_change, may_work: may_work(&role), channels })
}

pub(crate) async fn add_channel(desk: &Arc<Desk>, wish: AddChannel) -> Result<AddedChannel, ApiError> {
    let (new, mut keys) = (asked_for(&wish.wish)?, typed(&wish.keys)?);
    let gateway = gateway_of(&new.planned(), &keys, &Timing::default()).map_err(|unusable| unfit(&unusable))?;
    let tenant = line(desk).await?;
    let added = async {
        // What the database would not take is not made at the gateway.
        let known = tenant.channels().await?;
        if known.iter().any(|channel| channel.name == new.name) {
            return Err(name_taken());
        }
        if wish.make_instance {
            keys = made(&gateway, keys).await?;
        }
        let id = tenant.add_channel(&new).await.map_err(refused)?;
        if let Err(problem) = keep_keys(desk, id, &keys).await {
            // Nobody has the key of it: it would be of no use to anybody.
            tenant.remove_channel(id).await?;
            return Err(problem);
        }
        Ok(AddedChannel { id })
    };
    let added = added.await;
    tenant.close().await;
    desk.ring_for_work().await;
    added
}

pub(crate) async fn change_channel(desk: &Arc<Desk>, wish: ChangeChannel) -> Result<Nothing, ApiError> {
    let new = asked_for(&wish.wish)?;
    let keys = match &wish.keys {
        Some(typed_in) => Some(typed(typed_in)?),
        None => None,
    };
    if let Some(keys) = &keys {
        gateway_of(&new.planned(), keys, &Timing::default()).map_err(|unusable| unfit(&unusable))?;
    }
    let id = wish.id;
    change(desk, async |tenant| tenant.change_channel(id, &new).await).await?;
    if let Some(keys) = &keys {
        keep_keys(desk, id, keys).await?;
    }
    desk.ring_for_work().await;
    Ok(Nothing {})
}

pub(crate) async fn keep_channel_keys(desk: &Arc<Desk>, wish: KeepChannelKeys) -> Result<Nothing, ApiError> {
    let known = desk.clinic().await?.cache.connections().await?;
    if !known.iter().any(|row| row.id == wish.id) {
        return Err(gone());
    }
    keep_keys(desk, wish.id, &typed(&wish.keys)?).await?;
    desk.ring_for_work().await;
    Ok(Nothing {})
}

pub(crate) async fn use_channel(desk: &Arc<Desk>, wish: UseChannel) -> Result<Nothing, ApiError> {
    change(desk, async |tenant| tenant.use_channel(wish.id, wish.active).await).await?;
    desk.ring_for_work().await;
    Ok(Nothing {})
}

pub(crate) async fn remove_channel(desk: &Arc<Desk>, wish: RemoveChannel) -> Result<RemovedChannel, ApiError> {
    let tenant = line(desk).await?;
    let removed = tenant.remove_channel(wish.id).await;
    tenant.close().await;
    let outcome = match removed? {
        Removed::Gone => "gone",
        Removed::Retired => "retired",
        Removed::Unknown => return Err(gone()),
    };
    desk.keychain.delete(&names::gateway_key(&wish.id.to_string())).await?;
    desk.ring_for_work().await;
    Ok(RemovedChannel { outcome: outcome.to_owned() })
}

async fn change(desk: &Desk, what: impl AsyncFnOnce(&Tenant) -> Result<bool, Error>) -> Result<(), ApiError> {
    let tenant = line(desk).await?;
    let changed = what(&tenant).await;
    tenant.close().await;
    if changed.map_err(refused)? { Ok(()) } else { Err(gone()) }
}

/// Makes the instance at the gateway: from then on its own token opens it, and the key of the whole server is not kept.
async fn made(gateway: &Gateway, keys: GatewayKeys) -> Result<GatewayKeys, ApiError> {
    let Gateway::Evolution(evolution) = gateway else {
        return Err(ApiError::new("invalid_request", "only the Evolution API makes connections").about("kind"));
    };
    let made = evolution.create(false).await.map_err(|error| answered(&error))?;
    Ok(made.key.map_or(keys, |key| GatewayKeys { gateway: key, relay: None }))
}

async fn keep_keys(desk: &Desk, id: Uuid, keys: &GatewayKeys) -> Result<(), ApiError> {
    Ok(desk.keychain.set(&names::gateway_key(&id.to_string()), &keys.to_secret()).await?)
}

/// What this computer has for a connection.
async fn kept_keys(desk: &Desk, id: Uuid) -> Result<GatewayKeys, ApiError> {
    let missing = || ApiError::new("no_key", "this computer has no key for the connection");
    let secret = desk.keychain.get(&names::gateway_key(&id.to_string())).await?.ok_or_else(missing)?;
    GatewayKeys::of_secret(&secret).map_err(|unusable| unfit(&unusable))
}

fn typed(keys: &ChannelKeys) -> Result<GatewayKeys, ApiError> {
    let relay = keys.relay_key.as_deref().map(str::trim).filter(|key| !key.is_empty());
    let whole = |key: &str| GatewayKeys::parse(key.trim()).map(|keys| keys.gateway);
    let read = || {
        let relay = relay.map(whole).transpose()?;
        Ok(GatewayKeys { gateway: whole(&keys.key)?, relay })
    };
    // Two lines pasted into one field are no key.
    if keys.key.trim().lines().count() > 1 {
        return Err(ApiError::new("bad_key", "a key is one line").about("key"));
    }
    read().map_err(|unusable: Unusable| unfit(&unusable))
}

/// The wish as the database takes it.
fn asked_for(wish: &ChannelWish) -> Result<NewChannel, ApiError> {
    let invalid = |field: &str, reason: &str| ApiError::new("invalid_request", reason).about(field);
    let name = wish.name.trim();
    if name.is_empty() || name.chars().count() > 80 {
        return Err(invalid("name", "a name has 1 to 80 characters"));
    }
    if !(1..=MOST_A_DAY).contains(&wish.daily_cap) {
        return Err(invalid("daily_cap", "this number is out of bounds"));
    }
    let kind = ChannelKind::from_name(&wish.kind).ok_or_else(|| invalid("kind", "there is no such kind"))?;
    let relay = wish.relay_url.as_deref().map(str::trim).filter(|url| !url.is_empty() && kind == ChannelKind::CloudApi);
    let ca_pem = wish.ca_pem.as_deref().map(str::trim).filter(|pem| !pem.is_empty());
    ca_pem.map(Authority::parse).transpose().map_err(|bad| unfit(&bad.into()))?;
    let address = |url: &str| Endpoint::parse(url).map_err(|bad| unfit(&bad.into()));
    let relay = relay.map(address).transpose().map_err(|bad| bad.about("relay_url"))?;
    Ok(NewChannel {
        name: name.to_owned(),
        kind,
        url: address(&wish.url)?.as_str().to_owned(),
        instance: Name::new(&wish.instance).map_err(|bad| unfit(&bad.into()))?.as_str().to_owned(),
        settings: ChannelSettings {
            daily_cap: wish.daily_cap,
            pace: Pace::from_name(&wish.pace).ok_or_else(|| invalid("pace", "there is no such pace"))?,
            typing: wish.typing,
            read_receipts: wish.read_receipts,
            per_instance: wish.per_instance,
            relay_url: relay.map(|relay| relay.as_str().to_owned()),
            ca_pem: ca_pem.map(str::to_owned),
        },
    })
}

fn details(row: ConnectionRow, key: &str) -> ChannelDetails {
    let written: Map<String, Value> = serde_json::from_str(&row.settings).unwrap_or_default();
    let settings = ChannelSettings::of_document(&written);
    ChannelDetails {
        id: row.id,
        has_address: row.url.is_some() && row.instance.is_some(),
        wish: ChannelWish {
            name: row.name,
            kind: row.kind,
            url: row.url.unwrap_or_default(),
            instance: row.instance.unwrap_or_default(),
            relay_url: settings.relay_url,
            ca_pem: settings.ca_pem,
            per_instance: settings.per_instance,
            pace: settings.pace.name().to_owned(),
            daily_cap: settings.daily_cap,
            typing: settings.typing,
            read_receipts: settings.read_receipts,
        },
        phone: phone(row.phone.as_deref()),
        active: row.active,
        removed: is_removed(&written),
        status: row.status,
        needs_pairing: row.needs_pairing,
        problem: row.problem,
        key: key.to_owned(),
        last_inbound_at: row.last_inbound_at.map(at),
        last_ack_at: row.last_ack_at.map(at),
        acks_missing_since: row.acks_missing_since.map(at),
        last_sweep_at: row.last_sweep_at.map(at),
        unknown_outcomes: row.unknown_outcomes,
    }
}

/// What of a setting cannot be used.
fn unfit(unusable: &Unusable) -> ApiError {
    let field = match unusable {
        Unusable::Name(_) => "instance",
        Unusable::Key(_) => "key",
        Unusable::Authority(_) => "ca_pem",
        Unusable::Incomplete | Unusable::Endpoint(_) | Unusable::Gateway(_) => "url",
    };
    ApiError::new(unusable.code(), unusable.to_string()).about(field)
}

/// What the gateway says of a question.
fn answered(error: &GatewayError) -> ApiError {
    ApiError::new(error.code(), error.to_string())
}

fn refused(error: Error) -> ApiError {
    match error.constraint() {
        Some("channels_name_unique") => name_taken(),
        _ => error.into(),
    }
}

fn name_taken() -> ApiError {
    ApiError::new("channel_name_taken", "another connection has this name").about("name")
}

fn gone() -> ApiError {
    ApiError::new("channel_gone", "there is no such connection any more")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> ChannelWish {
        ChannelWish {
            name: " Recepção ".to_owned(),
            kind: "evolution".to_owned(),
            url: " https://evo.example.com/ ".to_owned(),
            instance: " recepcao ".to_owned(),
            relay_url: Some(" ".to_owned()),
            ca_pem: Some(" ".to_owned()),
            per_instance: false,
            pace: "calm".to_owned(),
            daily_cap: 400,
            typing: true,
            read_receipts: false,
        }
    }

    #[test]
    fn a_wish_is_trimmed_and_what_cannot_be_is_named() {
        let new = asked_for(&wish()).unwrap();
        assert_eq!(new.settings.ca_pem, None);
        assert_eq!(
            (new.name.as_str(), new.url.as_str(), new.instance.as_str()),
            ("Recepção", "https://evo.example.com", "recepcao")
        );
        assert_eq!(new.settings.relay_url, None);
        for (wish, field) in [
            (ChannelWish { name: " ".to_owned(), ..wish() }, "name"),
            (ChannelWish { name: "a".repeat(81), ..wish() }, "name"),
            (ChannelWish { kind: "telegram".to_owned(), ..wish() }, "kind"),
            (ChannelWish { pace: "furious".to_owned(), ..wish() }, "pace"),
            (ChannelWish { daily_cap: 0, ..wish() }, "daily_cap"),
        ] {
            let refusal = asked_for(&wish).unwrap_err();
            assert_eq!((refusal.code.as_str(), refusal.reference.as_deref()), ("invalid_request", Some(field)));
        }
        let cloud = ChannelWish { kind: "cloud_api".to_owned(), ..wish() };
        for (wish, code, field) in [
            (ChannelWish { url: "evo.example.com".to_owned(), ..wish() }, "bad_address", "url"),
            (ChannelWish { instance: "a/b".to_owned(), ..wish() }, "bad_name", "instance"),
            (ChannelWish { relay_url: Some("relay".to_owned()), ..cloud }, "bad_address", "relay_url"),
        ] {
            let refusal = asked_for(&wish).unwrap_err();
            assert_eq!((refusal.code.as_str(), refusal.reference.as_deref()), (code, Some(field)));
        }
    }

    #[test]
    fn a_key_is_one_line_and_shown_by_nothing() {
        let keys =
            |key: &str, relay: Option<&str>| ChannelKeys { key: key.to_owned(), relay_key: relay.map(str::to_owned) };
        let read = typed(&keys(" segredo ", Some(" outro "))).unwrap();
        assert_eq!(read.to_secret().expose(), "segredo\noutro");
        assert!(typed(&keys("segredo", Some(" "))).unwrap().relay.is_none());
        for wrong in ["", "a b", "um\ndois"] {
            let refusal = typed(&keys(wrong, None)).unwrap_err();
            assert_eq!((refusal.code.as_str(), refusal.reference.as_deref()), ("bad_key", Some("key")), "{wrong:?}");
        }
        assert!(!format!("{:?}", keys("segredo", None)).contains("segredo"));
    }
}
