//! Leads and their way through the stages.

use serde_json::{Value, json};

use super::{Table, table};
use crate::sample::Sample;

impl Sample {
    pub(super) fn lead_tables(&self) -> Vec<Table<'_>> {
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
