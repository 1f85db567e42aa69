//! Where a clinic's database is, as it is stored and shown: never with a password.

use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::{Error, Result};

/// Everything but the unreserved characters of RFC 3986 is escaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How the way to the server is protected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum TlsMode {
    /// Plain text; refused unless the server is this computer itself.
    Loopback,
    /// Encrypted, with a certificate that the operating system trusts and that names the host.
    VerifyFull,
    /// The same, with a certificate authority that a person has pasted.
    VerifyFullWith {
        /// One or more certificates in PEM.
        ca_pem: String,
    },
    /// Encrypted by TLS 1.3, with a certificate of this clinic's own authority and of no other, wherever the server is: a
    /// clinic that is shared on its own network.
    Pinned {
        /// Certificate of the authority in PEM.
        ca_pem: String,
        /// The clinic, under whose id the server proves itself and is found when its address has changed.
        clinic_id: Uuid,
    },
}

/// Where a database is and as whom to log in. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Name or IP address, an IPv6 one without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// Name of the login.
    pub user: String,
    /// Protection of the way to it.
    pub tls: TlsMode,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?sslmode=…&sslrootcert=…`; the password comes out beside the
    /// address. Port 5432 and a database named like the user are the defaults. Without `sslmode` another computer is
    /// reached encrypted and verified, this one in plain text; every `sslmode` that encrypts also verifies.
    /// `sslrootcert` holds the PEM text itself; with `balcao_clinic`, a clinic's id, it is the only one that is trusted.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`], and [`Error::PlainTextRefused`] for `sslmode=disable` to another computer.
    pub fn parse(url: &str) -> Result<(Self, Option<String>)> {
        let invalid = |reason| Error::InvalidAddress { reason };
        let url =
            Url::parse(url.trim()).map_err(|_| invalid("it must look like postgres://user@host:5432/database"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(invalid("it must begin with postgres://"));
        }
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() || !host.chars().all(|c| c.is_alphanumeric() || "-._:".contains(c)) {
            return Err(invalid("the host is missing or is not a name"));
        }
        let user = decode(url.username())?;
        if user.is_empty() {
            return Err(invalid("the user is missing"));
        }
        let database = match decode(url.path().trim_start_matches('/'))? {
            name if name.is_empty() => user.clone(),
            name => name,
        };
        let secret = url.password().map(decode).transpose()?;

        let mut address = Self { host, port: url.port().unwrap_or(5432), database, user, tls: TlsMode::VerifyFull };
        let (mut ca_pem, mut clinic_id) = (None, None);
        let mut mode = if address.is_loopback() { "disable".to_owned() } else { "verify-full".to_owned() };
        for (key, value) in url.query_pairs() {
            match &*key {
                "sslmode" => mode = value.into_owned(),
                "sslrootcert" if value.trim_start().starts_with("-----BEGIN") => ca_pem = Some(value.into_owned()),
                "sslrootcert" => return Err(invalid("sslrootcert must hold the certificate itself")),
                "balcao_clinic" => {
                    let id = Uuid::try_parse(&value).map_err(|_| invalid("balcao_clinic is not a clinic's id"))?;
                    clinic_id = Some(id);
                }
                // What other programs put there (application name, time-outs) is decided elsewhere.
                _ => {}
            }
        }
        address.tls = match (&*mode, ca_pem) {
            ("disable", None) => TlsMode::Loopback,
            ("allow" | "prefer", None) if address.is_loopback() => TlsMode::Loopback,
            ("disable", Some(_)) => return Err(invalid("it has a certificate and asks for no encryption")),
            ("allow" | "prefer" | "require" | "verify-ca" | "verify-full", None) => TlsMode::VerifyFull,
            ("allow" | "prefer" | "require" | "verify-ca" | "verify-full", Some(ca_pem)) => {
                TlsMode::VerifyFullWith { ca_pem }
            }
            _ => return Err(invalid("sslmode is not one that PostgreSQL knows")),
        };
        address.tls = match (address.tls, clinic_id) {
            (tls, None) => tls,
            (TlsMode::VerifyFullWith { ca_pem }, Some(clinic_id)) => TlsMode::Pinned { ca_pem, clinic_id },
            (_, Some(_)) => return Err(invalid("it names a clinic without its certificate")),
        };
        address.refuse_plain_text()?;
        Ok((address, secret))
    }

    /// The address as a URL that [`Address::parse`] reads back, without a password.
    pub fn to_url(&self) -> String {
        self.to_url_with(None)
    }

    /// The same with the password. Whoever calls this answers for where it goes.
    pub fn to_url_with(&self, password: Option<&str>) -> String {
        let encode = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let tls = match &self.tls {
            TlsMode::Loopback => "disable".to_owned(),
            TlsMode::VerifyFull => "verify-full".to_owned(),
            TlsMode::VerifyFullWith { ca_pem } => format!("verify-full&sslrootcert={}", encode(ca_pem)),
            TlsMode::Pinned { ca_pem, clinic_id } => {
                format!("verify-full&sslrootcert={}&balcao_clinic={clinic_id}", encode(ca_pem))
            }
        };
        let password = password.map(|password| format!(":{}", encode(password))).unwrap_or_default();
        let (user, port, database) = (encode(&self.user), self.port, encode(&self.database));
        format!("postgres://{user}{password}@{host}:{port}/{database}?sslmode={tls}")
    }

    /// Whether the server is this computer itself.
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    }

    /// # Errors
    /// [`Error::PlainTextRefused`] when the address would send the password and patients' data in the open.
    pub(crate) fn refuse_plain_text(&self) -> Result<()> {
        match self.tls {
            TlsMode::Loopback if !self.is_loopback() => Err(Error::PlainTextRefused),
            _ => Ok(()),
        }
    }
}

fn decode(text: &str) -> Result<String> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) if !text.contains('\0') => Ok(text.into_owned()),
        _ => Err(Error::InvalidAddress { reason: "it holds bytes that are not text" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_way_through_a_url_without_its_password() {
        let url = "postgres://ana%20maria:p%40ss%2Fword@db.example.org:6432/cl%C3%ADnica";
        let (address, secret) = Address::parse(url).expect("the address is valid");
        assert_eq!(secret.as_deref(), Some("p@ss/word"));
        assert_eq!((&*address.user, &*address.database, address.port), ("ana maria", "clínica", 6432));
        assert_eq!(address.tls, TlsMode::VerifyFull, "another computer is reached encrypted unless told otherwise");
        let url = address.to_url();
        assert!(!url.contains("p%40ss"), "{url}");
        assert_eq!(Address::parse(&url), Ok((address, None)));
    }

    #[test]
    fn a_pasted_certificate_travels_with_the_address() {
        let ca_pem = "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n".to_owned();
        let (mut address, _) = Address::parse("postgres://ana@10.0.0.7/clinic").expect("the address is valid");
        address.tls = TlsMode::VerifyFullWith { ca_pem };
        assert_eq!(Address::parse(&address.to_url()), Ok((address, None)));
    }

    #[test]
    fn a_clinic_that_is_pinned_stays_pinned_on_the_way_through_a_url_and_a_file() {
        let ca_pem = "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n".to_owned();
        let (mut address, _) = Address::parse("postgres://ana@192.168.0.7:55320/clinic").expect("the address is valid");
        address.tls = TlsMode::Pinned { ca_pem, clinic_id: Uuid::from_u128(7) };
        let url = address.to_url();
        assert_eq!(Address::parse(&url), Ok((address.clone(), None)));
        let text = serde_json::to_string(&address).expect("it is written");
        assert_eq!(serde_json::from_str::<Address>(&text).ok(), Some(address));
        let (without, _) = url.split_once("&sslrootcert=").expect("it has a certificate");
        let unpinned = Address::parse(&format!("{without}&balcao_clinic={}", Uuid::from_u128(7)));
        assert!(matches!(unpinned, Err(Error::InvalidAddress { .. })), "an id alone pins nothing: {unpinned:?}");
        let plain = Address::parse(&url.replace("verify-full", "disable"));
        assert!(plain.is_err(), "a certificate is never given up silently: {plain:?}");
    }

    #[test]
    fn plain_text_is_refused_to_every_host_but_this_computer() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "[::1]"] {
            let (address, _) = Address::parse(&format!("postgres://ana@{host}/clinic")).expect(host);
            assert_eq!(address.tls, TlsMode::Loopback, "{host}");
        }
        for host in ["10.0.0.7", "db.example.org", "127.0.0.1.example.org", "localhost.example.org", "[fe80::1]"] {
            let refused = Address::parse(&format!("postgres://ana@{host}/clinic?sslmode=disable"));
            assert_eq!(refused, Err(Error::PlainTextRefused), "{host}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_reason() {
        for text in [
            "",
            "localhost",
            "http://ana@host/db",
            "postgres:///db",
            "postgres://host/db",
            "postgres://a@%2Ftmp/d",
            "postgres://ana@host/db?sslmode=perhaps",
            "postgres://a@localhost/d?sslrootcert=%2Fetc%2Fca.pem",
        ] {
            assert!(matches!(Address::parse(text), Err(Error::InvalidAddress { .. })), "{text}");
        }
    }
}
