//! Filling an empty database from a copy of another: its definitions, its rows, what has to be different in the new place,
//! its constraints and triggers. All of it is one transaction: what is interrupted leaves the database as it was.
//!
//! The text that is run is what `pg_restore` writes for the three sections of an archive.

use serde::Serialize;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Connection as _, PgPool, Postgres, Row, Transaction};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};
use uuid::Uuid;

use super::admin::{self, Admin, execute, quoted};
use super::digest::{self, TableDigest};
use super::{Connection, login};
use crate::connect::Role;
use crate::migrations;
use crate::{Error, Result, SCHEMA_VERSION};

/// Bytes of rows that are sent at once.
const CHUNK: usize = 256 * 1024;

/// A clinic that has moved in, and its owner's new login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoredClinic {
    /// The clinic.
    pub clinic_id: Uuid,
    /// Its name.
    pub clinic_name: String,
    /// The login of its owner, with its password.
    pub owner: Connection,
}

/// A database that is being filled.
pub struct Restoration {
    admin: Admin,
    pool: PgPool,
    transaction: Transaction<'static, Postgres>,
    user: String,
    /// To whom everything belonged that has no other owner: as the definitions write the name.
    former: String,
}

impl Restoration {
    /// Begins in a database that has no clinic's schema, and makes the roles that the definitions name.
    ///
    /// # Errors
    /// As [`super::provision`]; [`Error::InvalidRequest`] about `database` when there is something in it already.
    pub async fn begin(admin_url: &str) -> Result<Self> {
        let admin = Admin::at(admin_url)?;
        let mut connection = admin.open().await?;
        admin::check(&mut connection).await?;
        connection.close().await?;
        let pool = admin.pool();
        // The driver's own, within which the transactions of the migrations are parts.
        let mut transaction = pool.begin().await?;
        sqlx::raw_sql("set local lock_timeout = '60s'; set local client_min_messages = 'warning'")
            .execute(&mut *transaction)
            .await?;
        let taken: bool =
            sqlx::query_scalar("select exists (select from pg_namespace where nspname in ('app', 'internal'))")
                .fetch_one(&mut *transaction)
                .await?;
        if taken {
            return Err(Error::InvalidRequest { field: "database", reason: "there is something in it already" });
        }
        let user = sqlx::query_scalar("select current_user::text").fetch_one(&mut *transaction).await?;
        // The schema is made as for a new clinic and removed again: the roles stay, as the definitions need them.
        migrations::apply(&mut transaction).await?;
        // What functions begin with from now on belongs to no schema, so it outlives them; the extensions that follow are to
        // begin as they did in the old place.
        sqlx::raw_sql(
            "drop schema app, internal, ext cascade; alter default privileges grant execute on functions to public",
        )
        .execute(&mut *transaction)
        .await?;
        Ok(Self { admin, pool, transaction, user, former: String::new() })
    }

    /// Runs definitions: schemas, tables and functions, or what comes after the rows.
    ///
    /// # Errors
    /// Whatever the database says to one of them.
    pub async fn define(&mut self, script: &str) -> Result<()> {
        self.settings().await?;
        let former = script.lines().find_map(|line| line.strip_prefix("ALTER SCHEMA app OWNER TO ")?.strip_suffix(';'));
        if let Some(former) = former {
            former.clone_into(&mut self.former);
        }
        let script = self.of_this_place(script);
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut *self.transaction).await?;
        Ok(())
    }

    /// Stores the rows in the text that `pg_restore` writes for them. Returns how many there were.
    ///
    /// # Errors
    /// [`Error::Protocol`] when the text is cut off or is not of this kind; [`Error::Interrupted`] when it cannot be read.
    pub async fn fill(&mut self, script: impl AsyncBufRead + Unpin, told: impl Fn(u64)) -> Result<u64> {
        self.settings().await?;
        let (mut script, mut line, mut rows) = (script, Vec::new(), 0);
        while next_line(&mut script, &mut line).await? {
            let text = std::str::from_utf8(&line).map_err(|_| Error::Protocol)?.trim_end();
            if text.starts_with("COPY ") && text.ends_with(" FROM stdin;") {
                let statement = text.trim_end_matches(';').to_owned();
                rows += self.copy(&statement, &mut script, |done| told(rows + done)).await?;
            } else if text.starts_with("SELECT pg_catalog.setval(") {
                execute(&mut self.transaction, text.to_owned()).await?;
            } else if !is_of_no_consequence(text) {
                return Err(Error::Protocol);
            }
        }
        Ok(rows)
    }

    async fn copy(
        &mut self,
        statement: &str,
        script: &mut (impl AsyncBufRead + Unpin),
        told: impl Fn(u64),
    ) -> Result<u64> {
        let mut copy = self.transaction.copy_in_raw(statement).await?;
        let (mut line, mut chunk, mut rows) = (Vec::new(), Vec::with_capacity(CHUNK * 2), 0);
        loop {
            if !next_line(script, &mut line).await? {
                return Err(Error::Protocol);
            }
            if line == b"\\.\n" || line == b"\\.\r\n" {
                break;
            }
            chunk.extend_from_slice(&line);
            rows += 1;
            if chunk.len() >= CHUNK {
                copy.send(&chunk[..]).await?;
                chunk.clear();
                told(rows);
            }
        }
        copy.send(&chunk[..]).await?;
        let stored = copy.finish().await?;
        told(stored);
        Ok(stored)
    }

    /// What the tables hold now. Before [`Restoration::settle`] it is what they held in the old place.
    ///
    /// # Errors
    /// As any statement.
    pub async fn digests(&mut self) -> Result<Vec<TableDigest>> {
        digest::pin_formats(&mut self.transaction).await?;
        digest::of_all(&mut self.transaction).await
    }

    /// Changes what cannot be as it was: desks are to rebuild their copies, no login of the old server exists here, and the
    /// marks of change were numbers of the old server's transactions. Before the definitions that come after the rows.
    ///
    /// # Errors
    /// As any statement.
    pub async fn settle(&mut self) -> Result<()> {
        sqlx::raw_sql(
            "update internal.feed set epoch = gen_random_uuid();
             update internal.logins set revoked_at = coalesce(revoked_at, now());
             do $$ begin
                -- Every desk copies anew: what had changed before is of no use to any.
                if to_regclass('internal.feed_marks') is not null then
                    delete from internal.feed_marks;
                end if;
                if to_regclass('internal.invitations') is not null then
                    update internal.invitations set cancelled_at = now() where accepted_at is null and cancelled_at is null;
                end if;
             end $$",
        )
        .execute(&mut *self.transaction)
        .await?;
        // A mark above the new server's numbers would be sent again with every pull until they catch up. The lowest mark
        // is before every cursor, and a desk that rebuilds reads everything whatever its mark.
        let marked: Vec<(String, String)> = sqlx::query(
            "select c.oid::regclass::text as name, a.attname::text as mark
             from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
             where a.atttypid = 'xid8'::regtype and not a.attisdropped and a.attgenerated = '' and c.relkind = 'r'
               and n.nspname in ('app', 'internal')",
        )
        .fetch_all(&mut *self.transaction)
        .await?
        .into_iter()
        .map(|row| Ok((row.try_get("name")?, row.try_get("mark")?)))
        .collect::<Result<_>>()?;
        for (table, mark) in marked {
            let mark = quoted(&mark);
            execute(&mut self.transaction, format!("update {table} set {mark} = '3' where {mark} is not null")).await?;
        }
        Ok(())
    }

    /// Brings the schema to this program's version, forgets again who is in the list of `erasures` (rows of
    /// `app.list_erasures`), gives every clinic's owner a new login, and keeps it all. `may_commit` hears of the clinics just before they become lasting: whoever has to keep a password keeps it there, and `false`
    /// leaves the database as it was, which comes back as `None`.
    ///
    /// # Errors
    /// [`Error::SchemaNewer`] when a newer program has made the copy; otherwise as any statement.
    pub async fn finish<F, Fut>(
        mut self,
        erasures: &serde_json::Value,
        may_commit: F,
    ) -> Result<Option<Vec<RestoredClinic>>>
    where
        F: FnOnce(Vec<RestoredClinic>) -> Fut,
        Fut: Future<Output = bool>,
    {
        self.settle_schema().await?;
        sqlx::query("select internal.reapply_erasures($1)")
            .bind(Json(erasures))
            .execute(&mut *self.transaction)
            .await?;
        let mut restored = Vec::new();
        let clinics = sqlx::query("select id, name from app.clinics order by created_at, id")
            .fetch_all(&mut *self.transaction)
            .await?;
        for clinic in clinics {
            let clinic_id: Uuid = clinic.try_get("id")?;
            // Of several owners the one whose login was alive, and was so for longest: it ended in this transaction.
            let owner: Option<Uuid> = sqlx::query_scalar(
                "select m.id from app.members m left join internal.logins l on l.member_id = m.id and l.revoked_at = now()
                 where m.clinic_id = $1 and m.role = 'owner'
                 order by m.active desc, l.created_at nulls last, m.created_at, m.id limit 1",
            )
            .bind(clinic_id)
            .fetch_optional(&mut *self.transaction)
            .await?;
            let owner = owner.ok_or(Error::UnknownLogin)?;
            let owner = login::admit(&mut self.transaction, &self.admin, clinic_id, owner, Role::Owner).await?;
            restored.push(RestoredClinic { clinic_id, clinic_name: clinic.try_get("name")?, owner });
        }
        if !may_commit(restored.clone()).await {
            self.abandon().await;
            return Ok(None);
        }
        self.transaction.commit().await?;
        // Statistics for the planner; everything is there without them, too.
        let _ = sqlx::raw_sql("vacuum analyze").execute(&self.pool).await;
        self.pool.close().await;
        Ok(Some(restored))
    }

    async fn settle_schema(&mut self) -> Result<i64> {
        sqlx::raw_sql("reset search_path; set local row_security = on").execute(&mut *self.transaction).await?;
        migrations::apply(&mut self.transaction).await?;
        admin::check_groups(&mut self.transaction).await?;
        admin::entrust_gatekeeper(&mut self.transaction).await?;
        admin::shut_the_public_out(&mut self.transaction).await?;
        Ok(SCHEMA_VERSION)
    }

    /// Gives everything up: the database is as it was.
    pub async fn abandon(self) {
        // A connection that breaks with an open transaction has the same effect.
        let _ = self.transaction.rollback().await;
        self.pool.close().await;
    }

    /// What `pg_restore` sets before each section.
    async fn settings(&mut self) -> Result<()> {
        sqlx::raw_sql(
            "set local search_path = ''; set local check_function_bodies = false; set local row_security = off;
             set local standard_conforming_strings = on; set local statement_timeout = 0; set local timezone = 'UTC'",
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// What belonged to the old superuser belongs to this administrator, and functions may go to the roles that own them.
    fn of_this_place(&self, script: &str) -> String {
        let owner = quoted(&self.user);
        let mut out = String::with_capacity(script.len() + 1024);
        for line in script.lines() {
            // Meant for psql, which refuses other commands of its own in between.
            if line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ") || line.starts_with("SET ") {
                continue;
            }
            // Rights to the server's own functions, which are others in another version, were given as far as they can be
            // when the migrations made the roles.
            if (line.starts_with("REVOKE ") || line.starts_with("GRANT ")) && line.contains(" pg_catalog.") {
                continue;
            }
            // Newer servers number their columns among the options, and tell a `pg_dump` that does not know of it yet.
            if line.starts_with("ALTER TABLE ONLY ") && line.contains(" SET (pg_attver=") {
                continue;
            }
            let (belongs, whose) = (format!(" OWNER TO {};", self.former), format!(" FOR ROLE {} ", self.former));
            match line.strip_suffix(&belongs).filter(|_| line.starts_with("ALTER ")) {
                Some(thing) => out.push_str(&format!("{thing} OWNER TO {owner};")),
                None if line.starts_with("ALTER DEFAULT PRIVILEGES ") => {
                    let line = line.replace(&whose, &format!(" FOR ROLE {owner} "));
                    out.push_str(&line.replace(&format!(" TO {};", self.former), &format!(" TO {owner};")));
                }
                None => out.push_str(line),
            }
            out.push('\n');
            if let Some(schema) = line.strip_prefix("CREATE SCHEMA ").and_then(|rest| rest.strip_suffix(';')) {
                // Taken back below: needed to hand a function over, and by nobody afterwards.
                out.push_str(&format!("grant create on schema {schema} to {OWNERS};\n"));
            }
        }
        for schema in
            ["app", "internal", "ext"].iter().filter(|name| script.contains(&format!("CREATE SCHEMA {name};")))
        {
            out.push_str(&format!("revoke create on schema {schema} from {OWNERS};\n"));
        }
        out
    }
}

/// The roles that own functions.
const OWNERS: &str = "balcao_definer, balcao_steward, balcao_gatekeeper, balcao_eraser";

/// Comments, settings that are made here, and words for psql.
fn is_of_no_consequence(line: &str) -> bool {
    line.is_empty()
        || ["--", "SET ", "SELECT pg_catalog.set_config('search_path'", "\\restrict ", "\\unrestrict "]
            .iter()
            .any(|start| line.starts_with(start))
}

/// The next line with its end; `false` at the end of the text.
async fn next_line(script: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> Result<bool> {
    line.clear();
    script.read_until(b'\n', line).await.map(|bytes| bytes > 0).map_err(|_| Error::Interrupted)
}
