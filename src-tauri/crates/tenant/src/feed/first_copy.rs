//! The first copy: everything in the window, nearest first, in pieces that can be resumed.

use balcao_domain::feed::Entity;
use sqlx::Row as _;
use uuid::Uuid;

use super::{FeedSender, copy_rows};
use crate::{Error, Result, Tenant};

/// Rows asked for at once. Each piece is a statement of its own: no transaction stays open over a slow line, and an
/// interrupted copy goes on behind its last piece. Changes made meanwhile come with the first pull, because the cursor is
/// taken before the first piece.
const PIECE_ROWS: u64 = 20_000;

/// Part of the first copy. Parts may overlap: a row that comes twice is the same row.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// Name of the copied table.
    pub entity: &'static str,
    /// Further condition, SQL.
    condition: &'static str,
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
    Stage { entity, condition: "true", usable_after: false }
}

const fn part(entity: &'static str, condition: &'static str) -> Stage {
    Stage { entity, condition, usable_after: false }
}

/// Every part of the first copy, in order.
pub const STAGES: &[Stage] = &[
    whole("clinics"),
    whole("clinic_settings"),
    whole("members"),
    whole("channels"),
    whole("services"),
    whole("rooms"),
    whole("professionals"),
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
        usable_after: true,
    },
    whole("leads"),
    whole("contacts"),
    whole("patients"),
    part("appointments", "starts_at > now() - interval '90 days'"),
    whole("conversations"),
    part("messages", "sent_at > now() - interval '90 days'"),
];

impl Stage {
    fn newest_first(&self) -> bool {
        self.entity == "messages"
    }
}

impl Tenant {
    /// How many rows the first copy will have, about: for a bar that moves, not for a decision.
    pub async fn first_copy_size(&self) -> Result<u64> {
        let row = sqlx::query(
            "select (select count(*) from app.contacts) + (select count(*) from app.patients)
                  + (select count(*) from app.conversations) + (select count(*) from app.leads)
                  + (select count(*) from app.appointments where starts_at > now() - interval '90 days')
                  + (select count(*) from app.messages where sent_at > now() - interval '90 days') as size",
        )
        .fetch_one(self.pool())
        .await?;
        Ok(u64::try_from(row.get::<i64, _>("size")).unwrap_or(0))
    }

    /// Reads one piece of a stage, behind `after`.
    pub async fn read_stage(&self, stage: &Stage, after: Option<StageKey>, out: &FeedSender) -> Result<StageEnd> {
        let entity = Entity::named(stage.entity).ok_or(Error::Protocol)?;
        let condition = stage.condition;
        let mut filter = format!("where clinic_id = (select app.current_clinic()) and {condition}");
        match (stage.newest_first(), after) {
            (true, Some(StageKey { sent_at_micros: Some(micros), id })) => filter.push_str(&format!(
                " and (sent_at, id) < (timestamptz 'epoch' + interval '1 microsecond' * {micros}, '{id}'::uuid)"
            )),
            (false, Some(StageKey { id, .. })) => filter.push_str(&format!(" and id > '{id}'::uuid")),
            _ => {}
        }
        filter.push_str(if stage.newest_first() { " order by sent_at desc, id desc" } else { " order by id" });
        filter.push_str(&format!(" limit {PIECE_ROWS}"));
        let mut connection = self.pool().acquire().await?;
        let (rows, last) = copy_rows(&mut connection, entity, &filter, out).await?;
        Ok(StageEnd { rows, next: last.filter(|_| rows == PIECE_ROWS) })
    }
}
