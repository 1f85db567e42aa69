//! Desks as a host opens them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use balcao_api::{Desk, DeskOptions, call};
use balcao_cache::Key;
use balcao_domain::clock::Clock;
use balcao_keychain::{Keychain, Secret, names};
use balcao_tenant::provision::Connection;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _};
use uuid::Uuid;

use crate::{first_copy, surroundings};

/// Name of the encrypted file in a profile.
const COPY: &str = "copy.db";

const NO_KEY: &str = "the keyring has no key for the copy";

/// Between two looks at how far a desk is.
const LOOK: Duration = Duration::from_millis(20);

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
            export_dir: None,
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

    /// Opens the desk of a profile that has its copy, whether or not the database can be reached.
    pub async fn open_offline(&self) -> Result<Arc<Desk>> {
        let desk = self.open().await?;
        let begun = Instant::now();
        while call(&desk, "get_session", json!({})).await?["state"] != "ready" {
            give_up_after(begun)?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(desk)
    }

    /// Connects a new profile and waits for its first copy. Leaves the desk open.
    pub async fn connect(&self, login: &Connection) -> Result<(Arc<Desk>, FirstCopy)> {
        let desk = self.open().await?;
        let begun = begin(&desk, login).await?;
        let usable = usable(&desk, begun).await?;
        let complete = complete(&desk, begun).await?;
        Ok((desk, FirstCopy { usable, complete }))
    }

    /// The same copy in another folder, as if it had been made there under this login, in the same keyring. The desk of
    /// the profile must be closed.
    pub async fn twin(&self, folder: PathBuf, login: &Connection) -> Result<Self> {
        std::fs::create_dir_all(&folder)?;
        for entry in std::fs::read_dir(&self.folder)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(COPY) {
                tokio::fs::copy(entry.path(), folder.join(entry.file_name())).await?;
            }
        }
        let (id, keychain) = (Uuid::new_v4().to_string(), self.keychain.clone());
        let mut profile: Value = serde_json::from_slice(&std::fs::read(self.folder.join("profile.json"))?)?;
        profile["id"] = json!(id);
        profile["address"] = serde_json::to_value(&login.address)?;
        std::fs::write(folder.join("profile.json"), profile.to_string())?;
        let key = keychain.get(&names::cache_key(&profile_id(&self.folder)?)).await?.context(NO_KEY)?;
        let password = Secret::new(login.password.clone().unwrap_or_default());
        keychain.set(&names::cache_key(&id), &key).await?;
        keychain.set(&names::database_password(&id), &password).await?;
        let twin = Self { folder, keychain };
        twin.belong_to(login).await?;
        Ok(twin)
    }

    /// A copy of somebody else's would be made anew, and indexed in the background.
    async fn belong_to(&self, login: &Connection) -> Result<()> {
        let mut database = surroundings::plain(login).await?;
        let member: Uuid = sqlx::query_scalar("select app.current_member()").fetch_one(&mut database).await?;
        let mut copy = first_copy::options(&self.copy(), &self.key().await?).connect().await?;
        sqlx::query("update sync_state set value = ? where key = 'member_id'")
            .bind(member.to_string())
            .execute(&mut copy)
            .await?;
        Ok(copy.close().await?)
    }

    /// Removes the folder. The desk must be closed.
    pub fn remove(self) -> Result<()> {
        Ok(std::fs::remove_dir_all(&self.folder)?)
    }

    /// The encrypted file.
    pub fn copy(&self) -> PathBuf {
        self.folder.join(COPY)
    }

    /// The encrypted file's key as SQLCipher takes it.
    pub async fn key(&self) -> Result<String> {
        Ok(format!("\"x'{}'\"", self.secret().await?.expose()))
    }

    /// The encrypted file's key as the program takes it.
    pub async fn cache_key(&self) -> Result<Key> {
        let secret = self.secret().await?;
        let byte = |at: usize| secret.expose().get(at * 2..at * 2 + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
        Ok(Key::new(bytes.and_then(|bytes| bytes.try_into().ok()).context("the key has another shape")?))
    }

    async fn secret(&self) -> Result<Secret> {
        self.keychain.get(&names::cache_key(&profile_id(&self.folder)?)).await?.context(NO_KEY)
    }
}

/// Connects a new desk and returns since when.
pub async fn begin(desk: &Arc<Desk>, login: &Connection) -> Result<Instant> {
    let begun = Instant::now();
    let wish = json!({
        "address": login.address.to_url(),
        "password": login.password.as_deref().unwrap_or_default(),
    });
    call(desk, "connect_clinic", wish).await?;
    Ok(begun)
}

/// Waits until today's agenda and the open conversations are there.
pub async fn usable(desk: &Arc<Desk>, begun: Instant) -> Result<Duration> {
    loop {
        let session = call(desk, "get_session", json!({})).await?;
        match session["state"].as_str() {
            Some("ready") => return Ok(begun.elapsed()),
            Some("failed") => bail!("the clinic could not be opened: {}", session["problem"]),
            _ => {}
        }
        give_up_after(begun)?;
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until everything is there.
pub async fn complete(desk: &Arc<Desk>, begun: Instant) -> Result<Duration> {
    while !is_complete(desk).await? {
        give_up_after(begun)?;
        tokio::time::sleep(LOOK).await;
    }
    Ok(begun.elapsed())
}

/// Whether the first copy of a desk is made and the database has confirmed it.
pub async fn is_complete(desk: &Arc<Desk>) -> Result<bool> {
    let status = call(desk, "get_status", json!({})).await?;
    Ok(status["first_copy"].is_null() && !status["last_confirmed_at"].is_null())
}

/// How many writes of a desk wait. An error when one was refused: then something else was measured than was meant.
pub async fn waiting(desk: &Arc<Desk>) -> Result<u64> {
    let status = call(desk, "get_status", json!({})).await?;
    ensure!(status["needs_you"] == 0, "{} writes were refused", status["needs_you"]);
    status["waiting"].as_u64().context("the status does not say what waits")
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
