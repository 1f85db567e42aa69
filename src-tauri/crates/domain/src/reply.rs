//! What a person may send.

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
    fn a_preview_is_one_line_and_never_cuts_a_letter() {
        assert_eq!(preview("oi\n  tudo   bem?"), "oi tudo bem?");
        assert_eq!(preview(&"é".repeat(300)).chars().count(), 160);
    }
}
