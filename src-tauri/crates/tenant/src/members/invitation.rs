//! What the other computer needs to come in, as a text that only the code opens.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Code;
use crate::Address;

/// Begins every invitation; the digit is the version of what follows.
const PREFIX: &str = "balcao1:";

const SALT: usize = 16;
const NONCE: usize = 24;

/// Far more than any invitation has, and little enough to be read without a thought.
const LONGEST: usize = 64 * 1024;

/// Memory in KiB and rounds for one guess at a code: some tenths of a second, and 64 MiB for each that is made at once.
const EFFORT: (u32, u32) = (64 * 1024, 3);

/// Where the clinic is and what to log in with, once. `Debug` hides the password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Where, and as whom.
    #[serde(rename = "a")]
    pub address: Address,
    /// What the login has until it is accepted; worth nothing afterwards.
    #[serde(rename = "w")]
    pub password: String,
    /// Name of the clinic.
    #[serde(rename = "c")]
    pub clinic_name: String,
    /// Who is invited.
    #[serde(rename = "m")]
    pub member_name: String,
    /// The clinic; absent from what an earlier version has made.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub clinic_id: Option<Uuid>,
    /// The member; likewise.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub member_id: Option<Uuid>,
    /// When it was made, on the clock of the computer that made it.
    #[serde(rename = "i", with = "chrono::serde::ts_seconds")]
    pub made_at: DateTime<Utc>,
    /// When the server stops admitting the login.
    #[serde(rename = "x", with = "chrono::serde::ts_seconds")]
    pub expires_at: DateTime<Utc>,
}

/// Why a text is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// It is no invitation, or a part of one.
    #[error("the text is not a whole invitation")]
    NotAnInvitation,
    /// A later program has made it.
    #[error("the invitation was made by a newer program")]
    Newer,
    /// The code does not belong to it.
    #[error("the code does not open this invitation")]
    WrongCode,
    /// The operating system did not give the memory for it.
    #[error("there is not enough memory to open the invitation")]
    NoMemory,
}

impl Invitation {
    /// The text that the code opens. Takes some tenths of a second of computing.
    ///
    /// # Errors
    /// [`InvitationError::NoMemory`].
    pub fn seal(&self, code: &Code) -> Result<String, InvitationError> {
        let (salt, nonce): ([u8; SALT], [u8; NONCE]) = (rand::random(), rand::random());
        let plain = Zeroizing::new(serde_json::to_vec(self).map_err(|_| InvitationError::NotAnInvitation)?);
        let sealed = cipher(code, &salt)?
            .encrypt(&XNonce::from(nonce), Payload { msg: &plain, aad: PREFIX.as_bytes() })
            .map_err(|_| InvitationError::NoMemory)?;
        let bytes = [&salt[..], &nonce[..], &sealed].concat();
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Opens a text. White space that a message or a file has put into it does not matter. Takes as long as sealing.
    ///
    /// # Errors
    /// [`InvitationError`]
    pub fn open(text: &str, code: &Code) -> Result<Self, InvitationError> {
        if text.len() > LONGEST {
            return Err(InvitationError::NotAnInvitation);
        }
        let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        let Some(body) = text.strip_prefix(PREFIX) else {
            let newer = text.strip_prefix("balcao").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            return Err(if newer { InvitationError::Newer } else { InvitationError::NotAnInvitation });
        };
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| InvitationError::NotAnInvitation)?;
        let (salt, rest) = bytes.split_first_chunk::<SALT>().ok_or(InvitationError::NotAnInvitation)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(InvitationError::NotAnInvitation)?;
        let plain = cipher(code, salt)?
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: PREFIX.as_bytes() })
            .map(Zeroizing::new)
            .map_err(|_| InvitationError::WrongCode)?;
        serde_json::from_slice(&plain).map_err(|_| InvitationError::Newer)
    }
}

fn cipher(code: &Code, salt: &[u8]) -> Result<XChaCha20Poly1305, InvitationError> {
    let (memory, rounds) = EFFORT;
    let effort = Params::new(memory, rounds, 1, Some(32)).map_err(|_| InvitationError::NoMemory)?;
    let mut key = Zeroizing::new([0_u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, effort)
        .hash_password_into(code.bytes(), salt, &mut *key)
        .map_err(|_| InvitationError::NoMemory)?;
    Ok(XChaCha20Poly1305::new(&Key::from(*key)))
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation")
            .field("address", &self.address)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TlsMode;

    fn invitation() -> Invitation {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("it is a time");
        Invitation {
            address: Address {
                host: "192.168.0.10".to_owned(),
                port: 55_320,
                database: "balcao".to_owned(),
                user: "balcao_0123456789abcdef".to_owned(),
                tls: TlsMode::VerifyFullWith { ca_pem: format!("-----BEGIN CERTIFICATE-----\n{}\n", "M".repeat(620)) },
            },
            password: "hunter2-hunter2".to_owned(),
            clinic_name: "Clínica Ipê".to_owned(),
            member_name: "Ana".to_owned(),
            clinic_id: Some(Uuid::from_u128(u128::MAX)),
            member_id: Some(Uuid::from_u128(u128::MAX)),
            made_at: at(1_795_000_000),
            expires_at: at(1_795_086_400),
        }
    }

    #[test]
    fn an_invitation_is_opened_by_its_code_and_by_no_other() {
        let (code, invitation) = (Code::random(), invitation());
        let text = invitation.seal(&code).expect("it is sealed");
        assert!(text.len() < 2_000, "it fits a QR code: {}", text.len());
        for secret in ["hunter2", "192.168", "Ana", "0123456789abcdef"] {
            assert!(!text.contains(secret) && !format!("{invitation:?}").contains("hunter2"), "{secret} is shown");
        }
        let (start, rest) = text.split_at(40);
        for wrapped in [text.clone(), format!("  {start}\r\n {rest}\n")] {
            assert_eq!(Invitation::open(&wrapped, &code).as_ref(), Ok(&invitation));
        }
        assert_eq!(Invitation::open(&text, &Code::random()), Err(InvitationError::WrongCode));
        let again = invitation.seal(&code).expect("it is sealed");
        assert_ne!(again, text, "two of the same say nothing of it");
    }

    #[test]
    fn what_an_earlier_version_has_made_is_opened_too() {
        let mut earlier = serde_json::to_value(invitation()).expect("it is an object");
        let fields = earlier.as_object_mut().expect("it is an object");
        assert!(fields.remove("k").is_some() && fields.remove("n").is_some());
        let read: Invitation = serde_json::from_value(earlier).expect("it is read");
        assert_eq!(read, Invitation { clinic_id: None, member_id: None, ..invitation() });
    }

    #[test]
    fn what_is_no_invitation_is_said_to_be_none_and_a_changed_one_is_not_opened() {
        let code = Code::random();
        let text = invitation().seal(&code).expect("it is sealed");
        for (text, expected) in [
            (String::new(), InvitationError::NotAnInvitation),
            ("bom dia".to_owned(), InvitationError::NotAnInvitation),
            ("balcao1:".to_owned(), InvitationError::NotAnInvitation),
            ("balcao1:çç".to_owned(), InvitationError::NotAnInvitation),
            (text[..50].to_owned(), InvitationError::NotAnInvitation),
            ("x".repeat(100_000), InvitationError::NotAnInvitation),
            (text.replacen("balcao1", "balcao2", 1), InvitationError::Newer),
            // Cut where a byte ends.
            (text[..text.len() / 4 * 4 - 8].to_owned(), InvitationError::WrongCode),
        ] {
            assert_eq!(Invitation::open(&text, &code), Err(expected), "{text:.20}");
        }
    }
}
