//! A client that sends exactly what it is told, also what a browser would tidy up.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Response, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

pub struct Request {
    to: SocketAddr,
    method: &'static str,
    path: String,
    host: String,
    token: Option<String>,
    body: String,
}

impl Request {
    pub fn get(to: SocketAddr, path: &str) -> Self {
        Self { to, method: "GET", path: path.to_owned(), host: to.to_string(), token: None, body: String::new() }
    }

    pub fn post(to: SocketAddr, path: &str, body: String) -> Self {
        Self { method: "POST", body, ..Self::get(to, path) }
    }

    pub fn token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    pub fn host(self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self }
    }

    pub async fn send(self) -> Response<Incoming> {
        let mut request = hyper::Request::builder()
            .method(self.method)
            .uri(self.path)
            .header(header::HOST, self.host)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(Bytes::from(self.body))).unwrap();
        let stream = TcpStream::connect(self.to).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    }
}

pub async fn bytes(answer: Response<Incoming>) -> Bytes {
    answer.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default()
}

pub async fn json(answer: Response<Incoming>) -> Value {
    serde_json::from_slice(&bytes(answer).await).expect("the answer is JSON")
}
