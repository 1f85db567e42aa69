//! One talk as rows: a script, played by the people of a scene at given times.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::dice::Dice;
use super::ids::Ids;
use super::scene::Scene;
use super::scripts::{Line, Speaker};
use super::times::Times;

#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: Uuid,
    /// Index of the conversation.
    pub(crate) conversation: usize,
    pub(crate) direction: &'static str,
    pub(crate) sender_kind: &'static str,
    pub(crate) sender_id: Option<Uuid>,
    pub(crate) kind: &'static str,
    pub(crate) body: String,
    pub(crate) gateway_id: Option<String>,
    /// Gateway id and first words of the message it answers.
    pub(crate) quoted: Option<(String, String)>,
    pub(crate) status: &'static str,
    pub(crate) error: Option<(&'static str, &'static str)>,
    pub(crate) sent_at: DateTime<Utc>,
    pub(crate) delivered_at: Option<DateTime<Utc>>,
    pub(crate) read_at: Option<DateTime<Utc>>,
    pub(crate) edited_at: Option<DateTime<Utc>>,
    pub(crate) revoked_at: Option<DateTime<Utc>>,
    /// Emoji, and whether the clinic gave it.
    pub(crate) reaction: Option<(String, bool)>,
    pub(crate) attachment: Option<Box<Value>>,
}

/// When each line is written. Attendants answer when the desk is open, unless `when_open` is none; `haste` divides the
/// pauses.
pub(crate) fn timeline(
    lines: &[Line],
    start: DateTime<Utc>,
    confirmed_at: Option<DateTime<Utc>>,
    haste: i64,
    when_open: Option<&Times>,
    dice: &mut Dice,
) -> Vec<DateTime<Utc>> {
    let mut at = start;
    let mut before: Option<Speaker> = None;
    lines
        .iter()
        .map(|line| {
            match line {
                Line::Pause(minutes) => {
                    at += TimeDelta::seconds((*minutes as f64 * 60.0 * (0.85 + 0.4 * dice.share())) as i64);
                }
                Line::Says { speaker, confirms, .. } => {
                    at += TimeDelta::seconds(before.map_or(0, |before| pause(before, *speaker, dice) / haste + 1));
                    let by_member = matches!(speaker, Speaker::Attendant | Speaker::Phone | Speaker::Note);
                    if let Some(times) = when_open.filter(|_| by_member) {
                        at = times.when_the_desk_is_open(at, dice);
                    }
                    if let Some(confirmed_at) = confirmed_at.filter(|_| *confirms) {
                        at = at.max(confirmed_at);
                    }
                    before = Some(*speaker);
                }
            }
            at
        })
        .collect()
}

/// Seconds between two lines.
fn pause(before: Speaker, speaker: Speaker, dice: &mut Dice) -> i64 {
    let skewed = |least: i64, most: i64, dice: &mut Dice| least + (dice.share().powi(3) * (most - least) as f64) as i64;
    match (before, speaker) {
        (_, Speaker::Bot) => dice.between(1, 4),
        (Speaker::Person, Speaker::Person) => skewed(3, 70, dice),
        (_, Speaker::Person) => skewed(14, 1500, dice),
        (Speaker::Attendant | Speaker::Phone, Speaker::Attendant | Speaker::Phone) => skewed(8, 80, dice),
        (Speaker::Bot, Speaker::Attendant) => skewed(60, 1300, dice),
        (_, Speaker::Note) => skewed(20, 180, dice),
        _ => skewed(30, 1400, dice),
    }
}

/// Writes the messages of `lines`, one by one as the scene says them.
pub(crate) fn play(
    scene: &mut Scene<'_>,
    lines: &[Line],
    written_at: &[DateTime<Utc>],
    gateway_ids: &mut Ids,
    now: DateTime<Utc>,
    dice: &mut Dice,
) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::with_capacity(lines.len());
    for (line, at) in lines.iter().zip(written_at) {
        let Line::Says { speaker, text, .. } = line else { continue };
        let said = scene.say(text, *at, *speaker == Speaker::Person, dice);
        let inbound = *speaker == Speaker::Person;
        let (quotes, said) = match said.strip_prefix("^ ") {
            Some(said) => (true, said.to_owned()),
            None => (false, said),
        };
        let opposite = if inbound { "outbound" } else { "inbound" };
        let other = messages.iter().rposition(|message| message.direction == opposite);
        let (tag, body) = split_tag(&said);
        if let Some(("react", emoji)) = tag {
            if let Some(other) = other {
                messages[other].reaction = Some((emoji.to_owned(), !inbound));
            }
            continue;
        }
        let mut message = message(scene, *speaker, *at);
        message.body = body.to_owned();
        if message.direction != "internal" {
            let prefix = if inbound { ["3EB0", "3A", "3F"][scene.contact.full_name.len() % 3] } else { "BAE5" };
            message.gateway_id = Some(gateway_ids.next_gateway_id(prefix));
        }
        if let (true, Some(other)) = (quotes, other) {
            let quoted: &Message = &messages[other];
            message.quoted = quoted.gateway_id.clone().map(|id| (id, quoted.body.chars().take(120).collect()));
        }
        match tag {
            Some(("edited", _)) => message.edited_at = Some(*at + TimeDelta::seconds(dice.between(8, 90))),
            Some(("revoked", _)) => message.revoked_at = Some(*at + TimeDelta::seconds(dice.between(5, 40))),
            Some(("failed", _)) => {
                message.status = "failed";
                message.gateway_id = None;
                message.error = Some(dice.pick(&[
                    ("connection_closed", "Connection Closed"),
                    ("timed_out", "Timed Out"),
                    ("not_on_whatsapp", "The number is not on WhatsApp"),
                ]));
            }
            Some((kind, detail)) => attach(&mut message, kind, detail, dice),
            None => {}
        }
        messages.push(message);
    }
    tick(&mut messages, now, dice);
    messages
}

fn message(scene: &Scene<'_>, speaker: Speaker, at: DateTime<Utc>) -> Message {
    let (direction, sender_kind) = match speaker {
        Speaker::Person => ("inbound", "contact"),
        Speaker::Attendant => ("outbound", "member"),
        Speaker::Bot => ("outbound", "bot"),
        Speaker::Phone => ("outbound", "phone"),
        Speaker::Note => ("internal", "member"),
    };
    Message {
        id: Uuid::nil(),
        conversation: 0,
        direction,
        sender_kind,
        sender_id: (sender_kind == "member").then_some(scene.attendant.id),
        kind: "text",
        body: String::new(),
        gateway_id: None,
        quoted: None,
        status: if direction == "outbound" { "sent" } else { "received" },
        error: None,
        sent_at: at,
        delivered_at: None,
        read_at: None,
        edited_at: None,
        revoked_at: None,
        reaction: None,
        attachment: None,
    }
}

/// `<audio 12> caption` is `("audio", "12")` and `caption`.
fn split_tag(said: &str) -> (Option<(&str, &str)>, &str) {
    let Some((inside, body)) = said.strip_prefix('<').and_then(|rest| rest.split_once('>')) else {
        return (None, said);
    };
    (Some(inside.split_once(' ').unwrap_or((inside, ""))), body.trim_start())
}

fn attach(message: &mut Message, kind: &str, detail: &str, dice: &mut Dice) {
    // Lengths differ a little from one telling to the next.
    let seconds = detail.parse::<i64>().map_or(5, |seconds| (seconds * dice.between(70, 140) / 100).max(1));
    let (kind, attachment) = match kind {
        "audio" => (
            "audio",
            json!({ "mime_type": "audio/ogg; codecs=opus", "seconds": seconds, "size_bytes": 2_300 * seconds + 512 }),
        ),
        "image" => ("image", json!({ "mime_type": "image/jpeg", "size_bytes": dice.between(38_000, 240_000) })),
        "video" => ("video", json!({ "mime_type": "video/mp4", "seconds": seconds, "size_bytes": 190_000 * seconds })),
        "document" => (
            "document",
            json!({
                "mime_type": "application/pdf", "file_name": detail, "title": detail.trim_end_matches(".pdf"),
                "size_bytes": dice.between(45_000, 900_000),
            }),
        ),
        "location" => {
            ("location", json!({ "latitude": -23.561_7, "longitude": -46.655_9, "title": "Clínica Boa Vista" }))
        }
        "sticker" => ("sticker", json!({ "mime_type": "image/webp", "size_bytes": dice.between(9_000, 60_000) })),
        "contact" => ("contact", json!({ "title": detail })),
        _ => ("unsupported", json!({ "original_kind": "pollCreationMessageV3" })),
    };
    message.kind = kind;
    message.attachment = Some(Box::new(attachment));
}

/// What became of the clinic's messages: read before they were answered, mostly read by now, or not yet.
fn tick(messages: &mut [Message], now: DateTime<Utc>, dice: &mut Dice) {
    // Some people have switched the blue ticks off.
    let shows_reading = dice.chance(0.92);
    let mut answered_at: Option<DateTime<Utc>> = None;
    for message in messages.iter_mut().rev() {
        if message.direction == "inbound" {
            answered_at = Some(message.sent_at);
        }
        if message.direction != "outbound" || message.status == "failed" {
            continue;
        }
        let age = now - message.sent_at;
        let delivered_at = message.sent_at + TimeDelta::seconds(dice.between(1, 6));
        if delivered_at > now || (answered_at.is_none() && dice.chance(0.03)) {
            continue;
        }
        message.delivered_at = Some(delivered_at);
        message.status = "delivered";
        let latest = answered_at.unwrap_or(now).min(now) - TimeDelta::seconds(1);
        let seen = answered_at.is_some() || dice.chance(if age > TimeDelta::days(2) { 0.9 } else { 0.55 });
        if shows_reading && seen && latest > delivered_at {
            let reach = (latest - delivered_at).num_seconds().min(5 * 3600);
            message.read_at = Some(delivered_at + TimeDelta::seconds((dice.share().powi(2) * reach as f64) as i64));
            message.status = if message.kind == "audio" { "played" } else { "read" };
        }
    }
}
