//! Files whose time is over go: once a day by the database's clock, a few at a time.

use balcao_tenant::Error;
use tokio::time::sleep;

use super::office::Office;

/// Looks until the office is left.
pub(super) async fn run(office: &Office) -> Result<(), Error> {
    while !office.leaving.is_cancelled() {
        let fence = office.fence();
        let wait = match office.outlast(|tenant| async move { tenant.age_media(fence).await }).await {
            // Perhaps there are more; others want to work, too.
            Ok(removed) if removed > 0 => {
                tracing::info!(removed, "files were removed whose time is over");
                office.rhythm().retry_after
            }
            Ok(_) => office.rhythm().look_for_old_files,
            Err(Error::LeaseLost) => return Err(Error::LeaseLost),
            // Old files are no reason to stop listening and sending.
            Err(error) => {
                tracing::warn!(problem = error.code(), "old files could not be removed");
                office.rhythm().look_for_old_files
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = office.leaving.cancelled() => {}
        }
    }
    Ok(())
}
