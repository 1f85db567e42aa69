//! Pipelines as boards. Instants are microseconds since 1970.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::{Cache, Result, RowState, row_state};

/// Closed columns show and count this much of the past.
const CLOSED_WINDOW_MICROS: i64 = 30 * 24 * 3_600 * 1_000_000;

/// A column of a board.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the table")]
pub struct StageRow {
    pub id: Uuid,
    pub pipeline_id: Uuid,
    pub name: String,
    pub kind: String,
    pub count: u32,
    pub sum_cents: i64,
}

/// A reason for losing a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the table")]
pub struct LossReasonRow {
    pub id: Uuid,
    pub name: String,
}

/// A card.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct LeadRow {
    pub id: Uuid,
    pub stage_id: Uuid,
    pub pipeline_id: Uuid,
    pub contact_id: Uuid,
    pub name: String,
    pub profile_name: Option<String>,
    pub phone: Option<String>,
    pub title: String,
    pub value_cents: Option<i64>,
    pub source: Option<String>,
    pub stage_entered_at: i64,
    pub next_action: Option<String>,
    pub next_action_at: Option<i64>,
    pub owner: Option<String>,
    pub position: f64,
    pub last_message: Option<String>,
    pub conversation_id: Option<Uuid>,
    pub loss_reason: Option<String>,
    pub loss_reason_id: Option<Uuid>,
    pub loss_note: Option<String>,
    pub state: RowState,
}

const LEADS: &str = concat!(
    "select l.id, l.stage_id, l.pipeline_id, l.contact_id, p.name, p.profile_name, p.phone, l.title, l.value_cents, l.source,
         l.stage_entered_at, l.next_action, l.next_action_at, m.name, l.position, c.last_message_preview, c.id, r.name, l.loss_reason_id,
         l.loss_note, ",
    row_state!("l.id"),
    " from leads l left join contacts p on p.id = l.contact_id left join members m on m.id = l.owner_id
      left join loss_reasons r on r.id = l.loss_reason_id
      left join conversations c on c.id = (select v.id from conversations v where v.contact_id = l.contact_id
          order by v.last_message_at desc limit 1) "
);

impl Cache {
    /// Id and name of a pipeline: the one asked for, else the default one.
    pub async fn pipeline(&self, id: Option<Uuid>) -> Result<(Uuid, String)> {
        let row = match id {
            Some(id) => {
                sqlx::query("select id, name from pipelines where id = ?").bind(id).fetch_one(self.readers()).await?
            }
            None => {
                sqlx::query("select id, name from pipelines order by is_default desc, position limit 1")
                    .fetch_one(self.readers())
                    .await?
            }
        };
        Ok((row.get(0), row.get(1)))
    }

    /// The columns of a pipeline from left to right, with counts and sums.
    pub async fn stages(&self, pipeline_id: Uuid) -> Result<Vec<StageRow>> {
        let rows = sqlx::query(
            "select s.id, s.pipeline_id, s.name, s.kind,
                 (select count(*) from leads l where l.stage_id = s.id and (s.kind = 'open' or l.closed_at >= ?2)),
                 (select coalesce(sum(l.value_cents), 0) from leads l
                  where l.stage_id = s.id and (s.kind = 'open' or l.closed_at >= ?2))
             from pipeline_stages s where s.pipeline_id = ?1 order by s.position, s.name",
        )
        .bind(pipeline_id)
        .bind(self.closed_since())
        .fetch_all(self.readers())
        .await?;
        Ok(rows.iter().map(stage).collect())
    }

    /// One column, without count and sum.
    pub async fn stage(&self, id: Uuid) -> Result<StageRow> {
        let row = sqlx::query("select id, pipeline_id, name, kind, 0, 0 from pipeline_stages where id = ?")
            .bind(id)
            .fetch_one(self.readers())
            .await?;
        Ok(stage(&row))
    }

    /// Reasons a lead can be lost for.
    pub async fn loss_reasons(&self) -> Result<Vec<LossReasonRow>> {
        let rows = sqlx::query("select id, name from loss_reasons where active = 1 order by position, name")
            .fetch_all(self.readers())
            .await?;
        Ok(rows.iter().map(|row| LossReasonRow { id: row.get(0), name: row.get(1) }).collect())
    }

    /// Cards of a column, by position; of a closed column only those closed lately.
    pub async fn stage_leads(&self, stage_id: Uuid, offset: u32, limit: u32) -> Result<Vec<LeadRow>> {
        let statement = format!(
            "{LEADS} where l.stage_id = ?1 and (l.closed_at is null or l.closed_at >= ?2) order by l.position, l.id limit ?3 offset ?4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(stage_id)
            .bind(self.closed_since())
            .bind(limit)
            .bind(offset)
            .fetch_all(self.readers())
            .await?;
        Ok(rows.iter().map(lead).collect())
    }

    /// One card.
    pub async fn lead(&self, id: Uuid) -> Result<LeadRow> {
        let statement = format!("{LEADS} where l.id = ?");
        let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id).fetch_one(self.readers()).await?;
        Ok(lead(&row))
    }

    /// Positions above and below the place before `before`, or at the end of the column; the lead that moves does not count.
    pub async fn lead_gap(
        &self,
        stage_id: Uuid,
        moving: Uuid,
        before: Option<Uuid>,
    ) -> Result<(Option<f64>, Option<f64>)> {
        let below: Option<f64> = match before {
            Some(before) => {
                sqlx::query_scalar("select position from leads where id = ? and stage_id = ?")
                    .bind(before)
                    .bind(stage_id)
                    .fetch_optional(self.readers())
                    .await?
            }
            None => None,
        };
        let above: Option<f64> = sqlx::query_scalar(
            "select max(position) from leads where stage_id = ?1 and id <> ?2 and position < coalesce(?3, 9e99)",
        )
        .bind(stage_id)
        .bind(moving)
        .bind(below)
        .fetch_one(self.readers())
        .await?;
        Ok((above, below))
    }

    fn closed_since(&self) -> i64 {
        self.clock.now().timestamp_micros() - CLOSED_WINDOW_MICROS
    }
}

fn stage(row: &SqliteRow) -> StageRow {
    StageRow {
        id: row.get(0),
        pipeline_id: row.get(1),
        name: row.get(2),
        kind: row.get(3),
        count: row.get(4),
        sum_cents: row.get(5),
    }
}

fn lead(row: &SqliteRow) -> LeadRow {
    LeadRow {
        id: row.get(0),
        stage_id: row.get(1),
        pipeline_id: row.get(2),
        contact_id: row.get(3),
        name: row.get::<Option<String>, _>(4).unwrap_or_default(),
        profile_name: row.get(5),
        phone: row.get(6),
        title: row.get(7),
        value_cents: row.get(8),
        source: row.get(9),
        stage_entered_at: row.get(10),
        next_action: row.get(11),
        next_action_at: row.get(12),
        owner: row.get(13),
        position: row.get(14),
        last_message: row.get(15),
        conversation_id: row.get(16),
        loss_reason: row.get(17),
        loss_reason_id: row.get(18),
        loss_note: row.get(19),
        state: RowState::from_rank(row.get(20)),
    }
}
