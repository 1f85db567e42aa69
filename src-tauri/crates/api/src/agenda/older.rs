//! Visits before the window of the copy.

use std::sync::Arc;

use balcao_cache::{LONGEST_VISIT_MICROS, Reach, Timeline};
use balcao_domain::working_hours::{Span, day_span};
use balcao_sync::FetchOlder;
use chrono::Days;
use chrono_tz::Tz;

use super::in_calendar;
use super::types::{Coverage, FetchOlderVisits};
use crate::clinic::OpenClinic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::fetch;

/// Whoever looks at a day looks at the days around it next.
const DAYS_BEFORE: u64 = 28;
/// While a first copy is on its way, its first part has today and so many days after it.
const NEAR_DAYS: u64 = 7;

pub(crate) async fn fetch_older_visits(desk: &Arc<Desk>, request: FetchOlderVisits) -> Result<Nothing, ApiError> {
    in_calendar(request.from, "from")?;
    let clinic = desk.clinic().await?;
    let zone = clinic.time_zone().await?;
    let first = request.from.checked_sub_days(Days::new(DAYS_BEFORE)).unwrap_or(request.from);
    let from = day_span(first, zone).start.timestamp_micros().saturating_sub(LONGEST_VISIT_MICROS);
    fetch(&clinic, FetchOlder::VisitsFrom(from)).await
}

/// Whether the copy has every visit of a span of days.
pub(crate) async fn coverage(clinic: &OpenClinic, span: Span, zone: Tz) -> Result<Coverage, ApiError> {
    Ok(match clinic.cache.window_reach(Timeline::Visits).await? {
        Reach::Whole => Coverage::Whole,
        Reach::From((from, _)) if from <= span.start.timestamp_micros().saturating_sub(LONGEST_VISIT_MICROS) => {
            Coverage::Whole
        }
        Reach::From(_) => Coverage::Elsewhere,
        Reach::Coming => {
            let today = clinic.cache.server_now().await?.with_timezone(&zone).date_naive();
            let near =
                Span { start: day_span(today, zone).start, end: day_span(today + Days::new(NEAR_DAYS - 1), zone).end };
            let usable = clinic.sync.status().borrow().first_copy.as_ref().is_some_and(|copy| copy.usable);
            if usable && near.start <= span.start && span.end <= near.end { Coverage::Whole } else { Coverage::Coming }
        }
    })
}
