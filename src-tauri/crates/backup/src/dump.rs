//! Making a backup.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use balcao_keychain::Secret;
use balcao_local_server::Binaries;
use balcao_tenant::TlsMode;
use balcao_tenant::provision::{Connection, Snapshot};
use chrono::{DateTime, Utc};

use crate::contents::{Contents, FIRST_LINE, Manifest};
use crate::error::{BackupError, Result};
use crate::folder::{self, Found, UNFINISHED};
use crate::password_file::PasswordFile;
use crate::seal::Sealing;
use crate::watch::{Step, Watch};
use crate::words::Words;

/// Copies the database that the administrator's URL names into a new file of the folder. `now` names the file.
///
/// # Errors
/// [`BackupError`]. After an error the folder is as it was.
pub async fn make(
    binaries: &Binaries,
    admin_url: &Secret,
    folder: &Path,
    words: &Words,
    now: DateTime<Utc>,
    watch: &Watch,
) -> Result<Found> {
    watch.tell(Step::Look, 0, None);
    folder::usable(folder)?;
    folder::sweep(folder);
    let snapshot = watch.unless_cancelled(async { Ok(Snapshot::open(admin_url.expose()).await?) }).await?;
    let contents = Contents {
        clinics: snapshot.clinics.clone(),
        taken_at: snapshot.taken_at,
        schema_version: snapshot.schema_version,
        tables: snapshot.tables.clone(),
    };
    let place = folder::place(folder, now);
    let unfinished = place.with_extension(UNFINISHED);
    let ca = tempfile::NamedTempFile::new().map_err(BackupError::io("write", Path::new("a temporary file")))?;
    let password = PasswordFile::new(snapshot.reader.password.as_deref().unwrap_or_default())
        .map_err(BackupError::io("write", Path::new("a file in memory")))?;
    let dump = command(binaries, &snapshot.reader, &snapshot.id, &password, ca.path())?;
    let written = write(dump, contents.clone(), unfinished.clone(), words.clone(), watch.clone()).await;
    drop(password);
    // What became of the copy is what matters; the login expires by itself.
    let closed = snapshot.close().await;
    let (bytes, sha256) = written.inspect_err(|_| remove(&unfinished))?;
    if let Err(error) = closed {
        tracing::warn!(%error, "the login of a copy could not be removed yet");
    }
    let manifest = Manifest {
        series: words.series(),
        rows: contents.rows(),
        clinics: contents.clinics,
        taken_at: contents.taken_at,
        schema_version: contents.schema_version,
        bytes,
        sha256,
    };
    folder::put(&unfinished, &place, &manifest).inspect_err(|_| remove(&unfinished))?;
    Ok(Found { path: place, manifest })
}

/// `pg_dump` under a login that can only read and is gone when the copy is done: the administrator's own password never
/// leaves this process.
fn command(
    binaries: &Binaries,
    reader: &Connection,
    snapshot: &str,
    password: &PasswordFile,
    ca: &Path,
) -> Result<Command> {
    let address = &reader.address;
    let mut command = binaries.command("pg_dump");
    command.args(["--format=custom", "--no-password", "--no-comments", "--no-security-labels", "--no-large-objects"]);
    command.arg(format!("--snapshot={snapshot}")).arg("--dbname").arg(&address.database);
    command.arg("--host").arg(&address.host).arg("--port").arg(address.port.to_string());
    command.arg("--username").arg(&reader.login);
    command.env("PGPASSFILE", password.path()).env("PGAPPNAME", "balcao-backup");
    match &address.tls {
        TlsMode::Loopback => command.env("PGSSLMODE", "disable"),
        TlsMode::VerifyFull => command.env("PGSSLMODE", "verify-full").env("PGSSLROOTCERT", "system"),
        TlsMode::VerifyFullWith { ca_pem } | TlsMode::Pinned { ca_pem, .. } => {
            // The certificate of an authority is no secret.
            fs::write(ca, ca_pem).map_err(BackupError::io("write", ca))?;
            command.env("PGSSLMODE", "verify-full").env("PGSSLROOTCERT", ca)
        }
    };
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

async fn write(
    command: Command,
    contents: Contents,
    unfinished: std::path::PathBuf,
    words: Words,
    watch: Watch,
) -> Result<(u64, String)> {
    let work = tokio::task::spawn_blocking(move || copy(command, &contents, &unfinished, &words, &watch));
    // What a panic says may quote what it stumbled over.
    let broken = || BackupError::Program { program: "pg_dump", said: "its output could not be taken".to_owned() };
    work.await.unwrap_or_else(|_panic| Err(broken()))
}

fn copy(
    mut command: Command,
    contents: &Contents,
    unfinished: &Path,
    words: &Words,
    watch: &Watch,
) -> Result<(u64, String)> {
    let of_file = |error| BackupError::io("write", unfinished)(error);
    let mut sealing = Sealing::begin(create(unfinished)?, words).map_err(of_file)?;
    sealing.write_all(FIRST_LINE.as_bytes()).map_err(of_file)?;
    let description = serde_json::to_vec(contents).map_err(io::Error::from).map_err(of_file)?;
    sealing.write_all(&description).and_then(|()| sealing.write_all(b"\n")).map_err(of_file)?;

    let failed = |error: io::Error| BackupError::Program { program: "pg_dump", said: error.to_string() };
    let mut child = command.spawn().map_err(failed)?;
    // Read on the side: a program that says much would wait for ever to be heard.
    let said = child.stderr.take().map(|mut stderr| {
        std::thread::spawn(move || {
            let mut said = String::new();
            let _ = stderr.read_to_string(&mut said);
            said
        })
    });
    let copied = match child.stdout.take() {
        Some(stdout) => pour(stdout, &mut sealing, watch, unfinished),
        None => Ok(()),
    };
    if copied.is_err() {
        end(&mut child);
    }
    let status = child.wait().map_err(failed)?;
    copied?;
    let said = said.and_then(|said| said.join().ok()).unwrap_or_default();
    if !status.success() {
        return Err(BackupError::Program { program: "pg_dump", said: last_lines(&said) });
    }
    sealing.finish().map_err(of_file)
}

fn pour(mut from: ChildStdout, into: &mut Sealing, watch: &Watch, unfinished: &Path) -> Result<()> {
    let (mut buffer, mut done) = (vec![0; 256 * 1024], 0);
    loop {
        watch.check()?;
        let read = from.read(&mut buffer);
        match read.map_err(|error| BackupError::Program { program: "pg_dump", said: error.to_string() })? {
            0 => return Ok(()),
            read => {
                into.write_all(&buffer[..read]).map_err(BackupError::io("write", unfinished))?;
                done += read as u64;
                watch.tell(Step::Copy, done, None);
            }
        }
    }
}

/// Nobody else may read it, though there is nothing to read without the words.
fn create(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(BackupError::io("create", path))
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
}

fn remove(unfinished: &Path) {
    // The next backup sweeps, if it cannot be removed now.
    let _ = fs::remove_file(unfinished);
}

/// The end of what a program said, short enough for a message.
pub(crate) fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join("\n")
}
