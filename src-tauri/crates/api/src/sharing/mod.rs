//! The clinic that is on this computer, for the other computers of its network; and why a connection does not come about.

mod doctor;
mod firewall;
mod shared;
mod types;
mod whereabouts;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use doctor::{Doctor, diagnose_connection, get_diagnosis};
pub(crate) use shared::Shared;
pub use types::*;
pub(crate) use whereabouts::{Finder, Whereabouts, elsewhere, is_said_by_the_clinic, may_have_moved, network};

use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::{Kind, Profile, SharingWish};

pub(crate) async fn get_sharing(desk: &Arc<Desk>, _: Nothing) -> Result<Sharing, ApiError> {
    let profile = holder(desk)?;
    let clinic = desk.clinic().await?;
    let shared = clinic.shared.as_ref().ok_or_else(not_here)?;
    let standing = shared.standing();
    let chosen = profile.sharing.map_or(balcao_lan::DEFAULT_PORT, |wish| wish.port);
    let port = standing.port.unwrap_or(chosen);
    let mut guests: BTreeMap<String, SharingGuest> = BTreeMap::new();
    for guest in standing.guests {
        let address = guest.address.to_string();
        guests
            .entry(address.clone())
            .and_modify(|known| {
                known.since = known.since.min(guest.since);
                known.connections += 1;
            })
            .or_insert(SharingGuest { address, since: guest.since, connections: 1 });
    }
    let mut guests: Vec<_> = guests.into_values().collect();
    guests.sort_by_key(|guest| guest.since);
    Ok(Sharing {
        state: standing.state.to_owned(),
        problem: standing.problem,
        addresses: balcao_lan::own_addresses().iter().map(ToString::to_string).collect(),
        port,
        fingerprint: standing.fingerprint,
        is_announced: standing.is_announced,
        guests,
        firewall: firewall::explained(port),
    })
}

pub(crate) async fn change_sharing(desk: &Arc<Desk>, wish: ChangeSharing) -> Result<Sharing, ApiError> {
    // What is written down last is what is done last.
    let _one_at_a_time = desk.beginning.lock().await;
    let profile = holder(desk)?;
    if wish.port.is_some_and(|port| port < 1024) {
        return Err(ApiError::new("invalid_request", "a port is between 1024 and 65535").about("port"));
    }
    let last = profile.sharing.map_or(balcao_lan::DEFAULT_PORT, |chosen| chosen.port);
    let chosen = SharingWish { on: wish.on, port: wish.port.unwrap_or(last) };
    let shared = desk.clinic().await?.shared.clone().ok_or_else(not_here)?;
    // Written first: what a person sees as switched on is so at the next start.
    Profile { sharing: Some(chosen), ..profile }.write(&desk.options.profile_dir)?;
    shared.change(chosen, wish.new_certificate).await;
    get_sharing(desk, Nothing {}).await
}

pub(crate) async fn open_firewall(desk: &Arc<Desk>, _: Nothing) -> Result<Nothing, ApiError> {
    let port = get_sharing(desk, Nothing {}).await?.port;
    firewall::enter(port).await?;
    Ok(Nothing {})
}

/// The profile, when the clinic is on this computer for good.
fn holder(desk: &Desk) -> Result<Profile, ApiError> {
    match Profile::read(&desk.options.profile_dir)? {
        Some(profile) if profile.kind == Kind::Local && !profile.is_unfinished() => Ok(profile),
        _ => Err(not_here()),
    }
}

fn not_here() -> ApiError {
    ApiError::new("not_the_clinic", "the clinic's database is not on this computer")
}
