//! The house, its people and what it offers.

use chrono::{DateTime, Utc};

use crate::sample::clinic::QUICK_REPLIES;

use super::{Table, table};
use crate::sample::Sample;

impl Sample {
    pub(super) fn setting_tables(&self) -> Vec<Table<'_>> {
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
}
