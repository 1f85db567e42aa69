//! Two people who are one. Asked of the database itself: what comes together must be all there is, and stay together.

use std::sync::Arc;

use balcao_cache as cache;
use balcao_tenant as tenant;

use super::types::{ListMerges, Merge, MergePeople, MergePreview, MergedPeople, Merges, PersonWeight, UndoMerge};
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{phone, shown_name};
use crate::members::line_when_online;

pub(crate) async fn preview_merge(desk: &Arc<Desk>, request: MergePeople) -> Result<MergePreview, ApiError> {
    let MergePeople { keep, absorbed } = two(request)?;
    let clinic = desk.clinic().await?;
    let (kept, gone, leads_collide) = tokio::try_join!(
        clinic.cache.person_weight(keep),
        clinic.cache.person_weight(absorbed),
        clinic.cache.leads_collide(keep, absorbed)
    )?;
    Ok(MergePreview { keep: shown(kept), absorbed: shown(gone), leads_collide })
}

pub(crate) async fn merge_people(desk: &Arc<Desk>, request: MergePeople) -> Result<MergedPeople, ApiError> {
    let MergePeople { keep, absorbed } = two(request)?;
    let tenant = line_when_online(desk).await?;
    let merged = tenant.merge_people(keep, absorbed).await;
    tenant.close().await;
    let merge_id = merged.map_err(refusal)?.ok_or_else(nobody)?;
    desk.clinic().await?.sync.hurry();
    Ok(MergedPeople { merge_id })
}

pub(crate) async fn undo_merge(desk: &Arc<Desk>, request: UndoMerge) -> Result<Nothing, ApiError> {
    let tenant = line_when_online(desk).await?;
    let undone = tenant.undo_merge(request.merge_id).await;
    tenant.close().await;
    if !undone.map_err(refusal)? {
        return Err(ApiError::new("merge_stays", "this merge cannot be taken apart any more"));
    }
    desk.clinic().await?.sync.hurry();
    Ok(Nothing {})
}

pub(crate) async fn list_merges(desk: &Arc<Desk>, request: ListMerges) -> Result<Merges, ApiError> {
    let tenant = line_when_online(desk).await?;
    let found = tenant.merges_of(request.contact_id).await;
    tenant.close().await;
    let clinic = desk.clinic().await?;
    let mut merges = Vec::new();
    for merge in found? {
        let member = match merge.member_id {
            Some(member) => clinic.cache.member(member).await?.map(|member| member.name),
            None => None,
        };
        let phone = phone(merge.phone.as_deref());
        let name = shown_name(&merge.name, None, phone.as_deref());
        merges.push(Merge { id: merge.id, name, phone, merged_at: merge.merged_at, member });
    }
    Ok(Merges { merges })
}

fn two(wish: MergePeople) -> Result<MergePeople, ApiError> {
    if wish.keep == wish.absorbed {
        return Err(ApiError::new("same_person", "this is the same person already"));
    }
    Ok(wish)
}

fn nobody() -> ApiError {
    ApiError::new("not_found", "there is no such person")
}

fn refusal(error: tenant::Error) -> ApiError {
    match error.constraint() {
        Some("contact_merges_two_leads") => {
            ApiError::new("two_open_leads", "both have an open lead in the same pipeline")
        }
        Some("contact_merges_gone" | "contact_merges_once") => nobody(),
        _ => error.into(),
    }
}

fn shown(person: cache::PersonWeight) -> PersonWeight {
    let phone = phone(person.phone.as_deref());
    PersonWeight {
        name: shown_name(&person.name, person.profile_name.as_deref(), phone.as_deref()),
        phone,
        patients: person.patients,
        conversations: person.conversations,
        visits: person.visits,
        leads: person.leads,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn nobody_is_joined_to_themselves() {
        let one = Uuid::from_u128(1);
        assert_eq!(two(MergePeople { keep: one, absorbed: one }).unwrap_err().code, "same_person");
    }

    #[test]
    fn a_constraint_of_the_database_has_words_for_people() {
        let refused = |constraint: &str| {
            let (sqlstate, constraint) = ("23514".to_owned(), Some(constraint.to_owned()));
            refusal(tenant::Error::Constraint { sqlstate, constraint }).code
        };
        assert_eq!(refused("contact_merges_two_leads"), "two_open_leads");
        assert_eq!(refused("contact_merges_gone"), "not_found");
        assert_eq!(refused("another"), "constraint");
    }
}
