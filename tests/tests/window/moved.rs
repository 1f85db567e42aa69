//! A clinic that moves from a PC to a server, on the screens of its two computers.

use anyhow::{Result, ensure};
use balcao_testkit::database::{EmptyDatabase, server};
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::place::Place;
use crate::steps::{
    CLOUD, PATIENT, back_up, find_patient, follow, found, invite, invite_again, join, leave, restore, share, until,
};

/// How many rows each table has, but those that the move itself writes: from where somebody came in, and what the audit says
/// of it.
async fn rows(database: &mut PgConnection) -> Result<Vec<(String, i64)>> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'app' and c.relkind = 'r'
           and c.relname not in ('audit_logs', 'devices') order by 1",
    )
    .fetch_all(&mut *database)
    .await?;
    let mut counted = Vec::new();
    for table in tables {
        let count = AssertSqlSafe(format!("select count(*) from app.{table}"));
        counted.push((table, sqlx::query_scalar(count).fetch_one(&mut *database).await?));
    }
    Ok(counted)
}

#[tokio::test]
#[ignore = "needs a display, a keyring and the drivers: cargo xtask test --only window"]
async fn the_real_window_moves_a_clinic_to_a_server_and_the_other_computer_follows() -> Result<()> {
    let (reception, counter) = (Place::new()?, Place::new()?);
    let (_driver, owner) = reception.open().await?;
    found(&owner).await?;
    let mut database = reception.database().await?;
    sqlx::query("insert into app.contacts (clinic_id, name) select id, $1 from app.clinics")
        .bind(PATIENT)
        .execute(&mut database)
        .await?;
    share(&owner).await?;
    let (invitation, code) = invite(&owner, "Ana Souza").await?;
    let (_her_driver, ana) = counter.open().await?;
    join(&ana, &invitation, &code).await?;
    let patient = find_patient(&ana).await?;

    std::fs::create_dir(reception.home().join(CLOUD))?;
    let (words, file) = back_up(&owner).await?;
    let before = rows(&mut database).await?;
    drop(database);
    leave(&owner, &words).await?;
    ensure!(!reception.profile().join("postgres").exists(), "the database is not on this computer any more");
    until(&ana, "get_status", json!({}), |status| status["connection"] == "offline").await?;
    ana.call("add_note", json!({"about": "contact", "id": patient, "text": "prefere a tarde"})).await?;

    let home = EmptyDatabase::on(server().await?).await?;
    restore(&owner, &words, &file, Some(home.admin_url())).await?;
    let session = owner.call("get_session", json!({})).await?;
    assert_eq!((&session["clinic"]["kind"], &session["member"]["role"]), (&json!("remote"), &json!("owner")));
    let mut database = PgConnection::connect(home.admin_url()).await?;
    assert_eq!(rows(&mut database).await?, before, "not one row is lost");

    owner.run("location.hash = '#/settings';", json!([])).await?;
    let (invitation, code) = invite_again(&owner).await?;
    follow(&ana, &invitation, &code).await?;
    let about = json!({"about": "contact", "id": patient});
    let arrived = |notes: &Value| notes.to_string().contains("prefere a tarde");
    until(&owner, "get_notes", about, arrived).await?;
    database.close().await?;
    ana.close().await?;
    owner.close().await
}
