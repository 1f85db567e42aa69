//! Text that must not be shown or left behind in memory.

use std::fmt;

use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::{KeychainError, Result};

/// A password or a key. It has no `Display`, its `Debug` hides the text, and its memory is overwritten when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// `bytes` random bytes of the operating system, as twice as many lower-case hexadecimal digits: fit for a
    /// password, for a URL and, with 32 bytes, for a raw SQLCipher key (`x'…'`).
    ///
    /// # Errors
    /// [`KeychainError::Unavailable`] when the operating system gives no random numbers.
    pub fn random(bytes: usize) -> Result<Self> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut raw = Zeroizing::new(vec![0_u8; bytes]);
        SysRng
            .try_fill_bytes(&mut raw)
            .map_err(|error| KeychainError::unavailable(format!("no random numbers: {error}")))?;
        // The full capacity from the start: a string that grows leaves copies of itself in freed memory.
        let mut text = Zeroizing::new(String::with_capacity(bytes * 2));
        for byte in raw.iter() {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
        }
        Ok(Self(text))
    }

    /// The text itself. Whoever calls this answers for where it goes: never into a log, an error or a command line.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_text() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(…) Some(Secret(…))");
    }

    #[test]
    fn random_secrets_are_hexadecimal_and_differ() {
        let (one, other) = (Secret::random(32).unwrap(), Secret::random(32).unwrap());
        assert_eq!(one.expose().len(), 64, "two digits for each byte");
        assert!(one.expose().bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
        assert!(one != other, "two draws of 32 bytes never agree");
    }
}
