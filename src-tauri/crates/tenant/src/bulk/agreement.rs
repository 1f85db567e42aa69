//! Whether loaded rows are what the triggers and foreign keys would have made of them.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use uuid::Uuid;

use crate::Result;

/// Columns of a conversation that the trigger on messages keeps, except status, closed_at and handler: a person may have
/// changed those since the last message.
const KEPT_BY_TRIGGER: [&str; 10] = [
    "last_message_at",
    "last_message_preview",
    "last_message_direction",
    "last_message_kind",
    "last_inbound_at",
    "last_outbound_at",
    "last_human_message_at",
    "first_response_at",
    "unread_count",
    "waiting_since",
];

pub(super) async fn disagreements(connection: &mut PgConnection, clinic_id: Uuid) -> Result<Vec<String>> {
    // Rolled back when it is dropped: nothing of this stays.
    let mut transaction = connection.begin().await?;
    let mut found = lost_references(&mut transaction, clinic_id).await?;
    if !found.is_empty() {
        // What refers to nothing cannot be written again.
        return Ok(found);
    }
    sqlx::raw_sql("set local statement_timeout = 0").execute(&mut *transaction).await?;
    replay(&mut transaction, clinic_id).await?;
    for column in KEPT_BY_TRIGGER {
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
            "select count(*) from stated_conversations s join app.conversations c using (clinic_id, id)
             where s.{column} is distinct from c.{column}"
        )))
        .fetch_one(&mut *transaction)
        .await?;
        if count > 0 {
            found.push(format!("{count} conversations have another {column} than their messages make"));
        }
    }
    let others = [
        (
            "contacts have another last_interaction_at than their messages make",
            "select count(*) from stated_contacts s join app.contacts c using (clinic_id, id)
             where s.last_interaction_at is distinct from c.last_interaction_at",
        ),
        (
            "conversations belong to the bot although a person has written",
            "select count(*) from stated_conversations where handler = 'bot' and last_human_message_at is not null",
        ),
        (
            "conversations are closed although somebody waits",
            "select count(*) from stated_conversations where status = 'closed' and waiting_since is not null",
        ),
        (
            "conversations are closed without a time, or have one and are not closed",
            "select count(*) from stated_conversations where (status = 'closed') <> (closed_at is not null)",
        ),
        (
            "conversations were closed before their last message",
            "select count(*) from stated_conversations where closed_at < last_message_at",
        ),
        (
            "messages were changed by the triggers",
            "select count(*) from held_messages h join app.messages m using (clinic_id, id)
             where (h.sender_id, h.status, h.direction) is distinct from (m.sender_id, m.status, m.direction)",
        ),
        (
            "leads are open in a stage that ends them, or the other way round",
            "select count(*) from app.leads l join app.pipeline_stages s on s.clinic_id = l.clinic_id and s.id = l.stage_id
             where l.clinic_id = $1 and ((s.kind = 'open') <> (l.closed_at is null)
                or (s.kind = 'lost') <> (l.loss_reason_id is not null))",
        ),
    ];
    for (what, statement) in others {
        let count: i64 = if statement.contains("$1") {
            sqlx::query_scalar(statement).bind(clinic_id).fetch_one(&mut *transaction).await?
        } else {
            sqlx::query_scalar(statement).fetch_one(&mut *transaction).await?
        };
        if count > 0 {
            found.push(format!("{count} {what}"));
        }
    }
    Ok(found)
}

/// Takes the messages away and writes them again, in the order in which they were sent, with the triggers on.
async fn replay(connection: &mut PgConnection, clinic_id: Uuid) -> Result<()> {
    for statement in [
        "create temp table held_messages on commit drop as select * from app.messages where clinic_id = $1",
        "create temp table stated_conversations on commit drop as select * from app.conversations where clinic_id = $1",
        "create temp table stated_contacts on commit drop as select * from app.contacts where clinic_id = $1",
    ] {
        // A statement that makes a table takes no parameters.
        let statement = statement.replace("$1", &format!("'{clinic_id}'"));
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    sqlx::raw_sql("set local session_replication_role = replica").execute(&mut *connection).await?;
    for statement in [
        "delete from app.messages where clinic_id = $1",
        "update app.contacts set last_interaction_at = null where clinic_id = $1",
        "update app.conversations set last_message_at = null, last_message_preview = '', last_message_direction = null,
             last_message_kind = null, last_inbound_at = null, last_outbound_at = null, last_human_message_at = null,
             first_response_at = null, unread_count = 0, waiting_since = null
         where clinic_id = $1",
    ] {
        sqlx::query(statement).bind(clinic_id).execute(&mut *connection).await?;
    }
    sqlx::raw_sql("set local session_replication_role = origin").execute(&mut *connection).await?;
    sqlx::raw_sql("insert into app.messages select * from held_messages order by sent_at, id")
        .execute(connection)
        .await?;
    Ok(())
}

/// References that lead nowhere, over every foreign key of the schema that the catalogue knows.
async fn lost_references(connection: &mut PgConnection, clinic_id: Uuid) -> Result<Vec<String>> {
    let keys = sqlx::query(
        "select k.conname::text as name, k.conrelid::regclass::text as child, k.confrelid::regclass::text as parent,
                array(select a.attname::text from unnest(k.conkey) with ordinality as n (number, place)
                      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.number order by n.place) as columns,
                array(select a.attname::text from unnest(k.confkey) with ordinality as n (number, place)
                      join pg_attribute a on a.attrelid = k.confrelid and a.attnum = n.number order by n.place) as targets
         from pg_constraint k where k.contype = 'f' and k.connamespace = 'app'::regnamespace order by k.conname",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut found = Vec::new();
    for key in keys {
        let (name, child, parent): (String, String, String) =
            (key.try_get("name")?, key.try_get("child")?, key.try_get("parent")?);
        let (columns, targets): (Vec<String>, Vec<String>) = (key.try_get("columns")?, key.try_get("targets")?);
        let given: Vec<String> = columns.iter().map(|column| format!("c.{column} is not null")).collect();
        let same: Vec<String> =
            columns.iter().zip(&targets).map(|(column, target)| format!("p.{target} = c.{column}")).collect();
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
            "select count(*) from {child} c where c.clinic_id = $1 and {} and not exists (select from {parent} p where {})",
            given.join(" and "),
            same.join(" and ")
        )))
        .bind(clinic_id)
        .fetch_one(&mut *connection)
        .await?;
        if count > 0 {
            found.push(format!("{count} rows of {child} refer to nothing ({name})"));
        }
    }
    Ok(found)
}
