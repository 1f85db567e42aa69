//! A file that turns out to be damaged while it is in use: closed, set aside, and made anew.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::rebuild::{Carried, Opening};
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::Profile;
use crate::session::Session;

/// A copy that is damaged again this soon is not mended again by itself: the disk is what is broken, and a person has to
/// know.
const TOO_SOON: Duration = Duration::from_secs(60);

impl Desk {
    /// The copy of this time was found to be damaged. Closes it and opens it again in the background, once: who else finds
    /// the same, or found it before, changes nothing.
    pub(crate) fn mend_copy(self: &Arc<Self>, time: u64) {
        if !self.closes(time) {
            return;
        }
        tracing::warn!("the copy is damaged and is made anew");
        let again = self.last_mended.lock().unwrap_or_else(std::sync::PoisonError::into_inner).replace(Instant::now());
        self.set_session(Session::preparing("open", None));
        let desk = self.clone();
        tokio::spawn(async move {
            let carried = match desk.clinic.write().await.take() {
                Some(clinic) => {
                    let carried = Carried::from(&clinic.cache).await;
                    clinic.close().await;
                    Some(carried)
                }
                None => None,
            };
            if again.is_some_and(|before| before.elapsed() < TOO_SOON) {
                let problem = ApiError::new("cache_damaged", "the copy is damaged again right after it was made anew");
                return desk.set_session(Session::Failed { problem, has_profile: true });
            }
            match Profile::read(&desk.options.profile_dir) {
                Ok(Some(profile)) => {
                    desk.open_profile(profile, Opening { after_damage: true, carried, ..Opening::default() });
                }
                Ok(None) => desk.set_session(Session::FirstRun),
                Err(problem) => desk.set_session(Session::Failed { problem, has_profile: true }),
            }
        });
    }
}
