//! The window of the copy: how far back this computer keeps what nobody asked for.

use balcao_domain::window::Window;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::older::{BEGINNING, Timeline, fact, forget_fact, set_fact};
use crate::{Cache, CacheChange, Result};

/// Conversations that one step of [`Cache::trim_step`] looks at: few enough that no write waits for it.
const CONVERSATIONS_PER_STEP: i64 = 50;
const WINDOW: &str = "window";
/// How far the removal of what is outside has come: the last conversation looked at.
const TRIMMED: &str = "trimmed_until";

/// What a wider window lacks. Instants are microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Of what.
    pub timeline: Timeline,
    /// From here on every row is here.
    pub until: i64,
    /// From here on every row is wanted; `None` for all there is.
    pub from: Option<i64>,
}

impl Cache {
    /// How far back this computer copies.
    pub async fn window(&self) -> Result<Window> {
        let text = self.state(WINDOW).await?;
        // A choice of a newer program that this one does not understand costs a setting, not the copy.
        let written = text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        Ok(written.and_then(|written| read_window(&written)).unwrap_or_default())
    }

    /// Chooses how far back this computer copies, seen from `now`, the server's time. What is missing then is told by
    /// [`Cache::gap`]; what is outside is not shown any more and goes with [`Cache::trim_step`].
    pub async fn set_window(&self, window: &Window, now: DateTime<Utc>) -> Result<()> {
        let before = self.window().await?;
        let text = written_window(window).to_string();
        let mut transaction = self.begin().await?;
        sqlx::query("insert into sync_state values (?, ?) on conflict (key) do update set value = excluded.value")
            .bind(WINDOW)
            .bind(text)
            .execute(&mut *transaction)
            .await?;
        let wanted = bounds(window, now);
        for ((timeline, from), (_, from_before)) in wanted.into_iter().zip(bounds(&before, now)) {
            if from != from_before {
                set_fact(&mut transaction, timeline.wanted_key(), from).await?;
                settle(&mut transaction, timeline).await?;
            }
        }
        transaction.commit().await?;
        self.announce_window();
        Ok(())
    }

    /// A first copy with this window is complete. `now` is the server's time after its last row was read: whatever it copied
    /// goes back at least so far.
    pub async fn window_copied(&self, window: &Window, now: DateTime<Utc>) -> Result<()> {
        let mut transaction = self.begin_repeatable().await?;
        for (timeline, from) in bounds(window, now) {
            set_fact(&mut transaction, timeline.known_key(), from).await?;
            settle(&mut transaction, timeline).await?;
        }
        transaction.commit().await?;
        self.announce_window();
        Ok(())
    }

    /// What a wider window still lacks: visits before messages, because there are fewer.
    pub async fn gap(&self) -> Result<Option<Gap>> {
        let mut connection = self.readers().acquire().await?;
        for timeline in [Timeline::Visits, Timeline::Messages] {
            let wanted = fact(&mut connection, timeline.wanted_key()).await?;
            let known = fact(&mut connection, timeline.known_key()).await?;
            if let (Some(wanted), Some(until)) = (wanted, known)
                && wanted < until
            {
                return Ok(Some(Gap { timeline, until, from: Some(wanted).filter(|from| *from != BEGINNING) }));
            }
        }
        Ok(None)
    }

    /// Removes some of what is outside of a narrower window. Rows with queued writes stay. Says whether there may be more.
    pub async fn trim_step(&self) -> Result<bool> {
        if self.state(TRIMMED).await?.is_none() {
            return Ok(false);
        }
        let mut transaction = self.begin_repeatable().await?;
        let Some(until) = sqlx::query_scalar::<_, String>("select value from sync_state where key = ?")
            .bind(TRIMMED)
            .fetch_optional(&mut *transaction)
            .await?
        else {
            return Ok(false);
        };
        let after = until.parse::<Uuid>().unwrap_or_default();
        let conversations = sqlx::query("select id from conversations where id > ? order by id limit ?")
            .bind(after)
            .bind(CONVERSATIONS_PER_STEP)
            .fetch_all(&mut *transaction)
            .await?;
        for conversation in &conversations {
            trim_thread(&mut transaction, conversation.get(0)).await?;
        }
        match conversations.last() {
            Some(last) => {
                sqlx::query("update sync_state set value = ? where key = ?")
                    .bind(last.get::<Uuid, _>(0).to_string())
                    .bind(TRIMMED)
                    .execute(&mut *transaction)
                    .await?;
            }
            None => {
                trim_visits(&mut transaction).await?;
                forget_fact(&mut transaction, TRIMMED).await?;
            }
        }
        transaction.commit().await?;
        Ok(!conversations.is_empty())
    }

    fn announce_window(&self) {
        let mut change = CacheChange { many_conversations: true, ..CacheChange::default() };
        change.touch(Timeline::Messages.entity());
        change.touch(Timeline::Visits.entity());
        self.announce(change);
    }
}

/// A window as it is kept.
pub fn written_window(window: &Window) -> Value {
    json!({ "message_days": window.message_days, "appointment_days": window.appointment_days })
}

/// A window that was kept; `None` when it is of another shape.
pub fn read_window(written: &Value) -> Option<Window> {
    let days = |name: &str| written[name].as_u64().and_then(|days| u32::try_from(days).ok());
    Some(Window { message_days: days("message_days")?, appointment_days: days("appointment_days")? })
}

fn bounds(window: &Window, now: DateTime<Utc>) -> [(Timeline, i64); 2] {
    let micros = |from: Option<DateTime<Utc>>| from.map_or(BEGINNING, |from| from.timestamp_micros());
    [(Timeline::Messages, micros(window.messages_from(now))), (Timeline::Visits, micros(window.appointments_from(now)))]
}

/// A narrower window holds at once: what is outside of it is not known to be whole any more, and will be removed. A wider
/// one stays wanted until it is filled.
async fn settle(connection: &mut SqliteConnection, timeline: Timeline) -> Result<()> {
    let Some(wanted) = fact(connection, timeline.wanted_key()).await? else { return Ok(()) };
    let Some(known) = fact(connection, timeline.known_key()).await? else { return Ok(()) };
    if wanted < known {
        return Ok(());
    }
    forget_fact(connection, timeline.wanted_key()).await?;
    set_fact(connection, timeline.known_key(), wanted).await?;
    let forget = match timeline {
        Timeline::Messages => "delete from older_threads",
        Timeline::Visits => "delete from older_people",
    };
    sqlx::query(forget).execute(&mut *connection).await?;
    sqlx::query("insert into sync_state values (?1, ?2) on conflict (key) do update set value = excluded.value")
        .bind(TRIMMED)
        .bind(Uuid::nil().to_string())
        .execute(connection)
        .await?;
    Ok(())
}

async fn trim_thread(connection: &mut SqliteConnection, conversation: Uuid) -> Result<()> {
    sqlx::query(
        "delete from messages where conversation_id = ?1
           and sent_at < (select cast(value as integer) from sync_state where key = 'messages_from')
           and (sent_at, id) < (coalesce((select sent_at from older_threads where conversation_id = ?1), ?2),
                                coalesce((select id from older_threads where conversation_id = ?1), ?3))
           and id not in (select entity_id from shadows where entity = 'messages')",
    )
    .bind(conversation)
    .bind(i64::MAX)
    .bind(Uuid::max())
    .execute(connection)
    .await?;
    Ok(())
}

async fn trim_visits(connection: &mut SqliteConnection) -> Result<()> {
    sqlx::query(
        "delete from appointments
         where starts_at < (select cast(value as integer) from sync_state where key = 'appointments_from')
           and contact_id not in (select contact_id from older_people)
           and id not in (select entity_id from shadows where entity = 'appointments')",
    )
    .execute(connection)
    .await?;
    Ok(())
}
