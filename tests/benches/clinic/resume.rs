//! A first copy that is interrupted and goes on, against one that is left in peace.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use balcao_api::call;
use balcao_keychain::Keychain;
use balcao_tenant::provision::Connection;
use serde_json::json;

use crate::desks::{self, Profile};
use crate::first_copy;
use crate::measure::{Line, Sample, Target};
use crate::say;
use crate::wire::Wire;

/// Where the line breaks, as shares of what a first copy receives.
const PLACES: [f64; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];

/// The most that an interrupted first copy may cost.
const TARGET: f64 = 1.05;

/// What a first copy took: megabytes that came over the line, and seconds.
#[derive(Debug, Clone, Copy)]
struct Cost {
    received: f64,
    took: f64,
}

/// Interrupts first copies at several places, each once, and then one at all of them.
pub async fn run(folder: &Path, login: &Connection) -> Result<Vec<Line>> {
    let mut peaceful = vec![copy(folder, login, &[]).await?];
    let places = PLACES.map(|share| share * peaceful[0].received);
    let mut interrupted = Vec::new();
    for place in &places {
        interrupted.push(copy(folder, login, std::slice::from_ref(place)).await?);
        if interrupted.len() % 2 == 1 {
            peaceful.push(copy(folder, login, &[]).await?);
        }
    }
    let often = [copy(folder, login, &places).await?];
    let sample = |costs: &[Cost], of: fn(&Cost) -> f64| Sample::of(&costs.iter().map(of).collect::<Vec<_>>(), 1.0);
    let line = |what: &str, unit: &'static str, costs: &[Cost], of: fn(&Cost) -> f64, target: Target| Line {
        what: what.to_owned(),
        unit,
        tail: "max",
        ours: sample(costs, of),
        floor: Some(sample(&peaceful, of)),
        target,
        notes: Vec::new(),
    };
    let received = |cost: &Cost| cost.received;
    let took = |cost: &Cost| cost.took;
    let mut lines = vec![
        line("first copy, interrupted, received", "MB", &interrupted, received, Target::TailRatioAtMost(TARGET)),
        line("first copy, interrupted, complete", "s", &interrupted, took, Target::RatioAtMost(TARGET)),
        line("first copy, interrupted five times, received", "MB", &often, received, Target::None),
        line("first copy, interrupted five times, complete", "s", &often, took, Target::None),
    ];
    let each: Vec<String> = PLACES
        .iter()
        .zip(&interrupted)
        .map(|(share, cost)| format!("at {:.0} % {:.1} MB and {:.2} s", share * 100.0, cost.received, cost.took))
        .collect();
    lines[0].notes.push(format!("{}; the floor is a first copy over the same line without it", each.join(", ")));
    Ok(lines)
}

/// Makes a first copy over a line that breaks when so many megabytes have come.
async fn copy(folder: &Path, login: &Connection, places: &[f64]) -> Result<Cost> {
    let wire = Wire::to(login).await?;
    let profile = Profile { folder: folder.join("interrupted"), keychain: Keychain::in_memory() };
    let desk = profile.open().await?;
    let begun = desks::begin(&desk, &wire.through(login)).await?;
    let megabytes = || wire.received() as f64 / 1e6;
    let interrupting = async {
        for place in places {
            while megabytes() < *place {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            wire.interrupt();
            // How long a desk waits before it tries again is not what is measured. Before the copy is open there is
            // nothing to hurry.
            let _ = call(&desk, "sync_now", json!({})).await;
        }
        anyhow::Ok(())
    };
    let copying = async {
        desks::usable(&desk, begun).await?;
        desks::complete(&desk, begun).await
    };
    let ((), took) = tokio::try_join!(interrupting, copying)?;
    let cost = Cost { received: megabytes(), took: took.as_secs_f64() };
    let rows: i64 = first_copy::count(&profile.copy(), &profile.key().await?).await?.values().sum();
    ensure!(rows > 0, "nothing was copied");
    say(&format!(
        "first copy, interrupted {} times: {rows} rows, {:.1} MB, {:.2} s",
        places.len(),
        cost.received,
        cost.took
    ));
    desk.close().await;
    drop(desk);
    profile.remove()?;
    Ok(cost)
}
