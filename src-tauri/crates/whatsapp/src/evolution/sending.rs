//! Messages on their way out, and what the answers mean.

use std::time::Duration;

use balcao_domain::message::{ChatAddress, GatewayId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Evolution;
use crate::cloud_api::codes;
use crate::gateway::{Attached, File, GatewayError, Letter, MessageRef, Outcome, Refusal, RefusalCode, Said};
use crate::rest::{NoAnswer, words};

impl Evolution {
    pub(crate) async fn send(&self, letter: &Letter) -> Outcome {
        let Some((call, body)) = written(letter) else {
            let text = "this gateway has no templates".to_owned();
            return Outcome::Refused(Refusal { code: RefusalCode::Unsupported, text });
        };
        match self.post_within(("message", call), &body, self.0.timing.send).await {
            Ok(answer) => classify(answer.status, &answer.json()),
            Err(NoAnswer::NeverLeft(error)) => Outcome::NotSent { text: error.to_string() },
            Err(NoAnswer::Unheard(error)) => Outcome::Unknown { text: error.to_string() },
        }
    }

    pub(crate) async fn typing(&self, chat: &ChatAddress, length: Duration) -> Result<(), GatewayError> {
        let milliseconds = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let body = json!({"number": chat.as_str(), "presence": "composing", "delay": milliseconds});
        // The call lasts as long as it shows.
        let within = length.saturating_add(self.0.timing.answer);
        self.post_within(("chat", "sendPresence"), &body, within).await.map_err(GatewayError::from)?.good().map(drop)
    }

    pub(crate) async fn mark_read(&self, messages: &[MessageRef]) -> Result<(), GatewayError> {
        if messages.is_empty() {
            return Ok(());
        }
        let read: Vec<_> = messages.iter().map(key).collect();
        self.post("chat", "markMessageAsRead", &json!({"readMessages": read})).await.map(drop)
    }
}

fn key(message: &MessageRef) -> Value {
    json!({"id": message.gateway_id.as_str(), "fromMe": message.from_me, "remoteJid": message.chat.as_str()})
}

/// The call and its body; `None` for what this gateway cannot send.
fn written(letter: &Letter) -> Option<(&'static str, Value)> {
    let number = letter.to.as_str();
    let (call, mut body) = match &letter.said {
        Said::Text(text) => ("sendText", json!({"number": number, "text": text})),
        Said::File { file, shown: Attached::Audio, .. } => ("sendMedia", media(number, file, Attached::Audio, "")),
        Said::File { file, shown, caption } => ("sendMedia", media(number, file, *shown, caption)),
        Said::Voice(file) => {
            let audio = STANDARD.encode(&file.bytes);
            ("sendWhatsAppAudio", json!({"number": number, "audio": audio, "encoding": true}))
        }
        // Here the chat stands in the key of the other message.
        Said::Reaction { target, emoji } => {
            return Some(("sendReaction", json!({"key": key(target), "reaction": emoji})));
        }
        Said::Template { .. } => return None,
    };
    if let Some(quote) = &letter.quote {
        // The server has the quoted message, or sends without it.
        body["quoted"] = json!({"key": key(quote)});
    }
    Some((call, body))
}

fn media(number: &str, file: &File, shown: Attached, caption: &str) -> Value {
    json!({
        "number": number,
        "mediatype": shown.name(),
        "mimetype": file.mime_type,
        "caption": caption,
        "media": STANDARD.encode(&file.bytes),
        "fileName": file.name,
    })
}

/// What an answer to a send means. 201 alone is no success: errors of Meta come with it. And what broke on the other side
/// of the gateway may have gone out all the same.
fn classify(status: u16, json: &Value) -> Outcome {
    let text = words(json);
    let key = json.get("key").unwrap_or(&Value::Null);
    let id = key.get("id").and_then(Value::as_str).and_then(GatewayId::new);
    let refused = |code| Outcome::Refused(Refusal { code, text: text.clone() });
    match (status, id) {
        (200..300, Some(gateway_id)) => {
            // Bare digits are only what was asked, given back.
            let chat = key.get("remoteJid").and_then(Value::as_str).filter(|chat| chat.contains('@'));
            Outcome::Accepted { gateway_id, chat: chat.and_then(ChatAddress::new) }
        }
        (200..300, None) => match json.get("code").and_then(Value::as_i64) {
            Some(code) => refused(codes::meaning(code)),
            None => Outcome::Unknown { text: or(text, "the answer names no message") },
        },
        (400, _) if is_not_on_whatsapp(json) => refused(RefusalCode::NotOnWhatsapp),
        (400..500, _) if may_have_gone_out(&text) => Outcome::Unknown { text },
        (401 | 403, _) => refused(RefusalCode::KeyRefused),
        (404, _) => refused(RefusalCode::NoInstance),
        (408, _) => Outcome::Unknown { text: or(text, "the gateway waited too long") },
        (413, _) => refused(RefusalCode::TooLarge),
        (429, _) => refused(RefusalCode::TooMany),
        (503, _) if json.to_string().contains("LICENSE_REQUIRED") => refused(RefusalCode::LicenceRequired),
        (400 | 415 | 422, _) => refused(RefusalCode::Content),
        (300..500, _) => refused(RefusalCode::Other),
        _ => Outcome::Unknown { text: or(text, "the gateway failed") },
    }
}

/// `[{jid, exists: false, number}]`.
fn is_not_on_whatsapp(json: &Value) -> bool {
    let message = json.get("response").and_then(|response| response.get("message"));
    let items = message.and_then(Value::as_array).into_iter().flatten();
    items
        .flat_map(|item| item.as_array().map_or(std::slice::from_ref(item), Vec::as_slice))
        .any(|item| item.get("exists") == Some(&Value::Bool(false)))
}

/// Words of the library behind the gateway that say that it does not know either.
fn may_have_gone_out(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    // The last is how a lost answer of Meta comes out.
    ["timed out", "timeout", "connection closed", "connection terminated", "cannot read properties of undefined"]
        .iter()
        .any(|words| text.contains(words))
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(status: u16, json: Value) -> Option<RefusalCode> {
        match classify(status, &json) {
            Outcome::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    fn is_unknown(status: u16, json: Value) -> bool {
        matches!(classify(status, &json), Outcome::Unknown { .. })
    }

    fn says(text: &str) -> Value {
        json!({"status": 400, "error": "Bad Request", "response": {"message": [text]}})
    }

    #[test]
    fn accepted_is_an_answer_with_an_id_and_tells_the_true_chat() {
        let answer = json!({"key": {"remoteJid": "554188887777@s.whatsapp.net", "fromMe": true, "id": "3EB0"}, "status": "PENDING"});
        let accepted = Outcome::Accepted {
            gateway_id: GatewayId::new("3EB0").unwrap(),
            chat: ChatAddress::new("554188887777@s.whatsapp.net"),
        };
        assert_eq!(classify(201, &answer), accepted);
        let echo = json!({"key": {"remoteJid": "5541988887777", "id": "3EB0"}});
        assert!(matches!(classify(201, &echo), Outcome::Accepted { chat: None, .. }));
    }

    #[test]
    fn success_with_an_error_inside_is_none() {
        let graph =
            json!({"message": "(#131047) Re-engagement message", "code": 131047, "error_data": {"details": "x"}});
        assert_eq!(code(201, graph), Some(RefusalCode::OutsideTheDay));
        assert!(is_unknown(201, json!({})));
        assert!(is_unknown(201, json!({"key": {"id": 7}})));
        assert!(is_unknown(200, Value::Null), "a proxy may have answered, or half an answer come");
    }

    #[test]
    fn what_broke_behind_the_gateway_is_not_known() {
        for text in [
            "Error: Timed Out",
            "Error: Connection Closed",
            "TypeError: Cannot read properties of undefined (reading 'x')",
        ] {
            assert!(is_unknown(400, says(text)), "{text}");
        }
        for status in [500, 502, 503, 504, 408] {
            assert!(is_unknown(status, Value::Null), "{status}");
        }
    }

    #[test]
    fn refusals_say_whose_matter_they_are() {
        let nobody = json!({"response": {"message": [{"jid": "5511988887777@s.whatsapp.net", "exists": false, "number": "5511988887777"}]}});
        assert_eq!(code(400, nobody), Some(RefusalCode::NotOnWhatsapp));
        assert_eq!(code(400, says("Owned media must be a url or base64")), Some(RefusalCode::Content));
        assert_eq!(code(401, says("Unauthorized")), Some(RefusalCode::KeyRefused));
        assert_eq!(code(404, says("The \"x\" instance does not exist")), Some(RefusalCode::NoInstance));
        assert_eq!(code(413, Value::Null), Some(RefusalCode::TooLarge));
        assert_eq!(code(429, Value::Null), Some(RefusalCode::TooMany));
        assert_eq!(code(503, json!({"error": "LICENSE_REQUIRED"})), Some(RefusalCode::LicenceRequired));
        assert!(RefusalCode::NotOnWhatsapp.is_permanent() && !RefusalCode::KeyRefused.is_permanent());
    }

    #[test]
    fn each_kind_has_its_call() {
        let to = ChatAddress::new("5511988887777@s.whatsapp.net").unwrap();
        let target = MessageRef { gateway_id: GatewayId::new("3A01").unwrap(), chat: to.clone(), from_me: false };
        let file = File { bytes: b"JP\xff".to_vec(), mime_type: "image/jpeg".into(), name: "raio x.jpg".into() };
        let letter = |said| Letter { to: to.clone(), quote: Some(target.clone()), said };
        let (call, body) = written(&letter(Said::Text("oi".into()))).unwrap();
        assert_eq!((call, &body["text"], &body["quoted"]["key"]["id"]), ("sendText", &json!("oi"), &json!("3A01")));
        let picture = Said::File { file: file.clone(), shown: Attached::Image, caption: "veja".into() };
        let (call, body) = written(&letter(picture)).unwrap();
        assert_eq!((call, &body["media"], &body["caption"]), ("sendMedia", &json!("SlD/"), &json!("veja")));
        assert_eq!(written(&letter(Said::Voice(file))).unwrap().0, "sendWhatsAppAudio");
        let (call, body) = written(&letter(Said::Reaction { target: target.clone(), emoji: "👍".into() })).unwrap();
        assert_eq!((call, body.get("quoted")), ("sendReaction", None));
        assert_eq!(body["key"]["remoteJid"], to.as_str());
        let template = Said::Template { name: "a".into(), language: "pt_BR".into(), components: json!([]) };
        assert_eq!(written(&letter(template)), None);
    }
}
