//! What is heard from a gateway, as long as the connection holds.

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::GatewayError;

/// Events that may wait for whoever listens. More are held back at the gateway.
const WAITING: usize = 4_096;

/// One event as the gateway sent it, with bytes as base64: what [`crate::scrub`], [`crate::digest`] and [`crate::parse`]
/// take.
#[derive(Debug, Clone, PartialEq)]
pub struct WireEvent {
    /// Its name.
    pub name: String,
    /// The envelope. It still holds secrets: scrub it before it is written anywhere.
    pub payload: Value,
    /// Its place in the relay's order, to go on from after a restart; the socket has none.
    pub position: Option<u64>,
}

/// One thing that is heard.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// From here on events are heard. What happened before is for a sweep.
    Up,
    /// The server has no stream for this connection until something happens on it (one that is not in global mode). It is
    /// asked again every few seconds; meanwhile only sweeps tell anything.
    Waiting,
    /// Something happened.
    Event(WireEvent),
    /// An event came that could not be put together. It is lost here, and a sweep brings it.
    Lost,
}

/// Why nothing is heard any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The gateway refuses this connection: wrong key, no such instance, no licence, or nobody there.
    #[error(transparent)]
    Refused(#[from] GatewayError),
    /// The server does not know the stream that was asked for, and says why.
    #[error("the gateway has no such stream: {0}")]
    InvalidNamespace(String),
    /// Nothing came for longer than a living server is silent.
    #[error("the gateway fell silent")]
    Silent,
    /// The connection was closed, by the server or by the line.
    #[error("the connection was closed")]
    Closed,
    /// What came is not what such a server sends.
    #[error("the gateway does not keep to the protocol: {0}")]
    Protocol(&'static str),
}

impl Ended {
    /// Whether connecting again cannot help until a person changes something. It is tried all the same, slowly: people
    /// change things at the other end, too.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Refused(error) => error.is_permanent(),
            Self::InvalidNamespace(_) => true,
            Self::Silent | Self::Closed | Self::Protocol(_) => false,
        }
    }
}

/// A connection that is listened to. Dropping it closes it.
#[derive(Debug)]
pub struct Stream {
    heard: mpsc::Receiver<Result<Heard, Ended>>,
    task: AbortHandle,
}

/// The other end of a [`Stream`].
#[derive(Debug, Clone)]
pub(crate) struct Speaker(mpsc::Sender<Result<Heard, Ended>>);

impl Stream {
    /// Runs what connects and listens, until it ends or nobody wants to hear it any more.
    pub(crate) fn run<F>(listening: impl FnOnce(Speaker) -> F) -> Self
    where
        F: Future<Output = Ended> + Send + 'static,
    {
        let (sender, heard) = mpsc::channel(WAITING);
        let listening = listening(Speaker(sender.clone()));
        let task = tokio::spawn(async move {
            let ended = listening.await;
            // Nobody may be there to hear it.
            let _ = sender.send(Err(ended)).await;
        });
        Self { heard, task: task.abort_handle() }
    }

    /// The next thing that is heard; waits for it. May be dropped while it waits, and nothing is lost.
    ///
    /// # Errors
    /// [`Ended`], once everything before it was handed out. Then the stream is over.
    pub async fn next(&mut self) -> Result<Heard, Ended> {
        self.heard.recv().await.unwrap_or(Err(Ended::Closed))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Speaker {
    /// Hands something over; waits while too much is waiting already.
    pub(crate) async fn say(&self, heard: Heard) -> Result<(), Ended> {
        self.0.send(Ok(heard)).await.map_err(|_| Ended::Closed)
    }
}
