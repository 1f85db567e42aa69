//! Something that is found out in the background while a person watches: a new errand ends the one before.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

/// The errand that is under way, or what the last one has found.
#[derive(Debug, Default)]
pub(crate) struct Errand<T> {
    now: Mutex<Now<T>>,
}

#[derive(Debug, Default)]
struct Now<T> {
    number: u64,
    shown: T,
    under_way: Option<AbortHandle>,
}

impl<T: Clone> Errand<T> {
    /// A new errand, with what is shown at its beginning.
    pub(crate) fn begin(&self, shown: T) -> u64 {
        let mut now = self.now();
        if let Some(before) = now.under_way.take() {
            before.abort();
        }
        now.number += 1;
        now.shown = shown;
        now.number
    }

    /// Who is on it; ended when another one begins.
    pub(crate) fn keep(&self, number: u64, task: AbortHandle) {
        let mut now = self.now();
        if now.number == number {
            now.under_way = Some(task);
        } else {
            task.abort();
        }
    }

    /// Changes what is shown, unless another errand has begun meanwhile. Says whether that is so.
    pub(crate) fn tell(&self, number: u64, change: impl FnOnce(&mut T)) -> bool {
        let mut now = self.now();
        let counts = now.number == number;
        if counts {
            change(&mut now.shown);
        }
        counts
    }

    /// What is shown.
    pub(crate) fn shown(&self) -> T {
        self.now().shown.clone()
    }

    fn now(&self) -> MutexGuard<'_, Now<T>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_new_errand_ends_the_one_before_and_is_not_talked_into() {
        let errand = Errand::<u32>::default();
        let first = errand.begin(1);
        let task = tokio::spawn(std::future::pending::<()>());
        errand.keep(first, task.abort_handle());
        let second = errand.begin(2);
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(!errand.tell(first, |shown| *shown = 10) && errand.tell(second, |shown| *shown += 1));
        assert_eq!(errand.shown(), 3);
        let late = tokio::spawn(std::future::pending::<()>());
        errand.keep(first, late.abort_handle());
        assert!(late.await.unwrap_err().is_cancelled(), "who comes too late is not kept");
    }
}
