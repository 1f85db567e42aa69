//! Twenty clinics with five desks each on one server, reading and writing at once; afterwards no copy has a row, and no file a
//! word, of another clinic. On the newest and on the oldest PostgreSQL.

mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use balcao_domain::feed::ENTITIES;
use balcao_tenant::Role;
use balcao_testkit::database::{TestDatabase, servers};
use futures_util::future::try_join_all;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use uuid::Uuid;
use worker::{Rumours, Tally, Worker};

use crate::sight::copy::Copy;

const CLINICS: usize = 20;
const ROLES: [Role; 5] = [Role::Owner, Role::Admin, Role::Attendant, Role::Professional, Role::Viewer];

/// Rows that each clinic starts with.
const PEOPLE: usize = 30;

/// For how long they work on each server, unless `BALCAO_ISOLATION_SECONDS` says otherwise.
const SECONDS: u64 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_clinics_at_work_never_see_each_other() -> Result<()> {
    let seconds = std::env::var("BALCAO_ISOLATION_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let seed = std::env::var("BALCAO_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random::<u64>);
    eprintln!("BALCAO_SEED={seed}");
    for server in servers().await? {
        never_see_each_other(&server, seconds, seed).await?;
    }
    Ok(())
}

async fn never_see_each_other(server: &str, seconds: u64, seed: u64) -> Result<()> {
    let database = TestDatabase::fresh_on(server).await?;
    let mut administrator = PgConnection::connect(database.admin_url()).await?;
    let version: String = sqlx::query_scalar("show server_version").fetch_one(&mut administrator).await?;
    let mut clinics = vec![database.clinic_id()];
    for number in 1..CLINICS {
        clinics.push(database.another_clinic(&format!("Clínica {number}")).await?.clinic_id);
    }
    for (number, clinic) in clinics.iter().enumerate() {
        furnish(&mut administrator, *clinic, &word(number)).await?;
    }

    // What one desk saw, another one of another clinic tries to reach.
    let rumours: Rumours = Arc::new(Mutex::new(BTreeMap::new()));
    let mut making = Vec::new();
    for (number, clinic) in clinics.iter().enumerate() {
        for role in ROLES {
            let login = database.add_member_of(*clinic, role).await?;
            if role == Role::Professional {
                let sql =
                    "update app.professionals set member_id = (select member_id from internal.logins where login = $2)
                           where clinic_id = $1 and name like 'Agenda%'";
                sqlx::query(sql).bind(clinic).bind(&login.login).execute(&mut administrator).await?;
            }
            let (rumours, seed) = (rumours.clone(), seed.wrapping_add((making.len() as u64) << 32));
            making.push(tokio::spawn(async move {
                let copy = Copy::make(&login).await?;
                Worker::new(copy, role, number, word(number), seed, rumours).await
            }));
        }
    }
    let workers = try_join_all(making).await?.into_iter().collect::<Result<Vec<_>>>()?;
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let tasks = workers.into_iter().map(|worker| tokio::spawn(worker.work(deadline)));
    let mut done = Tally::default();
    let mut desks = Vec::new();
    for (worker, tally) in try_join_all(tasks).await?.into_iter().collect::<Result<Vec<_>>>()? {
        done.add(&tally);
        desks.push(worker);
    }
    eprintln!("PostgreSQL {version}: {CLINICS} clinics, {} desks, {seconds} s: {done:?}", desks.len());
    assert!(done.applied > 10 * seconds && done.pulled > 1_000 && done.strayed > 200, "too little: {done:?}");

    let owners = owners(&mut administrator).await?;
    let (mut rows, mut strangers) = (0, BTreeSet::new());
    for desk in &mut desks {
        let home = clinics[desk.clinic];
        for ((table, id), _) in desk.copy.rows().await? {
            rows += 1;
            if owners.get(&(table, id)) != Some(&home) {
                strangers.insert(format!("{table} {id} in a copy of clinic {}", desk.clinic));
            }
        }
        let words = words(&desk.copy).await?;
        assert!(words.contains(&word(desk.clinic)), "the copy has words of its own clinic");
        for other in (0..CLINICS).filter(|other| *other != desk.clinic) {
            if words.contains(&word(other)) {
                strangers.insert(format!("a word of clinic {other} in a copy of clinic {}", desk.clinic));
            }
        }
        desk.copy.agrees().await.with_context(|| format!("{} of clinic {}", desk.role.as_str(), desk.clinic))?;
    }
    assert_eq!(strangers, BTreeSet::new(), "seed {seed} on PostgreSQL {version}");
    assert!(rows > CLINICS * ROLES.len() * PEOPLE, "only {rows} rows were looked at");
    eprintln!("{rows} rows in {} copies, each of its own clinic", desks.len());
    Ok(())
}

/// In every text that a clinic writes, and in none of another's.
fn word(number: usize) -> String {
    format!("palavra{number:02}daclinica")
}

async fn furnish(administrator: &mut PgConnection, clinic: Uuid, word: &str) -> Result<()> {
    let sql = format!(
        "do $$ declare talk uuid; channel uuid; person uuid; patient uuid; agenda uuid;
         begin
            insert into app.channels (clinic_id, name) values ('{clinic}', '{word}') returning id into channel;
            insert into app.professionals (clinic_id, name) values ('{clinic}', 'Agenda {word}') returning id into agenda;
            insert into app.professionals (clinic_id, name) values ('{clinic}', 'Outra {word}');
            for n in 1..{PEOPLE} loop
                insert into app.contacts (clinic_id, name) values ('{clinic}', '{word} ' || n) returning id into person;
                insert into app.patients (clinic_id, contact_id, name) values ('{clinic}', person, '{word}') returning id into patient;
                insert into app.conversations (clinic_id, contact_id, channel_id) values ('{clinic}', person, channel)
                    returning id into talk;
                insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body)
                    select '{clinic}', talk, channel, 'inbound', 'contact', '{word} ' || g from generate_series(1, 3) g;
                insert into app.appointments (clinic_id, professional_id, contact_id, patient_id, starts_at, ends_at, squeezed_in,
                                              squeeze_reason)
                    values ('{clinic}', (select id from app.professionals where clinic_id = '{clinic}' order by md5(id::text || n) limit 1),
                            person, patient, now(), now() + interval '1 hour', true, '{word}');
            end loop;
         end $$"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(administrator).await?;
    Ok(())
}

/// The clinic of every row of every copied table.
async fn owners(administrator: &mut PgConnection) -> Result<BTreeMap<(&'static str, Uuid), Uuid>> {
    let mut owners = BTreeMap::new();
    for entity in ENTITIES {
        let sql = AssertSqlSafe(format!("select id, clinic_id from app.{}", entity.name));
        for row in sqlx::query(sql).fetch_all(&mut *administrator).await? {
            owners.insert((entity.name, row.try_get(0)?), row.try_get(1)?);
        }
    }
    Ok(owners)
}

/// Every text in a copy's file, whatever table it is in.
async fn words(copy: &Copy) -> Result<String> {
    let mut file = copy.file().await?;
    let tables: Vec<String> = sqlx::query_scalar(
        "select name from sqlite_schema where type = 'table' and sql not like 'create virtual%' order by name",
    )
    .fetch_all(&mut file)
    .await?;
    let mut words = String::new();
    for table in tables {
        let columns: Vec<String> =
            sqlx::query_scalar("select name from pragma_table_info(?)").bind(&table).fetch_all(&mut file).await?;
        let all: Vec<String> = columns
            .iter()
            .map(|column| format!("case typeof(\"{column}\") when 'text' then \"{column}\" else hex(\"{column}\") end"))
            .collect();
        let sql = AssertSqlSafe(format!("select concat_ws(' ', {}) from \"{table}\"", all.join(", ")));
        for line in sqlx::query_scalar::<_, String>(sql).fetch_all(&mut file).await.context(table)? {
            words.push_str(&line);
            words.push('\n');
        }
    }
    Ok(words)
}
