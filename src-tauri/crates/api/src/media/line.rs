//! A way to the database of its own for files: a large one must not hold up what the screens wait for.

use std::fmt;
use std::time::Duration;

use balcao_sync::Dial;
use balcao_tenant::Tenant;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::error::ApiError;

/// For how long it is kept after the last file.
const KEPT: Duration = Duration::from_secs(60);

/// The way. Files come and go one at a time.
pub(super) struct FileLine {
    dial: Dial,
    kept: Mutex<Option<(Tenant, Instant)>>,
}

/// Somebody's turn.
pub(super) struct Turn<'a> {
    dial: &'a Dial,
    kept: MutexGuard<'a, Option<(Tenant, Instant)>>,
}

impl FileLine {
    pub fn new(dial: Dial) -> Self {
        Self { dial, kept: Mutex::default() }
    }

    /// Waits until nobody else has it.
    pub async fn turn(&self) -> Turn<'_> {
        Turn { dial: &self.dial, kept: self.kept.lock().await }
    }

    /// Ends it where nobody has used it for a while.
    pub async fn rest(&self) {
        let Ok(mut kept) = self.kept.try_lock() else { return };
        if kept.as_ref().is_some_and(|(_, used)| used.elapsed() > KEPT)
            && let Some((tenant, _)) = kept.take()
        {
            tenant.close().await;
        }
    }
}

impl Turn<'_> {
    /// Asks the database; a line that was lost is dialled anew by whoever is next.
    pub async fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&Tenant) -> balcao_tenant::Result<T>,
    ) -> Result<T, ApiError> {
        let tenant = match self.kept.take() {
            Some((tenant, _)) => tenant,
            None => (self.dial)().await.map_err(|error| ApiError::new(error.code(), error.to_string()))?,
        };
        match question(&tenant).await {
            Err(error) if error.is_connection() => {
                tenant.close().await;
                Err(ApiError::new("media_offline", error.to_string()))
            }
            answer => {
                *self.kept = Some((tenant, Instant::now()));
                answer.map_err(ApiError::from)
            }
        }
    }
}

impl fmt::Debug for FileLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileLine(…)")
    }
}
