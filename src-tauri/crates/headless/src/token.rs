//! The secret that a caller must know.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use subtle::ConstantTimeEq as _;

/// Shorter ones can be guessed.
const SHORTEST: usize = 32;

/// The secret that a caller must know; 64 hexadecimal digits when it was made here.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Reads the token from a file; makes the file, readable by its owner only, when it is absent.
    ///
    /// # Errors
    /// The file can be neither read nor made, or holds less than 32 characters.
    pub fn load_or_make(file: &Path) -> Result<Self> {
        match Self::make(file) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let text =
                    fs::read_to_string(file).with_context(|| format!("cannot read the token in {}", file.display()))?;
                Self::new(text.trim()).with_context(|| format!("{} is no token", file.display()))
            }
            made => made.with_context(|| format!("cannot make the token file {}", file.display())),
        }
    }

    /// A token with this text.
    ///
    /// # Errors
    /// It has less than 32 characters, or others than printable ASCII.
    pub fn new(text: &str) -> Result<Self> {
        if text.len() < SHORTEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("a token has at least {SHORTEST} printable characters");
        }
        Ok(Self(text.to_owned()))
    }

    fn make(file: &Path) -> io::Result<Self> {
        let bytes: [u8; 32] = rand::random();
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(file)?.write_all(text.as_bytes())?;
        Ok(Self(text))
    }

    /// The text, for a caller.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in a time that tells nothing about how much was right.
    pub(crate) fn is(&self, offered: &str) -> bool {
        self.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let made = Token::load_or_make(&file).unwrap();
        let read = Token::load_or_make(&file).unwrap();
        assert_eq!(made.expose(), read.expose());
        assert_eq!(made.expose().len(), 64);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_without_a_secret_in_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "\n").unwrap();
        assert!(Token::load_or_make(&file).is_err());
    }

    #[test]
    fn only_the_whole_token_is_right() {
        let token = Token::new(&"a".repeat(64)).unwrap();
        assert!(token.is(&"a".repeat(64)));
        assert!(!token.is(&"a".repeat(63)));
        assert!(!token.is(""));
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
