//! The wall tried from the inside, with everything that SQL has: each role of one clinic against another clinic and against
//! its own limits. Tables, columns, functions, settings and catalogues come from the catalogue, so that what is added later is
//! attacked without being named.
//!
//! What is tried where, of all that a person with a database's own tools has at hand:
//! - every table × select, insert, update, delete, merge, copy, truncate, lock; columns that a role has no business with; foreign
//!   keys into another clinic: `row_security/breaches.rs`, by way of [`World::breaches`]; what a role sees of its own clinic, rows
//!   forged in another's name, each policy taken away by itself (the mutation check): `limits`;
//! - set role, session authorization, groups and the rights of others' roles: `powers::identity`; every setting, of the session, of
//!   the database and of the server: `powers::settings`;
//! - shadowing by search_path, temporary tables, operators, types and functions; large objects; COPY PROGRAM, server files, dblink and
//!   every other extension; event triggers; sequences; views and materialized views of one's own: `powers::objects`, and
//!   `no_setting_and_no_shadowing_name_changes_who_a_login_is` in `row_security.rs`;
//! - every function that is not a role's own, definer functions called with another clinic's ids, writes by way of them:
//!   `whispers::functions`; the views that policies look the login up in: `whispers::views`;
//! - `pg_*` catalogues and statistics: `whispers::catalogues`; estimates of the planner: `whispers::estimates`;
//! - unique violations and foreign keys as oracles: `whispers::keys`; texts of errors: `whispers::errors`; prepared statements and
//!   cursors: `whispers::prepared`;
//! - NOTIFY and LISTEN: `a_channel_tells_nothing_even_to_who_knows_its_name`, and the functions in `whispers::catalogues`;
//! - being slow on purpose, by a lock or by a query without end: `wear`.

mod ledger;
mod limits;
mod powers;
mod wear;
mod whispers;

use anyhow::{Context as _, Result};
use balcao_tenant::Role;
use balcao_tenant::provision::Connection;
use balcao_testkit::database::servers;
use ledger::Ledger;
use limits::{Policy, trespasses};
use sqlx::postgres::PgListener;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::row_security::breaches::World;

/// A desk's connection, for statements that the program itself would never send.
async fn desk(connection: &Connection) -> Result<PgConnection> {
    let password = connection.password.as_deref().unwrap_or_default();
    Ok(PgConnection::connect(&connection.address.to_url().replacen('@', &format!(":{password}@"), 1)).await?)
}

/// What no answer to the wrong person may hold.
const MARK: &str = "segredo da outra";

#[tokio::test]
async fn every_attempt_of_every_role_is_refused_or_finds_nothing() -> Result<()> {
    for server in servers().await? {
        let mut world = World::on(&server).await?;
        mark(&mut world).await?;
        let names: Vec<String> = world.tables.iter().map(|table| table.name.clone()).collect();
        let before = whispers::inventory(&mut world.administrator, &names, world.theirs).await?;
        let mut ledger = Ledger::new(vec![MARK.to_owned(), world.theirs.to_string()]);
        let mut parts = Vec::new();
        let mut part = |name: &'static str, ledger: &Ledger, before: usize| parts.push((name, ledger.count() - before));

        let at = ledger.count();
        powers::identity(&mut world, &mut ledger).await?;
        part("being somebody else", &ledger, at);
        let at = ledger.count();
        powers::settings(&mut world, &mut ledger).await?;
        part("settings", &ledger, at);
        let at = ledger.count();
        powers::objects(&mut world, &mut ledger).await?;
        part("objects, files, programs, locks without a table", &ledger, at);
        let at = ledger.count();
        whispers::functions(&mut world, &mut ledger).await?;
        part("functions", &ledger, at);
        let at = ledger.count();
        whispers::views(&mut world, &mut ledger).await?;
        part("views", &ledger, at);
        let at = ledger.count();
        whispers::catalogues(&mut world, &mut ledger).await?;
        part("catalogues and statistics", &ledger, at);
        let at = ledger.count();
        whispers::errors(&mut world, &mut ledger).await?;
        part("errors", &ledger, at);
        let at = ledger.count();
        whispers::prepared(&mut world, &mut ledger).await?;
        part("prepared statements and cursors", &ledger, at);
        let mut found = std::mem::take(&mut ledger.found);
        found.extend(world.breaches().await?);
        parts.push(("tables and references", world.tried));

        let (tried, told) = whispers::keys(&mut world).await?;
        parts.push(("keys", tried));
        found.extend(told);
        assert_eq!(
            whispers::inventory(&mut world.administrator, &names, world.theirs).await?,
            before,
            "the other clinic is as it was"
        );
        let (tried, told) = whispers::estimates(&mut world).await?;
        parts.push(("estimates of the planner", tried));
        found.extend(told);
        parts.push(("wear", wear::limits_hold(&server).await?));

        let version: String = sqlx::query_scalar("show server_version").fetch_one(&mut world.administrator).await?;
        let all: usize = parts.iter().map(|(_, count)| count).sum();
        eprintln!("PostgreSQL {version}: {all} attempts {parts:?}");
        assert_eq!(found, Vec::<String>::new(), "on PostgreSQL {version}");
        assert!(all >= 400, "only {all} attempts");
    }
    Ok(())
}

/// Puts a mark into every text of the other clinic that can take one.
async fn mark(world: &mut World) -> Result<()> {
    for table in &world.tables {
        for column in table.writable().filter(|column| column.data_type == "text" && column.checks.is_empty()) {
            let sql = format!(
                "update app.{} set {} = '{MARK}' where clinic_id = '{}'",
                table.name, column.name, world.theirs
            );
            // Some texts may not be changed at all; the others carry the mark.
            let _ = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut world.administrator).await;
        }
    }
    let marked: i64 = sqlx::query_scalar("select count(*) from app.contacts where clinic_id = $1 and notes = $2")
        .bind(world.theirs)
        .bind(MARK)
        .fetch_one(&mut world.administrator)
        .await?;
    assert_eq!(marked, 1);
    Ok(())
}

#[tokio::test]
async fn each_role_sees_of_its_own_clinic_what_it_should_and_a_policy_that_is_gone_is_noticed() -> Result<()> {
    for server in servers().await? {
        let mut world = World::on(&server).await?;
        limits::furnish(&mut world).await?;
        let names: Vec<String> = world.tables.iter().map(|table| table.name.clone()).collect();
        for table in &names {
            assert_eq!(trespasses(&mut world, table).await?, Vec::<String>::new());
        }
        let policies = Policy::all(&mut world.administrator).await?;
        assert!(policies.len() > 2 * names.len(), "each table has two policies at least: {}", policies.len());
        for table in &names {
            assert!(policies.iter().any(|policy| policy.table == *table), "{table} has no policy");
        }
        let mut unnoticed = Vec::new();
        for policy in &policies {
            policy.take_away(&mut world.administrator).await?;
            if trespasses(&mut world, &policy.table).await?.is_empty() {
                unnoticed.push(format!("{} on {}", policy.name, policy.table));
            }
            policy.put_back(&mut world.administrator).await?;
        }
        assert_eq!(unnoticed, Vec::<String>::new(), "these could be removed and no test would fail");
        for table in &names {
            assert_eq!(trespasses(&mut world, table).await?, Vec::<String>::new(), "all policies are back");
        }
        eprintln!("{} policies were taken away one by one", policies.len());
    }
    Ok(())
}

#[tokio::test]
async fn a_channel_tells_nothing_even_to_who_knows_its_name() -> Result<()> {
    for server in servers().await? {
        let mut world = World::on(&server).await?;
        let ours = world.database.add_member(Role::Viewer).await?;
        let password = ours.password.as_deref().unwrap_or_default();
        let mut ear = PgListener::connect(&ours.address.to_url().replacen('@', &format!(":{password}@"), 1)).await?;
        let own: String = {
            let mut desk = desk(&ours).await?;
            sqlx::query_scalar("select app.listen_channel()").fetch_one(&mut desk).await?
        };
        let stolen: String = sqlx::query_scalar("select channel from internal.listen_channels where clinic_id = $1")
            .bind(world.theirs)
            .fetch_one(&mut world.administrator)
            .await?;
        assert!(stolen.len() >= 32, "the name cannot be guessed");
        ear.listen_all([&*own, &*world.theirs.to_string(), "contacts", "app"]).await?;
        let write = |clinic| format!("update app.contacts set notes = 'mudou' where clinic_id = '{clinic}'");
        sqlx::raw_sql(AssertSqlSafe(write(world.theirs))).execute(&mut world.administrator).await?;
        sqlx::raw_sql(AssertSqlSafe(write(world.ours))).execute(&mut world.administrator).await?;
        let heard = ear.recv().await?;
        assert_eq!(
            (heard.channel(), heard.payload()),
            (&*own, ""),
            "the other clinic's change came first and was not heard"
        );
        ear.listen(&stolen).await?;
        sqlx::raw_sql(AssertSqlSafe(write(world.theirs).replace("mudou", "de novo")))
            .execute(&mut world.administrator)
            .await?;
        let heard = ear.recv().await.context("a notification")?;
        assert_eq!((heard.channel(), heard.payload()), (&*stolen, ""), "a hint without a word");
    }
    Ok(())
}
