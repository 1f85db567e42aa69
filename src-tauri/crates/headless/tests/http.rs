//! What a caller of the host meets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "http/client.rs"]
mod client;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use balcao_api::{Desk, DeskOptions};
use balcao_headless::{Host, Loopback, Token, serve};
use client::Request;
use hyper::{StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Served {
    address: std::net::SocketAddr,
    token: String,
    desk: Arc<Desk>,
    end: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
    folder: tempfile::TempDir,
}

impl Served {
    /// A host on an empty profile, with one page of screens.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let screens = folder.path().join("screens");
        std::fs::create_dir(&screens).unwrap();
        std::fs::write(screens.join("index.html"), "<title>Balcão</title>").unwrap();
        std::fs::write(folder.path().join("secret"), "not for browsers").unwrap();
        let token = Token::load_or_make(&folder.path().join("token")).unwrap();
        let desk = open(&folder.path().join("profile")).await.unwrap();
        let listener = "127.0.0.1:0".parse::<Loopback>().unwrap().bind().await.unwrap();
        let address = listener.local_addr().unwrap();
        let host = Host::new(desk.clone(), token.clone(), Some(screens));
        let (end, ended) = oneshot::channel();
        let running = tokio::spawn(async move {
            let ended = async {
                let _ = ended.await;
            };
            serve(listener, host, ended).await.unwrap();
        });
        Self { address, token: token.expose().to_owned(), desk, end: Some(end), running, folder }
    }

    fn call(&self, body: &Value) -> Request {
        Request::post(self.address, "/call", body.to_string()).token(&self.token)
    }

    fn get(&self, path: &str) -> Request {
        Request::get(self.address, path)
    }

    async fn end(mut self) {
        let _ = self.end.take().unwrap().send(());
        tokio::time::timeout(Duration::from_secs(10), &mut self.running).await.expect("it ends").unwrap();
        self.desk.close().await;
        drop(self.folder);
    }
}

async fn open(profile: &Path) -> Result<Arc<Desk>, balcao_api::ApiError> {
    let options = DeskOptions {
        profile_dir: profile.to_owned(),
        postgres_dir: None,
        export_dir: None,
        app_version: "0.0.0-test".to_owned(),
    };
    Desk::open(options).await
}

async fn refused(request: Request) -> (StatusCode, String) {
    let answer = request.send().await;
    let status = answer.status();
    let error = client::json(answer).await;
    (status, error["code"].as_str().expect("a refusal has the shape of an error").to_owned())
}

#[tokio::test]
async fn a_command_is_answered() {
    let served = Served::start().await;
    let answer = served.call(&json!({"cmd": "get_session", "payload": {}})).send().await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(client::json(answer).await["state"], "first_run");
    served.end().await;
}

#[tokio::test]
async fn nothing_but_the_screens_is_answered_without_the_token() {
    let served = Served::start().await;
    let unauthorized = (StatusCode::UNAUTHORIZED, "not_authorized".to_owned());
    for path in ["/commands", "/events", "/notices"] {
        assert_eq!(refused(served.get(path)).await, unauthorized, "{path}");
    }
    let call = Request::post(served.address, "/call", json!({"cmd": "get_session"}).to_string());
    assert_eq!(refused(call).await, unauthorized);
    let page = served.get("/").send().await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.headers().contains_key(header::CONTENT_SECURITY_POLICY));
    served.end().await;
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let served = Served::start().await;
    let mut wrong = served.token.clone();
    wrong.pop();
    wrong.push(if served.token.ends_with('0') { '1' } else { '0' });
    assert_eq!(refused(served.get("/commands").token(&wrong)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(refused(served.get("/commands").token("")).await.0, StatusCode::UNAUTHORIZED);
    served.end().await;
}

#[tokio::test]
async fn a_request_for_another_host_is_refused_even_with_the_token() {
    let served = Served::start().await;
    let call = served.call(&json!({"cmd": "get_session"})).host("clinic.example.com");
    assert_eq!(refused(call).await, (StatusCode::FORBIDDEN, "wrong_host".to_owned()));
    let page = served.get("/").host("clinic.example.com");
    assert_eq!(refused(page).await.0, StatusCode::FORBIDDEN);
    served.end().await;
}

#[tokio::test]
async fn an_unknown_command_and_a_damaged_body_are_answers() {
    let served = Served::start().await;
    let unknown = served.call(&json!({"cmd": "drop_everything", "payload": {}}));
    assert_eq!(refused(unknown).await, (StatusCode::NOT_FOUND, "unknown_command".to_owned()));
    let misshapen = served.call(&json!({"cmd": "get_thread", "payload": {"conversation_id": 7}}));
    assert_eq!(refused(misshapen).await, (StatusCode::BAD_REQUEST, "bad_payload".to_owned()));
    let no_json = Request::post(served.address, "/call", "{".to_owned()).token(&served.token);
    assert_eq!(refused(no_json).await, (StatusCode::BAD_REQUEST, "bad_payload".to_owned()));
    served.end().await;
}

#[tokio::test]
async fn a_body_above_a_megabyte_is_not_read() {
    let served = Served::start().await;
    let huge = served.call(&json!({"cmd": "send_message", "payload": {"text": "a".repeat(45 * 1024 * 1024)}}));
    assert_eq!(refused(huge).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    served.end().await;
}

#[tokio::test]
async fn files_outside_the_folder_of_the_screens_are_not_shown() {
    let served = Served::start().await;
    for path in ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/token"] {
        let answer = served.get(path).send().await;
        assert!(!answer.status().is_success(), "{path}: {}", answer.status());
    }
    served.end().await;
}

#[tokio::test]
async fn every_command_is_described() {
    let served = Served::start().await;
    let answer = served.get("/commands").token(&served.token).send().await;
    let commands = client::json(answer).await;
    let send = commands
        .as_array()
        .unwrap()
        .iter()
        .find(|command| command["name"] == "send_message")
        .expect("send_message is there");
    assert!(send["request"]["properties"].is_object(), "{send}");
    assert!(send["response"].is_object(), "{send}");
    served.end().await;
}

#[tokio::test]
async fn a_click_on_a_notice_leads_the_screens_to_its_thread() {
    let served = Served::start().await;
    let events = served.get("/events").token(&served.token).send().await;
    let notices = served.get("/notices").token(&served.token).send().await;
    let id = "0192f0c1-0000-7000-8000-000000000001";
    let open = |body: String| Request::post(served.address, "/notices/open", body);
    let clicked = open(json!({ "conversation_id": id }).to_string()).token(&served.token).send().await;
    assert_eq!(clicked.status(), StatusCode::NO_CONTENT);
    let refusal = refused(open("{".to_owned()).token(&served.token)).await;
    assert_eq!(refusal, (StatusCode::BAD_REQUEST, "bad_payload".to_owned()));
    assert_eq!(refused(open(json!({ "conversation_id": id }).to_string())).await.0, StatusCode::UNAUTHORIZED);
    served.end().await;
    let told = client::bytes(events).await;
    assert!(String::from_utf8_lossy(&told).contains(&format!("\"opening\":{{\"conversation_id\":\"{id}\"}}")));
    let told = client::bytes(notices).await;
    assert!(String::from_utf8_lossy(&told).contains("event: badge\ndata: {\"waiting\":0}"));
}

#[tokio::test]
async fn an_open_event_stream_does_not_keep_the_host_from_ending() {
    let served = Served::start().await;
    let stream = served.get("/events").token(&served.token).send().await;
    assert_eq!(stream.headers()[header::CONTENT_TYPE], "text/event-stream");
    served.end().await;
    let rest = tokio::time::timeout(Duration::from_secs(5), client::bytes(stream)).await;
    assert!(rest.is_ok(), "the stream is closed");
}
