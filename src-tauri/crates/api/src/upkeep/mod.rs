//! What the computer that holds the clinic does on its own while the clinic is open: backups that are due, tried by a restore;
//! the ageing of what is kept for a time; sessions that stand for ever. What it did is in the log.

use std::sync::{Arc, Weak};
use std::time::Duration;

use balcao_domain::clock::Clock;
use balcao_sync::Connection;
use chrono::{DateTime, TimeDelta, Utc};

use crate::backup::{Turn, keep_erasures};
use crate::desk::Desk;
use crate::error::ApiError;

/// Between two looks at what there is to do.
const LOOKING: Duration = Duration::from_secs(30);

/// Before the first one: a computer that was just switched on has other things to do, and each begins a little apart.
const FIRST: std::ops::Range<u64> = 20..80;

/// Between two looks for sessions that stand.
const SESSIONS: TimeDelta = TimeDelta::minutes(5);

/// Between two looks for people who were forgotten: a backup of before does not know of them.
const ERASURES: TimeDelta = TimeDelta::minutes(5);

/// Between two goes at the audit.
const AUDIT: TimeDelta = TimeDelta::days(1);

/// Name of the fact that keeps when the audit last aged.
const AUDIT_AGED: &str = "audit_aged_at";

/// Looks after the clinic that is open at `time`, for as long as it is.
pub(crate) fn keep(desk: Weak<Desk>, time: u64) {
    let first = Duration::from_secs(rand::random_range(FIRST));
    tokio::spawn(async move {
        tokio::time::sleep(first).await;
        let mut round = Round::default();
        loop {
            let Some(desk) = desk.upgrade().filter(|desk| desk.time() == time) else { return };
            round.go(&desk).await;
            drop(desk);
            tokio::time::sleep(LOOKING).await;
        }
    });
}

impl Desk {
    /// Does now what the computer that holds the clinic does on its own, as far as its time has come. It is done every half
    /// minute anyway.
    pub async fn look_after(self: &Arc<Self>) {
        Round::default().go(self).await;
    }
}

/// What was done when, as far as this run of the program knows.
#[derive(Debug, Default)]
pub(crate) struct Round {
    sessions_at: Option<DateTime<Utc>>,
    erasures_at: Option<DateTime<Utc>>,
}

impl Round {
    /// Does what there is to do now. What does not work is tried again at another time.
    pub(crate) async fn go(&mut self, desk: &Arc<Desk>) {
        if let Err(problem) = self.try_all(desk).await {
            tracing::debug!(code = problem.code, "not everything was done that there is to do");
        }
    }

    async fn try_all(&mut self, desk: &Arc<Desk>) -> Result<(), ApiError> {
        let clock = &desk.clock;
        if desk.backup_book().since.is_none() {
            let now = clock.now();
            desk.note_backup(|book| book.since = Some(now))?;
        }
        if !is_quiet(desk).await? {
            return Ok(());
        }
        if is_time(self.sessions_at, clock, SESSIONS) {
            self.sessions_at = Some(clock.now());
            end_stuck_sessions(desk).await?;
        }
        let aged = desk.clinic().await?.cache.state(AUDIT_AGED).await?.and_then(|text| text.parse().ok());
        if is_time(aged, clock, AUDIT) {
            age(desk).await?;
            let now = clock.now().to_rfc3339();
            desk.clinic().await?.cache.set_state(AUDIT_AGED, &now).await?;
        }
        if is_time(self.erasures_at, clock, ERASURES) && desk.backup_book().is_set_up() {
            self.erasures_at = Some(clock.now());
            // A disk that is not plugged in is told of by the backup that needs it.
            if let Err(problem) = keep_erasures(desk).await {
                tracing::debug!(code = problem.code, "the list of who was forgotten could not be kept");
            }
        }
        let zone = desk.clinic().await?.time_zone().await?;
        if desk.backup_book().is_due(clock.now(), zone) && !desk.backups.is_running() {
            desk.back_up(Turn::begin(desk, "make")?).await?;
        }
        Ok(())
    }
}

/// Not while writes are going out or the first copy comes in: the disk and the line are for people.
async fn is_quiet(desk: &Desk) -> Result<bool, ApiError> {
    let clinic = desk.clinic().await?;
    let status = clinic.sync.status().borrow().clone();
    let (waiting, _) = clinic.cache.outbox_counts().await?;
    Ok(status.connection == Connection::Online && status.first_copy.is_none() && waiting == 0)
}

/// A clock that was set back does not make what is done now and then wait for years.
fn is_time(last: Option<DateTime<Utc>>, clock: &Clock, every: TimeDelta) -> bool {
    let now = clock.now();
    last.is_none_or(|last| last > now || now - last >= every)
}

async fn end_stuck_sessions(desk: &Desk) -> Result<(), ApiError> {
    let dialling = desk.clinic().await?.line.dial();
    let tenant = dialling.await?;
    let ended = tenant.end_stuck_sessions().await;
    tenant.close().await;
    let ended = ended?;
    if ended > 0 {
        desk.log_upkeep("sessions_ended", &format!("count={ended}")).await;
    }
    Ok(())
}

/// What is kept for a time only: the audit, and what waits for messages that do not come.
async fn age(desk: &Desk) -> Result<(), ApiError> {
    let dialling = desk.clinic().await?.line.dial();
    let tenant = dialling.await?;
    let aged = tenant.age_audit().await;
    let forgotten = tenant.forget_old_effects().await;
    tenant.close().await;
    forgotten?;
    let aged = aged?;
    if aged > 0 {
        desk.log_upkeep("audit_aged", &format!("rows={aged}")).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_daily_is_done_daily_also_by_a_clock_that_was_set_back() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let clock = Clock::manual(now);
        assert!(is_time(None, &clock, AUDIT));
        assert!(!is_time(Some(now), &clock, AUDIT));
        clock.advance(AUDIT);
        assert!(is_time(Some(now), &clock, AUDIT));
        clock.advance(TimeDelta::days(-400));
        assert!(is_time(Some(now), &clock, AUDIT));
    }
}
