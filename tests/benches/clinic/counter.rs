//! The window of the computer that does the clinic's background work: one very long thread and a full inbox, behind a gateway
//! that is none.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use balcao_keychain::Keychain;
use balcao_tenant::Role;
use balcao_tenant::provision::Connection;
use balcao_testkit::gateway::FakeEvolution;
use balcao_tests::crowd::{LONG_THREAD, MOVING, OPEN_THREADS, STILL};
use balcao_tests::driver::{Driver, Program};
use balcao_tests::screens::Screen;
use balcao_tests::webdriver::Window;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::desks::Profile;
use crate::surroundings::Clinic;
use crate::{first_copy, say};

/// Messages of the long thread.
pub const MESSAGES: i32 = 20_000;

/// Name of the connection at the gateway.
pub const INSTANCE: &str = "recepcao";

const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that stands at the counter.
pub struct Counter {
    /// What people write comes from here.
    pub gateway: FakeEvolution,
    /// The window; it is at the inbox.
    pub window: Window,
    /// The window's login.
    pub login: Connection,
    /// The administrator of the database.
    pub admin: PgConnection,
    /// The long thread.
    pub long: Uuid,
    driver: Driver,
}

impl Counter {
    /// Sets it up in a small clinic.
    pub async fn open(clinic: &Clinic, program: &Path, driver: &Path, folder: &Path) -> Result<Self> {
        say("a full inbox, and a window that does the background work");
        let (login, mut admin) = (clinic.add_member("Júlia", Role::Owner).await?, clinic.administrator().await?);
        for statement in OPEN_THREADS {
            sqlx::query(statement).bind(clinic.id()).execute(&mut admin).await?;
        }
        let newest = "select id from app.conversations where clinic_id = $1 order by last_message_at desc limit 1";
        let long: Uuid = sqlx::query_scalar(newest).bind(clinic.id()).fetch_one(&mut admin).await?;
        sqlx::query(STILL).execute(&mut admin).await?;
        sqlx::query(LONG_THREAD).bind(long).bind(MESSAGES).execute(&mut admin).await?;
        sqlx::query(MOVING).execute(&mut admin).await?;
        sqlx::query("vacuum analyze").execute(&mut admin).await?;
        // The program looks for its secrets in the keyring of the session.
        let profile = Profile { folder: folder.join("counter"), keychain: Keychain::system() };
        let (desk, _) = profile.connect(&login).await?;
        first_copy::wait_until_indexed(&profile).await?;
        desk.close().await;
        drop(desk);

        let driver = Driver::start(driver).await?;
        let program = Program { path: program.to_owned(), profile: profile.folder, postgres: None };
        let window = driver.open(&program).await?;
        window.wait_for(Screen::Inbox.content(), PATIENCE).await?;
        window.resize(1366, 768).await?;
        let gateway = FakeEvolution::start().await?;
        let counter = Self { gateway, window, login, admin, long, driver };
        counter.connect().await?;
        Ok(counter)
    }

    /// Connects it to the gateway, and waits until it listens there.
    async fn connect(&self) -> Result<()> {
        let token = self.gateway.add_instance(INSTANCE);
        let wish = json!({
            "name": "Balcão", "kind": "evolution", "url": self.gateway.url(), "instance": INSTANCE, "relay_url": null,
            "per_instance": false, "pace": "none", "daily_cap": 500, "typing": false, "read_receipts": false,
        });
        let add = json!({"wish": wish, "keys": {"key": token, "relay_key": null}, "make_instance": false});
        self.window.call("add_channel", add).await?;
        let begun = Instant::now();
        while self.gateway.listeners() == 0 {
            ensure!(begun.elapsed() < PATIENCE, "the window does not listen at the gateway");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Waits until the database has so many messages of people that begin like this.
    pub async fn stored(&mut self, beginning: &str, count: i64) -> Result<()> {
        let begun = Instant::now();
        loop {
            let found: i64 = sqlx::query_scalar("select count(*) from app.messages where starts_with(body, $1)")
                .bind(beginning)
                .fetch_one(&mut self.admin)
                .await?;
            if found >= count {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE * 5, "{found} of {count} messages were stored");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The thread that a message of the gateway went to.
    pub async fn thread_of(&mut self, gateway_id: &str) -> Result<Uuid> {
        let thread: Option<Uuid> = sqlx::query_scalar("select conversation_id from app.messages where gateway_id = $1")
            .bind(gateway_id)
            .fetch_optional(&mut self.admin)
            .await?;
        thread.context("the message is not in the database")
    }

    /// Closes the window.
    pub async fn close(self) -> Result<()> {
        self.window.close().await?;
        drop(self.driver);
        Ok(())
    }
}
