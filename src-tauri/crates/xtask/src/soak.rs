//! Any frames and payloads at all for ten minutes, a long history of the wire, random histories for as long as one likes, and the
//! seed that draws them again.

use std::hash::{BuildHasher as _, RandomState};

use anyhow::Result;
use clap::Args;

use crate::database::Embedded;
use crate::system::{self, Needs};
use crate::{artifacts, postgres, progress, ui};

/// The history of the connection to WhatsApp.
const WIRE: &str = "background::after_a_random_history_everything_is_here_once_and_no_tick_went_down";

/// Options of the chore.
#[derive(Args)]
pub(crate) struct Soak {
    /// How long.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// What the histories are drawn from; a fresh one where none is given.
    #[arg(long)]
    seed: Option<u32>,
}

impl Soak {
    /// Runs until the time is over or a history does not end well, which is then told step by step.
    pub(crate) fn run(self) -> Result<()> {
        system::check(Needs::Tests)?;
        let binaries = postgres::binaries()?;
        ui::build()?;
        artifacts::everything()?;
        let database = Embedded::start()?;
        let seed = self.seed.unwrap_or_else(fresh_seed);
        progress::say(format_args!("soak for {} minutes with the seed {seed}", self.minutes));
        let run = |target: &str, test: &[&str]| {
            artifacts::test(target)?
                .args(["--exact", "--nocapture"])
                .args(test)
                .env("BALCAO_SOAK_MINUTES", self.minutes.to_string())
                .env("BALCAO_WIRE_HISTORY", "full")
                .env("BALCAO_HISTORIES_SEED", seed.to_string())
                .env("BALCAO_TEST_DATABASE_URL", database.url())
                .env(balcao_local_server::BINARIES_ENV, binaries.root())
                .run()
        };
        progress::say("whatever a gateway may say, for ten minutes at most");
        run("gateways", &["--ignored", "any_frames::any_frames_for_long"])?;
        run("gateways", &["--ignored", "any_json::any_json_for_long"])?;
        progress::say("a history of the wire: 10,000 messages, 50 computers that die, 10 restarts of PostgreSQL");
        run("together", &[WIRE])?;
        run("histories", &["--ignored", "random_histories_for_long"])
    }
}

/// A number that no run before has had.
pub(crate) fn fresh_seed() -> u32 {
    // The standard library draws the keys of each hasher anew.
    RandomState::new().hash_one(0) as u32
}
