//! Whether a set-up may go on.

use tokio::sync::watch;

use crate::error::ApiError;

/// Code of the answer of a set-up that somebody called off.
pub(crate) const CALLED_OFF: &str = "called_off";

/// How far a set-up is, as far as calling it off goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// None is under way.
    #[default]
    Idle,
    /// It can be called off.
    Running,
    /// It was, and is being undone.
    CalledOff,
    /// What it made is about to last.
    Settled,
}

/// The set-up of a desk. Of calling it off and settling it, whichever comes first wins.
#[derive(Debug, Default)]
pub(crate) struct Setup(watch::Sender<Stage>);

impl Setup {
    pub(crate) fn begin(&self) {
        self.0.send_replace(Stage::Running);
    }

    pub(crate) fn end(&self) {
        self.0.send_replace(Stage::Idle);
    }

    /// Says whether it is called off now.
    pub(crate) fn call_off(&self) -> bool {
        self.0.send_if_modified(|stage| {
            let runs = *stage == Stage::Running;
            if runs {
                *stage = Stage::CalledOff;
            }
            runs
        })
    }

    /// What was made is going to last, unless it was called off before.
    pub(crate) fn settle(&self) -> Result<(), ApiError> {
        self.0.send_if_modified(|stage| {
            let runs = *stage == Stage::Running;
            if runs {
                *stage = Stage::Settled;
            }
            runs
        });
        self.go_on()
    }

    /// Between two steps.
    pub(crate) fn go_on(&self) -> Result<(), ApiError> {
        match *self.0.borrow() {
            Stage::CalledOff => Err(ApiError::new(CALLED_OFF, "the set-up was called off")),
            _ => Ok(()),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        *self.0.borrow() == Stage::Running
    }

    /// Returns when it was called off; never, when it is not.
    pub(crate) async fn called_off(&self) {
        let mut stages = self.0.subscribe();
        if stages.wait_for(|stage| *stage == Stage::CalledOff).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calling_off_and_settling_exclude_each_other() {
        let setup = Setup::default();
        assert!(!setup.call_off(), "nothing is under way");
        setup.begin();
        assert!(setup.call_off());
        assert_eq!(setup.settle().unwrap_err().code, CALLED_OFF);
        setup.begin();
        setup.settle().unwrap();
        assert!(!setup.call_off(), "what lasts is not called off");
        assert!(setup.go_on().is_ok());
    }
}
