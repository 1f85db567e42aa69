//! The relay: keeps webhooks, and hands over what comes after a place.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{RELAY_KEY, Shared, shows};
use crate::gateway::evolution::take;

/// Events in one answer.
const AT_ONCE: usize = 100;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/relay/events", get(events)).with_state(shared)
}

async fn events(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    if !shows(&headers, RELAY_KEY) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "unauthorized"}))).into_response();
    }
    if take(&mut shared.books().relay_fails) {
        return (StatusCode::BAD_GATEWAY, "").into_response();
    }
    let asked = |name: &str| query.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse().ok());
    let (after, wait) = (asked("after").unwrap_or(0), Duration::from_secs(asked("wait").unwrap_or(0)));
    let came = shared.came.notified();
    let mut events = kept_after(&shared, after);
    if events.is_empty() && tokio::time::timeout(wait, came).await.is_ok() {
        events = kept_after(&shared, after);
    }
    Json(json!({"events": events})).into_response()
}

/// The first event has the place 1.
fn kept_after(shared: &Shared, after: u64) -> Vec<Value> {
    let books = shared.books();
    let events = (1_u64..).zip(&books.kept).skip(usize::try_from(after).unwrap_or(usize::MAX)).take(AT_ONCE);
    events.map(|(place, payload)| json!({"seq": place, "payload": payload})).collect()
}
