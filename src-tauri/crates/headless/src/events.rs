//! The change stream as server-sent events.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use balcao_api::Change;
use futures_util::{Stream, StreamExt as _, future};
use tokio_stream::wrappers::BroadcastStream;

use crate::answer::Problem;
use crate::host::Host;

/// Every change from now on, in order, as `id: seq` and `data: JSON`. A reader that falls too far behind is hung up on:
/// it connects again and asks for everything it shows.
pub(crate) async fn events(
    State(host): State<Host>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    if host.ending.is_cancelled() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ending", "the program is ending"));
    }
    let ending = host.ending.clone();
    let changes = BroadcastStream::new(host.desk.changes())
        .take_while(|change| future::ready(change.is_ok()))
        .filter_map(|change| future::ready(change.ok().and_then(|change| event(&change))))
        .take_until(ending.cancelled_owned());
    Ok(Sse::new(changes.map(Ok)).keep_alive(KeepAlive::default()))
}

fn event(change: &Change) -> Option<Event> {
    Event::default().id(change.seq.to_string()).json_data(change).ok()
}
