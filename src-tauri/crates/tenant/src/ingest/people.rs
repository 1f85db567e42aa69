//! Who a chat is with: found by any address that is known, made when none is.

use balcao_domain::message::Person;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{Scope, merge};
use crate::Result;

/// A contact, as far as it is needed here.
#[derive(Clone, PartialEq, Eq)]
struct Known {
    id: Uuid,
    has_name: bool,
    has_profile_name: bool,
    has_phone: bool,
}

/// By which address who was found.
#[derive(Default)]
struct Found {
    by_phone: Option<Known>,
    by_lid: Option<Known>,
}

/// The contact of this person. `anchor` is the contact whose thread holds the same message already: one message has one
/// person, so that its two addresses become known as one.
pub(super) async fn find_or_make(
    transaction: &mut PgConnection,
    scope: Scope,
    person: &Person,
    push_name: Option<&str>,
    anchor: Option<Uuid>,
) -> Result<Uuid> {
    let contact = match settle(transaction, scope, person, anchor).await? {
        Some(contact) => contact,
        None => return make(transaction, scope, person, push_name).await,
    };
    name(transaction, scope, &contact, push_name, false).await?;
    Ok(contact.id)
}

/// Takes in what the gateway knows of a person who has written before. Of anybody else nothing is stored.
pub(super) async fn learn(
    transaction: &mut PgConnection,
    scope: Scope,
    person: &Person,
    push_name: Option<&str>,
) -> Result<()> {
    if let Some(contact) = settle(transaction, scope, person, None).await? {
        name(transaction, scope, &contact, push_name, true).await?;
    }
    Ok(())
}

/// Finds the contact, and stores what the addresses say about each other.
async fn settle(
    transaction: &mut PgConnection,
    scope: Scope,
    person: &Person,
    anchor: Option<Uuid>,
) -> Result<Option<Known>> {
    let found = find(transaction, scope, person).await?;
    let anchor = match anchor {
        Some(id) => by_id(transaction, scope, id).await?,
        None => None,
    };
    // The number counts most; then the hidden account; then who this message was filed under before.
    let mut contact = match (&found.by_phone, &found.by_lid, &anchor) {
        (Some(contact), _, _) | (None, Some(contact), _) => contact.clone(),
        (None, None, Some(anchor)) if !(anchor.has_phone && person.phone.is_some()) => anchor.clone(),
        (None, None, Some(anchor)) => return Ok(Some(anchor.clone())),
        (None, None, None) => return Ok(None),
    };
    for other in [found.by_lid.as_ref(), anchor.as_ref()].into_iter().flatten() {
        let (keep, absorb) = match (contact.has_phone, other.has_phone) {
            _ if other.id == contact.id => continue,
            (true, false) => (&contact, other),
            (false, true) => (other, &contact),
            // Two numbers, or two hidden accounts, are two people, whatever the gateway says.
            _ => continue,
        };
        if merge::absorb(transaction, scope, keep.id, absorb.id).await? {
            contact = keep.clone();
        }
    }
    if let (Some(phone), None) = (&person.phone, &found.by_phone) {
        identify(transaction, scope, contact.id, "phone", phone.as_str(), &phone.match_key()).await?;
        if !contact.has_phone {
            sqlx::query("update app.contacts set phone = $3 where clinic_id = $1 and id = $2 and phone is null")
                .bind(scope.clinic)
                .bind(contact.id)
                .bind(phone.as_str())
                .execute(&mut *transaction)
                .await?;
            contact.has_phone = true;
        }
    }
    if let (Some(lid), None) = (&person.lid, &found.by_lid) {
        identify(transaction, scope, contact.id, "lid", lid.as_str(), lid.as_str()).await?;
    }
    Ok(Some(contact))
}

async fn find(transaction: &mut PgConnection, scope: Scope, person: &Person) -> Result<Found> {
    let rows = sqlx::query(
        "select i.kind, c.id, c.name <> '' as has_name, c.profile_name is not null as has_profile_name,
                c.phone is not null as has_phone
         from app.contact_identifiers i join app.contacts c on c.clinic_id = i.clinic_id and c.id = i.contact_id
         where i.clinic_id = $1 and ((i.kind = 'phone' and i.match_key = $2) or (i.kind = 'lid' and i.match_key = $3))",
    )
    .bind(scope.clinic)
    .bind(person.phone.as_ref().map(|phone| phone.match_key()))
    .bind(person.lid.as_ref().map(|lid| lid.as_str()))
    .fetch_all(transaction)
    .await?;
    let mut found = Found::default();
    for row in rows {
        let contact = known(&row)?;
        match row.try_get::<&str, _>("kind")? {
            "phone" => found.by_phone = Some(Known { has_phone: true, ..contact }),
            _ => found.by_lid = Some(contact),
        }
    }
    Ok(found)
}

async fn by_id(transaction: &mut PgConnection, scope: Scope, id: Uuid) -> Result<Option<Known>> {
    let row = sqlx::query(
        "select id, name <> '' as has_name, profile_name is not null as has_profile_name, phone is not null as has_phone
         from app.contacts where clinic_id = $1 and id = $2",
    )
    .bind(scope.clinic)
    .bind(id)
    .fetch_optional(transaction)
    .await?;
    row.as_ref().map(known).transpose()
}

fn known(row: &sqlx::postgres::PgRow) -> Result<Known> {
    Ok(Known {
        id: row.try_get("id")?,
        has_name: row.try_get("has_name")?,
        has_profile_name: row.try_get("has_profile_name")?,
        has_phone: row.try_get("has_phone")?,
    })
}

async fn make(transaction: &mut PgConnection, scope: Scope, person: &Person, push_name: Option<&str>) -> Result<Uuid> {
    let contact: Uuid = sqlx::query_scalar(
        "insert into app.contacts (clinic_id, name, profile_name, phone, source)
         values ($1, coalesce($2, ''), $2, $3, 'whatsapp') returning id",
    )
    .bind(scope.clinic)
    .bind(push_name)
    .bind(person.phone.as_ref().map(|phone| phone.as_str()))
    .fetch_one(&mut *transaction)
    .await?;
    if let Some(phone) = &person.phone {
        identify(transaction, scope, contact, "phone", phone.as_str(), &phone.match_key()).await?;
    }
    if let Some(lid) = &person.lid {
        identify(transaction, scope, contact, "lid", lid.as_str(), lid.as_str()).await?;
    }
    Ok(contact)
}

/// A unique violation here means that another desk made the same person meanwhile: the transaction is tried again.
async fn identify(
    transaction: &mut PgConnection,
    scope: Scope,
    contact: Uuid,
    kind: &str,
    value: &str,
    match_key: &str,
) -> Result<()> {
    sqlx::query(
        "insert into app.contact_identifiers (clinic_id, contact_id, kind, value, match_key, is_primary)
         values ($1, $2, $3, $4, $5, not exists (
            select 1 from app.contact_identifiers where clinic_id = $1 and contact_id = $2 and kind = $3))",
    )
    .bind(scope.clinic)
    .bind(contact)
    .bind(kind)
    .bind(value)
    .bind(match_key)
    .execute(transaction)
    .await?;
    Ok(())
}

/// Fills a name that nobody has given yet. What the clinic calls a person is never replaced; how the person calls
/// itself is, where the news is `current` and not a word from the past.
async fn name(
    transaction: &mut PgConnection,
    scope: Scope,
    contact: &Known,
    push_name: Option<&str>,
    current: bool,
) -> Result<()> {
    let Some(push_name) = push_name else { return Ok(()) };
    if contact.has_name && contact.has_profile_name && !current {
        return Ok(());
    }
    sqlx::query(
        "update app.contacts set name = case when name = '' then $3 else name end,
                profile_name = case when $4 or profile_name is null then $3 else profile_name end
         where clinic_id = $1 and id = $2
           and (name = '' or profile_name is null or ($4 and profile_name <> $3))",
    )
    .bind(scope.clinic)
    .bind(contact.id)
    .bind(push_name)
    .bind(current)
    .execute(transaction)
    .await?;
    Ok(())
}
