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

impl Cache {
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
