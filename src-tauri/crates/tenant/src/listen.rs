//! Hearing that something has changed, without hearing what.

use std::time::Duration;

use sqlx::Executor;
use sqlx::postgres::PgListener;
use tokio::time::{Instant, timeout, timeout_at};

use crate::connect::{answered, shut_out};
use crate::people::PeopleChannel;
use crate::{Error, Result, Tenant};

/// How long silence is trusted before the connection must prove that it lives, unless there is a reason to doubt it. A
/// firewall that forgets an idle connection tells neither side; being asked now and then, it mostly does not.
const SILENCE: Duration = Duration::from_secs(240);

/// Words that are kept for whoever asks late; the newest say enough.
const MOST_WORDS: usize = 1_000;

/// How long the proof may take.
const PROOF: Duration = Duration::from_secs(5);

/// Why a desk should pull now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Something of this clinic was committed.
    Notified,
    /// The connection was away and is back: what was said meanwhile is lost, so only a pull tells what happened.
    Reconnected,
    /// Somebody said where they are, and nothing was committed: [`Listener::words`]. Only among people.
    People,
}

/// Listens on the secret channel of the login's clinic, over a connection of its own.
#[derive(Debug)]
pub struct Listener {
    tenant: Tenant,
    listening: Option<PgListener>,
    /// Whether what people say of themselves is heard, too.
    among_people: bool,
    people: Option<PeopleChannel>,
    words: Vec<String>,
    /// Until when silence is trusted. Kept here, because whoever waits looks up for other reasons more often than that.
    trusted_until: Instant,
    /// Since when it has been asked for a proof.
    asked_at: Option<Instant>,
}

impl Listener {
    /// Starts to listen. Whatever is committed after this returns is heard: a word of its own went through first, because
    /// a connection pooler in between may take the wish to listen and never let anything through.
    ///
    /// # Errors
    /// [`Error::NothingHeard`] behind such a pooler; [`Error::LoginRevoked`] and [`Error::LoginUnknown`] when the login has
    /// no clinic any more; else as any statement.
    pub async fn open(tenant: &Tenant) -> Result<Self> {
        Self::begin(tenant, false).await
    }

    /// The same, and hears what people say of themselves.
    ///
    /// # Errors
    /// As [`Listener::open`].
    pub async fn open_among_people(tenant: &Tenant) -> Result<Self> {
        Self::begin(tenant, true).await
    }

    async fn begin(tenant: &Tenant, among_people: bool) -> Result<Self> {
        let (listening, people) = start(tenant, among_people).await?;
        Ok(Self {
            tenant: tenant.clone(),
            listening: Some(listening),
            among_people,
            people: Some(people),
            words: Vec::new(),
            trusted_until: Instant::now() + SILENCE,
            asked_at: None,
        })
    }

    /// Where people say where they are, while this listens.
    pub fn people(&self) -> Option<&PeopleChannel> {
        self.people.as_ref().filter(|_| self.listening.is_some())
    }

    /// What people have said of themselves since this was last asked, in order.
    pub fn words(&mut self) -> Vec<String> {
        std::mem::take(&mut self.words)
    }

    /// Lets the connection prove itself with the next call of [`Listener::recv`]: something was committed that it has said
    /// nothing about.
    pub fn doubt(&mut self) {
        self.trusted_until = Instant::now();
    }

    fn trust(&mut self) {
        (self.trusted_until, self.asked_at) = (Instant::now() + SILENCE, None);
    }

    /// Waits for the next reason to pull. Several notifications that have already arrived are one. May be dropped
    /// half-way and called again without losing any.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`] as soon as the connection is; calling again tries to have it back, so the caller decides
    /// how long to wait between.
    pub async fn recv(&mut self) -> Result<Wake> {
        loop {
            let Some(listening) = &mut self.listening else {
                let (listening, people) = start(&self.tenant, self.among_people).await?;
                (self.listening, self.people) = (Some(listening), Some(people));
                self.trust();
                return Ok(Wake::Reconnected);
            };
            let alive = match timeout_at(self.trusted_until, listening.try_recv()).await {
                Ok(Ok(Some(first))) => {
                    let mut committed = false;
                    for said in std::iter::once(first).chain(std::iter::from_fn(|| listening.next_buffered())) {
                        match &self.people {
                            Some(people) if people.is(said.channel()) => self.words.push(said.payload().to_owned()),
                            _ => committed = true,
                        }
                    }
                    self.words.drain(..self.words.len().saturating_sub(MOST_WORDS));
                    self.trust();
                    return Ok(if committed { Wake::Notified } else { Wake::People });
                }
                Ok(Ok(None)) => false,
                Ok(Err(error)) => match Error::from(error) {
                    lost if lost.is_connection() => false,
                    other => {
                        self.listening = None;
                        return Err(other);
                    }
                },
                Err(_silence) => {
                    let asked_at = *self.asked_at.get_or_insert_with(Instant::now);
                    let proven = matches!(timeout_at(asked_at + PROOF, listening.execute("select 1")).await, Ok(Ok(_)));
                    self.trust();
                    proven
                }
            };
            if !alive {
                // Said at once: whoever listens must know that nothing will be heard, before a new connection is tried.
                self.listening = None;
                return Err(Error::ConnectionLost);
            }
        }
    }
}

/// A pool for each attempt: a dead connection can hold its place in a pool until the system gives it up.
async fn start(tenant: &Tenant, among_people: bool) -> Result<(PgListener, PeopleChannel)> {
    let mut listening = answered(PgListener::connect_with(&tenant.dedicated_pool())).await?;
    listening.eager_reconnect(false);
    let channel: Option<String> =
        match answered(sqlx::query_scalar("select app.listen_channel()").fetch_one(&mut listening)).await {
            Ok(channel) => channel,
            Err(Error::NotPermitted) => return Err(shut_out(&mut listening).await),
            Err(error) => return Err(error),
        };
    let Some(channel) = channel else { return Err(shut_out(&mut listening).await) };
    let probe = format!("balcao_probe_{}", uuid::Uuid::new_v4().simple());
    let people = PeopleChannel::beside(&channel);
    let channels = [channel.as_str(), probe.as_str(), people.name()];
    answered(listening.listen_all(channels.into_iter().take(if among_people { 3 } else { 2 }))).await?;
    let notify = async || {
        let mut turn = tenant.turn().await?;
        let told = sqlx::query("select pg_notify($1, '')").bind(&probe).execute(turn.connection());
        let told = answered(told).await;
        turn.end(told)
    };
    match notify().await {
        // The other connection may have died unnoticed along with the one before; then there is a new one.
        Err(lost) if lost.is_connection() => notify().await?,
        told => told?,
    };
    let heard = async {
        loop {
            match listening.try_recv().await {
                Ok(Some(word)) if word.channel() == probe => return Ok(()),
                Ok(Some(_)) => {}
                Ok(None) => return Err(Error::ConnectionLost),
                Err(error) => return Err(error.into()),
            }
        }
    };
    timeout(PROOF, heard).await.map_err(|_silence| Error::NothingHeard)??;
    answered(listening.unlisten(&probe)).await?;
    Ok((listening, people))
}
