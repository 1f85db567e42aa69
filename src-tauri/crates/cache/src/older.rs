//! How far back the copy is known to be whole: nothing is shown across a gap, and an end is an end only when the database
//! has said so.

use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::{Cache, CacheChange, Result};

/// Before everything.
pub(crate) const BEGINNING: i64 = i64::MIN;

/// How far back something is whole in the copy. Instants are microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The first copy is on its way: more will come by itself.
    Coming,
    /// From this place on, itself included: instant and id. What is before must be asked for.
    From((i64, Uuid)),
    /// All there is.
    Whole,
}

/// What a copied window holds in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeline {
    /// Messages of every conversation, by when they were sent.
    Messages,
    /// Visits, by when they begin.
    Visits,
}

impl Timeline {
    /// Name of the copied table.
    pub const fn entity(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Visits => "appointments",
        }
    }

    /// Name of the fact that says from when on every row is here.
    pub(crate) const fn known_key(self) -> &'static str {
        match self {
            Self::Messages => "messages_from",
            Self::Visits => "appointments_from",
        }
    }

    /// Name of the fact that says from when on every row is wanted here.
    pub(crate) const fn wanted_key(self) -> &'static str {
        match self {
            Self::Messages => "messages_wanted",
            Self::Visits => "appointments_wanted",
        }
    }
}

impl Reach {
    fn of(from: Option<i64>, place: (i64, Uuid)) -> Self {
        match from {
            None => Self::Coming,
            Some(_) if place.0 == BEGINNING => Self::Whole,
            Some(_) => Self::From(place),
        }
    }
}

impl Cache {
    /// How far back a conversation goes in the copy.
    pub async fn thread_reach(&self, conversation: Uuid) -> Result<Reach> {
        let mut connection = self.readers().acquire().await?;
        thread_reach(&mut connection, conversation).await
    }

    /// How far back the window goes in the copy.
    pub async fn window_reach(&self, timeline: Timeline) -> Result<Reach> {
        let mut connection = self.readers().acquire().await?;
        let from = fact(&mut connection, timeline.known_key()).await?;
        Ok(Reach::of(from, (from.unwrap_or(BEGINNING), Uuid::nil())))
    }

    /// Whether every visit of a person is in the copy.
    pub async fn person_reach(&self, contact: Uuid) -> Result<Reach> {
        let mut connection = self.readers().acquire().await?;
        let from = fact(&mut connection, Timeline::Visits.known_key()).await?;
        let whole: bool = sqlx::query_scalar("select exists (select 1 from older_people where contact_id = ?)")
            .bind(contact)
            .fetch_one(&mut *connection)
            .await?;
        Ok(Reach::of(from, (if whole { BEGINNING } else { from.unwrap_or(BEGINNING) }, Uuid::nil())))
    }

    /// Everything of a conversation between `place` and `known` was taken; `None` for `place` is its beginning. Says no, and
    /// keeps nothing, when the copy does not reach back to `known` any more: a narrower window was chosen meanwhile.
    pub async fn thread_reached(
        &self,
        conversation: Uuid,
        known: (i64, Uuid),
        place: Option<(i64, Uuid)>,
    ) -> Result<bool> {
        let mut transaction = self.begin_repeatable().await?;
        match thread_reach(&mut transaction, conversation).await? {
            Reach::From(now) if now <= known => {}
            Reach::Whole => return Ok(true),
            _ => return Ok(false),
        }
        let (sent_at, id) = place.unwrap_or((BEGINNING, Uuid::nil()));
        sqlx::query(
            "insert into older_threads values (?1, ?2, ?3) on conflict (conversation_id)
             do update set sent_at = excluded.sent_at, id = excluded.id where (excluded.sent_at, excluded.id) < (sent_at, id)",
        )
        .bind(conversation)
        .bind(sent_at)
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let mut change = CacheChange::default();
        change.touch("messages");
        change.touch_conversation(conversation);
        self.announce(change);
        Ok(true)
    }

    /// Everything between `place` and `known` was taken; `None` for `place` is the beginning. Says no, and keeps nothing,
    /// when the copy does not reach back to `known` any more.
    pub async fn window_reached(&self, timeline: Timeline, known: i64, place: Option<i64>) -> Result<bool> {
        let mut transaction = self.begin_repeatable().await?;
        let Some(now) = fact(&mut transaction, timeline.known_key()).await?.filter(|now| *now <= known) else {
            return Ok(false);
        };
        let place = place.unwrap_or(BEGINNING).min(now);
        set_fact(&mut transaction, timeline.known_key(), place).await?;
        if fact(&mut transaction, timeline.wanted_key()).await?.is_some_and(|wanted| wanted >= place) {
            forget_fact(&mut transaction, timeline.wanted_key()).await?;
        }
        transaction.commit().await?;
        let mut change = CacheChange { many_conversations: timeline == Timeline::Messages, ..CacheChange::default() };
        change.touch(timeline.entity());
        self.announce(change);
        Ok(true)
    }

    /// Every visit of a person was taken, while the window went back to `known`. Says no, and keeps nothing, when it does not
    /// any more.
    pub async fn person_reached(&self, contact: Uuid, known: i64) -> Result<bool> {
        let mut transaction = self.begin_repeatable().await?;
        if fact(&mut transaction, Timeline::Visits.known_key()).await?.is_none_or(|now| now > known) {
            return Ok(false);
        }
        sqlx::query("insert or ignore into older_people values (?)").bind(contact).execute(&mut *transaction).await?;
        transaction.commit().await?;
        let mut change = CacheChange::default();
        change.touch(Timeline::Visits.entity());
        self.announce(change);
        Ok(true)
    }
}

/// A copy that is made anew has not been looked at yet.
pub(crate) async fn forget(connection: &mut SqliteConnection) -> Result<()> {
    sqlx::query("delete from older_threads").execute(&mut *connection).await?;
    sqlx::query("delete from older_people").execute(&mut *connection).await?;
    for timeline in [Timeline::Messages, Timeline::Visits] {
        forget_fact(connection, timeline.known_key()).await?;
        forget_fact(connection, timeline.wanted_key()).await?;
    }
    Ok(())
}

/// Further back than the window where someone looked further back.
async fn thread_reach(connection: &mut SqliteConnection, conversation: Uuid) -> Result<Reach> {
    let row = sqlx::query(
        "select (select cast(value as integer) from sync_state where key = 'messages_from'), t.sent_at, t.id
         from (select 1) left join older_threads t on t.conversation_id = ?",
    )
    .bind(conversation)
    .fetch_one(connection)
    .await?;
    let from: Option<i64> = row.get(0);
    let window = (from.unwrap_or(BEGINNING), Uuid::nil());
    let thread = row.get::<Option<i64>, _>(1).map(|sent_at| (sent_at, row.get(2)));
    Ok(Reach::of(from, thread.map_or(window, |thread| window.min(thread))))
}

pub(crate) async fn fact(connection: &mut SqliteConnection, key: &'static str) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar("select cast(value as integer) from sync_state where key = ?")
        .bind(key)
        .fetch_optional(connection)
        .await?)
}

pub(crate) async fn set_fact(connection: &mut SqliteConnection, key: &'static str, value: i64) -> Result<()> {
    sqlx::query("insert into sync_state values (?, ?) on conflict (key) do update set value = excluded.value")
        .bind(key)
        .bind(value.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

pub(crate) async fn forget_fact(connection: &mut SqliteConnection, key: &'static str) -> Result<()> {
    sqlx::query("delete from sync_state where key = ?").bind(key).execute(connection).await?;
    Ok(())
}
