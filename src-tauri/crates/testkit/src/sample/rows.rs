//! The sample as rows of the tables of schema `app`, column by column.

use std::hash::{DefaultHasher, Hasher};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use balcao_tenant::{ClinicFrame, CopyLine};

use super::Sample;
use super::clinic::QUICK_REPLIES;
use super::ids::Ids;
use super::leads::Lead;
use super::threads::Fate;
use super::visits::Visit;

/// One table of the sample: how many rows, and how each is put.
pub(crate) struct Table<'a> {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: usize,
    pub(crate) write: Box<dyn Fn(usize, &mut CopyLine) + Send + Sync + 'a>,
}

fn table<'a, T: Sync>(
    name: &'static str,
    columns: &'static [&'static str],
    rows: &'a [T],
    write: impl Fn(&T, &mut CopyLine) + Send + Sync + 'a,
) -> Table<'a> {
    Table { name, columns, rows: rows.len(), write: Box::new(move |row, line| write(&rows[row], line)) }
}

/// One entry in the history of a visit.
pub(crate) struct VisitEvent {
    id: uuid::Uuid,
    visit: usize,
    kind: &'static str,
    details: Value,
    member_id: Option<uuid::Uuid>,
    at: DateTime<Utc>,
}

/// One entry in the history of a lead: the lead, and which step of its way.
pub(crate) struct LeadEvent {
    id: uuid::Uuid,
    lead: usize,
    step: usize,
}

/// The history of every visit, as the trigger would have written it.
pub(crate) fn visit_events(sample: &Visits<'_>) -> Vec<VisitEvent> {
    let mut ids = Ids::new(sample.frame.clinic_id, sample.seed, "appointment_events");
    let mut events = Vec::with_capacity(sample.visits.len() * 4);
    for (index, visit) in sample.visits.iter().enumerate() {
        let by = visit.created_by.or(Some(sample.frame.owner_id));
        let booked_for = visit.moved.map_or(visit.starts_at, |(_, from)| from);
        let booked =
            json!({ "starts_at": booked_for, "source": visit.source, "squeezed_in": visit.squeeze_reason.is_some() });
        let mut push = |kind, details, member_id, at| {
            events.push(VisitEvent { id: ids.next(at), visit: index, kind, details, member_id, at });
        };
        push("booked", booked, visit.created_by, visit.created_at);
        let professional_id = sample.professional_ids[visit.professional];
        if let Some((at, from)) = visit.moved {
            let length = visit.ends_at - visit.starts_at;
            let moved = json!({
                "from": { "starts_at": from, "ends_at": from + length, "professional_id": professional_id },
                "to": { "starts_at": visit.starts_at, "ends_at": visit.ends_at, "professional_id": professional_id },
            });
            push("moved", moved, by, at);
        }
        let mut from = "scheduled";
        // The bot takes the confirmation, the desk does the rest.
        let steps = [
            ("confirmed", visit.confirmed_at, None),
            ("arrived", visit.arrived_at, by),
            ("in_service", visit.started_at, by),
            ("completed", visit.finished_at, by),
            (visit.status, visit.ended_at, by),
        ];
        for (kind, at, member_id) in steps {
            if let Some(at) = at {
                push(kind, json!({ "from": from }), member_id, at);
                from = kind;
            }
        }
    }
    events
}

/// What the history of visits is drawn from.
pub(crate) struct Visits<'a> {
    pub(crate) frame: &'a ClinicFrame,
    pub(crate) seed: u64,
    pub(crate) visits: &'a [Visit],
    pub(crate) professional_ids: Vec<uuid::Uuid>,
}

pub(crate) fn lead_events(frame: &ClinicFrame, seed: u64, leads: &[Lead]) -> Vec<LeadEvent> {
    let mut ids = Ids::new(frame.clinic_id, seed, "lead_events");
    let steps = leads
        .iter()
        .enumerate()
        .flat_map(|(lead, row)| row.way.iter().enumerate().map(move |(step, (_, at))| (lead, step, *at)));
    steps.map(|(lead, step, at)| LeadEvent { id: ids.next(at), lead, step }).collect()
}

impl Sample {
    /// Every table, in an order in which each refers only to those before it.
    pub(crate) fn tables(&self) -> Vec<Table<'_>> {
        let mut tables = self.setting_tables();
        tables.extend(self.people_tables());
        tables.extend(self.agenda_tables());
        tables.extend(self.inbox_tables());
        tables.extend(self.lead_tables());
        tables
    }

    /// A fingerprint of everything that would be sent to the database.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let mut line = CopyLine::default();
        for table in self.tables() {
            hasher.write(table.name.as_bytes());
            for row in 0..table.rows {
                (table.write)(row, &mut line);
                hasher.write(line.bytes());
                line.clear();
            }
        }
        hasher.finish()
    }

    fn setting_tables(&self) -> Vec<Table<'_>> {
        let clinic_id = self.frame.clinic_id;
        let clinic = &self.clinic;
        let opened_at = clinic.opened_at;
        vec![
            table(
                "members",
                &[
                    "clinic_id",
                    "id",
                    "name",
                    "email",
                    "role",
                    "registration_number",
                    "last_seen_at",
                    "created_at",
                    "updated_at",
                ],
                &clinic.members,
                move |member, line| {
                    line.put(clinic_id).put(member.id).put(member.name).put(member.email.as_str()).put(member.role);
                    line.put(member.registration).put(member.last_seen_at).put(opened_at).put(opened_at);
                },
            ),
            table(
                "rooms",
                &["clinic_id", "id", "name", "position", "created_at"],
                &self.rooms,
                move |(place, (id, name)), line| {
                    line.put(clinic_id).put(*id).put(name.as_str()).put(*place).put(opened_at);
                },
            ),
            table(
                "services",
                &["clinic_id", "id", "name", "category", "duration_minutes", "price_cents", "created_at"],
                &clinic.services,
                move |service, line| {
                    line.put(clinic_id).put(service.id).put(service.name).put(service.category).put(service.minutes);
                    line.put(service.price_cents).put(opened_at);
                },
            ),
            table(
                "professionals",
                &[
                    "clinic_id",
                    "id",
                    "member_id",
                    "room_id",
                    "name",
                    "specialty",
                    "registration_number",
                    "color",
                    "position",
                    "created_at",
                ],
                &self.professional_places,
                move |place, line| {
                    let professional = &clinic.professionals[*place];
                    let member = &clinic.members[professional.member];
                    line.put(clinic_id).put(professional.id).put(member.id).put(clinic.rooms[professional.room].0);
                    line.put(member.name).put(professional.specialty).put(member.registration);
                    line.put(*place as i32 + 1).put(*place as i32).put(opened_at);
                },
            ),
            table(
                "professional_services",
                &["clinic_id", "id", "professional_id", "service_id", "created_at"],
                &self.offers,
                move |(id, professional, service), line| {
                    line.put(clinic_id).put(*id).put(clinic.professionals[*professional].id);
                    line.put(clinic.services[*service].id).put(opened_at);
                },
            ),
            table(
                "working_hours",
                &["clinic_id", "id", "professional_id", "weekday", "starts_minute", "ends_minute", "created_at"],
                &clinic.hours,
                move |hours, line| {
                    let weekly = hours.weekly;
                    line.put(clinic_id).put(hours.id).put(weekly.professional_id).put(weekly.weekday as i32);
                    line.put(weekly.starts_minute as i32).put(weekly.ends_minute as i32).put(opened_at);
                },
            ),
            table(
                "schedule_exceptions",
                &["clinic_id", "id", "professional_id", "kind", "starts_at", "ends_at", "reason", "created_at"],
                &clinic.deviations,
                move |deviation, line| {
                    line.put(clinic_id).put(deviation.id).put(deviation.rule.professional_id).put(deviation.kind);
                    line.put(deviation.rule.span.start).put(deviation.rule.span.end).put(deviation.reason.as_str());
                    line.put(opened_at);
                },
            ),
            table(
                "channels",
                // Nothing is connected: the state says so.
                &["clinic_id", "id", "name", "kind", "phone", "status", "last_event_at", "created_at"],
                std::slice::from_ref(clinic),
                move |clinic, line| {
                    line.put(clinic_id).put(clinic.channel_id).put("Recepção").put("evolution").put("+551130456700");
                    line.put("disconnected").put(self.last_message_at()).put(opened_at);
                },
            ),
            table(
                "quick_replies",
                &["clinic_id", "id", "shortcut", "title", "body", "created_at"],
                &self.quick_replies,
                move |(id, place), line| {
                    let (shortcut, title, body) = QUICK_REPLIES[*place];
                    line.put(clinic_id).put(*id).put(shortcut).put(title).put(body).put(opened_at);
                },
            ),
        ]
    }

    fn last_message_at(&self) -> Option<DateTime<Utc>> {
        self.threads
            .messages
            .iter()
            .rev()
            .find(|message| message.direction != "internal")
            .map(|message| message.sent_at)
    }

    fn people_tables(&self) -> Vec<Table<'_>> {
        let clinic_id = self.frame.clinic_id;
        let people = &self.people;
        vec![
            table(
                "contacts",
                &[
                    "clinic_id",
                    "id",
                    "name",
                    "profile_name",
                    "phone",
                    "email",
                    "status",
                    "source",
                    "tags",
                    "custom_fields",
                    "notes",
                    "opted_in_at",
                    "last_interaction_at",
                    "created_at",
                    "updated_at",
                ],
                &people.contacts,
                move |contact, line| {
                    line.put(clinic_id).put(contact.id).put(contact.name.as_str()).put(contact.profile_name.as_deref());
                    line.put(contact.phone.as_deref())
                        .put(contact.email.as_deref())
                        .put(contact.status)
                        .put(contact.source);
                    line.put(&json!(contact.tags)).put(&contact.custom_fields).put(contact.notes);
                    line.put(contact.chats.then_some(contact.created_at)).put(contact.last_interaction_at);
                    line.put(contact.created_at).put(contact.last_interaction_at.unwrap_or(contact.created_at));
                },
            ),
            table(
                "contact_identifiers",
                &["clinic_id", "id", "contact_id", "kind", "value", "match_key", "is_primary", "created_at"],
                &people.identifiers,
                move |identifier, line| {
                    let contact = &people.contacts[identifier.contact];
                    line.put(clinic_id).put(identifier.id).put(contact.id).put(identifier.kind);
                    line.put(identifier.value.as_str()).put(identifier.match_key.as_str()).put(identifier.is_primary);
                    line.put(contact.created_at);
                },
            ),
            table(
                "patients",
                &[
                    "clinic_id",
                    "id",
                    "contact_id",
                    "relation",
                    "name",
                    "birth_date",
                    "sex",
                    "medical_notes",
                    "created_at",
                ],
                &people.patients,
                move |patient, line| {
                    let contact = &people.contacts[patient.contact];
                    line.put(clinic_id)
                        .put(patient.id)
                        .put(contact.id)
                        .put(patient.relation)
                        .put(patient.name.as_str());
                    line.put(patient.birth_date).put(patient.sex).put(patient.medical_notes).put(contact.created_at);
                },
            ),
        ]
    }

    fn agenda_tables(&self) -> Vec<Table<'_>> {
        let clinic_id = self.frame.clinic_id;
        let (clinic, people) = (&self.clinic, &self.people);
        vec![
            table(
                "appointments",
                &[
                    "clinic_id",
                    "id",
                    "patient_id",
                    "contact_id",
                    "professional_id",
                    "room_id",
                    "service_id",
                    "starts_at",
                    "ends_at",
                    "status",
                    "squeezed_in",
                    "squeeze_reason",
                    "price_cents",
                    "notes",
                    "source",
                    "cancel_reason",
                    "confirmed_at",
                    "arrived_at",
                    "started_at",
                    "finished_at",
                    "created_by",
                    "created_at",
                    "updated_at",
                ],
                &self.visits,
                move |visit, line| {
                    line.put(clinic_id)
                        .put(visit.id)
                        .put(people.patients[visit.patient].id)
                        .put(people.contacts[visit.contact].id);
                    line.put(clinic.professionals[visit.professional].id)
                        .put(visit.room.map(|room| clinic.rooms[room].0));
                    let service = &clinic.services[visit.service];
                    line.put(service.id).put(visit.starts_at).put(visit.ends_at).put(visit.status);
                    line.put(visit.squeeze_reason.is_some())
                        .put(visit.squeeze_reason)
                        .put(service.price_cents)
                        .put(visit.notes);
                    line.put(visit.source).put(visit.cancel_reason).put(visit.confirmed_at).put(visit.arrived_at);
                    line.put(visit.started_at).put(visit.finished_at).put(visit.created_by).put(visit.created_at);
                    let last =
                        [visit.ended_at, visit.finished_at, visit.started_at, visit.arrived_at, visit.confirmed_at];
                    let moved_at = visit.moved.map(|(at, _)| at);
                    line.put(last.into_iter().flatten().next().or(moved_at).unwrap_or(visit.created_at));
                },
            ),
            table(
                "appointment_events",
                &["clinic_id", "id", "appointment_id", "kind", "details", "member_id", "at"],
                &self.visit_events,
                move |event, line| {
                    line.put(clinic_id).put(event.id).put(self.visits[event.visit].id).put(event.kind);
                    line.put(&event.details).put(event.member_id).put(event.at);
                },
            ),
            table(
                "waitlist_entries",
                &[
                    "clinic_id",
                    "id",
                    "contact_id",
                    "patient_id",
                    "service_id",
                    "professional_id",
                    "wanted_from",
                    "wanted_until",
                    "preferences",
                    "status",
                    "created_at",
                ],
                &self.waitlist,
                move |entry, line| {
                    let patient = &people.patients[entry.patient];
                    let professional = &clinic.professionals[entry.professional];
                    let service = professional.services.first().map(|(_, service)| clinic.services[*service].id);
                    line.put(clinic_id)
                        .put(entry.id)
                        .put(people.contacts[patient.contact].id)
                        .put(patient.id)
                        .put(service);
                    line.put(professional.id).put(entry.from).put(entry.until).put(&json!({ "periodo": entry.period }));
                    line.put("waiting").put(entry.created_at);
                },
            ),
        ]
    }

    fn inbox_tables(&self) -> Vec<Table<'_>> {
        let clinic_id = self.frame.clinic_id;
        let channel_id = self.clinic.channel_id;
        let threads = &self.threads;
        let contacts = &self.people.contacts;
        let now = self.now;
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
                    // No file was ever stored: what is old the gateway has dropped.
                    let state = if now - message.sent_at > TimeDelta::days(14) { "expired" } else { "pending" };
                    line.put("gateway").put(state).put(message.sent_at);
                },
            ),
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

    fn lead_tables(&self) -> Vec<Table<'_>> {
        let frame = &self.frame;
        let contacts = &self.people.contacts;
        vec![
            table(
                "leads",
                &[
                    "clinic_id",
                    "id",
                    "contact_id",
                    "pipeline_id",
                    "stage_id",
                    "title",
                    "value_cents",
                    "source",
                    "answers",
                    "metadata",
                    "owner_id",
                    "next_action",
                    "next_action_at",
                    "position",
                    "stage_entered_at",
                    "loss_reason_id",
                    "loss_note",
                    "closed_at",
                    "last_interaction_at",
                    "created_at",
                    "updated_at",
                ],
                &self.leads,
                move |lead, line| {
                    let contact = &contacts[lead.contact];
                    let (stage, entered_at) = lead.stage();
                    line.put(frame.clinic_id)
                        .put(lead.id)
                        .put(contact.id)
                        .put(frame.pipeline_id)
                        .put(frame.stages[stage].0);
                    line.put(lead.title.as_str())
                        .put(lead.value_cents)
                        .put(lead.source)
                        .put(&lead.answers)
                        .put(&lead.metadata);
                    line.put(lead.owner_id)
                        .put(lead.next_action)
                        .put(lead.next_action_at)
                        .put(lead.position)
                        .put(entered_at);
                    line.put(lead.loss_reason.map(|reason| frame.loss_reasons[reason].0)).put(lead.loss_note);
                    line.put((frame.stages[stage].1 != "open").then_some(entered_at)).put(contact.last_interaction_at);
                    line.put(lead.created_at()).put(entered_at);
                },
            ),
            table(
                "lead_events",
                &["clinic_id", "id", "lead_id", "kind", "from_stage_id", "to_stage_id", "details", "member_id", "at"],
                &self.lead_events,
                move |event, line| {
                    let lead = &self.leads[event.lead];
                    let (stage, at) = lead.way[event.step];
                    let before = event.step.checked_sub(1).map(|step| frame.stages[lead.way[step].0].0);
                    let kind = if before.is_some() { "moved" } else { "created" };
                    let mut details = serde_json::Map::new();
                    if let (Some(reason), "lost") = (lead.loss_reason, frame.stages[stage].1.as_str()) {
                        details.insert("loss_reason_id".into(), json!(frame.loss_reasons[reason].0));
                        if let Some(note) = lead.loss_note {
                            details.insert("loss_note".into(), note.into());
                        }
                    }
                    line.put(frame.clinic_id)
                        .put(event.id)
                        .put(lead.id)
                        .put(kind)
                        .put(before)
                        .put(frame.stages[stage].0);
                    line.put(&Value::Object(details)).put(before.and(lead.owner_id)).put(at);
                },
            ),
        ]
    }
}
