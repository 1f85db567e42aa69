//! Files of messages are fetched right after their messages: the gateway's links expire.

use std::time::Duration;

use balcao_domain::file::most_bytes;
use balcao_tenant::{Error, MediaDue, MediaOutcome};
use balcao_whatsapp::gateway::{Download, GatewayError, MediaSource, MessageRef};
use tokio::time::sleep;

use super::connection::Connection;

/// Tries of a file that the gateway does not hand over.
const MOST_TRIES: u32 = 5;
/// Tries of one while nobody can be asked: a night without a gateway has fewer.
const MOST_TRIES_UNREACHED: u32 = 40;
/// Between two tries at the most.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);

/// Fetches until the office is left.
pub(super) async fn run(connection: &Connection) -> Result<(), Error> {
    let (office, channel) = (&connection.office, connection.channel.id);
    let mut bell = connection.bell.clone();
    while !office.leaving.is_cancelled() {
        match office.outlast(|tenant| async move { tenant.next_media(channel).await }).await? {
            Some(due) => fetch(connection, &due).await?,
            None => tokio::select! {
                rung = bell.changed() => if rung.is_err() { sleep(office.rhythm().look_for_files).await },
                () = sleep(office.rhythm().look_for_files) => {}
                () = office.leaving.cancelled() => {}
            },
        }
    }
    Ok(())
}

async fn fetch(connection: &Connection, due: &MediaDue) -> Result<(), Error> {
    let office = &connection.office;
    let limit = usize::try_from(most_bytes(&due.kind)).unwrap_or(usize::MAX);
    let answer = match &due.chat {
        Some(chat) => {
            let message = MessageRef { gateway_id: due.gateway_id.clone(), chat: chat.clone(), from_me: due.from_me };
            let source = MediaSource { message, handle: due.handle.clone() };
            connection.gateway.download(&source, limit).await
        }
        None => Err(GatewayError::Gone),
    };
    let outcome = understood(answer, due.tries, office.rhythm().fetch_again);
    tracing::debug!(channel = %connection.channel.id, file = %due.id, ?outcome, "a file was fetched");
    let (fence, outcome) = (office.fence(), &outcome);
    office.outlast(|tenant| async move { tenant.record_media(fence, due.id, outcome).await }).await
}

fn understood(answer: Result<Download, GatewayError>, tries: u32, first_wait: Duration) -> MediaOutcome {
    let wait = first_wait.saturating_mul(4_u32.saturating_pow(tries.min(8))).min(LONGEST_WAIT);
    let error = match answer {
        Ok(file) if file.bytes.is_empty() => GatewayError::Gone,
        Ok(file) => return MediaOutcome::Fetched { bytes: file.bytes, file_name: file.file_name },
        Err(error) => error,
    };
    let (most, state) = match &error {
        GatewayError::TooLarge => (0, "too_large"),
        // It may be there a moment later: the gateway tells of a message before it has stored it.
        GatewayError::Gone => (MOST_TRIES, "expired"),
        GatewayError::Refused { .. } | GatewayError::NotAGateway(_) | GatewayError::Failed { .. } => {
            (MOST_TRIES, "failed")
        }
        // No matter of this file.
        _ => (MOST_TRIES_UNREACHED, "failed"),
    };
    if tries + 1 < most {
        MediaOutcome::Again { problem: error.code(), wait }
    } else {
        MediaOutcome::GivenUp { state, problem: error.code() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(error: GatewayError, tries: u32) -> MediaOutcome {
        understood(Err(error), tries, Duration::from_secs(5))
    }

    #[test]
    fn a_file_is_tried_again_and_not_for_ever() {
        let waits: Vec<u64> = (0..4)
            .map(|tries| match after(GatewayError::Gone, tries) {
                MediaOutcome::Again { wait, .. } => wait.as_secs(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(waits, [5, 20, 80, 320]);
        assert_eq!(after(GatewayError::Gone, 4), MediaOutcome::GivenUp { state: "expired", problem: "gateway_gone" });
        let cut = |tries| after(GatewayError::Silent("closed".to_owned()), tries);
        assert!(matches!(cut(20), MediaOutcome::Again { wait: LONGEST_WAIT, .. }));
        assert!(matches!(cut(100), MediaOutcome::GivenUp { state: "failed", .. }));
    }

    #[test]
    fn what_is_too_large_is_not_tried_again() {
        let outcome = after(GatewayError::TooLarge, 0);
        assert_eq!(outcome, MediaOutcome::GivenUp { state: "too_large", problem: "gateway_too_large" });
    }

    #[test]
    fn a_file_without_bytes_is_none() {
        let empty = Download { bytes: Vec::new(), mime_type: None, file_name: None };
        assert!(matches!(understood(Ok(empty), 0, Duration::ZERO), MediaOutcome::Again { .. }));
    }
}
