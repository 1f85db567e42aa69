//! Sending queued writes: one call applies a batch, exactly once each.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::Row as _;
use sqlx::types::Json;
use uuid::Uuid;

use crate::connect::{LARGE_ANSWER, within};
use crate::{Error, Result, Tenant};

/// What an operation does with its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// Makes it.
    Insert,
    /// Changes some columns.
    Patch,
    /// Removes it.
    Delete,
}

/// One queued write.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Makes a repetition harmless.
    pub operation_id: Uuid,
    /// Table.
    pub entity: String,
    /// Row.
    pub entity_id: Uuid,
    /// What it does.
    pub kind: OperationKind,
    /// Wanted values by column.
    pub fields: Map<String, Value>,
    /// Values the desk saw when the person decided, by column; a column without one is written whatever stands there.
    pub base: Map<String, Value>,
    /// After this instant it is refused, unless it was applied before.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What the database made of an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Done now.
    Applied,
    /// Was done before; the answer got lost.
    Already,
    /// Someone else changed the same columns: their values.
    Conflict {
        /// By column.
        theirs: Map<String, Value>,
    },
    /// Another transaction holds the row: nothing was done, and trying again helps.
    Busy,
    /// The row is not there any more.
    Gone,
    /// Not allowed, or against a rule: slot_taken, duplicate, missing_reference, constraint, not_permitted, invalid.
    Refused {
        /// Which.
        reason: String,
        /// The named constraint that said no.
        constraint: Option<String>,
    },
}

/// The verdict on one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Which operation.
    pub operation_id: Uuid,
    /// What became of it.
    pub verdict: Verdict,
    /// Version of the row now, where there is one.
    pub version: Option<i64>,
}

impl OperationKind {
    /// Name in the database and in the outbox.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

impl Tenant {
    /// Applies a batch in one round trip and one transaction, each operation in a sub-transaction of its own: a refused one
    /// does not hold the others back. An error means that nothing is known about any of them; send them again.
    pub async fn apply(&self, operations: &[Operation]) -> Result<Vec<Outcome>> {
        let batch: Vec<Value> = operations
            .iter()
            .map(|operation| {
                serde_json::json!({
                    "operation_id": operation.operation_id,
                    "entity": operation.entity,
                    "entity_id": operation.entity_id,
                    "kind": operation.kind.as_str(),
                    "fields": operation.fields,
                    "base": operation.base,
                    "expires_at": operation.expires_at,
                })
            })
            .collect();
        let statement = sqlx::query("select operation_id, outcome, version, detail from app.apply_operations($1)")
            .bind(Json(batch));
        let rows = self.ask(async |connection| within(LARGE_ANSWER, statement.fetch_all(connection)).await).await?;
        rows.iter()
            .map(|row| {
                let detail: Option<Json<Map<String, Value>>> = row.get("detail");
                let detail = detail.map(|json| json.0).unwrap_or_default();
                let text = |key: &str| detail.get(key).and_then(Value::as_str).map(str::to_owned);
                let verdict = match row.get::<&str, _>("outcome") {
                    "applied" => Verdict::Applied,
                    "already" => Verdict::Already,
                    "conflict" => Verdict::Conflict {
                        theirs: detail.get("theirs").and_then(Value::as_object).cloned().unwrap_or_default(),
                    },
                    "busy" => Verdict::Busy,
                    "gone" => Verdict::Gone,
                    "refused" => Verdict::Refused {
                        reason: text("reason").unwrap_or_else(|| "invalid".to_owned()),
                        constraint: text("constraint"),
                    },
                    _ => return Err(Error::Protocol),
                };
                Ok(Outcome { operation_id: row.get("operation_id"), verdict, version: row.get("version") })
            })
            .collect()
    }
}
