//! Desks as a host opens them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use balcao_api::{Desk, DeskOptions, call};
use balcao_domain::clock::Clock;
use balcao_keychain::{Keychain, names};
use balcao_tenant::provision::Connection;
use serde_json::{Value, json};

/// How long a first copy may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// A profile on this computer, and what opens it again.
#[derive(Clone)]
pub struct Profile {
    /// Its folder.
    pub folder: PathBuf,
    /// Holds its secrets.
    pub keychain: Keychain,
}

/// How long a first copy took.
#[derive(Debug, Clone, Copy)]
pub struct FirstCopy {
    /// From the wish to connect until today's agenda and the open conversations are there.
    pub usable: Duration,
    /// Until everything is there.
    pub complete: Duration,
}

impl Profile {
    /// Opens the desk.
    pub async fn open(&self) -> Result<Arc<Desk>> {
        let options = DeskOptions {
            profile_dir: self.folder.clone(),
            postgres_dir: None,
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Ok(Desk::open_with(options, self.keychain.clone(), Clock::System).await?)
    }

    /// Opens the desk of a profile that has its copy, and waits until the database has confirmed it.
    pub async fn open_confirmed(&self) -> Result<Arc<Desk>> {
        let desk = self.open().await?;
        let begun = Instant::now();
        loop {
            if let Ok(status) = call(&desk, "get_status", json!({})).await
                && status["connection"] == "online"
                && status["first_copy"].is_null()
            {
                return Ok(desk);
            }
            give_up_after(begun)?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Connects a new profile and waits for its first copy. Leaves the desk open.
    pub async fn connect(&self, login: &Connection) -> Result<(Arc<Desk>, FirstCopy)> {
        let desk = self.open().await?;
        let begun = Instant::now();
        let wish = json!({
            "address": login.address.to_url(),
            "password": login.password.as_deref().unwrap_or_default(),
        });
        call(&desk, "connect_clinic", wish).await?;
        let mut usable = None;
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if usable.is_none() {
                let session = call(&desk, "get_session", json!({})).await?;
                match session["state"].as_str() {
                    Some("ready") => usable = Some(begun.elapsed()),
                    Some("failed") => bail!("the clinic could not be opened: {}", session["problem"]),
                    _ => {}
                }
            }
            if let Some(usable) = usable {
                let status = call(&desk, "get_status", json!({})).await?;
                if status["first_copy"].is_null() && !status["last_confirmed_at"].is_null() {
                    return Ok((desk, FirstCopy { usable, complete: begun.elapsed() }));
                }
            }
            give_up_after(begun)?;
        }
    }

    /// The encrypted file.
    pub fn copy(&self) -> PathBuf {
        self.folder.join("copy.db")
    }

    /// The encrypted file's key as SQLCipher takes it.
    pub async fn key(&self) -> Result<String> {
        let id = profile_id(&self.folder)?;
        let key = self.keychain.get(&names::cache_key(&id)).await?.context("the keyring has no key for the copy")?;
        Ok(format!("\"x'{}'\"", key.expose()))
    }
}

fn profile_id(folder: &Path) -> Result<String> {
    let profile: Value = serde_json::from_slice(&std::fs::read(folder.join("profile.json"))?)?;
    Ok(profile["id"].as_str().context("the profile has no id")?.to_owned())
}

fn give_up_after(begun: Instant) -> Result<()> {
    if begun.elapsed() > PATIENCE {
        bail!("the copy was not there within {PATIENCE:?}");
    }
    Ok(())
}
