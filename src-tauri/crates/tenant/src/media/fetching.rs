//! What the background work fetches from gateways.

use std::time::Duration;

use balcao_domain::file::{CHUNK_BYTES, FileType};
use balcao_domain::message::{ChatAddress, GatewayId};
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::connect::{LARGE_ANSWER, answered, finish, within};
use crate::lease::{self, Fence};
use crate::{Result, Tenant};

/// A file whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaDue {
    /// Its row.
    pub id: Uuid,
    /// The message at the gateway.
    pub gateway_id: GatewayId,
    /// Its chat, where it is known.
    pub chat: Option<ChatAddress>,
    /// Whether the clinic sent it.
    pub from_me: bool,
    /// image, audio, …
    pub kind: String,
    /// Meta's own id of it.
    pub handle: Option<String>,
    /// Tries before this one.
    pub tries: u32,
}

/// What became of a try.
#[derive(Clone, PartialEq, Eq)]
pub enum MediaOutcome {
    /// It is here.
    Fetched {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Its name, where the gateway has one and the message has not.
        file_name: Option<String>,
    },
    /// It is tried again after this long.
    Again {
        /// Stable name of what stood in the way.
        problem: &'static str,
        /// For how long it waits.
        wait: Duration,
    },
    /// It is not tried any more until a person wants it.
    GivenUp {
        /// `expired`, `too_large` or `failed`.
        state: &'static str,
        /// Stable name of what stood in the way.
        problem: &'static str,
    },
}

/// Shows how large it is and not what it is.
impl std::fmt::Debug for MediaOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fetched { bytes, .. } => write!(f, "Fetched({} bytes)", bytes.len()),
            Self::Again { problem, wait } => write!(f, "Again({problem}, {wait:?})"),
            Self::GivenUp { state, problem } => write!(f, "GivenUp({state}, {problem})"),
        }
    }
}

impl Tenant {
    /// The next file of a channel that is to be fetched: of the newest message first, because links of gateways expire.
    ///
    /// # Errors
    /// As any statement.
    pub async fn next_media(&self, channel: Uuid) -> Result<Option<MediaDue>> {
        let question = sqlx::query(
            "select f.id, f.handle, f.tries, m.gateway_id, m.kind, m.direction = 'outbound' as from_me, c.chat_address
             from app.media f
             join app.messages m on m.clinic_id = f.clinic_id and m.id = f.message_id
             join app.conversations c on c.clinic_id = m.clinic_id and c.id = m.conversation_id
             where f.clinic_id = (select id from app.own_clinic) and f.state = 'pending'
               and f.next_try_at <= clock_timestamp() and m.channel_id = $1 and m.gateway_id is not null
             order by m.sent_at desc, f.id limit 1",
        );
        let row =
            self.ask(async |connection| answered(question.bind(channel).fetch_optional(connection)).await).await?;
        let Some(row) = row else { return Ok(None) };
        let gateway_id: String = row.try_get("gateway_id")?;
        let chat: Option<String> = row.try_get("chat_address")?;
        let Some(gateway_id) = GatewayId::new(&gateway_id) else { return Ok(None) };
        Ok(Some(MediaDue {
            id: row.try_get("id")?,
            gateway_id,
            chat: chat.as_deref().and_then(ChatAddress::new),
            from_me: row.try_get("from_me")?,
            kind: row.try_get("kind")?,
            handle: row.try_get("handle")?,
            tries: u32::try_from(row.try_get::<i32, _>("tries")?).unwrap_or_default(),
        }))
    }

    /// Writes down what became of a try, the bytes with it. A file whose message has gone meanwhile is dropped.
    ///
    /// # Errors
    /// [`crate::Error::LeaseLost`]; else as any statement.
    pub async fn record_media(&self, fence: Fence, id: Uuid, outcome: &MediaOutcome) -> Result<()> {
        self.ask(async |connection| {
            let mut transaction = answered(connection.begin()).await?;
            let recorded = record(&mut transaction, fence, id, outcome).await;
            finish(transaction, recorded).await
        })
        .await
    }
}

async fn record(transaction: &mut PgConnection, fence: Fence, id: Uuid, outcome: &MediaOutcome) -> Result<()> {
    lease::hold(transaction, fence).await?;
    match outcome {
        MediaOutcome::Fetched { bytes, file_name } => keep(transaction, id, bytes, file_name.as_deref()).await,
        MediaOutcome::Again { problem, wait } => {
            let question = sqlx::query(
                "update app.media set tries = tries + 1, problem = $2,
                        next_try_at = clock_timestamp() + make_interval(secs => $3)
                 where clinic_id = (select id from app.own_clinic) and id = $1 and state = 'pending'",
            );
            let question = question.bind(id).bind(*problem).bind(wait.as_secs_f64());
            answered(question.execute(transaction)).await.map(|_| ())
        }
        MediaOutcome::GivenUp { state, problem } => {
            let question = sqlx::query(
                "update app.media set tries = tries + 1, state = $2, problem = $3, next_try_at = null
                 where clinic_id = (select id from app.own_clinic) and id = $1 and state = 'pending'",
            );
            answered(question.bind(id).bind(*state).bind(*problem).execute(transaction)).await.map(|_| ())
        }
    }
}

async fn keep(transaction: &mut PgConnection, id: Uuid, bytes: &[u8], file_name: Option<&str>) -> Result<()> {
    let question = sqlx::query(
        "update app.media set state = 'stored', storage = 'database', mime_type = $2, size_bytes = $3, sha256 = $4,
                file_name = coalesce(file_name, $5), problem = null, next_try_at = null
         where clinic_id = (select id from app.own_clinic) and id = $1 and state = 'pending'",
    );
    let question = question
        .bind(id)
        .bind(FileType::of(bytes).mime_type)
        .bind(i64::try_from(bytes.len()).unwrap_or(i64::MAX))
        .bind(Sha256::digest(bytes).to_vec())
        .bind(file_name);
    if answered(question.execute(&mut *transaction)).await?.rows_affected() == 0 {
        return Ok(());
    }
    for (place, piece) in (0_i32..).zip(bytes.chunks(CHUNK_BYTES)) {
        let question = sqlx::query(
            "insert into app.media_chunks (clinic_id, media_id, place, bytes)
             values ((select id from app.own_clinic), $1, $2, $3)",
        );
        within(LARGE_ANSWER, question.bind(id).bind(place).bind(piece).execute(&mut *transaction)).await?;
    }
    Ok(())
}
