//! What a person may send, and when.

use chrono::{DateTime, TimeDelta, Utc};

use crate::Refusal;

/// Longest text a gateway takes, in characters.
pub const LONGEST_TEXT: usize = 4096;

/// Trims a text and refuses what could not be sent.
pub fn validate_text(text: &str) -> Result<&str, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::TextEmpty);
    }
    if text.chars().count() > LONGEST_TEXT {
        return Err(Refusal::TextTooLong);
    }
    Ok(text)
}

/// The farthest ahead that a message is put off.
const LONGEST_WAIT: TimeDelta = TimeDelta::days(366);

/// When a message may be sent that is not to go at once.
///
/// # Errors
/// [`Refusal::TimePassed`], [`Refusal::TooFarAhead`].
pub fn validate_time(at: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
    if at <= now {
        return Err(Refusal::TimePassed);
    }
    if at > now + LONGEST_WAIT {
        return Err(Refusal::TooFarAhead);
    }
    Ok(at)
}

/// What a list shows of a message: one line, at most 160 characters.
pub fn preview(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(160) {
        line.truncate(end);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_white_space_is_refused() {
        assert_eq!(validate_text(" \n\t"), Err(Refusal::TextEmpty));
    }

    #[test]
    fn a_text_is_measured_in_characters_not_bytes() {
        assert!(validate_text(&"ã".repeat(LONGEST_TEXT)).is_ok());
        assert_eq!(validate_text(&"a".repeat(LONGEST_TEXT + 1)), Err(Refusal::TextTooLong));
    }

    #[test]
    fn a_message_is_put_off_to_some_time_within_a_year() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(validate_time(now, now), Err(Refusal::TimePassed));
        assert_eq!(validate_time(now + TimeDelta::days(400), now), Err(Refusal::TooFarAhead));
        assert!(validate_time(now + TimeDelta::seconds(1), now).is_ok());
    }

    #[test]
    fn a_preview_is_one_line_and_never_cuts_a_letter() {
        assert_eq!(preview("oi\n  tudo   bem?"), "oi tudo bem?");
        assert_eq!(preview(&"é".repeat(300)).chars().count(), 160);
    }
}
