//! The clinic's own certificate authority, made once.
//!
//! It signs nothing but the certificate of this clinic's server, under one name that says nothing about the clinic; its own
//! certificate forbids it any other. Whoever holds that certificate through an invitation knows the clinic by it.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use balcao_domain::clock::Clock;
use balcao_domain::network::server_name;
use balcao_keychain::{Keychain, Secret, names};
use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::certificate::{self, Issued};
use crate::{Error, Result};

/// File of the certificate in the profile's folder. It is no secret.
const FILE: &str = "lan-ca.pem";

/// How long the authority's certificate is good for: ten years. Desks that hold it do not look: what they trust is its key.
const LIFE: TimeDelta = TimeDelta::days(3652);

/// The clinic's certificate authority. Cheap to clone; `Debug` hides the key.
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    clinic_id: Uuid,
    ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
    clock: Clock,
}

impl Authority {
    /// The authority whose key is in the keyring under [`names::lan_authority`] and whose certificate is in `folder`; on the
    /// first call a new one. A certificate that is missing is made again from the key: desks keep trusting it.
    ///
    /// # Errors
    /// [`Error::KeyLost`], [`Error::Keychain`], [`Error::Folder`].
    pub async fn open_or_create(
        keychain: &Keychain,
        profile_id: &str,
        folder: &Path,
        clinic_id: Uuid,
        clock: Clock,
    ) -> Result<Self> {
        let path = folder.join(FILE);
        let ca_pem = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(Error::Folder { action: "read", path, source }),
        };
        let entry = names::lan_authority(profile_id);
        let key = match keychain.get(&entry).await? {
            Some(secret) => Some(KeyPair::from_pem(secret.expose()).map_err(|_| Error::KeyLost)?),
            None => None,
        };
        match (ca_pem, key) {
            (Some(ca_pem), Some(key)) => {
                let authority = Self::of(clinic_id, ca_pem, key, clock);
                // What it signs must convince a desk that holds the certificate, or the two do not belong together.
                let now = authority.0.clock.now();
                match authority.issue(now) {
                    Ok(issued) if certificate::convinces(&issued, authority.ca_pem(), clinic_id, now) => Ok(authority),
                    _ => Err(Error::KeyLost),
                }
            }
            (Some(_), None) => Err(Error::KeyLost),
            (None, Some(key)) => {
                let ca_pem = certify(&key, clinic_id, clock.now())?;
                write(&path, &ca_pem)?;
                Ok(Self::of(clinic_id, ca_pem, key, clock))
            }
            (None, None) => Self::replace(keychain, profile_id, folder, clinic_id, clock).await,
        }
    }

    /// A new authority in place of whatever was there. Every computer of the clinic then needs a new invitation.
    ///
    /// # Errors
    /// [`Error::Keychain`], [`Error::Folder`].
    pub async fn replace(
        keychain: &Keychain,
        profile_id: &str,
        folder: &Path,
        clinic_id: Uuid,
        clock: Clock,
    ) -> Result<Self> {
        let key = KeyPair::generate()?;
        let ca_pem = certify(&key, clinic_id, clock.now())?;
        // An old certificate beside a new key would look like a lost key if this stopped half-way.
        remove(&folder.join(FILE))?;
        keychain.set(&names::lan_authority(profile_id), &Secret::new(key.serialize_pem())).await?;
        write(&folder.join(FILE), &ca_pem)?;
        Ok(Self::of(clinic_id, ca_pem, key, clock))
    }

    fn of(clinic_id: Uuid, ca_pem: String, key: KeyPair, clock: Clock) -> Self {
        Self(Arc::new(Inner { clinic_id, ca_pem, issuer: Issuer::new(params(clinic_id), key), clock }))
    }

    /// The certificate that desks are to trust, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.0.ca_pem
    }

    /// SHA-256 of that certificate, for two people to compare: 32 pairs of digits with colons between.
    pub fn fingerprint(&self) -> String {
        // It was read, or made, when this began.
        let Ok(certificate) = CertificateDer::from_pem_slice(self.ca_pem().as_bytes()) else { return String::new() };
        let pairs: Vec<String> = Sha256::digest(&certificate).iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }

    /// The clinic whose server it speaks for.
    pub fn clinic_id(&self) -> Uuid {
        self.0.clinic_id
    }

    /// The name in the certificates of that server.
    pub fn server_name(&self) -> String {
        server_name(self.0.clinic_id)
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// A new certificate of the server, with a new key that never leaves memory.
    pub(crate) fn issue(&self, now: DateTime<Utc>) -> Result<Issued> {
        certificate::issue(&self.0.issuer, &self.server_name(), now)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("clinic_id", &self.0.clinic_id).finish_non_exhaustive()
    }
}

/// What the authority says of itself. Its name, its usages and the way its key is named are also what it signs with, so they
/// never change.
fn params(clinic_id: Uuid) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, format!("Balcao {clinic_id}"));
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(server_name(clinic_id))],
        excluded_subtrees: Vec::new(),
    });
    params
}

fn certify(key: &KeyPair, clinic_id: Uuid, now: DateTime<Utc>) -> Result<String> {
    let mut params = params(clinic_id);
    params.not_before = certificate::dated(now - TimeDelta::days(1));
    params.not_after = certificate::dated(now + LIFE);
    Ok(params.self_signed(key)?.pem())
}

/// Whole or not at all.
fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |path: &Path| {
        let path = PathBuf::from(path);
        move |source| Error::Folder { action: "write", path, source }
    };
    let unfinished = path.with_extension("new");
    fs::write(&unfinished, text).map_err(failed(&unfinished))?;
    fs::rename(&unfinished, path).map_err(failed(path))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::Folder { action: "remove", path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use balcao_keychain::MAX_SECRET_BYTES;

    use super::*;

    fn clock() -> Clock {
        Clock::manual(DateTime::from_timestamp(1_795_000_000, 0).unwrap())
    }

    async fn open(keychain: &Keychain, folder: &Path, clinic_id: Uuid) -> Result<Authority> {
        Authority::open_or_create(keychain, "p1", folder, clinic_id, clock()).await
    }

    #[tokio::test]
    async fn an_authority_is_made_once_and_its_key_is_only_in_the_keyring() {
        let (keychain, folder, clinic_id) = (Keychain::in_memory(), tempfile::tempdir().unwrap(), Uuid::new_v4());
        let first = open(&keychain, folder.path(), clinic_id).await.unwrap();
        let again = open(&keychain, folder.path(), clinic_id).await.unwrap();
        assert_eq!((first.ca_pem(), first.fingerprint()), (again.ca_pem(), again.fingerprint()));
        let secret = keychain.get(&names::lan_authority("p1")).await.unwrap().unwrap();
        assert!(secret.expose().len() < MAX_SECRET_BYTES / 4, "{} bytes", secret.expose().len());
        for file in fs::read_dir(folder.path()).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!text.contains("PRIVATE"), "the key stands in a file");
        }
        assert!(!format!("{first:?}").contains("PRIVATE"));
        assert!(first.ca_pem().len() < 900, "it must fit a picture to be photographed: {}", first.ca_pem().len());
    }

    #[tokio::test]
    async fn people_compare_a_fingerprint_of_32_pairs() {
        let (keychain, folder) = (Keychain::in_memory(), tempfile::tempdir().unwrap());
        let one = open(&keychain, folder.path(), Uuid::new_v4()).await.unwrap();
        let pairs: Vec<_> = one.fingerprint().split(':').map(str::to_owned).collect();
        assert_eq!(pairs.len(), 32);
        assert!(pairs.iter().all(|pair| pair.len() == 2 && pair.chars().all(|c| c.is_ascii_hexdigit())));
        let file = folder.path().join(FILE);
        let other = std::process::Command::new("openssl")
            .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
            .arg(file)
            .output();
        // Where that program is, it must say the same.
        if let Ok(said) = other {
            assert!(String::from_utf8_lossy(&said.stdout).contains(&one.fingerprint()), "{said:?}");
        }
    }

    #[tokio::test]
    async fn a_certificate_without_its_key_is_told_and_not_papered_over() {
        let (folder, clinic_id) = (tempfile::tempdir().unwrap(), Uuid::new_v4());
        open(&Keychain::in_memory(), folder.path(), clinic_id).await.unwrap();
        let elsewhere = Keychain::in_memory();
        assert!(matches!(open(&elsewhere, folder.path(), clinic_id).await, Err(Error::KeyLost)));
        let other_key = KeyPair::generate().unwrap().serialize_pem();
        elsewhere.set(&names::lan_authority("p1"), &Secret::new(other_key)).await.unwrap();
        assert!(
            matches!(open(&elsewhere, folder.path(), clinic_id).await, Err(Error::KeyLost)),
            "of another authority"
        );
        Authority::replace(&elsewhere, "p1", folder.path(), clinic_id, clock()).await.unwrap();
        assert!(open(&elsewhere, folder.path(), clinic_id).await.is_ok());
    }

    #[tokio::test]
    async fn the_authority_of_another_clinic_is_not_taken_for_this_ones() {
        let (keychain, folder) = (Keychain::in_memory(), tempfile::tempdir().unwrap());
        open(&keychain, folder.path(), Uuid::new_v4()).await.unwrap();
        assert!(matches!(open(&keychain, folder.path(), Uuid::new_v4()).await, Err(Error::KeyLost)));
    }

    #[tokio::test]
    async fn desks_go_on_trusting_when_the_certificate_was_lost_and_made_again_from_its_key() {
        let (keychain, folder, clinic_id) = (Keychain::in_memory(), tempfile::tempdir().unwrap(), Uuid::new_v4());
        let before = open(&keychain, folder.path(), clinic_id).await.unwrap();
        fs::remove_file(folder.path().join(FILE)).unwrap();
        let after = open(&keychain, folder.path(), clinic_id).await.unwrap();
        let now = clock().now();
        let issued = after.issue(now).unwrap();
        assert!(certificate::convinces(&issued, before.ca_pem(), clinic_id, now));
    }
}
