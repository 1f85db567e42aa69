//! Who else has a thread open.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::types::{Companion, Company, GetCompany, NoteTyping};
use crate::changes::Topic;
use crate::clinic::OpenClinic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

pub(crate) async fn get_company(desk: &Arc<Desk>, request: GetCompany) -> Result<Company, ApiError> {
    let clinic = desk.clinic().await?;
    // What is known is of the thread that somebody has before their eyes.
    if desk.notices.seen() != Some(request.conversation_id) {
        return Ok(Company { people: Vec::new() });
    }
    let company = clinic.sync.company().borrow().clone();
    let mut people = Vec::new();
    for other in company {
        // Somebody whom the copy does not know yet has no name to be shown.
        if let Some(member) = clinic.cache.member(other.member).await? {
            people.push(Companion { member_id: member.id, name: member.name, typing: other.typing });
        }
    }
    Ok(Company { people })
}

pub(crate) async fn note_typing(desk: &Arc<Desk>, request: NoteTyping) -> Result<Nothing, ApiError> {
    desk.clinic().await?.sync.write(request.conversation_id, request.typing);
    Ok(Nothing {})
}

/// Says to the other desks which thread is open here, and to the screens who comes and goes, until the clinic is closed.
pub(crate) fn follow_company(desk: &Arc<Desk>, clinic: &OpenClinic) {
    let (mut company, mut seen, time) = (clinic.sync.company(), desk.notices.follow_seen(), desk.time());
    let desk = Arc::downgrade(desk);
    tokio::spawn(async move {
        // Whatever was open before the clinic was is told, too.
        seen.mark_changed();
        loop {
            let moved = tokio::select! {
                changed = company.changed() => changed.map(|()| None),
                changed = seen.changed() => changed.map(|()| Some(*seen.borrow_and_update())),
            };
            let (Ok(moved), Some(desk)) = (moved, desk.upgrade()) else { return };
            if desk.time() != time {
                return;
            }
            if let (Some(thread), Ok(clinic)) = (moved, desk.clinic().await) {
                clinic.sync.go(thread);
            }
            desk.announce(BTreeSet::from([Topic::Company]), Vec::new());
        }
    });
}
