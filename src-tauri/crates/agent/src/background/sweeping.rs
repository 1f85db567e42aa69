//! Gaps are filled: what was emitted while nobody listened is asked for.

use balcao_tenant::Error;
use balcao_whatsapp::gateway::{GatewayError, Window};
use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;
use super::reach::{self, Occasion};
use super::storing;

/// The clock of this computer may be behind the time of WhatsApp.
const AHEAD: TimeDelta = TimeDelta::hours(24);
/// What was sent just now may not be in the gateway's own database yet.
const FRESH: TimeDelta = TimeDelta::minutes(2);
/// Tries of one page.
const TRIES: u32 = 3;
/// The hour of the night, in Coordinated Universal Time: past midnight everywhere in Brazil, and before anybody works.
const NIGHT_HOUR: u32 = 6;

/// Sweeps whenever there is an occasion, until the office is left.
pub(super) async fn run(connection: &Connection) -> Result<(), Error> {
    let rhythm = connection.office.rhythm();
    let mut next = Instant::now() + rhythm.light_sweep;
    let mut night = Night::after(connection.office.clock().now());
    loop {
        let occasions = tokio::select! {
            occasions = connection.occasions() => occasions,
            () = sleep_until(next) => {
                vec![if night.has_come(connection.office.clock().now()) { Occasion::Deep } else { Occasion::Light }]
            }
            () = connection.office.leaving.cancelled() => return Ok(()),
        };
        let complete = sweep(connection, &occasions).await?;
        next = Instant::now() + if complete { rhythm.light_sweep } else { rhythm.sweep_again };
        if !complete {
            // Asked for again, with what may have come meanwhile.
            for occasion in occasions.into_iter().filter(|occasion| *occasion != Occasion::Light) {
                let connection = connection.clone();
                let wait = rhythm.sweep_again;
                tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    connection.ask_for_sweep(occasion);
                });
            }
        }
    }
}

/// Whether everything that the gateway has of the time is stored now.
async fn sweep(connection: &Connection, occasions: &[Occasion]) -> Result<bool, Error> {
    let (office, channel) = (&connection.office, connection.channel.id);
    let channels = office.outlast(|tenant| async move { tenant.channels().await }).await?;
    let swept_until = channels.iter().find(|known| known.id == channel).and_then(|known| known.swept_until);
    let now = office.clock().now();
    let Some(from) = occasions.iter().map(|occasion| reach::begins(*occasion, now, swept_until)).min() else {
        return Ok(true);
    };
    let complete = match read(connection, Window::new(from, now + AHEAD), now).await? {
        Ok(complete) => complete,
        Err(error) => {
            tracing::info!(%channel, problem = error.code(), "a sweep was given up");
            false
        }
    };
    if complete {
        let fence = office.fence();
        office.outlast(|tenant| async move { tenant.note_sweep(fence, channel, from, now - FRESH).await }).await?;
    }
    Ok(complete)
}

async fn read(
    connection: &Connection,
    window: Window,
    now: DateTime<Utc>,
) -> Result<Result<bool, GatewayError>, Error> {
    let mut sweep = connection.gateway.sweep(window);
    let mut failures = 0;
    loop {
        match sweep.next_page().await {
            Ok(Some(page)) => {
                failures = 0;
                for events in page.events.chunks(storing::BATCH) {
                    let told = events.iter().map(|event| storing::told_of(event, now)).collect();
                    storing::store(&connection.office, connection.channel.id, told).await?;
                }
            }
            Ok(None) => return Ok(Ok(sweep.tally().is_complete())),
            Err(error) if failures + 1 < TRIES && !error.is_permanent() => {
                failures += 1;
                tokio::time::sleep(connection.office.rhythm().retry_after).await;
            }
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Comes once a day.
struct Night(DateTime<Utc>);

impl Night {
    /// The first one after this.
    fn after(now: DateTime<Utc>) -> Self {
        Self(now)
    }

    fn has_come(&mut self, now: DateTime<Utc>) -> bool {
        let comes = now.date_naive() > self.0.date_naive() && now.hour() >= NIGHT_HOUR;
        if comes {
            self.0 = now;
        }
        comes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_night_comes_once_a_day() {
        let start = DateTime::parse_from_rfc3339("2026-03-02T13:00:00Z").unwrap().to_utc();
        let mut night = Night::after(start);
        let came: Vec<i64> = (0..72).filter(|hour| night.has_come(start + TimeDelta::hours(*hour))).collect();
        assert_eq!(came, [17, 41, 65], "at six, on each of three days");
    }
}
