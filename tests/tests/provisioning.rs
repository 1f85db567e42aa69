//! Making a clinic, and what a desk is told when it cannot get to one.

pub(crate) mod stand_ins;

use std::time::Duration;

use anyhow::Result;
use balcao_tenant::provision::{self, NewMember, Request};
use balcao_tenant::{Address, Error, Listener, Role, SCHEMA_VERSION, Tenant, TlsMode, Wake};
use balcao_testkit::database::{EmptyDatabase, TestDatabase, clinic_request, log_in, servers};
use balcao_testkit::proxy::{Proxy, Which};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use stand_ins::{CuttingProxy, When, refusal, stand_in};

const NEW_CLINIC: &str = "Clínica São João & Filhos";

async fn administrator(url: &str) -> Result<PgConnection> {
    Ok(PgConnection::connect(url).await?)
}

async fn run(url: &str, sql: &str) -> Result<()> {
    let mut connection = administrator(url).await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

async fn number(url: &str, sql: &'static str) -> Result<i64> {
    let mut connection = administrator(url).await?;
    let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(number)
}

/// Clinics that lack something every clinic has, and logins that no role stands behind.
const HALF_MADE: &str = "
    select (select count(*) from app.clinics c where
                not exists (select from app.clinic_settings s where s.clinic_id = c.id)
             or not exists (select from app.members m where m.clinic_id = c.id and m.role = 'owner')
             or not exists (select from internal.listen_channels l where l.clinic_id = c.id)
             or not exists (select from internal.logins l join pg_roles r on r.rolname = l.login
                            where l.clinic_id = c.id and l.role = 'owner' and r.rolcanlogin)
             or 5 <> (select count(*) from app.pipeline_stages p where p.clinic_id = c.id)
             or 6 <> (select count(*) from app.loss_reasons r where r.clinic_id = c.id))
         + (select count(*) from internal.logins l where not exists (select from pg_roles r where r.rolname = l.login))";

async fn code(address: &Address, password: &str) -> &'static str {
    match Tenant::connect(address, password, "balcao-test").await {
        Ok(_) => "connected",
        Err(error) => {
            assert!(!error.to_string().contains(password) || password.is_empty(), "an error must not quote a password");
            error.code()
        }
    }
}

#[tokio::test]
async fn an_owner_logs_in_and_finds_one_clinic_ready_to_use() -> Result<()> {
    for server in servers().await? {
        let database = EmptyDatabase::on(&server).await?;
        let made = provision::provision(database.admin_url(), &clinic_request(NEW_CLINIC)).await?;
        assert!(made.created && made.schema_version == SCHEMA_VERSION);
        assert_eq!(made.slug, "clinica-sao-joao-filhos");
        provision::provision(database.admin_url(), &clinic_request("Another clinic of the same server")).await?;

        let tenant = log_in(&made.owner).await?;
        let me = tenant.whoami().await?;
        assert_eq!((me.clinic_id, &*me.clinic_name, me.role), (made.clinic_id, NEW_CLINIC, Role::Owner));
        assert_eq!((&*me.time_zone, &me.login), ("America/Sao_Paulo", &made.owner.login));
        tenant.server_time().await?;
        tenant.close().await;

        let mut desk = PgConnection::connect(&url_with_password(&made.owner)).await?;
        let names: Vec<String> = sqlx::query_scalar("select name from app.clinics").fetch_all(&mut desk).await?;
        assert_eq!(names, [NEW_CLINIC], "the other clinic of the database must not be seen");
        let stages: Vec<(String, String)> =
            sqlx::query_as("select name, kind from app.pipeline_stages order by position").fetch_all(&mut desk).await?;
        let stages: Vec<_> = stages.iter().map(|(name, kind)| (&**name, &**kind)).collect();
        let expected =
            [("Novo", "open"), ("Em contato", "open"), ("Agendado", "open"), ("Fechado", "won"), ("Perdido", "lost")];
        assert_eq!(stages, expected);
    }
    Ok(())
}

fn url_with_password(connection: &provision::Connection) -> String {
    let password = connection.password.as_deref().unwrap_or_default();
    connection.address.to_url().replacen('@', &format!(":{password}@"), 1)
}

#[tokio::test]
async fn the_same_clinic_again_is_the_clinic_that_is_there() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let first = provision::provision(database.admin_url(), &clinic_request(NEW_CLINIC)).await?;
        let spelled_loosely = Request { clinic_name: format!("  {NEW_CLINIC} "), ..clinic_request("") };
        let second = provision::provision(database.admin_url(), &spelled_loosely).await?;
        assert_eq!((second.clinic_id, &second.owner.login), (first.clinic_id, &first.owner.login));
        assert!(!second.created && second.owner.password.is_none(), "a password is told once");
        log_in(&first.owner).await.expect("the password from the first time still holds");

        let elsewhere = Request { time_zone: "America/Manaus".to_owned(), ..clinic_request(NEW_CLINIC) };
        let third = provision::provision(database.admin_url(), &elsewhere).await?;
        assert!(third.created && third.slug == "clinica-sao-joao-filhos-2", "{third:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let old = database.owner();
        let new = provision::rotate_password(database.admin_url(), &old.login).await?;
        assert_ne!(new.password, old.password);
        log_in(&new).await.expect("the new password holds");
        assert_eq!(log_in(old).await.err(), Some(Error::WrongPassword), "the server must ask for passwords");
        let unknown = provision::rotate_password(database.admin_url(), "postgres").await;
        assert_eq!(unknown, Err(Error::UnknownLogin), "only logins of clinics are touched");
    }
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_cut_off_while_it_migrates_leaves_an_empty_database() -> Result<()> {
    for server in servers().await? {
        let database = EmptyDatabase::on(&server).await?;
        let request = clinic_request(NEW_CLINIC);
        let (mut cuts, mut after) = (0, 1);
        loop {
            let proxy = CuttingProxy::before(database.admin_url(), after, When::BeforeSending).await?;
            if provision::provision(proxy.url(), &request).await.is_ok() {
                break;
            }
            let schemas =
                number(database.admin_url(), "select count(*) from pg_namespace where nspname in ('app', 'ext')");
            assert_eq!(schemas.await?, 0, "cut off before message {after}, nothing may be left");
            (cuts, after) = (cuts + 1, after + 7);
        }
        assert!(cuts > 8, "the run sends enough to be cut often, not only {cuts} times");
        assert_eq!(number(database.admin_url(), HALF_MADE).await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_cut_off_anywhere_can_be_repeated() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut unanswered = 0;
        for (when, step) in [(When::BeforeSending, 5), (When::BeforeTheAnswer, 1)] {
            let mut after = 1;
            loop {
                let request = clinic_request(&format!("Clínica {after} {when:?}"));
                let proxy = CuttingProxy::before(database.admin_url(), after, when).await?;
                let cut_off = match provision::provision(proxy.url(), &request).await {
                    Ok(_) => break,
                    Err(error) => error,
                };
                assert!(!cut_off.is_permanent(), "whoever is cut off tries again: {cut_off:?}");
                assert_eq!(number(database.admin_url(), HALF_MADE).await?, 0, "cut off at message {after}");

                let repeated = provision::provision(database.admin_url(), &request).await?;
                let owner = if repeated.created {
                    repeated.owner
                } else {
                    // Only the answer to the commit was lost, and with it the password.
                    unanswered += 1;
                    provision::rotate_password(database.admin_url(), &repeated.owner.login).await?
                };
                assert_eq!(log_in(&owner).await?.whoami().await?.clinic_id, repeated.clinic_id);
                after += step;
            }
            assert!(after > 20, "the run sends enough to be cut often, not only {after} times");
        }
        assert_eq!(unanswered, 1, "there is one moment at which the clinic is made and nobody knows");
        assert_eq!(number(database.admin_url(), HALF_MADE).await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn runs_side_by_side_in_many_databases_of_one_server_all_succeed() -> Result<()> {
    for server in servers().await? {
        let mut running = Vec::new();
        for _ in 0..4 {
            let database = EmptyDatabase::on(&server).await?;
            running.push(tokio::spawn(async move {
                let made = provision::provision(database.admin_url(), &clinic_request(NEW_CLINIC)).await;
                made.map(|made| (made.created, database))
            }));
        }
        // No database goes before all are made: roles are removed with it.
        let mut databases = Vec::new();
        for run in running {
            let (created, database) = run.await??;
            assert!(created);
            databases.push(database);
        }
    }
    Ok(())
}

#[tokio::test]
async fn two_runs_at_once_for_one_clinic_make_it_once() -> Result<()> {
    for server in servers().await? {
        let database = EmptyDatabase::on(&server).await?;
        let request = clinic_request(NEW_CLINIC);
        let (one, other) = tokio::join!(
            provision::provision(database.admin_url(), &request),
            provision::provision(database.admin_url(), &request)
        );
        let (one, other) = (one?, other?);
        assert_eq!(one.clinic_id, other.clinic_id);
        assert!(one.created != other.created, "exactly one of them made it");
    }
    Ok(())
}

#[tokio::test]
async fn an_owner_of_the_database_without_power_over_the_server_can_provision() -> Result<()> {
    for server in servers().await? {
        // Roles that a superuser has made are not this administrator's to hand out, so it gets a server where it can.
        let database = EmptyDatabase::on(&server).await?;
        let name = format!("{}_chief", database.name());
        run(
            &server,
            &format!(
                "create role {name} login createrole password 'chief'; alter database {db} owner to {name};
                 do $$ declare r text; begin
                    foreach r in array array['owner', 'admin', 'attendant', 'professional', 'viewer', 'agent', 'definer', 'steward',
                                            'revoked', 'invited', 'gatekeeper', 'eraser'] loop
                        if exists (select from pg_roles where rolname = 'balcao_' || r) then
                            execute format('grant balcao_%s to {name} with admin option', r);
                        end if;
                    end loop;
                 end $$",
                db = database.name()
            ),
        )
        .await?;
        let (address, _) = Address::parse(database.admin_url())?;
        let chief = provision::Connection {
            login: name.clone(),
            address: Address { user: name.clone(), ..address },
            password: Some("chief".to_owned()),
        };
        let made = provision::provision(&url_with_password(&chief), &clinic_request(NEW_CLINIC)).await;
        let seen = match &made {
            Ok(made) => Some(log_in(&made.owner).await?.whoami().await?.clinic_name),
            Err(_) => None,
        };
        drop(database);
        run(&server, &format!("drop role {name}")).await?;
        assert_eq!(seen.as_deref(), Some(NEW_CLINIC), "{made:?}");
    }
    Ok(())
}

#[tokio::test]
async fn who_may_not_make_roles_is_told_so() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let refused = provision::provision(&url_with_password(database.owner()), &clinic_request(NEW_CLINIC)).await;
        assert_eq!(refused, Err(Error::AdminRightsMissing));
    }
    Ok(())
}

#[tokio::test]
async fn a_password_is_shown_once_in_the_answer_and_never_in_debug_output() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let made = provision::provision(database.admin_url(), &clinic_request(NEW_CLINIC)).await?;
        let password = made.owner.password.clone().expect("a new clinic comes with a password");
        assert_eq!(password.len(), 43, "32 random bytes");
        assert_eq!(serde_json::to_string(&made)?.matches(&password).count(), 1);
        let tenant = log_in(&made.owner).await?;
        assert!(!format!("{made:?} {:?} {tenant:?}", made.owner).contains(&password));

        let stored = number(
            database.admin_url(),
            "select count(*) from pg_authid a join internal.logins l on l.login = a.rolname
             where a.rolpassword not like 'SCRAM-SHA-256$4096:%'",
        );
        assert_eq!(stored.await?, 0, "the server stores verifiers");
    }
    Ok(())
}

#[tokio::test]
async fn a_login_has_no_power_and_its_limits() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        for role in Role::ALL {
            database.add_member(role).await?;
        }
        let wrong = number(
            database.admin_url(),
            "select count(*) from internal.logins l join pg_roles r on r.rolname = l.login
             where rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication or not rolcanlogin
                or rolconnlimit not between 1 and 20 or l.login !~ '^balcao_[0-9a-f]{16}$'
                or not rolconfig @> array['search_path=app, ext, pg_temp', 'statement_timeout=60s', 'lock_timeout=10s',
                                          'idle_in_transaction_session_timeout=60s']
                or 'balcao_' || l.role <> (select string_agg(g.rolname, ',') from pg_auth_members m
                                           join pg_roles g on g.oid = m.roleid where m.member = r.oid)",
        );
        assert_eq!(wrong.await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn one_address_is_one_member_of_a_clinic() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let ana =
            NewMember { name: "Ana".to_owned(), email: Some("ana@example.org".to_owned()), role: Role::Attendant };
        provision::add_login(database.admin_url(), database.clinic_id(), &ana).await?;
        let again = provision::add_login(database.admin_url(), database.clinic_id(), &ana).await;
        assert_eq!(
            again.err().and_then(|e| e.constraint().map(str::to_owned)).as_deref(),
            Some("members_email_unique")
        );
        let nowhere = provision::add_login(database.admin_url(), uuid::Uuid::nil(), &ana).await;
        assert_eq!(nowhere.err(), Some(Error::UnknownClinic));
    }
    Ok(())
}

#[tokio::test]
async fn each_reason_why_a_desk_cannot_work_has_a_code_of_its_own() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let admin = database.admin_url();
        let login = database.add_member(Role::Attendant).await?;
        let (address, password) = (login.address.clone(), login.password.clone().unwrap_or_default());
        assert_eq!(code(&address, &password).await, "connected");

        assert_eq!(code(&address, "something else").await, "wrong_password");
        let elsewhere = Address { user: "balcao_nobody".to_owned(), ..address.clone() };
        assert_eq!(code(&elsewhere, &password).await, "wrong_password", "names of logins are not told apart");
        let nowhere = Address { host: "balcao.invalid".to_owned(), tls: TlsMode::VerifyFull, ..address.clone() };
        assert_eq!(code(&nowhere, &password).await, "unknown_host");
        let silent = Address { port: stand_ins::closed_port().await?, ..address.clone() };
        assert_eq!(code(&silent, &password).await, "unreachable");
        let plain = Address { host: "192.0.2.1".to_owned(), ..address.clone() };
        assert_eq!(code(&plain, &password).await, "plain_text_refused");
        let missing = Address { database: "balcao_no_such_database".to_owned(), ..address.clone() };
        assert_eq!(code(&missing, &password).await, "database_missing");

        run(admin, "alter extension unaccent set schema public; drop extension unaccent cascade").await?;
        assert_eq!(code(&address, &password).await, "extension_missing");
        run(admin, "create extension unaccent schema ext").await?;
        assert_eq!(code(&address, &password).await, "connected");

        run(admin, "insert into internal.migrations values (9999, 'from the future', now(), true, '', 0)").await?;
        assert_eq!(code(&address, &password).await, "schema_newer");
        let newer = provision::provision(admin, &clinic_request(NEW_CLINIC)).await;
        assert_eq!(
            newer.err().map(|error| error.code()),
            Some("schema_newer"),
            "nothing may be put into what is not known"
        );
        run(admin, "delete from internal.migrations where version = 9999").await?;
        assert_eq!(code(&address, &password).await, "connected");
        run(admin, "delete from internal.migrations where version = (select max(version) from internal.migrations)")
            .await?;
        assert_eq!(code(&address, &password).await, "schema_older");

        run(admin, &format!("alter role {} nologin", login.login)).await?;
        assert_eq!(code(&address, &password).await, "login_unknown");
    }
    Ok(())
}

#[tokio::test]
async fn a_database_without_a_clinic_is_told_from_one_that_shuts_the_login_out() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let empty = EmptyDatabase::on(&server).await?;
        let (login, password) = (database.owner(), database.owner().password.clone().unwrap_or_default());
        let unprepared = Address { database: empty.name().to_owned(), ..login.address.clone() };
        assert_eq!(code(&unprepared, &password).await, "schema_missing");
        run(empty.admin_url(), &format!("revoke connect on database {} from public", empty.name())).await?;
        assert_eq!(code(&unprepared, &password).await, "not_admitted");
        run(database.admin_url(), "update internal.logins set revoked_at = now()").await?;
        assert_eq!(code(&login.address, &password).await, "login_revoked");
        let (administrator, secret) = Address::parse(database.admin_url())?;
        let outsider = code(&administrator, secret.as_deref().unwrap_or_default()).await;
        assert_eq!(outsider, "login_unknown", "a login that belongs to no clinic is none");
    }
    Ok(())
}

#[tokio::test]
async fn a_login_without_a_free_connection_is_told_so() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let login = database.add_member(Role::Viewer).await?;
        run(database.admin_url(), &format!("alter role {} connection limit 1", login.login)).await?;
        let _held = PgConnection::connect(&url_with_password(&login)).await?;
        let refused = log_in(&login).await.expect_err("there is only one");
        assert_eq!(refused.code(), "too_many_connections");
        assert!(refused.is_connection() && !refused.is_permanent(), "a connection may be free again soon");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_what_it_should_be_is_told_from_the_first_words() -> Result<()> {
    let cases: [(&str, Vec<u8>); 6] = [
        ("server_too_old", stand_ins::greeting("14.12")),
        ("server_not_ready", refusal("57P03", "ProcessStartupPacket")),
        ("too_many_connections", refusal("53300", "InitProcess")),
        ("not_admitted", refusal("28000", "ClientAuthentication")),
        ("login_unknown", refusal("28000", "InitializeSessionUserId")),
        ("unreachable", Vec::new()),
    ];
    for (expected, says) in cases {
        let address = stand_in(b"N", says).await?;
        assert_eq!(code(&address, "secret").await, expected);
    }
    for stranger in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.2\r\n", b"\0\0\0\0"] {
        let address = stand_in(stranger, Vec::new()).await?;
        assert_eq!(code(&address, "secret").await, "not_postgres");
    }
    let plain = stand_in(b"N", stand_ins::greeting("17.2")).await?;
    assert_eq!(code(&Address { tls: TlsMode::VerifyFull, ..plain }, "secret").await, "tls_unavailable");
    let stranger = stand_in(b"HTTP/1.1 400 Bad Request", Vec::new()).await?;
    assert_eq!(code(&Address { tls: TlsMode::VerifyFull, ..stranger }, "secret").await, "not_postgres");
    let kerberos = stand_in(b"N", stand_ins::demand(7)).await?;
    assert_eq!(code(&kerberos, "secret").await, "not_admitted");
    let garbled = stand_in(b"S", b"this is no TLS record".to_vec()).await?;
    assert_eq!(code(&Address { tls: TlsMode::VerifyFull, ..garbled }, "secret").await, "certificate_refused");
    let old = stand_in(b"N", stand_ins::greeting("14.12")).await?;
    let refused = provision::provision(&old.to_url(), &clinic_request(NEW_CLINIC)).await;
    assert_eq!(refused, Err(Error::ServerTooOld { found: 14, oldest: 15 }));
    Ok(())
}

#[tokio::test]
async fn a_desk_hears_of_changes_in_its_own_clinic_only() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let other = database.another_clinic("Outra clínica").await?;
        let tenant = log_in(database.owner()).await?;
        let mut listener = Listener::open(&tenant).await?;
        let add = |clinic: uuid::Uuid| format!("insert into app.rooms (clinic_id, name) values ('{clinic}', 'Sala')");

        run(database.admin_url(), &add(other.clinic_id)).await?;
        let silence = tokio::time::timeout(Duration::from_millis(300), listener.recv()).await;
        assert!(silence.is_err(), "another clinic's change is not this desk's: {silence:?}");
        run(database.admin_url(), &add(database.clinic_id())).await?;
        let heard = tokio::time::timeout(Duration::from_secs(5), listener.recv()).await?;
        assert_eq!(heard, Ok(Wake::Notified));
    }
    Ok(())
}

#[tokio::test]
async fn a_listener_that_is_doubted_proves_that_it_hears_or_is_given_up() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let (address, password) = (&database.owner().address, database.owner().password.clone().unwrap_or_default());
    let line = Proxy::to(address.port).await?;
    let tenant = Tenant::connect(&Address { port: line.port(), ..address.clone() }, &password, "balcao-test").await?;
    let mut listener = Listener::open(&tenant).await?;
    listener.doubt();
    let silence = tokio::time::timeout(Duration::from_millis(300), listener.recv()).await;
    assert!(silence.is_err(), "it has proved itself and goes on: {silence:?}");
    let add = format!("insert into app.rooms (clinic_id, name) values ('{}', 'Sala')", database.clinic_id());
    run(database.admin_url(), &add).await?;
    let heard = tokio::time::timeout(Duration::from_secs(5), listener.recv()).await?;
    assert_eq!(heard, Ok(Wake::Notified));

    line.freeze_present(Which::Listening);
    listener.doubt();
    // Whoever waits looks up for other reasons while the proof is awaited.
    let silence = tokio::time::timeout(Duration::from_secs(1), listener.recv()).await;
    assert!(silence.is_err(), "it may still answer: {silence:?}");
    let lost = tokio::time::timeout(Duration::from_secs(7), listener.recv()).await?;
    assert_eq!(lost, Err(Error::ConnectionLost), "a frozen connection hears nothing");
    let back = tokio::time::timeout(Duration::from_secs(5), listener.recv()).await?;
    assert_eq!(back, Ok(Wake::Reconnected));
    Ok(())
}

#[tokio::test]
async fn a_listener_that_was_cut_off_says_so_before_it_is_trusted_again() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let tenant = log_in(database.owner()).await?;
        let mut listener = Listener::open(&tenant).await?;
        let cut = format!(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = '{}'",
            database.owner().login
        );
        run(database.admin_url(), &cut).await?;
        let lost = tokio::time::timeout(Duration::from_secs(5), listener.recv()).await?;
        assert_eq!(lost, Err(Error::ConnectionLost), "silence is not trusted any more, and that is said at once");
        let back = tokio::time::timeout(Duration::from_secs(5), listener.recv()).await?;
        assert_eq!(back, Ok(Wake::Reconnected), "what was said meanwhile is lost, so the desk must pull");
        let add = format!("insert into app.rooms (clinic_id, name) values ('{}', 'Sala')", database.clinic_id());
        run(database.admin_url(), &add).await?;
        let heard = tokio::time::timeout(Duration::from_secs(5), listener.recv()).await?;
        assert_eq!(heard, Ok(Wake::Notified));

        provision::revoke_login(database.admin_url(), &database.owner().login).await?;
        let lost = tokio::time::timeout(Duration::from_secs(5), listener.recv()).await?;
        assert_eq!(lost, Err(Error::ConnectionLost));
        let revoked = tokio::time::timeout(Duration::from_secs(5), listener.recv()).await?;
        assert_eq!(revoked, Err(Error::LoginRevoked), "a listener does not go on for ever");
    }
    Ok(())
}
