//! What the program knows by itself and can fill into a text.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::clinic::OpenClinic;
use crate::error::ApiError;
use crate::inbox::at;

/// Days of the week as a message to a person says them; Monday is the first.
const WEEKDAYS: [&str; 7] = ["segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo"];

/// Values by the name of their place, for the person of a thread. What is not known is not there.
pub(super) async fn known(clinic: &OpenClinic, conversation: Uuid) -> Result<BTreeMap<&'static str, String>, ApiError> {
    let cache = &clinic.cache;
    let (now, zone) = (cache.server_now().await?, clinic.time_zone().await?);
    let row = cache.conversation(conversation).await?;
    let (me, here) = (cache.member(clinic.me().await?).await?, cache.clinic().await?);
    let visit = cache.next_visit(row.contact_id, now.timestamp_micros()).await?;
    // A phone is no name to greet somebody by.
    let name = [Some(row.name), row.profile_name].into_iter().flatten().find(|name| !name.trim().is_empty());
    let local = now.with_timezone(&zone);
    let mut values = BTreeMap::new();
    let mut put = |place: &'static str, value: Option<String>| {
        if let Some(value) = value {
            values.insert(place, value);
        }
    };
    put("primeiro_nome", name.as_deref().and_then(|name| name.split_whitespace().next()).map(str::to_owned));
    put("nome", name);
    put("clinica", here.map(|clinic| clinic.name));
    put("atendente", me.map(|member| member.name));
    put("data", Some(local.format("%d/%m/%Y").to_string()));
    put("hora", Some(local.format("%H:%M").to_string()));
    if let Some(visit) = visit {
        put("consulta", Some(visit_time(at(visit.starts_at), zone)));
        put("profissional", visit.professional);
        put("servico", visit.service);
    }
    Ok(values)
}

/// "24/11 (terça) às 14:30", in the clinic's time.
pub(crate) fn visit_time(starts_at: DateTime<Utc>, zone: Tz) -> String {
    let local = starts_at.with_timezone(&zone);
    let weekday = WEEKDAYS.get(local.weekday().num_days_from_monday() as usize).copied().unwrap_or_default();
    format!("{} ({weekday}) às {}", local.format("%d/%m"), local.format("%H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_is_told_in_the_clinics_time() {
        let starts_at = "2026-11-25T01:30:00Z".parse().unwrap();
        assert_eq!(visit_time(starts_at, chrono_tz::America::Sao_Paulo), "24/11 (terça) às 22:30");
    }
}
