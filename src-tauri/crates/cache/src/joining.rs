//! What would come together if two people were one.

use sqlx::Row as _;
use uuid::Uuid;

use crate::{Cache, Result};

/// One of two people, and what hangs on them in this copy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables, and how many rows there are")]
pub struct PersonWeight {
    pub name: String,
    pub profile_name: Option<String>,
    pub phone: Option<String>,
    pub patients: Vec<String>,
    pub conversations: u32,
    pub visits: u32,
    pub leads: u32,
}

impl Cache {
    /// A person, weighed. [`crate::Error::NotFound`] when there is none.
    pub async fn person_weight(&self, contact: Uuid) -> Result<PersonWeight> {
        let row = sqlx::query(
            "select p.name, p.profile_name, p.phone,
                 (select count(*) from conversations c where c.contact_id = p.id and c.last_message_at is not null),
                 (select count(*) from appointments a where a.contact_id = p.id),
                 (select count(*) from leads l where l.contact_id = p.id)
             from contacts p where p.id = ?",
        )
        .bind(contact)
        .fetch_one(self.readers())
        .await?;
        let patients = sqlx::query_scalar(
            "select name from patients where contact_id = ? and active = 1 order by relation = 'self' desc, name",
        )
        .bind(contact)
        .fetch_all(self.readers())
        .await?;
        Ok(PersonWeight {
            name: row.get(0),
            profile_name: row.get(1),
            phone: row.get(2),
            patients,
            conversations: row.get(3),
            visits: row.get(4),
            leads: row.get(5),
        })
    }

    /// Whether both have an open lead in the same pipeline: then somebody has to say first which of the two it is.
    pub async fn leads_collide(&self, one: Uuid, other: Uuid) -> Result<bool> {
        let collide = sqlx::query_scalar(
            "select exists (select 1 from leads a join leads b on b.pipeline_id = a.pipeline_id
                            where a.contact_id = ? and a.closed_at is null and b.contact_id = ? and b.closed_at is null)",
        );
        Ok(collide.bind(one).bind(other).fetch_one(self.readers()).await?)
    }
}
