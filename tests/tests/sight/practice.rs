//! A clinic with three agendas, each kept by a professional with a desk, and one that nobody keeps.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use balcao_tenant::provision::Connection;
use balcao_tenant::{Role, Tenant};
use balcao_testkit::database::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

pub struct Practice {
    pub database: TestDatabase,
    pub administrator: PgConnection,
    pub clinic: Uuid,
    /// The fourth is nobody's.
    pub agendas: Vec<Uuid>,
    pub keepers: Vec<Connection>,
    /// Contact and patient; each contact has two patients.
    pub people: Vec<(Uuid, Uuid)>,
}

impl Practice {
    pub async fn on(server: &str) -> Result<Self> {
        let database = TestDatabase::fresh_on(server).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let clinic = database.clinic_id();
        let (mut agendas, mut keepers, mut people) = (Vec::new(), Vec::new(), Vec::new());
        for name in ["Ana", "Bruno", "Clara", "Sala"] {
            let sql = "insert into app.professionals (clinic_id, name) values ($1, $2) returning id";
            agendas.push(sqlx::query_scalar(sql).bind(clinic).bind(name).fetch_one(&mut administrator).await?);
        }
        for agenda in &agendas[..3] {
            let keeper = database.add_member(Role::Professional).await?;
            link(&mut administrator, *agenda, Some(&keeper)).await?;
            keepers.push(keeper);
        }
        for number in 0..6 {
            let sql = "insert into app.contacts (clinic_id, name) values ($1, $2) returning id";
            let contact: Uuid = sqlx::query_scalar(sql)
                .bind(clinic)
                .bind(format!("Pessoa {number}"))
                .fetch_one(&mut administrator)
                .await?;
            for patient in ["própria", "filha"] {
                let sql = "insert into app.patients (clinic_id, contact_id, name) values ($1, $2, $3) returning id";
                let patient: Uuid = sqlx::query_scalar(sql)
                    .bind(clinic)
                    .bind(contact)
                    .bind(format!("{patient} {number}"))
                    .fetch_one(&mut administrator)
                    .await?;
                people.push((contact, patient));
            }
        }
        Ok(Self { database, administrator, clinic, agendas, keepers, people })
    }

    /// A visit of tomorrow that takes nobody's slot.
    pub async fn book(&mut self, agenda: usize, person: usize) -> Result<Uuid> {
        let sql = booking(self.clinic, self.agendas[agenda], self.people[person]);
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.administrator).await?)
    }

    /// A place of the feed behind all that was done so far: transactions of other databases of the server hold it back, too.
    pub async fn settled(&mut self, tenant: &Tenant) -> Result<i64> {
        let last: i64 =
            sqlx::query_scalar("select pg_current_xact_id()::text::bigint").fetch_one(&mut self.administrator).await?;
        loop {
            let cursor = tenant.feed_position().await?.cursor;
            if cursor > last {
                return Ok(cursor);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Gives a keeper another role, as the clinic's owner does; a professional gets the agenda that is nobody's.
    pub async fn change_role(&mut self, keeper: usize, role: Role) -> Result<()> {
        let owner = self.database.owner();
        let password = owner.password.as_deref().unwrap_or_default();
        let url = owner.address.to_url().replacen('@', &format!(":{password}@"), 1);
        let mut owner = PgConnection::connect(&url).await?;
        let member: Uuid = sqlx::query_scalar("select member_id from internal.logins where login = $1")
            .bind(&self.keepers[keeper].login)
            .fetch_one(&mut self.administrator)
            .await?;
        let agenda = (role == Role::Professional).then_some(self.agendas[3]);
        let sql = "select app.change_role($1, $2, $3)";
        let refused: Option<String> =
            sqlx::query_scalar(sql).bind(member).bind(role.as_str()).bind(agenda).fetch_one(&mut owner).await?;
        ensure!(refused.is_none(), "{refused:?}");
        Ok(())
    }

    pub async fn run(&mut self, sql: impl Into<String>) -> Result<u64> {
        let sql: String = sql.into();
        let done = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut self.administrator).await;
        Ok(done.context(sql)?.rows_affected())
    }
}

/// Gives an agenda to a login's member, or to nobody.
pub async fn link(administrator: &mut PgConnection, agenda: Uuid, keeper: Option<&Connection>) -> Result<()> {
    let sql = "update app.professionals set member_id = (select member_id from internal.logins where login = $2) where id = $1";
    let login = keeper.map(|keeper| keeper.login.clone());
    sqlx::query(sql).bind(agenda).bind(login).execute(administrator).await?;
    Ok(())
}

/// SQL that books a visit and returns its id.
pub fn booking(clinic: Uuid, agenda: Uuid, (contact, patient): (Uuid, Uuid)) -> String {
    format!(
        "insert into app.appointments (clinic_id, professional_id, contact_id, patient_id, starts_at, ends_at, squeezed_in,
                                       squeeze_reason)
         values ('{clinic}', '{agenda}', '{contact}', '{patient}', now() + interval '1 day',
                 now() + interval '25 hours', true, 'teste') returning id"
    )
}
