//! A certificate authority that a person has pasted, for a server of the clinic's own.

use std::fmt;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// A few certificates in PEM are far shorter.
const LONGEST: usize = 16 * 1024;

/// Whom a server's certificate must be of, in place of those that the system trusts.
#[derive(Clone, PartialEq, Eq)]
pub struct Authority(Vec<CertificateDer<'static>>);

/// What was pasted is no certificate in PEM, or holds more than certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no certificate in PEM")]
pub struct BadAuthority;

impl Authority {
    /// Reads one or more certificates in PEM.
    ///
    /// # Errors
    /// [`BadAuthority`], also for a text with a private key in it: that is a secret, and this is none.
    pub fn parse(pem: &str) -> Result<Self, BadAuthority> {
        if pem.len() > LONGEST || pem.contains("PRIVATE KEY") {
            return Err(BadAuthority);
        }
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let authority = Self(read.map_err(|_| BadAuthority)?);
        match authority.roots()?.is_empty() {
            true => Err(BadAuthority),
            false => Ok(authority),
        }
    }

    /// As the encryption takes it.
    ///
    /// # Errors
    /// [`BadAuthority`]
    pub(crate) fn roots(&self) -> Result<RootCertStore, BadAuthority> {
        let mut roots = RootCertStore::empty();
        for certificate in &self.0 {
            roots.add(certificate.clone()).map_err(|_| BadAuthority)?;
        }
        Ok(roots)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_certificate_or_a_private_key_is_refused() {
        let begun = "-----BEGIN CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----";
        for pem in ["", "recepcao", begun, &format!("{begun}AAAA\n-----END CERTIFICATE-----"), key] {
            assert_eq!(Authority::parse(pem), Err(BadAuthority), "{pem:?}");
        }
    }
}
