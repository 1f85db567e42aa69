//! What is written to the person about free times and about a visit that was booked. Like a quick reply: a text with places,
//! and nothing in it says what for.

use balcao_domain::quick_reply;
use chrono_tz::Tz;

use super::types::FreeTime;
use crate::quick_replies::visit_time;

const OFFER: &str = "{{primeiro_nome}}, tenho estes horários livres:\n{{horarios}}\nQual fica melhor para você?";
const OFFER_OF_ONE: &str = "{{primeiro_nome}}, tenho este horário livre:\n{{horarios}}\nFica bom para você?";
const CONFIRMATION: &str =
    "{{primeiro_nome}}, ficou marcado: {{consulta}}, com {{profissional}}. Se precisar mudar, é só avisar por aqui.";
const CONFIRMATION_OF_ANOTHER: &str = "{{primeiro_nome}}, ficou marcado para {{paciente}}: {{consulta}}, com {{profissional}}. Se precisar mudar, é só avisar por aqui.";

/// A text that offers some times.
pub(super) fn offer(name: Option<&str>, times: &[FreeTime], zone: Tz) -> String {
    let template = match times {
        [] => return String::new(),
        [_] => OFFER_OF_ONE,
        _ => OFFER,
    };
    let lines: Vec<String> =
        times.iter().map(|time| format!("• {}, com {}", visit_time(time.starts_at, zone), time.professional)).collect();
    filled(template, name, &[("horarios", &lines.join("\n"))])
}

/// A text that confirms a time; `patient` is said where it is not the person who reads it.
pub(super) fn confirmation(name: Option<&str>, patient: Option<&str>, time: &FreeTime, zone: Tz) -> String {
    let when = visit_time(time.starts_at, zone);
    let template = if patient.is_some() { CONFIRMATION_OF_ANOTHER } else { CONFIRMATION };
    let values =
        [("consulta", &*when), ("profissional", &time.professional), ("paciente", patient.unwrap_or_default())];
    filled(template, name, &values)
}

/// Whom nobody knows by name is not greeted by one.
fn filled(template: &str, name: Option<&str>, values: &[(&str, &str)]) -> String {
    let first = name.and_then(|name| name.split_whitespace().next());
    let nameless = template.trim_start_matches("{{primeiro_nome}}, ");
    let fill = |text: &str| {
        let known = |place: &str| values.iter().find(|(name, _)| *name == place).map(|(_, value)| (*value).to_owned());
        let known = |place: &str| if place == "primeiro_nome" { first.map(str::to_owned) } else { known(place) };
        quick_reply::fill(text, known).text
    };
    match first {
        Some(_) => fill(template),
        None => {
            let text = fill(nameless);
            let mut letters = text.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::America::Sao_Paulo;

    fn time(starts_at: &str, professional: &str) -> FreeTime {
        let starts_at = starts_at.parse().unwrap();
        FreeTime {
            starts_at,
            ends_at: starts_at,
            professional_id: uuid::Uuid::nil(),
            professional: professional.into(),
        }
    }

    #[test]
    fn times_are_offered_in_the_clinics_words_and_zone() {
        let times = [time("2026-11-24T17:30:00Z", "Dra. Lima"), time("2026-11-25T11:00:00Z", "Dr. Rui")];
        assert_eq!(
            offer(Some("Maria Souza"), &times, ZONE),
            "Maria, tenho estes horários livres:\n• 24/11 (terça) às 14:30, com Dra. Lima\n• 25/11 (quarta) às 08:00, com Dr. Rui\n\
             Qual fica melhor para você?"
        );
        assert_eq!(offer(Some("Maria"), &[], ZONE), "");
    }

    #[test]
    fn whom_nobody_knows_by_name_is_not_greeted_by_one() {
        let times = [time("2026-11-24T17:30:00Z", "Dra. Lima")];
        assert_eq!(
            offer(None, &times, ZONE),
            "Tenho este horário livre:\n• 24/11 (terça) às 14:30, com Dra. Lima\nFica bom para você?"
        );
    }

    #[test]
    fn a_booked_visit_is_confirmed_without_saying_what_for() {
        let at = time("2026-11-24T17:30:00Z", "Dra. Lima");
        assert_eq!(
            confirmation(Some("Maria"), Some("Theo"), &at, ZONE),
            "Maria, ficou marcado para Theo: 24/11 (terça) às 14:30, com Dra. Lima. Se precisar mudar, é só avisar por aqui."
        );
        assert!(confirmation(None, None, &at, ZONE).starts_with("Ficou marcado: 24/11 (terça)"));
    }

    #[test]
    fn a_name_that_looks_like_a_place_is_only_a_name() {
        let text = confirmation(
            Some("{{consulta}}"),
            Some("{{profissional}}"),
            &time("2026-11-24T17:30:00Z", "{{nome}}"),
            ZONE,
        );
        assert!(
            text.starts_with("{{consulta}}, ficou marcado para {{profissional}}:") && text.contains("com {{nome}}."),
            "{text}"
        );
    }
}
