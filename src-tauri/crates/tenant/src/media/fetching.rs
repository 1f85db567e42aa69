//! What the background work fetches from gateways.

use std::time::Duration;

use balcao_domain::file::{CHUNK_BYTES, FileType};
use balcao_domain::message::{ChatAddress, GatewayId};
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::connect::{LARGE_ANSWER, answered, within};
use crate::lease::Fence;
use crate::{Error, Result, Tenant};

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
               and length(m.gateway_id) between 1 and $2 and m.gateway_id !~ '[\\u0001-\\u001F\\u007F-\\u009F]'
             order by m.sent_at desc, f.id limit 1",
        );
        // One that no gateway gave is not asked for, and does not stand in the way of the others.
        let question = question.bind(channel).bind(i32::try_from(GatewayId::MOST_CHARS).unwrap_or(i32::MAX));
        let row = self.ask(async |connection| answered(question.fetch_optional(connection)).await).await?;
        let Some(row) = row else { return Ok(None) };
        let gateway_id: String = row.try_get("gateway_id")?;
        let chat: Option<String> = row.try_get("chat_address")?;
        let gateway_id = GatewayId::new(&gateway_id).ok_or(Error::Protocol)?;
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
        if let MediaOutcome::Fetched { bytes, .. } = outcome
            && !self.put_pieces(fence, id, bytes).await?
        {
            return Ok(());
        }
        self.under(fence, async |transaction| record(transaction, id, outcome).await).await
    }

    /// Puts the bytes of a file here, which has them when that is said. Each piece goes by itself: the lease is not kept from being
    /// renewed for as long as a file takes on a slow line. `false` where they are not wanted any more.
    ///
    /// # Errors
    /// [`crate::Error::LeaseLost`]; else as any statement.
    pub(crate) async fn put_pieces(&self, fence: Fence, media: Uuid, bytes: &[u8]) -> Result<bool> {
        for (place, piece) in (0_i32..).zip(bytes.chunks(CHUNK_BYTES)) {
            let is_wanted: bool = self
                .under(fence, async |transaction| {
                    let question = sqlx::query_scalar("select app.put_media_piece($1, $2, $3)");
                    let question = question.bind(media).bind(place).bind(piece);
                    within(LARGE_ANSWER, question.fetch_one(transaction)).await
                })
                .await?;
            if !is_wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

async fn record(transaction: &mut PgConnection, id: Uuid, outcome: &MediaOutcome) -> Result<()> {
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

/// Its pieces are here: it is stored.
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
    answered(question.execute(transaction)).await.map(|_| ())
}
