//! The schema of a clinic's database, carried in the program.

use sqlx::PgConnection;
use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::{Error, Result};

/// Number, name and text of every migration, in order. A file that has been shipped is never edited.
const FILES: &[(i64, &str, &str)] = &[
    (1, "foundation", include_str!("../../../../migrations/tenant/0001_foundation.sql")),
    (2, "clinic", include_str!("../../../../migrations/tenant/0002_clinic.sql")),
    (3, "people", include_str!("../../../../migrations/tenant/0003_people.sql")),
    (4, "agenda", include_str!("../../../../migrations/tenant/0004_agenda.sql")),
    (5, "inbox", include_str!("../../../../migrations/tenant/0005_inbox.sql")),
    (6, "leads", include_str!("../../../../migrations/tenant/0006_leads.sql")),
    (7, "work", include_str!("../../../../migrations/tenant/0007_work.sql")),
    (8, "security", include_str!("../../../../migrations/tenant/0008_security.sql")),
    (9, "functions", include_str!("../../../../migrations/tenant/0009_functions.sql")),
    (10, "version", include_str!("../../../../migrations/tenant/0010_version.sql")),
    (11, "merging", include_str!("../../../../migrations/tenant/0011_merging.sql")),
    (12, "feed", include_str!("../../../../migrations/tenant/0012_feed.sql")),
    (13, "roles", include_str!("../../../../migrations/tenant/0013_roles.sql")),
    (14, "audit", include_str!("../../../../migrations/tenant/0014_audit.sql")),
    (15, "members", include_str!("../../../../migrations/tenant/0015_members.sql")),
    (16, "privacy", include_str!("../../../../migrations/tenant/0016_privacy.sql")),
    (17, "team", include_str!("../../../../migrations/tenant/0017_team.sql")),
    (18, "gateway", include_str!("../../../../migrations/tenant/0018_gateway.sql")),
    (19, "threads", include_str!("../../../../migrations/tenant/0019_threads.sql")),
    (21, "gaps", include_str!("../../../../migrations/tenant/0021_gaps.sql")),
    (23, "pull", include_str!("../../../../migrations/tenant/0023_pull.sql")),
    (25, "writing", include_str!("../../../../migrations/tenant/0025_writing.sql")),
    (27, "media", include_str!("../../../../migrations/tenant/0027_media.sql")),
    (28, "booking", include_str!("../../../../migrations/tenant/0028_booking.sql")),
    (29, "satisfaction", include_str!("../../../../migrations/tenant/0029_satisfaction.sql")),
    (30, "upkeep", include_str!("../../../../migrations/tenant/0030_upkeep.sql")),
    (31, "exports", include_str!("../../../../migrations/tenant/0031_exports.sql")),
    (32, "retention", include_str!("../../../../migrations/tenant/0032_retention.sql")),
    (34, "export", include_str!("../../../../migrations/tenant/0034_export.sql")),
    (35, "front_desk", include_str!("../../../../migrations/tenant/0035_front_desk.sql")),
    (36, "export_survey", include_str!("../../../../migrations/tenant/0036_export_survey.sql")),
    (37, "plans", include_str!("../../../../migrations/tenant/0037_plans.sql")),
    (38, "late_question", include_str!("../../../../migrations/tenant/0038_late_question.sql")),
    (39, "gateway_authority", include_str!("../../../../migrations/tenant/0039_gateway_authority.sql")),
    (41, "bucket", include_str!("../../../../migrations/tenant/0041_bucket.sql")),
    (42, "messages_in_turn", include_str!("../../../../migrations/tenant/0042_messages_in_turn.sql")),
    (43, "pull_plan", include_str!("../../../../migrations/tenant/0043_pull_plan.sql")),
    (44, "people_in_turn", include_str!("../../../../migrations/tenant/0044_people_in_turn.sql")),
    (45, "feed_marks", include_str!("../../../../migrations/tenant/0045_feed_marks.sql")),
];

/// The schema this program works on: the number of the last migration.
pub const SCHEMA_VERSION: i64 = FILES[FILES.len() - 1].0;

/// Where the migrator keeps its book. Desks cannot read it; `app.schema_version()` tells them the one number.
const BOOK: &str = "internal.migrations";

/// Brings the schema to [`SCHEMA_VERSION`] inside the transaction of the caller: a failed run leaves nothing, and of
/// two runs at once the second waits for the first and finds nothing to do.
///
/// # Errors
/// [`Error::SchemaNewer`] and [`Error::SchemaDiffers`] when the database is not behind but elsewhere.
pub(crate) async fn apply(transaction: &mut PgConnection) -> Result<()> {
    // The migrator's own lock ends with its run; this one ends with the transaction that makes the run visible.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('balcao migrations', 0))")
        .execute(&mut *transaction)
        .await?;
    // `Migrator::run` does the same, but is generic in a way that makes no future `Send`.
    migrator().run_direct(None, transaction, false).await.map_err(of_migration)
}

fn migrator() -> Migrator {
    let mut migrator = Migrator::with_migrations(
        FILES
            .iter()
            .map(|&(version, name, sql)| {
                Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
            })
            .collect(),
    );
    migrator.dangerous_set_table_name(BOOK);
    migrator.create_schema("internal");
    migrator.set_locking(false);
    migrator
}

fn of_migration(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        MigrateError::VersionMissing(found) => Error::SchemaNewer { found, known: SCHEMA_VERSION },
        MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => Error::SchemaDiffers { version },
        _ => Error::Protocol,
    }
}

/// A digest of all migrations, for things that are made from them and go stale with them.
pub(crate) fn fingerprint() -> String {
    use sha2::{Digest, Sha256};
    let mut digest = Sha256::new();
    for (_, _, sql) in FILES {
        digest.update(sql.len().to_le_bytes());
        digest.update(sql);
    }
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_migration_file_is_forgotten_and_their_numbers_go_up() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../migrations/tenant");
        let mut on_disk: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder of migrations is there")
            .map(|entry| entry.expect("it can be read").file_name().into_string().expect("names are plain"))
            .filter(|name| name.ends_with(".sql"))
            .collect();
        on_disk.sort();
        let embedded: Vec<String> = FILES.iter().map(|(n, name, _)| format!("{n:04}_{name}.sql")).collect();
        assert_eq!(embedded, on_disk, "every file in migrations/tenant must be in the list, and nothing else");
        assert!(FILES.is_sorted_by(|one, next| one.0 < next.0), "each has a number of its own");
    }
}
