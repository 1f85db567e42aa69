//! Two contacts turn out to be one person: one was known by a number, the other only by a hidden account.

use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::Scope;
use crate::Result;

/// Moves everything of `absorbed`, which has no number, to `keep`. The emptied contact is archived: nothing is deleted.
///
/// Where the clinic has already worked with the absorbed contact (a visit, a lead, a patient) nothing is moved and
/// `false` comes back: joining those is a person's decision.
pub(super) async fn absorb(transaction: &mut PgConnection, scope: Scope, keep: Uuid, absorbed: Uuid) -> Result<bool> {
    let worked_with: bool = sqlx::query_scalar(
        "select exists (select 1 from app.appointments where clinic_id = $1 and contact_id = $2)
             or exists (select 1 from app.leads where clinic_id = $1 and contact_id = $2)
             or exists (select 1 from app.patients where clinic_id = $1 and contact_id = $2)
             or exists (select 1 from app.waitlist_entries where clinic_id = $1 and contact_id = $2)",
    )
    .bind(scope.clinic)
    .bind(absorbed)
    .fetch_one(&mut *transaction)
    .await?;
    if worked_with {
        return Ok(false);
    }
    let threads = sqlx::query(
        "select o.id as old, k.id as kept
         from app.conversations o
         left join app.conversations k on k.clinic_id = o.clinic_id and k.channel_id = o.channel_id and k.contact_id = $3
         where o.clinic_id = $1 and o.contact_id = $2
         order by o.id",
    )
    .bind(scope.clinic)
    .bind(absorbed)
    .bind(keep)
    .fetch_all(&mut *transaction)
    .await?;
    for thread in threads {
        let old: Uuid = thread.try_get("old")?;
        match thread.try_get::<Option<Uuid>, _>("kept")? {
            Some(kept) => join(transaction, scope, kept, old).await?,
            None => {
                sqlx::query("update app.conversations set contact_id = $3 where clinic_id = $1 and id = $2")
                    .bind(scope.clinic)
                    .bind(old)
                    .bind(keep)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
    }
    sqlx::query("update app.contact_identifiers set contact_id = $3, is_primary = false where clinic_id = $1 and contact_id = $2")
        .bind(scope.clinic)
        .bind(absorbed)
        .bind(keep)
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "update app.contacts k set
                name = case when k.name = '' then a.name else k.name end,
                profile_name = coalesce(k.profile_name, a.profile_name),
                last_interaction_at = greatest(k.last_interaction_at, a.last_interaction_at)
         from app.contacts a
         where k.clinic_id = $1 and k.id = $3 and a.clinic_id = $1 and a.id = $2",
    )
    .bind(scope.clinic)
    .bind(absorbed)
    .bind(keep)
    .execute(&mut *transaction)
    .await?;
    sqlx::query("update app.contacts set status = 'archived' where clinic_id = $1 and id = $2")
        .bind(scope.clinic)
        .bind(absorbed)
        .execute(&mut *transaction)
        .await?;
    Ok(true)
}

/// Moves the messages of one thread into another, and leaves the first closed and empty.
async fn join(transaction: &mut PgConnection, scope: Scope, kept: Uuid, old: Uuid) -> Result<()> {
    sqlx::query("update app.messages set conversation_id = $3 where clinic_id = $1 and conversation_id = $2")
        .bind(scope.clinic)
        .bind(old)
        .bind(kept)
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "update app.conversations k set
                last_message_at = greatest(k.last_message_at, o.last_message_at),
                last_message_preview = case when n.newer then o.last_message_preview else k.last_message_preview end,
                last_message_direction = case when n.newer then o.last_message_direction else k.last_message_direction end,
                last_message_kind = case when n.newer then o.last_message_kind else k.last_message_kind end,
                last_inbound_at = n.last_in, last_outbound_at = n.last_out,
                last_human_message_at = greatest(k.last_human_message_at, o.last_human_message_at),
                first_response_at = least(k.first_response_at, o.first_response_at),
                unread_count = case when n.answered then 0 else k.unread_count + o.unread_count end,
                waiting_since = case when n.answered then null else least(k.waiting_since, o.waiting_since) end,
                chat_address = case when o.last_inbound_at > k.last_inbound_at or k.last_inbound_at is null
                    then coalesce(o.chat_address, k.chat_address) else k.chat_address end,
                handler = case when 'person' in (k.handler, o.handler) then 'person' else k.handler end,
                assignee_id = coalesce(k.assignee_id, o.assignee_id),
                status = case when o.status = 'open' then 'open' else k.status end,
                closed_at = case when o.status = 'open' then null else k.closed_at end
         from app.conversations o,
              lateral (select greatest(k2.last_inbound_at, o.last_inbound_at) as last_in,
                              greatest(k2.last_outbound_at, o.last_outbound_at) as last_out,
                              o.last_message_at > k2.last_message_at or k2.last_message_at is null as newer,
                              coalesce(greatest(k2.last_outbound_at, o.last_outbound_at)
                                  >= greatest(k2.last_inbound_at, o.last_inbound_at), false) as answered
                       from app.conversations k2 where k2.clinic_id = $1 and k2.id = $3) n
         where k.clinic_id = $1 and k.id = $3 and o.clinic_id = $1 and o.id = $2",
    )
    .bind(scope.clinic)
    .bind(old)
    .bind(kept)
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "update app.conversations set status = 'closed', closed_at = now(), unread_count = 0, waiting_since = null,
                last_message_at = null, last_message_preview = '', last_message_direction = null, last_message_kind = null,
                metadata = metadata || jsonb_build_object('joined_into', $3::uuid)
         where clinic_id = $1 and id = $2",
    )
    .bind(scope.clinic)
    .bind(old)
    .bind(kept)
    .execute(&mut *transaction)
    .await?;
    Ok(())
}
