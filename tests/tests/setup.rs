//! Making a clinic: killed at every step, called off at every step. Real programs, which need a keyring;
//! `cargo xtask test` provides it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "setup/program.rs"]
#[allow(dead_code, reason = "not every test needs every part of a program")]
mod program;

use std::time::Duration;

use anyhow::{Result, ensure};
use balcao_keychain::Secret;
use balcao_local_server::{Config, LocalServer, SuperuserPassword, release};
use balcao_tenant::provision::Databases;
use program::Place;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

/// What the session says while a clinic is made here, in order, and how long after its beginning it is cut short.
const STEPS: [(&str, u64); 7] =
    [("open", 0), ("database", 0), ("database", 700), ("schema", 0), ("schema", 400), ("keychain", 0), ("copy", 0)];

fn clinic() -> Value {
    json!({
        "clinic_name": "Clínica Acácia", "owner_name": "Júlia", "time_zone": "America/Sao_Paulo", "vertical": "human",
        "practice": {
            "hours": [{"weekday": 1, "starts_minute": 480, "ends_minute": 720}, {"weekday": 1, "starts_minute": 780, "ends_minute": 1080}],
            "professionals": [{"name": "Júlia", "specialty": null}, {"name": "Dr. Rui", "specialty": "Pediatria"}],
            "services": [{"name": "Consulta", "duration_minutes": 30, "price_cents": 18000}],
            "rooms": ["Consultório 1"],
        },
    })
}

async fn assert_made_once(database: &mut PgConnection) -> Result<()> {
    let counts: (i64, i64, i64, i64, i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from app.clinics), (select count(*) from app.professionals),
                (select count(*) from app.working_hours), (select count(*) from app.services),
                (select count(*) from app.professional_services), (select count(*) from app.rooms),
                (select count(*) from app.members)",
    )
    .fetch_one(database)
    .await?;
    assert_eq!(counts, (1, 2, 4, 1, 2, 1, 1), "the clinic with all that it works with, once");
    Ok(())
}

#[tokio::test]
#[ignore = "needs a keyring and the program without a window: cargo xtask test --only processes"]
async fn a_set_up_that_is_killed_at_any_step_goes_on_at_the_next_start() -> Result<()> {
    for (step, after) in STEPS {
        let place = Place::new().await?;
        let program = place.start().await?;
        program.until("first run", |session| session["state"] == "first_run").await?;
        program.call("start_local_clinic", clinic()).await?;
        program.until_step(step).await?;
        tokio::time::sleep(Duration::from_millis(after)).await;
        program.kill().await?;

        let program = place.start().await?;
        program.until_ready().await.map_err(|error| error.context(format!("killed at {step} + {after} ms")))?;
        assert_made_once(&mut place.database().await?).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a keyring and the program without a window: cargo xtask test --only processes"]
async fn a_set_up_that_is_called_off_at_any_step_leaves_nothing() -> Result<()> {
    for (step, after) in STEPS {
        let place = Place::new().await?;
        let program = place.start().await?;
        program.call("start_local_clinic", clinic()).await?;
        program.until_step(step).await?;
        tokio::time::sleep(Duration::from_millis(after)).await;
        let id = place.id()?;
        let answer = program.call("cancel_setup", json!({})).await?;
        if answer["step"] != "cancel" {
            // It was too late: then all of it is there.
            program.until_ready().await?;
            assert_made_once(&mut place.database().await?).await?;
            continue;
        }
        program.until("first run", |session| session["state"] == "first_run").await?;
        assert_eq!(place.left()?, ["profile.lock"], "called off at {step} + {after} ms");
        assert_eq!(place.processes()?, Vec::<String>::new(), "no database runs on");
        assert_eq!(place.secrets(&id).await?, [], "the keyring has forgotten it");
        // And it can be begun anew at once.
        program.call("start_local_clinic", clinic()).await?;
        program.until_step("database").await?;
    }
    Ok(())
}

/// A server that somebody else looks after, with an empty database.
struct Server {
    running: LocalServer,
    _folder: tempfile::TempDir,
}

impl Server {
    async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("balcao-theirs-").tempdir()?;
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
        let running = LocalServer::start(Config {
            binaries: tokio::task::spawn_blocking(release::find_or_fetch).await??,
            data_dir: folder.path().join("postgres"),
            password: SuperuserPassword::Given(Secret::random(32)?),
            patience: Duration::from_secs(60),
        })
        .await?;
        Databases::at(running.connection().admin_url("postgres").expose())?.create("deles").await?;
        Ok(Self { running, _folder: folder })
    }

    fn url(&self) -> Secret {
        self.running.connection().admin_url("deles")
    }

    async fn database(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(self.url().expose()).await?)
    }

    /// What is in the database and among the server's logins that was not there at first.
    async fn traces(&self) -> Result<(i64, i64)> {
        let mut database = self.database().await?;
        Ok(sqlx::query_as(
            "select (select count(*) from pg_namespace where nspname in ('app', 'internal', 'ext')),
                    (select count(*) from pg_roles where rolname like 'balcao%')",
        )
        .fetch_one(&mut database)
        .await?)
    }

    fn wish(&self) -> Value {
        json!({"server": {"address": self.url().expose(), "ca_pem": null}, "clinic": clinic()})
    }
}

#[tokio::test]
#[ignore = "needs a keyring and the program without a window: cargo xtask test --only processes"]
async fn a_clinic_on_a_server_survives_a_kill_leaves_nothing_when_called_off_and_keeps_no_administrator() -> Result<()>
{
    let server = Server::start().await?;
    let at_first = server.traces().await?;
    let place = Place::new().await?;

    let program = place.start().await?;
    let found = program.call("check_server", server.wish()["server"].clone()).await?;
    assert_eq!((found["database"].as_str(), found["is_encrypted"].as_bool()), (Some("deles"), Some(false)));
    assert_eq!(server.traces().await?, at_first, "looking writes nothing");

    for after in [0, 30, 150, 400] {
        program.call("start_server_clinic", server.wish()).await?;
        tokio::time::sleep(Duration::from_millis(after)).await;
        if program.call("cancel_setup", json!({})).await?["step"] != "cancel" {
            break;
        }
        program.until("first run", |session| session["state"] == "first_run").await?;
        assert_eq!(place.left()?, ["profile.lock"]);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(server.traces().await?, at_first, "called off after {after} ms, the database is as it was");
    }
    program.kill().await?;
    server.running.stop().await?;

    // Another server: where the last one was too quick to be called off, the clinic stands.
    let server = Server::start().await?;
    let admin = vec![server.running.connection().password.expose().to_owned()];
    let place = Place::new().await?;
    for after in [0, 100, 300, 700, 1_200] {
        let program = place.start().await?;
        let session = program.until("rest", |session| session["state"] != "preparing").await?;
        if session["state"] == "ready" {
            break;
        }
        ensure!(session["state"] == "first_run", "what is missing is the administrator: {session}");
        program.call("start_server_clinic", server.wish()).await?;
        tokio::time::sleep(Duration::from_millis(after)).await;
        assert_eq!(place.whereabouts(&admin, true)?, Vec::<String>::new(), "nowhere, also while it is used");
        program.kill().await?;
    }
    let program = place.start().await?;
    if program.until("rest", |session| session["state"] != "preparing").await?["state"] == "first_run" {
        program.call("start_server_clinic", server.wish()).await?;
    }
    program.until_ready().await?;
    assert_made_once(&mut server.database().await?).await?;
    assert_eq!(place.whereabouts(&admin, true)?, Vec::<String>::new(), "the administrator's password is nowhere");

    // Somebody else with the same name is not let into it, and changes nothing.
    let other = Place::new().await?;
    let stranger = other.start().await?;
    stranger.call("start_server_clinic", server.wish()).await?;
    let failed = stranger.until("a refusal", |session| session["state"] == "failed").await?;
    assert_eq!(failed["problem"]["code"], "clinic_exists");
    assert_made_once(&mut server.database().await?).await?;
    drop(stranger);
    server.running.stop().await?;
    Ok(())
}
