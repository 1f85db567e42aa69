//! What people do at their desks: the commands of the screens, and what no screen has a command for yet.

use anyhow::{Context as _, Result};
use balcao_cache::{Effect, NewOperation, OperationState, WriteKind};
use balcao_domain::feed::Entity;
use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Play;
use crate::clinic::now;
use crate::ledger::By;
use crate::people::{Kind, slot, text};
use crate::steps::{Act, Choice, PutOff, Setting, TALK_DEEDS};

/// A document of one line, in base64.
const PAPER: &str = "JVBERi0xLjQK";

/// Something that people do with threads.
fn talk_deed(deed: u8, me: Uuid, serial: u32) -> Value {
    let label = |label: &str| json!({ "kind": "add_label", "label": label });
    match deed % TALK_DEEDS {
        0 => json!({ "kind": "assign", "member_id": me }),
        1 => json!({ "kind": "assign", "member_id": null }),
        2 => json!({ "kind": "prioritise", "priority": if serial.is_multiple_of(2) { "urgent" } else { "low" } }),
        3 => label("convênio"),
        4 => label(&format!("etiqueta {}", serial % 3)),
        5 => json!({ "kind": "snooze", "until": text(now() + TimeDelta::hours(12 + i64::from(serial % 3))) }),
        6 => json!({ "kind": "mark_unread" }),
        7 => json!({ "kind": "close" }),
        8 => json!({ "kind": "reopen" }),
        9 => json!({ "kind": "remove_label", "label": "convênio" }),
        10 => json!({ "kind": "hand_over", "to": "bot" }),
        11 => json!({ "kind": "hand_over", "to": "person" }),
        12 => json!({ "kind": "block" }),
        _ => json!({ "kind": "unblock" }),
    }
}

impl Play {
    /// What a person does. Refusals are answers.
    pub(super) async fn act(&mut self, desk: usize, act: Act) -> Result<()> {
        self.serial += 1;
        let serial = self.serial;
        let at = &self.desks[desk];
        match act {
            Act::Reply { talk, later } => {
                let talk = self.known.pick(Kind::Talk, talk);
                let at_its_time = later.then(|| text(now() + TimeDelta::hours(2)));
                let message = json!({
                    "conversation_id": talk, "text": format!("Resposta {serial}"), "scheduled_for": at_its_time,
                });
                if let Ok(written) = at.ask("send_message", message).await?
                    && later
                {
                    self.put_off.push(id_of(&written["entity_id"])?);
                }
            }
            Act::ReplyWithFile { talk } => {
                let talk = self.known.pick(Kind::Talk, talk);
                let file = json!({
                    "conversation_id": talk, "file_name": "preparo.pdf", "base64": PAPER,
                    "caption": format!("Arquivo {serial}"),
                });
                drop(at.ask("send_file", file).await?);
            }
            Act::ChangePutOff { which, change } => {
                let change = match change {
                    PutOff::Later => json!({ "kind": "reschedule", "at": text(now() + TimeDelta::hours(3)) }),
                    PutOff::Now => json!({ "kind": "send_now" }),
                    PutOff::Off => json!({ "kind": "cancel" }),
                    PutOff::AfterAll => json!({ "kind": "restore" }),
                };
                if let Some(message) = one_of(&self.put_off, which) {
                    drop(at.ask("change_scheduled", json!({ "message_id": message, "change": change })).await?);
                }
            }
            Act::NoteInTalk { talk, names } => {
                // Nobody is known before the first copy.
                let frame = at.ask("get_inbox_frame", json!({})).await?.unwrap_or_default();
                let team = frame["members"].as_array().map_or(&[][..], Vec::as_slice);
                let named = one_of(team, names).and_then(|member| member["name"].as_str()).unwrap_or_default();
                let talk = self.known.pick(Kind::Talk, talk);
                let note = json!({ "conversation_id": talk, "text": format!("@{named} veja {serial}") });
                drop(at.ask("write_note", note).await?);
            }
            Act::SeeMentions { talk } => {
                let talk = self.known.pick(Kind::Talk, talk);
                drop(at.ask("see_mentions", json!({ "conversation_id": talk })).await?);
            }
            Act::MoveVisit { visit, slot: number, professional, squeeze } => {
                let starts_at = slot(self.clinic.noon, number.into());
                let wish = json!({
                    "appointment_id": self.known.pick(Kind::Visit, visit),
                    "starts_at": text(starts_at),
                    "ends_at": text(starts_at + TimeDelta::minutes(30)),
                    "professional_id": self.known.pick(Kind::Professional, professional),
                    "squeeze_reason": squeeze.then(|| format!("Encaixe {serial}")),
                });
                drop(at.ask("reschedule_appointment", wish).await?);
            }
            Act::MoveLead { lead, stage, before } => {
                let (stage, kind) = &self.stages[usize::from(stage) % self.stages.len()];
                let wish = json!({
                    "lead_id": self.known.pick(Kind::Lead, lead),
                    "stage_id": stage,
                    "before_lead_id": before.map(|before| self.known.pick(Kind::Lead, before)),
                    "loss_reason_id": (kind == "lost").then_some(self.loss_reason),
                });
                drop(at.ask("move_lead", wish).await?);
            }
            Act::OnTalk { talk, deed } => {
                let action = talk_deed(deed, at.member, serial);
                let wish = json!({ "conversation_ids": [self.known.pick(Kind::Talk, talk)], "action": action });
                if let Ok(done) = at.ask("act_on_threads", wish).await? {
                    self.undos[desk] = done["undo"].clone();
                }
            }
            Act::TakeBack => {
                let undo = std::mem::take(&mut self.undos[desk]);
                if !undo.is_null() {
                    drop(at.ask("undo_threads", json!({ "undo": undo })).await?);
                }
            }
            Act::NoteOnContact { contact } => self.note(desk, "contact", Kind::Contact, contact).await?,
            Act::NoteOnVisit { visit } => self.note(desk, "appointment", Kind::Visit, visit).await?,
            Act::SaveReply { which } => {
                let known = which.map(|which| self.known.pick(Kind::Reply, which));
                let reply = json!({
                    "id": known, "shortcut": format!("d{serial}"), "title": format!("Texto {serial}"), "body": "Bom dia.",
                });
                if let (Ok(written), None) = (at.ask("save_quick_reply", reply).await?, known) {
                    self.known.add(Kind::Reply, id_of(&written["entity_id"])?);
                }
            }
            Act::RemoveReply { which } => {
                let reply = self.known.pick(Kind::Reply, which);
                drop(at.ask("remove_quick_reply", json!({ "id": reply })).await?);
            }
            Act::Set(setting) => {
                let wish = match setting {
                    Setting::WaitLimits => json!({ "amber_minutes": serial, "red_minutes": serial + 60 }),
                    Setting::FilesKept => json!({ "months": serial }),
                    Setting::BookingLead => json!({ "minutes": serial }),
                    Setting::Survey => json!({ "on": true, "question": format!("De 1 a 5? {serial}"), "hours": 24 }),
                };
                drop(at.ask(setting.command(), wish).await?);
            }
            Act::Book { talk, slot: number, professional, for_another } => {
                let book_for = match for_another {
                    true => json!({ "kind": "new", "name": format!("Criança {serial}") }),
                    false => json!({ "kind": "person" }),
                };
                let wish = json!({
                    "conversation_id": self.known.pick(Kind::Talk, talk),
                    "book_for": book_for,
                    "professional_id": self.known.pick(Kind::Professional, professional),
                    "starts_at": text(slot(self.clinic.noon, number.into())),
                });
                if let Ok(booked) = at.ask("book_appointment", wish).await? {
                    self.known.add(Kind::Visit, id_of(&booked["appointment_id"])?);
                    self.booked.push(booked);
                }
            }
            Act::UndoBooking { which } => {
                if let Some(booked) = one_of(&self.booked, which) {
                    let wish = json!({
                        "appointment_id": booked["appointment_id"], "patient_added": booked["patient_added"],
                    });
                    drop(at.ask("undo_booking", wish).await?);
                }
            }
            Act::EditContact { contact, field } => {
                let fields = match field {
                    0 => json!({ "name": format!("Pessoa {desk}-{serial}") }),
                    1 => json!({ "email": format!("{desk}-{serial}@exemplo.com.br") }),
                    _ => json!({ "name": format!("Pessoa {desk}-{serial}"), "source": format!("{serial}") }),
                };
                let contact = self.known.pick(Kind::Contact, contact);
                at.enqueue(write("edit_contact", WriteKind::Patch, "contacts", contact, fields)?).await?;
            }
            Act::BlockHours => {
                let fields = json!({
                    "kind": "extra_hours", "starts_at": text(self.clinic.noon), "reason": format!("Mutirão {desk}-{serial}"),
                    "ends_at": text(self.clinic.noon + TimeDelta::hours(1)),
                });
                let hours = Uuid::now_v7();
                self.known.add(Kind::Hours, hours);
                at.enqueue(write("block_hours", WriteKind::Insert, "schedule_exceptions", hours, fields)?).await?;
            }
            Act::FreeHours { which } => {
                let hours = self.known.pick(Kind::Hours, which);
                at.enqueue(write("free_hours", WriteKind::Delete, "schedule_exceptions", hours, json!({}))?).await?;
            }
            Act::Decide { which, choice } => {
                let parked: Vec<Uuid> = self.queued(desk, OperationState::Parked).await?;
                if let Some(id) = one_of(&parked, which) {
                    self.decide(desk, *id, choice).await?;
                }
            }
            Act::Withdraw { which } => {
                let waiting: Vec<Uuid> = self.queued(desk, OperationState::Waiting).await?;
                if let Some(id) = one_of(&waiting, which) {
                    self.decide(desk, *id, Choice::Discard).await?;
                }
            }
            Act::RetryAll => drop(at.ask("retry_operations", json!({})).await?),
            Act::WantAgain { which } => {
                if let Some((_, id)) = one_of(&self.given_up, which).filter(|(at, _)| *at == desk) {
                    drop(at.ask("restore_operation", json!({ "operation_id": id })).await?);
                }
            }
        }
        self.compare_queue(desk, By::Person).await?;
        self.ledger.hear_of_erased(&mut self.admin).await?;
        self.screens_are_true(desk, false).await
    }

    async fn note(&mut self, desk: usize, about: &str, kind: Kind, which: u8) -> Result<()> {
        let marker = format!("Nota {desk}-{}.", self.serial);
        let note = json!({ "about": about, "id": self.known.pick(kind, which), "text": marker });
        if let Ok(written) = self.desks[desk].ask("add_note", note).await?
            && let Some(id) = written["operation_id"].as_str()
        {
            self.notes.push((id.parse()?, marker));
        }
        Ok(())
    }

    pub(super) async fn queued(&self, desk: usize, wanted: OperationState) -> Result<Vec<Uuid>> {
        let queued = self.desks[desk].outbox().await?;
        Ok(queued
            .into_iter()
            .filter(|(_, state)| *state == wanted)
            .map(|(operation, _)| operation.operation_id)
            .collect())
    }

    pub(super) async fn decide(&mut self, desk: usize, id: Uuid, choice: Choice) -> Result<()> {
        if choice == Choice::Discard {
            self.given_up.push((desk, id));
        }
        let choice = match choice {
            Choice::Retry => json!({ "operation_id": id, "choice": "retry" }),
            Choice::SqueezeIn => json!({ "operation_id": id, "choice": "squeeze_in", "reason": "Urgente" }),
            Choice::Discard => json!({ "operation_id": id, "choice": "discard" }),
        };
        drop(self.desks[desk].ask("decide_operation", choice).await?);
        Ok(())
    }
}

/// One of some, by number.
fn one_of<T>(all: &[T], which: u8) -> Option<&T> {
    all.get(usize::from(which) % all.len().max(1))
}

fn id_of(value: &Value) -> Result<Uuid> {
    Ok(value.as_str().context("an id")?.parse()?)
}

/// A write that no screen has a command for yet.
fn write(action: &'static str, kind: WriteKind, entity: &str, id: Uuid, fields: Value) -> Result<NewOperation> {
    let entity = Entity::named(entity).context("an entity")?;
    let fields = fields.as_object().cloned().unwrap_or_default();
    Ok(NewOperation {
        operation_id: Uuid::now_v7(),
        action,
        kind,
        effect: Effect { entity, entity_id: id, fields },
        followers: Vec::new(),
        unchecked: &[],
        depends_on: None,
        expires_at: None,
    })
}
