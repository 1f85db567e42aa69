//! What a window would show outside itself, as server-sent events, and the click on it.

use std::convert::Infallible;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use balcao_api::Destination;
use futures_util::{Stream, StreamExt as _, future, stream};
use serde_json::json;
use tokio_stream::wrappers::{BroadcastStream, WatchStream};

use crate::answer::Problem;
use crate::host::Host;

/// Every notice from now on as an event `notice`, and how many threads wait as an event `badge`, now and whenever it
/// changes: `data: {"waiting": number}`. A reader that falls too far behind is hung up on.
pub(crate) async fn notices(
    State(host): State<Host>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    if host.ending.is_cancelled() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ending", "the program is ending"));
    }
    let notices = BroadcastStream::new(host.desk.notices()).map(|notice| event("notice", &notice.ok()?));
    let badge = WatchStream::new(host.desk.badge()).map(|waiting| event("badge", &json!({ "waiting": waiting })));
    let told = stream::select(notices, badge)
        .take_while(|event| future::ready(event.is_some()))
        .filter_map(future::ready)
        .take_until(host.ending.clone().cancelled_owned());
    Ok(Sse::new(told.map(Ok)).keep_alive(KeepAlive::default()))
}

fn event(name: &str, data: &impl serde::Serialize) -> Option<Event> {
    Event::default().event(name).json_data(data).ok()
}

/// Somebody has clicked on a notice.
pub(crate) async fn open(
    State(host): State<Host>,
    body: Result<Json<Destination>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Json(opening) = body.map_err(|refused| {
        Problem::new(refused.status(), "bad_payload", "the body is not {\"conversation_id\": id}")
    })?;
    host.desk.open_thread(opening.conversation_id);
    Ok(StatusCode::NO_CONTENT)
}
