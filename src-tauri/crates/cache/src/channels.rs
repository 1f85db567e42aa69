//! The clinic's connections to WhatsApp, how they are doing, and which computer looks after them.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::{Cache, Result};

/// A connection. Instants are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct ConnectionRow {
    pub id: Uuid,
    pub name: String,
    pub kind: String,
    pub url: Option<String>,
    pub instance: Option<String>,
    pub phone: Option<String>,
    pub status: String,
    pub active: bool,
    /// JSON object.
    pub settings: String,
    pub last_inbound_at: Option<i64>,
    pub last_ack_at: Option<i64>,
    pub acks_missing_since: Option<i64>,
    pub last_sweep_at: Option<i64>,
    pub unknown_outcomes: u32,
    pub problem: Option<String>,
    pub needs_pairing: bool,
}

/// The computer that does the background work, or did it last. Instants are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct HolderRow {
    pub label: String,
    pub since: i64,
    pub seen_at: i64,
    pub released_at: Option<i64>,
}

impl Cache {
    /// Every connection of the clinic, those in use first, by name.
    pub async fn connections(&self) -> Result<Vec<ConnectionRow>> {
        let rows = sqlx::query(
            "select id, name, kind, url, instance, phone, status, active, settings, last_inbound_at, last_ack_at,
                 acks_missing_since, last_sweep_at, unknown_outcomes, problem, needs_pairing
             from channels order by active desc, name, id",
        )
        .fetch_all(self.readers())
        .await?;
        Ok(rows.iter().map(connection).collect())
    }

    /// Who does the background work; nobody ever did where there is none.
    pub async fn background_holder(&self) -> Result<Option<HolderRow>> {
        let row = sqlx::query(
            "select label, since, seen_at, released_at from background_holders where lease = 'background' limit 1",
        )
        .fetch_optional(self.readers())
        .await?;
        Ok(row.map(|row| HolderRow {
            label: row.get("label"),
            since: row.get("since"),
            seen_at: row.get("seen_at"),
            released_at: row.get("released_at"),
        }))
    }
}

fn connection(row: &SqliteRow) -> ConnectionRow {
    ConnectionRow {
        id: row.get("id"),
        name: row.get("name"),
        kind: row.get("kind"),
        url: row.get("url"),
        instance: row.get("instance"),
        phone: row.get("phone"),
        status: row.get("status"),
        active: row.get("active"),
        settings: row.get("settings"),
        last_inbound_at: row.get("last_inbound_at"),
        last_ack_at: row.get("last_ack_at"),
        acks_missing_since: row.get("acks_missing_since"),
        last_sweep_at: row.get("last_sweep_at"),
        unknown_outcomes: row.get("unknown_outcomes"),
        problem: row.get("problem"),
        needs_pairing: row.get("needs_pairing"),
    }
}
