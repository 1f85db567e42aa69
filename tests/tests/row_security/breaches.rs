//! Everything a login can try against another clinic's rows, table by table.

use std::cell::Cell;

use anyhow::Result;
use balcao_tenant::Role;
use balcao_testkit::database::TestDatabase;
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::catalogue::{self, Table};
use super::{desk, seeding};

/// Two clinics with rows in every table, and a desk of the first one for each role.
pub struct World {
    pub database: TestDatabase,
    pub administrator: PgConnection,
    pub tables: Vec<Table>,
    pub ours: Uuid,
    pub theirs: Uuid,
    pub desks: Vec<(Role, PgConnection)>,
    /// Statements that were tried.
    pub tried: usize,
}

impl World {
    pub async fn on(server: &str) -> Result<Self> {
        let database = TestDatabase::fresh_on(server).await?;
        let (ours, theirs) = (database.clinic_id(), database.another_clinic("Outra clínica").await?.clinic_id);
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let tables = catalogue::tables(&mut administrator).await?;
        let mut desks = Vec::new();
        for role in Role::ALL {
            desks.push((role, desk(&database.add_member(role).await?).await?));
        }
        for clinic in [ours, theirs] {
            seeding::seed(&mut administrator, &tables, clinic).await?;
        }
        Ok(Self { database, administrator, tables, ours, theirs, desks, tried: 0 })
    }

    /// What a login of our clinic can do to the other one, or the database neglects to prevent; empty when all is well.
    pub async fn breaches(&mut self) -> Result<Vec<String>> {
        let mut found = self.static_breaches().await?;
        let tried = Cell::new(0);
        for (role, desk) in &mut self.desks {
            for table in &self.tables {
                let theirs: serde_json::Value = sqlx::query_scalar(AssertSqlSafe(format!(
                    "select to_jsonb(t) from app.{} t where clinic_id = $1 limit 1",
                    table.name
                )))
                .bind(self.theirs)
                .fetch_one(&mut self.administrator)
                .await?;
                let attempt = Attempt { table, ours: self.ours, theirs: self.theirs, their_row: theirs, tried: &tried };
                for breach in attempt.all(desk, &mut self.administrator).await? {
                    found.push(format!("{} on {}: {breach}", role.as_str(), table.name));
                }
            }
        }
        self.tried += tried.get();
        Ok(found)
    }

    /// What the catalogue alone tells.
    async fn static_breaches(&mut self) -> Result<Vec<String>> {
        let mut found: Vec<String> = sqlx::query_scalar(
            "select format('%s: row security is not on and forced', relname) from pg_class
             where relnamespace = 'app'::regnamespace and relkind in ('r', 'p')
               and not (relrowsecurity and relforcerowsecurity)
             union all
             select format('%s: a materialized view or foreign table has no row security', relname) from pg_class c
             where relnamespace = 'app'::regnamespace and relkind in ('m', 'f')
               and exists (select from pg_roles r where r.rolname ~ '^balcao_[a-z]+$' and r.rolname <> 'balcao_definer'
                           and has_table_privilege(r.oid, c.oid, 'select'))
             union all
             select format('%s: everybody has a privilege on it', relname) from pg_class
             where relnamespace = 'app'::regnamespace and exists (select from aclexplode(relacl) where grantee = 0)
             union all
             select format('%s: a view runs with the rights of its owner', relname) from pg_class c
             where relnamespace = 'app'::regnamespace and relkind = 'v'
               and not coalesce(reloptions, '{}') && array['security_invoker=true', 'security_barrier=true']",
        )
        .fetch_all(&mut self.administrator)
        .await?;
        for table in &self.tables {
            if !table.has("clinic_id") {
                found.push(format!("{}: no row says whose it is", table.name));
            }
            for reference in table.references.iter().filter(|reference| !reference.holds_clinic) {
                found.push(format!("{}: {} can point into another clinic", table.name, reference.constraint));
            }
        }
        Ok(found)
    }
}

struct Attempt<'a> {
    table: &'a Table,
    ours: Uuid,
    theirs: Uuid,
    their_row: serde_json::Value,
    tried: &'a Cell<usize>,
}

/// What became of one statement, which is undone in any case.
#[derive(PartialEq)]
enum Outcome {
    Rows(u64),
    Refused(String),
}

impl Attempt<'_> {
    async fn all(&self, desk: &mut PgConnection, administrator: &mut PgConnection) -> Result<Vec<String>> {
        let (table, ours, theirs) = (&self.table.name, self.ours, self.theirs);
        let mut found = Vec::new();

        // Read and count.
        let seen = self.try_it(desk, format!("select from app.{table} where clinic_id = '{theirs}'")).await?;
        self.expect_none(&mut found, "sees rows", seen);
        if let Outcome::Rows(seen) = self.try_it(desk, format!("select from app.{table}")).await? {
            let own = seeding::count(administrator, table, ours).await?;
            if i64::try_from(seen)? > own {
                found.push(format!("counts {seen} rows where {own} are its own"));
            }
        }
        for lock in ["for update", "for key share"] {
            let locked =
                self.try_it(desk, format!("select from app.{table} where clinic_id = '{theirs}' {lock}")).await?;
            self.expect_none(&mut found, "locks rows", locked);
        }

        // Write: into the other clinic, over its rows, and out of our own.
        for conflict in ["", " on conflict do nothing"] {
            let same = self.try_it(desk, self.insert_theirs(false) + conflict).await?;
            self.expect_refusal(&mut found, "puts a row that is there into it", same);
            let new = self.try_it(desk, self.insert_theirs(true) + conflict).await?;
            self.expect_refusal(&mut found, "puts a new row into it", new);
        }
        let writable = self.columns_with(administrator, desk, "update").await?;
        if let Some(column) = writable.first() {
            let sql = format!("update app.{table} set {column} = {column}");
            let changed = self.try_it(desk, format!("{sql} where clinic_id = '{theirs}'")).await?;
            self.expect_none(&mut found, "changes rows", changed);
        }
        for column in ["clinic_id", "id"].into_iter().filter(|column| self.table.takes(column)) {
            // Only a clinic is named by its id.
            if (column == "id") != (table == "clinics") {
                continue;
            }
            let sql = format!("update app.{table} set {column} = '{theirs}' where clinic_id = '{ours}'");
            let moved = self.try_it(desk, sql).await?;
            self.expect_none(&mut found, "moves rows into it", moved);
        }
        let deleted = self.try_it(desk, format!("delete from app.{table} where clinic_id = '{theirs}'")).await?;
        self.expect_none(&mut found, "deletes rows", deleted);
        let emptied = self.try_it(desk, format!("truncate app.{table} cascade")).await?;
        self.expect_refusal(&mut found, "empties the table", emptied);
        let none = format!("merge into app.{table} t using (select 1) s on t.clinic_id = '{theirs}'");
        for then in ["do nothing", "delete"] {
            let merged = self.try_it(desk, format!("{none} when matched then {then}")).await?;
            self.expect_none(&mut found, "merges over rows", merged);
        }
        if let Some(column) = writable.first() {
            let sql = format!("{none} when matched then update set {column} = t.{column}");
            let merged = self.try_it(desk, sql).await?;
            self.expect_none(&mut found, "merges over rows", merged);
        }

        // Hold up everybody else; go around the policies with the other way of reading and writing.
        for mode in ["share update exclusive", "share", "exclusive", "access exclusive"] {
            let locked = self.try_it(desk, format!("lock table app.{table} in {mode} mode")).await?;
            self.expect_refusal(&mut found, "locks the table", locked);
        }
        let guarded: bool = sqlx::query_scalar(AssertSqlSafe(format!("select row_security_active('app.{table}')")))
            .fetch_one(&mut *desk)
            .await?;
        if guarded {
            let stored = self.try_it(desk, format!("copy app.{table} from stdin")).await?;
            match &stored {
                // Not made for tables with row security.
                Outcome::Refused(sqlstate) if sqlstate == "0A000" => {}
                _ => self.expect_refusal(&mut found, "copies into the table", stored),
            }
        } else {
            found.push("may copy into the table".to_owned());
        }
        found.extend(self.copied_out(desk).await?);

        found.extend(self.references(desk, administrator, &writable).await?);
        Ok(found)
    }

    /// Copies out what can be read.
    async fn copied_out(&self, desk: &mut PgConnection) -> Result<Vec<String>> {
        let table = &self.table.name;
        let mut found = Vec::new();
        if self.try_it(desk, format!("select * from app.{table}")).await? == Outcome::Refused("42501".to_owned()) {
            let refused = self.try_it(desk, format!("copy app.{table} to stdout")).await?;
            self.expect_refusal(&mut found, "copies out", refused);
            return Ok(found);
        }
        self.tried.set(self.tried.get() + 1);
        let mut stream = desk.copy_out_raw(&format!("copy app.{table} to stdout")).await?;
        let mut copied = Vec::new();
        while let Some(piece) = stream.try_next().await? {
            copied.extend_from_slice(&piece);
        }
        if String::from_utf8_lossy(&copied).contains(&self.theirs.to_string()) {
            found.push("copies rows out".to_owned());
        }
        Ok(found)
    }

    /// Lets our own rows point at rows of the other clinic.
    async fn references(
        &self,
        desk: &mut PgConnection,
        administrator: &mut PgConnection,
        writable: &[String],
    ) -> Result<Vec<String>> {
        let (table, ours, theirs) = (&self.table.name, self.ours, self.theirs);
        let mut found = Vec::new();
        for reference in self.table.references.iter().filter(|reference| !reference.columns.is_empty()) {
            let target = &reference.table;
            let mut given = Vec::new();
            for (here, there) in &reference.columns {
                let sql = format!("select {there}::text from app.{target} where clinic_id = $1 order by 1 limit 1");
                let value: String =
                    sqlx::query_scalar(AssertSqlSafe(sql)).bind(theirs).fetch_one(&mut *administrator).await?;
                given.push((here.clone(), value));
            }
            // A trigger may have taken the reference out again: only a row that points counts.
            let pointing: Vec<String> = given.iter().map(|(here, value)| format!("{here}::text = '{value}'")).collect();
            let pointing = pointing.join(" and ");
            if given.iter().all(|(here, _)| writable.contains(here)) {
                let set: Vec<String> = given.iter().map(|(here, value)| format!("{here} = '{value}'")).collect();
                let change = format!("update app.{table} set {} where clinic_id = '{ours}'", set.join(", "));
                let sql = format!("with made as ({change} returning *) select from made where {pointing}");
                if let Outcome::Rows(rows) = self.try_it(desk, sql).await?
                    && rows > 0
                {
                    found.push(format!("lets {} point into it by a change", reference.constraint));
                }
            }
            // Values of our own row with a new identity, except for the column that points.
            let row = format!("(select to_jsonb(t) from app.{table} t where clinic_id = '{ours}' limit 1)");
            let mut changes: serde_json::Map<String, serde_json::Value> =
                given.into_iter().map(|(here, value)| (here, value.into())).collect();
            if self.table.takes("id") {
                changes.insert("id".to_owned(), Uuid::new_v4().to_string().into());
            }
            let changes = serde_json::Value::Object(changes);
            let insert = self.insert(&format!("{row} || '{changes}'::jsonb"));
            let sql = format!("with made as ({insert} returning *) select from made where {pointing}");
            if let Outcome::Rows(rows) = self.try_it(desk, sql).await?
                && rows > 0
            {
                found.push(format!("lets {} point into it by a new row", reference.constraint));
            }
        }
        Ok(found)
    }

    fn insert_theirs(&self, new: bool) -> String {
        let mut row = self.their_row.clone();
        if new && self.table.takes("id") {
            row["id"] = Uuid::new_v4().to_string().into();
        }
        self.insert(&format!("'{}'::jsonb", row.to_string().replace('\'', "''")))
    }

    fn insert(&self, row: &str) -> String {
        let (table, columns) =
            (&self.table.name, self.table.writable().map(|c| &*c.name).collect::<Vec<_>>().join(", "));
        format!(
            "insert into app.{table} ({columns}) select {columns} from jsonb_populate_record(null::app.{table}, {row})"
        )
    }

    async fn columns_with(
        &self,
        administrator: &mut PgConnection,
        desk: &mut PgConnection,
        privilege: &str,
    ) -> Result<Vec<String>> {
        let login: String = sqlx::query_scalar("select session_user::text").fetch_one(desk).await?;
        let mut columns = Vec::new();
        for column in self.table.writable().filter(|column| column.name != "clinic_id") {
            let may: bool = sqlx::query_scalar("select has_column_privilege($1, 'app.' || quote_ident($2), $3, $4)")
                .bind(&login)
                .bind(&self.table.name)
                .bind(&column.name)
                .bind(privilege)
                .fetch_one(&mut *administrator)
                .await?;
            if may {
                columns.push(column.name.clone());
            }
        }
        Ok(columns)
    }

    /// A statement that a lock or a full machine held up is no answer: it is asked again.
    async fn try_it(&self, desk: &mut PgConnection, sql: String) -> Result<Outcome> {
        let mut outcome = self.try_once(desk, &sql).await?;
        for _ in 0..5 {
            match &outcome {
                Outcome::Refused(sqlstate) if matches!(sqlstate.as_str(), "55P03" | "57014" | "40P01") => {
                    outcome = self.try_once(desk, &sql).await?;
                }
                _ => break,
            }
        }
        Ok(outcome)
    }

    async fn try_once(&self, desk: &mut PgConnection, sql: &str) -> Result<Outcome> {
        self.tried.set(self.tried.get() + 1);
        let mut transaction = desk.begin().await?;
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *transaction).await;
        let outcome = match done {
            Ok(done) => match sqlx::raw_sql("set constraints all immediate").execute(&mut *transaction).await {
                Ok(_) => Outcome::Rows(done.rows_affected()),
                Err(error) => refused(error, sql)?,
            },
            Err(error) => refused(error, sql)?,
        };
        transaction.rollback().await?;
        Ok(outcome)
    }

    fn expect_none(&self, found: &mut Vec<String>, what: &str, outcome: Outcome) {
        match outcome {
            Outcome::Rows(0) => {}
            Outcome::Refused(sqlstate) if sqlstate == "42501" => {}
            Outcome::Rows(rows) => found.push(format!("{what}: {rows}")),
            // An error about the data is an answer about the data.
            Outcome::Refused(sqlstate) => found.push(format!("{what}: told {sqlstate}")),
        }
    }

    fn expect_refusal(&self, found: &mut Vec<String>, what: &str, outcome: Outcome) {
        match outcome {
            Outcome::Refused(sqlstate) if sqlstate == "42501" => {}
            Outcome::Rows(_) => found.push(what.to_owned()),
            Outcome::Refused(sqlstate) => found.push(format!("{what}: told {sqlstate}")),
        }
    }
}

/// A mistake in the test's own SQL must not pass for a refusal.
fn refused(error: sqlx::Error, sql: &str) -> Result<Outcome> {
    match error.as_database_error().and_then(|error| error.code()) {
        Some(sqlstate) if !sqlstate.starts_with("42") || sqlstate == "42501" => {
            Ok(Outcome::Refused(sqlstate.into_owned()))
        }
        _ => Err(anyhow::Error::new(error).context(sql.to_owned())),
    }
}
