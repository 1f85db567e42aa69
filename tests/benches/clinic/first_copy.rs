//! The first copy of a clinic, against raw `COPY` into an equally encrypted file with the same tables and indexes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use balcao_api::Desk;
use balcao_domain::feed::{ColumnKind, ENTITIES, Entity};
use balcao_keychain::Keychain;
use balcao_tenant::provision::Connection;
use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection};
use tokio::sync::mpsc;

use crate::desks::Profile;
use crate::measure::{Line, Sample, Target};
use crate::{say, surroundings};

/// Where the tables of the copy are, as the program makes them.
const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/cache");

const ROWS_PER_INSERT: usize = 64;

/// Rows of a table that may leave the window of the copy in the seconds between the two copies.
const LEFT_THE_WINDOW: u64 = 20;

/// From 1970 to 2000, where PostgreSQL counts from.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const EPOCH_DAYS: i32 = 10_957;

/// Rows of each copied table.
pub type Rows = BTreeMap<&'static str, i64>;

/// A desk with its first copy.
pub struct Copied {
    /// Where it is.
    pub profile: Profile,
    /// Open.
    pub desk: Arc<Desk>,
}

/// Makes one first copy per login, each followed by the floor. The desks stay open.
pub async fn run(folder: &Path, logins: &[&Connection]) -> Result<(Vec<Line>, Vec<Copied>)> {
    let (mut ours, mut floor, mut usable, mut indexed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut copied: Vec<Copied> = Vec::new();
    let mut rows = 0;
    for (turn, login) in logins.iter().enumerate() {
        let profile = Profile { folder: folder.join(format!("desk-{turn}")), keychain: Keychain::in_memory() };
        let (desk, took) = profile.connect(login).await?;
        usable.push(took.usable.as_secs_f64());
        ours.push(took.complete);
        say(&format!(
            "first copy {turn}: usable after {:.2} s, complete after {:.2} s",
            took.usable.as_secs_f64(),
            took.complete.as_secs_f64()
        ));
        let begun = Instant::now();
        wait_until_indexed(&profile).await?;
        indexed.push(begun.elapsed().as_secs_f64());

        let file = folder.join(format!("floor-{turn}.db"));
        let took = bare(login, &file).await?;
        floor.push(took);
        say(&format!("the floor {turn}: {:.2} s", took.as_secs_f64()));
        let (of_ours, of_floor) = (count(&profile.copy(), &profile.key().await?).await?, count(&file, KEY).await?);
        let alike = |(table, rows): (&&str, &i64)| {
            of_floor.get(table).is_some_and(|others| rows.abs_diff(*others) <= LEFT_THE_WINDOW)
        };
        let same = of_ours.len() == of_floor.len() && of_ours.iter().all(alike);
        ensure!(same, "not the same rows were copied: {of_ours:?} and {of_floor:?}");
        rows = of_ours.values().sum();
        std::fs::remove_file(&file)?;
        copied.push(Copied { profile, desk });
    }
    let throughput =
        |times: &[Duration]| Sample::of(&times.iter().map(|t| rows as f64 / t.as_secs_f64()).collect::<Vec<_>>(), 0.0);
    let seconds = |values: &[f64]| Sample::of(values, 1.0);
    let of = |times: &[Duration]| seconds(&times.iter().map(Duration::as_secs_f64).collect::<Vec<_>>());
    let (ours_took, floor_took) = (of(&ours), of(&floor));
    let line = |what: &str, ours: Sample, floor: Option<Sample>, unit: &'static str, target: Target| Line {
        what: what.to_owned(),
        unit,
        tail: if unit == "s" { "max" } else { "min" },
        ours,
        floor,
        target,
        notes: Vec::new(),
    };
    let mut lines = vec![
        line(
            "first copy, throughput",
            throughput(&ours),
            Some(throughput(&floor)),
            "rows/s",
            Target::RatioAtLeast(0.6),
        ),
        line("first copy, complete", ours_took, Some(floor_took), "s", Target::None),
        line("first copy, usable", seconds(&usable), None, "s", Target::TailAtMost(3.0)),
        line("first copy, then searchable", seconds(&indexed), None, "s", Target::None),
    ];
    lines[0].notes.push(format!("{rows} rows, {} times each", logins.len()));
    Ok((lines, copied))
}

/// Waits until the search indexes hold everything that was copied.
pub async fn wait_until_indexed(profile: &Profile) -> Result<()> {
    let mut connection = options(&profile.copy(), &profile.key().await?).read_only(true).connect().await?;
    loop {
        let left: i64 = sqlx::query_scalar(
            "select (select coalesce(max(row), 0) from messages) - (select indexed_until from search_progress where entity = 'messages')
                  + (select coalesce(max(row), 0) from contacts) - (select indexed_until from search_progress where entity = 'contacts')",
        )
        .fetch_one(&mut connection)
        .await?;
        if left <= 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Any key encrypts alike.
const KEY: &str = "\"x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'\"";

/// As careful with the disk and with as much memory as the program's writer.
pub fn options(file: &Path, key: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .pragma("key", key.to_owned())
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-16000")
        .pragma("temp_store", "memory")
        .busy_timeout(Duration::from_secs(10))
        .disable_statement_logging()
}

pub async fn count(file: &Path, key: &str) -> Result<Rows> {
    let mut connection = options(file, key).read_only(true).connect().await?;
    let mut rows = Rows::new();
    for entity in ENTITIES {
        let statement = AssertSqlSafe(format!("select count(*) from {}", entity.name));
        rows.insert(entity.name, sqlx::query_scalar(statement).fetch_one(&mut connection).await?);
    }
    Ok(rows)
}

/// Reads with the same login, so that row security costs the same, and in any order.
pub async fn bare(login: &Connection, file: &Path) -> Result<Duration> {
    let begun = Instant::now();
    let mut source = surroundings::plain(login).await?;
    let mut target = options(file, KEY).create_if_missing(true).connect().await?;
    for tables in tables()? {
        sqlx::raw_sql(AssertSqlSafe(tables)).execute(&mut target).await?;
    }
    for entity in ENTITIES {
        let window = match entity.name {
            "appointments" => " and starts_at > now() - interval '90 days'",
            "messages" => " and sent_at > now() - interval '90 days'",
            _ => "",
        };
        let statement = format!(
            "copy (select {} from app.{} where clinic_id = (select app.current_clinic()){window}) to stdout (format binary)",
            columns(entity),
            entity.name,
        );
        // One is written while the next ones are read.
        let (batches, received) = mpsc::channel(8);
        tokio::try_join!(read(&mut source, &statement, entity, batches), write(&mut target, entity, received))?;
    }
    target.close().await?;
    Ok(begun.elapsed())
}

fn tables() -> Result<Vec<String>> {
    let files: std::io::Result<Vec<_>> = std::fs::read_dir(TABLES)?.map(|entry| Ok(entry?.path())).collect();
    let mut files = files?;
    files.sort();
    Ok(files.iter().map(std::fs::read_to_string).collect::<std::io::Result<_>>()?)
}

fn columns(entity: &Entity) -> String {
    let mut names = vec!["id", "version"];
    names.extend(entity.columns.iter().map(|column| column.name));
    names.join(", ")
}

/// So many rows, ready to be inserted.
struct Batch {
    rows: usize,
    arguments: SqliteArguments,
}

async fn read(source: &mut PgConnection, statement: &str, entity: &Entity, out: mpsc::Sender<Batch>) -> Result<()> {
    let kinds: Vec<ColumnKind> = [ColumnKind::Id, ColumnKind::Integer]
        .into_iter()
        .chain(entity.columns.iter().map(|column| column.kind))
        .collect();
    let mut stream = source.copy_out_raw(statement).await?;
    let (mut pending, mut begun) = (Vec::new(), false);
    let mut batch = Batch { rows: 0, arguments: SqliteArguments::default() };
    while let Some(chunk) = stream.try_next().await? {
        pending.extend_from_slice(&chunk);
        let mut at = 0;
        if !begun {
            // Signature, flags, and an extension of the header that no version has used so far.
            begun = true;
            at = 19;
        }
        while let Some(length) = row_length(&pending[at..], kinds.len()) {
            append(&mut batch.arguments, &pending[at + 2..at + length], &kinds)?;
            at += length;
            batch.rows += 1;
            if batch.rows == ROWS_PER_INSERT {
                let full = std::mem::replace(&mut batch, Batch { rows: 0, arguments: SqliteArguments::default() });
                out.send(full).await.ok().context("the writer is gone")?;
            }
        }
        pending.drain(..at);
    }
    if batch.rows > 0 {
        out.send(batch).await.ok().context("the writer is gone")?;
    }
    Ok(())
}

/// Length of the row that the bytes begin with, if it is whole.
fn row_length(bytes: &[u8], fields: usize) -> Option<usize> {
    if i16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]) < 0 {
        return None;
    }
    let mut at = 2;
    for _ in 0..fields {
        let length = i32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        at += 4 + usize::try_from(length).unwrap_or(0);
    }
    (at <= bytes.len()).then_some(at)
}

fn append(arguments: &mut SqliteArguments, mut row: &[u8], kinds: &[ColumnKind]) -> Result<()> {
    for kind in kinds {
        let (length, rest) = row.split_at(4);
        let Ok(length) = usize::try_from(i32::from_be_bytes(length.try_into()?)) else {
            row = rest;
            arguments.add(None::<i64>).map_err(anyhow::Error::from_boxed)?;
            continue;
        };
        let (field, rest) = rest.split_at(length);
        row = rest;
        match kind {
            ColumnKind::Id => arguments.add(field.to_vec()),
            ColumnKind::Text => arguments.add(String::from_utf8(field.to_vec())?),
            // The first byte is the version of the format.
            ColumnKind::Json => arguments.add(String::from_utf8(field[1..].to_vec())?),
            ColumnKind::Integer if length == 4 => arguments.add(i32::from_be_bytes(field.try_into()?)),
            ColumnKind::Integer if length == 2 => arguments.add(i16::from_be_bytes(field.try_into()?)),
            ColumnKind::Integer => arguments.add(i64::from_be_bytes(field.try_into()?)),
            ColumnKind::Real => arguments.add(f64::from_be_bytes(field.try_into()?)),
            ColumnKind::Boolean => arguments.add(field[0] != 0),
            ColumnKind::Instant => arguments.add(i64::from_be_bytes(field.try_into()?) + EPOCH_MICROS),
            ColumnKind::Date => {
                let day = chrono::DateTime::from_timestamp_secs(
                    i64::from(i32::from_be_bytes(field.try_into()?) + EPOCH_DAYS) * 86_400,
                );
                arguments.add(day.context("a date beyond all calendars")?.date_naive().to_string())
            }
        }
        .map_err(anyhow::Error::from_boxed)?;
    }
    Ok(())
}

/// A table is one transaction.
async fn write(target: &mut SqliteConnection, entity: &Entity, mut batches: mpsc::Receiver<Batch>) -> Result<()> {
    let statement = |rows: usize| {
        let row = format!("({})", vec!["?"; entity.columns.len() + 2].join(","));
        let values = vec![row.as_str(); rows].join(",");
        format!("insert into {} ({}) values {values}", entity.name, columns(entity))
    };
    // A text of this program, kept for as long as it runs like any other.
    let full: &'static str = Box::leak(statement(ROWS_PER_INSERT).into_boxed_str());
    let mut transaction = target.begin().await?;
    while let Some(batch) = batches.recv().await {
        if batch.rows == ROWS_PER_INSERT {
            sqlx::query_with(full, batch.arguments).execute(&mut *transaction).await?;
        } else {
            let last = AssertSqlSafe(statement(batch.rows));
            sqlx::query_with(last, batch.arguments).execute(&mut *transaction).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}
