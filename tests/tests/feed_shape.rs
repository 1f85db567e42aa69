//! What a desk copies has the same columns, of matching types, in PostgreSQL, in SQLite and in the feed's list.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use balcao_domain::feed::{ColumnKind, ENTITIES};
use balcao_testkit::database::TestDatabase;
use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection};

type Columns = BTreeMap<String, String>;

fn matches(kind: ColumnKind, postgres: &str, sqlite: &str) -> bool {
    let (pg, lite): (&[&str], &str) = match kind {
        ColumnKind::Id => (&["uuid"], "BLOB"),
        ColumnKind::Text => (&["text"], "TEXT"),
        ColumnKind::Integer => (&["integer", "bigint"], "INTEGER"),
        ColumnKind::Real => (&["double precision"], "REAL"),
        ColumnKind::Boolean => (&["boolean"], "INTEGER"),
        ColumnKind::Instant => (&["timestamp with time zone"], "INTEGER"),
        ColumnKind::Date => (&["date"], "TEXT"),
        ColumnKind::Json => (&["jsonb"], "TEXT"),
    };
    pg.contains(&postgres) && lite.eq_ignore_ascii_case(sqlite)
}

#[tokio::test]
async fn a_copied_column_has_one_meaning_in_all_three_places() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let mut postgres = PgConnection::connect(database.admin_url()).await?;
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await?;
    for file in [
        "0001_copy",
        "0002_search",
        "0003_outbox",
        "0006_less",
        "0008_gateway",
        "0009_threads",
        "0014_writing",
        "0015_media",
        "0016_booking",
        "0017_satisfaction",
    ] {
        let sql = std::fs::read_to_string(format!("{}/../migrations/cache/{file}.sql", env!("CARGO_MANIFEST_DIR")))?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut sqlite).await?;
    }
    for entity in ENTITIES {
        let rows = sqlx::query("select column_name::text, data_type::text from information_schema.columns where table_schema = 'app' and table_name = $1")
            .bind(entity.name)
            .fetch_all(&mut postgres)
            .await?;
        let server: Columns = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let rows =
            sqlx::query("select name, type from pragma_table_info(?)").bind(entity.name).fetch_all(&mut sqlite).await?;
        let copy: Columns = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        for column in entity.columns {
            let (on_server, in_copy) = (&server[column.name], &copy[column.name]);
            assert!(
                matches(column.kind, on_server, in_copy),
                "{}.{}: {on_server}, {in_copy}",
                entity.name,
                column.name
            );
        }
        let listed: BTreeSet<&str> =
            entity.columns.iter().map(|column| column.name).chain(["id", "version", "row"]).collect();
        let unlisted: Vec<_> = copy.keys().filter(|name| !listed.contains(name.as_str())).collect();
        assert!(unlisted.is_empty(), "{} has columns that nothing fills: {unlisted:?}", entity.name);
        assert!(server.contains_key("change_xid"), "{} has no change mark", entity.name);
    }
    Ok(())
}

#[tokio::test]
async fn every_copied_table_is_watched_for_changes() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let mut postgres = PgConnection::connect(database.admin_url()).await?;
    let body: String = sqlx::query_scalar("select prosrc from pg_proc where oid = 'app.own_feed(xid8)'::regprocedure")
        .fetch_one(&mut postgres)
        .await?;
    for entity in ENTITIES {
        assert!(body.contains(&format!("'{}'", entity.name)), "app.own_feed does not know {}", entity.name);
    }
    Ok(())
}
