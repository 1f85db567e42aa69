//! `balcao-agent backup`, `verify` and `restore`. The recovery words come in on the standard input, so that neither the list
//! of processes nor the history of a shell has them.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use balcao_backup::{Archive, Watch, Words};
use balcao_domain::clock::Clock;
use balcao_keychain::Secret;
use balcao_local_server::{BINARIES_ENV, Binaries};
use balcao_tenant::provision;
use clap::Args;
use serde_json::{Value, json};

/// Where the database is, and PostgreSQL's own programs.
#[derive(Args)]
struct Server {
    /// URL of the database for an administrator, with the password. In the environment it is seen by nobody else.
    #[arg(long, value_name = "URL", env = "BALCAO_ADMIN_URL", hide_env_values = true)]
    admin_url: String,
    #[command(flatten)]
    postgres: Postgres,
}

#[derive(Args)]
struct Postgres {
    /// Folder of PostgreSQL 18; beside this program when it is not given.
    #[arg(long, value_name = "DIR", env = BINARIES_ENV)]
    postgres: Option<PathBuf>,
    /// Prints the answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Postgres {
    fn binaries(&self) -> Result<Binaries> {
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("postgresql")));
        Ok(Binaries::locate(self.postgres.iter().cloned().chain(beside))?)
    }
}

/// Makes an encrypted backup. The recovery words are read from the standard input.
#[derive(Args)]
pub struct Backup {
    #[command(flatten)]
    server: Server,
    /// Folder for the backup.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
}

/// Restores a backup into a database that is made for it and thrown away. The words are read from the standard input.
#[derive(Args)]
pub struct Verify {
    /// The backup.
    file: PathBuf,
    /// Folder on this computer in which the database is made.
    #[arg(long, value_name = "DIR")]
    scratch: PathBuf,
    #[command(flatten)]
    postgres: Postgres,
}

/// Restores a backup into an empty database and prints how its owner connects. The words are read from the standard input.
#[derive(Args)]
pub struct Restore {
    /// The backup.
    file: PathBuf,
    #[command(flatten)]
    server: Server,
}

/// Draws recovery words for backups to come.
#[derive(Args)]
pub struct DrawWords {
    /// Prints the answer as JSON.
    #[arg(long)]
    json: bool,
}

impl DrawWords {
    /// Prints the words. They are kept nowhere.
    pub fn run(&self) -> Result<()> {
        let words = Words::draw()?;
        let text = words.secret().expose();
        say(self.json, &json!({ "words": text.split(' ').collect::<Vec<_>>() }), text)
    }
}

impl Backup {
    /// Makes the backup.
    pub async fn run(self) -> Result<()> {
        let words = words()?;
        let (binaries, admin_url) = (self.server.postgres.binaries()?, Secret::new(self.server.admin_url));
        let now = Clock::System.now();
        let forgotten = provision::erasures(admin_url.expose()).await?;
        let made = balcao_backup::make(&binaries, &admin_url, &self.folder, &words, now, &Watch::silent()).await?;
        let there = || format!("{} was made, but", made.path.display());
        balcao_backup::add_erasures(&self.folder, &words, &forgotten)
            .await
            .with_context(|| format!("{} the list of who was forgotten is not beside it", there()))?;
        provision::record_backup(admin_url.expose(), made.manifest.rows, made.manifest.bytes)
            .await
            .with_context(|| format!("{} the audit could not be told of it", there()))?;
        let mut answer = serde_json::to_value(&made.manifest)?;
        answer["file"] = json!(made.path);
        let said = format!("{}\n{} rows, {} bytes", made.path.display(), made.manifest.rows, made.manifest.bytes);
        say(self.server.postgres.json, &answer, &said)
    }
}

impl Verify {
    /// Tries the backup.
    pub async fn run(self) -> Result<()> {
        let archive = Archive::open(&self.file, &words()?)?;
        balcao_backup::verify(&self.postgres.binaries()?, &archive, &self.scratch, &Watch::silent()).await?;
        let contents = &archive.contents;
        let answer = json!({
            "verified": true, "clinics": contents.clinics, "taken_at": contents.taken_at,
            "schema_version": contents.schema_version, "rows": contents.rows(),
        });
        let said = format!("The backup of {} is good: {} rows.", contents.clinics.join(", "), contents.rows());
        say(self.postgres.json, &answer, &said)
    }
}

impl Restore {
    /// Restores the backup.
    pub async fn run(self) -> Result<()> {
        let archive = Archive::open(&self.file, &words()?)?;
        let binaries = self.server.postgres.binaries()?;
        let admin_url = Secret::new(self.server.admin_url);
        let restored = balcao_backup::restore(&binaries, &archive, &admin_url, &Watch::silent()).await?;
        let mut said = format!("{} rows are there.", restored.contents.rows());
        for clinic in &restored.clinics {
            let (owner, address) = (&clinic.owner, &clinic.owner.address);
            said.push_str(&format!(
                "\nThe clinic {} is there.\nserver    {}:{}\ndatabase  {}\nlogin     {}\npassword  {}",
                clinic.clinic_name,
                address.host,
                address.port,
                address.database,
                owner.login,
                owner.password.as_deref().unwrap_or_default()
            ));
        }
        let answer = json!({ "rows": restored.contents.rows(), "clinics": restored.clinics });
        say(self.server.postgres.json, &answer, &said)
    }
}

fn words() -> Result<Words> {
    let mut typed = String::new();
    std::io::stdin().take(4096).read_to_string(&mut typed).context("the recovery words cannot be read")?;
    Words::parse(&typed).context("type the twelve recovery words on the standard input")
}

fn say(as_json: bool, answer: &Value, said: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{answer}")?
    } else {
        writeln!(out, "{said}")?
    }
    Ok(())
}
