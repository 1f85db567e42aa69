//! What each role sees of its own clinic, and that a policy that is gone would be noticed.

use anyhow::{Context as _, Result};
use balcao_tenant::Role;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::row_security::breaches::World;

/// Adds to the world what one role sees and another does not: an agenda that the professional keeps, with a person of its own.
pub async fn furnish(world: &mut World) -> Result<()> {
    let clinic = world.ours;
    let professional = member_of(world, Role::Professional).await?;
    let somebody = member_of(world, Role::Attendant).await?;
    let sql = format!(
        "do $$
         declare
            agenda uuid; person uuid; patient uuid;
            other constant uuid := (select id from app.professionals where clinic_id = '{clinic}' order by id limit 1);
         begin
            -- Which member the seeded agenda belongs to is chance; it must be somebody else's.
            update app.professionals set member_id = null where clinic_id = '{clinic}';
            insert into app.professionals (clinic_id, name, member_id) values ('{clinic}', 'Própria', '{professional}')
                returning id into agenda;
            insert into app.contacts (clinic_id, name) values ('{clinic}', 'Da agenda') returning id into person;
            insert into app.patients (clinic_id, contact_id, name) values ('{clinic}', person, 'Da agenda')
                returning id into patient;
            insert into app.contact_identifiers (clinic_id, contact_id, kind, value, match_key)
                select '{clinic}', person, kind, 'x', 'da agenda' from app.contact_identifiers limit 1;
            insert into app.appointments (clinic_id, professional_id, contact_id, patient_id, starts_at, ends_at)
                values ('{clinic}', agenda, person, patient, now(), now() + interval '1 hour');
            insert into app.schedule_exceptions (clinic_id, professional_id, kind, starts_at, ends_at)
                values ('{clinic}', agenda, 'blocked', now(), now() + interval '1 hour'),
                       ('{clinic}', other, 'blocked', now(), now() + interval '1 hour'),
                       ('{clinic}', null, 'closed', now(), now() + interval '1 hour');
            insert into app.waitlist_entries (clinic_id, contact_id, professional_id) values ('{clinic}', person, agenda);
            insert into app.tombstones (clinic_id, id, entity, member_id)
                values ('{clinic}', gen_random_uuid(), 'rooms', null), ('{clinic}', gen_random_uuid(), 'messages', null),
                       ('{clinic}', gen_random_uuid(), 'contacts', '{professional}'),
                       ('{clinic}', gen_random_uuid(), 'contacts', '{somebody}');
            insert into app.mentions (clinic_id, message_id, conversation_id, member_id)
                select m.clinic_id, m.id, m.conversation_id, named.id
                from (select * from app.messages where clinic_id = '{clinic}' limit 1) m,
                     unnest(array['{professional}', '{somebody}']::uuid[]) as named (id)
                on conflict do nothing;
            insert into app.applied_operations (clinic_id, operation_id, entity, entity_id, kind, member_id)
                values ('{clinic}', gen_random_uuid(), 'x', gen_random_uuid(), 'patch', '{professional}'),
                       ('{clinic}', gen_random_uuid(), 'x', gen_random_uuid(), 'patch', '{somebody}');
         end $$"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut world.administrator).await.context("furnishing")?;
    Ok(())
}

async fn member_of(world: &mut World, wanted: Role) -> Result<Uuid> {
    let (_, desk) = world.desks.iter_mut().find(|(role, _)| *role == wanted).context("a desk of each role")?;
    Ok(sqlx::query_scalar("select app.current_member()").fetch_one(desk).await?)
}

/// Which rows of a table of its clinic a role sees where it may read the table at all, as SQL that an administrator asks.
fn in_sight(role: Role, table: &str, member: Uuid) -> String {
    let agendas = format!("(select id from app.professionals where member_id = '{member}')");
    let with_visit =
        |column: &str| format!("in (select {column} from app.appointments where professional_id in {agendas})");
    match (role, table) {
        (Role::Professional, "appointments" | "waitlist_entries" | "professional_people") => {
            format!("professional_id in {agendas}")
        }
        (Role::Professional, "appointment_events") => format!("appointment_id {}", with_visit("id")),
        (Role::Professional, "contacts") => format!("id {}", with_visit("contact_id")),
        (Role::Professional, "contact_identifiers") => format!("contact_id {}", with_visit("contact_id")),
        (Role::Professional, "patients") => format!("id {}", with_visit("patient_id")),
        (Role::Professional, "schedule_exceptions") => {
            format!("professional_id is null or professional_id in {agendas}")
        }
        (Role::Professional, "applied_operations") => format!("member_id = '{member}'"),
        (Role::Professional, "tombstones") => {
            format!(
                "member_id = '{member}' or (member_id is null and entity in ('rooms', 'services', 'professionals'))"
            )
        }
        (_, "tombstones") => "member_id is null".to_owned(),
        _ => "true".to_owned(),
    }
}

/// Where a role sees more or less of a table than it should, or writes in another's name; nothing when all is well.
pub async fn trespasses(world: &mut World, table: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let ours = world.ours;
    for (role, desk) in &mut world.desks {
        let member: Uuid = sqlx::query_scalar("select app.current_member()").fetch_one(&mut *desk).await?;
        let condition = in_sight(*role, table, member);
        let sql = format!("select count(*) from app.{table} where clinic_id = '{ours}' and ({condition})");
        let expected: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut world.administrator).await?;
        world.tried += 1;
        match sqlx::raw_sql(AssertSqlSafe(format!("select from app.{table}"))).execute(&mut *desk).await {
            Ok(seen) if i64::try_from(seen.rows_affected())? == expected => {}
            Ok(seen) => {
                let seen = seen.rows_affected();
                found.push(format!("{} sees {seen} rows of {table} instead of {expected}", role.as_str()));
            }
            Err(refused) if code(&refused) == "42501" => {}
            Err(error) => return Err(error.into()),
        }
        for forged in forgeries(table) {
            world.tried += 1;
            let mut transaction = desk.begin().await?;
            let done = sqlx::raw_sql(AssertSqlSafe(forged.clone())).execute(&mut *transaction).await;
            transaction.rollback().await?;
            match done {
                Err(refused) if code(&refused) == "42501" => {}
                // The background work stores what others said.
                Ok(_) if matches!(role, Role::Owner | Role::Agent) && table == "messages" => {}
                done => found.push(format!("{}: {forged}: {done:?}", role.as_str())),
            }
        }
    }
    // Functions of the definer see all; so do the steward and the eraser what they work on.
    for functions in ["balcao_definer", "balcao_steward", "balcao_eraser"] {
        let works: bool = sqlx::query_scalar("select has_table_privilege($1, 'app.' || $2, 'select')")
            .bind(functions)
            .bind(table)
            .fetch_one(&mut world.administrator)
            .await?;
        if !works {
            continue;
        }
        let all = format!("select count(*) from app.{table}");
        let there: i64 = sqlx::query_scalar(AssertSqlSafe(all.clone())).fetch_one(&mut world.administrator).await?;
        let mut transaction = world.administrator.begin().await?;
        sqlx::raw_sql(AssertSqlSafe(format!("set local role {functions}"))).execute(&mut *transaction).await?;
        let seen: i64 = sqlx::query_scalar(AssertSqlSafe(all)).fetch_one(&mut *transaction).await?;
        transaction.rollback().await?;
        if seen != there {
            found.push(format!("{functions} sees {seen} rows of {table} instead of {there}"));
        }
    }
    Ok(found)
}

/// Rows of the own clinic that nobody at a desk may put there, or change.
fn forgeries(table: &str) -> Vec<String> {
    let message = |sender: &str, gateway: &str| {
        format!(
            "insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, gateway_id)
             select clinic_id, id, channel_id, 'inbound', '{sender}', {gateway} from app.conversations limit 1"
        )
    };
    match table {
        "messages" => vec![message("contact", "null"), message("member", "'forged'")],
        // Nobody says of somebody else that they have seen it.
        "mentions" => {
            vec!["update app.mentions set seen_at = now() where member_id <> app.current_member()".to_owned()]
        }
        "applied_operations" => vec![
            "insert into app.applied_operations (clinic_id, operation_id, entity, entity_id, kind, member_id)
             values (app.current_clinic(), gen_random_uuid(), 'x', gen_random_uuid(), 'patch', gen_random_uuid())"
                .to_owned(),
        ],
        _ => Vec::new(),
    }
}

fn code(error: &sqlx::Error) -> String {
    error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned()
}

/// A policy, as it is taken away and put back.
pub struct Policy {
    pub table: String,
    pub name: String,
    definition: String,
}

impl Policy {
    /// Every policy of schema `app`.
    pub async fn all(administrator: &mut PgConnection) -> Result<Vec<Self>> {
        let rows = sqlx::query(
            "select tablename::text, policyname::text,
                    format('create policy %I on app.%I as %s for %s to %s %s %s', policyname, tablename, permissive, cmd,
                           array_to_string(roles, ', '), 'using (' || qual || ')', 'with check (' || with_check || ')')
             from pg_policies where schemaname = 'app' order by 1, 2",
        )
        .fetch_all(administrator)
        .await?;
        rows.iter()
            .map(|row| Ok(Self { table: row.try_get(0)?, name: row.try_get(1)?, definition: row.try_get(2)? }))
            .collect()
    }

    pub async fn take_away(&self, administrator: &mut PgConnection) -> Result<()> {
        let sql = format!("drop policy {} on app.{}", self.name, self.table);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(administrator).await?;
        Ok(())
    }

    pub async fn put_back(&self, administrator: &mut PgConnection) -> Result<()> {
        let sql = AssertSqlSafe(self.definition.clone());
        sqlx::raw_sql(sql).execute(administrator).await.with_context(|| self.definition.clone())?;
        Ok(())
    }
}
