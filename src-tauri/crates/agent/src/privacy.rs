//! `balcao-agent export`: hands out everything that is known about one person, as the owner does in the window.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

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
    /// Prints where the file is, and how many entries are in it, as JSON.
    #[arg(long)]
    json: bool,
}

impl Export {
    /// Reads, writes and says so.
    pub async fn run(self) -> Result<()> {
        // The place for it first: what nobody can receive is not read out.
        let mut file = std::fs::File::create_new(&self.out)
            .with_context(|| format!("{} cannot be written", self.out.display()))?;
        let written = self.write(&mut file).await;
        if written.is_err() {
            // Half a file is none.
            let _ = std::fs::remove_file(&self.out);
        }
        let rows = written?;
        let path = self.out.display().to_string();
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json!({ "path": path, "rows": rows }))?;
        } else {
            writeln!(out, "{rows} entries in {path}")?;
        }
        Ok(())
    }

    async fn write(&self, file: &mut std::fs::File) -> Result<u64> {
        let watched = std::io::stderr().is_terminal();
        let tenant = self.desk.connect().await?;
        let told = |progress: ExportProgress| {
            if watched {
                // That nobody reads along is no reason to stop.
                let _ = writeln!(std::io::stderr(), "{}: {} entries so far", progress.part, progress.rows);
            }
        };
        let record = tenant.export_person(self.person, told).await;
        tenant.close().await;
        let Some(record) = record? else { bail!("there is no such person in this clinic") };
        file.write_all(&record.archive(Clock::System.now())?)
            .and_then(|()| file.sync_all())
            .context("the file cannot be written")?;
        Ok(record.rows())
    }
}
