//! The first copy: everything in the window, nearest first, in pieces that can be resumed.

use balcao_domain::feed::Entity;
use balcao_domain::window::Window;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::{FeedSender, read_rows};
use crate::connect::{self, LARGE_ANSWER};
use crate::{Error, Result, Tenant};

/// Rows asked for at once. Each piece is a statement of its own: no transaction stays open over a slow line, and an
/// interrupted copy goes on behind its last piece. Changes made meanwhile come with the first pull, because the cursor is
/// taken before the first piece.
const PIECE_ROWS: u64 = 10_000;

/// Part of the first copy. Parts may overlap: a row that comes twice is the same row.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// Name of the copied table.
    pub entity: &'static str,
    /// Further condition, SQL.
    condition: &'static str,
    /// Only rows of the window.
    windowed: bool,
    /// From here on the screens can be used: today's agenda and the open conversations are there.
    pub usable_after: bool,
}

/// Place of a row in the order of its stage: by time where the stage is newest first, else by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageKey {
    /// Time of the row, where the stage is ordered by it: microseconds since 1970 UTC.
    pub sent_at_micros: Option<i64>,
    /// The row.
    pub id: Uuid,
}

/// What a piece of a stage ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageEnd {
    /// Rows read.
    pub rows: u64,
    /// Where the next piece begins; `None` when the stage is complete.
    pub next: Option<StageKey>,
}

const fn whole(entity: &'static str) -> Stage {
    Stage { entity, condition: "true", windowed: false, usable_after: false }
}

const fn part(entity: &'static str, condition: &'static str) -> Stage {
    Stage { entity, condition, windowed: false, usable_after: false }
}

const fn windowed(entity: &'static str) -> Stage {
    Stage { entity, condition: "true", windowed: true, usable_after: false }
}

/// Every part of the first copy, in order.
pub const STAGES: &[Stage] = &[
    whole("clinics"),
    whole("clinic_settings"),
    whole("members"),
    whole("channels"),
    whole("background_holders"),
    whole("services"),
    whole("rooms"),
    whole("professionals"),
    whole("professional_services"),
    whole("working_hours"),
    whole("schedule_exceptions"),
    whole("quick_replies"),
    whole("pipelines"),
    whole("pipeline_stages"),
    whole("loss_reasons"),
    part("appointments", "starts_at between now() - interval '1 day' and now() + interval '8 days'"),
    part("conversations", "status <> 'closed'"),
    part(
        "contacts",
        "(id in (select c.contact_id from app.conversations c where c.status <> 'closed')
          or id in (select a.contact_id from app.appointments a
                    where a.starts_at between now() - interval '1 day' and now() + interval '8 days'))",
    ),
    part(
        "patients",
        "id in (select a.patient_id from app.appointments a
                where a.starts_at between now() - interval '1 day' and now() + interval '8 days')",
    ),
    Stage {
        entity: "messages",
        condition: "conversation_id in (select c.id from app.conversations c where c.status <> 'closed')
                    and sent_at > now() - interval '7 days'",
        windowed: true,
        usable_after: true,
    },
    whole("mentions"),
    whole("leads"),
    whole("contacts"),
    whole("patients"),
    windowed("appointments"),
    whole("conversations"),
    windowed("messages"),
];

impl Stage {
    fn newest_first(&self) -> bool {
        self.entity == "messages"
    }

    /// Everything that a row of the stage must be, SQL.
    fn filter(&self, window: &Window) -> String {
        let bound = match self.entity {
            "messages" if self.windowed => within("sent_at", window.message_days),
            "appointments" if self.windowed => within("starts_at", window.appointment_days),
            _ => "true".to_owned(),
        };
        format!("where clinic_id = (select app.current_clinic()) and {} and {bound}", self.condition)
    }
}

/// Days that reach back beyond the calendar would be an error of the server; they mean everything.
fn within(column: &str, days: u32) -> String {
    match days {
        0 | 1_000_000.. => "true".to_owned(),
        days => format!("{column} > now() - interval '24 hours' * {days}"),
    }
}

impl Tenant {
    /// How many rows the first copy will have, about: for a bar that moves, not for a decision.
    pub async fn first_copy_size(&self, window: &Window) -> Result<u64> {
        let statement = format!(
            "select (select count(*) from app.contacts) + (select count(*) from app.patients)
                  + (select count(*) from app.conversations) + (select count(*) from app.leads)
                  + (select count(*) from app.appointments where {})
                  + (select count(*) from app.messages where {}) as size",
            within("starts_at", window.appointment_days),
            within("sent_at", window.message_days),
        );
        let mut turn = self.turn().await?;
        let question = sqlx::query(AssertSqlSafe(statement)).fetch_one(turn.connection());
        let answer = connect::within(LARGE_ANSWER, question).await;
        let row = turn.end(answer)?;
        Ok(u64::try_from(row.get::<i64, _>("size")).unwrap_or(0))
    }

    /// Reads one piece of a stage, behind `after`.
    pub async fn read_stage(
        &self,
        stage: &Stage,
        window: &Window,
        after: Option<StageKey>,
        out: &FeedSender,
    ) -> Result<StageEnd> {
        let entity = Entity::named(stage.entity).ok_or(Error::Protocol)?;
        let mut filter = stage.filter(window);
        match (stage.newest_first(), after) {
            (true, Some(StageKey { sent_at_micros: Some(micros), id })) => filter.push_str(&format!(
                " and (sent_at, id) < (timestamptz 'epoch' + interval '1 microsecond' * {micros}, '{id}'::uuid)"
            )),
            (false, Some(StageKey { id, .. })) => filter.push_str(&format!(" and id > '{id}'::uuid")),
            _ => {}
        }
        filter.push_str(if stage.newest_first() { " order by sent_at desc, id desc" } else { " order by id" });
        filter.push_str(&format!(" limit {PIECE_ROWS}"));
        let (rows, last) = read_rows(self.turn().await?, entity, &filter, out).await?;
        Ok(StageEnd { rows, next: last.filter(|_| rows == PIECE_ROWS) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_of_the_window_is_its_own() {
        let window = Window { message_days: 30, appointment_days: 0 };
        let filters = |name: &str| -> Vec<String> {
            STAGES.iter().filter(|stage| stage.entity == name).map(|stage| stage.filter(&window)).collect()
        };
        assert!(
            filters("messages").iter().all(|filter| filter.ends_with("sent_at > now() - interval '24 hours' * 30"))
        );
        assert!(filters("appointments").iter().all(|filter| filter.ends_with("and true")));
    }
}
