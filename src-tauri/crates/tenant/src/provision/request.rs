//! What is asked for, checked before the database hears of it.

use crate::connect::Role;
use crate::{Error, Result};

/// A clinic to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// 1 to 160 characters.
    pub clinic_name: String,
    /// An IANA name such as `America/Sao_Paulo`.
    pub time_zone: String,
    /// A language tag such as `pt-BR`.
    pub locale: String,
    /// Whom the clinic cares for.
    pub vertical: Vertical,
    /// The short name to begin from; made from the clinic's name when absent. A number is appended when it is taken.
    pub slug: Option<String>,
    /// 1 to 160 characters.
    pub owner_name: String,
    /// Their e-mail address.
    pub owner_email: Option<String>,
}

/// Whom a clinic cares for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vertical {
    /// People.
    Human,
    /// Animals.
    Veterinary,
    /// Teeth.
    Dental,
    /// Something else.
    Other,
}

impl Vertical {
    /// The name the database uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Veterinary => "veterinary",
            Self::Dental => "dental",
            Self::Other => "other",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Human, Self::Veterinary, Self::Dental, Self::Other].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A member to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// 1 to 160 characters.
    pub name: String,
    /// Their e-mail address, once per clinic.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
}

impl Request {
    /// The same, trimmed.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] names the field.
    pub(super) fn validated(&self) -> Result<Self> {
        let slug = match &self.slug {
            Some(slug) if !is_slug(slug) => {
                return Err(invalid("slug", "it may hold lower-case letters, digits and hyphens, at most 60"));
            }
            slug => slug.clone(),
        };
        if self.time_zone.parse::<chrono_tz::Tz>().is_err() {
            return Err(invalid("time_zone", "it is not a name of the IANA time zone database"));
        }
        if !is_language_tag(&self.locale) {
            return Err(invalid("locale", "it is not a language tag"));
        }
        Ok(Self {
            clinic_name: name("clinic_name", &self.clinic_name)?,
            time_zone: self.time_zone.clone(),
            locale: self.locale.clone(),
            vertical: self.vertical,
            slug,
            owner_name: name("owner_name", &self.owner_name)?,
            owner_email: self.owner_email.as_deref().map(email).transpose()?,
        })
    }
}

impl NewMember {
    /// The same, trimmed.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] names the field.
    pub(super) fn validated(&self) -> Result<Self> {
        Ok(Self {
            name: name("name", &self.name)?,
            email: self.email.as_deref().map(email).transpose()?,
            role: self.role,
        })
    }
}

pub(super) fn invalid(field: &'static str, reason: &'static str) -> Error {
    Error::InvalidRequest { field, reason }
}

pub(super) fn name(field: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(invalid(field, "it is empty")),
        1..=160 if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        1..=160 => Err(invalid(field, "it holds control characters")),
        _ => Err(invalid(field, "it is longer than 160 characters")),
    }
}

fn email(text: &str) -> Result<String> {
    let text = text.trim();
    let wrong = || invalid("email", "it is not an e-mail address");
    let (local, host) = text.rsplit_once('@').ok_or_else(wrong)?;
    let fits = !local.is_empty() && host.contains('.') && text.len() <= 254;
    if fits && !text.chars().any(|c| c.is_control() || c.is_whitespace()) { Ok(text.to_owned()) } else { Err(wrong()) }
}

fn is_slug(text: &str) -> bool {
    (1..=60).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            clinic_name: "  Clínica São João ".to_owned(),
            time_zone: "America/Sao_Paulo".to_owned(),
            locale: "pt-BR".to_owned(),
            vertical: Vertical::Human,
            slug: None,
            owner_name: "Ana".to_owned(),
            owner_email: None,
        }
    }

    #[test]
    fn a_name_is_trimmed() {
        assert_eq!(request().validated().expect("it is valid").clinic_name, "Clínica São João");
    }

    #[test]
    fn each_field_that_is_wrong_is_named() {
        let cases: [(&str, Request); 6] = [
            ("clinic_name", Request { clinic_name: "   ".to_owned(), ..request() }),
            ("clinic_name", Request { clinic_name: "é".repeat(161), ..request() }),
            ("time_zone", Request { time_zone: "Brasilia".to_owned(), ..request() }),
            ("locale", Request { locale: "português".to_owned(), ..request() }),
            ("slug", Request { slug: Some("Minha Clínica".to_owned()), ..request() }),
            ("email", Request { owner_email: Some("ana".to_owned()), ..request() }),
        ];
        for (expected, request) in cases {
            match request.validated() {
                Err(Error::InvalidRequest { field, .. }) => assert_eq!(field, expected),
                other => panic!("{expected} must be refused, not {other:?}"),
            }
        }
    }
}
