//! The tables of the copy, from one version of the program to the next.

use std::path::Path;

use balcao_domain::clock::Clock;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _};

use crate::aside::{self, Sort};
use crate::{Error, Result};

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "copy", include_str!("../../../../migrations/cache/0001_copy.sql")),
    (2, "search", include_str!("../../../../migrations/cache/0002_search.sql")),
    (3, "outbox", include_str!("../../../../migrations/cache/0003_outbox.sql")),
    (4, "older", include_str!("../../../../migrations/cache/0004_older.sql")),
    (5, "search_again", include_str!("../../../../migrations/cache/0005_search_again.sql")),
    (6, "less", include_str!("../../../../migrations/cache/0006_less.sql")),
    (7, "forget", include_str!("../../../../migrations/cache/0007_forget.sql")),
    (8, "gateway", include_str!("../../../../migrations/cache/0008_gateway.sql")),
    (9, "threads", include_str!("../../../../migrations/cache/0009_threads.sql")),
    (11, "drafts", include_str!("../../../../migrations/cache/0011_drafts.sql")),
    (14, "writing", include_str!("../../../../migrations/cache/0014_writing.sql")),
    (15, "media", include_str!("../../../../migrations/cache/0015_media.sql")),
    (16, "booking", include_str!("../../../../migrations/cache/0016_booking.sql")),
    (17, "satisfaction", include_str!("../../../../migrations/cache/0017_satisfaction.sql")),
    (19, "retention", include_str!("../../../../migrations/cache/0019_retention.sql")),
    (20, "votes", include_str!("../../../../migrations/cache/0020_votes.sql")),
    (23, "attached", include_str!("../../../../migrations/cache/0023_attached.sql")),
    (24, "turns", include_str!("../../../../migrations/cache/0024_turns.sql")),
];

/// Brings the tables up to this program. A file of before is copied first, so that a migration that goes wrong costs nothing.
pub(crate) async fn migrate(
    writer: &SqlitePool,
    path: &Path,
    options: SqliteConnectOptions,
    clock: &Clock,
) -> Result<()> {
    let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    let migrator = Migrator::with_migrations(migrations.collect());
    if is_behind(writer).await? {
        copy(path, options, clock).await?;
    }
    migrator.run(writer).await.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => Error::Newer,
        MigrateError::VersionMismatch(_) | MigrateError::Dirty(_) => Error::Damaged,
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        _ => Error::Engine("migration".to_owned()),
    })
}

async fn is_behind(writer: &SqlitePool) -> Result<bool> {
    let known: bool = sqlx::query_scalar("select exists (select 1 from sqlite_schema where name = '_sqlx_migrations')")
        .fetch_one(writer)
        .await?;
    if !known {
        return Ok(false);
    }
    let latest: Option<i64> = sqlx::query_scalar("select max(version) from _sqlx_migrations").fetch_one(writer).await?;
    Ok(latest < MIGRATIONS.last().map(|(version, ..)| *version))
}

/// A consistent copy beside the file, under the same key. It has its name only when it is whole.
async fn copy(path: &Path, options: SqliteConnectOptions, clock: &Clock) -> Result<()> {
    let target = aside::name(path, Sort::BeforeMigration, clock);
    let unfinished = aside::with_suffix(path, ".copying");
    let not_writable = |error: std::io::Error| Error::NotWritable(error.kind());
    if unfinished.exists() {
        std::fs::remove_file(&unfinished).map_err(not_writable)?;
    }
    let mut connection = options.connect().await?;
    let copied =
        sqlx::query("vacuum into ?").bind(unfinished.to_string_lossy().into_owned()).execute(&mut connection).await;
    connection.close().await?;
    if let Err(error) = copied {
        // What there is of it takes room that a full disk needs.
        let _ = std::fs::remove_file(&unfinished);
        return Err(error.into());
    }
    std::fs::rename(&unfinished, &target).map_err(not_writable)?;
    aside::prune(path, Sort::BeforeMigration, &target);
    Ok(())
}
