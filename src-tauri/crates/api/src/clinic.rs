//! An open clinic: its copy, the task that keeps it, and who works here.

use std::sync::Arc;
use std::time::Duration;

use balcao_cache::{Cache, Key};
use balcao_domain::clock::Clock;
use balcao_keychain::names;
use balcao_sync::{Dial, SyncTask};
use uuid::Uuid;

use crate::channels::Work;
use crate::copy::Opening;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::local_clinic::{EmbeddedServer, password};
use crate::media::{Bringing, Files};
use crate::members::{Line, this_computer};
use crate::operations::GivenUpLately;
use crate::profile::{Kind, Profile};
use crate::session::{ClinicSummary, MemberSummary};
use crate::sharing::{Shared, Whereabouts};
use crate::threads::ActedLately;

/// An open clinic.
#[derive(Debug)]
pub(crate) struct OpenClinic {
    pub(crate) cache: Cache,
    pub(crate) sync: SyncTask,
    pub(crate) server: Option<Arc<EmbeddedServer>>,
    pub(crate) given_up: GivenUpLately,
    pub(crate) acted: ActedLately,
    pub(crate) line: Line,
    /// What this computer does for the clinic all day, when it is the one.
    pub(crate) work: Arc<Work>,
    /// How other computers come in; absent where the clinic is elsewhere, or a sample.
    pub(crate) shared: Option<Shared>,
    /// Files of messages.
    pub(crate) files: Arc<Files>,
    _bringing: Bringing,
    pub(crate) kind: Kind,
}

impl OpenClinic {
    /// Opens the copy and starts the task that keeps it. Does not wait for the database.
    pub(crate) async fn open(
        desk: &Arc<Desk>,
        profile: &Profile,
        server: Option<Arc<EmbeddedServer>>,
        opening: &Opening,
    ) -> Result<Self, ApiError> {
        let (keychain, clock, version) = (&desk.keychain, &desk.clock, &desk.options.app_version);
        let secret = keychain.get_or_create_random(&names::cache_key(&profile.id.to_string()), 32).await?;
        let (path, key) = (Profile::cache_path(&desk.options.profile_dir), key(secret.expose())?);
        let opened = if opening.after_damage {
            Cache::open_after_damage(&path, &key, clock.clone()).await?
        } else {
            Cache::open(&path, &key, clock.clone()).await?
        };
        let noted = async {
            opening.note(&opened, clock.now()).await?;
            Ok(opened.cache.log("copy_opened", &format!("version={version}")).await?)
        };
        if let Err(problem) = noted.await {
            opened.cache.close().await;
            return Err(problem);
        }
        let dial = dial(desk, profile, server.clone())?;
        let sync = SyncTask::start(opened.cache.clone(), dial.clone(), clock.clone());
        let line = Line::keep(dial.clone(), sync.status());
        let work = Work::new(desk, profile, dial.clone());
        let (files, bringing) = Files::open(opened.cache.clone(), dial.clone(), sync.status());
        let (given_up, acted) = (GivenUpLately::default(), ActedLately::default());
        let shared = match &server {
            Some(server) if profile.kind == Kind::Local => {
                let shared = Shared::new(desk, profile, server.clone(), opened.cache.clone(), dial);
                shared.resume(profile.sharing).await;
                Some(shared)
            }
            _ => None,
        };
        Ok(Self {
            cache: opened.cache,
            sync,
            server,
            given_up,
            acted,
            line,
            work,
            shared,
            files,
            _bringing: bringing,
            kind: profile.kind,
        })
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

    /// Seconds by which this computer's clock is ahead of the server's as it was last measured, when that is worth a word.
    pub(crate) async fn clock_ahead(&self, clock: &Clock) -> Result<Option<f64>, ApiError> {
        Ok(balcao_sync::plan::clock_ahead(clock.now(), self.cache.server_now().await?))
    }

    /// Ends in bounded time: what is queued is on disk already.
    pub(crate) async fn close(self) {
        self.fall_silent().await.close().await;
    }

    /// Ends what this computer does for others: the background work, and the way by which they come in.
    pub(crate) async fn keep_others_out(&self) {
        // It is given back over the way that ends with the clinic.
        self.work.stop().await;
        if let Some(shared) = &self.shared {
            let _ = tokio::time::timeout(Duration::from_secs(5), shared.stop()).await;
        }
    }

    /// Ends everything but the copy, which has nobody left who would change it.
    pub(crate) async fn fall_silent(self) -> Cache {
        self.keep_others_out().await;
        let _ = tokio::time::timeout(Duration::from_secs(5), self.sync.stop()).await;
        if let Some(server) = self.server {
            server.stop().await;
        }
        self.cache
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

fn dial(desk: &Desk, profile: &Profile, server: Option<Arc<EmbeddedServer>>) -> Result<Dial, ApiError> {
    let address = profile
        .address
        .clone()
        .ok_or_else(|| ApiError::new("profile_damaged", "profile.json does not say where the clinic is"))?;
    let version = &desk.options.app_version;
    let (keychain, id, application) = (desk.keychain.clone(), profile.id.to_string(), format!("balcao {version}"));
    let computer = this_computer(version);
    let whereabouts = Whereabouts::new(address.clone(), desk.options.profile_dir.clone());
    Ok(Arc::new(move || {
        let (address, keychain, id, whereabouts) = (address.clone(), keychain.clone(), id.clone(), whereabouts.clone());
        let (server, application, computer) = (server.clone(), application.clone(), computer.clone());
        Box::pin(async move {
            let tenant = match server {
                Some(server) => server.connect(&address, &application).await?,
                None => whereabouts.connect(password(&keychain, &id).await?.expose(), &application).await?,
            };
            // That this is not written down costs a line in a list; whatever is wrong shows in what follows.
            let _ = tenant.introduce(&computer).await;
            Ok(tenant)
        })
    }))
}
