//! The clinic that is shared on its network, as its people see it; and what the doctor says about a way that cannot be taken.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use balcao_api::{ApiError, Desk, DeskOptions, call};
use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use balcao_lan::Limits;
use balcao_local_server::release;
use balcao_tenant::provision::{self, Connection};
use balcao_tenant::{Address, DoctorState, DoctorStep, Finding, TlsMode, diagnose};
use balcao_testkit::database::TestDatabase;
use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::lan::shared::Shared;
use crate::provisioning::stand_ins::{closed_port, refusal, stand_in};

const STEPS: [&str; 6] = ["name", "port", "tls", "login", "version", "clock"];

async fn look(address: &Address, password: &str) -> Vec<Finding> {
    diagnose(address, Ok(password), "balcao-test", &Clock::System, |_| ()).await
}

/// Where it ends, and why; nothing when all is well. Everything before is well, nothing after was tried.
fn ending(findings: &[Finding]) -> Option<(&'static str, String)> {
    assert_eq!(findings.iter().map(|finding| finding.step.as_str()).collect::<Vec<_>>(), STEPS);
    let Some(at) = findings.iter().position(|finding| finding.state != DoctorState::Ok) else {
        assert!(findings.iter().all(|finding| finding.code.is_none()));
        return None;
    };
    assert_eq!(findings[at].state, DoctorState::Failed, "{findings:?}");
    assert!(findings[at + 1..].iter().all(|finding| finding.state == DoctorState::NotReached), "{findings:?}");
    Some((findings[at].step.as_str(), findings[at].code.clone().unwrap()))
}

fn ends(step: &'static str, code: &str) -> Option<(&'static str, String)> {
    Some((step, code.to_owned()))
}

fn password(login: &Connection) -> &str {
    login.password.as_deref().unwrap_or_default()
}

async fn run(url: &str, sql: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

#[tokio::test]
async fn a_way_that_can_be_taken_is_well_at_each_step_and_told_as_it_goes() -> Result<()> {
    let clinic = Shared::new().await?;
    let owner = clinic.database.owner();
    for (address, protection) in [(owner.address.clone(), "loopback"), (clinic.address(owner), "pinned")] {
        let mut told = Vec::new();
        let findings = diagnose(&address, Ok(password(owner)), "balcao-test", &Clock::System, |finding| {
            told.push((finding.step, finding.state));
        })
        .await;
        assert_eq!(ending(&findings), None, "{findings:?}");
        assert_eq!(findings[2].facts["protection"], protection);
        assert_eq!(findings[1].facts["port"], address.port.to_string());
        assert_eq!(findings[4].facts["schema"], findings[4].facts["known_schema"]);
        let expected: Vec<_> =
            DoctorStep::ALL.iter().flat_map(|step| [(*step, DoctorState::Running), (*step, DoctorState::Ok)]).collect();
        assert_eq!(told, expected);
        assert!(!format!("{findings:?}").contains(password(owner)));
    }
    Ok(())
}

#[tokio::test]
async fn a_name_nobody_knows_and_a_port_nobody_listens_on_are_told_apart() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let owner = database.owner();
    let here = &owner.address;
    let unknown = Address { host: "clinica.invalid".to_owned(), tls: TlsMode::VerifyFull, ..here.clone() };
    assert_eq!(ending(&look(&unknown, "x").await), ends("name", "unknown_host"));
    let closed = Address { port: closed_port().await?, ..here.clone() };
    assert_eq!(ending(&look(&closed, "x").await), ends("port", "port_closed"));
    // It takes connections and never says a word, as behind a firewall that swallows everything.
    let mute = TcpListener::bind("127.0.0.1:0")?;
    let silent = Address { port: mute.local_addr()?.port(), ..here.clone() };
    let begun = Instant::now();
    assert_eq!(ending(&look(&silent, "x").await), ends("port", "unreachable"));
    assert!(begun.elapsed() < Duration::from_secs(8), "each step has its time");
    Ok(())
}

#[tokio::test]
async fn what_is_no_postgresql_or_does_not_encrypt_is_found_before_a_password_is_sent() -> Result<()> {
    let stranger = stand_in(b"SSH-2.0-OpenSSH_9.2\r\n", Vec::new()).await?;
    assert_eq!(ending(&look(&stranger, "x").await), ends("port", "not_postgres"));
    let encrypted = |address: Address| Address { tls: TlsMode::VerifyFull, ..address };
    let plain_only = encrypted(stand_in(b"N", Vec::new()).await?);
    assert_eq!(ending(&look(&plain_only, "x").await), ends("tls", "tls_unavailable"));
    let gone = encrypted(stand_in(b"S", Vec::new()).await?);
    assert_eq!(ending(&look(&gone, "x").await), ends("tls", "connection_lost"));
    let garbled = encrypted(stand_in(b"S", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await?);
    let (step, code) = ending(&look(&garbled, "x").await).unwrap();
    assert_eq!(step, "tls", "{code}");
    let plain = Address { host: "192.0.2.1".to_owned(), tls: TlsMode::Loopback, ..stranger.clone() };
    assert!(["port", "tls"].contains(&ending(&look(&plain, "x").await).unwrap().0), "no password leaves in the open");
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_does_not_convince_says_why() -> Result<()> {
    let clinic = Shared::new().await?;
    let owner = clinic.database.owner();
    let id = clinic.database.clinic_id();
    let address = clinic.address(owner);
    let other = crate::lan::shared::authority(id, Clock::System).await?;
    let pinned = |ca_pem: &str| TlsMode::Pinned { ca_pem: ca_pem.to_owned(), clinic_id: id };
    let strange = Address { tls: pinned(other.ca_pem()), ..address.clone() };
    assert_eq!(ending(&look(&strange, password(owner)).await), ends("tls", "certificate_unknown_issuer"));
    let given = TlsMode::VerifyFullWith { ca_pem: clinic.authority.ca_pem().to_owned() };
    let by_name = Address { tls: given, ..address.clone() };
    assert_eq!(ending(&look(&by_name, password(owner)).await), ends("tls", "certificate_other_name"));
    let public = Address { tls: TlsMode::VerifyFull, ..address.clone() };
    assert_eq!(ending(&look(&public, password(owner)).await), ends("tls", "certificate_unknown_issuer"));
    let unreadable = Address { tls: pinned("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"), ..address };
    assert_eq!(ending(&look(&unreadable, password(owner)).await), ends("tls", "invalid_address"));

    for (seconds, code) in [(1_400_000_000, "certificate_expired"), (4_000_000_000, "certificate_not_yet_valid")] {
        let clock = Clock::manual(DateTime::from_timestamp(seconds, 0).unwrap());
        let clinic = Shared::with(Limits::default(), clock).await?;
        let owner = clinic.database.owner();
        assert_eq!(ending(&look(&clinic.address(owner), password(owner)).await), ends("tls", code));
    }
    Ok(())
}

#[tokio::test]
async fn a_login_that_is_refused_unknown_or_revoked_is_told_on_both_ways() -> Result<()> {
    let clinic = Shared::new().await?;
    let owner = clinic.database.owner();
    for address in [owner.address.clone(), clinic.address(owner)] {
        assert_eq!(ending(&look(&address, "not it").await), ends("login", "wrong_password"));
        let missing = diagnose(&address, Err("password_missing"), "balcao-test", &Clock::System, |_| ()).await;
        assert_eq!(ending(&missing), ends("login", "password_missing"));
    }
    let superuser = Address { user: "postgres".to_owned(), ..clinic.address(owner) };
    assert_eq!(ending(&look(&superuser, "x").await), ends("login", "not_admitted"));
    let elsewhere = Address { database: "balcao_no_such_database".to_owned(), ..owner.address.clone() };
    assert_eq!(ending(&look(&elsewhere, password(owner)).await), ends("login", "database_missing"));
    let busy = stand_in(b"N", refusal("53300", "InitProcess")).await?;
    assert_eq!(ending(&look(&busy, "x").await), ends("login", "too_many_connections"));
    provision::revoke_login(clinic.database.admin_url(), &owner.login).await?;
    for address in [owner.address.clone(), clinic.address(owner)] {
        assert_eq!(ending(&look(&address, password(owner)).await), ends("login", "login_revoked"));
    }
    Ok(())
}

#[tokio::test]
async fn another_version_and_a_wrong_clock_are_told_by_how_much() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let (owner, admin) = (database.owner(), database.admin_url());
    for (hours, code) in [(3, "clock_ahead"), (-5, "clock_behind")] {
        let clock = Clock::manual(Clock::System.now() + TimeDelta::hours(hours));
        let findings = diagnose(&owner.address, Ok(password(owner)), "balcao-test", &clock, |_| ()).await;
        assert_eq!(ending(&findings), ends("clock", code));
        let seconds: i64 = findings[5].facts["seconds"].parse()?;
        assert!((seconds - hours * 3600).abs() < 30, "{seconds}");
    }
    run(admin, "insert into internal.migrations values (9999, 'from the future', now(), true, '', 0)").await?;
    let newer = look(&owner.address, password(owner)).await;
    assert_eq!(ending(&newer), ends("version", "schema_newer"));
    assert_eq!(newer[4].facts["schema"], "9999");
    run(admin, "delete from internal.migrations where version >= (select max(version) - 1 from internal.migrations where version < 9999)")
        .await?;
    assert_eq!(ending(&look(&owner.address, password(owner)).await), ends("version", "schema_older"));
    Ok(())
}

/// A computer with a profile of its own.
struct Computer {
    desk: Arc<Desk>,
    keychain: Keychain,
    folder: tempfile::TempDir,
}

impl Computer {
    async fn new() -> Result<Self> {
        let (folder, keychain) = (tempfile::tempdir()?, Keychain::in_memory());
        let desk = Self::open(&folder, &keychain).await?;
        Ok(Self { desk, keychain, folder })
    }

    async fn open(folder: &tempfile::TempDir, keychain: &Keychain) -> Result<Arc<Desk>> {
        let binaries = tokio::task::spawn_blocking(release::find_or_fetch).await??;
        let options = DeskOptions {
            profile_dir: folder.path().join("perfil"),
            postgres_dir: Some(binaries.root().to_owned()),
            export_dir: None,
            app_version: "test".to_owned(),
        };
        Ok(Desk::open_with(options, keychain.clone(), Clock::System).await?)
    }

    /// The program is closed and started again.
    async fn restart(self) -> Result<Self> {
        let Self { desk, keychain, folder } = self;
        desk.close().await;
        drop(desk);
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match Self::open(&folder, &keychain).await {
                Ok(desk) => return Ok(Self { desk, keychain, folder }),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn call(&self, command: &str, payload: Value) -> Result<Value, ApiError> {
        call(&self.desk, command, payload).await
    }

    async fn until(&self, command: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            let answer = self.call(command, json!({})).await;
            match answer {
                Ok(answer) if fits(&answer) => return Ok(answer),
                answer if Instant::now() > deadline => bail!("{command} never fitted: {answer:?}"),
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn diagnosis(&self, what: Value) -> Result<Value> {
        self.call("diagnose_connection", what).await?;
        self.until("get_diagnosis", |diagnosis| diagnosis["is_running"] == false).await
    }

    fn profile(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&std::fs::read(self.folder.path().join("perfil/profile.json"))?)?)
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("0.0.0.0:0")?.local_addr()?.port())
}

fn failing(diagnosis: &Value) -> Option<(&str, &str)> {
    let failed = diagnosis["steps"].as_array()?.iter().find(|step| step["state"] == "failed")?;
    Some((failed["step"].as_str()?, failed["code"].as_str()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_on_one_computer_is_shared_entered_from_another_and_closed_again() -> Result<()> {
    let office = Computer::new().await?;
    let wish = json!({ "clinic_name": "Clínica Ipê", "owner_name": "Rui", "time_zone": "America/Sao_Paulo",
                       "vertical": "human" });
    office.call("start_local_clinic", wish).await?;
    office.until("get_session", |session| session["state"] == "ready").await?;
    let invite = json!({ "member_id": null, "name": "Ana Souza", "email": null, "role": "attendant", "agenda_id": null,
                         "device_name": null });
    assert_eq!(office.call("invite_member", invite.clone()).await.unwrap_err().code, "sharing_off");
    assert_eq!(office.call("get_team", json!({})).await?["can_invite"], false);
    assert_eq!(office.call("get_sharing", json!({})).await?["state"], "off");
    let low = office.call("change_sharing", json!({ "on": true, "port": 80 })).await.unwrap_err();
    assert_eq!((low.code.as_str(), low.reference.as_deref()), ("invalid_request", Some("port")));

    let taken = TcpListener::bind("0.0.0.0:0")?;
    let refused = office.call("change_sharing", json!({ "on": true, "port": taken.local_addr()?.port() })).await?;
    assert_eq!((&refused["state"], &refused["problem"]["code"]), (&json!("failed"), &json!("port_taken")));
    drop(taken);

    let port = free_port()?;
    let sharing = office.call("change_sharing", json!({ "on": true, "port": port })).await?;
    assert_eq!((&sharing["state"], &sharing["port"]), (&json!("on"), &json!(port)), "{sharing}");
    assert_eq!(sharing["fingerprint"].as_str().unwrap().len(), 95);
    if sharing["addresses"].as_array().unwrap().is_empty() {
        // Without a network there is nobody to share with.
        assert_eq!(office.call("invite_member", invite).await.unwrap_err().code, "no_network");
        office.desk.close().await;
        return Ok(());
    }
    assert_eq!(office.call("get_team", json!({})).await?["can_invite"], true);
    let invitation = office.call("invite_member", invite).await?;
    assert_eq!(invitation["only_here"], false);
    let (text, code) = (&invitation["text"], &invitation["code"]);

    let counter = Computer::new().await?;
    let tried = counter.diagnosis(json!({ "of": "invitation", "invitation": text, "code": code })).await?;
    assert_eq!(failing(&tried), None, "{tried}");
    let join = json!({ "invitation": text, "code": code, "computer_name": "Recepção" });
    counter.call("join_clinic", join).await?;
    counter.until("get_session", |session| session["state"] == "ready").await?;
    counter.until("get_status", |status| status["connection"] == "online").await?;
    let profile = counter.profile()?;
    assert_eq!((&profile["address"]["tls"]["mode"], &profile["address"]["port"]), (&json!("pinned"), &json!(port)));
    let guests = office.until("get_sharing", |sharing| sharing["guests"] != json!([])).await?;
    assert_eq!(guests["guests"][0]["address"], profile["address"]["host"], "its own address, seen from itself");
    let well = counter.diagnosis(json!({ "of": "clinic" })).await?;
    assert_eq!(failing(&well), None, "{well}");
    assert_eq!(well["steps"][2]["facts"]["protection"], "pinned");
    let used = Computer::new().await?;
    let used = used.diagnosis(json!({ "of": "invitation", "invitation": text, "code": code })).await?;
    assert_eq!(failing(&used), Some(("login", "wrong_password")), "an accepted invitation opens nothing");

    // The program on the clinic's computer is started again: it shares as before, and the other one is back by itself.
    let before = office.call("get_sharing", json!({})).await?;
    let office = office.restart().await?;
    let again = office.until("get_sharing", |sharing| sharing["state"] == "on").await?;
    assert_eq!((&again["port"], &again["fingerprint"]), (&before["port"], &before["fingerprint"]));
    counter.call("sync_now", json!({})).await?;
    counter.until("get_status", |status| status["connection"] == "online").await?;

    let off = office.call("change_sharing", json!({ "on": false })).await?;
    assert_eq!((&off["state"], &off["guests"], &off["port"]), (&json!("off"), &json!([]), &json!(port)));
    counter.until("get_status", |status| status["connection"] == "offline").await?;
    let closed = counter.diagnosis(json!({ "of": "clinic" })).await?;
    assert_eq!(failing(&closed), Some(("port", "port_closed")), "{closed}");
    let here = office.diagnosis(json!({ "of": "clinic" })).await?;
    assert_eq!(failing(&here), None, "the clinic itself is well: {here}");
    counter.desk.close().await;
    office.desk.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_address_is_looked_at_and_its_password_stays_out_of_every_answer() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let owner = database.owner();
    let computer = Computer::new().await?;
    let address = owner.address.to_url();
    let wish = |password: &str| json!({ "of": "address", "address": address, "password": password });
    let well = computer.diagnosis(wish(password(owner))).await?;
    assert_eq!(failing(&well), None, "{well}");
    let wrong = computer.diagnosis(wish("not-the-password")).await?;
    assert_eq!(failing(&wrong), Some(("login", "wrong_password")));
    assert!(!wrong.to_string().contains("not-the-password"));
    let states: Vec<_> = wrong["steps"].as_array().context("it has steps")?.iter().map(|step| &step["state"]).collect();
    assert_eq!(states, ["ok", "ok", "ok", "failed", "not_reached", "not_reached"]);
    let unreadable = computer.call("diagnose_connection", json!({ "of": "address", "address": "x", "password": "" }));
    assert_eq!(unreadable.await.unwrap_err().code, "invalid_address");
    let nothing = computer.diagnosis(json!({ "of": "clinic" })).await?;
    assert_eq!(failing(&nothing), Some(("port", "no_session")));
    assert_eq!(computer.call("get_sharing", json!({})).await.unwrap_err().code, "not_the_clinic");
    Ok(())
}
