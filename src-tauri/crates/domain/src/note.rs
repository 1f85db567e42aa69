//! Notes that people leave: lines that are added, never rewritten.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::Refusal;

/// Longest note, in characters.
pub const LONGEST_NOTE: usize = 2_000;

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
    fn a_note_has_words_and_an_end() {
        assert_eq!(line(" \n", Some("Ana"), at(), ZONE), Err(Refusal::TextEmpty));
        assert_eq!(line(&"ã".repeat(LONGEST_NOTE + 1), Some("Ana"), at(), ZONE), Err(Refusal::TextTooLong));
        assert!(line(&"ã".repeat(LONGEST_NOTE), Some("Ana"), at(), ZONE).is_ok());
    }
}
