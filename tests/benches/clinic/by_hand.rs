//! The effects of queued writes as bare statements, sent the way somebody in a hurry would: all at once.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value as Json};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::desks::Profile;
use crate::first_copy;

/// The effect of one queued write.
pub struct Statement {
    entity: String,
    id: Uuid,
    inserts: bool,
    fields: Map<String, Json>,
}

/// How the statements go. Each way is one text in one message, and so one round trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// With their values in them, in one transaction.
    Text,
    /// Prepared once per shape, in one transaction.
    Prepared,
    /// With their values in them, each in a transaction of its own.
    EachByItself,
}

impl Manner {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Text, Self::Prepared, Self::EachByItself];
}

/// Reads what waits in the queue of a profile whose desk is closed, in order.
pub async fn read(profile: &Profile) -> Result<Vec<Statement>> {
    let mut copy = first_copy::options(&profile.copy(), &profile.key().await?).read_only(true).connect().await?;
    let rows = sqlx::query("select entity, entity_id, kind, fields from outbox order by seq").fetch_all(&mut copy);
    rows.await?
        .iter()
        .map(|row| {
            let inserts = match row.get::<&str, _>("kind") {
                "insert" => true,
                "patch" => false,
                other => bail!("it is not known how {other} is done by hand"),
            };
            Ok(Statement {
                entity: row.get("entity"),
                id: row.get("entity_id"),
                inserts,
                fields: serde_json::from_str(row.get("fields"))?,
            })
        })
        .collect()
}

/// Sends them and waits for the answer.
pub async fn send(connection: &mut PgConnection, statements: &[Statement], manner: Manner) -> Result<Duration> {
    let script = match manner {
        Manner::Text => format!("begin;\n{}commit;", texts(statements, |text| format!("{text};\n"))),
        Manner::Prepared => format!("begin;\n{}commit;", prepared(statements)),
        Manner::EachByItself => texts(statements, |text| format!("begin;{text};commit;\n")),
    };
    let begun = Instant::now();
    let done = sqlx::raw_sql(AssertSqlSafe(script)).execute(connection).await.context("by hand")?;
    let took = begun.elapsed();
    ensure!(done.rows_affected() == statements.len() as u64, "by hand, {} rows changed", done.rows_affected());
    Ok(took)
}

fn texts(statements: &[Statement], around: impl Fn(&str) -> String) -> String {
    statements.iter().map(|statement| around(&statement.with(&statement.literals()))).collect()
}

fn prepared(statements: &[Statement]) -> String {
    let (mut script, mut names) = (String::new(), HashMap::new());
    for statement in statements {
        let placeholders: Vec<String> = (1..=statement.fields.len() + 1).map(|number| format!("${number}")).collect();
        let shape = statement.with(&placeholders);
        let fresh = names.len();
        let number = *names.entry(shape).or_insert_with_key(|shape| {
            let _ = writeln!(script, "prepare by_hand_{fresh} as {shape};");
            fresh
        });
        let _ = writeln!(script, "execute by_hand_{number}({});", statement.literals().join(", "));
    }
    script
}

impl Statement {
    /// The statement with these in the places of its id and its values.
    fn with(&self, values: &[String]) -> String {
        let (entity, columns) = (&self.entity, self.fields.keys().map(String::as_str).collect::<Vec<_>>());
        if self.inserts {
            return format!(
                "insert into app.{entity} (clinic_id, id, {}) values ((select app.current_clinic()), {})",
                columns.join(", "),
                values.join(", ")
            );
        }
        let sets: Vec<String> =
            columns.iter().zip(&values[1..]).map(|(column, value)| format!("{column} = {value}")).collect();
        format!(
            "update app.{entity} set {} where clinic_id = (select app.current_clinic()) and id = {}",
            sets.join(", "),
            values[0]
        )
    }

    fn literals(&self) -> Vec<String> {
        let id = format!("'{}'", self.id);
        std::iter::once(id).chain(self.fields.values().map(literal)).collect()
    }
}

/// PostgreSQL gives a quoted text the type of its column.
fn literal(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::String(text) => quoted(text),
        Json::Array(_) | Json::Object(_) => quoted(&value.to_string()),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
