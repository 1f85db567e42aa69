//! A PostgreSQL of somebody else's that speaks TLS: whom a pasted certificate authority lets the program believe. It is the
//! oldest one that is supported; the one that the program carries along speaks no TLS itself.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use balcao_tenant::provision;
use balcao_tenant::{Address, Error, Tenant, TlsMode};
use balcao_testkit::database::clinic_request;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{Connection as _, PgConnection};

/// Where Debian puts it.
const BIN: &str = "/usr/lib/postgresql/15/bin";

const PASSWORD: &str = "administrator of this test";

/// A certificate authority and the server that shows a certificate of its for `localhost`.
struct Server {
    ca_pem: String,
    port: u16,
    running: Child,
    _folder: tempfile::TempDir,
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// The account that the server runs under; PostgreSQL refuses root.
fn account() -> Option<(u32, u32)> {
    let own = fs::metadata("/proc/self").ok()?.uid();
    let database = fs::metadata("/var/lib/postgresql").ok().map(|folder| (folder.uid(), folder.gid()));
    if own == 0 { database } else { None }
}

fn program(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(Path::new(BIN).join(name));
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some((user, group)) = account() {
        command.uid(user).gid(group);
    }
    command
}

/// A file that only the server may read.
fn give(path: PathBuf, text: &str) -> Result<PathBuf> {
    fs::write(&path, text)?;
    fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
    if let Some((user, group)) = account() {
        chown(&path, Some(user), Some(group))?;
    }
    Ok(path)
}

impl Server {
    async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("balcao-tls-").tempdir()?;
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o711))?;
        let data = folder.path().join("data");
        fs::create_dir(&data)?;
        if let Some((user, group)) = account() {
            chown(&data, Some(user), Some(group))?;
        }
        let (authority, key) = (authority()?, KeyPair::generate()?);
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &authority)?;
        let certificate = give(folder.path().join("server.crt"), &certificate.pem())?;
        let key = give(folder.path().join("server.key"), &key.serialize_pem())?;
        let password = give(folder.path().join("password"), PASSWORD)?;
        let mut initdb = program("initdb", folder.path());
        initdb.args([
            "--auth=scram-sha-256",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]);
        initdb.arg("--pwfile").arg(password).arg("-D").arg(&data);
        ensure!(initdb.status()?.success(), "no data folder could be made");

        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut postgres = program("postgres", folder.path());
        postgres.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=localhost"]);
        postgres.args(["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "ssl=on"]);
        postgres.arg("-c").arg(format!("ssl_cert_file={}", certificate.display()));
        postgres.arg("-c").arg(format!("ssl_key_file={}", key.display()));
        let server = Self { ca_pem: authority.pem(), port, running: postgres.spawn()?, _folder: folder };
        let begun = Instant::now();
        while server.administrator().await.is_err() {
            ensure!(begun.elapsed() < Duration::from_secs(20), "the server does not answer");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(server)
    }

    async fn administrator(&self) -> Result<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(self.port).username("postgres");
        let options = options.password(PASSWORD).database("postgres").ssl_mode(PgSslMode::Disable);
        Ok(PgConnection::connect_with(&options).await?)
    }

    fn address(&self, host: &str, tls: TlsMode) -> Address {
        Address {
            host: host.to_owned(),
            port: self.port,
            database: "postgres".to_owned(),
            user: "postgres".to_owned(),
            tls,
        }
    }

    fn trusted(&self) -> TlsMode {
        TlsMode::VerifyFullWith { ca_pem: self.ca_pem.clone() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}

async fn look(address: &Address) -> balcao_tenant::Result<()> {
    provision::inspect(&address.to_url_with(Some(PASSWORD))).await.map(drop)
}

#[tokio::test]
async fn a_pasted_authority_is_what_decides_whether_a_server_is_believed() -> Result<()> {
    if !Path::new(BIN).join("postgres").is_file() {
        eprintln!("PostgreSQL 15 is not installed in {BIN}");
        return Ok(());
    }
    let server = Server::start().await?;
    look(&server.address("localhost", server.trusted())).await.context("the authority that was pasted")?;

    let other = TlsMode::VerifyFullWith { ca_pem: authority()?.pem() };
    for (what, address) in [
        ("those of the operating system", server.address("localhost", TlsMode::VerifyFull)),
        ("somebody else's", server.address("localhost", other)),
        ("the right one, for another name", server.address("127.0.0.1", server.trusted())),
    ] {
        let refused = look(&address).await.unwrap_err();
        assert!(matches!(refused, Error::CertificateRefused), "{what}: {refused:?}");
        assert!(!refused.to_string().contains(PASSWORD));
    }

    // The clinic that is made there is reached the same way by its desks, and only encrypted.
    let address = server.address("localhost", server.trusted());
    let made = provision::provision(&address.to_url_with(Some(PASSWORD)), &clinic_request("Clínica Acácia")).await?;
    assert_eq!(made.owner.address.tls, server.trusted());
    let password = made.owner.password.context("a new login has a password")?;
    let tenant = Tenant::connect(&made.owner.address, &password, "balcao-test").await?;
    tenant.whoami().await?;
    let mut administrator = server.administrator().await?;
    let versions: Vec<String> = sqlx::query_scalar(
        "select s.version from pg_stat_ssl s join pg_stat_activity a using (pid) where a.usename = $1 and s.ssl",
    )
    .bind(&made.owner.login)
    .fetch_all(&mut administrator)
    .await?;
    assert!(!versions.is_empty() && versions.iter().all(|version| version == "TLSv1.3"), "{versions:?}");
    tenant.close().await;
    Ok(())
}
