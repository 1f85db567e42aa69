//! Messages that programs send, and every way that goes wrong.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use serde_json::{Value, json};

use super::Shared;
use super::books::{Books, Instance, Row, Sent};
use super::faults::{Echo, SendFault, Trace};
use super::routes::{good, refused};
use crate::gateway::listener::Breaker;

/// Between an answer and what follows it.
const SOON: Duration = Duration::from_millis(10);

pub(super) async fn send(shared: Arc<Shared>, breaker: &Breaker, name: &str, call: &str, body: Value) -> Response {
    let fault = shared.books().faults.sends.pop_front().unwrap_or(SendFault::None);
    let stack = "Error: something\n    at ChannelStartupService.sendMessage";
    let bad = |message: Value| refused(400, "Bad Request", message);
    let (trace, answer) = match fault {
        SendFault::None => return accept(shared, name, call, &body),
        SendFault::ErrorWithSuccess(code) => {
            let error =
                json!({"message": format!("(#{code}) Something"), "code": code, "error_data": {"details": "x"}});
            return good(201, &error);
        }
        SendFault::NotOnWhatsapp => {
            let number = body["number"].as_str().unwrap_or_default();
            return bad(json!([{"jid": format!("{number}@s.whatsapp.net"), "exists": false, "number": number}]));
        }
        SendFault::BadContent => return bad(json!(["Owned media must be a url or base64"])),
        SendFault::TooMany => return refused(429, "Too Many Requests", json!("rate-overlimit")),
        SendFault::TimedOut(trace) => (trace, bad(json!(["Error: Timed Out"]))),
        SendFault::ConnectionClosed(trace) => (trace, bad(json!(["Error: Connection Closed"]))),
        SendFault::Fails(trace) => (trace, refused(500, "Internal Server Error", json!(stack))),
        SendFault::Breaks(trace) | SendFault::Late(_, trace) => (trace, good(201, &Value::Null)),
    };
    let accepted = (trace != Trace::Nothing).then(|| deliver(&shared, name, call, &body, trace));
    match fault {
        SendFault::Breaks(_) => {
            breaker.0.cancel();
            std::future::pending().await
        }
        SendFault::Late(late, _) => {
            tokio::time::sleep(late).await;
            accepted.map_or(answer, |message| good(201, &message))
        }
        _ => answer,
    }
}

fn accept(shared: Arc<Shared>, name: &str, call: &str, body: &Value) -> Response {
    if let Some(refusal) = refusal(&shared.books(), name, body) {
        return refusal;
    }
    let message = deliver(&shared, name, call, body, Trace::Stored);
    good(201, &message)
}

fn refusal(books: &Books, name: &str, body: &Value) -> Option<Response> {
    let number = body["number"].as_str().unwrap_or_default();
    let user = number.split('@').next().unwrap_or_default();
    let instance = books.instances.get(name)?;
    if instance.absent.contains(user) {
        let message = json!([{"jid": instance.jid(user), "exists": false, "number": user}]);
        return Some(refused(400, "Bad Request", message));
    }
    None
}

/// The person gets it; as much of it as the trace says, the server remembers and tells.
fn deliver(shared: &Arc<Shared>, name: &str, call: &str, body: &Value, trace: Trace) -> Value {
    let mut books = shared.books();
    let id = books.fresh_id("3EB0");
    let at = Books::now();
    let number = body["number"].as_str().or(body["key"]["remoteJid"].as_str()).unwrap_or_default().to_owned();
    let Some(instance) = books.instances.get(name) else { return Value::Null };
    let message = json!({
        "key": {"remoteJid": instance.jid(&number), "fromMe": true, "id": id},
        "pushName": "", "status": "PENDING", "message": content(call, body),
        "contextInfo": context(body), "messageType": kind(call, body), "messageTimestamp": at, "instanceId": "fake",
        "source": "web",
    });
    let text = ["text", "caption", "reaction"].into_iter().find_map(|key| body[key].as_str());
    let text = text.unwrap_or_default().to_owned();
    books.sent.push(Sent {
        instance: name.to_owned(),
        call: call.to_owned(),
        number,
        text,
        id: id.clone(),
        body: body.clone(),
    });
    if trace == Trace::Stored {
        if let Some(instance) = books.instances.get_mut(name) {
            instance.rows.push(Row::new(message.clone()));
        }
        let (echo, acks) = (books.faults.echo, books.faults.acks.clone());
        if echo == Echo::Before {
            books.emit(name, "send.message", &message);
        }
        let (shared, name, message) = (shared.clone(), name.to_owned(), message.clone());
        tokio::spawn(async move {
            tokio::time::sleep(SOON).await;
            if echo == Echo::After {
                shared.books().emit(&name, "send.message", &message);
            }
            for status in acks {
                shared.books().report(&name, &id, status);
            }
        });
    }
    message
}

fn content(call: &str, body: &Value) -> Value {
    match call {
        "sendText" => json!({"conversation": body["text"]}),
        "sendWhatsAppAudio" => json!({"audioMessage": {"ptt": true, "mimetype": "audio/ogg; codecs=opus"}}),
        "sendReaction" => json!({"reactionMessage": {"key": body["key"], "text": body["reaction"]}}),
        _ => json!({kind(call, body): {
            "mimetype": body["mimetype"], "caption": body["caption"], "fileName": body["fileName"],
        }}),
    }
}

fn kind(call: &str, body: &Value) -> String {
    match call {
        "sendText" => "conversation".to_owned(),
        "sendWhatsAppAudio" => "audioMessage".to_owned(),
        "sendReaction" => "reactionMessage".to_owned(),
        _ => format!("{}Message", body["mediatype"].as_str().unwrap_or("document")),
    }
}

fn context(body: &Value) -> Value {
    match body["quoted"]["key"]["id"].as_str() {
        Some(id) => json!({"stanzaId": id}),
        None => Value::Null,
    }
}

impl Books {
    /// A status of a message of ours: kept with its row, and told. Without a row it is thrown away.
    pub(super) fn report(&mut self, name: &str, id: &str, status: &str) {
        let Some(row) = self.instances.get_mut(name).and_then(|instance| instance.row(id)) else { return };
        row.updates.push(status.to_owned());
        let remote = row.message["key"]["remoteJid"].clone();
        let update = json!({"keyId": id, "remoteJid": remote, "fromMe": true, "status": status, "messageId": "cuid", "instanceId": "fake"});
        self.emit(name, "messages.update", &update);
    }
}

impl Instance {
    /// How WhatsApp calls a number, which is not always how it is dialled.
    pub(super) fn jid(&self, number: &str) -> String {
        let (user, server) = number.split_once('@').unwrap_or((number, "s.whatsapp.net"));
        format!("{}@{server}", self.known_as.get(user).map_or(user, String::as_str))
    }
}
