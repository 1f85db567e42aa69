//! What was done with threads lately, so that it can be taken back.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use balcao_domain::conversation::Standing;
use uuid::Uuid;

/// Pieces of work that can be taken back.
const MOST_KEPT: usize = 20;

/// What was done with one thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deed {
    /// Name of the write.
    pub action: &'static str,
    pub conversation: Uuid,
    pub contact: Uuid,
    pub before: Standing,
    pub after: Standing,
    pub was_blocked: bool,
    pub is_blocked: bool,
}

impl Deed {
    /// Whether it changes anything.
    pub(super) fn changes(&self) -> bool {
        self.before != self.after || self.was_blocked != self.is_blocked
    }

    /// The deed that takes this one back, from what stands there now: what somebody has changed since stays as it is.
    pub(super) fn taken_back(&self, is_blocked: bool, now: &Standing) -> Option<Self> {
        let mut then = now.clone();
        let Self { before, after, .. } = self;
        if (after.status, after.snoozed_until) == (now.status, now.snoozed_until) {
            (then.status, then.snoozed_until) = (before.status, before.snoozed_until);
        }
        if after.handler == now.handler {
            then.handler = before.handler;
        }
        if after.assignee == now.assignee {
            then.assignee = before.assignee;
        }
        if after.priority == now.priority {
            then.priority = before.priority;
        }
        if after.labels == now.labels {
            then.labels.clone_from(&before.labels);
        }
        if after.marked_unread == now.marked_unread {
            then.marked_unread = before.marked_unread;
        }
        let back = Self {
            before: now.clone(),
            after: then,
            was_blocked: is_blocked,
            is_blocked: if self.is_blocked == is_blocked { self.was_blocked } else { is_blocked },
            ..self.clone()
        };
        back.changes().then_some(back)
    }
}

/// What was done lately. It is kept in memory only: who closes the program has decided.
#[derive(Debug, Default)]
pub(crate) struct ActedLately(Mutex<VecDeque<(Uuid, Vec<Deed>)>>);

impl ActedLately {
    /// Keeps some deeds, with an earlier piece of the same work where there is one.
    pub(super) fn keep(&self, with: Option<Uuid>, deeds: Vec<Deed>) -> Uuid {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((id, known)) = kept.iter_mut().find(|(id, _)| Some(*id) == with) {
            known.extend(deeds);
            return *id;
        }
        if kept.len() == MOST_KEPT {
            kept.pop_front();
        }
        let id = Uuid::now_v7();
        kept.push_back((id, deeds));
        id
    }

    /// Takes them out.
    pub(super) fn take(&self, id: Uuid) -> Option<Vec<Deed>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| *known == id)?;
        kept.remove(at).map(|(_, deeds)| deeds)
    }
}

#[cfg(test)]
mod tests {
    use balcao_domain::conversation::{Action, Handler, Priority, Status};

    use super::*;

    fn open() -> Standing {
        Standing {
            status: Status::Open,
            snoozed_until: None,
            handler: Handler::Person,
            assignee: None,
            priority: Priority::Normal,
            labels: Vec::new(),
            marked_unread: false,
        }
    }

    fn deed(action: &Action) -> Deed {
        let after = open().after(action, Default::default()).unwrap();
        let (conversation, contact) = (Uuid::from_u128(1), Uuid::from_u128(2));
        Deed { action: "x", conversation, contact, before: open(), after, was_blocked: false, is_blocked: false }
    }

    #[test]
    fn what_was_done_is_taken_back_and_nothing_else() {
        let closed = deed(&Action::Close);
        let labelled = Standing { labels: vec!["vip".to_owned()], ..closed.after.clone() };
        let back = closed.taken_back(false, &labelled).unwrap();
        assert_eq!(back.after, Standing { labels: vec!["vip".to_owned()], ..open() });
    }

    #[test]
    fn what_somebody_has_changed_since_is_left_alone() {
        let assigned = deed(&Action::Assign(Some(Uuid::from_u128(7))));
        let given_on = Standing { assignee: Some(Uuid::from_u128(8)), ..open() };
        assert_eq!(assigned.taken_back(false, &given_on), None);
    }

    #[test]
    fn pieces_of_one_work_are_taken_back_together() {
        let lately = ActedLately::default();
        let id = lately.keep(None, vec![deed(&Action::Close)]);
        assert_eq!(lately.keep(Some(id), vec![deed(&Action::Close)]), id);
        assert_eq!(lately.take(id).unwrap().len(), 2);
        assert_eq!(lately.take(id), None, "once");
    }
}
