//! One request, one connection, no encryption: what the drivers on this computer speak.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// Longest wait for an answer; starting a window is the slowest thing asked for.
const PATIENCE: Duration = Duration::from_secs(90);

/// The body of the answer, whatever its status.
pub(crate) async fn send(to: SocketAddr, method: Method, path: &str, body: Option<&Value>) -> Result<Bytes> {
    let body = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, to.to_string())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))?;
    let answer = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(TcpStream::connect(to).await?)).await?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
        connection.abort();
        anyhow::Ok(answer)
    };
    tokio::time::timeout(PATIENCE, answer).await.context("no answer in time")?
}
