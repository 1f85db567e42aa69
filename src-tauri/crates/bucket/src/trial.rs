//! Trying a bucket out: which of its settings is wrong.

use tokio::net::lookup_host;
use tokio::time::timeout;
use uuid::Uuid;

use crate::store::Bucket;
use crate::trouble::Trouble;

/// What is looked at, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialStep {
    /// Whether the name of the server is known.
    Name,
    /// Whether it answers, and how what is said on the way is kept secret.
    Tls,
    /// Whether the bucket is there and the key opens it.
    Key,
    /// Whether something can be put there.
    Write,
    /// Whether it comes back as it was.
    Read,
    /// Whether it can be deleted.
    Delete,
}

/// What was seen at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is being looked at.
    Looking,
    /// All is well, with what is to be known of it: the host, or how the line is protected (`system`, `loopback`).
    Fine(Option<String>),
    /// Something is wrong, and what.
    Wrong(Trouble),
}

impl TrialStep {
    /// Every step.
    pub const ALL: [Self; 6] = [Self::Name, Self::Tls, Self::Key, Self::Write, Self::Read, Self::Delete];

    /// A name for the screens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Tls => "tls",
            Self::Key => "key",
            Self::Write => "write",
            Self::Read => "read",
            Self::Delete => "delete",
        }
    }
}

impl Bucket {
    /// Tries the bucket out with an object of its own under `prefix`, and tells of each step as it is looked at; what comes after a
    /// wrong one is not looked at. Says whether all is well.
    pub async fn try_out(&self, prefix: Uuid, mut tell: impl FnMut(TrialStep, Found)) -> bool {
        match self.steps(prefix, &mut tell).await {
            Ok(()) => true,
            Err((step, trouble)) => {
                tell(step, Found::Wrong(trouble));
                false
            }
        }
    }

    async fn steps(&self, prefix: Uuid, tell: &mut impl FnMut(TrialStep, Found)) -> Result<(), (TrialStep, Trouble)> {
        let at = |step| move |trouble| (step, trouble);
        tell(TrialStep::Name, Found::Looking);
        let (host, port) = self.place.reached_at();
        let looked = timeout(self.timing.connect, lookup_host((host.as_str(), port))).await;
        if !looked.is_ok_and(|found| found.is_ok_and(|mut found| found.next().is_some())) {
            return Err((TrialStep::Name, Trouble::NoSuchName));
        }
        tell(TrialStep::Name, Found::Fine(Some(self.place.host())));

        tell(TrialStep::Tls, Found::Looking);
        let name = format!("{prefix}/{}", Uuid::new_v4());
        let asked = self.get(&name, 0).await;
        if let Err(trouble) = asked
            && trouble.is_of_the_line()
        {
            return Err((TrialStep::Tls, trouble));
        }
        let protection = if self.place.is_here() { "loopback" } else { "system" };
        tell(TrialStep::Tls, Found::Fine(Some(protection.to_owned())));
        match asked {
            // A key that may not list is not told that there is no such object, only that it may not know.
            Err(Trouble::NoObject | Trouble::NotAllowed) => tell(TrialStep::Key, Found::Fine(None)),
            Err(trouble) => return Err((TrialStep::Key, trouble)),
            Ok(_) => return Err((TrialStep::Key, Trouble::NotAStorage)),
        }

        tell(TrialStep::Write, Found::Looking);
        let noise: [u8; 64] = rand::random();
        self.put(&name, noise.to_vec()).await.map_err(at(TrialStep::Write))?;
        tell(TrialStep::Write, Found::Fine(None));
        tell(TrialStep::Read, Found::Looking);
        let read = self.get(&name, noise.len()).await;
        // Whatever came back, nothing of the trial stays there.
        let deleted = self.delete(&name).await;
        if read.map_err(at(TrialStep::Read))? != noise {
            return Err((TrialStep::Read, Trouble::Changed));
        }
        tell(TrialStep::Read, Found::Fine(None));
        deleted.map_err(at(TrialStep::Delete))?;
        tell(TrialStep::Delete, Found::Fine(None));
        Ok(())
    }
}
