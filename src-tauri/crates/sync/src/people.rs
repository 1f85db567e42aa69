//! Who else has a thread open: what this desk says of itself, and what it hears.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use balcao_domain::clock::Clock;
use balcao_domain::presence::{Companion, Table, Word};
use balcao_tenant::PeopleChannel;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// Nobody waits for longer without looking.
const LONGEST: Duration = Duration::from_secs(3600);

/// What is known, shared by the driver and by whoever shows it.
#[derive(Debug)]
pub(crate) struct People {
    clock: Clock,
    state: Mutex<State>,
    /// Something changed that may have to be said.
    moved: Notify,
    company: watch::Sender<Vec<Companion>>,
}

#[derive(Debug)]
struct State {
    table: Table,
    thread: Option<Uuid>,
    channel: Option<PeopleChannel>,
}

impl People {
    pub(crate) fn new(clock: Clock) -> Self {
        let table = Table::new(Uuid::new_v4(), Uuid::nil());
        let state = Mutex::new(State { table, thread: None, channel: None });
        Self { clock, state, moved: Notify::new(), company: watch::Sender::new(Vec::new()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who else is in the thread that is open here.
    pub(crate) fn company(&self) -> watch::Receiver<Vec<Companion>> {
        self.company.subscribe()
    }

    /// The thread that is open here.
    pub(crate) fn go(&self, thread: Option<Uuid>) {
        let mut state = self.state();
        state.thread = thread;
        state.settle();
        drop(state);
        self.tell();
        self.moved.notify_one();
    }

    /// A key was pressed in it, or what was written has gone.
    pub(crate) fn write(&self, thread: Uuid, typing: bool) {
        let mut state = self.state();
        if state.thread == Some(thread) {
            if typing { state.table.press(self.clock.now()) } else { state.table.rest() }
        }
        drop(state);
        self.moved.notify_one();
    }

    /// Says who works here, once the database has.
    pub(crate) fn is(&self, member: Uuid) {
        self.state().table.is(member);
    }

    /// Words can be said and heard here; none can when there is no channel.
    pub(crate) fn meet(&self, channel: Option<&PeopleChannel>) {
        let mut state = self.state();
        if state.channel.as_ref() == channel {
            return;
        }
        state.channel = channel.cloned();
        state.table.lose();
        state.settle();
        drop(state);
        self.tell();
    }

    /// What another desk says.
    pub(crate) fn hear(&self, text: &str) {
        let Some(word) = Word::read(text) else { return };
        self.state().table.hear(&word, self.clock.now());
        self.tell();
        self.moved.notify_one();
    }

    /// Waits until there is something to say; tells meanwhile who is gone.
    pub(crate) async fn due(&self) {
        loop {
            let now = self.clock.now();
            let (speaks, next) = {
                let state = self.state();
                (state.channel.is_some(), state.table.next(now))
            };
            self.tell();
            let wait = next.map_or(LONGEST, |next| (next - now).to_std().unwrap_or_default().min(LONGEST));
            if speaks && wait.is_zero() {
                return;
            }
            tokio::select! {
                () = self.moved.notified() => {}
                () = tokio::time::sleep(wait.max(Duration::from_millis(10))) => {}
            }
        }
    }

    /// What is to be said now, and where.
    pub(crate) fn word(&self) -> Option<(PeopleChannel, String)> {
        let mut state = self.state();
        let channel = state.channel.clone()?;
        let word = state.table.say(self.clock.now())?;
        Some((channel, word.write()))
    }

    fn tell(&self) {
        let company = self.state().table.company(self.clock.now());
        self.company.send_if_modified(|known| {
            let changed = *known != company;
            *known = company;
            changed
        });
    }
}

impl State {
    fn settle(&mut self) {
        let place = self.channel.as_ref().zip(self.thread).map(|(channel, thread)| channel.place(thread));
        self.table.go(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_without_a_channel() {
        let people = People::new(Clock::System);
        people.go(Some(Uuid::from_u128(7)));
        people.write(Uuid::from_u128(7), true);
        assert!(people.word().is_none());
        people.hear("no word of ours");
        assert!(people.company().borrow().is_empty());
    }
}
