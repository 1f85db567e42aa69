//! First run, and who works where.

mod leaving;
mod opening;
mod revocation;
mod types;

use std::sync::Arc;

use balcao_keychain::{Secret, names};
use balcao_tenant::{Address, Tenant};
use tokio::sync::MutexGuard;
use uuid::Uuid;

pub(crate) use leaving::leave_clinic;
pub(crate) use revocation::acknowledge_revocation;
pub use types::*;

use crate::commands::Nothing;
use crate::copy::Opening;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::{Kind, Profile};
use crate::setup;

pub(crate) async fn get_session(desk: &Arc<Desk>, _: Nothing) -> Result<Session, ApiError> {
    Ok(if desk.lock.is_on() { desk.locked_session().await } else { desk.session() })
}

pub(crate) async fn start_sample_clinic(desk: &Arc<Desk>, _: StartSampleClinic) -> Result<Session, ApiError> {
    let _beginning = first_run(desk).await?;
    let wish = StartLocalClinic {
        clinic_name: "Clínica Boa Vista".to_owned(),
        owner_name: "Helena Lima".to_owned(),
        time_zone: "America/Sao_Paulo".to_owned(),
        vertical: "human".to_owned(),
        practice: setup::Practice::default(),
    };
    desk.begin(Kind::Sample, wish).await?;
    Ok(desk.session())
}

pub(crate) async fn start_local_clinic(desk: &Arc<Desk>, wish: StartLocalClinic) -> Result<Session, ApiError> {
    let _beginning = first_run(desk).await?;
    setup::check(&wish)?;
    desk.begin(Kind::Local, wish).await?;
    Ok(desk.session())
}

/// The address is tried before anything is kept: a wrong password leaves nothing behind.
pub(crate) async fn connect_clinic(desk: &Arc<Desk>, wish: ConnectClinic) -> Result<Session, ApiError> {
    let _beginning = first_run(desk).await?;
    let (address, password_in_url) = Address::parse(wish.address.trim())?;
    let password = if wish.password.is_empty() { password_in_url.unwrap_or_default() } else { wish.password };
    let tenant = Tenant::connect(&address, &password, &format!("balcao {}", desk.options.app_version)).await?;
    tenant.whoami().await?;
    tenant.close().await;
    desk.forget_unfinished().await?;
    let profile = Profile { address: Some(address), ..Profile::new(Uuid::new_v4(), Kind::Remote) };
    desk.keychain.set(&names::database_password(&profile.id.to_string()), &Secret::new(password)).await?;
    profile.write(&desk.options.profile_dir)?;
    desk.open_profile(profile, Opening::default());
    Ok(desk.session())
}

pub(crate) async fn get_program(desk: &Arc<Desk>, _: Nothing) -> Result<ProgramInfo, ApiError> {
    Ok(ProgramInfo { version: desk.options.app_version.clone() })
}

pub(crate) async fn retry_session(desk: &Arc<Desk>, _: Nothing) -> Result<Session, ApiError> {
    let _beginning = desk.beginning.lock().await;
    if matches!(desk.session(), Session::Failed { .. }) {
        desk.close().await;
        desk.go_on_with(Profile::read(&desk.options.profile_dir)?).await;
    }
    Ok(desk.session())
}

/// Lets one caller at a time begin a clinic, when that can be: there is none, or making one has failed and left none.
pub(crate) async fn first_run(desk: &Desk) -> Result<MutexGuard<'_, ()>, ApiError> {
    let beginning = desk.beginning.lock().await;
    match desk.session() {
        Session::FirstRun | Session::Failed { has_profile: false, .. } => Ok(beginning),
        _ => Err(ApiError::new("busy", "this profile has a clinic already")),
    }
}
