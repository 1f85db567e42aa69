//! What lies before the window of the copy, when a thread or a person is looked at.

use std::sync::Arc;
use std::time::Duration;

use balcao_cache::Reach;
use balcao_sync::{FetchOlder, NotFetched};

use super::types::{FetchOlderMessages, FetchPersonVisits, Older};
use crate::clinic::OpenClinic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

/// A screen does not wait longer than this; what comes later is there when it asks again.
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) async fn fetch_older_messages(desk: &Arc<Desk>, request: FetchOlderMessages) -> Result<Nothing, ApiError> {
    fetch(&*desk.clinic().await?, FetchOlder::Thread(request.conversation_id)).await
}

pub(crate) async fn fetch_person_visits(desk: &Arc<Desk>, request: FetchPersonVisits) -> Result<Nothing, ApiError> {
    fetch(&*desk.clinic().await?, FetchOlder::VisitsOf(request.contact_id)).await
}

/// Brings something into the copy; it is there when this answers.
pub(crate) async fn fetch(clinic: &OpenClinic, request: FetchOlder) -> Result<Nothing, ApiError> {
    match tokio::time::timeout(PATIENCE, clinic.sync.fetch(request)).await {
        Ok(Ok(())) => Ok(Nothing {}),
        Ok(Err(problem)) => Err(problem.into()),
        Err(_) => Err(ApiError::new("timed_out", "the clinic's database did not answer in time")),
    }
}

impl From<NotFetched> for ApiError {
    fn from(problem: NotFetched) -> Self {
        let code = match &problem {
            NotFetched::Offline => "offline",
            NotFetched::Coming => "still_copying",
            NotFetched::Refused(code) => code,
        };
        Self::new(code, problem.to_string())
    }
}

impl Older {
    /// `more`: beyond what is shown the copy has more.
    pub(super) fn behind(more: bool, reach: Reach) -> Self {
        match reach {
            _ if more => Self::Here,
            Reach::From(_) => Self::Elsewhere,
            Reach::Coming => Self::Coming,
            Reach::Whole => Self::Nothing,
        }
    }
}
