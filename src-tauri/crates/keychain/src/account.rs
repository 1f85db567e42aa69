//! The unlock of the account that the program runs under: Windows Hello or the password of the account, Touch ID or the
//! password on macOS. No desktop of Linux offers one to programs that were not installed with a policy for it.

#[cfg(any(windows, target_os = "macos"))]
mod platform {
    use std::time::Duration;

    use robius_authentication::{AndroidText, Context, Error, PolicyBuilder, Text, WindowsText};
    use tokio::sync::mpsc;

    use crate::{KeychainError, Result};

    /// Time for a person to answer.
    const PATIENCE: Duration = Duration::from_secs(120);

    pub(crate) const OFFERED: bool = true;

    pub(crate) async fn ask(program: &str, why: &str) -> Result<bool> {
        let unavailable = |error: Error| KeychainError::unavailable(error.to_string());
        let policy = PolicyBuilder::new().build().ok_or_else(|| unavailable(Error::Unavailable))?;
        let text = Text {
            android: AndroidText { title: program, subtitle: None, description: None },
            apple: why,
            windows: WindowsText::new_truncated(program, why),
        };
        let (told, mut answer) = mpsc::unbounded_channel();
        // Nobody listens any more once the time is over.
        let tell = move |outcome| drop(told.send(outcome));
        Context::new(()).authenticate(text, &policy, tell).map_err(unavailable)?;
        let late = |_| KeychainError::unavailable("nobody answered within two minutes");
        match tokio::time::timeout(PATIENCE, answer.recv()).await.map_err(late)? {
            Some(Ok(())) => Ok(true),
            Some(Err(Error::Authentication | Error::Exhausted | Error::UserCanceled | Error::SystemCanceled)) => {
                Ok(false)
            }
            Some(Err(error)) => Err(unavailable(error)),
            None => Err(KeychainError::unavailable("the question was dropped")),
        }
    }
}

#[cfg(not(any(windows, target_os = "macos")))]
mod platform {
    use crate::{KeychainError, Result};

    pub(crate) const OFFERED: bool = false;

    #[allow(clippy::unused_async, reason = "elsewhere a person is waited for")]
    pub(crate) async fn ask(_program: &str, _why: &str) -> Result<bool> {
        Err(KeychainError::unavailable("this system has no unlock for programs"))
    }
}

pub(crate) use platform::{OFFERED, ask};
