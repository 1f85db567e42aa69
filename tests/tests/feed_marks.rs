//! A table is marked with every change of it, and only the newest marks are kept for long.

use std::collections::BTreeSet;

use anyhow::Result;
use balcao_tenant::{Error, FeedBatch, Role, Tenant};
use balcao_testkit::database::{TestDatabase, log_in, servers};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// How many people and services a pull tells of, and how many rows are gone. Of the clinic itself it may tell, too: a
/// transaction of another test that has not ended holds the cursor back.
async fn told(tenant: &Tenant, cursor: i64) -> Result<BTreeSet<(&'static str, usize)>> {
    let (out, mut batches) = tokio::sync::mpsc::channel(64);
    tenant.read_changes(cursor, &out).await?;
    drop(out);
    let mut told = BTreeSet::new();
    while let Some(batch) = batches.recv().await {
        told.insert(match batch {
            FeedBatch::Rows(rows) => (rows.entity().name, rows.len()),
            FeedBatch::Deleted(gone) => ("gone", gone.len()),
        });
    }
    told.retain(|(table, _)| ["contacts", "services", "gone"].contains(table));
    Ok(told)
}

#[tokio::test]
async fn who_was_long_away_hears_of_everything_also_when_only_the_newest_marks_are_left() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let owner = log_in(database.owner()).await?;
        let attendant = log_in(&database.add_member(Role::Attendant).await?).await?;
        let stranger = log_in(&database.another_clinic("Outra clínica").await?.owner).await?;
        let clinic = owner.whoami().await?.clinic_id;
        let long_ago = owner.feed_position().await?.cursor;
        for statement in [
            "insert into app.contacts (clinic_id, name) values ($clinic, 'Ana'), ($clinic, 'Bia')",
            "update app.contacts set name = 'Caio' where name = 'Ana'",
            "delete from app.contacts where name = 'Bia'",
            "insert into app.services (clinic_id, name, duration_minutes) values ($clinic, 'Banho', 30)",
            // The mark goes with what is taken back, and comes with what is done instead.
            "begin; savepoint a; update app.contacts set name = 'Davi'; rollback to a;
             update app.contacts set name = 'Eva'; commit",
        ] {
            let statement = statement.replace("$clinic", &format!("'{clinic}'"));
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut administrator).await?;
        }
        let all = BTreeSet::from([("contacts", 1), ("gone", 1), ("services", 1)]);
        assert_eq!(told(&attendant, long_ago).await?, all);

        assert_eq!(attendant.forget_old_marks().await, Err(Error::NotPermitted));
        stranger.forget_old_marks().await?;
        assert!(owner.forget_old_marks().await? >= 2, "of those who came in and were renamed there are three");
        assert_eq!(owner.forget_old_marks().await?, 0);
        assert_eq!(told(&attendant, long_ago).await?, all);
        assert_eq!(told(&stranger, long_ago).await?, BTreeSet::new(), "another clinic's are another clinic's");
    }
    Ok(())
}
