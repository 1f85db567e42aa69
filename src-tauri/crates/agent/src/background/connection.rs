//! One connection, looked after: six loops that share what they know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use balcao_domain::message::ConnectionState;
use balcao_tenant::{Channel, Error};
use balcao_whatsapp::gateway::Gateway;
use tokio::sync::{mpsc, watch};

use super::office::Office;
use super::reach::Occasion;
use super::{fetching, listening, sending, storing, sweeping, watching};
use crate::journal::Journal;

/// A connection with its means. Clones are the same one.
#[derive(Clone)]
pub(super) struct Connection {
    pub office: Office,
    pub channel: Arc<Channel>,
    pub gateway: Gateway,
    pub journal: Journal,
    /// Rings when something was committed in the clinic.
    pub bell: watch::Receiver<()>,
    /// How the gateway's own connection is, as far as it was heard.
    pub state: Arc<watch::Sender<Option<ConnectionState>>>,
    /// The channel has sent all it may today.
    pub capped: Arc<AtomicBool>,
    occasions: mpsc::UnboundedSender<Occasion>,
    asked: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Occasion>>>,
}

impl Connection {
    pub fn new(
        office: Office,
        channel: Channel,
        gateway: Gateway,
        journal: Journal,
        bell: watch::Receiver<()>,
    ) -> Self {
        let (occasions, asked) = mpsc::unbounded_channel();
        Self {
            office,
            channel: Arc::new(channel),
            gateway,
            journal,
            bell,
            state: Arc::new(watch::channel(None).0),
            capped: Arc::new(AtomicBool::new(false)),
            occasions,
            asked: Arc::new(tokio::sync::Mutex::new(asked)),
        }
    }

    /// Asks for a sweep.
    pub fn ask_for_sweep(&self, occasion: Occasion) {
        // Whoever sweeps is there as long as the connection is.
        let _ = self.occasions.send(occasion);
    }

    /// Waits for the next occasion of a sweep; several that wait are handed over together.
    pub async fn occasions(&self) -> Vec<Occasion> {
        let mut asked = self.asked.lock().await;
        let mut together = Vec::new();
        asked.recv_many(&mut together, 64).await;
        together
    }

    pub fn is_capped(&self) -> bool {
        self.capped.load(Ordering::Relaxed)
    }
}

/// Looks after it until the office is left; the first loop that cannot go on ends all.
pub(super) async fn run(connection: Connection) -> Result<(), Error> {
    tokio::try_join!(
        listening::run(&connection),
        storing::run(&connection),
        sweeping::run(&connection),
        sending::run(&connection),
        fetching::run(&connection),
        watching::run(&connection),
    )
    .map(|_| ())
}
