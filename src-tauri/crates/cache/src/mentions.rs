//! Notes that name somebody, until they have seen them.

use uuid::Uuid;

use crate::{Cache, Result};

impl Cache {
    /// The thread in which somebody is named.
    pub async fn mentioned_in(&self, mention: Uuid) -> Result<Option<Uuid>> {
        let id = sqlx::query_scalar("select conversation_id from mentions where id = ?");
        Ok(id.bind(mention).fetch_optional(self.readers()).await?)
    }

    /// What names a member in a thread and was not seen by them yet.
    pub async fn unseen_mentions(&self, member: Uuid, conversation: Uuid) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(
            "select id from mentions where member_id = ? and conversation_id = ? and seen_at is null order by id",
        );
        Ok(ids.bind(member).bind(conversation).fetch_all(self.readers()).await?)
    }
}
