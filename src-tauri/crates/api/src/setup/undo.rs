//! Calling a set-up off: nothing of it stays. Every step can be done again, and what an interrupted one leaves is
//! either still a set-up that can go on, or nothing.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use balcao_keychain::{Keychain, names};

use crate::copy::remove_all;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::local_clinic::EmbeddedServer;
use crate::members::forget_arrival;
use crate::profile::{Kind, Profile};
use crate::session::Session;

impl Desk {
    /// Undoes what the set-up of this profile did, and goes back to the first run.
    pub(crate) async fn undo_setup(
        &self,
        profile: &Profile,
        server: Option<Arc<EmbeddedServer>>,
    ) -> Result<(), ApiError> {
        tracing::info!("the set-up is undone");
        let folder = &self.options.profile_dir;
        if profile.kind != Kind::Remote {
            let server = server.unwrap_or_else(|| self.embedded_server(profile));
            server.stop_for_good().await;
            remove_server(folder).await?;
        }
        remove_all(folder)?;
        crate::backup::forget(folder);
        forget_secrets(&self.keychain, profile).await?;
        Profile::remove(folder)?;
        self.forget_lock();
        self.setup.end();
        self.set_session(Session::FirstRun);
        Ok(())
    }
}

/// The keyring forgets everything of a profile.
pub(crate) async fn forget_secrets(keychain: &Keychain, profile: &Profile) -> Result<(), ApiError> {
    let id = profile.id.to_string();
    for name in names::ALL {
        keychain.delete(&name(&id)).await?;
    }
    forget_arrival(keychain, profile).await
}

/// Moved aside in one step, so that nobody finds half of a data folder, then removed with all that stands beside it.
async fn remove_server(folder: &Path) -> Result<(), ApiError> {
    let data = Profile::server_dir(folder);
    let aside = folder.join("postgres.discarded");
    remove(&aside).await?;
    match std::fs::rename(&data, &aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(in_the_way(&error)),
        _ => {}
    }
    remove(&aside).await?;
    for entry in std::fs::read_dir(folder).map_err(|error| in_the_way(&error))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("postgres.") {
            remove(&entry.path()).await?;
        }
    }
    Ok(())
}

/// Processes of a server that was just stopped may still write for a moment.
async fn remove(path: &PathBuf) -> Result<(), ApiError> {
    let mut attempts = 0;
    loop {
        let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        match removed {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(_) if attempts < 50 => attempts += 1,
            Err(error) => return Err(in_the_way(&error)),
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

fn in_the_way(error: &std::io::Error) -> ApiError {
    ApiError::new("profile_not_writable", format!("what the set-up made cannot be removed: {}", error.kind()))
}
