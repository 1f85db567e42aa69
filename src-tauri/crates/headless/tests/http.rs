//! What a caller of the host meets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use balcao_api::{Desk, DeskOptions};
use balcao_headless::{Host, Loopback, Token, serve};
use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Served {
    url: String,
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
        let url = format!("http://{}", listener.local_addr().unwrap());
        let host = Host::new(desk.clone(), token.clone(), Some(screens));
        let (end, ended) = oneshot::channel();
        let running = tokio::spawn(async move {
            let ended = async {
                let _ = ended.await;
            };
            serve(listener, host, ended).await.unwrap();
        });
        Self { url, token: token.expose().to_owned(), desk, end: Some(end), running, folder }
    }

    fn call(&self, body: Value) -> reqwest::RequestBuilder {
        Client::new().post(format!("{}/call", self.url)).bearer_auth(&self.token).json(&body)
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        Client::new().get(format!("{}{path}", self.url))
    }

    async fn end(mut self) {
        let _ = self.end.take().unwrap().send(());
        tokio::time::timeout(std::time::Duration::from_secs(10), &mut self.running).await.expect("it ends").unwrap();
        self.desk.close().await;
        drop(self.folder);
    }
}

async fn open(profile: &Path) -> Result<Arc<Desk>, balcao_api::ApiError> {
    let options =
        DeskOptions { profile_dir: profile.to_owned(), postgres_dir: None, app_version: "0.0.0-test".to_owned() };
    Desk::open(options).await
}

async fn refused(request: reqwest::RequestBuilder) -> (StatusCode, String) {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let error: Value = answer.json().await.expect("a refusal has the shape of an error");
    (status, error["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_command_is_answered() {
    let served = Served::start().await;
    let answer = served.call(json!({"cmd": "get_session", "payload": {}})).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.json::<Value>().await.unwrap()["state"], "first_run");
    served.end().await;
}

#[tokio::test]
async fn nothing_but_the_screens_is_answered_without_the_token() {
    let served = Served::start().await;
    let unauthorized = (StatusCode::UNAUTHORIZED, "not_authorized".to_owned());
    for path in ["/commands", "/events"] {
        assert_eq!(refused(served.get(path)).await, unauthorized, "{path}");
    }
    let call = Client::new().post(format!("{}/call", served.url)).json(&json!({"cmd": "get_session"}));
    assert_eq!(refused(call).await, unauthorized);
    let page = served.get("/").send().await.unwrap();
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
    assert_eq!(refused(served.get("/commands").bearer_auth(wrong)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(refused(served.get("/commands").bearer_auth("")).await.0, StatusCode::UNAUTHORIZED);
    served.end().await;
}

#[tokio::test]
async fn a_request_for_another_host_is_refused_even_with_the_token() {
    let served = Served::start().await;
    let call = served.call(json!({"cmd": "get_session"})).header(header::HOST, "clinic.example.com");
    assert_eq!(refused(call).await, (StatusCode::FORBIDDEN, "wrong_host".to_owned()));
    let page = served.get("/").header(header::HOST, "clinic.example.com");
    assert_eq!(refused(page).await.0, StatusCode::FORBIDDEN);
    served.end().await;
}

#[tokio::test]
async fn an_unknown_command_and_a_damaged_body_are_answers() {
    let served = Served::start().await;
    let unknown = served.call(json!({"cmd": "drop_everything", "payload": {}}));
    assert_eq!(refused(unknown).await, (StatusCode::NOT_FOUND, "unknown_command".to_owned()));
    let misshapen = served.call(json!({"cmd": "get_thread", "payload": {"conversation_id": 7}}));
    assert_eq!(refused(misshapen).await, (StatusCode::BAD_REQUEST, "bad_payload".to_owned()));
    let no_json = served.call(json!(null)).body("{");
    assert_eq!(refused(no_json).await, (StatusCode::BAD_REQUEST, "bad_payload".to_owned()));
    served.end().await;
}

#[tokio::test]
async fn a_body_above_a_megabyte_is_not_read() {
    let served = Served::start().await;
    let huge = served.call(json!({"cmd": "send_message", "payload": {"text": "a".repeat(1024 * 1024)}}));
    assert_eq!(refused(huge).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    served.end().await;
}

#[tokio::test]
async fn files_outside_the_folder_of_the_screens_are_not_shown() {
    let served = Served::start().await;
    for path in ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/token"] {
        let answer = served.get(path).send().await.unwrap();
        assert!(!answer.status().is_success(), "{path}: {}", answer.status());
    }
    served.end().await;
}

#[tokio::test]
async fn every_command_is_described() {
    let served = Served::start().await;
    let answer = served.get("/commands").bearer_auth(&served.token).send().await.unwrap();
    let commands: Vec<Value> = answer.json().await.unwrap();
    let send = commands.iter().find(|command| command["name"] == "send_message").expect("send_message is there");
    assert!(send["request"]["properties"].is_object(), "{send}");
    assert!(send["response"].is_object(), "{send}");
    served.end().await;
}

#[tokio::test]
async fn an_open_event_stream_does_not_keep_the_host_from_ending() {
    let served = Served::start().await;
    let stream = served.get("/events").bearer_auth(&served.token).send().await.unwrap();
    assert_eq!(stream.headers()[header::CONTENT_TYPE], "text/event-stream");
    served.end().await;
    let rest = tokio::time::timeout(std::time::Duration::from_secs(5), stream.text()).await;
    assert!(rest.is_ok(), "the stream is closed");
}
