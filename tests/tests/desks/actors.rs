//! Who takes part: desks with a line that can be cut, and someone who looks at the database from outside.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use balcao_api::{ApiError, Desk, DeskOptions, call};
use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use balcao_tenant::provision::Connection;
use balcao_testkit::database::TestDatabase;
use balcao_testkit::proxy::Proxy;
use balcao_testkit::sample::{self, Plan, Size};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

/// A clinic with the small sample in it.
pub async fn sample_clinic() -> Result<TestDatabase> {
    #[allow(clippy::disallowed_methods, reason = "the sample is drawn around the day of the test")]
    sample_clinic_of(Utc::now()).await
}

/// The same, drawn around another moment.
pub async fn sample_clinic_of(now: DateTime<Utc>) -> Result<TestDatabase> {
    let database = TestDatabase::fresh().await?;
    let time_zone = chrono_tz::America::Sao_Paulo;
    let today = now.with_timezone(&time_zone).date_naive();
    let plan = Plan { seed: 1, size: Size::Small, today, now, time_zone };
    sample::load(database.admin_url(), database.clinic_id(), &plan, |_| ()).await?;
    Ok(database)
}

/// A desk of the clinic, behind a line of its own.
pub struct Actor {
    pub desk: Arc<Desk>,
    pub line: Proxy,
    keychain: Keychain,
    clock: Clock,
    folder: tempfile::TempDir,
}

impl Actor {
    /// Connects a new desk and waits for its first copy.
    pub async fn connect(login: &Connection) -> Result<Self> {
        Self::connect_at(login, Clock::System).await
    }

    /// The same for a desk with a clock of its own.
    pub async fn connect_at(login: &Connection, clock: Clock) -> Result<Self> {
        let line = Proxy::to(login.address.port).await?;
        let (folder, keychain) = (tempfile::tempdir()?, Keychain::in_memory());
        let desk = open(&folder, &keychain, &clock).await?;
        let actor = Self { desk, line, keychain, clock, folder };
        let (address, port) = (&login.address, actor.line.port());
        let url = format!("postgres://{}@127.0.0.1:{port}/{}", address.user, address.database);
        actor.call("connect_clinic", json!({ "address": url, "password": login.password })).await?;
        actor.until("get_session", json!({}), |session| session["state"] == "ready").await?;
        actor.until("get_status", json!({}), |status| status["connection"] == "online").await?;
        Ok(actor)
    }

    pub async fn call(&self, command: &str, payload: Value) -> Result<Value, ApiError> {
        call(&self.desk, command, payload).await
    }

    /// Asks again until the answer fits; the desk tells when something changed, and is asked at least each 100 ms.
    pub async fn until(&self, command: &str, payload: Value, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        self.until_within(Duration::from_secs(30), command, payload, fits).await
    }

    /// The same with a patience of its own.
    pub async fn until_within(
        &self,
        patience: Duration,
        command: &str,
        payload: Value,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let deadline = Instant::now() + patience;
        let mut changes = self.desk.changes();
        loop {
            let answer = self.call(command, payload.clone()).await.map_err(anyhow::Error::new);
            match answer {
                Ok(answer) if fits(&answer) => return Ok(answer),
                answer if Instant::now() > deadline => bail!("{command} never fitted: {answer:?}"),
                _ => drop(tokio::time::timeout(Duration::from_millis(100), changes.recv()).await),
            }
        }
    }

    /// The folder of the profile.
    #[allow(dead_code, reason = "not every test looks into it")]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The keyring of this computer.
    #[allow(dead_code, reason = "not every test looks into it")]
    pub fn keychain(&self) -> &Keychain {
        &self.keychain
    }

    /// Closes the desk and opens the same profile again, with its clinic.
    pub async fn restart(self) -> Result<Self> {
        let actor = self.start_again().await?;
        actor.until("get_session", json!({}), |session| session["state"] == "ready").await?;
        Ok(actor)
    }

    /// Closes the desk and opens the same profile again, whatever has become of it.
    pub async fn start_again(self) -> Result<Self> {
        let Self { desk, line, keychain, clock, folder } = self;
        desk.close().await;
        drop(desk);
        // The profile's lock goes with the last task that still holds the desk.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match open(&folder, &keychain, &clock).await {
                Ok(desk) => return Ok(Self { desk, line, keychain, clock, folder }),
                Err(busy) if busy.code == "profile_in_use" && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The first visit of the next days that can still be moved, and a free time for it that does not touch the old one.
    pub async fn movable_visit(&self) -> Result<(Value, Value)> {
        #[allow(clippy::disallowed_methods, reason = "visits of the sample lie around today")]
        let from = (Utc::now() + chrono::TimeDelta::days(1)).date_naive();
        let agenda = self.call("get_agenda", json!({ "from": from, "days": 14 })).await?;
        for visit in agenda["visits"].as_array().context("visits")? {
            if !matches!(visit["status"].as_str(), Some("scheduled" | "confirmed")) || visit["squeezed_in"] == true {
                continue;
            }
            for quarter in 4..30 {
                let wish = json!({
                    "appointment_id": visit["id"],
                    "professional_id": visit["professional_id"],
                    "starts_at": later(&visit["starts_at"], quarter * 15)?,
                    "ends_at": later(&visit["ends_at"], quarter * 15)?,
                });
                if self.call("check_slot", wish.clone()).await?["refusal"].is_null() {
                    return Ok((visit.clone(), wish));
                }
            }
        }
        bail!("the sample has no visit that can be moved")
    }

    /// The conversation that has waited longest.
    pub async fn waiting_conversation(&self) -> Result<Value> {
        let list = self.call("list_conversations", json!({ "view": "needs_reply", "limit": 1 })).await?;
        Ok(list["rows"][0].clone())
    }

    pub async fn board(&self) -> Result<Value> {
        Ok(self.call("get_board", json!({ "limit": 20 })).await?)
    }

    pub async fn counts(&self) -> Result<(u64, u64)> {
        let status = self.call("get_status", json!({})).await?;
        Ok((status["waiting"].as_u64().context("waiting")?, status["needs_you"].as_u64().context("needs_you")?))
    }
}

async fn open(folder: &tempfile::TempDir, keychain: &Keychain, clock: &Clock) -> Result<Arc<Desk>, ApiError> {
    let options = DeskOptions {
        profile_dir: folder.path().to_owned(),
        postgres_dir: None,
        export_dir: Some(folder.path().join("exports")),
        app_version: "test".to_owned(),
    };
    Desk::open_with(options, keychain.clone(), clock.clone()).await
}

/// An instant some minutes later.
pub fn later(instant: &Value, minutes: i64) -> Result<String> {
    let instant = chrono::DateTime::parse_from_rfc3339(instant.as_str().context("an instant")?)?;
    Ok((instant + chrono::TimeDelta::minutes(minutes)).to_rfc3339())
}

/// Someone who looks at the clinic's database from outside, as another login.
pub struct Outsider(PgConnection);

impl Outsider {
    pub async fn look(database: &TestDatabase) -> Result<Self> {
        Ok(Self(PgConnection::connect(database.admin_url()).await?))
    }

    pub async fn text(&mut self, query: impl Into<String>) -> Result<Option<String>> {
        Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(query.into())).fetch_optional(&mut self.0).await?)
    }

    pub async fn count(&mut self, query: impl Into<String>) -> Result<i64> {
        Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(query.into())).fetch_one(&mut self.0).await?)
    }

    pub async fn run(&mut self, statement: &str) -> Result<()> {
        sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut self.0).await?;
        Ok(())
    }

    /// Puts another visit of the same person where `wish` would move `visit`.
    pub async fn take_slot(&mut self, visit: &Value, wish: &Value) -> Result<()> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.run(&format!(
            "insert into app.appointments (clinic_id, patient_id, contact_id, professional_id, starts_at, ends_at)
             select clinic_id, patient_id, contact_id, professional_id, '{}', '{}' from app.appointments where id = '{}'",
            text(&wish["starts_at"]),
            text(&wish["ends_at"]),
            text(&visit["id"])
        ))
        .await
    }
}
