//! A clinic whose database runs on this computer: made, started again, reached.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use balcao_domain::clock::Clock;
use balcao_keychain::{Keychain, Secret, names};
use balcao_local_server::{Binaries, Config, LocalServer};
use balcao_tenant::provision::{self, Databases};
use balcao_tenant::{Address, Tenant};
use balcao_testkit::sample;
use tokio::sync::Mutex;

use crate::error::ApiError;
use crate::profile::{Kind, Profile};
use crate::session::StartLocalClinic;
use crate::setup;

/// Name of the clinic's database in the embedded server.
pub(crate) const DATABASE: &str = "balcao";

/// The sample clinic is the same for everyone on the same day.
const SAMPLE_SEED: u64 = 1;

/// A server that died is left alone for this long, unless a person asks: whoever stopped it may be at work on it.
const LEFT_ALONE: Duration = Duration::from_secs(60);

/// The embedded server of a profile.
#[derive(Debug)]
pub(crate) struct EmbeddedServer {
    folder: PathBuf,
    postgres_dir: Option<PathBuf>,
    keychain: Keychain,
    profile_id: String,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    server: Option<LocalServer>,
    missing_since: Option<Instant>,
    wanted_now: bool,
}

impl EmbeddedServer {
    pub(crate) fn new(folder: PathBuf, postgres_dir: Option<PathBuf>, keychain: Keychain, profile: &Profile) -> Self {
        Self { folder, postgres_dir, keychain, profile_id: profile.id.to_string(), running: Mutex::default() }
    }

    /// Finds the server running, or starts it. Returns the address of `database` for the administrator.
    pub(crate) async fn admin_url(&self, database: &str) -> Result<Secret, ApiError> {
        let mut running = self.running.lock().await;
        self.ensure(&mut running).await?;
        let server = running.server.as_ref().ok_or_else(|| ApiError::internal("the server was just started"))?;
        Ok(server.connection().admin_url(database))
    }

    /// Where the server is now: its port changes with each start.
    pub(crate) async fn port(&self) -> Result<u16, ApiError> {
        let mut running = self.running.lock().await;
        self.ensure(&mut running).await?;
        running.server.as_ref().map(|server| server.connection().port).ok_or_else(|| ApiError::internal("no server"))
    }

    async fn ensure(&self, running: &mut Running) -> Result<(), ApiError> {
        if let Some(server) = &running.server {
            if server.is_ready().await {
                running.missing_since = None;
                return Ok(());
            }
            let since = *running.missing_since.get_or_insert_with(Instant::now);
            if since.elapsed() < LEFT_ALONE && !running.wanted_now {
                return Err(ApiError::new("unreachable", "the database on this computer does not answer"));
            }
        }
        let binaries = self.binaries()?;
        let entry = names::superuser_password(&self.profile_id);
        let config = Config::new(binaries, Profile::server_dir(&self.folder), self.keychain.clone(), entry);
        running.server = Some(LocalServer::start(config).await?);
        running.missing_since = None;
        running.wanted_now = false;
        Ok(())
    }

    /// The programs of PostgreSQL.
    pub(crate) fn binaries(&self) -> Result<Binaries, ApiError> {
        // Beside the program when it is installed; from the setting in development.
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("postgresql")));
        let from_setting = std::env::var_os(balcao_local_server::BINARIES_ENV).map(PathBuf::from);
        Ok(Binaries::locate(self.postgres_dir.iter().cloned().chain(from_setting).chain(beside))?)
    }

    /// A person wants it now, also if it has just died.
    pub(crate) async fn hurry(&self) {
        self.running.lock().await.wanted_now = true;
    }

    /// Stops the server; it took care of its data at every commit.
    pub(crate) async fn stop(&self) {
        if let Some(server) = self.running.lock().await.server.take()
            && let Err(error) = server.stop().await
        {
            tracing::warn!(%error, "the database on this computer did not stop in time");
        }
    }

    /// Stops it also when an earlier run of the program left it behind: its folder is going to be removed.
    pub(crate) async fn stop_for_good(&self) {
        if Profile::server_dir(&self.folder).join("postmaster.pid").exists() {
            let mut running = self.running.lock().await;
            running.wanted_now = true;
            // One that cannot be started is not running either.
            let _ = self.ensure(&mut running).await;
        }
        self.stop().await;
    }

    /// Makes the clinic that was asked for. Can be called again after an interruption at any step: what is there stays.
    /// `progress` hears of each step before it is begun, and may refuse to go on.
    pub(crate) async fn make_clinic(
        &self,
        kind: Kind,
        wish: &StartLocalClinic,
        clock: &Clock,
        progress: &(dyn Fn(&str) -> Result<(), ApiError> + Send + Sync),
    ) -> Result<Address, ApiError> {
        progress("database")?;
        let maintenance = self.admin_url("postgres").await?;
        progress("database")?;
        Databases::at(maintenance.expose())?.create(DATABASE).await?;
        progress("schema")?;
        let admin = self.admin_url(DATABASE).await?;
        let entry = names::database_password(&self.profile_id);
        // Kept before the clinic lasts: whatever happens then, this computer can enter what it made.
        let (request, practice) = (setup::request(wish)?, setup::practice(wish));
        let made = provision::found(admin.expose(), &request, &practice, |made| {
            let (keychain, entry) = (&self.keychain, &entry);
            async move {
                match made.owner.password {
                    Some(password) => keychain.set(entry, &Secret::new(password)).await.is_ok(),
                    None => true,
                }
            }
        });
        let unkept = || ApiError::new("keychain_unavailable", "the keyring did not take the password of the clinic");
        let made = made.await?.ok_or_else(unkept)?;
        progress("keychain")?;
        // Made by an earlier version and interrupted before the password was kept: it gets a new one.
        if self.keychain.get(&entry).await?.is_none() {
            let renewed = provision::rotate_password(admin.expose(), &made.owner.login).await?;
            let password = renewed.password.ok_or_else(|| ApiError::internal("no new password"))?;
            self.keychain.set(&entry, &Secret::new(password)).await?;
        }
        if kind == Kind::Sample {
            progress("sample")?;
            let now = clock.now();
            let time_zone = chrono_tz::America::Sao_Paulo;
            let today = now.with_timezone(&time_zone).date_naive();
            let plan = sample::Plan { seed: SAMPLE_SEED, size: sample::Size::Small, today, now, time_zone };
            match sample::load(admin.expose(), made.clinic_id, &plan, |_| ()).await {
                // Filled before, and interrupted after: it is there whole or not at all.
                Ok(_) | Err(balcao_tenant::Error::InvalidRequest { field: "clinic", .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(made.owner.address)
    }

    /// Connects as the desk.
    pub(crate) async fn connect(&self, address: &Address, application: &str) -> Result<Tenant, balcao_sync::Error> {
        let port = self.port().await.map_err(preparation)?;
        let address = Address { port, ..address.clone() };
        let password = password(&self.keychain, &self.profile_id).await?;
        match Tenant::connect(&address, password.expose(), application).await {
            // A newer program takes its own clinic along. Somebody else's database is migrated by who looks after it.
            Err(balcao_tenant::Error::SchemaOlder { .. }) => {
                let admin = self.admin_url(DATABASE).await.map_err(preparation)?;
                provision::migrate(admin.expose()).await?;
                Ok(Tenant::connect(&address, password.expose(), application).await?)
            }
            connected => Ok(connected?),
        }
    }
}

/// The desk's password for the clinic's database.
pub(crate) async fn password(keychain: &Keychain, profile_id: &str) -> Result<Secret, balcao_sync::Error> {
    keychain
        .get(&names::database_password(profile_id))
        .await
        .map_err(|error| preparation(error.into()))?
        .ok_or_else(|| preparation(ApiError::new("password_missing", "the keyring has no password for this clinic")))
}

fn preparation(error: ApiError) -> balcao_sync::Error {
    // A server that is down, or still ending after a crash, is a closed line; the rest needs a person.
    let passing = matches!(error.code.as_str(), "unreachable" | "server_start_failed" | "keychain_unavailable");
    balcao_sync::Error::Preparation { code: error.code, message: error.message, passing }
}
