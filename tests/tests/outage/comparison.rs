//! What a desk shows, and what the clinic's database has, in the same words.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use balcao_testkit::database::TestDatabase;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::desks::actors::Actor;

/// Rows of one answer at the most.
const PAGE: usize = 500;

/// Everything that is compared: a line of words for each row.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Picture {
    visits: BTreeMap<String, String>,
    /// Leads of the open columns, each column in its order.
    leads: BTreeMap<String, Vec<String>>,
    /// Messages of the conversations that were written in, oldest first.
    threads: BTreeMap<String, Vec<String>>,
    conversations: BTreeMap<String, String>,
}

impl Picture {
    /// What the screens of a desk show.
    pub async fn of_desk(desk: &Actor, from: DateTime<Utc>, conversations: &[String]) -> Result<Self> {
        let mut picture = Self::default();
        let agenda = desk.call("get_agenda", json!({"from": from.date_naive(), "days": 30})).await?;
        for visit in agenda["visits"].as_array().context("visits")? {
            let words = [
                instant(&visit["starts_at"])?,
                instant(&visit["ends_at"])?,
                text(&visit["professional_id"]),
                text(&visit["status"]),
                text(&visit["squeezed_in"]),
                text(&visit["squeeze_reason"]),
            ];
            picture.visits.insert(text(&visit["id"]), words.join(" "));
        }
        let board = desk.call("get_board", json!({"limit": PAGE})).await?;
        for stage in board["stages"].as_array().context("stages")?.iter().filter(|stage| stage["kind"] == "open") {
            let leads = stage["leads"].as_array().context("leads")?;
            picture.leads.insert(text(&stage["id"]), leads.iter().map(|lead| text(&lead["id"])).collect());
        }
        for id in conversations {
            let thread = desk.call("get_thread", json!({"conversation_id": id, "limit": PAGE})).await?;
            let mut messages = Vec::new();
            for message in thread["messages"].as_array().context("messages")? {
                let words = [instant(&message["sent_at"])?, text(&message["status"]), text(&message["body"])];
                messages.push(words.join(" "));
            }
            picture.threads.insert(id.clone(), messages);
            let row = &thread["conversation"];
            let at = |name: &str| if row[name].is_null() { Ok("null".to_owned()) } else { instant(&row[name]) };
            let words = [
                text(&row["unread_count"]),
                text(&row["status"]),
                at("last_message_at")?,
                at("waiting_since")?,
                text(&row["preview"]),
            ];
            picture.conversations.insert(id.clone(), words.join(" "));
        }
        Ok(picture)
    }

    /// What the database has.
    pub async fn of_database(database: &TestDatabase, from: DateTime<Utc>, conversations: &[String]) -> Result<Self> {
        let mut connection = PgConnection::connect(database.admin_url()).await?;
        let mut picture = Self::default();
        let visits = sqlx::query(
            "select id::text, starts_at, ends_at, professional_id::text, status, squeezed_in, squeeze_reason
             from app.appointments
             where starts_at < ($1::date + 30)::timestamp at time zone 'America/Sao_Paulo'
               and ends_at > $1::date::timestamp at time zone 'America/Sao_Paulo'",
        )
        .bind(from.date_naive());
        for row in visits.fetch_all(&mut connection).await? {
            let reason: Option<String> = row.get(6);
            let words = [
                row.get::<DateTime<Utc>, _>(1).to_rfc3339(),
                row.get::<DateTime<Utc>, _>(2).to_rfc3339(),
                row.get(3),
                row.get(4),
                row.get::<bool, _>(5).to_string(),
                reason.unwrap_or_else(|| "null".to_owned()),
            ];
            picture.visits.insert(row.get(0), words.join(" "));
        }
        let leads = sqlx::query(
            "select s.id::text, coalesce(array_agg(l.id::text order by l.position, l.id) filter (where l.id is not null), '{}')
             from app.pipeline_stages s left join app.leads l on l.clinic_id = s.clinic_id and l.stage_id = s.id
             where s.kind = 'open' group by s.id",
        );
        for row in leads.fetch_all(&mut connection).await? {
            picture.leads.insert(row.get(0), row.get(1));
        }
        for id in conversations {
            let messages = sqlx::query(
                "select sent_at, status, body from app.messages where conversation_id = $1::uuid order by sent_at, id",
            );
            let words = messages
                .bind(id)
                .fetch_all(&mut connection)
                .await?
                .into_iter()
                .map(|row| [row.get::<DateTime<Utc>, _>(0).to_rfc3339(), row.get(1), row.get(2)].join(" "));
            picture.threads.insert(id.clone(), words.collect());
            let row = sqlx::query(
                "select unread_count, status, last_message_at, waiting_since, last_message_preview
                 from app.conversations where id = $1::uuid",
            );
            let row = row.bind(id).fetch_one(&mut connection).await?;
            let at = |instant: Option<DateTime<Utc>>| instant.map_or_else(|| "null".to_owned(), |at| at.to_rfc3339());
            let words = [
                row.get::<i32, _>(0).to_string(),
                row.get(1),
                at(row.get(2)),
                at(row.get(3)),
                row.get::<Option<String>, _>(4).unwrap_or_default(),
            ];
            picture.conversations.insert(id.clone(), words.join(" "));
        }
        Ok(picture)
    }

    /// Says the first few rows that differ.
    pub fn assert_is(&self, other: &Self, whose: &str) -> Result<()> {
        ensure!(self.visits.len() > 100 && self.threads.len() > 10, "there is hardly anything to compare");
        let lines = |picture: &Self| -> BTreeMap<String, String> {
            let debugged =
                |part: &str, id: &String, words: &dyn std::fmt::Debug| (format!("{part} {id}"), format!("{words:?}"));
            let visits = picture.visits.iter().map(|(id, words)| debugged("visit", id, words));
            let leads = picture.leads.iter().map(|(id, words)| debugged("column", id, words));
            let threads = picture.threads.iter().map(|(id, words)| debugged("thread", id, words));
            let talks = picture.conversations.iter().map(|(id, words)| debugged("conversation", id, words));
            visits.chain(leads).chain(threads).chain(talks).collect()
        };
        let (ours, theirs) = (lines(self), lines(other));
        let names: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let differ: Vec<String> = names
            .into_iter()
            .filter(|name| ours.get(*name) != theirs.get(*name))
            .map(|name| format!("{name}\n  shown: {:?}\n  there: {:?}", ours.get(name), theirs.get(name)))
            .collect();
        ensure!(
            differ.is_empty(),
            "{whose} differs in {} rows:\n{}",
            differ.len(),
            differ[..differ.len().min(5)].join("\n")
        );
        Ok(())
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn instant(value: &Value) -> Result<String> {
    let at = DateTime::parse_from_rfc3339(value.as_str().context("an instant")?)?;
    Ok(at.with_timezone(&Utc).to_rfc3339())
}
