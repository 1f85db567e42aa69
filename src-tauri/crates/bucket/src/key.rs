//! What opens a bucket. It stands in the keyring and nowhere else.

use std::fmt;

use zeroize::Zeroizing;

/// Longest part of a key that is one.
const LONGEST: usize = 1024;

/// What was typed is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is two lines: its id and its secret, without blanks")]
pub struct BadKey;

/// The id of a key and its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct BucketKey {
    id: Zeroizing<String>,
    secret: Zeroizing<String>,
}

impl BucketKey {
    /// From its parts, as they were typed.
    ///
    /// # Errors
    /// [`BadKey`]
    pub fn new(id: &str, secret: &str) -> Result<Self, BadKey> {
        let part = |typed: &str| {
            let typed = typed.trim();
            let fits = (1..=LONGEST).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_graphic());
            if fits { Ok(Zeroizing::new(typed.to_owned())) } else { Err(BadKey) }
        };
        Ok(Self { id: part(id)?, secret: part(secret)? })
    }

    /// From two lines, as it stands in the keyring and comes from standard input.
    ///
    /// # Errors
    /// [`BadKey`]
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        match (lines.next(), lines.next(), lines.next()) {
            (Some(id), Some(secret), None) => Self::new(id, secret),
            _ => Err(BadKey),
        }
    }

    /// As [`BucketKey::parse`] reads it.
    pub fn to_lines(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}\n{}", *self.id, *self.secret))
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

/// Shows nothing of it.
impl fmt::Debug for BucketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BucketKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_two_lines_and_shows_neither() {
        let key = BucketKey::parse(" AKIA7 \r\n\n s3cr3t/+= \n").unwrap();
        assert_eq!((key.id(), key.secret()), ("AKIA7", "s3cr3t/+="));
        assert_eq!(BucketKey::parse(&key.to_lines()), Ok(key.clone()));
        assert_eq!(format!("{key:?}"), "BucketKey(…)");
        for wrong in ["", "one", "one\n", "one\ntwo\nthree", "o ne\ntwo", "one\ntw\u{e7}"] {
            assert_eq!(BucketKey::parse(wrong), Err(BadKey), "{wrong:?}");
        }
    }
}
