//! Visits, hours and closures as the agenda shows them. Instants are microseconds since 1970.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::{Cache, Result, RowState, row_state};

/// A column of the agenda.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the table")]
pub struct ProfessionalRow {
    pub id: Uuid,
    pub name: String,
    pub specialty: Option<String>,
    pub color: u32,
    /// Where they work, when they work in a room.
    pub room_id: Option<Uuid>,
}

/// One visit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct VisitRow {
    pub id: Uuid,
    pub starts_at: i64,
    pub ends_at: i64,
    pub professional_id: Uuid,
    pub room_id: Option<Uuid>,
    pub room: Option<String>,
    pub service: Option<String>,
    pub patient: String,
    pub contact_id: Uuid,
    pub phone: Option<String>,
    pub status: String,
    pub squeezed_in: bool,
    pub squeeze_reason: Option<String>,
    pub notes: String,
    pub no_show_count: u32,
    /// What its service wants free before it.
    pub buffer_before_minutes: u32,
    /// And after it.
    pub buffer_after_minutes: u32,
    pub state: RowState,
}

/// Weekly hours.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the table")]
pub struct HoursRow {
    pub professional_id: Uuid,
    pub weekday: u32,
    pub starts_minute: u32,
    pub ends_minute: u32,
    /// ISO 8601 date.
    pub valid_from: Option<String>,
    /// ISO 8601 date.
    pub valid_until: Option<String>,
}

/// A closure or extra hours.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the table")]
pub struct ClosureRow {
    pub professional_id: Option<Uuid>,
    /// Only this room; people work on elsewhere.
    pub room_id: Option<Uuid>,
    pub kind: String,
    pub starts_at: i64,
    pub ends_at: i64,
    pub reason: String,
}

/// What the agenda of some days is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after what they hold")]
pub struct AgendaRows {
    pub professionals: Vec<ProfessionalRow>,
    pub visits: Vec<VisitRow>,
    pub hours: Vec<HoursRow>,
    pub closures: Vec<ClosureRow>,
    /// Active rooms, in their order.
    pub rooms: Vec<Uuid>,
}

/// No visit is longer than a day, so one that touches a span began at most that long before it. Microseconds.
pub const LONGEST_VISIT_MICROS: i64 = 24 * 3_600 * 1_000_000;

const VISITS: &str = concat!(
    "select a.id, a.starts_at, a.ends_at, a.professional_id, r.name, s.name, coalesce(t.name, p.name, ''), a.contact_id,
         p.phone, a.status, a.squeezed_in, a.squeeze_reason, a.notes,
         (select count(*) from appointments n where n.patient_id = a.patient_id and n.status = 'no_show'), a.room_id,
         coalesce(s.buffer_before_minutes, 0), coalesce(s.buffer_after_minutes, 0), ",
    row_state!("a.id"),
    " from appointments a left join patients t on t.id = a.patient_id left join contacts p on p.id = a.contact_id
      left join rooms r on r.id = a.room_id left join services s on s.id = a.service_id "
);

impl Cache {
    /// Everything the agenda shows between two instants.
    pub async fn agenda(&self, from: i64, until: i64) -> Result<AgendaRows> {
        let mut connection = self.readers().acquire().await?;
        let professionals = sqlx::query(
            "select id, name, specialty, color, room_id from professionals where active = 1 order by position, name",
        )
        .fetch_all(&mut *connection)
        .await?;
        let statement = format!(
            "{VISITS} where a.starts_at > ?1 and a.starts_at < ?2 and a.ends_at > ?3 order by a.starts_at, a.id"
        );
        let visits = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(from - LONGEST_VISIT_MICROS)
            .bind(until)
            .bind(from)
            .fetch_all(&mut *connection)
            .await?;
        let hours = sqlx::query(
            "select professional_id, weekday, starts_minute, ends_minute, valid_from, valid_until from working_hours",
        )
        .fetch_all(&mut *connection)
        .await?;
        let rooms = sqlx::query("select id from rooms where active = 1 order by position, name")
            .fetch_all(&mut *connection)
            .await?;
        let closures = sqlx::query(
            "select professional_id, room_id, kind, starts_at, ends_at, reason from schedule_exceptions
             where ends_at > ? and starts_at < ?",
        )
        .bind(from)
        .bind(until)
        .fetch_all(&mut *connection)
        .await?;
        Ok(AgendaRows {
            professionals: professionals
                .iter()
                .map(|row| ProfessionalRow {
                    id: row.get(0),
                    name: row.get(1),
                    specialty: row.get(2),
                    color: row.get(3),
                    room_id: row.get(4),
                })
                .collect(),
            visits: visits.iter().map(visit).collect(),
            rooms: rooms.iter().map(|row| row.get(0)).collect(),
            hours: hours
                .iter()
                .map(|row| HoursRow {
                    professional_id: row.get(0),
                    weekday: row.get(1),
                    starts_minute: row.get(2),
                    ends_minute: row.get(3),
                    valid_from: row.get(4),
                    valid_until: row.get(5),
                })
                .collect(),
            closures: closures
                .iter()
                .map(|row| ClosureRow {
                    professional_id: row.get(0),
                    room_id: row.get(1),
                    kind: row.get(2),
                    starts_at: row.get(3),
                    ends_at: row.get(4),
                    reason: row.get(5),
                })
                .collect(),
        })
    }

    /// One visit.
    pub async fn visit(&self, id: Uuid) -> Result<VisitRow> {
        let statement = format!("{VISITS} where a.id = ?");
        let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id).fetch_one(self.readers()).await?;
        Ok(visit(&row))
    }
}

fn visit(row: &SqliteRow) -> VisitRow {
    VisitRow {
        id: row.get(0),
        starts_at: row.get(1),
        ends_at: row.get(2),
        professional_id: row.get(3),
        room: row.get(4),
        service: row.get(5),
        patient: row.get(6),
        contact_id: row.get(7),
        phone: row.get(8),
        status: row.get(9),
        squeezed_in: row.get(10),
        squeeze_reason: row.get(11),
        notes: row.get(12),
        no_show_count: row.get(13),
        room_id: row.get(14),
        buffer_before_minutes: row.get(15),
        buffer_after_minutes: row.get(16),
        state: RowState::from_rank(row.get(17)),
    }
}
