//! The certificate that the server shows: made when the first desk comes, lives in memory, and is made anew in time.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use balcao_domain::network::server_name;
use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Result;
use crate::authority::Authority;

/// How long a certificate is good for.
const LIFE: TimeDelta = TimeDelta::days(365);

/// It is made anew when it is good for less than this.
const IN_TIME: TimeDelta = TimeDelta::days(60);

/// It begins before it is made: the clock of a desk may be behind.
const BEFORE: TimeDelta = TimeDelta::days(30);

/// A certificate with its key.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) key: Arc<CertifiedKey>,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Issued {
    /// Whether it is to be shown still. A clock that was set back can put its beginning into the future.
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.since - BEFORE / 2 <= now && now + IN_TIME <= self.until
    }

    fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.key.cert.first()
    }
}

pub(crate) fn issue(issuer: &Issuer<'_, KeyPair>, name: &str, now: DateTime<Utc>) -> Result<Issued> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let until = now + LIFE;
    (params.not_before, params.not_after) = (dated(now - BEFORE), dated(until));
    let certificate = params.signed_by(&key, issuer)?;
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signer = ring::sign::any_supported_type(&secret)?;
    Ok(Issued { key: Arc::new(CertifiedKey::new(vec![certificate.into()], signer)), since: now, until })
}

/// A time as certificates are dated, to the second.
pub(crate) fn dated(time: DateTime<Utc>) -> OffsetDateTime {
    // Only years beyond 9999 do not fit.
    OffsetDateTime::from_unix_timestamp(time.timestamp()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Whether a desk that trusts only the authority of this PEM text takes the certificate for that of the clinic.
pub(crate) fn convinces(issued: &Issued, ca_pem: &str, clinic_id: Uuid, now: DateTime<Utc>) -> bool {
    let convinced = || {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).ok()?).ok()?;
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
        let name = ServerName::try_from(server_name(clinic_id)).ok()?;
        let seconds = u64::try_from(now.timestamp()).ok()?;
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        verifier.verify_server_cert(issued.certificate()?, &[], &name, &[], time).ok()
    };
    convinced().is_some()
}

/// What the front shows each desk that comes. Connections that are there keep what they were shown.
pub(crate) struct Shown {
    authority: Authority,
    issued: Mutex<Option<Issued>>,
}

impl Shown {
    pub(crate) fn of(authority: Authority) -> Self {
        Self { authority, issued: Mutex::new(None) }
    }

    fn fresh(&self) -> Option<Arc<CertifiedKey>> {
        let now = self.authority.clock().now();
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if !issued.as_ref().is_some_and(|issued| issued.is_fresh(now)) {
            match self.authority.issue(now) {
                Ok(next) => *issued = Some(next),
                // The old one may still be good for weeks.
                Err(error) => tracing::error!(%error, "the server's certificate was not renewed"),
            }
        }
        issued.as_ref().map(|issued| issued.key.clone())
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.fresh()
    }
}

#[cfg(test)]
mod tests {
    use balcao_domain::clock::Clock;
    use balcao_keychain::Keychain;

    use super::*;

    async fn shown(clock: &Clock, clinic_id: Uuid) -> Shown {
        let folder = tempfile::tempdir().unwrap();
        let keychain = Keychain::in_memory();
        let authority = Authority::open_or_create(&keychain, "p", folder.path(), clinic_id, clock.clone()).await;
        Shown::of(authority.unwrap())
    }

    fn serial(shown: &Shown) -> CertificateDer<'static> {
        shown.fresh().unwrap().cert[0].clone()
    }

    #[tokio::test]
    async fn a_certificate_is_shown_until_sixty_days_are_left_and_then_another_of_the_same_authority() {
        let clock = Clock::manual(DateTime::from_timestamp(1_795_000_000, 0).unwrap());
        let clinic_id = Uuid::new_v4();
        let shown = shown(&clock, clinic_id).await;
        let first = serial(&shown);
        clock.advance(TimeDelta::days(304));
        assert_eq!(serial(&shown), first, "it has 61 days left");
        clock.advance(TimeDelta::days(2));
        let second = serial(&shown);
        assert_ne!(second, first, "it had 59 days left");
        let issued = shown.issued.lock().unwrap().clone().unwrap();
        let ca_pem = shown.authority.ca_pem();
        assert!(convinces(&issued, ca_pem, clinic_id, clock.now() + TimeDelta::days(364)));
        assert!(!convinces(&issued, ca_pem, clinic_id, clock.now() + TimeDelta::days(366)), "it is for one year");
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_gets_a_certificate_of_its_own_time() {
        let clock = Clock::manual(DateTime::from_timestamp(1_795_000_000, 0).unwrap());
        let clinic_id = Uuid::new_v4();
        let shown = shown(&clock, clinic_id).await;
        let first = serial(&shown);
        clock.advance(TimeDelta::days(-200));
        assert_ne!(serial(&shown), first);
        let issued = shown.issued.lock().unwrap().clone().unwrap();
        assert!(convinces(&issued, shown.authority.ca_pem(), clinic_id, clock.now() - TimeDelta::days(20)));
    }

    #[tokio::test]
    async fn the_certificate_speaks_for_its_own_clinic_and_no_other() {
        let clock = Clock::manual(DateTime::from_timestamp(1_795_000_000, 0).unwrap());
        let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
        let (of_one, of_other) = (shown(&clock, one).await, shown(&clock, other).await);
        let now = clock.now();
        let issued = of_one.authority.issue(now).unwrap();
        assert!(convinces(&issued, of_one.authority.ca_pem(), one, now));
        assert!(!convinces(&issued, of_one.authority.ca_pem(), other, now), "another name");
        assert!(!convinces(&issued, of_other.authority.ca_pem(), one, now), "another authority");
    }
}
