//! The recovery words: the one secret that opens a backup.

use balcao_keychain::Secret;
use bip39::{Language, Mnemonic};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{BackupError, Result};

/// Twelve Portuguese words of the BIP39 list, 128 bits and a checksum. `Debug` hides them.
#[derive(Clone, PartialEq, Eq)]
pub struct Words(Secret);

impl Words {
    /// Draws new ones.
    ///
    /// # Errors
    /// [`BackupError::Keychain`] when the operating system gives no random numbers.
    pub fn draw() -> Result<Self> {
        let mut entropy = Zeroizing::new([0_u8; 16]);
        SysRng.try_fill_bytes(&mut *entropy).map_err(|_| BackupError::NoRandomNumbers)?;
        let mnemonic =
            Mnemonic::from_entropy_in(Language::Portuguese, &*entropy).map_err(|_| BackupError::NoRandomNumbers)?;
        Ok(Self::of(&mnemonic))
    }

    /// Reads what a person typed: in any case, with any accents, spaces, commas or numbers in between.
    ///
    /// # Errors
    /// [`BackupError::NotWords`]
    pub fn parse(text: &str) -> Result<Self> {
        let plain: Zeroizing<String> = Zeroizing::new(text.chars().map(plain).collect());
        let words: Vec<&str> = plain.split_whitespace().collect();
        if words.len() != 12 {
            return Err(BackupError::NotWords { unknown: None });
        }
        if let Some(at) = words.iter().position(|word| !Language::Portuguese.word_list().contains(word)) {
            return Err(BackupError::NotWords { unknown: Some(at + 1) });
        }
        let joined = Zeroizing::new(words.join(" "));
        let mnemonic = Mnemonic::parse_in_normalized(Language::Portuguese, &joined);
        mnemonic.map(|mnemonic| Self::of(&mnemonic)).map_err(|_| BackupError::NotWords { unknown: None })
    }

    fn of(mnemonic: &Mnemonic) -> Self {
        // The full length from the start: a string that grows leaves copies of itself in freed memory.
        let mut text = String::with_capacity(12 * 9);
        for word in mnemonic.words() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        Self(Secret::new(text))
    }

    /// The words with one space in between, for the keyring, for the person they are shown to, and for `age`.
    pub fn secret(&self) -> &Secret {
        &self.0
    }

    /// Names the backups that these words open, and tells nothing about the words.
    pub fn series(&self) -> String {
        let digest = Sha256::new().chain_update("balcao backup series ").chain_update(self.0.expose()).finalize();
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Words(…)")
    }
}

/// The list has no accents; whoever writes Portuguese may put some, and numbers in front.
fn plain(letter: char) -> char {
    match letter.to_lowercase().next().unwrap_or(letter) {
        'á' | 'à' | 'â' | 'ã' => 'a',
        'é' | 'ê' => 'e',
        'í' => 'i',
        'ó' | 'ô' | 'õ' => 'o',
        'ú' | 'ü' => 'u',
        'ç' => 'c',
        letter if letter.is_ascii_lowercase() => letter,
        _ => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_however_a_person_writes_them() {
        let words = Words::draw().unwrap();
        let text = words.secret().expose();
        assert_eq!(text.split(' ').count(), 12);
        let numbered: Vec<String> = text
            .split(' ')
            .enumerate()
            .map(|(index, word)| format!("{}. {}", index + 1, word.to_uppercase()))
            .collect();
        for typed in [text.to_owned(), text.replace(' ', "\n"), text.replace(' ', ", "), numbered.join("  ")] {
            assert_eq!(Words::parse(&typed).unwrap(), words);
        }
        assert_ne!(Words::draw().unwrap(), words);
    }

    #[test]
    fn a_word_that_does_not_exist_is_named_by_its_place_and_a_swapped_pair_is_noticed() {
        let words = Words::draw().unwrap();
        let mut list: Vec<&str> = words.secret().expose().split(' ').collect();
        list[4] = "xilofonex";
        assert!(matches!(Words::parse(&list.join(" ")), Err(BackupError::NotWords { unknown: Some(5) })));
        assert!(matches!(Words::parse(&list[..11].join(" ")), Err(BackupError::NotWords { unknown: None })));
    }

    #[test]
    fn debug_and_the_name_of_the_series_tell_nothing() {
        let words = Words::draw().unwrap();
        let shown = format!("{words:?} {}", words.series());
        assert!(words.secret().expose().split(' ').all(|word| !shown.contains(word)), "{shown}");
        assert_eq!(words.series(), Words::parse(words.secret().expose()).unwrap().series());
    }
}
