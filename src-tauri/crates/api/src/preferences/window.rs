//! How far back this computer copies.

use std::collections::BTreeSet;
use std::sync::Arc;

use balcao_domain::window::Window;
use balcao_sync::FetchOlder;

use super::types::{ChooseWindow, CopyWindow, Widening};
use crate::changes::Topic;
use crate::clinic::OpenClinic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

/// The desk works on the last days whatever is chosen; beyond ten years is everything.
const BOUNDS: std::ops::RangeInclusive<u32> = 7..=3_650;

pub(crate) async fn get_copy_window(desk: &Arc<Desk>, _: Nothing) -> Result<CopyWindow, ApiError> {
    state(&*desk.clinic().await?).await
}

pub(crate) async fn set_copy_window(desk: &Arc<Desk>, request: ChooseWindow) -> Result<CopyWindow, ApiError> {
    for (days, name) in [(request.message_days, "message_days"), (request.appointment_days, "appointment_days")] {
        if days != 0 && !BOUNDS.contains(&days) {
            return Err(ApiError::new("invalid", "a copy goes back 7 to 3650 days, or all the way").about(name));
        }
    }
    let clinic = desk.clinic().await?;
    let window = Window { message_days: request.message_days, appointment_days: request.appointment_days };
    clinic.cache.set_window(&window, clinic.cache.server_now().await?).await?;
    // Without a line, or while a first copy runs, what is missing is looked for as soon as it can be.
    let _ = clinic.sync.fetch(FetchOlder::Window).await;
    let state = state(&clinic).await?;
    drop(clinic);
    desk.announce(BTreeSet::from([Topic::Preferences]), Vec::new());
    Ok(state)
}

async fn state(clinic: &OpenClinic) -> Result<CopyWindow, ApiError> {
    let window = clinic.cache.window().await?;
    let missing = clinic.cache.gap().await?.is_some();
    let widening = clinic.sync.status().borrow().widening.clone();
    Ok(CopyWindow {
        message_days: window.message_days,
        appointment_days: window.appointment_days,
        missing,
        widening: widening.filter(|_| missing).map(|progress| Widening {
            entity: progress.entity.to_owned(),
            done: u32::try_from(progress.done).unwrap_or(u32::MAX),
            total: u32::try_from(progress.total).unwrap_or(u32::MAX),
        }),
    })
}
