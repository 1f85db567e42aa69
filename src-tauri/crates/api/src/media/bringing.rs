//! Files that were attached on this computer are brought to the clinic's database, piece by piece, whenever there is a line; and
//! its audit is told of those that were saved here.

use std::sync::Arc;
use std::time::Duration;

use balcao_cache::OutgoingMedia;
use balcao_domain::file::CHUNK_BYTES;
use balcao_sync::{Connection, Status};
use balcao_tenant::Offered;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use uuid::Uuid;

use super::Files;
use crate::error::ApiError;

/// Between two looks where nothing was heard.
const LOOK: Duration = Duration::from_secs(10);

/// From a change of the queue until it is looked at: the desk has other things to do then.
const GATHER: Duration = Duration::from_millis(100);

/// Goes on until it is aborted.
pub(super) async fn run(files: Arc<Files>) {
    let mut changes = files.cache.changes();
    let mut status = files.status.clone();
    loop {
        if status.borrow().connection == Connection::Online {
            bring_all(&files).await;
            if let Err(problem) = files.tell_exports().await {
                tracing::debug!(code = problem.code, "the audit could not be told of what was saved");
            }
        }
        files.line.rest().await;
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            opened = line_opens(&mut status) => if opened.is_err() { return },
            () = queue_changes(&mut changes) => {}
            () = files.bell.notified() => {}
        }
    }
}

/// There is a line again. What else the status says changes with every look at the database.
async fn line_opens(status: &mut watch::Receiver<Status>) -> Result<(), watch::error::RecvError> {
    status.wait_for(|status| status.connection != Connection::Online).await?;
    status.wait_for(|status| status.connection == Connection::Online).await?;
    Ok(())
}

/// A message that was queued may be in the database now.
async fn queue_changes(changes: &mut tokio::sync::broadcast::Receiver<balcao_cache::CacheChange>) {
    loop {
        match changes.recv().await {
            Ok(change) if change.outbox => break,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => break,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
    tokio::time::sleep(GATHER).await;
}

async fn bring_all(files: &Files) {
    let waiting = match files.cache.media_to_bring().await {
        Ok(waiting) => waiting,
        Err(error) => {
            tracing::error!(%error, "files that wait cannot be read");
            return;
        }
    };
    for message in waiting {
        let brought = bring(files, message).await;
        files.progress.remove(message);
        match brought {
            Ok(()) => {}
            // The line, or somebody in the way: another time.
            Err(problem) if is_passing(&problem) => return,
            Err(problem) => {
                tracing::error!(code = problem.code, %message, "a file is not taken by the database");
                if files.cache.media_brought(message).await.is_err() {
                    return;
                }
            }
        }
    }
}

pub(super) fn is_passing(problem: &ApiError) -> bool {
    !matches!(problem.code.as_str(), "not_permitted" | "constraint")
}

async fn bring(files: &Files, message: Uuid) -> Result<(), ApiError> {
    let Some(file) = files.cache.outgoing_media(message).await? else { return Ok(()) };
    let mut done = false;
    // A second time where what was there turned out to be something else.
    for _ in 0..2 {
        done = bring_once(files, &file).await?;
        if done {
            break;
        }
    }
    if done {
        files.cache.media_brought(message).await?;
    }
    Ok(())
}

/// Each piece takes a turn of its own, so that a picture somebody wants to see meanwhile comes in between.
async fn bring_once(files: &Files, file: &OutgoingMedia) -> Result<bool, ApiError> {
    let OutgoingMedia { message, mime_type, file_name, bytes } = file;
    let offered = files
        .line
        .turn()
        .await
        .ask(async |tenant| tenant.offer_media(*message, mime_type, file_name, bytes).await)
        .await?;
    let Offered::Waits(there) = offered else { return Ok(true) };
    for (place, piece) in (0_u32..).zip(bytes.chunks(CHUNK_BYTES)) {
        files.progress.set(*message, place as usize * CHUNK_BYTES, bytes.len());
        if !there.contains(&place) {
            let mut turn = files.line.turn().await;
            turn.ask(async |tenant| tenant.put_media_chunk(*message, place, piece).await).await?;
        }
    }
    files.line.turn().await.ask(async |tenant| tenant.finish_media(*message).await).await
}
