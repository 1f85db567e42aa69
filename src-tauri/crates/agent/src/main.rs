//! `balcao-agent`: a clinic from the command line, and its background work without a window.

mod audit;
mod backups;
mod channels;
mod desk;
mod doctor;
mod make_clinic;
mod members;
mod privacy;
mod run;
mod storage;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use balcao_agent::replay::{Progress, Summary, replay};
use balcao_domain::clock::Clock;
use clap::{Args, Parser, Subcommand};

use crate::desk::Desk;

/// Some lines of a recording were damaged; everything else is done.
const DAMAGED: u8 = 2;

/// Background work of a clinic.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Puts recorded gateway events into a clinic: one JSON object {event, payload} a line.
    Replay(Replay),
    /// Makes a clinic in a database, or finds the one of this name, and prints how its owner connects.
    Provision(make_clinic::Provision),
    /// Lists the members of a clinic, their computers and the open invitations.
    Members(members::Members),
    /// Prints who did what in a clinic, newest first.
    Audit(audit::Audit),
    /// Invites a person, or a further computer of a member.
    Invite(members::Invitation),
    /// Takes the access of a member, a computer or an invitation away.
    Revoke(members::Revoke),
    /// Says which step of the way to a clinic's database fails.
    Doctor(doctor::Doctor),
    Channel(channels::Channels),
    Storage(storage::Storage),
    Run(run::Run),
    Export(privacy::Export),
    DrawWords(backups::DrawWords),
    Backup(backups::Backup),
    Verify(backups::Verify),
    Restore(backups::Restore),
}

#[derive(Args)]
struct Replay {
    /// The recording.
    file: PathBuf,
    /// The channel that the events belong to, made if it is not there; otherwise each event's own.
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    #[command(flatten)]
    desk: Desk,
    /// Prints the summary as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    balcao_agent::panics::keep_to_the_place();
    // A wrong call is a failure like any other: 2 is for damaged lines.
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            let failed = usage.use_stderr();
            // Nobody is left to be told when the terminal is gone.
            let _ = usage.print();
            return if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "balcao-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Replay(options) => return run_replay(options).await,
        Command::Provision(options) => options.run().await?,
        Command::Members(options) => options.run().await?,
        Command::Audit(options) => options.run().await?,
        Command::Invite(options) => options.run().await?,
        Command::Revoke(options) => options.run().await?,
        Command::Doctor(options) => return options.run().await,
        Command::Channel(options) => return options.run().await,
        Command::Storage(options) => return options.run().await,
        Command::Run(options) => options.run().await?,
        Command::Export(options) => options.run().await?,
        Command::DrawWords(options) => options.run()?,
        Command::Backup(options) => options.run().await?,
        Command::Verify(options) => options.run().await?,
        Command::Restore(options) => options.run().await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_replay(options: Replay) -> Result<ExitCode> {
    let recording = tokio::fs::File::open(&options.file).await;
    let recording = recording.with_context(|| format!("{} cannot be opened", options.file.display()))?;
    let tenant = options.desk.connect().await?;
    let recording = tokio::io::BufReader::with_capacity(256 * 1024, recording);
    let watched = std::io::stderr().is_terminal();
    let told = |progress: Progress<'_>| {
        let mut out = std::io::stderr().lock();
        // That nobody reads along is no reason to stop.
        let _ = match progress {
            Progress::Damaged { line, reason } => writeln!(out, "line {line}: {reason}"),
            Progress::Done(so_far) if watched && so_far.lines.is_multiple_of(1000) => {
                writeln!(out, "{} lines, {} messages", so_far.lines, so_far.messages)
            }
            Progress::Done(_) => Ok(()),
        };
    };
    let outcome = replay(&tenant, recording, options.channel.as_deref(), &Clock::System, told).await;
    tenant.close().await;
    let summary = outcome.context("what is stored stays; run the same command again for the rest")?;
    print(&summary, options.json)?;
    Ok(if summary.damaged_lines.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGED) })
}

fn print(summary: &Summary, json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(summary)?)?;
        return Ok(());
    }
    writeln!(out, "{} lines: {} stored, {} already known", summary.lines, summary.stored, summary.already_known)?;
    writeln!(
        out,
        "{} messages ({} repeated), {} statuses, {} changes, {} waiting for their message, {} of no consequence",
        summary.messages,
        summary.repeated_messages,
        summary.statuses,
        summary.changes,
        summary.waiting,
        summary.ignored
    )?;
    for (kind, count) in &summary.unsupported_kinds {
        writeln!(out, "shown as unsupported: {kind} ({count})")?;
    }
    for (event, count) in &summary.unknown_events {
        writeln!(out, "unknown event: {event} ({count})")?;
    }
    if summary.not_understood > 0 {
        writeln!(out, "{} parts were not understood", summary.not_understood)?;
    }
    if !summary.damaged_lines.is_empty() {
        let numbers: Vec<_> = summary.damaged_lines.iter().map(u64::to_string).collect();
        writeln!(out, "damaged lines: {}", numbers.join(", "))?;
    }
    Ok(())
}
