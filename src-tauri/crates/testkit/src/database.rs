//! Databases for tests: each test has one of its own, with the real schema and a clinic in it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use balcao_keychain::Secret;
use balcao_local_server::{Config, LocalServer, SUPERUSER, SuperuserPassword, release};
use balcao_tenant::provision::{self, Connection, Databases, NewMember, Provisioned, Request, Vertical};
use balcao_tenant::{Role, Tenant};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// Environment setting with an administrator's URL of a server to test against, in place of the embedded one.
pub const SERVER_ENV: &str = "BALCAO_TEST_DATABASE_URL";

/// The same for a server of the oldest supported version, on which the tests of the schema then run as well.
pub const OLDEST_SERVER_ENV: &str = "BALCAO_TEST_DATABASE_URL_15";

/// A database with one clinic, gone when it is dropped, together with its logins.
pub struct TestDatabase {
    name: String,
    admin_url: String,
    server_url: String,
    clinic: Provisioned,
}

impl TestDatabase {
    /// On the server that [`SERVER_ENV`] names, otherwise on the embedded one.
    pub async fn fresh() -> Result<Self> {
        Self::fresh_on(server().await?).await
    }

    /// On the server of this administrator's URL, by copying a template that is migrated once per schema.
    pub async fn fresh_on(server_url: &str) -> Result<Self> {
        let databases = Databases::at(server_url)?;
        let template = databases.template().await.context("making the template database")?;
        let name = unique_name();
        databases.copy(&template, &name).await.context("copying the template database")?;
        let admin_url = databases.url_of(&name);
        let request = clinic_request("Clínica Teste");
        let clinic = provision::provision(&admin_url, &request).await.context("making a clinic")?;
        Ok(Self { name, admin_url, server_url: server_url.to_owned(), clinic })
    }

    /// URL of the database for its administrator, who sees every clinic. It holds a password.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// The clinic.
    pub fn clinic_id(&self) -> Uuid {
        self.clinic.clinic_id
    }

    /// The clinic as it was provisioned.
    pub fn clinic(&self) -> &Provisioned {
        &self.clinic
    }

    /// The login of the clinic's owner, with its password.
    pub fn owner(&self) -> &Connection {
        &self.clinic.owner
    }

    /// Adds a member to the clinic, with a login.
    pub async fn add_member(&self, role: Role) -> Result<Connection> {
        self.add_member_of(self.clinic_id(), role).await
    }

    /// Adds a member to any clinic of the database, with a login.
    pub async fn add_member_of(&self, clinic_id: Uuid, role: Role) -> Result<Connection> {
        let member = NewMember { name: format!("Pessoa {}", role.as_str()), email: None, role };
        Ok(provision::add_login(&self.admin_url, clinic_id, &member).await?)
    }

    /// Makes another clinic in the same database.
    pub async fn another_clinic(&self, name: &str) -> Result<Provisioned> {
        Ok(provision::provision(&self.admin_url, &clinic_request(name)).await?)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server_url, name) = (self.server_url.clone(), self.name.clone());
        // The runtime of a test cannot be waited for from within it.
        let _ = std::thread::spawn(move || remove(&server_url, &name)).join();
    }
}

/// An empty database without a schema, gone when it is dropped.
pub struct EmptyDatabase {
    name: String,
    admin_url: String,
    server_url: String,
}

impl EmptyDatabase {
    /// On the server of this administrator's URL.
    pub async fn on(server_url: &str) -> Result<Self> {
        let databases = Databases::at(server_url)?;
        let name = unique_name();
        databases.create(&name).await.context("making an empty database")?;
        Ok(Self { admin_url: databases.url_of(&name), name, server_url: server_url.to_owned() })
    }

    /// URL of the database for its administrator.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for EmptyDatabase {
    fn drop(&mut self) {
        let (server_url, name) = (self.server_url.clone(), self.name.clone());
        let _ = std::thread::spawn(move || remove(&server_url, &name)).join();
    }
}

/// A login's connection.
pub async fn log_in(connection: &Connection) -> balcao_tenant::Result<Tenant> {
    let password = connection.password.as_deref().unwrap_or_default();
    Tenant::connect(&connection.address, password, "balcao-test").await
}

/// What a clinic of this name is asked for with.
pub fn clinic_request(name: &str) -> Request {
    Request {
        clinic_name: name.to_owned(),
        time_zone: "America/Sao_Paulo".to_owned(),
        locale: "pt-BR".to_owned(),
        vertical: Vertical::Human,
        slug: None,
        owner_name: "Dona da Clínica".to_owned(),
        owner_email: None,
    }
}

/// Administrators' URLs of every server that the tests of the schema run on.
pub async fn servers() -> Result<Vec<String>> {
    let mut servers = vec![server().await?.to_owned()];
    servers.extend(std::env::var(OLDEST_SERVER_ENV).ok().filter(|url| !url.is_empty()));
    Ok(servers)
}

/// Administrator's URL of the server that tests use.
pub async fn server() -> Result<&'static str> {
    static SERVER: OnceCell<String> = OnceCell::const_new();
    let url = SERVER.get_or_try_init(|| async {
        match std::env::var(SERVER_ENV) {
            Ok(url) if !url.is_empty() => Ok(url),
            _ => Ok(embedded().await?.connection().admin_url("postgres").expose().to_owned()),
        }
    });
    url.await.map(String::as_str)
}

/// Stops the embedded server that tests have left running for those after them.
pub async fn stop_embedded() -> Result<()> {
    Ok(embedded().await?.stop().await?)
}

/// The embedded server of all tests of this account: the first one starts it and the others adopt it.
async fn embedded() -> Result<LocalServer> {
    let binaries = tokio::task::spawn_blocking(release::find_or_fetch).await??;
    let folder = release::cache_dir();
    fs::create_dir_all(&folder)?;
    let password = SuperuserPassword::Given(password_in(&folder.join("tests.password"))?);
    // A folder that was made for another superuser is not asked.
    let data_dir = folder.join(format!("tests-{SUPERUSER}"));
    let config = Config { binaries, data_dir, password, patience: Duration::from_secs(120) };
    LocalServer::start(config).await.context("starting the embedded server for tests")
}

/// The password that the first test wrote down.
fn password_in(file: &Path) -> Result<Secret> {
    if !file.exists() {
        let drawn = file.with_extension(format!("{}", std::process::id()));
        fs::write(&drawn, Secret::random(32)?.expose())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&drawn, fs::Permissions::from_mode(0o600))?;
        }
        // Of two that draw at once the first wins: a link does not replace what is there.
        let _ = fs::hard_link(&drawn, file);
        fs::remove_file(&drawn)?;
    }
    Ok(Secret::new(fs::read_to_string(file)?))
}

fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("balcao_test_{}_{count}_{:08x}", std::process::id(), rand::random::<u32>())
}

/// Best effort: a test has said what it had to say.
fn remove(server_url: &str, name: &str) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let Ok(databases) = Databases::at(server_url) else { return };
        let removal = async {
            let _ = databases.remove_logins(name).await;
            let _ = databases.remove(name).await;
        };
        // Another part of the same test may hold a lock and wait for this one to be done.
        let _ = tokio::time::timeout(Duration::from_secs(10), removal).await;
    });
}
