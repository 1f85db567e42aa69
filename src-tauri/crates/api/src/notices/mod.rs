//! What is said outside the window: which messages have arrived, and how many threads wait. A host hears it from
//! [`Desk::notices`] and [`Desk::badge`], shows it as its system does, and tells of a click with [`Desk::open_thread`].

mod types;
mod watch;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{broadcast, watch as channel};
use uuid::Uuid;

pub use types::*;
pub(crate) use watch::watch;

use crate::changes::Destination;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;

/// Notices that a host may be behind.
const KEPT: usize = 64;

/// What was said, and who looks.
#[derive(Debug)]
pub(crate) struct Notices {
    said: broadcast::Sender<Notice>,
    badge: channel::Sender<u32>,
    /// The thread that somebody has before their eyes.
    seen: channel::Sender<Option<Uuid>>,
    standing: Mutex<Standing>,
}

#[derive(Debug, Default)]
struct Standing {
    /// Threads of which something is said and was not taken back.
    threads: BTreeSet<Uuid>,
    /// Whether something is said of many.
    many: bool,
}

impl Default for Notices {
    fn default() -> Self {
        let (said, _) = broadcast::channel(KEPT);
        Self { said, badge: channel::Sender::new(0), seen: channel::Sender::new(None), standing: Mutex::default() }
    }
}

impl Notices {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, notice: Notice) {
        match &notice {
            Notice::Thread { conversation_id, .. } => {
                self.standing().threads.insert(*conversation_id);
            }
            Notice::Many { .. } => self.standing().many = true,
            Notice::Withdrawn { .. } | Notice::Cleared => {}
        }
        // Nobody listening is fine.
        let _ = self.said.send(notice);
    }

    /// The thread that somebody has before their eyes.
    pub(crate) fn seen(&self) -> Option<Uuid> {
        *self.seen.borrow()
    }

    /// The same, whenever it changes.
    pub(crate) fn follow_seen(&self) -> channel::Receiver<Option<Uuid>> {
        self.seen.subscribe()
    }

    fn look_at(&self, thread: Option<Uuid>) {
        self.seen.send_if_modified(|known| std::mem::replace(known, thread) != thread);
    }

    /// Takes back what was said of a thread, if anything was.
    fn withdraw(&self, thread: Uuid) {
        if self.standing().threads.remove(&thread) {
            self.say(Notice::Withdrawn { conversation_id: thread });
        }
    }

    /// Takes everything back, and nobody looks any more: what was said stands where others may read it.
    pub(crate) fn clear(&self) {
        self.look_at(None);
        let before = std::mem::take(&mut *self.standing());
        if before.many || !before.threads.is_empty() {
            self.say(Notice::Cleared);
        }
    }

    /// The clinic is closed: nothing waits here.
    pub(crate) fn fall_silent(&self) {
        self.clear();
        self.count(0);
    }

    fn count(&self, waiting: u32) {
        self.badge.send_if_modified(|known| std::mem::replace(known, waiting) != waiting);
    }
}

impl Desk {
    /// Hears of everything that is to be said outside the window, in order.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.said.subscribe()
    }

    /// How many threads wait for a person, now and whenever it changes.
    pub fn badge(&self) -> channel::Receiver<u32> {
        self.notices.badge.subscribe()
    }

    /// Leads the screens to a thread, or to the list of those that wait: somebody has clicked on a notice. Locked screens
    /// go there as soon as they are open.
    pub fn open_thread(&self, conversation_id: Option<Uuid>) {
        self.lead(Destination { conversation_id });
    }
}

pub(crate) async fn note_attention(desk: &Arc<Desk>, request: NoteAttention) -> Result<Nothing, ApiError> {
    desk.notices.look_at(request.conversation_id);
    if let Some(thread) = request.conversation_id {
        desk.notices.withdraw(thread);
    }
    Ok(Nothing {})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(id: u128) -> Notice {
        let conversation_id = Uuid::from_u128(id);
        Notice::Thread { conversation_id, name: None, message: None, waiting: 1, sound: false }
    }

    #[test]
    fn only_what_was_said_is_taken_back_and_once() {
        let notices = Notices::default();
        let mut heard = notices.said.subscribe();
        notices.withdraw(Uuid::from_u128(1));
        notices.clear();
        assert!(heard.try_recv().is_err(), "nothing was said");
        notices.say(thread(1));
        notices.withdraw(Uuid::from_u128(1));
        notices.withdraw(Uuid::from_u128(1));
        assert_eq!(heard.try_recv().unwrap(), thread(1));
        assert_eq!(heard.try_recv().unwrap(), Notice::Withdrawn { conversation_id: Uuid::from_u128(1) });
        assert!(heard.try_recv().is_err());
        notices.say(Notice::Many { threads: 4, messages: 9, sound: true });
        notices.clear();
        notices.clear();
        assert!(matches!(heard.try_recv(), Ok(Notice::Many { .. })));
        assert_eq!(heard.try_recv().unwrap(), Notice::Cleared);
        assert!(heard.try_recv().is_err());
    }
}
