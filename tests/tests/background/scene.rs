//! A clinic with one connection to a fake gateway, and computers that do its background work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use balcao_agent::background::{Background, Rhythm, Setup};
use balcao_agent::profile::ProfileError;
use balcao_domain::clock::Clock;
use balcao_domain::pacing::Pace;
use balcao_keychain::{Keychain, Secret, names};
use balcao_tenant::provision::Connection;
use balcao_tenant::{Bid, ChannelKind, ChannelSettings, NewChannel, Role, Tenant};
use balcao_testkit::database::{TestDatabase, log_in};
use balcao_testkit::gateway::FakeEvolution;
use balcao_testkit::proxy::Proxy;
use balcao_whatsapp::gateway::Timing;
use sqlx::{AssertSqlSafe, PgPool};
use tempfile::TempDir;
use uuid::Uuid;

pub const PHONE: &str = "5511988887777";

pub struct Scene {
    pub gateway: FakeEvolution,
    /// The owner's connection.
    pub tenant: Tenant,
    pub channel: Uuid,
    pub line: Arc<Proxy>,
    /// Of the computers that are started from now on.
    pub rhythm: Rhythm,
    database: TestDatabase,
    admin: PgPool,
    token: String,
    keychain: Keychain,
    folders: Vec<TempDir>,
}

/// The number of one of many people.
pub fn person(number: usize) -> String {
    format!("55119{:08}", 80_000_000 + number)
}

/// Everything as in earnest, a dozen times as fast.
fn rhythm() -> Rhythm {
    Rhythm {
        held_for: Duration::from_millis(1_500),
        renew_every: Duration::from_millis(400),
        ask_every: Duration::from_millis(300),
        farewell: Duration::from_secs(5),
        retry_after: Duration::from_millis(100),
        look_at_channels: Duration::from_millis(300),
        settle_connection: Duration::from_millis(50),
        light_sweep: Duration::from_secs(2),
        sweep_again: Duration::from_millis(200),
        look_for_mail: Duration::from_millis(100),
        watch_every: Duration::from_millis(300),
        look_for_unknown: Duration::from_millis(200),
        give_up_unknown: Duration::from_secs(120),
        look_for_files: Duration::from_millis(100),
        fetch_again: Duration::from_millis(100),
        look_at_bucket: Duration::from_millis(200),
        keep_up: Duration::from_secs(2),
        look_for_old_files: Duration::from_millis(300),
        ack_patience: Duration::from_secs(120),
    }
}

pub fn bid(label: &str) -> Bid<'_> {
    Bid { holder: Uuid::new_v4(), label, held_for: Duration::from_secs(1) }
}

/// Waits until it is so; a minute is too long.
pub async fn eventually(what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let since = Instant::now();
    while !holds().await? {
        if since.elapsed() > Duration::from_secs(60) {
            bail!("not after a minute: {what}");
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    Ok(())
}

/// Both said it at the same moment: one was first, or each waited for the other and the database took one back.
fn is_race(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    refused.is_some_and(|refused| refused.is_unique_violation() || refused.code().as_deref() == Some("40P01"))
}

impl Scene {
    pub async fn open() -> Result<Self> {
        Self::with(TestDatabase::fresh().await?).await
    }

    /// On the server of this administrator's URL.
    pub async fn open_on(server_url: &str) -> Result<Self> {
        Self::with(TestDatabase::fresh_on(server_url).await?).await
    }

    async fn with(database: TestDatabase) -> Result<Self> {
        let gateway = FakeEvolution::start().await?;
        let token = gateway.add_instance("recepcao");
        let tenant = log_in(database.owner()).await?;
        let admin = PgPool::connect(database.admin_url()).await?;
        let settings = ChannelSettings { pace: Pace::None, daily_cap: 100_000, ..ChannelSettings::default() };
        let new = NewChannel {
            name: "Recepção".to_owned(),
            kind: ChannelKind::Evolution,
            url: gateway.url(),
            instance: "recepcao".to_owned(),
            settings,
        };
        let channel = tenant.add_channel(&new).await?;
        let line = Arc::new(Proxy::to(database.owner().address.port).await?);
        let keychain = Keychain::in_memory();
        let (rhythm, folders) = (rhythm(), Vec::new());
        let scene = Self { gateway, tenant, channel, line, rhythm, database, admin, token, keychain, folders };
        scene.give_key(&scene.token()).await?;
        // Whatever goes down is written down.
        scene
            .run(
                "create table public.went_down (was text, became text);
                 create function public.note() returns trigger language plpgsql security definer as $$
                 begin
                     if old.status in ('sent', 'failed', 'delivered', 'read', 'played')
                        and internal.status_rank(new.status) < internal.status_rank(old.status) then
                         insert into public.went_down values (old.status, new.status);
                     end if;
                     return null;
                 end $$;
                 create trigger note after update of status on app.messages for each row execute function public.note();",
            )
            .await?;
        Ok(scene)
    }

    pub fn token(&self) -> String {
        self.token.clone()
    }

    pub async fn give_key(&self, key: &str) -> Result<()> {
        Ok(self.keychain.set(&names::gateway_key(&self.channel.to_string()), &Secret::new(key)).await?)
    }

    pub async fn forget_key(&self) -> Result<()> {
        Ok(self.keychain.delete(&names::gateway_key(&self.channel.to_string())).await?)
    }

    /// The bucket's key, in the keyring of a computer.
    pub async fn give_bucket_key(&self, folder: usize, key: &str) -> Result<()> {
        Ok(self.keychain.set(&names::bucket_key(&format!("computer-{folder}")), &Secret::new(key)).await?)
    }

    pub async fn has_bucket_key(&self, folder: usize) -> Result<bool> {
        Ok(self.keychain.get(&names::bucket_key(&format!("computer-{folder}"))).await?.is_some())
    }

    /// Somebody of the clinic.
    pub async fn desk(&self, role: Role) -> Result<Tenant> {
        Ok(log_in(&self.database.add_member(role).await?).await?)
    }

    /// A computer of the clinic, working or standing by.
    pub async fn computer(&mut self, name: &str) -> Result<Background> {
        self.folders.push(tempfile::tempdir()?);
        let login = self.database.add_member(Role::Agent).await?;
        self.computer_in(name, self.folders.len() - 1, &login)
    }

    /// The same with this folder and login: started again after a crash.
    pub fn computer_in(&self, name: &str, folder: usize, login: &Connection) -> Result<Background> {
        let mut login = login.clone();
        login.address.port = self.line.port();
        let login = Arc::new(login);
        Ok(Background::start(Setup {
            dial: Arc::new(move || {
                let login = login.clone();
                Box::pin(async move { log_in(&login).await.map_err(ProfileError::Tenant) })
            }),
            keychain: self.keychain.clone(),
            profile_id: format!("computer-{folder}"),
            folder: self.folders[folder].path().to_owned(),
            label: name.to_owned(),
            clock: Clock::System,
            rhythm: self.rhythm.clone(),
            timing: Timing { connect: Duration::from_secs(2), send: Duration::from_secs(4), ..Timing::default() },
        }))
    }

    /// A place and a login for a computer.
    pub async fn place(&mut self) -> Result<(usize, Connection)> {
        self.folders.push(tempfile::tempdir()?);
        Ok((self.folders.len() - 1, self.database.add_member(Role::Agent).await?))
    }

    /// Somebody at a desk writes to a person, who may never have written.
    pub async fn answer(&self, phone: &str, body: &str) -> Result<()> {
        // The person may be made by what they write at the same moment.
        loop {
            match self.write(phone, body).await {
                Err(error) if is_race(&error) => {}
                done => return done,
            }
        }
    }

    async fn write(&self, phone: &str, body: &str) -> Result<()> {
        let clinic = self.database.clinic_id();
        let conversation: Uuid = sqlx::query_scalar(
            "with known as (
                 select i.contact_id as id from app.contact_identifiers i
                 where i.clinic_id = $1 and i.kind = 'phone' and i.match_key = $3
             ), made as (
                 insert into app.contacts (clinic_id, name, phone) select $1, 'Pessoa', $2 where not exists (select from known)
                 returning id
             ), named as (
                 insert into app.contact_identifiers (clinic_id, contact_id, kind, value, match_key)
                 select $1, id, 'phone', $2, $3 from made returning contact_id
             ), person as (select id from known union all select contact_id from named),
             thread as (
                 insert into app.conversations (clinic_id, channel_id, contact_id) select $1, $4, id from person
                 on conflict on constraint conversations_person_unique do update set priority = 'normal' returning id
             ) select id from thread",
        )
        .bind(clinic)
        .bind(format!("+{phone}"))
        .bind(balcao_domain::phone::Phone::from_e164(&format!("+{phone}")).unwrap().match_key())
        .bind(self.channel)
        .fetch_one(&self.admin)
        .await?;
        sqlx::query(
            "insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, body, status, sent_at)
             values ($1, $2, $3, 'outbound', 'member', $4, 'queued', clock_timestamp())",
        )
        .bind(clinic)
        .bind(conversation)
        .bind(self.channel)
        .bind(body)
        .execute(&self.admin)
        .await?;
        Ok(())
    }

    pub async fn retry(&self, body: &str) -> Result<()> {
        let message: Uuid =
            sqlx::query_scalar("select id from app.messages where body = $1").bind(body).fetch_one(&self.admin).await?;
        assert!(self.tenant.retry_message(message).await?);
        Ok(())
    }

    /// Every message's words.
    pub async fn bodies(&self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar("select body from app.messages order by sent_at, id").fetch_all(&self.admin).await?)
    }

    /// Words and status of what was written at a desk.
    pub async fn statuses(&self) -> Result<Vec<(String, String)>> {
        let rows =
            sqlx::query_as("select body, status from app.messages where sender_kind = 'member' order by sent_at, id");
        Ok(rows.fetch_all(&self.admin).await?)
    }

    /// Ids at the gateway of all messages, repetitions among them.
    pub async fn gateway_ids(&self) -> Result<Vec<String>> {
        let rows = sqlx::query_scalar("select gateway_id from app.messages where gateway_id is not null");
        Ok(rows.fetch_all(&self.admin).await?)
    }

    /// Waits until whoever works has looked for everything a few times.
    pub async fn settled(&self) -> Result<()> {
        tokio::time::sleep(self.rhythm.light_sweep + Duration::from_secs(1)).await;
        Ok(())
    }

    pub async fn count(&self, what: &str) -> Result<i64> {
        Ok(sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {what}"))).fetch_one(&self.admin).await?)
    }

    /// Whether any event in the database holds this text.
    pub async fn everything_holds(&self, text: &str) -> Result<bool> {
        let held =
            sqlx::query_scalar("select exists (select from app.gateway_events where strpos(payload::text, $1) > 0)");
        Ok(held.bind(text).fetch_one(&self.admin).await?)
    }

    /// The first text of the answer.
    pub async fn text(&self, sql: &str) -> Result<Option<String>> {
        let text: Option<Option<String>> =
            sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_optional(&self.admin).await?;
        Ok(text.flatten())
    }

    pub async fn run(&self, sql: &str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.admin).await?;
        Ok(())
    }
}
