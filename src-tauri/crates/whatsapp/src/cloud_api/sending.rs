//! Messages to Graph.

use balcao_domain::message::{ChatAddress, GatewayId};
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use super::{CloudApi, codes, good};
use crate::gateway::{Attached, File, GatewayError, Letter, MessageRef, Outcome, Refusal, RefusalCode, Said};
use crate::rest::{Answer, NoAnswer, Question, words};

const OGG: &str = "audio/ogg";

/// How Meta wants it to be called: Ogg with anything else it does not take.
const OPUS_IN_OGG: &str = "audio/ogg; codecs=opus";

/// Why there is nothing to be sent.
enum Unwritten {
    Refused(Refusal),
    NotSent(String),
}

impl CloudApi {
    pub(crate) async fn send(&self, letter: &Letter) -> Outcome {
        let body = match self.written(letter).await {
            Ok(body) => body,
            Err(Unwritten::Refused(refusal)) => return Outcome::Refused(refusal),
            Err(Unwritten::NotSent(text)) => return Outcome::NotSent { text },
        };
        let question = Question::post(self.about(&["messages"]), &body).within(self.0.timing.send);
        match self.0.graph.ask(question).await {
            Ok(answer) => classify(&answer),
            Err(NoAnswer::NeverLeft(error)) => Outcome::NotSent { text: error.to_string() },
            Err(NoAnswer::Unheard(error)) => Outcome::Unknown { text: error.to_string() },
        }
    }

    pub(crate) async fn mark_read(&self, messages: &[MessageRef]) -> Result<(), GatewayError> {
        for message in messages {
            self.read(message, false).await?;
        }
        Ok(())
    }

    pub(crate) async fn typing(&self, last_of_person: Option<&MessageRef>) -> Result<(), GatewayError> {
        match last_of_person {
            Some(message) => self.read(message, true).await,
            None => Ok(()),
        }
    }

    async fn read(&self, message: &MessageRef, and_type: bool) -> Result<(), GatewayError> {
        let mut body =
            json!({"messaging_product": "whatsapp", "status": "read", "message_id": message.gateway_id.as_str()});
        if and_type {
            body["typing_indicator"] = json!({"type": "text"});
        }
        let question = Question::post(self.about(&["messages"]), &body);
        good(self.0.graph.ask(question).await.map_err(GatewayError::from)?).map(drop)
    }

    /// The body of the call. A file is handed over before, which sends nothing yet.
    async fn written(&self, letter: &Letter) -> Result<Value, Unwritten> {
        let (kind, part) = match &letter.said {
            Said::Text(text) => ("text", json!({"body": text, "preview_url": false})),
            Said::File { file, shown, caption } => {
                let mut part = json!({"id": self.upload(file).await?});
                if *shown != Attached::Audio && !caption.is_empty() {
                    part["caption"] = json!(caption);
                }
                if *shown == Attached::Document {
                    part["filename"] = json!(file.name);
                }
                (shown.name(), part)
            }
            // Only Ogg with Opus is a voice note there; else it is sound.
            Said::Voice(file) if file.mime_type == OGG => {
                let opus = File { mime_type: OPUS_IN_OGG.to_owned(), ..file.clone() };
                ("audio", json!({"id": self.upload(&opus).await?, "voice": true}))
            }
            Said::Voice(file) => ("audio", json!({"id": self.upload(file).await?})),
            Said::Reaction { target, emoji } => {
                ("reaction", json!({"message_id": target.gateway_id.as_str(), "emoji": emoji}))
            }
            Said::Template { name, language, components } => {
                ("template", json!({"name": name, "language": {"code": language}, "components": components}))
            }
        };
        let to = letter.to.as_str().split('@').next().unwrap_or_default();
        let mut body = json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": kind});
        body[kind] = part;
        if let Some(quote) = letter.quote.as_ref().filter(|_| kind != "reaction") {
            body["context"] = json!({"message_id": quote.gateway_id.as_str()});
        }
        Ok(body)
    }

    /// Hands a file to Meta and says its id there.
    async fn upload(&self, file: &File) -> Result<String, Unwritten> {
        let (kind, body) = form(file).ok_or_else(|| {
            let text = "the file has no type".to_owned();
            Unwritten::Refused(Refusal { code: RefusalCode::Content, text })
        })?;
        let question = Question {
            method: Method::POST,
            body: Some((kind, body.into())),
            ..Question::get(self.about(&["media"])).within(self.0.timing.send)
        };
        // Whatever becomes of the file, no message has left.
        let not_sent = |error: GatewayError| Unwritten::NotSent(error.to_string());
        let answer = self.0.graph.ask(question).await.map_err(|none| not_sent(none.into()))?;
        match refusal(&answer) {
            Some(refusal) => Err(Unwritten::Refused(refusal)),
            None => {
                let id = answer.good().map_err(not_sent)?.get("id").and_then(Value::as_str).map(str::to_owned);
                id.ok_or_else(|| Unwritten::NotSent("the file has no id".to_owned()))
            }
        }
    }
}

/// The form that hands a file over, and its content type; `None` for a file whose type can stand in no header.
fn form(file: &File) -> Option<(HeaderValue, Vec<u8>)> {
    let boundary = format!("balcao{:032x}", rand::random::<u128>());
    let mime_type = Some(&file.mime_type).filter(|kind| HeaderValue::from_str(kind).is_ok())?;
    // A name must not end the line that it stands in.
    let name: String = file.name.chars().filter(|sign| !sign.is_control() && !matches!(sign, '"' | '\\')).collect();
    let mut body = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
         --{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: {mime_type}\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(&file.bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Some((HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}")).ok()?, body))
}

/// What Graph refuses, where it says so by a number; what broke there is no refusal.
fn refusal(answer: &Answer) -> Option<Refusal> {
    let json = answer.json();
    let code = json.get("error")?.get("code")?.as_i64().filter(|_| answer.status < 500)?;
    Some(Refusal { code: codes::meaning(code), text: words(&json) })
}

fn classify(answer: &Answer) -> Outcome {
    if let Some(refusal) = refusal(answer) {
        return Outcome::Refused(refusal);
    }
    let json = answer.json();
    let first = |list: &str, key: &str| Some(json.get(list)?.get(0)?.get(key)?.as_str()?.to_owned());
    match first("messages", "id").as_deref().and_then(GatewayId::new).filter(|_| answer.status < 300) {
        // The number as WhatsApp has it: with or without a ninth digit.
        Some(gateway_id) => {
            let chat = first("contacts", "wa_id").and_then(|user| ChatAddress::new(&format!("{user}@s.whatsapp.net")));
            Outcome::Accepted { gateway_id, chat }
        }
        None => Outcome::Unknown { text: words(&json) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, json: Value) -> Outcome {
        classify(&Answer { status, kind: None, body: json.to_string().into_bytes() })
    }

    #[test]
    fn accepted_tells_the_true_number() {
        let answer = json!({"messaging_product": "whatsapp", "contacts": [{"input": "5541988887777", "wa_id": "554188887777"}], "messages": [{"id": "wamid.A"}]});
        let accepted = Outcome::Accepted {
            gateway_id: GatewayId::new("wamid.A").unwrap(),
            chat: ChatAddress::new("554188887777@s.whatsapp.net"),
        };
        assert_eq!(answered(200, answer), accepted);
    }

    #[test]
    fn a_number_of_meta_decides_and_what_broke_is_not_known() {
        let error = |code: i64| json!({"error": {"message": "(#1) words change", "code": code}});
        let Outcome::Refused(refusal) = answered(400, error(131_047)) else { panic!("a refusal is one") };
        assert_eq!(refusal.code, RefusalCode::OutsideTheDay);
        assert!(matches!(answered(500, error(131_000)), Outcome::Unknown { .. }));
        assert!(matches!(answered(502, Value::Null), Outcome::Unknown { .. }));
        assert!(matches!(answered(200, json!({})), Outcome::Unknown { .. }));
    }
}
