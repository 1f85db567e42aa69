//! What holds for a line, and for each connection on it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::Which;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Everything passes.
    Flowing,
    /// Nothing passes, and nobody is told.
    Frozen,
    /// Half of the next piece passes; then it is broken.
    Halved,
    /// It is closed.
    Broken,
}

#[derive(Debug)]
struct Present {
    listening: bool,
    fate: watch::Sender<Fate>,
}

impl Present {
    fn is(&self, which: Which) -> bool {
        match which {
            Which::All => true,
            Which::Listening => self.listening,
            Which::Others => !self.listening,
        }
    }

    /// What is broken stays broken.
    fn doom(&self, fate: Fate) {
        self.fate.send_if_modified(|now| {
            let changes = *now != fate && *now != Fate::Broken;
            if changes {
                *now = fate;
            }
            changes
        });
    }
}

#[derive(Debug)]
struct State {
    is_open: bool,
    port: u16,
    one_way: Duration,
    frozen: Option<Which>,
    next: u64,
    present: HashMap<u64, Present>,
}

/// The rules of a line and its connections.
#[derive(Debug)]
pub(super) struct Line(Mutex<State>);

impl Line {
    pub(super) fn to(port: u16) -> Self {
        let one_way = Duration::ZERO;
        Self(Mutex::new(State { is_open: true, port, one_way, frozen: None, next: 0, present: HashMap::new() }))
    }

    /// A new connection's number and fate; `None` while the line is cut.
    pub(super) fn admit(&self) -> Option<(u64, watch::Receiver<Fate>)> {
        let mut state = self.state();
        if !state.is_open {
            return None;
        }
        let frozen = matches!(state.frozen, Some(Which::All | Which::Others));
        let (fate, receiver) = watch::channel(if frozen { Fate::Frozen } else { Fate::Flowing });
        state.next += 1;
        let id = state.next;
        state.present.insert(id, Present { listening: false, fate });
        Some((id, receiver))
    }

    pub(super) fn forget(&self, id: u64) {
        self.state().present.remove(&id);
    }

    /// A connection has begun to listen, and what holds for those holds for it.
    pub(super) fn listens(&self, id: u64) {
        let mut state = self.state();
        let frozen = state.frozen;
        if let Some(present) = state.present.get_mut(&id)
            && !std::mem::replace(&mut present.listening, true)
            && frozen == Some(Which::Listening)
        {
            present.doom(Fate::Frozen);
        }
    }

    pub(super) fn doom(&self, which: Which, fate: Fate) {
        self.state().present.values().filter(|present| present.is(which)).for_each(|present| present.doom(fate));
    }

    pub(super) fn count(&self, which: Which) -> usize {
        self.state().present.values().filter(|present| present.is(which)).count()
    }

    pub(super) fn open(&self, open: bool) {
        self.state().is_open = open;
    }

    pub(super) fn freeze(&self, which: Option<Which>) {
        self.state().frozen = which;
    }

    pub(super) fn lead_to(&self, port: u16) {
        self.state().port = port;
    }

    pub(super) fn port(&self) -> u16 {
        self.state().port
    }

    pub(super) fn delay(&self, round_trip: Duration) {
        self.state().one_way = round_trip / 2;
    }

    pub(super) fn one_way(&self) -> Duration {
        self.state().one_way
    }

    /// Nothing that is done under the lock can leave it half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
