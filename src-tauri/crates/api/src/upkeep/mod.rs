//! What a computer does for the clinic on its own while the clinic is open. The one that holds it: backups that are due, tried by
//! a restore. Those of owners and admins, wherever the database is: the ageing of what is kept for a time, and sessions that
//! stand for ever; the database says when, and to one of them. What was done is in the log.

use std::sync::{Arc, Weak};
use std::time::Duration;

use balcao_domain::clock::Clock;
use balcao_sync::Connection;
use chrono::{DateTime, TimeDelta, Utc};

use crate::backup::{Turn, keep_erasures};
use crate::desk::Desk;
use crate::error::ApiError;
use crate::profile::Kind;

/// Between two looks at what there is to do.
const LOOKING: Duration = Duration::from_secs(30);

/// Before the first one: a computer that was just switched on has other things to do, and each begins a little apart.
const FIRST: std::ops::Range<u64> = 20..80;

/// Between two questions to a database that is here whether it is time for something.
const ASKING: TimeDelta = TimeDelta::minutes(5);

/// The same for one elsewhere, which other computers ask, too.
const ASKING_ELSEWHERE: TimeDelta = TimeDelta::minutes(15);

/// Between two looks for people who were forgotten: a backup of before does not know of them.
const ERASURES: TimeDelta = TimeDelta::minutes(5);

/// Looks after the clinic that is open at `time`, for as long as it is.
pub(crate) fn keep(desk: Weak<Desk>, time: u64) {
    let mut wait = Duration::from_secs(rand::random_range(FIRST));
    tokio::spawn(async move {
        let mut round = Round::default();
        loop {
            let Some(bell) = desk.upgrade().map(|desk| desk.upkeep.clone()) else { return };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = bell.notified() => round = Round::default(),
            }
            wait = LOOKING;
            let Some(desk) = desk.upgrade().filter(|desk| desk.time() == time) else { return };
            round.go(&desk).await;
        }
    });
}

impl Desk {
    /// Has what this computer does on its own looked at now, and not only when it is looked at next.
    pub fn ring_for_upkeep(&self) {
        self.upkeep.notify_one();
    }

    /// Does now what this computer does for the clinic on its own, as far as its time has come. It is done every half minute
    /// anyway.
    pub async fn look_after(self: &Arc<Self>) {
        Round::default().go(self).await;
    }
}

/// What was done when, as far as this run of the program knows.
#[derive(Debug, Default)]
pub(crate) struct Round {
    asked_at: Option<DateTime<Utc>>,
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
        let kind = desk.clinic().await?.kind;
        if kind == Kind::Local && desk.backup_book().since.is_none() {
            let now = clock.now();
            desk.note_backup(|book| book.since = Some(now))?;
        }
        if !is_quiet(desk).await? {
            return Ok(());
        }
        let every = if kind == Kind::Local { ASKING } else { ASKING_ELSEWHERE };
        if is_time(self.asked_at, clock, every) && may_keep_up(desk).await? {
            self.asked_at = Some(clock.now());
            keep_up(desk).await?;
        }
        if kind != Kind::Local {
            return Ok(());
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

/// Whether who works here may; the database has the last word.
async fn may_keep_up(desk: &Desk) -> Result<bool, ApiError> {
    let member = desk.clinic().await?.summary().await?.map(|(_, member)| member);
    Ok(member.is_some_and(|member| matches!(member.role.as_str(), "owner" | "admin")))
}

/// What is kept for a time only, and sessions that stand: if it is time, and nobody else has begun.
async fn keep_up(desk: &Desk) -> Result<(), ApiError> {
    let dialling = desk.clinic().await?.line.dial();
    let tenant = dialling.await?;
    let done = tenant.keep_up().await;
    tenant.close().await;
    let done = done?;
    for (event, fact, count) in [("sessions_ended", "count", done.ended), ("audit_aged", "rows", done.aged)] {
        if let Some(count) = count.filter(|count| *count > 0) {
            desk.log_upkeep(event, &format!("{fact}={count}")).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_now_and_then_is_asked_also_by_a_clock_that_was_set_back() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let clock = Clock::manual(now);
        assert!(is_time(None, &clock, ASKING));
        assert!(!is_time(Some(now), &clock, ASKING));
        clock.advance(ASKING);
        assert!(is_time(Some(now), &clock, ASKING));
        clock.advance(TimeDelta::days(-400));
        assert!(is_time(Some(now), &clock, ASKING));
    }
}
