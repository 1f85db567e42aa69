//! What is done to a file before it leaves, so that the bucket's owner sees noise.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::trouble::Trouble;

/// Bytes of the key of a file.
pub const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// The key of one file. Without it the object is noise, whatever versions of it a provider keeps.
#[derive(Clone, PartialEq, Eq)]
pub struct FileKey(Zeroizing<[u8; KEY_BYTES]>);

impl FileKey {
    /// A new one.
    pub fn random() -> Self {
        Self(Zeroizing::new(rand::random()))
    }

    /// As the database has it; `None` where that is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// For the database.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// A file under this name: a nonce, and behind it the sealed bytes, which are no other object's.
    ///
    /// # Errors
    /// [`Trouble::Changed`] for more than anybody can seal.
    pub fn seal(&self, name: &str, bytes: &[u8]) -> Result<Vec<u8>, Trouble> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: bytes, aad: name.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| Trouble::Changed)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// The file again.
    ///
    /// # Errors
    /// [`Trouble::Changed`] where it is not what was sealed under this name.
    pub fn open(&self, name: &str, object: &[u8]) -> Result<Vec<u8>, Trouble> {
        let (nonce, sealed) = object.split_first_chunk::<NONCE_BYTES>().ok_or(Trouble::Changed)?;
        let payload = Payload { msg: sealed, aad: name.as_bytes() };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| Trouble::Changed)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0.as_slice().into())
    }
}

/// Shows nothing of it.
impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back_as_it_was_and_only_under_its_key_and_its_name() {
        let (key, file) = (FileKey::random(), b"uma receita".repeat(1_000));
        let sealed = key.seal("a/1", &file).unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"receita"));
        assert_ne!(key.seal("a/1", &file).unwrap(), sealed, "never the same noise twice");
        assert_eq!(key.open("a/1", &sealed).unwrap(), file);
        assert_eq!(FileKey::from_bytes(key.as_bytes()), Some(key.clone()));
        assert_eq!(key.open("a/2", &sealed), Err(Trouble::Changed), "another object's");
        assert_eq!(FileKey::random().open("a/1", &sealed), Err(Trouble::Changed));
        for cut in [0, NONCE_BYTES, sealed.len() - 1] {
            assert_eq!(key.open("a/1", &sealed[..cut]), Err(Trouble::Changed));
        }
        let mut other = sealed;
        *other.last_mut().unwrap() ^= 1;
        assert_eq!(key.open("a/1", &other), Err(Trouble::Changed));
    }
}
