//! Graph: messages, files, the number itself.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::{Value, json};

use super::{CloudFault, PHONE_NUMBER_ID, Shared, TOKEN, shows};
use crate::gateway::listener::Breaker;

const MAX_BODY_BYTES: usize = 128 * 1024 * 1024;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/graph/v0/{id}/messages", post(messages))
        .route("/graph/v0/{id}/media", post(media))
        .route("/graph/v0/{id}", get(about))
        .route("/files/{id}", get(file))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(shared)
}

fn error(status: u16, code: i64) -> Response {
    let body = json!({"error": {"message": format!("(#{code}) Something"), "type": "OAuthException", "code": code}});
    (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), Json(body)).into_response()
}

/// Lets nobody past without the token.
fn check(headers: &HeaderMap) -> Result<(), Response> {
    if shows(headers, TOKEN) { Ok(()) } else { Err(error(401, 190)) }
}

async fn messages(
    State(shared): State<Arc<Shared>>,
    Extension(breaker): Extension<Breaker>,
    headers: HeaderMap,
    Path(_): Path<String>,
    Json(body): Json<Value>,
) -> Result<Response, Response> {
    check(&headers)?;
    if body["status"] == "read" {
        return Ok(Json(json!({"success": true})).into_response());
    }
    let fault = shared.books().faults.pop_front();
    if let Some(CloudFault::Error(status, code)) = fault {
        return Err(error(status, code));
    }
    let (id, to) = {
        let mut books = shared.books();
        books.sent.push(body.clone());
        (books.fresh_id("wamid.OUT"), body["to"].clone())
    };
    match fault {
        Some(CloudFault::Breaks) => {
            breaker.0.cancel();
            std::future::pending::<()>().await;
        }
        Some(CloudFault::Late(late)) => tokio::time::sleep(late).await,
        Some(CloudFault::Error(..)) | None => {}
    }
    let answer = json!({
        "messaging_product": "whatsapp", "contacts": [{"input": to, "wa_id": to}], "messages": [{"id": id}],
    });
    Ok(Json(answer).into_response())
}

async fn media(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(_): Path<String>,
    form: Bytes,
) -> Result<Response, Response> {
    check(&headers)?;
    let (kind, bytes) = file_of(&headers, &form).ok_or_else(|| error(400, 100))?;
    let mut books = shared.books();
    let id = books.fresh_id("media");
    books.files.insert(id.clone(), (kind, bytes));
    Ok(Json(json!({"id": id})).into_response())
}

/// The file of a form, and its type.
fn file_of(headers: &HeaderMap, form: &[u8]) -> Option<(String, Vec<u8>)> {
    let (_, boundary) = headers.get(CONTENT_TYPE)?.to_str().ok()?.split_once("boundary=")?;
    let find = |within: &[u8], piece: &[u8]| within.windows(piece.len()).position(|window| window == piece);
    let mark = format!("--{boundary}");
    let mut rest = form;
    while let Some(at) = find(rest, mark.as_bytes()) {
        rest = rest.get(at + mark.len()..)?;
        let head_ends = find(rest, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&rest[..head_ends]).to_ascii_lowercase();
        let body = &rest[head_ends + 4..];
        if head.contains("name=\"file\"") {
            let body_ends = find(body, format!("\r\n{mark}").as_bytes())?;
            let kind = head.lines().find_map(|line| line.strip_prefix("content-type:")).unwrap_or_default();
            return Some((kind.trim().to_owned(), body[..body_ends].to_vec()));
        }
    }
    None
}

async fn about(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    check(&headers)?;
    if id == PHONE_NUMBER_ID {
        return Ok(Json(json!({"display_phone_number": "+55 11 99999-0003", "id": id})).into_response());
    }
    let books = shared.books();
    let (kind, bytes) = books.files.get(&id).ok_or_else(|| error(400, 100))?;
    let url = format!("{}/files/{id}", books.address);
    Ok(Json(json!({"url": url, "mime_type": kind, "file_size": bytes.len(), "id": id})).into_response())
}

async fn file(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    check(&headers)?;
    let books = shared.books();
    let (kind, bytes) = books.files.get(&id).ok_or_else(|| StatusCode::NOT_FOUND.into_response())?;
    Ok(([(CONTENT_TYPE, kind.clone())], bytes.clone()).into_response())
}
