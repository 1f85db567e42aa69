//! Draws histories from a seed and plays them; what fails is made as short as it can be.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::Runtime;

use crate::clinic::Template;
use crate::play::play;
use crate::steps::{History, Weights, histories};
use crate::tally::Tally;
use crate::variants::Variant;

/// Tries on the way to a shorter history.
const SHRINKING: u32 = 300;

/// Milliseconds that may take.
const SHRINKING_MILLIS: u32 = 180_000;

/// A history that did not end well.
#[derive(Debug)]
pub struct Found {
    seed: u64,
    number: u32,
    history: History,
    /// What was not as it must be.
    pub reason: String,
}

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, number, history, reason } = self;
        write!(out, "history {number} of the seed {seed} did not end well: {reason}\n{history:?}\n")?;
        write!(
            out,
            "again: BALCAO_HISTORY={seed}:{number} cargo test -p balcao-tests --test histories -- --ignored played_again"
        )
    }
}

/// A template, and what is played on copies of it.
pub struct Explorer {
    runtime: Runtime,
    template: Template,
    variant: Variant,
    weights: Weights,
    tally: Mutex<Tally>,
}

impl Explorer {
    pub fn new(variant: Variant, weights: Weights) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let template = runtime.block_on(Template::make())?;
        Ok(Self { runtime, template, variant, weights, tally: Mutex::default() })
    }

    /// Plays one history after the other until the time is over or one does not end well. `tell` hears what there was so far.
    pub fn explore(&self, seed: u64, length: Duration, mut tell: impl FnMut(Tally, Duration)) -> Result<Option<Found>> {
        let begun = Instant::now();
        let mut number = 0;
        while begun.elapsed() < length {
            if let Some(found) = self.one(seed, number)? {
                return Ok(Some(found));
            }
            number += 1;
            tell(self.tally(), begun.elapsed());
        }
        Ok(None)
    }

    /// What has happened in the histories that ended well.
    pub fn tally(&self) -> Tally {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plays one history and, if it does not end well, shorter ones that do not either.
    pub fn one(&self, seed: u64, number: u32) -> Result<Option<Found>> {
        match self.runner(seed, number).run(&histories(self.weights), |history| self.play(&history)) {
            Ok(()) => Ok(None),
            Err(TestError::Fail(reason, history)) => {
                Ok(Some(Found { seed, number, history, reason: reason.message().to_owned() }))
            }
            Err(TestError::Abort(reason)) => anyhow::bail!("no history could be drawn: {reason}"),
        }
    }

    /// Plays one history as it was drawn.
    pub fn once(&self, seed: u64, number: u32) -> Result<Option<Found>> {
        let drawn = histories(self.weights).new_tree(&mut self.runner(seed, number));
        let history = drawn.map_err(|reason| anyhow::anyhow!("no history could be drawn: {reason}"))?.current();
        Ok(self.runtime.block_on(play(&self.template, &history, self.variant)).err().map(|error| Found {
            seed,
            number,
            history,
            reason: format!("{error:#}"),
        }))
    }

    fn play(&self, history: &History) -> Result<(), TestCaseError> {
        match self.runtime.block_on(play(&self.template, history, self.variant)) {
            Ok(tally) => {
                *self.tally.lock().unwrap_or_else(PoisonError::into_inner) += tally;
                Ok(())
            }
            Err(error) => Err(TestCaseError::fail(format!("{error:#}"))),
        }
    }

    /// Each history has a seed of its own, so that it can be played without those before it.
    fn runner(&self, seed: u64, number: u32) -> TestRunner {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..12].copy_from_slice(&number.to_le_bytes());
        let config = Config {
            cases: 1,
            failure_persistence: None,
            max_shrink_iters: SHRINKING,
            max_shrink_time: SHRINKING_MILLIS,
            ..Config::default()
        };
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }
}

/// A number that the environment gives.
pub fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
