//! Files that were saved to the disk of this computer have left the clinic. The audit is told of each: at once, or as soon as
//! there is a line.

use balcao_cache::UNTOLD_EXPORTS;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::Files;
use super::bringing::is_passing;
use crate::error::ApiError;

/// A file that was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Export {
    /// Told twice, it is the same one.
    pub id: Uuid,
    /// Whose conversation it came from.
    pub person: Uuid,
    /// What the message is.
    pub kind: String,
    /// How large the file is.
    pub bytes: usize,
    /// When, by this computer's clock.
    pub at: DateTime<Utc>,
}

impl Files {
    /// Noted before the file is there, so that none is there that was not.
    pub(super) async fn note_export(&self, export: Export) -> Result<(), ApiError> {
        self.change_untold(|untold| untold.push(export)).await
    }

    /// It came to nothing, or the audit knows.
    pub(super) async fn forget_export(&self, id: Uuid) -> Result<(), ApiError> {
        self.change_untold(|untold| untold.retain(|export| export.id != id)).await
    }

    /// Tells the audit what it has not been told.
    pub(crate) async fn tell_exports(&self) -> Result<(), ApiError> {
        for Export { id, person, kind, bytes, at } in self.untold().await? {
            let details = json!({ "id": id, "kind": kind, "bytes": bytes, "at": at });
            let told =
                self.line.turn().await.ask(async |tenant| tenant.record_file_export(person, &details).await).await;
            match told {
                Err(problem) if is_passing(&problem) => return Err(problem),
                Err(problem) => tracing::error!(code = problem.code, "the audit does not take what was saved"),
                Ok(()) => {}
            }
            self.forget_export(id).await?;
        }
        Ok(())
    }

    async fn change_untold(&self, change: impl FnOnce(&mut Vec<Export>)) -> Result<(), ApiError> {
        let _one_at_a_time = self.noting.lock().await;
        let mut untold = self.untold().await?;
        let before = untold.len();
        change(&mut untold);
        if untold.len() != before {
            let text = serde_json::to_string(&untold).map_err(ApiError::internal)?;
            self.cache.set_state(UNTOLD_EXPORTS, &text).await?;
        }
        Ok(())
    }

    async fn untold(&self) -> Result<Vec<Export>, ApiError> {
        let text = self.cache.state(UNTOLD_EXPORTS).await?;
        text.map_or(Ok(Vec::new()), |text| serde_json::from_str(&text).map_err(ApiError::internal))
    }
}
