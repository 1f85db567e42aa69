//! Whose turn it is.

use balcao_domain::message::{ChatAddress, GatewayId};
use balcao_domain::phone::Phone;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::connect::answered;
use crate::{Result, Tenant};

/// A message whose turn it is.
#[derive(Clone, PartialEq)]
pub struct Due {
    /// The message.
    pub message: Uuid,
    /// Its conversation.
    pub conversation: Uuid,
    /// Where it goes; none where the person has never written.
    pub chat: Option<ChatAddress>,
    /// The person's number, where there is one.
    pub phone: Option<Phone>,
    /// text, image, …
    pub kind: String,
    /// Whether it was spoken into a microphone.
    pub is_voice: bool,
    /// Its words.
    pub body: String,
    /// What it answers.
    pub quoted: Option<Quoted>,
    /// Messages of the person since the last one of the clinic, the newest last, at most twenty.
    pub unanswered: Vec<GatewayId>,
    pub(super) job: Uuid,
}

/// A message that is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quoted {
    /// Its id at the gateway.
    pub gateway_id: GatewayId,
    /// Whether the clinic sent it.
    pub from_me: bool,
}

/// What there is to send on a channel.
#[derive(Debug, Clone, PartialEq)]
pub enum NextDue {
    /// This.
    Message(Box<Due>),
    /// Something, but the channel has sent all it may today.
    DailyCap,
    /// Nothing now.
    Nothing,
}

// The words and the chat are a patient's.
impl std::fmt::Debug for Due {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Due").field("message", &self.message).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Tenant {
    /// The next message of a channel: its time has come, its file is here where it has one, nothing of its conversation is on
    /// its way or stands before it. `daily_cap` counts tries since midnight in the clinic.
    ///
    /// # Errors
    /// As any statement.
    pub async fn next_due(&self, channel: Uuid, daily_cap: u32) -> Result<NextDue> {
        self.ask(async |connection| {
            let Some(row) = first(connection, channel).await? else { return Ok(NextDue::Nothing) };
            if sent_today(connection, channel).await? >= i64::from(daily_cap) {
                return Ok(NextDue::DailyCap);
            }
            let unanswered = unanswered(connection, row.try_get("conversation_id")?).await?;
            Ok(NextDue::Message(Box::new(read(&row, unanswered)?)))
        })
        .await
    }
}

async fn first(connection: &mut PgConnection, channel: Uuid) -> Result<Option<PgRow>> {
    let question = sqlx::query(
        // Message by message, behind fences: the database keeps no statistics of messages, and without them it takes all of a channel
        // to be next to none, and would look at each of them for every job.
        "with jobs as materialized (
             select j.id as job, j.status as state, j.run_at, j.priority, (j.payload ->> 'message_id')::uuid as message
             from app.jobs j
             where j.clinic_id = (select app.current_clinic()) and j.kind = 'send_message' and j.status in ('queued', 'running')
         ), waiting as (
             select j.*, m.id, m.conversation_id, m.kind, m.body, m.sent_at,
                    m.reply_to_gateway_id, m.status, coalesce(m.attachment -> 'voice' = 'true', false) as is_voice,
                    m.kind not in ('image', 'audio', 'video', 'document', 'sticker')
                        or (f.state = 'stored' and o.is_away is null) as is_whole,
                    row_number() over (partition by m.conversation_id
                                       order by (j.state = 'running') desc, m.sent_at, m.id) as place
             from jobs j
             join lateral (select * from app.messages m
                           where m.clinic_id = (select app.current_clinic()) and m.id = j.message offset 0) m on true
             left join app.media f on f.clinic_id = m.clinic_id and f.message_id = m.id
             -- One that is sent again may have its file in the bucket by now.
             left join lateral (select true as is_away from app.media_objects o
                                where o.clinic_id = (select app.current_clinic()) and o.media_id = f.id
                                  and o.moved_at is not null and o.brought_at is null
                                offset 0) o on true
             where m.channel_id = $1
               and (m.scheduled_for is null or m.scheduled_for <= clock_timestamp())
               -- Whoever wrote it may have gone home before the file was here: those behind it wait a while, and not for ever.
               and (m.kind not in ('image', 'audio', 'video', 'document', 'sticker')
                    or (f.state = 'stored' and o.is_away is null)
                    or m.created_at > clock_timestamp() - interval '2 minutes')
         ), next as materialized (
             select * from waiting w
             where w.place = 1 and w.state = 'queued' and w.status = 'queued' and w.is_whole and w.run_at <= clock_timestamp()
             order by w.priority desc, w.sent_at, w.id limit 1
         )
         select w.*, c.chat_address, p.phone, q.direction = 'outbound' as quoted_ours
         from next w
         join app.conversations c on c.clinic_id = (select app.current_clinic()) and c.id = w.conversation_id
         join app.contacts p on p.clinic_id = c.clinic_id and p.id = c.contact_id
         left join lateral (select q.direction from app.messages q
                            where q.clinic_id = c.clinic_id and q.channel_id = $1 and q.gateway_id = w.reply_to_gateway_id
                            offset 0) q on true",
    );
    answered(question.bind(channel).fetch_optional(connection)).await
}

async fn sent_today(connection: &mut PgConnection, channel: Uuid) -> Result<i64> {
    let question = sqlx::query_scalar(
        "select count(*) from app.message_attempts a
         join lateral (select m.channel_id from app.messages m
                       where m.clinic_id = (select app.current_clinic()) and m.id = a.message_id offset 0) m on true
         join app.clinics k on k.id = a.clinic_id
         where a.clinic_id = (select app.current_clinic()) and m.channel_id = $1 and a.outcome <> 'not_sent'
           and a.started_at >= date_trunc('day', clock_timestamp() at time zone k.time_zone) at time zone k.time_zone",
    );
    answered(question.bind(channel).fetch_one(connection)).await
}

async fn unanswered(connection: &mut PgConnection, conversation: Uuid) -> Result<Vec<GatewayId>> {
    let question = sqlx::query_scalar(
        "select gateway_id from (
             select m.gateway_id, m.direction, m.sent_at, m.id,
                    bool_or(m.direction = 'outbound' and m.status not in ('queued', 'sending', 'failed'))
                        over (order by m.sent_at desc, m.id desc) as answered
             from (select * from app.messages where clinic_id = (select app.current_clinic()) and conversation_id = $1
                   order by sent_at desc, id desc limit 40) m
         ) newest
         where direction = 'inbound' and not answered and gateway_id is not null
         order by sent_at desc, id desc limit 20",
    );
    let ids: Vec<String> = answered(question.bind(conversation).fetch_all(connection)).await?;
    Ok(ids.iter().rev().filter_map(|id| GatewayId::new(id)).collect())
}

fn read(row: &PgRow, unanswered: Vec<GatewayId>) -> Result<Due> {
    let chat: Option<String> = row.try_get("chat_address")?;
    let phone: Option<String> = row.try_get("phone")?;
    let quoted: Option<String> = row.try_get("reply_to_gateway_id")?;
    let quoted_ours: Option<bool> = row.try_get("quoted_ours")?;
    Ok(Due {
        message: row.try_get("id")?,
        conversation: row.try_get("conversation_id")?,
        chat: chat.as_deref().and_then(ChatAddress::new),
        phone: phone.as_deref().and_then(Phone::from_e164),
        kind: row.try_get("kind")?,
        is_voice: row.try_get("is_voice")?,
        body: row.try_get("body")?,
        quoted: quoted
            .and_then(|id| GatewayId::new(&id))
            .map(|gateway_id| Quoted { gateway_id, from_me: quoted_ours.unwrap_or_default() }),
        unanswered,
        job: row.try_get("job")?,
    })
}
