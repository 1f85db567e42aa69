//! Where people are, said from desk to desk through the database and kept nowhere in it.
//!
//! The channel lies beside the one that wakes desks: whoever may hear of changes may hear of people. The professionals of a
//! clinic may, too, and know no threads; so a thread is said as a digest that only those can tell who know its id.

use balcao_domain::presence::Place;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::connect::answered;
use crate::{Result, Tenant};

/// The channel of a clinic. Its name is as secret as that of the other one.
#[derive(Clone, PartialEq, Eq)]
pub struct PeopleChannel(String);

impl PeopleChannel {
    pub(crate) fn beside(channel: &str) -> Self {
        Self(format!("{channel}_people"))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    pub(crate) fn is(&self, channel: &str) -> bool {
        self.0 == channel
    }

    /// A thread, as it is said here.
    pub fn place(&self, thread: Uuid) -> Place {
        let digest = Sha256::new().chain_update(self.0.as_bytes()).chain_update(thread.as_bytes()).finalize();
        let mut place = Place::default();
        place.copy_from_slice(&digest[..16]);
        place
    }
}

impl std::fmt::Debug for PeopleChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeopleChannel(…)")
    }
}

impl Tenant {
    /// Says a word to everybody who listens there. Nothing is written, and no desk pulls for it.
    ///
    /// # Errors
    /// As any statement.
    pub async fn say_to_people(&self, channel: &PeopleChannel, word: &str) -> Result<()> {
        let mut turn = self.turn().await?;
        let said = sqlx::query("select pg_notify($1, $2)").bind(channel.name()).bind(word).execute(turn.connection());
        let said = answered(said).await;
        turn.end(said)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_said_otherwise_in_each_clinic_and_never_by_its_id() {
        let thread = Uuid::from_u128(7);
        let (one, other) = (PeopleChannel::beside("one"), PeopleChannel::beside("other"));
        assert_eq!(one.place(thread), one.place(thread));
        assert_ne!(one.place(thread), other.place(thread));
        assert_ne!(one.place(thread), *thread.as_bytes());
        assert_eq!(format!("{one:?}"), "PeopleChannel(…)");
    }
}
