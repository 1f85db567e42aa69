//! The log: one file a day in the folder of the profile, the last two weeks, and the same on standard error.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Mutex;

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

/// Days that are kept.
const FILES: usize = 14;

/// Setting with a filter such as `balcao_sync=debug`.
const FILTER: &str = "BALCAO_LOG";

/// Begins to log. A log that cannot be written does not keep the program from starting.
pub(crate) fn start(profile: &Path) {
    let filter =
        EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).with_env_var(FILTER).from_env_lossy();
    let (file, problem) = match open(&profile.join("logs")) {
        Ok(file) => (Some(fmt::layer().with_ansi(false).with_writer(Mutex::new(file))), None),
        Err(problem) => (None, Some(problem)),
    };
    let terminal = fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let started = tracing_subscriber::registry().with(filter).with(terminal).with(file).try_init();
    if let Err(error) = started {
        eprintln!("balcao: no log: {error}");
    }
    if let Some(problem) = problem {
        tracing::warn!(%problem, "the log is not kept in a file");
    }
    balcao_api::panics::keep_to_the_place();
}

fn open(folder: &Path) -> Result<RollingFileAppender, Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("balcao")
        .filename_suffix("log")
        .max_log_files(FILES)
        .build(folder)?;
    Ok(file)
}
