//! A line between a desk and a database that can be cut, slowed down, frozen and broken in the middle of a word.

mod connection;
mod line;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use line::{Fate, Line};

/// Which connections of a desk are meant. One that listens is known by its `LISTEN`, so the line must not be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Every one.
    All,
    /// Those that have begun to listen for notifications.
    Listening,
    /// Those that have not.
    Others,
}

/// A TCP proxy on this computer. Whatever is done to it holds at once, while it runs.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts a line to a port of this computer.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn to(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let line = Arc::new(Line::to(port));
        let accepting = line.clone();
        let task = tokio::spawn(async move {
            while let Ok((desk, _)) = listener.accept().await {
                // While it is cut, the connection is closed by dropping it.
                if let Some((id, fate)) = accepting.admit() {
                    let line = accepting.clone();
                    tokio::spawn(async move {
                        connection::carry(desk, &line, id, fate).await;
                        line.forget(id);
                    });
                }
            }
        });
        Ok(Self { address, line, task })
    }

    /// The same with a round trip that takes this long: half of it each way. What is under way at the same time does not
    /// wait for one another.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn delayed(port: u16, round_trip: Duration) -> std::io::Result<Self> {
        let proxy = Self::to(port).await?;
        proxy.delay(round_trip);
        Ok(proxy)
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Leads new connections to another port: the database was started again elsewhere.
    pub fn lead_to(&self, port: u16) {
        self.line.lead_to(port);
    }

    /// From now on a round trip takes this long.
    pub fn delay(&self, round_trip: Duration) {
        self.line.delay(round_trip);
    }

    /// Breaks every connection and refuses new ones.
    pub fn cut(&self) {
        self.line.open(false);
        self.line.doom(Which::All, Fate::Broken);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.line.open(true);
    }

    /// Closes these connections wherever they are; new ones are let through.
    pub fn drop_now(&self, which: Which) {
        self.line.doom(which, Fate::Broken);
    }

    /// Of the next piece that passes on each of these connections, in either direction, only the first half arrives; then
    /// the connection breaks.
    pub fn halve(&self, which: Which) {
        self.line.doom(which, Fate::Halved);
    }

    /// Keeps these connections open, and those to come, and lets nothing through: what was sent neither arrives nor fails.
    pub fn freeze(&self, which: Which) {
        self.line.freeze(Some(which));
        self.line.doom(which, Fate::Frozen);
    }

    /// The same for the connections there are, as when a firewall forgets them; new ones work.
    pub fn freeze_present(&self, which: Which) {
        self.line.doom(which, Fate::Frozen);
    }

    /// Lets everything through that a frozen line has held back.
    pub fn thaw(&self) {
        self.line.freeze(None);
        self.line.doom(Which::All, Fate::Flowing);
    }

    /// How many of these connections there are now.
    pub fn connections(&self, which: Which) -> usize {
        self.line.count(which)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}
