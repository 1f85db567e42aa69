//! Copying over one connection, step by step: push, pull, and what is known after each.

use std::time::Duration;

use balcao_cache::Cache;
use balcao_domain::clock::Clock;
use balcao_tenant::FeedPosition;
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use crate::first_copy::first_copy;
use crate::tally::Tally;
use crate::{Connection, Error, Remote, Result, Status, plan, pull, push};

/// Facts are written to the file when they matter after a restart, and otherwise this often.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// How long the line may take to show that it lives.
const PROOF: Duration = Duration::from_secs(3);

/// One connection's worth of copying. The driver runs it in a loop; a failed step ends it, and the next one goes on where
/// the copy's own notes say.
#[derive(Debug)]
pub struct Engine<R> {
    pub(crate) remote: R,
    pub(crate) cache: Cache,
    clock: Clock,
    status: watch::Sender<Status>,
    member: Uuid,
    epoch: Uuid,
    cursor: i64,
    noted: Instant,
    tally: Tally,
}

impl<R: Remote> Engine<R> {
    /// Agrees with the database on the feed, and makes or goes on with the first copy where one is needed: never made,
    /// interrupted, of another epoch, or of what another member sees.
    ///
    /// # Errors
    /// As every step: the line, the database's refusal, the copy.
    pub async fn begin(remote: R, cache: Cache, clock: Clock, status: watch::Sender<Status>) -> Result<Self> {
        let identity = remote.whoami().await?;
        let position = remote.position().await?;
        let known = cache.state("epoch").await?.and_then(|text| text.parse::<Uuid>().ok());
        let member = identity.member_id.to_string();
        // Each member sees a part of the clinic: the copy of somebody else's is made anew, too.
        let is_other = cache.state("member_id").await?.is_some_and(|before| before != member);
        if known != Some(position.epoch) || is_other {
            if known.is_some_and(|known| known != position.epoch) {
                cache.log("epoch_changed", "").await?;
            }
            cache.forget_copy().await?;
            cache.set_state("epoch", &position.epoch.to_string()).await?;
        }
        cache.set_state("member_id", &member).await?;
        // What is queued here is this clinic's, also while nothing else of it is in the copy.
        cache.set_state("clinic_id", &identity.clinic_id.to_string()).await?;
        let cursor = cache.state("cursor").await?.and_then(|text| text.parse().ok());
        let (noted, tally) = (Instant::now(), Tally::default());
        let (member, epoch) = (identity.member_id, position.epoch);
        let mut engine = Self { remote, cache, clock, status, member, epoch, cursor: 0, noted, tally };
        let ahead = engine.compare_clocks(position.server_time).await?;
        engine.cache.set_state("clock_ahead_micros", &ahead).await?;
        engine.cursor = match cursor {
            Some(cursor) => cursor,
            None => first_copy(&engine.remote, &engine.cache, &engine.status).await?,
        };
        engine.cache.send_now().await?;
        Ok(engine)
    }

    /// Who works here.
    pub fn member(&self) -> Uuid {
        self.member
    }

    /// Sends everything that may be sent now. Returns how many operations got the database's word.
    ///
    /// # Errors
    /// The line, or the copy. What the database refuses is parked, and no error.
    pub async fn push(&mut self) -> Result<usize> {
        push::push(&self.remote, &self.cache, &mut self.tally).await
    }

    /// Reads what changed and notes how far. Returns how many rows came.
    ///
    /// # Errors
    /// The line, or the copy; [`Error::FeedReplaced`] when the database is not the one that was copied from.
    pub async fn pull(&mut self) -> Result<u64> {
        let (position, written, unwritten) =
            pull::pull(&self.remote, &self.cache, self.cursor, &mut self.tally).await?;
        self.agree(&position).await?;
        let rows = written + unwritten.rows();
        let now = self.clock.now();
        if rows > 0 || self.noted.elapsed() > NOTE_EVERY {
            let ahead = self.compare_clocks(position.server_time).await?;
            let (cursor, confirmed_at) = (position.cursor.to_string(), now.timestamp_micros().to_string());
            let place = [("cursor", &*cursor), ("confirmed_at", &confirmed_at), ("clock_ahead_micros", &ahead)];
            unwritten.write(&self.cache, &place).await?;
        }
        self.cursor = position.cursor;
        self.status.send_modify(|status| {
            status.connection = Connection::Online;
            status.offline_since = None;
            status.problem = None;
            status.last_confirmed_at = Some(now);
        });
        if self.noted.elapsed() > NOTE_EVERY {
            self.noted = Instant::now();
            self.write_down().await?;
        }
        Ok(rows)
    }

    /// Asks whether the line still lives, in less time than a statement is given: after sleep or a change of the network
    /// it mostly does not.
    ///
    /// # Errors
    /// As every step.
    pub async fn prove(&self) -> Result<()> {
        match tokio::time::timeout(PROOF, self.remote.position()).await {
            Ok(position) => position.map(|_| ()).map_err(Into::into),
            Err(_silence) => Err(balcao_tenant::Error::ConnectionLost.into()),
        }
    }

    /// Writes into the log what was sent and received since it was last written.
    ///
    /// # Errors
    /// The copy's.
    pub async fn write_down(&mut self) -> Result<()> {
        self.tally.write_to(&self.cache).await
    }

    /// A database that was restored or replaced is noticed by its epoch, or, where nobody renewed that, by counting its
    /// transactions from further back than it already had.
    async fn agree(&self, position: &FeedPosition) -> Result<()> {
        if position.epoch == self.epoch && position.cursor >= self.cursor {
            return Ok(());
        }
        self.cache.log("epoch_changed", "").await?;
        self.cache.forget_copy().await?;
        Err(Error::FeedReplaced)
    }

    /// By how many microseconds this computer's clock is ahead. Kept in the copy, because what is compared is told in the
    /// server's time.
    async fn compare_clocks(&self, server: DateTime<Utc>) -> Result<String> {
        let now = self.clock.now();
        let told = plan::clock_ahead(now, server);
        let told_before = self.status.borrow().clock_ahead_seconds.is_some();
        self.status.send_if_modified(|status| {
            let changed = status.clock_ahead_seconds != told;
            status.clock_ahead_seconds = told;
            changed
        });
        match told {
            Some(seconds) if !told_before => self.cache.log("clock_wrong", &format!("ahead={seconds:.0}")).await?,
            None if told_before => self.cache.log("clock_right", "").await?,
            _ => {}
        }
        Ok((now - server).num_microseconds().unwrap_or(0).to_string())
    }
}
