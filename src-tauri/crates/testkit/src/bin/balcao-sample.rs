//! Fills a provisioned clinic with sample people, visits, talks and leads.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use balcao_testkit::sample::{self, Plan, Size};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use clap::{Parser, ValueEnum};
use uuid::Uuid;

/// Fills a clinic that was just provisioned with sample data; the same seed and day give the same rows.
#[derive(Parser)]
struct Arguments {
    /// A superuser's URL of the clinic's database.
    #[arg(long, env = "BALCAO_ADMIN_URL", hide_env_values = true)]
    admin_url: String,
    /// The clinic.
    #[arg(long)]
    clinic_id: Uuid,
    /// How much.
    #[arg(long, value_enum, default_value = "small")]
    size: SizeName,
    /// Another number gives another clinic.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draw the clinic as it was on that day at 10:40; without it, as it is now.
    #[arg(long)]
    today: Option<NaiveDate>,
    /// The clinic's time zone.
    #[arg(long, default_value = "America/Sao_Paulo")]
    time_zone: Tz,
    /// Print the counts as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum SizeName {
    Small,
    Year,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The URL holds a password and is in no error of these crates.
            let _ = writeln!(std::io::stderr(), "balcao-sample: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let plan = plan(&arguments)?;
    let began = Instant::now();
    let mut errors = std::io::stderr();
    let shown = errors.is_terminal();
    let counts = sample::load(&arguments.admin_url, arguments.clinic_id, &plan, |progress| {
        if shown {
            let _ = write!(errors, "\r\x1b[K{} {}/{}", progress.table, progress.done, progress.total);
        }
    })
    .await
    .context("the sample was not loaded")?;
    if shown {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    let seconds = began.elapsed().as_secs_f64();
    let mut out = std::io::stdout();
    if arguments.json {
        let report = serde_json::json!({
            "clinic_id": arguments.clinic_id, "seed": plan.seed, "today": plan.today, "seconds": seconds, "rows": counts,
        });
        writeln!(out, "{report}")?;
    } else {
        for (table, rows) in &counts {
            writeln!(out, "{rows:>9} {table}")?;
        }
        writeln!(out, "in {seconds:.1} s")?;
    }
    Ok(())
}

fn plan(arguments: &Arguments) -> Result<Plan> {
    let zone = arguments.time_zone;
    let now: DateTime<Utc> = match arguments.today {
        Some(day) => {
            let morning = NaiveTime::from_hms_opt(10, 40, 0).context("there is no such time")?;
            zone.from_local_datetime(&day.and_time(morning)).earliest().context("there is no such time")?.to_utc()
        }
        #[expect(clippy::disallowed_methods, reason = "the one place where this program asks for the time")]
        None => Utc::now(),
    };
    let size = match arguments.size {
        SizeName::Small => Size::Small,
        SizeName::Year => Size::Year,
    };
    let today = now.with_timezone(&zone).date_naive();
    Ok(Plan { seed: arguments.seed, size, today, now, time_zone: zone })
}
