//! First run, and who works where.

mod types;

use std::str::FromStr as _;
use std::sync::Arc;

use balcao_keychain::{Secret, names};
use balcao_tenant::{Address, Tenant};
use uuid::Uuid;

pub use types::*;

use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::{Kind, Profile};

pub(crate) async fn get_session(desk: &Arc<Desk>, _: Nothing) -> Result<Session, ApiError> {
    Ok(desk.session())
}

pub(crate) async fn start_sample_clinic(desk: &Arc<Desk>, _: StartSampleClinic) -> Result<Session, ApiError> {
    first_run(desk)?;
    let wish = StartLocalClinic {
        clinic_name: "Clínica Boa Vista".to_owned(),
        owner_name: "Helena Lima".to_owned(),
        time_zone: "America/Sao_Paulo".to_owned(),
        vertical: "human".to_owned(),
    };
    desk.begin(Kind::Sample, wish)?;
    Ok(desk.session())
}

pub(crate) async fn start_local_clinic(desk: &Arc<Desk>, wish: StartLocalClinic) -> Result<Session, ApiError> {
    first_run(desk)?;
    for (field, value) in [("clinic_name", &wish.clinic_name), ("owner_name", &wish.owner_name)] {
        let length = value.trim().chars().count();
        if !(1..=160).contains(&length) {
            return Err(ApiError::new("invalid_request", "a name has 1 to 160 characters").about(field));
        }
    }
    if chrono_tz::Tz::from_str(&wish.time_zone).is_err() {
        return Err(ApiError::new("invalid_request", "there is no such time zone").about("time_zone"));
    }
    desk.begin(Kind::Local, wish)?;
    Ok(desk.session())
}

/// The address is tried before anything is kept: a wrong password leaves nothing behind.
pub(crate) async fn connect_clinic(desk: &Arc<Desk>, wish: ConnectClinic) -> Result<Session, ApiError> {
    first_run(desk)?;
    let (address, password_in_url) = Address::parse(wish.address.trim())?;
    let password = if wish.password.is_empty() { password_in_url.unwrap_or_default() } else { wish.password };
    let tenant = Tenant::connect(&address, &password, &format!("balcao {}", desk.options.app_version)).await?;
    tenant.whoami().await?;
    tenant.close().await;
    let profile = Profile { id: Uuid::new_v4(), kind: Kind::Remote, address: Some(address), unfinished: None };
    desk.keychain.set(&names::database_password(&profile.id.to_string()), &Secret::new(password)).await?;
    profile.write(&desk.options.profile_dir)?;
    desk.open_profile(profile);
    Ok(desk.session())
}

pub(crate) async fn retry_session(desk: &Arc<Desk>, _: Nothing) -> Result<Session, ApiError> {
    if matches!(desk.session(), Session::Failed { .. }) {
        desk.close().await;
        match Profile::read(&desk.options.profile_dir)? {
            Some(profile) => desk.open_profile(profile),
            None => desk.set_session(Session::FirstRun),
        }
    }
    Ok(desk.session())
}

fn first_run(desk: &Desk) -> Result<(), ApiError> {
    match desk.session() {
        Session::FirstRun => Ok(()),
        _ => Err(ApiError::new("busy", "this profile has a clinic already")),
    }
}
