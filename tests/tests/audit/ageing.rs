//! What is kept for a time only goes by itself, wherever the database is, and by one computer at a time.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use balcao_tenant::{Error, Role, Tenant};
use balcao_testkit::database::{TestDatabase, log_in, servers};
use sqlx::{Connection as _, PgConnection};

use super::{refusal, run};
use crate::desks::actors::Actor;

/// A row that is old enough to lose its address, one that is old enough to go, and what was said of a message that never came.
const OLD: &str = "insert into app.audit_logs (clinic_id, action, at, address)
     select c.id, 'old', now() - age, '10.0.0.1'
     from app.clinics c, unnest(array[interval '91 days', interval '6 years']) as age;
     insert into app.channels (clinic_id, name) select id, gen_random_uuid()::text from app.clinics;
     insert into app.pending_effects (clinic_id, channel_id, gateway_id, kind, payload, created_at)
     select distinct on (clinic_id) clinic_id, id, gen_random_uuid()::text, 'status', '{}'::jsonb, now() - interval '31 days'
     from app.channels";

/// Rows that are kept too long: with an address, at all, and effects.
async fn kept(administrator: &mut PgConnection) -> Result<(i64, i64, i64)> {
    let question = "select count(address), count(*) filter (where at < now() - interval '5 years'),
                           (select count(*) from app.pending_effects)
                    from app.audit_logs where action = 'old'";
    Ok(sqlx::query_as(question).fetch_one(administrator).await?)
}

/// Lets the desks look until it has come to something.
async fn until_nothing_is_kept(desks: &[&Actor], administrator: &mut PgConnection) -> Result<()> {
    let since = Instant::now();
    while kept(administrator).await? != (0, 0, 0) {
        if since.elapsed() > Duration::from_secs(30) {
            bail!("what is old is kept");
        }
        desks.iter().for_each(|actor| actor.desk.ring_for_upkeep());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_server_elsewhere_the_desks_of_the_owner_and_of_admins_let_it_age_once_a_day() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let mut administrator = PgConnection::connect(database.admin_url()).await?;
    let owner = Actor::connect(database.owner()).await?;
    let attendant = Actor::connect(&database.add_member(Role::Attendant).await?).await?;
    run(&mut administrator, OLD).await?;
    attendant.desk.look_after().await;
    assert_eq!(kept(&mut administrator).await?, (2, 1, 1), "a desk of an attendant may not");
    until_nothing_is_kept(&[&owner], &mut administrator).await?;

    // Nothing is done twice on one day, whoever comes.
    let admin = Actor::connect(&database.add_member(Role::Admin).await?).await?;
    run(&mut administrator, OLD).await?;
    for _ in 0..2 {
        owner.desk.look_after().await;
        admin.desk.look_after().await;
    }
    assert_eq!(kept(&mut administrator).await?, (2, 1, 1), "it was done today");
    run(
        &mut administrator,
        "update internal.upkeep set begun_at = begun_at - interval '25 hours', done_at = done_at - interval '25 hours'",
    )
    .await?;
    owner.desk.close().await;
    until_nothing_is_kept(&[&admin], &mut administrator).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_ask_at_once_one_does_it_and_another_one_when_that_one_is_gone() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let mut tenants: Vec<Tenant> = vec![log_in(database.owner()).await?];
        for role in [Role::Admin, Role::Agent, Role::Admin] {
            tenants.push(log_in(&database.add_member(role).await?).await?);
        }
        let all = || futures_util::future::try_join_all(tenants.iter().map(|tenant| tenant.keep_up()));
        let did = |done: &[balcao_tenant::Upkeep]| done.iter().filter(|done| done.aged.is_some()).count();
        run(&mut administrator, OLD).await?;
        assert_eq!(did(&all().await?), 1);
        assert_eq!(kept(&mut administrator).await?, (0, 0, 0));
        assert_eq!(did(&all().await?), 0);

        for (age, why, times) in [
            ("begun_at = now() - interval '14 minutes', done_at = now() - interval '2 days'", "somebody is at it", 0),
            ("begun_at = now() - interval '16 minutes', done_at = now() - interval '2 days'", "that one is gone", 1),
            ("begun_at = now() - interval '1 minute', done_at = null", "somebody has begun the first time", 0),
            ("begun_at = now() + interval '1 year', done_at = now() + interval '1 year'", "the clock was set back", 1),
        ] {
            run(&mut administrator, &format!("update internal.upkeep set {age}")).await?;
            assert_eq!(did(&all().await?), times, "{why}");
        }
        let other = log_in(&database.another_clinic("Outra clínica").await?.owner).await?;
        assert!(other.keep_up().await?.aged.is_some(), "another clinic's day is another clinic's");

        let attendant = log_in(&database.add_member(Role::Attendant).await?).await?;
        assert_eq!(attendant.keep_up().await, Err(Error::NotPermitted));
        let mut agent = super::desk(&database.add_member(Role::Agent).await?).await?;
        assert_eq!(refusal(&mut agent, "select app.begin_upkeep('anything')").await.as_deref(), Some("22023"));
    }
    Ok(())
}
