//! Random histories over a real PostgreSQL and real copies: several desks and programs beside them write, lines break,
//! computers die, servers are restarted and restored. Whatever happened, when things have gone quiet every copy is the
//! database, every write was done once or is parked in sight, and the screens say so.
//!
//! `BALCAO_HISTORIES_SECONDS` says how long, `BALCAO_HISTORIES_SEED` with which seed, `BALCAO_HISTORY` (SEED:NUMBER) plays one
//! history again.

#![allow(clippy::print_stdout, reason = "a seed that nobody sees is of no use")]

#[path = "histories/clinic.rs"]
mod clinic;
#[path = "histories/compare.rs"]
mod compare;
#[path = "histories/desk.rs"]
mod desk;
#[path = "histories/explore.rs"]
mod explore;
#[path = "histories/ledger.rs"]
mod ledger;
#[path = "histories/line.rs"]
mod line;
#[path = "histories/listening.rs"]
mod listening;
#[path = "histories/people.rs"]
mod people;
#[path = "histories/play.rs"]
mod play;
#[path = "histories/steps.rs"]
mod steps;
#[path = "histories/tally.rs"]
mod tally;
#[path = "histories/variants.rs"]
mod variants;
#[path = "histories/writer.rs"]
mod writer;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use explore::{Explorer, Found, setting};
use steps::Weights;
use variants::Variant;

/// Seconds that each of the two explorations takes where nothing else is said.
const SECONDS: u64 = 20;

/// The seed that never changes: what it finds was found before.
const FIXED_SEED: u64 = 20_261_121;

/// Histories in which a broken variant must be found out: less than a minute of them.
const ENOUGH: u32 = 60;

/// What is drawn. People are erased in long explorations only: a desk forgets them in its own time, and which of its writes it
/// gives up by that depends on the moment. Whoever plays such a history again sets the same minutes.
fn weights() -> Weights {
    match setting("BALCAO_SOAK_MINUTES") {
        Some(_) => Weights::ALL,
        None => Weights { erase: 0, ..Weights::ALL },
    }
}

fn explore(seed: u64, length: Duration) -> Result<()> {
    let explorer = Explorer::new(Variant::Sound, weights())?;
    println!("histories with the seed {seed}");
    if let Some(found) = explorer.explore(seed, length, |_, _| ())? {
        panic!("{found}");
    }
    println!("well with the seed {seed}, {}", explorer.tally());
    anyhow::ensure!(explorer.tally().is_worth_something(), "too little happened to prove anything");
    Ok(())
}

fn seconds() -> Duration {
    Duration::from_secs(setting("BALCAO_HISTORIES_SECONDS").unwrap_or(SECONDS))
}

#[test]
fn random_histories_end_well_with_the_fixed_seed() -> Result<()> {
    explore(FIXED_SEED, seconds())
}

#[test]
fn random_histories_end_well_with_a_fresh_seed() -> Result<()> {
    explore(setting("BALCAO_HISTORIES_SEED").unwrap_or_else(|| rand::random::<u32>().into()), seconds())
}

#[test]
#[ignore = "plays one history again: BALCAO_HISTORY=SEED:NUMBER"]
fn random_histories_played_again() -> Result<()> {
    let wish = std::env::var("BALCAO_HISTORY").unwrap_or_default();
    let (seed, number) = wish.split_once(':').unwrap_or((&wish, "0"));
    let explorer = Explorer::new(Variant::Sound, weights())?;
    if let Some(found) = explorer.one(seed.parse()?, number.parse()?)? {
        panic!("{found}");
    }
    Ok(())
}

#[test]
#[ignore = "runs as long as one likes: cargo xtask soak"]
fn random_histories_for_long() -> Result<()> {
    let minutes = setting("BALCAO_SOAK_MINUTES").unwrap_or(10);
    let seed = setting("BALCAO_HISTORIES_SEED").unwrap_or_else(|| rand::random::<u32>().into());
    let explorer = Explorer::new(Variant::Sound, Weights::ALL)?;
    println!("soaking for {minutes} minutes with the seed {seed}");
    let mut told = 0;
    let found = explorer.explore(seed, Duration::from_secs(60 * minutes), |tally, elapsed| {
        if elapsed.as_secs() / 30 > told {
            told = elapsed.as_secs() / 30;
            println!("well for {} s, {tally}", elapsed.as_secs());
        }
    })?;
    if let Some(found) = found {
        panic!("{found}");
    }
    Ok(())
}

/// A fault that the machine must find, by the checks that a sound program passes; and by the check that is about it, which is
/// known by its words.
fn is_caught(variant: Variant, weights: Weights, words: &[&str]) -> Result<()> {
    let explorer = Explorer::new(variant, weights)?;
    for number in 0..ENOUGH {
        let Some(Found { reason, .. }) = explorer.once(FIXED_SEED, number)? else { continue };
        println!("{variant:?} is found out by history {number}: {reason}");
        if words.iter().any(|words| reason.contains(words)) {
            return Ok(());
        }
    }
    panic!("{variant:?} went through {ENOUGH} histories unnoticed");
}

/// No disasters: they hide what a plain line would show.
const CALM: Weights = Weights { disaster: 0, most_steps: 40, ..Weights::ALL };

/// What a copy is told to be that is not the database.
const ANOTHER: &[&str] = &["in the copy and", "missing in the copy"];

#[test]
fn a_cursor_on_the_time_of_writing_is_caught() -> Result<()> {
    is_caught(Variant::CursorOnTime, Weights { person: 5, write: 40, end: 20, fault: 0.0, ..CALM }, ANOTHER)
}

#[test]
fn a_write_without_an_id_of_its_own_is_caught() -> Result<()> {
    let weights = Weights { person: 50, write: 5, fault: 0.5, lost_answers: 60, ..CALM };
    is_caught(Variant::NoOperationId, weights, &["stands there 2 times", "was applied 1 times: Queued"])
}

#[test]
fn a_cursor_that_passes_running_transactions_is_caught() -> Result<()> {
    is_caught(Variant::PastRunning, Weights { person: 5, write: 40, end: 20, fault: 0.0, ..CALM }, ANOTHER)
}

#[test]
fn writes_that_change_places_are_caught() -> Result<()> {
    let weights = Weights { person: 80, engine: 15, write: 5, fault: 0.0, ..CALM };
    is_caught(Variant::OrderNotKept, weights, &["went past an earlier"])
}

#[test]
fn tombstones_that_nobody_reads_are_caught() -> Result<()> {
    is_caught(Variant::TombstonesIgnored, Weights { delete: 12, write: 40, ..CALM }, &["in the copy and not"])
}

/// Answers that say that something was queued.
const QUEUED: [&str; 4] = ["Written", "ActedOnThreads", "Booked", "Retried"];

#[test]
fn every_write_command_happens_in_histories() {
    use proptest::strategy::{Strategy as _, ValueTree as _};
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut draw = || steps::act().new_tree(&mut runner).unwrap().current();
    let drawn: BTreeSet<_> = (0..5_000).filter_map(|_| draw().command()).collect();
    let queues = |command: &balcao_api::CommandInfo| {
        let answer = command.response.get("title").and_then(|title| title.as_str());
        command.description.starts_with("Queues") || answer.is_some_and(|answer| QUEUED.contains(&answer))
    };
    let commands = balcao_api::catalogue();
    let writes: BTreeSet<_> = commands.iter().filter(|command| queues(command)).map(|command| command.name).collect();
    assert_eq!(drawn, writes, "a write that no history makes is a rule that is missing in steps.rs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listening_line_that_died_in_silence_is_made_up_for_by_looking() -> Result<()> {
    listening::dead_listener().await
}
