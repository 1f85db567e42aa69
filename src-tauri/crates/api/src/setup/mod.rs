//! Making a clinic, going on with one that was interrupted, and calling it off.

mod server;
mod stage;
mod types;
mod undo;

use std::str::FromStr as _;
use std::sync::Arc;

use balcao_tenant::provision;

pub(crate) use self::server::{admin_url, check_server, start_server_clinic};
pub(crate) use self::stage::{CALLED_OFF, Setup};
pub use self::types::*;
pub(crate) use self::undo::forget_secrets;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::Profile;
use crate::session::{Session, StartLocalClinic};

pub(crate) async fn get_setup(desk: &Arc<Desk>, _: Nothing) -> Result<SetupState, ApiError> {
    let unfinished = Profile::read(&desk.options.profile_dir)?.filter(Profile::is_unfinished);
    let stands = unfinished.is_some() && !matches!(desk.session(), Session::Preparing { .. });
    Ok(SetupState {
        can_cancel: desk.setup.is_running() || stands,
        unfinished: unfinished.as_ref().map(|profile| profile.kind.as_str().to_owned()),
        restoring: unfinished
            .as_ref()
            .filter(|_| stands)
            .and_then(Profile::restore_that_ended)
            .map(|path| path.display().to_string()),
        clinic: unfinished.and_then(|profile| profile.unfinished),
    })
}

pub(crate) async fn cancel_setup(desk: &Arc<Desk>, _: Nothing) -> Result<Session, ApiError> {
    let _beginning = desk.beginning.lock().await;
    if desk.setup.call_off() {
        // Whoever runs it undoes it, as soon as the step it is at lets it.
        desk.set_session(Session::preparing("cancel", None));
        return Ok(desk.session());
    }
    if matches!(desk.session(), Session::Failed { .. } | Session::FirstRun)
        && let Some(profile) = Profile::read(&desk.options.profile_dir)?
        && profile.is_unfinished()
    {
        desk.undo_setup(&profile, None).await?;
    }
    Ok(desk.session())
}

/// What is wrong with a wish is said before anything is begun.
pub(crate) fn check(wish: &StartLocalClinic) -> Result<(), ApiError> {
    for (field, value) in [("clinic_name", &wish.clinic_name), ("owner_name", &wish.owner_name)] {
        let length = value.trim().chars().count();
        if !(1..=160).contains(&length) {
            return Err(ApiError::new("invalid_request", "a name has 1 to 160 characters").about(field));
        }
    }
    if chrono_tz::Tz::from_str(&wish.time_zone).is_err() {
        return Err(ApiError::new("invalid_request", "there is no such time zone").about("time_zone"));
    }
    request(wish)?;
    Ok(practice(wish).check()?)
}

/// The clinic, in the words of the provisioning.
pub(crate) fn request(wish: &StartLocalClinic) -> Result<provision::Request, ApiError> {
    let vertical = provision::Vertical::from_name(&wish.vertical);
    Ok(provision::Request {
        clinic_name: wish.clinic_name.trim().to_owned(),
        time_zone: wish.time_zone.clone(),
        locale: "pt-BR".to_owned(),
        vertical: vertical
            .ok_or_else(|| ApiError::new("invalid_request", "there is no such kind of clinic").about("vertical"))?,
        slug: None,
        owner_name: wish.owner_name.trim().to_owned(),
        owner_email: None,
    })
}

/// What it works with, in the words of the provisioning.
pub(crate) fn practice(wish: &StartLocalClinic) -> provision::Practice {
    let Practice { hours, professionals, services, rooms } = wish.practice.clone();
    provision::Practice {
        hours: hours
            .into_iter()
            .map(|OpeningHours { weekday, starts_minute, ends_minute }| provision::OpeningHours {
                weekday,
                starts_minute,
                ends_minute,
            })
            .collect(),
        professionals: professionals
            .into_iter()
            .map(|NewProfessional { name, specialty }| provision::NewProfessional { name, specialty })
            .collect(),
        services: services
            .into_iter()
            .map(|NewService { name, duration_minutes, price_cents }| provision::NewService {
                name,
                duration_minutes,
                price_cents: price_cents.map(i64::from),
            })
            .collect(),
        rooms,
    }
}

#[cfg(test)]
mod tests;
