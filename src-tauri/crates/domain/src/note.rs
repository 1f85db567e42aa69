//! Notes that people leave: lines that are added, never rewritten; and members of the team that a note names.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::Refusal;

/// Longest note, in characters.
pub const LONGEST_NOTE: usize = 2_000;

/// Members that one note names at the most.
pub const MOST_MENTIONS: usize = 20;

/// A note as it is added to what stands there: "21/11 14:30 Ana: prefere de manhã". The time is the clinic's; an author
/// without a name is left out.
///
/// # Errors
/// [`Refusal::TextEmpty`], [`Refusal::TextTooLong`].
pub fn line(text: &str, author: Option<&str>, at: DateTime<Utc>, zone: Tz) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::TextEmpty);
    }
    if text.chars().count() > LONGEST_NOTE {
        return Err(Refusal::TextTooLong);
    }
    let when = at.with_timezone(&zone).format("%d/%m %H:%M");
    Ok(match author.map(str::trim).filter(|name| !name.is_empty()) {
        Some(author) => format!("{when} {author}: {text}"),
        None => format!("{when}: {text}"),
    })
}

/// Whom a note names, in the order in which they stand: "@Ana Prado" with nothing of a word around it. Of two names that begin
/// alike, the longer one is meant.
pub fn mentioned<'a>(text: &str, members: impl IntoIterator<Item = (Uuid, &'a str)>) -> Vec<Uuid> {
    let mut members: Vec<(Uuid, &str)> = members.into_iter().filter(|(_, name)| !name.trim().is_empty()).collect();
    members.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        let (before, after) = (&text[..at], &text[at + 1..]);
        if before.chars().next_back().is_some_and(char::is_alphanumeric) {
            continue;
        }
        let named = members.iter().find(|(_, name)| {
            after.strip_prefix(name).is_some_and(|rest| !rest.chars().next().is_some_and(char::is_alphanumeric))
        });
        if let Some((member, _)) = named
            && !found.contains(member)
            && found.len() < MOST_MENTIONS
        {
            found.push(*member);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::America::Sao_Paulo;

    fn at() -> DateTime<Utc> {
        "2026-11-21T17:30:00Z".parse().unwrap()
    }

    #[test]
    fn a_note_says_when_in_the_clinics_time_and_by_whom() {
        assert_eq!(line(" prefere de manhã\n", Some("Ana"), at(), ZONE).unwrap(), "21/11 14:30 Ana: prefere de manhã");
        assert_eq!(line("sem nome", Some(" "), at(), ZONE).unwrap(), "21/11 14:30: sem nome");
    }

    #[test]
    fn a_note_names_whom_it_says_and_nobody_who_is_called_nearly_so() {
        let (ana, ana_prado, rui) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let team = [(ana, "Ana"), (ana_prado, "Ana Prado"), (rui, "Rui"), (Uuid::from_u128(4), " ")];
        let named = |text: &str| mentioned(text, team);
        assert_eq!(named("@Ana Prado, veja com o @Rui. @Rui?"), [ana_prado, rui]);
        assert_eq!(named("(@Ana) @Ana Pradowski"), [ana], "whoever has the shorter name");
        for nobody in ["ana@Ana.com", "@Anabela", "@", "@ Rui", "Rui", "@rui"] {
            assert!(named(nobody).is_empty(), "{nobody}");
        }
        let many: Vec<(Uuid, String)> = (0..30).map(|n| (Uuid::from_u128(n), format!("M{n}"))).collect();
        let text: String = many.iter().map(|(_, name)| format!("@{name} ")).collect();
        let team = many.iter().map(|(id, name)| (*id, name.as_str()));
        assert_eq!(mentioned(&text, team).len(), MOST_MENTIONS);
    }

    #[test]
    fn a_note_has_words_and_an_end() {
        assert_eq!(line(" \n", Some("Ana"), at(), ZONE), Err(Refusal::TextEmpty));
        assert_eq!(line(&"ã".repeat(LONGEST_NOTE + 1), Some("Ana"), at(), ZONE), Err(Refusal::TextTooLong));
        assert!(line(&"ã".repeat(LONGEST_NOTE), Some("Ana"), at(), ZONE).is_ok());
    }
}
