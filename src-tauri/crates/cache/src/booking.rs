//! What a new visit is made of: for whom, and what for.

use sqlx::Row as _;
use uuid::Uuid;

use crate::{Cache, Result};

/// Somebody who is cared for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the table")]
pub struct PatientRow {
    pub id: Uuid,
    pub name: String,
    /// self, dependent, animal or other.
    pub relation: String,
}

/// What can be booked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct ServiceRow {
    pub id: Uuid,
    pub name: String,
    pub duration_minutes: u32,
    pub buffer_before_minutes: u32,
    pub buffer_after_minutes: u32,
    pub price_cents: Option<i64>,
    /// Who is said to do it. Nobody: it is not said who does it.
    pub professionals: Vec<Uuid>,
}

/// A visit that was booked here and that the database has not taken, or not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct AwaitedRow {
    pub id: Uuid,
    /// Microseconds since 1970.
    pub starts_at: i64,
    pub professional_id: Uuid,
    pub professional: String,
    pub patient: String,
    /// Of the patient to the person: self, dependent, animal or other.
    pub relation: String,
    /// Why a person is asked about it.
    pub refused: Option<String>,
}

impl Cache {
    /// Visits of a person that wait to be taken by the database, or were not taken.
    pub async fn awaited_visits(&self, contact_id: Uuid) -> Result<Vec<AwaitedRow>> {
        let rows = sqlx::query(
            "select a.id, a.starts_at, a.professional_id, d.name, p.name, p.relation,
                    case when o.state = 'parked' then coalesce(o.reason, '') end
             from outbox o join appointments a on a.id = o.entity_id
             join professionals d on d.id = a.professional_id join patients p on p.id = a.patient_id
             where o.action = 'book_appointment' and o.kind = 'insert' and a.contact_id = ?
             order by a.starts_at, a.id",
        )
        .bind(contact_id)
        .fetch_all(self.readers())
        .await?;
        Ok(rows
            .iter()
            .map(|row| AwaitedRow {
                id: row.get(0),
                starts_at: row.get(1),
                professional_id: row.get(2),
                professional: row.get(3),
                patient: row.get(4),
                relation: row.get(5),
                refused: row.get(6),
            })
            .collect())
    }

    /// Whether a patient has this visit and nothing else, as far as this computer knows.
    pub async fn is_only_of(&self, patient: Uuid, visit: Uuid) -> Result<bool> {
        let only = sqlx::query_scalar(
            "select exists (select 1 from appointments where id = ?2 and patient_id = ?1)
                and not exists (select 1 from appointments where patient_id = ?1 and id <> ?2)",
        );
        Ok(only.bind(patient).bind(visit).fetch_one(self.readers()).await?)
    }

    /// For whom a person can book: the person's own first, then by name.
    pub async fn patients(&self, contact_id: Uuid) -> Result<Vec<PatientRow>> {
        let rows = sqlx::query(
            "select id, name, relation from patients where contact_id = ? and active = 1
             order by relation = 'self' desc, name, id",
        )
        .bind(contact_id)
        .fetch_all(self.readers())
        .await?;
        Ok(rows.iter().map(|row| PatientRow { id: row.get(0), name: row.get(1), relation: row.get(2) }).collect())
    }

    /// What can be booked, by name.
    pub async fn services(&self) -> Result<Vec<ServiceRow>> {
        let mut connection = self.readers().acquire().await?;
        let rows = sqlx::query(
            "select id, name, duration_minutes, buffer_before_minutes, buffer_after_minutes, price_cents from services
             where active = 1 order by name, id",
        )
        .fetch_all(&mut *connection)
        .await?;
        let who = sqlx::query("select service_id, professional_id from professional_services")
            .fetch_all(&mut *connection)
            .await?;
        let who: Vec<(Uuid, Uuid)> = who.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(rows
            .iter()
            .map(|row| {
                let id = row.get(0);
                ServiceRow {
                    id,
                    name: row.get(1),
                    duration_minutes: row.get(2),
                    buffer_before_minutes: row.get(3),
                    buffer_after_minutes: row.get(4),
                    price_cents: row.get(5),
                    professionals: who.iter().filter(|(service, _)| *service == id).map(|(_, who)| *who).collect(),
                }
            })
            .collect())
    }

    /// What a person last came for, or will come for.
    pub async fn last_service(&self, contact_id: Uuid) -> Result<Option<Uuid>> {
        let service = sqlx::query_scalar(
            "select a.service_id from appointments a join services s on s.id = a.service_id and s.active = 1
             where a.contact_id = ? and a.status <> 'cancelled' order by a.starts_at desc limit 1",
        );
        Ok(service.bind(contact_id).fetch_optional(self.readers()).await?)
    }
}
