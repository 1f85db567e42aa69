//! A line between a desk and a database that can be cut.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A TCP proxy on this computer. While it is cut, connections break and new ones are refused.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    open: Arc<watch::Sender<bool>>,
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
        let (open, _) = watch::channel(true);
        let open = Arc::new(open);
        let lines = open.clone();
        let task = tokio::spawn(async move {
            while let Ok((desk, _)) = listener.accept().await {
                let mut line = lines.subscribe();
                if *line.borrow() {
                    tokio::spawn(async move {
                        tokio::select! {
                            _ = carry(desk, port) => {}
                            _ = line.wait_for(|open| !open) => {}
                        }
                    });
                }
            }
        });
        Ok(Self { address, open, task })
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Breaks every connection and refuses new ones.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

async fn carry(mut desk: TcpStream, port: u16) -> std::io::Result<()> {
    let mut database = TcpStream::connect(("127.0.0.1", port)).await?;
    desk.set_nodelay(true)?;
    database.set_nodelay(true)?;
    copy_bidirectional(&mut desk, &mut database).await?;
    Ok(())
}
