//! Contacts, what they are known by, patients, visits and who waits for one.

use serde_json::json;

use super::{Table, table};
use crate::sample::Sample;

impl Sample {
    pub(super) fn people_tables(&self) -> Vec<Table<'_>> {
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

    pub(super) fn agenda_tables(&self) -> Vec<Table<'_>> {
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
}
