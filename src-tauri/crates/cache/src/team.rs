//! The clinic and the people who work in it.

use sqlx::Row as _;
use uuid::Uuid;

use crate::{Cache, Result};

/// The clinic of this copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClinicRow {
    /// The clinic.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// IANA name.
    pub time_zone: String,
}

/// A member of the clinic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// The member.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// owner, admin, attendant, professional, viewer or agent.
    pub role: String,
}

impl Cache {
    /// The clinic, once it has been copied.
    pub async fn clinic(&self) -> Result<Option<ClinicRow>> {
        let row = sqlx::query("select id, name, time_zone from clinics limit 1").fetch_optional(self.readers()).await?;
        Ok(row.map(|row| ClinicRow { id: row.get(0), name: row.get(1), time_zone: row.get(2) }))
    }

    /// A member, once copied.
    pub async fn member(&self, id: Uuid) -> Result<Option<MemberRow>> {
        let row = sqlx::query("select id, name, role from members where id = ?")
            .bind(id)
            .fetch_optional(self.readers())
            .await?;
        Ok(row.map(|row| MemberRow { id: row.get(0), name: row.get(1), role: row.get(2) }))
    }

    /// The name that an id in a column stands for.
    pub async fn name_of(&self, column: &str, id: Uuid) -> Result<Option<String>> {
        let statement = match column {
            "professional_id" => "select name from professionals where id = ?",
            "stage_id" => "select name from pipeline_stages where id = ?",
            _ => return Ok(None),
        };
        Ok(sqlx::query_scalar(statement).bind(id).fetch_optional(self.readers()).await?)
    }
}
