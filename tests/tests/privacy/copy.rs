//! The file on a desk, decrypted, as somebody with the key would search it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use balcao_keychain::names;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use super::seed::{DIGITS, NAME, WORD};
use crate::desks::actors::Actor;

async fn file(desk: &Actor) -> Result<SqliteConnection> {
    let profile: Value = serde_json::from_slice(&std::fs::read(desk.folder().join("profile.json"))?)?;
    let id = profile["id"].as_str().context("an id")?;
    let key = desk.keychain().get(&names::cache_key(id)).await?.context("a key")?;
    let options = SqliteConnectOptions::new().filename(desk.folder().join("copy.db"));
    Ok(options.pragma("key", format!("\"x'{}'\"", key.expose())).connect().await?)
}

/// Waits until the desk has heard of it and has done all there is to do.
pub async fn forgotten(desk: &Actor) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let mut file = file(desk).await?;
        let erased: i64 =
            sqlx::query("select count(*) from contacts where source = 'erased'").fetch_one(&mut file).await?.get(0);
        let to_do: i64 =
            sqlx::query("select count(*) from sync_state where key = 'forget'").fetch_one(&mut file).await?.get(0);
        if erased > 0 && to_do == 0 {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("the desk does not forget: {erased} erased, {to_do} to do");
        }
        drop(file);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Where the person is still found: every column of every table (queue, shadows, the tables behind the indexes), and the words
/// that the indexes know.
pub async fn traces(desk: &Actor) -> Result<Vec<String>> {
    let mut file = file(desk).await?;
    let mut found = Vec::new();
    let tables: Vec<String> = sqlx::query_scalar(
        "select name from sqlite_schema where type = 'table' and name not like '%\\_search' escape '\\'",
    )
    .fetch_all(&mut file)
    .await?;
    for table in tables {
        let columns: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(format!("select name from pragma_table_info('{table}')")))
                .fetch_all(&mut file)
                .await?;
        for column in columns {
            let sql = format!(
                "select count(*) from \"{table}\" where instr(lower(cast(\"{column}\" as text)), lower('{NAME}')) > 0
                 or instr(cast(\"{column}\" as blob), cast('{WORD}' as blob)) > 0
                 or instr(cast(\"{column}\" as blob), cast('{DIGITS}' as blob)) > 0"
            );
            if sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut file).await?.get::<i64, _>(0) > 0 {
                found.push(format!("{table}.{column}"));
            }
        }
    }
    for entity in ["messages", "contacts"] {
        let sql = format!(
            "create virtual table temp.words using fts5vocab('main', '{entity}_search', 'row');
             create temp table known as select term from temp.words; drop table temp.words"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut file).await?;
        // An index of letters keeps three of a name at a time; these stand in no other.
        let sql = format!("select count(*) from known where term like '%{WORD}%' or term = 'kzq'");
        if sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut file).await?.get::<i64, _>(0) > 0 {
            found.push(format!("the index of {entity}"));
        }
        sqlx::raw_sql("drop table temp.known").execute(&mut file).await?;
    }
    Ok(found)
}
