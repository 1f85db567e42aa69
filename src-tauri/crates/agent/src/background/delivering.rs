//! One message handed over, and what became of it written down.

use balcao_domain::file::{FileType, safe_name};
use balcao_domain::message::ChatAddress;
use balcao_domain::pacing;
use balcao_tenant::{Attempt, Due, Error, MediaContents, SendOutcome};
use balcao_whatsapp::gateway::{Attached, File, Letter, MessageRef, Outcome, RefusalCode, Said};

use super::connection::Connection;

/// Did not reach the gateway.
const UNREACHED: &str = "gateway_unreachable";
/// The term was over before it left.
const TOO_LATE: &str = "taken_over";

/// What is sent; `None` for a kind that cannot be sent.
pub(super) fn letter(due: &Due, chat: ChatAddress, file: Option<MediaContents>) -> Option<Letter> {
    let said = match file {
        None if due.kind == "text" && !due.body.is_empty() => Said::Text(due.body.clone()),
        None => return None,
        Some(contents) => attached(due, contents)?,
    };
    let quote = due.quoted.as_ref().map(|quoted| MessageRef {
        gateway_id: quoted.gateway_id.clone(),
        chat: chat.clone(),
        from_me: quoted.from_me,
    });
    Some(Letter { to: chat, quote, said })
}

/// A file as the message shows it; only as what it is, whatever was written down of it.
fn attached(due: &Due, contents: MediaContents) -> Option<Said> {
    let kind = FileType::of(&contents.bytes);
    let shown = match (due.kind.as_str(), kind.message_kind()) {
        ("image", "image") => Attached::Image,
        ("video", "video") => Attached::Video,
        ("audio", "audio") => Attached::Audio,
        ("image" | "video" | "audio" | "document", _) => Attached::Document,
        _ => return None,
    };
    let name = contents.file_name.map(|name| safe_name(&name)).filter(|name| !name.is_empty());
    let mime_type = if kind == FileType::UNKNOWN { contents.mime_type } else { kind.mime_type.to_owned() };
    let name = name.unwrap_or_else(|| format!("arquivo.{}", kind.extension));
    let file = File { bytes: contents.bytes, mime_type, name };
    if due.is_voice && shown == Attached::Audio {
        return Some(Said::Voice(file));
    }
    Some(Said::File { file, shown, caption: due.body.clone() })
}

/// Sends it once and records the outcome.
pub(super) async fn deliver(connection: &Connection, attempt: &Attempt, letter: &Letter) -> Result<(), Error> {
    let office = &connection.office;
    // This computer may have slept since the try was written down.
    let outcome = if office.term.lasts() {
        understood(connection.gateway.send(letter).await, attempt.number)
    } else {
        SendOutcome::NotSent { code: TOO_LATE, wait: std::time::Duration::ZERO }
    };
    tracing::debug!(channel = %attempt.channel, message = %attempt.message, outcome = name(&outcome), "a message was sent");
    let (fence, outcome) = (office.fence(), &outcome);
    office.outlast(|tenant| async move { tenant.record_outcome(fence, attempt, outcome).await }).await
}

/// What an outcome means for the message.
fn understood(outcome: Outcome, tries: u32) -> SendOutcome {
    let wait = || pacing::put_off(tries, rand::random());
    match outcome {
        Outcome::Accepted { gateway_id, chat } => SendOutcome::Accepted { gateway_id, chat },
        // No matter of this message: it waits until somebody has mended the connection.
        Outcome::Refused(refusal) if refusal.code.is_of_the_connection() || refusal.code == RefusalCode::TooMany => {
            SendOutcome::NotSent { code: refusal.code.name(), wait: wait() }
        }
        Outcome::Refused(refusal) => SendOutcome::Refused { code: refusal.code.name(), text: refusal.text },
        Outcome::Unknown { text } => SendOutcome::Unknown { text },
        Outcome::NotSent { .. } => SendOutcome::NotSent { code: UNREACHED, wait: wait() },
    }
}

fn name(outcome: &SendOutcome) -> &'static str {
    match outcome {
        SendOutcome::Accepted { .. } => "accepted",
        SendOutcome::Refused { code, .. } | SendOutcome::NotSent { code, .. } => code,
        SendOutcome::Unknown { .. } => "unknown",
    }
}
