//! Conversations, messages, files and read marks.

use serde_json::{Value, json};

use crate::sample::threads::Fate;

use super::{Table, table};
use crate::sample::Sample;

impl Sample {
    pub(super) fn inbox_tables(&self) -> Vec<Table<'_>> {
        let clinic_id = self.frame.clinic_id;
        let channel_id = self.clinic.channel_id;
        let threads = &self.threads;
        let contacts = &self.people.contacts;
        vec![
            table(
                "conversations",
                &[
                    "clinic_id",
                    "id",
                    "contact_id",
                    "channel_id",
                    "chat_address",
                    "status",
                    "handler",
                    "assignee_id",
                    "priority",
                    "labels",
                    "snoozed_until",
                    "unread_count",
                    "waiting_since",
                    "first_response_at",
                    "closed_at",
                    "last_message_at",
                    "last_message_preview",
                    "last_message_direction",
                    "last_message_kind",
                    "last_inbound_at",
                    "last_outbound_at",
                    "last_human_message_at",
                    "created_at",
                    "updated_at",
                ],
                &threads.conversations,
                move |row, line| {
                    let contact = &contacts[row.contact];
                    let (status, snoozed_until) = match row.fate {
                        Fate::Open => ("open", None),
                        Fate::Snoozed(until) => ("snoozed", Some(until)),
                        Fate::Closed => ("closed", None),
                    };
                    let kept = &row.kept;
                    line.put(clinic_id).put(row.id).put(contact.id).put(channel_id).put(contact.chat_address.as_str());
                    line.put(status).put(row.handler).put(row.assignee_id).put(row.priority).put(&json!(row.labels));
                    line.put(snoozed_until).put(kept.unread_count).put(kept.waiting_since).put(kept.first_response_at);
                    line.put(row.closed_at).put(kept.last_message_at).put(kept.last_message_preview.as_str());
                    line.put(kept.last_message_direction).put(kept.last_message_kind).put(kept.last_inbound_at);
                    line.put(kept.last_outbound_at).put(kept.last_human_message_at).put(row.created_at);
                    line.put(row.closed_at.or(kept.last_message_at).unwrap_or(row.created_at));
                },
            ),
            table(
                "messages",
                &[
                    "clinic_id",
                    "id",
                    "conversation_id",
                    "channel_id",
                    "direction",
                    "sender_kind",
                    "sender_id",
                    "kind",
                    "body",
                    "gateway_id",
                    "reply_to_gateway_id",
                    "quoted_preview",
                    "status",
                    "error_code",
                    "error_text",
                    "sent_at",
                    "delivered_at",
                    "read_at",
                    "edited_at",
                    "revoked_at",
                    "reactions",
                    "attachment",
                    "created_at",
                    "updated_at",
                ],
                &threads.messages,
                move |message, line| {
                    line.put(clinic_id)
                        .put(message.id)
                        .put(threads.conversations[message.conversation].id)
                        .put(channel_id);
                    line.put(message.direction).put(message.sender_kind).put(message.sender_id).put(message.kind);
                    line.put(message.body.as_str()).put(message.gateway_id.as_deref());
                    line.put(message.quoted.as_ref().map(|(id, _)| id.as_str()))
                        .put(message.quoted.as_ref().map(|(_, text)| text.as_str()));
                    line.put(message.status)
                        .put(message.error.map(|(code, _)| code))
                        .put(message.error.map(|(_, text)| text));
                    line.put(message.sent_at)
                        .put(message.delivered_at)
                        .put(message.read_at)
                        .put(message.edited_at)
                        .put(message.revoked_at);
                    match &message.reaction {
                        Some((emoji, from_me)) => line.put(&json!([{ "emoji": emoji, "from_me": from_me }])),
                        None => line.put(&Value::Array(Vec::new())),
                    };
                    line.put(message.attachment.as_deref()).put(message.sent_at);
                    line.put(message.read_at.or(message.delivered_at).unwrap_or(message.sent_at));
                },
            ),
            table(
                "media",
                &[
                    "clinic_id",
                    "id",
                    "message_id",
                    "mime_type",
                    "file_name",
                    "size_bytes",
                    "storage",
                    "state",
                    "created_at",
                ],
                &self.files,
                move |(id, message), line| {
                    let message = &threads.messages[*message];
                    let of = |key| message.attachment.as_ref().and_then(|attachment| attachment.get(key));
                    line.put(clinic_id)
                        .put(*id)
                        .put(message.id)
                        .put(of("mime_type").and_then(Value::as_str).unwrap_or_default());
                    line.put(of("file_name").and_then(Value::as_str)).put(of("size_bytes").and_then(Value::as_i64));
                    // There is no gateway that could be asked for the others.
                    let state = of("file").and_then(Value::as_str).unwrap_or("expired");
                    let storage = if state == "stored" { "database" } else { "gateway" };
                    line.put(storage).put(state).put(message.sent_at);
                },
            ),
            table("media_chunks", &["clinic_id", "media_id", "place", "bytes"], &self.kept, move |file, line| {
                line.put(clinic_id).put(file.media).put(0_i32).put(file.bytes.as_slice());
            }),
            table(
                "conversation_reads",
                &["clinic_id", "id", "conversation_id", "member_id", "read_until", "created_at"],
                &self.readings,
                move |(id, reading), line| {
                    let reading = &threads.readings[*reading];
                    line.put(clinic_id)
                        .put(*id)
                        .put(threads.conversations[reading.conversation].id)
                        .put(reading.member_id);
                    line.put(reading.read_until).put(reading.read_until);
                },
            ),
        ]
    }
}
