//! One request, one connection, no encryption: what the programs on this computer speak.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::http::request::Builder;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// Longest wait for an answer; starting a window is the slowest thing asked for.
const PATIENCE: Duration = Duration::from_secs(90);

/// The body of the answer, whatever its status.
pub(crate) async fn send(to: SocketAddr, method: Method, path: &str, body: Option<&Value>) -> Result<Bytes> {
    let request = Request::builder().method(method).uri(path);
    answer(to, request, body).await.map(|(_, answer)| answer)
}

/// Runs a command of a program without a window: its answer, or the error it answers with.
///
/// # Errors
/// The program is not there, or ended before it had answered: nobody knows what it did.
pub async fn call(to: SocketAddr, token: &str, command: &str, payload: &Value) -> Result<Result<Value, Value>> {
    let bearer = format!("Bearer {token}");
    let request = Request::builder().method(Method::POST).uri("/call").header(header::AUTHORIZATION, bearer);
    let (status, body) = answer(to, request, Some(&json!({"cmd": command, "payload": payload}))).await?;
    let body = serde_json::from_slice(&body)?;
    Ok(if status.is_success() { Ok(body) } else { Err(body) })
}

async fn answer(to: SocketAddr, request: Builder, body: Option<&Value>) -> Result<(StatusCode, Bytes)> {
    let body = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
    let request = request
        .header(header::HOST, to.to_string())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))?;
    let answer = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(TcpStream::connect(to).await?)).await?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        connection.abort();
        anyhow::Ok((status, body))
    };
    tokio::time::timeout(PATIENCE, answer).await.context("no answer in time")?
}
