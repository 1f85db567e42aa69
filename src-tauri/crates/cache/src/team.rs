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
    /// human, veterinary, dental or other.
    pub vertical: String,
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

/// A WhatsApp connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    /// The connection.
    pub id: Uuid,
    /// Name.
    pub name: String,
}

impl Cache {
    /// The clinic, once it has been copied.
    pub async fn clinic(&self) -> Result<Option<ClinicRow>> {
        let row = sqlx::query("select id, name, time_zone, vertical from clinics limit 1")
            .fetch_optional(self.readers())
            .await?;
        Ok(row.map(|row| ClinicRow { id: row.get(0), name: row.get(1), time_zone: row.get(2), vertical: row.get(3) }))
    }

    /// A member, once copied.
    pub async fn member(&self, id: Uuid) -> Result<Option<MemberRow>> {
        let row = sqlx::query("select id, name, role from members where id = ?")
            .bind(id)
            .fetch_optional(self.readers())
            .await?;
        Ok(row.map(|row| MemberRow { id: row.get(0), name: row.get(1), role: row.get(2) }))
    }

    /// Everybody who is or was a member.
    pub async fn team(&self) -> Result<Vec<MemberRow>> {
        let rows =
            sqlx::query("select id, name, role from members order by name, id").fetch_all(self.readers()).await?;
        Ok(rows.iter().map(|row| MemberRow { id: row.get(0), name: row.get(1), role: row.get(2) }).collect())
    }

    /// The people who work here, by name.
    pub async fn people_at_work(&self) -> Result<Vec<MemberRow>> {
        let rows = sqlx::query(
            "select id, name, role from members where active = 1 and role in ('owner', 'admin', 'attendant') order by name, id",
        )
        .fetch_all(self.readers())
        .await?;
        Ok(rows.iter().map(|row| MemberRow { id: row.get(0), name: row.get(1), role: row.get(2) }).collect())
    }

    /// The clinic's connections in use, by name.
    pub async fn channels(&self) -> Result<Vec<ChannelRow>> {
        let rows = sqlx::query("select id, name from channels where active = 1 order by name, id")
            .fetch_all(self.readers())
            .await?;
        Ok(rows.iter().map(|row| ChannelRow { id: row.get(0), name: row.get(1) }).collect())
    }

    /// The row of the clinic's settings, and how it works in its inbox: a JSON object.
    pub async fn inbox_settings(&self) -> Result<Option<(Uuid, String)>> {
        let row = sqlx::query("select id, inbox from clinic_settings limit 1").fetch_optional(self.readers()).await?;
        Ok(row.map(|row| (row.get(0), row.get(1))))
    }

    /// The name that an id in a column stands for.
    pub async fn name_of(&self, column: &str, id: Uuid) -> Result<Option<String>> {
        let statement = match column {
            "professional_id" => "select name from professionals where id = ?",
            "stage_id" => "select name from pipeline_stages where id = ?",
            "loss_reason_id" => "select name from loss_reasons where id = ?",
            "room_id" => "select name from rooms where id = ?",
            "contact_id" => "select coalesce(nullif(name, ''), profile_name, phone, '') from contacts where id = ?",
            "service_id" => "select name from services where id = ?",
            "quick_reply_id" => "select title from quick_replies where id = ?",
            "owner_id" | "assignee_id" => "select name from members where id = ?",
            _ => return Ok(None),
        };
        Ok(sqlx::query_scalar(statement).bind(id).fetch_optional(self.readers()).await?)
    }
}
