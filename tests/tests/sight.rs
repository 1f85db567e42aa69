//! What a professional sees, and what a professional's desk has: visits that come and go, and the people with them.

pub(crate) mod copy;
mod practice;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use balcao_tenant::{FeedBatch, Role, Tenant};
use balcao_testkit::database::{log_in, servers};
use copy::{Copy, desk};
use practice::{Practice, booking, link};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

type Told = BTreeSet<(String, Uuid)>;

/// What one pull tells a login: rows that are there, and rows that are gone.
async fn told(tenant: &Tenant, cursor: i64) -> Result<(Told, Told)> {
    let (out, mut batches) = tokio::sync::mpsc::channel(64);
    tenant.read_changes(cursor, &out).await?;
    drop(out);
    let (mut rows, mut gone) = (Told::new(), Told::new());
    while let Some(batch) = batches.recv().await {
        match batch {
            FeedBatch::Rows(batch) => {
                rows.extend(batch.rows().map(|row| (batch.entity().name.to_owned(), row.id())));
            }
            FeedBatch::Deleted(deleted) => gone.extend(deleted.into_iter().map(|(e, id)| (e.name.to_owned(), id))),
        }
    }
    Ok((rows, gone))
}

fn set(rows: &[(&str, Uuid)]) -> Told {
    rows.iter().map(|(table, id)| ((*table).to_owned(), *id)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_is_moved_leaves_one_copy_and_enters_the_other_and_nobody_else_hears_of_it() -> Result<()> {
    for server in servers().await? {
        let mut practice = Practice::on(&server).await?;
        let visit = practice.book(0, 0).await?;
        let (contact, patient) = practice.people[0];
        let (mut ana, mut bruno, mut clara) = (
            Copy::make(&practice.keepers[0]).await?,
            Copy::make(&practice.keepers[1]).await?,
            Copy::make(&practice.keepers[2]).await?,
        );
        let all = set(&[("appointments", visit), ("contacts", contact), ("patients", patient)]);
        let has = async |copy: &Copy| -> Result<usize> {
            let rows = copy.rows().await?;
            Ok(all.iter().filter(|(table, id)| rows.keys().any(|(t, i)| t == table && i == id)).count())
        };
        assert_eq!((has(&ana).await?, has(&bruno).await?, has(&clara).await?), (3, 0, 0));

        let cursor = practice.settled(&ana.tenant).await?;
        let to = practice.agendas[1];
        practice.run(format!("update app.appointments set professional_id = '{to}' where id = '{visit}'")).await?;
        assert_eq!(told(&ana.tenant, cursor).await?, (Told::new(), all.clone()), "Ana hears that three rows are gone");
        assert_eq!(told(&bruno.tenant, cursor).await?, (all.clone(), Told::new()), "Bruno gets three rows");
        assert_eq!(told(&clara.tenant, cursor).await?, (Told::new(), Told::new()), "Clara hears nothing");
        for copy in [&mut ana, &mut bruno, &mut clara] {
            copy.agrees().await?;
        }
        assert_eq!((has(&ana).await?, has(&bruno).await?, has(&clara).await?), (0, 3, 0));

        // What happens to them afterwards is none of Ana's.
        let cursor = practice.settled(&ana.tenant).await?;
        practice.run(format!("update app.contacts set name = 'Outro nome' where id = '{contact}'")).await?;
        practice.run(format!("delete from app.appointments where id = '{visit}'")).await?;
        assert_eq!(told(&ana.tenant, cursor).await?, (Told::new(), Told::new()));
        assert_eq!(told(&bruno.tenant, cursor).await?, (Told::new(), all.clone()));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_stays_while_one_visit_is_left() -> Result<()> {
    for server in servers().await? {
        let mut practice = Practice::on(&server).await?;
        let (first, second) = (practice.book(0, 0).await?, practice.book(0, 1).await?);
        let (contact, child) = practice.people[1];
        let mut ana = Copy::make(&practice.keepers[0]).await?;
        let has = async |ana: &Copy, id: Uuid| -> Result<bool> { Ok(ana.rows().await?.keys().any(|(_, i)| *i == id)) };
        practice.run(format!("delete from app.appointments where id = '{first}'")).await?;
        ana.agrees().await?;
        assert!(has(&ana, contact).await? && has(&ana, child).await? && !has(&ana, practice.people[0].1).await?);
        // A visit that did not take place is still in the agenda.
        practice.run(format!("update app.appointments set status = 'cancelled' where id = '{second}'")).await?;
        ana.agrees().await?;
        assert!(has(&ana, contact).await?);
        practice.run(format!("delete from app.appointments where id = '{second}'")).await?;
        ana.agrees().await?;
        assert!(!has(&ana, contact).await? && !has(&ana, child).await?);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whose_last_two_visits_go_at_the_same_time_leaves_the_copy() -> Result<()> {
    for server in servers().await? {
        let mut practice = Practice::on(&server).await?;
        let (agenda, keeper) = (practice.agendas[1], practice.keepers[0].clone());
        link(&mut practice.administrator, agenda, Some(&keeper)).await?;
        let (first, second) = (practice.book(0, 0).await?, practice.book(1, 0).await?);
        let (contact, patient) = practice.people[0];
        let mut ana = Copy::make(&keeper).await?;

        let mut late = PgConnection::connect(practice.database.admin_url()).await?;
        let taken = format!("begin; delete from app.appointments where id = '{first}'");
        sqlx::raw_sql(AssertSqlSafe(taken)).execute(&mut late).await?;
        let ends = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            anyhow::Ok(sqlx::raw_sql("commit").execute(&mut late).await?)
        };
        let other = practice.run(format!("delete from app.appointments where id = '{second}'"));
        tokio::try_join!(other, ends)?;
        ana.agrees().await?;
        assert!(ana.rows().await?.keys().all(|(_, id)| ![contact, patient].contains(id)));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_or_another_agenda_makes_the_copy_anew() -> Result<()> {
    for server in servers().await? {
        let mut practice = Practice::on(&server).await?;
        for person in 0..4 {
            practice.book(person % 2, person).await?;
        }
        let (mut ana, mut bruno) = (Copy::make(&practice.keepers[0]).await?, Copy::make(&practice.keepers[1]).await?);
        let before = (ana.tenant.feed_position().await?.epoch, bruno.tenant.feed_position().await?.epoch);
        assert_ne!(before.0, before.1, "each login has a feed of its own");
        let (agenda, keeper) = (practice.agendas[0], practice.keepers[1].clone());
        link(&mut practice.administrator, agenda, Some(&keeper)).await?;
        ana.agrees().await?;
        bruno.agrees().await?;
        assert!(ana.rows().await?.keys().all(|(table, _)| *table != "appointments"));
        assert_eq!(bruno.rows().await?.keys().filter(|(table, _)| *table == "appointments").count(), 4);

        practice.change_role(0, Role::Attendant).await?;
        ana.agrees().await?;
        assert_eq!(ana.rows().await?.keys().filter(|(table, _)| *table == "contacts").count(), 6);
        assert!(ana.rows().await?.keys().any(|(table, _)| *table == "quick_replies"));
        practice.change_role(0, Role::Professional).await?;
        ana.agrees().await?;
        assert!(ana.rows().await?.keys().all(|(table, _)| *table != "contacts" && *table != "quick_replies"));
    }
    Ok(())
}

/// One change somewhere in the clinic, as SQL.
fn change(dice: &mut StdRng, practice: &Practice) -> String {
    let clinic = practice.clinic;
    let agenda = practice.agendas[dice.random_range(0..4)];
    let person = practice.people[dice.random_range(0..practice.people.len())];
    let pick = dice.random::<u32>();
    let some = |table: &str| {
        format!("(select id from app.{table} where clinic_id = '{clinic}' order by md5(id::text || '{pick}') limit 1)")
    };
    match dice.random_range(0..16) {
        0..=3 => booking(clinic, agenda, person),
        4..=6 => {
            format!("update app.appointments set professional_id = '{agenda}' where id = {}", some("appointments"))
        }
        7 => format!(
            "update app.appointments set contact_id = '{}', patient_id = '{}' where id = {}",
            person.0,
            person.1,
            some("appointments")
        ),
        8 => format!("update app.appointments set status = 'cancelled' where id = {}", some("appointments")),
        9..=10 => format!("delete from app.appointments where id = {}", some("appointments")),
        11 => format!("update app.contacts set name = 'Nome {pick}' where id = {}", some("contacts")),
        12 => format!("update app.patients set name = 'Paciente {pick}' where id = {}", some("patients")),
        13 => {
            let of = if pick % 3 == 0 { "null".to_owned() } else { format!("'{agenda}'") };
            format!(
                "insert into app.schedule_exceptions (clinic_id, professional_id, kind, starts_at, ends_at)
                 values ('{clinic}', {of}, 'blocked', now(), now() + interval '1 hour')"
            )
        }
        14 => {
            let of = if pick % 2 == 0 { "null".to_owned() } else { format!("'{agenda}'") };
            format!(
                "update app.schedule_exceptions set professional_id = {of} where id = {}",
                some("schedule_exceptions")
            )
        }
        _ => format!("delete from app.schedule_exceptions where id = {}", some("schedule_exceptions")),
    }
}

#[tokio::test]
async fn a_person_who_comes_back_by_a_transaction_that_began_earlier_stays_in_the_copy() -> Result<()> {
    for server in servers().await? {
        let mut practice = Practice::on(&server).await?;
        let (visit, (contact, patient)) = (practice.book(0, 0).await?, practice.people[0]);
        let mut ana = Copy::make(&practice.keepers[0]).await?;
        let begin = async |from: &Practice| -> Result<(PgConnection, i64)> {
            let mut connection = PgConnection::connect(from.database.admin_url()).await?;
            sqlx::raw_sql("begin").execute(&mut connection).await?;
            let id = "select pg_current_xact_id()::text::bigint";
            let id = sqlx::query_scalar(id).fetch_one(&mut connection).await?;
            Ok((connection, id))
        };
        let (mut early, brought_back) = begin(&practice).await?;
        // Stays open, and holds the cursor between the other two.
        let (_third, held) = begin(&practice).await?;
        practice.run(format!("delete from app.appointments where id = '{visit}'")).await?;
        let sql = booking(practice.clinic, practice.agendas[0], practice.people[0]);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut early).await?;
        sqlx::raw_sql("commit").execute(&mut early).await?;
        // Transactions of other databases of the server hold it back, too.
        while ana.tenant.feed_position().await?.cursor <= brought_back {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        ensure!(ana.tenant.feed_position().await?.cursor <= held, "nothing holds the cursor");
        for _ in 0..3 {
            ana.agrees().await?;
        }
        assert_eq!(ana.rows().await?.keys().filter(|(_, id)| [contact, patient].contains(id)).count(), 2);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_in_whatever_order_a_professional_has_what_a_professional_sees() -> Result<()> {
    for server in servers().await? {
        let mut practice = Practice::on(&server).await?;
        let seed =
            std::env::var("BALCAO_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random::<u64>);
        eprintln!("BALCAO_SEED={seed}");
        let mut dice = StdRng::seed_from_u64(seed);
        let mut copies = Vec::new();
        for keeper in &practice.keepers {
            copies.push(Copy::make(keeper).await?);
        }
        practice.run("set lock_timeout = '100ms'").await?;
        // Someone whose transactions commit late and out of order.
        let mut late = PgConnection::connect(practice.database.admin_url()).await?;
        sqlx::raw_sql("set lock_timeout = '100ms'").execute(&mut late).await?;
        let mut open = false;
        let (mut done, mut compared) = (0, 0);
        for step in 0..300 {
            let sql = change(&mut dice, &practice);
            let by_late = dice.random_bool(0.3);
            if by_late && !open {
                sqlx::raw_sql("begin").execute(&mut late).await?;
                open = true;
            }
            let connection = if by_late { &mut late } else { &mut practice.administrator };
            match sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await {
                Ok(_) => done += 1,
                // Held by the other, who will have moved on the next time.
                Err(sqlx::Error::Database(busy)) if matches!(busy.code().as_deref(), Some("55P03" | "40P01")) => {
                    if by_late {
                        sqlx::raw_sql("rollback").execute(&mut late).await?;
                        open = false;
                    }
                }
                Err(error) => return Err(error).context(sql),
            }
            if open && dice.random_bool(0.3) {
                sqlx::raw_sql(if dice.random_bool(0.8) { "commit" } else { "rollback" }).execute(&mut late).await?;
                open = false;
            }
            if step % 100 == 50 {
                let (agenda, keeper) = (practice.agendas[dice.random_range(0..4)], dice.random_range(0..4));
                let keeper = practice.keepers.get(keeper).cloned();
                if !open {
                    link(&mut practice.administrator, agenda, keeper.as_ref()).await?;
                }
            }
            if dice.random_bool(0.3) {
                let number = dice.random_range(0..copies.len());
                copies[number].agrees().await.with_context(|| format!("seed {seed}, step {step}, copy {number}"))?;
                compared += 1;
            }
        }
        if open {
            sqlx::raw_sql("commit").execute(&mut late).await?;
        }
        for (number, copy) in copies.iter_mut().enumerate() {
            copy.agrees().await.with_context(|| format!("seed {seed}, at the end, copy {number}"))?;
        }
        ensure!(done > 150 && compared > 50, "only {done} changes and {compared} comparisons: seed {seed}");
        let miscounted: i64 = sqlx::query_scalar(
            "select count(*) from (
                select professional_id, 'contacts' as entity, contact_id as person_id, count(*) as visits
                from app.appointments group by 1, 3
                union all select professional_id, 'patients', patient_id, count(*) from app.appointments group by 1, 3
             ) as real full join app.professional_people p using (professional_id, entity, person_id)
             where real.visits is distinct from p.visits",
        )
        .fetch_one(&mut practice.administrator)
        .await?;
        assert_eq!(miscounted, 0, "seed {seed}");
    }
    Ok(())
}

#[tokio::test]
async fn a_professional_reaches_nothing_beyond_the_own_agenda() -> Result<()> {
    for server in servers().await? {
        let mut practice = Practice::on(&server).await?;
        practice.book(0, 0).await?;
        practice.book(1, 4).await?;
        practice.run("update app.contacts set phone = null").await?;
        let mut ana = desk(&practice.keepers[0]).await?;
        for (sql, expected) in [
            ("select count(*) from app.appointments", 1),
            ("select count(*) from app.appointment_events", 1),
            ("select count(*) from app.contacts", 1),
            ("select count(*) from app.patients", 1),
            ("select count(*) from app.professional_people", 2),
            ("select count(*) from app.tombstones", 0),
        ] {
            let seen: i64 = sqlx::query_scalar(sql).fetch_one(&mut ana).await?;
            assert_eq!(seen, expected, "{sql}");
        }
        let (contact, patient) = practice.people[4];
        for sql in [
            format!("update app.appointments set contact_id = '{contact}'"),
            format!("update app.appointments set patient_id = '{patient}'"),
            format!("update app.appointments set professional_id = '{}'", practice.agendas[1]),
            "update app.appointments set price_cents = 1".to_owned(),
            booking(practice.clinic, practice.agendas[0], practice.people[4]),
            "select from app.messages".to_owned(),
            "select from app.leads".to_owned(),
            "select from app.channels".to_owned(),
            "select email from app.members".to_owned(),
            "select * from app.clinics".to_owned(),
            "select from app.audit_logs".to_owned(),
            "select app.search_contacts('Pessoa')".to_owned(),
        ] {
            let refused = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut ana).await;
            let code = refused.err().and_then(|error| error.as_database_error()?.code().map(|code| code.into_owned()));
            assert_eq!(code.as_deref(), Some("42501"), "{sql}");
        }
        let moved = "update app.appointments set starts_at = starts_at + interval '1 hour', ends_at = ends_at + interval '1 hour'";
        assert_eq!(sqlx::query(moved).execute(&mut ana).await?.rows_affected(), 1, "the own visits are kept by hand");
        // An attendant sees neither what the clinic pays nor how its members are reached.
        let mut attendant = desk(&practice.database.add_member(Role::Attendant).await?).await?;
        for sql in [
            "select plan from app.clinics",
            "select next_billing_date from app.clinics",
            "select email from app.members",
            "select last_seen_at from app.members",
            "select from app.devices",
            "select from app.audit_logs",
            "select from app.owner_numbers",
        ] {
            let refused = sqlx::raw_sql(sql).execute(&mut attendant).await;
            let code = refused.err().and_then(|error| error.as_database_error()?.code().map(|code| code.into_owned()));
            assert_eq!(code.as_deref(), Some("42501"), "{sql}");
        }
        log_in(&practice.keepers[0]).await?.whoami().await?;
    }
    Ok(())
}
