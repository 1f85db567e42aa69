//! What the clinic's database needs to have done now and then, whether or not there is a connection to WhatsApp.

use tokio::time::sleep;

use super::office::Office;

/// Asks whether it is time for as long as the term lasts. What does not work now is due still when it is asked next.
pub(super) async fn run(office: &Office) {
    loop {
        let kept_up = async { office.line().await?.keep_up().await };
        match kept_up.await {
            Ok(done) if done.aged.is_some() || done.ended.is_some_and(|ended| ended > 0) => {
                tracing::info!(?done, "the database was kept up");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(problem = error.code(), "the database was not kept up"),
        }
        sleep(office.rhythm().keep_up).await;
    }
}
