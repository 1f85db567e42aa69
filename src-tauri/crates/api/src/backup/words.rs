//! The recovery words: drawn, shown once, and in use only after somebody has shown that they were written down.

use std::sync::{Mutex, PoisonError};

use balcao_backup::Words;
use balcao_keychain::Secret;

use super::types::{ConfirmWords, RecoveryWords};
use crate::error::ApiError;

/// How many words are asked for.
const ASKED: usize = 3;

/// Words that were drawn and are not in use yet.
#[derive(Debug, Default)]
pub(crate) struct Drawn(Mutex<Option<(Words, Vec<usize>)>>);

impl Drawn {
    /// Draws words and the places to ask for; what was drawn before is void.
    pub(super) fn draw(&self) -> Result<RecoveryWords, ApiError> {
        let words = Words::draw()?;
        let places = places(&words.series());
        let shown = RecoveryWords {
            words: words.secret().expose().split(' ').map(str::to_owned).collect(),
            ask: places.iter().map(|place| *place as u32 + 1).collect(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((words, places));
        Ok(shown)
    }

    /// The words, when those that were asked for are right. Wrong ones can be typed again.
    pub(super) fn confirm(&self, typed: &ConfirmWords) -> Result<Words, ApiError> {
        let drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (words, places) =
            drawn.as_ref().ok_or_else(|| ApiError::new("backup_no_words_drawn", "no words were drawn"))?;
        // With the asked places filled in as they were typed, the whole is what was drawn, or it is not.
        let mut whole: Vec<&str> = words.secret().expose().split(' ').collect();
        if typed.words.len() != places.len() {
            return Err(wrong(0));
        }
        for (at, (place, word)) in places.iter().zip(&typed.words).enumerate() {
            let right = whole[*place];
            whole[*place] = word;
            let text = Secret::new(whole.join(" "));
            if Words::parse(text.expose()).ok().as_ref() != Some(words) {
                return Err(wrong(at));
            }
            whole[*place] = right;
        }
        Ok(words.clone())
    }

    /// They are in use, or nobody wants them.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Different ones each time, in their order. Which ones is no secret.
fn places(series: &str) -> Vec<usize> {
    let mut left: Vec<usize> = (0..12).collect();
    let mut places: Vec<usize> =
        series.bytes().take(ASKED).map(|byte| left.remove(usize::from(byte) % left.len())).collect();
    places.sort_unstable();
    places
}

fn wrong(at: usize) -> ApiError {
    ApiError::new("backup_word_differs", "a word is not the one that was shown").about((at + 1).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(shown: &RecoveryWords) -> Vec<String> {
        shown.ask.iter().map(|place| shown.words[*place as usize - 1].to_uppercase()).collect()
    }

    #[test]
    fn words_are_in_use_once_those_that_were_asked_for_are_typed() {
        let drawn = Drawn::default();
        assert_eq!(drawn.confirm(&ConfirmWords { words: vec![] }).unwrap_err().code, "backup_no_words_drawn");
        let shown = drawn.draw().unwrap();
        assert_eq!((shown.words.len(), shown.ask.len()), (12, ASKED));
        assert!(shown.ask.is_sorted() && shown.ask.iter().all(|place| (1..=12).contains(place)));
        let right = typed(&shown);
        let other = |word: &str| if word == "ABACATE" { "abaixo".to_owned() } else { "abacate".to_owned() };
        for place in 0..ASKED {
            let mut wrong = right.clone();
            wrong[place] = other(&right[place]);
            let refused = drawn.confirm(&ConfirmWords { words: wrong }).unwrap_err();
            assert_eq!(
                (refused.code.as_str(), refused.reference),
                ("backup_word_differs", Some((place + 1).to_string()))
            );
        }
        for (words, what) in [(vec![], "none"), (right[..2].to_vec(), "too few")] {
            assert!(drawn.confirm(&ConfirmWords { words }).is_err(), "{what}");
        }
        let words = drawn.confirm(&ConfirmWords { words: right }).unwrap();
        assert_eq!(words.secret().expose().split(' ').collect::<Vec<_>>(), shown.words);
        drawn.forget();
        assert!(drawn.confirm(&ConfirmWords { words: vec![] }).is_err());
    }

    #[test]
    fn words_that_were_drawn_again_make_the_first_ones_void() {
        let drawn = Drawn::default();
        let first = drawn.draw().unwrap();
        drawn.draw().unwrap();
        assert!(drawn.confirm(&ConfirmWords { words: typed(&first) }).is_err());
    }
}
