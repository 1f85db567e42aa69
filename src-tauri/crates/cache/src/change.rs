//! What a transaction changed, told after its commit.

use std::collections::BTreeSet;

use uuid::Uuid;

/// Ids are told up to this number; beyond it everything counts as changed.
const MOST_CONVERSATIONS: usize = 100;

/// What a transaction changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheChange {
    /// Copied tables.
    pub entities: BTreeSet<&'static str>,
    /// Conversations whose threads changed; meaningless when `many_conversations`.
    pub conversations: BTreeSet<Uuid>,
    /// Too many conversations to name.
    pub many_conversations: bool,
    /// Queued or parked writes.
    pub outbox: bool,
}

impl CacheChange {
    pub(crate) fn touch(&mut self, entity: &'static str) {
        self.entities.insert(entity);
    }

    pub(crate) fn touch_conversation(&mut self, id: Uuid) {
        if self.conversations.len() < MOST_CONVERSATIONS {
            self.conversations.insert(id);
        } else if !self.conversations.contains(&id) {
            self.many_conversations = true;
        }
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty() && !self.outbox
    }

    /// Adds what another transaction changed.
    pub fn merge(&mut self, other: Self) {
        self.entities.extend(other.entities);
        for id in other.conversations {
            self.touch_conversation(id);
        }
        self.many_conversations |= other.many_conversations;
        self.outbox |= other.outbox;
    }
}
