//! How people liked it: what is asked after a talk, and which answers are a number.

use crate::Refusal;
use crate::text::fold;

/// Longest question, in characters.
pub const LONGEST_QUESTION: usize = 500;

/// The longest time for an answer, in hours.
pub const LONGEST_HOURS: u32 = 7 * 24;

/// The worst and the best.
pub const SCORES: std::ops::RangeInclusive<u8> = 1..=5;

/// Words that people put around the number.
const AROUND: [&str; 9] = ["nota", "estrela", "estrelas", "ponto", "pontos", "dou", "minha", "e", "a"];

/// The number that a text is, when it is one and nothing else: `5`, `nota 5`, `cinco estrelas`, `⭐⭐⭐⭐`, `4/5`. A number within
/// a sentence is mostly about something else.
pub fn score(text: &str) -> Option<u8> {
    let text = fold(text);
    if let Some(stars) = stars(&text) {
        return Some(stars);
    }
    let words: Vec<&str> = text
        .split(|letter: char| !(letter.is_alphanumeric() || letter == '/'))
        .filter(|word| !word.is_empty() && !AROUND.contains(word))
        .collect();
    match words[..] {
        [word] => number(word.strip_suffix("/5").unwrap_or(word)),
        [word, "de", "5" | "cinco"] => number(word),
        _ => None,
    }
}

fn number(word: &str) -> Option<u8> {
    let value = match word {
        "um" | "uma" => 1,
        "dois" | "duas" => 2,
        "tres" => 3,
        "quatro" => 4,
        "cinco" => 5,
        digits => digits.parse().ok()?,
    };
    SCORES.contains(&value).then_some(value)
}

/// Stars and nothing else.
fn stars(text: &str) -> Option<u8> {
    // A variation selector says how it is drawn.
    let mut count: u8 = 0;
    for letter in text.chars().filter(|letter| !letter.is_whitespace() && *letter != '\u{fe0f}') {
        match letter {
            '⭐' | '🌟' | '★' => count = count.checked_add(1)?,
            _ => return None,
        }
    }
    SCORES.contains(&count).then_some(count)
}

/// What is asked, and for how long an answer counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Whether it is asked.
    pub on: bool,
    /// The words.
    pub question: String,
    /// Hours for which the next message may be the answer.
    pub hours: u32,
}

impl Survey {
    /// The survey with its question trimmed.
    ///
    /// # Errors
    /// [`Refusal::TextEmpty`], [`Refusal::TextTooLong`], [`Refusal::SurveyHours`].
    pub fn check(self) -> Result<Self, Refusal> {
        let question = self.question.trim().to_owned();
        match question.chars().count() {
            0 => return Err(Refusal::TextEmpty),
            count if count > LONGEST_QUESTION => return Err(Refusal::TextTooLong),
            _ => {}
        }
        if !(1..=LONGEST_HOURS).contains(&self.hours) {
            return Err(Refusal::SurveyHours);
        }
        Ok(Self { question, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_however_people_write_it() {
        for (text, value) in [
            ("5", 5),
            (" 4 ", 4),
            ("Nota 5!", 5),
            ("nota: 3", 3),
            ("cinco", 5),
            ("Três estrelas", 3),
            ("uma estrela", 1),
            ("4/5", 4),
            ("5 de 5", 5),
            ("dou nota 2", 2),
            ("⭐⭐⭐⭐⭐", 5),
            ("★ ★", 2),
            ("⭐\u{fe0f}⭐\u{fe0f}⭐\u{fe0f}", 3),
            ("4\u{fe0f}\u{20e3}", 4),
            ("5.", 5),
        ] {
            assert_eq!(score(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_about_something_else_is_no_answer() {
        for text in [
            "",
            "0",
            "6",
            "10",
            "55",
            "5 horas",
            "às 5",
            "obrigada",
            "quero marcar 2 consultas",
            "3 e 4",
            "4 ou 5",
            "-",
            "⭐⭐⭐⭐⭐⭐",
            "⭐ ótimo",
            "nota",
            "5/10",
            "1/5 pm",
            "+5511988887777",
            "foi 5 anos atrás",
        ] {
            assert_eq!(score(text), None, "{text}");
        }
    }

    #[test]
    fn a_question_has_words_and_an_end() {
        let survey = |question: &str, hours| Survey { on: true, question: question.to_owned(), hours }.check();
        assert_eq!(survey("  De 1 a 5? ", 24).unwrap().question, "De 1 a 5?");
        assert_eq!(survey(" ", 24), Err(Refusal::TextEmpty));
        assert_eq!(survey(&"a".repeat(LONGEST_QUESTION + 1), 24), Err(Refusal::TextTooLong));
        assert_eq!(survey("?", 0), Err(Refusal::SurveyHours));
        assert_eq!(survey("?", LONGEST_HOURS + 1), Err(Refusal::SurveyHours));
    }
}
