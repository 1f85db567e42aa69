//! A file whose bytes are in the clinic's bucket: it is wanted, and the computer that has the bucket's key brings it back.

use std::time::Duration;

use balcao_tenant::MediaPlace;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{Files, missing};
use crate::error::ApiError;

/// For how long a person waits.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

impl Files {
    /// Waits until it is in the database. Says what stands in the way where something does.
    pub(super) async fn bring_back(&self, message: Uuid) -> Result<(), ApiError> {
        let since = Instant::now();
        let mut is_wanted = false;
        loop {
            // Others have their turn between two questions.
            let place = match is_wanted {
                // Once it was tried in vain it is not wanted any more, and it is to be heard why.
                true => self.line.turn().await.ask(async |tenant| tenant.media_place(message).await).await?,
                false => self.line.turn().await.ask(async |tenant| tenant.want_media(message).await).await?,
            };
            match place {
                None => return Err(missing()),
                Some(MediaPlace::Here) => return Ok(()),
                Some(MediaPlace::Stuck(code)) => return Err(ApiError::new(code, "the file is not brought back")),
                Some(MediaPlace::Away | MediaPlace::Wanted) if since.elapsed() > PATIENCE => {
                    return Err(ApiError::new("media_late", "the file is still on its way back"));
                }
                Some(place) => is_wanted = place == MediaPlace::Wanted,
            }
            sleep(LOOK).await;
        }
    }
}
