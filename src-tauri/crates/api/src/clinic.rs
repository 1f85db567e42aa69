//! An open clinic: its copy, the task that keeps it, and who works here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use balcao_cache::{Cache, Key};
use balcao_domain::clock::Clock;
use balcao_keychain::{Keychain, names};
use balcao_sync::{Dial, SyncTask};
use balcao_tenant::Tenant;
use uuid::Uuid;

use crate::error::ApiError;
use crate::local_clinic::{EmbeddedServer, password};
use crate::profile::{Kind, Profile};
use crate::session::{ClinicSummary, MemberSummary};

/// An open clinic.
#[derive(Debug)]
pub(crate) struct OpenClinic {
    pub(crate) cache: Cache,
    pub(crate) sync: SyncTask,
    pub(crate) server: Option<Arc<EmbeddedServer>>,
    kind: Kind,
}

impl OpenClinic {
    /// Opens the copy and starts the task that keeps it. Does not wait for the database.
    pub(crate) async fn open(
        folder: &Path,
        profile: &Profile,
        keychain: &Keychain,
        server: Option<Arc<EmbeddedServer>>,
        clock: &Clock,
        application: &str,
    ) -> Result<Self, ApiError> {
        let secret = keychain.get_or_create_random(&names::cache_key(&profile.id.to_string()), 32).await?;
        let opened = Cache::open(&Profile::cache_path(folder), &key(secret.expose())?, clock.clone()).await?;
        if let Some(aside) = &opened.set_aside {
            tracing::warn!(salvaged = opened.salvaged, "the copy could not be read and is made anew");
            let name = aside.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            opened.cache.log("copy_set_aside", &format!("{name}, salvaged {}", opened.salvaged)).await?;
        }
        let dial = dial(profile, keychain, server.clone(), application)?;
        let sync = SyncTask::start(opened.cache.clone(), dial, clock.clone());
        Ok(Self { cache: opened.cache, sync, server, kind: profile.kind })
    }

    /// Who works where, once the copy knows.
    pub(crate) async fn summary(&self) -> Result<Option<(ClinicSummary, MemberSummary)>, ApiError> {
        let me = self.me().await?;
        let (Some(clinic), Some(member)) = (self.cache.clinic().await?, self.cache.member(me).await?) else {
            return Ok(None);
        };
        Ok(Some((
            ClinicSummary {
                id: clinic.id,
                name: clinic.name,
                time_zone: clinic.time_zone,
                kind: self.kind.as_str().to_owned(),
            },
            MemberSummary { id: member.id, name: member.name, role: member.role },
        )))
    }

    /// The member at this desk; nobody until the database has said who.
    pub(crate) async fn me(&self) -> Result<Uuid, ApiError> {
        let known = self.cache.state("member_id").await?;
        Ok(known.and_then(|text| text.parse().ok()).unwrap_or_default())
    }

    /// The clinic's time zone; São Paulo until the copy knows.
    pub(crate) async fn time_zone(&self) -> Result<chrono_tz::Tz, ApiError> {
        let name = self.cache.clinic().await?.map(|clinic| clinic.time_zone);
        Ok(name.and_then(|name| name.parse().ok()).unwrap_or(chrono_tz::America::Sao_Paulo))
    }

    /// Ends in bounded time: what is queued is on disk already.
    pub(crate) async fn close(self) {
        let _ = tokio::time::timeout(Duration::from_secs(5), self.sync.stop()).await;
        self.cache.close().await;
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

fn key(hex: &str) -> Result<Key, ApiError> {
    let mut bytes = [0; 32];
    let wrong = || ApiError::new("keychain_entry_damaged", "the key of the copy in the keyring has another shape");
    if hex.len() != 64 || !hex.is_ascii() {
        return Err(wrong());
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16).map_err(|_| wrong())?;
    }
    Ok(Key::new(bytes))
}

fn dial(
    profile: &Profile,
    keychain: &Keychain,
    server: Option<Arc<EmbeddedServer>>,
    application: &str,
) -> Result<Dial, ApiError> {
    let address = profile
        .address
        .clone()
        .ok_or_else(|| ApiError::new("profile_damaged", "profile.json does not say where the clinic is"))?;
    let (keychain, id, application) = (keychain.clone(), profile.id.to_string(), application.to_owned());
    Ok(Arc::new(move || {
        let (address, keychain, id) = (address.clone(), keychain.clone(), id.clone());
        let (server, application) = (server.clone(), application.clone());
        Box::pin(async move {
            match server {
                Some(server) => server.connect(&address, &application).await,
                None => Ok(Tenant::connect(&address, password(&keychain, &id).await?.expose(), &application).await?),
            }
        })
    }))
}
