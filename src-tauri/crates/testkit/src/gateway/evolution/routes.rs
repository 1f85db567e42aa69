//! The calls, and who may make them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Extension, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::books::{Books, Instance, Link};
use super::{GLOBAL_KEY, Shared, faults, sending, sockets, stored};
use crate::gateway::listener::Breaker;

/// Largest body: a file as base64.
const MAX_BODY_BYTES: usize = 128 * 1024 * 1024;

/// What a route answers, or a refusal of it.
type Answer = Result<Response, Response>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(root))
        .route("/socket.io/", get(socket))
        .route("/instance/create", any(create))
        .route("/instance/fetchInstances", any(fetch))
        .route("/{group}/{call}/{instance}", any(call))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(shared)
}

pub(super) fn good(status: u16, body: &Value) -> Response {
    (StatusCode::from_u16(status).unwrap_or(StatusCode::OK), Json(body)).into_response()
}

pub(super) fn refused(status: u16, error: &str, message: Value) -> Response {
    good(status, &json!({"status": status, "error": error, "response": {"message": message}}))
}

async fn root(State(shared): State<Arc<Shared>>) -> Answer {
    heard(&shared, "GET /").await?;
    Ok(good(
        200,
        &json!({"status": 200, "message": "Welcome to the Evolution API, it is working!", "version": "2.3.7"}),
    ))
}

/// Writes the call down, and takes the time that everything takes.
async fn heard(shared: &Shared, call: &str) -> Result<(), Response> {
    let (slow, no_licence) = {
        let mut books = shared.books();
        books.calls.push(call.to_owned());
        (books.faults.slow, books.faults.no_licence)
    };
    if slow > Duration::ZERO {
        tokio::time::sleep(slow).await;
    }
    match no_licence {
        true => Err(good(503, &json!({"status": 503, "error": "LICENSE_REQUIRED", "message": "activate this server"}))),
        false => Ok(()),
    }
}

fn shown_key(headers: &HeaderMap) -> &str {
    headers.get("apikey").and_then(|key| key.to_str().ok()).unwrap_or_default()
}

fn opens(books: &Books, key: &str) -> bool {
    key == GLOBAL_KEY || books.instances.values().any(|instance| instance.token == key)
}

fn unauthorized() -> Response {
    refused(401, "Unauthorized", json!("Unauthorized"))
}

async fn socket(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let asked = |name: &str| query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let refusal = {
        let mut books = shared.books();
        let key = [shown_key(&headers), asked("apikey")];
        let is_let_in = key.into_iter().any(|key| opens(&books, key));
        let is_socket = asked("EIO") == "4" && asked("transport") == "websocket";
        books.faults.refuse_upgrade.take().or((!is_let_in || !is_socket).then_some(400))
    };
    match refusal {
        Some(status) => (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), "").into_response(),
        None => upgrade.on_upgrade(move |socket| async move { sockets::speak(&shared, socket).await }),
    }
}

async fn create(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    heard(&shared, "POST /instance/create").await?;
    if shown_key(&headers) != GLOBAL_KEY {
        return Err(unauthorized());
    }
    let body = json_of(&body)?;
    let name = body["instanceName"].as_str().unwrap_or_default().to_owned();
    let mut books = shared.books();
    if name.is_empty() {
        return Err(refused(400, "Bad Request", json!([["instance requires property \"instanceName\""]])));
    }
    if books.instances.contains_key(&name) {
        return Err(refused(403, "Forbidden", json!([format!("This name \"{name}\" is already in use.")])));
    }
    let token = books.fresh_id("TOKEN");
    books.instances.insert(name.clone(), Instance { socket_events: Some(json!([])), ..Instance::new(&token) });
    let qrcode = books.next_code(&name, None);
    let instance =
        json!({"instanceName": name, "instanceId": "fake", "integration": "WHATSAPP-BAILEYS", "status": "connecting"});
    Ok(good(201, &json!({"instance": instance, "hash": token, "qrcode": qrcode})))
}

async fn fetch(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Answer {
    heard(&shared, "GET /instance/fetchInstances").await?;
    let books = shared.books();
    let key = shown_key(&headers);
    if !opens(&books, key) {
        return Err(unauthorized());
    }
    let wanted = query.iter().find(|(key, _)| key == "instanceName").map(|(_, name)| name.as_str());
    let rows = books.instances.iter().filter(|(name, instance)| {
        (key == GLOBAL_KEY || instance.token == key) && wanted.is_none_or(|wanted| wanted == *name)
    });
    let rows = rows.map(|(name, instance)| {
        let owner = (instance.link == Link::Open).then_some(&instance.own);
        json!({
            "name": name, "connectionStatus": instance.link.name(), "ownerJid": owner, "token": instance.token,
            "disconnectionReasonCode": instance.closed_by, "_count": {"Message": instance.rows.len()},
        })
    });
    Ok(good(200, &rows.collect()))
}

async fn call(
    State(shared): State<Arc<Shared>>,
    Extension(breaker): Extension<Breaker>,
    method: Method,
    Path((group, call, name)): Path<(String, String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    heard(&shared, &format!("{method} /{group}/{call}/{name}")).await?;
    {
        let books = shared.books();
        // Said to anybody, before the key is looked at.
        let Some(instance) = books.instances.get(&name) else {
            return Err(refused(404, "Not Found", json!([format!("The \"{name}\" instance does not exist")])));
        };
        if shown_key(&headers) != GLOBAL_KEY && shown_key(&headers) != instance.token {
            return Err(unauthorized());
        }
    }
    let body = if method == Method::POST { json_of(&body)? } else { Value::Null };
    match (group.as_str(), call.as_str()) {
        ("message", call) => Ok(sending::send(shared, &breaker, &name, call, body).await),
        ("chat", "findMessages") => stored::find_messages(&mut shared.books(), &name, &body),
        ("chat", "sendPresence") => {
            let delay =
                body["delay"].as_u64().ok_or_else(|| refused(400, "Bad Request", json!([["delay is required"]])))?;
            tokio::time::sleep(Duration::from_millis(delay)).await;
            Ok(good(201, &json!({"presence": body["presence"]})))
        }
        ("chat", "markMessageAsRead") => Ok(good(201, &json!({"message": "Read messages", "read": "success"}))),
        ("chat", "whatsappNumbers") => shared.books().numbers(&name, &body),
        ("chat", "getBase64FromMediaMessage") => {
            if faults::take(&mut shared.books().faults.cut_media) {
                breaker.0.cancel();
                return std::future::pending().await;
            }
            shared.books().file(&name, &body)
        }
        _ => shared.books().about(&method, &group, &call, &name, query.get("number").map(String::as_str), &body),
    }
}

fn json_of(body: &Bytes) -> Result<Value, Response> {
    let wrong = |_| {
        good(
            400,
            &json!({"status": 400, "error": "Internal Server Error", "response": {"message": "Unexpected token"}}),
        )
    };
    serde_json::from_slice(body).map_err(wrong)
}

impl Link {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Connecting => "connecting",
            Self::Closed => "close",
        }
    }
}

impl Books {
    /// The next QR code of an instance, and what can be typed instead, where it knows the number since it began to connect.
    pub(super) fn next_code(&mut self, name: &str, number: Option<&str>) -> Value {
        let Some(instance) = self.instances.get_mut(name) else { return Value::Null };
        if instance.link != Link::Connecting {
            instance.pairs_with = number.map(str::to_owned);
        }
        instance.link = Link::Connecting;
        if instance.codes == 0 || !faults::take(&mut self.faults.same_code) {
            instance.codes += 1;
        }
        let typed = instance.pairs_with.as_ref().map(|_| format!("BALC{:04}", instance.codes));
        json!({"pairingCode": typed, "code": format!("2@code-{}", instance.codes), "base64": "data:image/png;base64,QR", "count": instance.codes})
    }

    /// Calls about the connection.
    fn about(
        &mut self,
        method: &Method,
        group: &str,
        call: &str,
        name: &str,
        number: Option<&str>,
        body: &Value,
    ) -> Answer {
        let unknown = || refused(404, "Not Found", json!([format!("Cannot {method} /{group}/{call}")]));
        let instance = self.instances.get_mut(name).ok_or_else(unknown)?;
        match (method.as_str(), group, call) {
            ("GET", "instance", "connectionState") => {
                Ok(good(200, &json!({"instance": {"instanceName": name, "state": instance.link.name()}})))
            }
            ("GET", "instance", "connect") if instance.link == Link::Open => {
                Ok(good(200, &json!({"instance": {"instanceName": name, "state": "open"}})))
            }
            ("GET", "instance", "connect") if faults::take(&mut self.faults.no_code) => {
                Ok(good(200, &json!({"error": true, "message": "Error: Connection Failure"})))
            }
            ("GET", "instance", "connect") if faults::take(&mut self.faults.codes_run_out) => {
                instance.link = Link::Closed;
                let (shown, count) = (
                    json!({"message": "QR code limit reached, please login again", "statusCode": 500}),
                    instance.codes,
                );
                self.emit(name, "qrcode.updated", &shown);
                self.emit(
                    name,
                    "connection.update",
                    &json!({"instance": name, "state": "refused", "statusReason": 500}),
                );
                Ok(good(200, &json!({"count": count})))
            }
            ("GET", "instance", "connect") => {
                let code = self.next_code(name, number);
                let shown = json!({"qrcode": {"instance": name, "code": code["code"], "base64": code["base64"], "pairingCode": code["pairingCode"]}});
                self.emit(name, "qrcode.updated", &shown);
                Ok(good(200, &code))
            }
            ("DELETE", "instance", "logout") => {
                instance.link = Link::Closed;
                self.emit(name, "logout.instance", &Value::Null);
                Ok(good(
                    200,
                    &json!({"status": "SUCCESS", "error": false, "response": {"message": "Instance logged out"}}),
                ))
            }
            ("DELETE", "instance", "delete") => {
                self.instances.remove(name);
                Ok(good(200, &json!({"status": "SUCCESS", "error": false})))
            }
            ("GET", "websocket", "find") => Ok(good(
                200,
                &match &instance.socket_events {
                    Some(events) => json!({"enabled": true, "events": events}),
                    None => Value::Null,
                },
            )),
            ("POST", "websocket", "set") => {
                instance.socket_events = Some(body["websocket"]["events"].clone());
                Ok(good(201, &json!({"websocket": {"enabled": true}})))
            }
            _ => Err(unknown()),
        }
    }

    fn numbers(&mut self, name: &str, body: &Value) -> Answer {
        let Some(numbers) = body["numbers"].as_array() else {
            return Err(good(400, &json!({"status": 400, "message": ["numbers is not an array"]})));
        };
        let rows = numbers.iter().filter_map(Value::as_str).map(|number| {
            let instance = self.instances.get(name);
            let exists = instance.is_some_and(|instance| !instance.absent.contains(number));
            let jid = instance.map_or_else(String::new, |instance| instance.jid(number));
            json!({"jid": jid, "exists": exists, "number": number})
        });
        Ok(good(200, &rows.collect()))
    }

    fn file(&mut self, name: &str, body: &Value) -> Answer {
        let gone = || refused(400, "Bad Request", json!(["Message not found"]));
        if faults::take(&mut self.faults.no_media) {
            return Err(gone());
        }
        let id = body["message"]["key"]["id"].as_str().unwrap_or_default();
        let file = self.instances.get(name).and_then(|instance| instance.files.get(id));
        let (mime_type, bytes) = file.ok_or_else(gone)?;
        Ok(good(
            201,
            &json!({
                "mediaType": "imageMessage", "fileName": "file", "mimetype": mime_type, "size": {"fileLength": bytes.len()},
                "base64": STANDARD.encode(bytes),
            }),
        ))
    }
}
