//! What opens a gateway.

use std::fmt;

use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

/// Why what was typed is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Nothing was typed.
    #[error("there is no key")]
    Empty,
    /// More than 4,096 characters.
    #[error("this is too long for a key")]
    TooLong,
    /// It has characters that no key has: spaces, line ends, letters with accents.
    #[error("a key has no spaces and no special letters")]
    StrangeCharacter,
}

/// A key or token of a gateway. It has no `Display`, its `Debug` hides the text, and its memory is overwritten when
/// dropped. It travels in a header, never in an address.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Zeroizing<String>);

impl Key {
    /// Takes a key as it was pasted, without what stands around it.
    ///
    /// # Errors
    /// [`BadKey`] with the reason.
    pub fn new(pasted: &str) -> Result<Self, BadKey> {
        let key = pasted.trim();
        if key.is_empty() {
            return Err(BadKey::Empty);
        }
        if key.len() > 4_096 {
            return Err(BadKey::TooLong);
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadKey::StrangeCharacter);
        }
        Ok(Self(Zeroizing::new(key.to_owned())))
    }

    /// The text itself. Whoever calls this answers for where it goes: never into a log, an error or an address.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The key as the value of a header that no log shows.
    pub(crate) fn header(&self) -> HeaderValue {
        sensitive(self.expose())
    }

    /// The same as a bearer's token.
    pub(crate) fn bearer(&self) -> HeaderValue {
        sensitive(&Zeroizing::new(format!("Bearer {}", self.expose())))
    }
}

fn sensitive(text: &str) -> HeaderValue {
    // Only characters that a header may have ever become a key.
    let mut value = HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_a_key() {
        let key = Key::new(" 429683C4C977415CAAFCCE10F7D57E11\n").unwrap();
        assert_eq!(key.expose(), "429683C4C977415CAAFCCE10F7D57E11");
        for shown in [format!("{key:?}"), format!("{:?}", key.header()), format!("{:?}", key.bearer())] {
            assert!(!shown.contains("4296"), "{shown}");
        }
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_no_key() {
        assert_eq!(Key::new(" "), Err(BadKey::Empty));
        assert_eq!(Key::new("a b"), Err(BadKey::StrangeCharacter));
        assert_eq!(Key::new("a\r\nx: y"), Err(BadKey::StrangeCharacter));
        assert_eq!(Key::new("ção"), Err(BadKey::StrangeCharacter));
        assert_eq!(Key::new(&"x".repeat(5000)), Err(BadKey::TooLong));
    }
}
