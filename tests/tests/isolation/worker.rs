//! A desk that works at random: writes, pulls, asks the database, and goes where it has no business.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Result, bail};
use balcao_tenant::{Operation, OperationKind, Role, Verdict};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::sight::copy::{Copy, desk};

/// Rows that desks have seen, by the number of their clinic: table and id.
pub type Rumours = Arc<Mutex<BTreeMap<usize, Vec<(&'static str, Uuid)>>>>;

/// What was done.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    pub applied: u64,
    pub refused: u64,
    pub pulled: u64,
    pub asked: u64,
    pub strayed: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.applied += other.applied;
        self.refused += other.refused;
        self.pulled += other.pulled;
        self.asked += other.asked;
        self.strayed += other.strayed;
    }
}

pub struct Worker {
    pub copy: Copy,
    pub role: Role,
    /// Number of its clinic.
    pub clinic: usize,
    word: String,
    dice: StdRng,
    rumours: Rumours,
    /// For what the program would never ask; some have one, because connections are not without number.
    line: Option<PgConnection>,
}

impl Worker {
    pub async fn new(copy: Copy, role: Role, clinic: usize, word: String, seed: u64, rumours: Rumours) -> Result<Self> {
        let line = match role {
            Role::Attendant | Role::Professional => Some(desk(&copy.login).await?),
            _ => None,
        };
        Ok(Self { copy, role, clinic, word, dice: StdRng::seed_from_u64(seed), rumours, line })
    }

    /// Works until the deadline.
    pub async fn work(mut self, deadline: Instant) -> Result<(Self, Tally)> {
        let mut tally = Tally::default();
        let mut own = self.own().await?;
        while Instant::now() < deadline {
            match self.dice.random_range(0..10) {
                0..=3 => self.write(&own, &mut tally).await?,
                4..=6 => {
                    tally.pulled += self.copy.pull().await?;
                    own = self.own().await?;
                }
                7 => self.ask(&mut tally).await?,
                _ => self.stray(&mut tally).await?,
            }
            let pause = self.dice.random_range(0..60);
            tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
        }
        Ok((self, tally))
    }

    /// Rows of its own copy, which are told around.
    async fn own(&mut self) -> Result<Vec<(&'static str, Uuid)>> {
        let rows: Vec<_> = self.copy.rows().await?.into_keys().collect();
        if let Ok(mut rumours) = self.rumours.lock() {
            rumours.insert(self.clinic, rows.clone());
        }
        Ok(rows)
    }

    async fn write(&mut self, own: &[(&'static str, Uuid)], tally: &mut Tally) -> Result<()> {
        let contacts: Vec<Uuid> = own.iter().filter(|(table, _)| *table == "contacts").map(|(_, id)| *id).collect();
        let Some(contact) = contacts.get(self.dice.random_range(0..contacts.len().max(1))).copied() else {
            return Ok(());
        };
        let text = format!("{} {}", self.word, self.dice.random::<u32>());
        let operation = match self.dice.random_range(0..4) {
            0 => operation("contacts", Uuid::new_v4(), OperationKind::Insert, json!({ "name": text })),
            1 => operation("contacts", contact, OperationKind::Patch, json!({ "notes": text })),
            2 => operation(
                "patients",
                Uuid::new_v4(),
                OperationKind::Insert,
                json!({ "contact_id": contact, "name": text }),
            ),
            _ => {
                let visits: Vec<Uuid> = own.iter().filter(|(t, _)| *t == "appointments").map(|(_, id)| *id).collect();
                let Some(visit) = visits.get(self.dice.random_range(0..visits.len().max(1))).copied() else {
                    return Ok(());
                };
                let agendas: Vec<Uuid> = own.iter().filter(|(t, _)| *t == "professionals").map(|(_, id)| *id).collect();
                let fields = match self.role {
                    Role::Professional => json!({ "notes": text }),
                    _ => json!({ "professional_id": agendas[self.dice.random_range(0..agendas.len())] }),
                };
                operation("appointments", visit, OperationKind::Patch, fields)
            }
        };
        self.apply(operation, tally).await?;
        Ok(())
    }

    async fn apply(&mut self, operation: Operation, tally: &mut Tally) -> Result<Option<Verdict>> {
        match self.copy.tenant.apply(std::slice::from_ref(&operation)).await {
            Ok(outcomes) => {
                let verdict = outcomes.into_iter().next().map(|outcome| outcome.verdict);
                match verdict {
                    Some(Verdict::Applied) => tally.applied += 1,
                    _ => tally.refused += 1,
                }
                Ok(verdict)
            }
            // A viewer writes nothing at all.
            Err(balcao_tenant::Error::NotPermitted) if self.role == Role::Viewer => {
                tally.refused += 1;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for everything it may see, and finds its own only.
    async fn ask(&mut self, tally: &mut Tally) -> Result<()> {
        let Some(line) = &mut self.line else { return Ok(()) };
        tally.asked += 1;
        for (table, column) in [("contacts", "name"), ("patients", "name"), ("clinics", "id")] {
            let sql =
                format!("select count(*) from app.{table} where clinic_id <> app.current_clinic() or {column} is null");
            let strangers: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *line).await?;
            if strangers > 0 {
                bail!("{strangers} strangers in {table}");
            }
        }
        Ok(())
    }

    /// Tries a row that another clinic has.
    async fn stray(&mut self, tally: &mut Tally) -> Result<()> {
        let heard = match self.rumours.lock() {
            Ok(rumours) => {
                let others: Vec<_> = rumours.iter().filter(|(clinic, _)| **clinic != self.clinic).collect();
                if others.is_empty() {
                    return Ok(());
                }
                let (_, rows) = others[self.dice.random_range(0..others.len())];
                rows[self.dice.random_range(0..rows.len())]
            }
            Err(_) => return Ok(()),
        };
        let (table, id) = heard;
        tally.strayed += 1;
        if let Some(line) = &mut self.line {
            let sql = format!("select from app.{table} where id = '{id}'");
            match sqlx::raw_sql(AssertSqlSafe(sql)).execute(line).await {
                Ok(seen) if seen.rows_affected() == 0 => {}
                Err(error) if error.as_database_error().and_then(|e| e.code()).as_deref() == Some("42501") => {}
                seen => bail!("{table} {id} of another clinic: {seen:?}"),
            }
        }
        let word = json!({ "name": self.word });
        let mine = operation(table, id, OperationKind::Patch, word);
        match self.apply(mine, tally).await? {
            None | Some(Verdict::Gone | Verdict::Refused { .. }) => Ok(()),
            Some(verdict) => bail!("{table} {id} of another clinic took a write: {verdict:?}"),
        }
    }
}

fn operation(entity: &str, entity_id: Uuid, kind: OperationKind, fields: Value) -> Operation {
    let fields = match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    Operation {
        operation_id: Uuid::now_v7(),
        entity: entity.to_owned(),
        entity_id,
        kind,
        fields,
        base: Map::new(),
        expires_at: None,
    }
}
