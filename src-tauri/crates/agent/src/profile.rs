//! The folder of a desk: which database it belongs to, and how to log in there.

use std::path::{Path, PathBuf};

use balcao_keychain::{Keychain, KeychainError, names};
use balcao_tenant::{Address, Tenant};
use serde::Deserialize;
use uuid::Uuid;

/// How this program names itself to the server.
const APPLICATION: &str = "balcao-agent";

/// What a desk has written down about itself in `profile.json`. It holds no secret.
#[derive(Debug, Clone, Deserialize)]
pub struct Profile {
    /// Names the entries of this desk in the keyring.
    pub id: Uuid,
    /// Where its database is, and as whom it logs in; absent while the clinic is being set up.
    pub address: Option<Address>,
    /// `local` and `sample` keep the database in the folder itself.
    #[serde(default)]
    pub kind: String,
}

/// Why the clinic of a folder cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// There is no `profile.json`, or it cannot be read.
    #[error("{} is not the folder of a desk: {reason}", folder.display())]
    NotADesk {
        /// The folder.
        folder: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// The clinic of this folder is not set up yet.
    #[error("the clinic of this folder is not set up yet; open Balcão on this computer first")]
    Unfinished,
    /// The keyring did not answer.
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    /// The keyring has no password for this desk.
    #[error("the keyring of this computer has no password for this desk; open Balcão here and connect the desk again")]
    NoPassword,
    /// The database of this folder is not running.
    #[error("the database of this clinic is not running; open Balcão on this computer first")]
    NotRunning,
    /// What has to come before the database can be asked is not there: its server on this computer, a password.
    #[error("what the database needs before it can be asked is not there")]
    NotPrepared {
        /// Whether it may come without anybody changing anything.
        passing: bool,
    },
    /// The database said no.
    #[error(transparent)]
    Tenant(#[from] balcao_tenant::Error),
}

impl ProfileError {
    /// A name of the reason, for logs and screens.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotADesk { .. } => "not_a_desk",
            Self::Unfinished => "unfinished",
            Self::Keychain(_) => "keychain",
            Self::NoPassword => "no_password",
            Self::NotRunning => "not_running",
            Self::NotPrepared { .. } => "not_prepared",
            Self::Tenant(error) => error.code(),
        }
    }

    /// What it means for whoever only asks the database: what is not about it is a way that is not open now.
    pub(crate) fn into_tenant(self) -> balcao_tenant::Error {
        match self {
            Self::Tenant(error) => error,
            _ => balcao_tenant::Error::ConnectionLost,
        }
    }

    /// Whether trying again cannot help until a person does something.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::NotADesk { .. } | Self::Unfinished | Self::NoPassword => true,
            Self::Keychain(error) => error.is_permanent(),
            Self::NotRunning => false,
            Self::NotPrepared { passing } => !passing,
            Self::Tenant(error) => error.is_permanent(),
        }
    }
}

impl Profile {
    /// Reads `profile.json` in this folder. A database that lies in the folder has a new port whenever it starts: the
    /// one it has now is taken from its own notes.
    ///
    /// # Errors
    /// [`ProfileError::NotADesk`]
    pub fn read(folder: &Path) -> Result<Self, ProfileError> {
        let not_a_desk = |reason: String| ProfileError::NotADesk { folder: folder.to_owned(), reason };
        let text = std::fs::read_to_string(folder.join("profile.json"))
            .map_err(|error| not_a_desk(format!("profile.json: {}", error.kind())))?;
        let mut profile: Self = serde_json::from_str(&text)
            .map_err(|error| not_a_desk(format!("profile.json is not understood (line {})", error.line())))?;
        let port = if profile.is_local() { running_port(&folder.join("postgres")) } else { None };
        if let (Some(address), Some(port)) = (&mut profile.address, port) {
            address.port = port;
        }
        Ok(profile)
    }

    /// Whether the database lies in the folder.
    fn is_local(&self) -> bool {
        matches!(self.kind.as_str(), "local" | "sample")
    }

    /// Logs in as this desk.
    ///
    /// # Errors
    /// Every other variant of [`ProfileError`].
    pub async fn connect(&self, keychain: &Keychain) -> Result<Tenant, ProfileError> {
        let address = self.address.as_ref().ok_or(ProfileError::Unfinished)?;
        let entry = names::database_password(&self.id.to_string());
        let password = keychain.get(&entry).await?.ok_or(ProfileError::NoPassword)?;
        Tenant::connect(address, password.expose(), APPLICATION).await.map_err(|error| {
            if self.is_local() && error.is_connection() { ProfileError::NotRunning } else { error.into() }
        })
    }
}

/// Logs in to the database of a URL that holds the password.
///
/// # Errors
/// [`ProfileError::Tenant`], [`ProfileError::NoPassword`]
pub async fn connect_to(url: &str) -> Result<Tenant, ProfileError> {
    let (address, password) = Address::parse(url)?;
    Ok(Tenant::connect(&address, &password.ok_or(ProfileError::NoPassword)?, APPLICATION).await?)
}

/// The port in `postmaster.pid`, its fourth line. `None` where no server has noted one.
fn running_port(data: &Path) -> Option<u16> {
    std::fs::read_to_string(data.join("postmaster.pid")).ok()?.lines().nth(3)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0191d3a4-7b6c-7000-8000-000000000001";

    fn folder(kind: &str, postmaster: Option<&str>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let profile = format!(
            r#"{{"id": "{ID}", "clinic_name": "Clínica Ipê", "kind": "{kind}", "address": {{"host": "127.0.0.1",
                "port": 4001, "database": "balcao", "user": "balcao_x", "tls": {{"mode": "loopback"}}}}}}"#
        );
        std::fs::write(folder.path().join("profile.json"), profile).unwrap();
        if let Some(postmaster) = postmaster {
            std::fs::create_dir(folder.path().join("postgres")).unwrap();
            std::fs::write(folder.path().join("postgres/postmaster.pid"), postmaster).unwrap();
        }
        folder
    }

    #[test]
    fn a_database_in_the_folder_is_looked_for_where_it_runs_now() {
        let notes = "4711\n/data\n1795000000\n40123\n/tmp\n127.0.0.1\n";
        for (kind, notes, port) in [
            ("local", Some(notes), 40123),
            ("sample", Some(notes), 40123),
            ("local", None, 4001),
            ("remote", Some(notes), 4001),
            ("sample", Some("4711\n"), 4001),
        ] {
            let folder = folder(kind, notes);
            assert_eq!(Profile::read(folder.path()).unwrap().address.unwrap().port, port, "{kind} {notes:?}");
        }
    }

    #[test]
    fn a_folder_that_is_no_desk_is_named() {
        let empty = tempfile::tempdir().unwrap();
        let error = Profile::read(empty.path()).unwrap_err();
        assert!(error.to_string().contains("is not the folder of a desk"), "{error}");
        std::fs::write(empty.path().join("profile.json"), "{\"id\": 3}").unwrap();
        assert!(matches!(Profile::read(empty.path()), Err(ProfileError::NotADesk { .. })));
    }

    #[tokio::test]
    async fn a_clinic_that_is_not_set_up_yet_is_no_damaged_folder() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(r#"{{"id": "{ID}", "kind": "local", "address": null, "unfinished": null}}"#);
        std::fs::write(folder.path().join("profile.json"), text).unwrap();
        let profile = Profile::read(folder.path()).unwrap();
        assert!(matches!(profile.connect(&Keychain::in_memory()).await, Err(ProfileError::Unfinished)));
    }

    #[tokio::test]
    async fn a_missing_password_and_a_stopped_database_are_told_apart() {
        let folder = folder("sample", Some("4711\n/data\n1795000000\n1\n"));
        let profile = Profile::read(folder.path()).unwrap();
        let keychain = Keychain::in_memory();
        assert!(matches!(profile.connect(&keychain).await, Err(ProfileError::NoPassword)));
        keychain.set(&names::database_password(ID), &balcao_keychain::Secret::new("x")).await.unwrap();
        // Nobody listens on port 1.
        assert!(matches!(profile.connect(&keychain).await, Err(ProfileError::NotRunning)));
    }
}
