//! What a transaction changed, told after its commit.

use std::collections::BTreeSet;

use balcao_domain::feed::{Cell, Entity};
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

    /// The thread that a copied row belongs to, if it does to one: `id`, `version`, then the entity's columns.
    pub(crate) fn touch_row(&mut self, entity: &Entity, row: &[Cell<'_>]) {
        let column = match entity.name {
            "conversations" => Some(0),
            "messages" | "mentions" => {
                entity.columns.iter().position(|c| c.name == "conversation_id").map(|index| index + 2)
            }
            _ => None,
        };
        if let Some(Cell::Id(id)) = column.and_then(|index| row.get(index)) {
            self.touch_conversation(*id);
        }
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
