//! What fifty desks cost the server while nobody does anything.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use balcao_keychain::Keychain;
use sqlx::Row as _;

use crate::desks::Profile;
use crate::measure::{Line, Sample, Target};
use crate::say;
use crate::surroundings::Clinic;
use crate::wire::Wire;

const DESKS: usize = 50;

/// How long they are watched.
const WATCHED: Duration = Duration::from_secs(60);

/// Until everything that follows a first copy is done, and the server has counted what it did.
const SETTLED: Duration = Duration::from_secs(30);

/// One small question of each desk in twenty seconds.
const MOST_QUESTIONS: f64 = DESKS as f64 / 20.0;

/// What the server has done in a database so far.
struct Done {
    at: Instant,
    questions: u64,
    statements: u64,
    transactions: i64,
    busy_milliseconds: f64,
}

/// Opens the desks on a clinic of their own, each under a login of its own.
pub async fn run(clinic: &Clinic, folder: &Path) -> Result<Vec<Line>> {
    say(&format!("open {DESKS} desks"));
    let first = clinic.add_desk("Mesa 1").await?;
    let wire = Wire::to(&first).await?;
    let mut logins = vec![first];
    for number in 2..=DESKS {
        logins.push(clinic.add_desk(&format!("Mesa {number}")).await?);
    }
    let mut desks = Vec::new();
    for (number, login) in logins.iter().enumerate() {
        let profile = Profile { folder: folder.join(format!("idle-{number}")), keychain: Keychain::in_memory() };
        desks.push((profile.connect(&wire.through(login)).await?.0, profile));
    }
    say("leave them alone");
    tokio::time::sleep(SETTLED).await;
    let before = done(clinic, &wire).await?;
    tokio::time::sleep(WATCHED).await;
    let after = done(clinic, &wire).await?;
    let connections = connections(clinic).await?;
    for (desk, profile) in desks {
        desk.close().await;
        drop(desk);
        profile.remove()?;
    }
    let seconds = (after.at - before.at).as_secs_f64();
    let line = |what: &str, unit: &'static str, values: &[f64], target: Target| Line {
        what: format!("{DESKS} idle desks, {what}"),
        unit,
        tail: "max",
        ours: Sample::of(values, 1.0),
        floor: None,
        target,
        notes: Vec::new(),
    };
    let a_second = |number: f64| [number / seconds];
    let questions = a_second((after.questions - before.questions) as f64);
    let statements = a_second((after.statements - before.statements) as f64);
    let transactions = a_second((after.transactions - before.transactions) as f64);
    let busy = a_second(after.busy_milliseconds - before.busy_milliseconds);
    let mut lines = vec![
        line("questions", "a second", &questions, Target::TailAtMost(MOST_QUESTIONS)),
        line("statements", "a second", &statements, Target::None),
        line("transactions", "a second", &transactions, Target::None),
        line("the server is busy", "ms a second", &busy, Target::None),
        line("connections of each", "", &connections, Target::TailAtMost(2.0)),
    ];
    lines[0].notes.push(format!(
        "counted on the line for {seconds:.0} s: what goes there and back at once is one question, and each statement in \
         it is one, also one that begins or ends a transaction; {DESKS} questions in 20 s are {MOST_QUESTIONS} a second"
    ));
    Ok(lines)
}

async fn done(clinic: &Clinic, wire: &Wire) -> Result<Done> {
    let row = sqlx::query(
        "select xact_commit + xact_rollback as transactions, active_time from pg_stat_database where datname = $1",
    )
    .bind(clinic.database())
    .fetch_one(&mut clinic.beside().await?)
    .await?;
    Ok(Done {
        at: Instant::now(),
        questions: wire.questions(),
        statements: wire.statements(),
        transactions: row.get("transactions"),
        busy_milliseconds: row.get("active_time"),
    })
}

/// How many connections each login has.
async fn connections(clinic: &Clinic) -> Result<Vec<f64>> {
    let rows = sqlx::query(
        "select count(*) as connections from pg_stat_activity
         where datname = $1 and backend_type = 'client backend' group by usename",
    )
    .bind(clinic.database())
    .fetch_all(&mut clinic.beside().await?)
    .await?;
    let counted: Vec<f64> = rows.iter().map(|row| row.get::<i64, _>("connections") as f64).collect();
    (counted.len() == DESKS).then_some(counted).context("not every desk is connected")
}
