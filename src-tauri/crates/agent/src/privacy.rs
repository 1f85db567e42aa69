//! `balcao-agent export`: hands out everything that is known about one person, as the owner does in the window.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use balcao_domain::clock::Clock;
use balcao_tenant::privacy::ExportProgress;
use clap::Args;
use serde_json::json;
use uuid::Uuid;

use crate::desk::Desk;

/// Writes everything that is known about one person into a new zip: a page to read and print, and the same for programs.
/// The clinic's database writes down that it was read out.
#[derive(Args)]
pub struct Export {
    /// The person, by the id of the contact.
    #[arg(long, value_name = "ID")]
    person: Uuid,
    /// The file, which must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    desk: Desk,
    /// Prints where the file is, how many entries are in it, and which files could not be read, as JSON.
    #[arg(long)]
    json: bool,
}

impl Export {
    /// Reads, writes and says so.
    pub async fn run(self) -> Result<()> {
        // The place for it first: what nobody can receive is not read out.
        if self.out.exists() {
            bail!("{} is there already", self.out.display());
        }
        let folder = self.out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let watched = std::io::stderr().is_terminal();
        let tenant = self.desk.connect().await?;
        let told = |progress: ExportProgress| {
            if watched {
                let (part, rows) = (progress.part, progress.rows);
                // That nobody reads along is no reason to stop.
                let _ = writeln!(
                    std::io::stderr(),
                    "{part}: {rows} entries, {} of {} files so far",
                    progress.files_done,
                    progress.files
                );
            }
        };
        let made = tokio::select! {
            made = tenant.export_person(self.person, folder, Clock::System.now(), told) => made,
            _ = tokio::signal::ctrl_c() => bail!("it was called off, and nothing is left of it"),
        };
        tenant.close().await;
        let Some(mut archive) = made? else { bail!("there is no such person in this clinic") };
        archive.keep_as(&self.out).with_context(|| format!("{} cannot be written", self.out.display()))?;
        let (path, rows, missing) = (self.out.display(), archive.rows, &archive.missing);
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json!({ "path": path.to_string(), "rows": rows, "missing": missing }))?;
        } else {
            writeln!(out, "{rows} entries in {path}")?;
            for name in missing {
                writeln!(out, "missing, it could not be read: {name}")?;
            }
        }
        Ok(())
    }
}
