//! Holding everybody up: locks, questions without end, transactions that stay open, connections without number.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use balcao_tenant::Role;
use balcao_testkit::database::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::desk;

/// How many attempts it was.
pub async fn limits_hold(server: &str) -> Result<usize> {
    let database = TestDatabase::fresh_on(server).await?;
    let mut administrator = PgConnection::connect(database.admin_url()).await?;
    let login = database.add_member(Role::Attendant).await?;
    let mut tried = 0;

    let mut one = desk(&login).await?;
    for (setting, expected) in [
        ("statement_timeout", "1min"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("temp_file_limit", "4GB"),
    ] {
        tried += 1;
        let value: String = sqlx::query_scalar(AssertSqlSafe(format!("show {setting}"))).fetch_one(&mut one).await?;
        ensure!(value == expected, "{setting} is {value}");
    }

    // The same limits, shortened so that a test can wait for them.
    for (setting, value) in [("statement_timeout", "300ms"), ("idle_in_transaction_session_timeout", "300ms")] {
        let sql = format!("alter role \"{}\" set {setting} = '{value}'", login.login);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut administrator).await?;
    }
    let mut hasty = desk(&login).await?;
    for endless in [
        "select count(*) from generate_series(1, 100000000000)",
        "with recursive r as (select 1 union all select 1 from r) select count(*) from r",
        "select count(*) from pg_class a, pg_class b, pg_class c, pg_class d",
        "select repeat('a', 60) ~ '(a|a|a)*b' from generate_series(1, 1000000000)",
    ] {
        tried += 1;
        let ended = sqlx::raw_sql(endless).execute(&mut hasty).await;
        ensure!(code(ended.err()).as_deref() == Some("57014"), "{endless} must be ended");
    }
    tried += 1;
    sqlx::raw_sql("begin; select from app.contacts").execute(&mut hasty).await?;
    tokio::time::sleep(Duration::from_millis(700)).await;
    ensure!(sqlx::raw_sql("select 1").execute(&mut hasty).await.is_err(), "an idle transaction must be ended");

    // A login may lengthen its own limits; what stands too long is then ended from outside, by any clinic's background work.
    // Here with a second in place of ten minutes.
    tried += 1;
    let source: String = sqlx::query_scalar("select pg_get_functiondef('app.end_stuck_sessions()'::regprocedure)")
        .fetch_one(&mut administrator)
        .await?;
    let quick = source.replace("'00:10:00'::interval", "'00:00:01'::interval").replace("10 minutes", "1 second");
    ensure!(quick != source, "the function says how long: {source}");
    sqlx::raw_sql(AssertSqlSafe(quick)).execute(&mut administrator).await?;
    let mut stuck = desk(&login).await?;
    sqlx::raw_sql(
        "set idle_in_transaction_session_timeout = 0; set statement_timeout = 0; begin; select from app.contacts",
    )
    .execute(&mut stuck)
    .await?;
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    let mut agent = desk(&database.add_member(Role::Agent).await?).await?;
    let ended: i64 = sqlx::query_scalar("select app.end_stuck_sessions()").fetch_one(&mut agent).await?;
    ensure!(ended == 1, "{ended} sessions were ended");
    ensure!(sqlx::raw_sql("select 1").execute(&mut stuck).await.is_err(), "a transaction that stands must be ended");

    // Connections.
    tried += 1;
    let mut held = vec![one];
    let refused = loop {
        match desk(&login).await {
            Ok(another) => held.push(another),
            Err(error) => break error,
        }
        ensure!(held.len() <= 10, "a login has no limit of connections");
    };
    let refused = code(refused.downcast::<sqlx::Error>().ok());
    ensure!(refused.as_deref() == Some("53300"), "{refused:?}");

    // A lock on the own rows is nobody else's.
    tried += 1;
    let other = database.another_clinic("Outra clínica").await?;
    let mut holder = held.pop().context("a connection")?;
    sqlx::raw_sql("begin; select from app.clinics; select from app.pipelines for key share")
        .execute(&mut holder)
        .await
        .ok();
    let mut neighbour = desk(&other.owner).await?;
    sqlx::raw_sql("set lock_timeout = '500ms'; update app.pipelines set position = position + 1")
        .execute(&mut neighbour)
        .await?;
    Ok(tried)
}

fn code(error: Option<sqlx::Error>) -> Option<String> {
    error.and_then(|error| error.as_database_error()?.code().map(|code| code.into_owned()))
}
