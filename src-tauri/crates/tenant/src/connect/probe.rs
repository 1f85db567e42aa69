//! Who answers at an address, found out before a password is sent there.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::address::{Address, TlsMode};
use crate::{Error, Result};

/// PostgreSQL's `SSLRequest`: its length and its code. Every version answers it with one letter.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// What was answered to the question for encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// PostgreSQL, and it encrypts.
    Encrypts,
    /// PostgreSQL, and it does not.
    PlainOnly,
    /// PostgreSQL, and too busy to say more: the log-in will hear why.
    Busy,
    /// Nobody who speaks PostgreSQL.
    Stranger,
}

/// An encrypted log-in begins with this same question. One in plain text does not, and would wait for the gigabytes
/// that a stranger's first letters seem to promise, so here it is asked beforehand.
///
/// # Errors
/// [`Error::UnknownHost`], [`Error::Unreachable`], [`Error::NotPostgres`].
pub(super) async fn probe(address: &Address, patience: Duration) -> Result<()> {
    let unreachable = || Error::Unreachable { host: address.host.clone(), port: address.port };
    let asking = async {
        let targets = look_up(address).await?;
        if address.tls != TlsMode::Loopback {
            return Ok(());
        }
        let mut stream = TcpStream::connect(&targets[..]).await.map_err(|_| unreachable())?;
        match ask(&mut stream).await.map_err(|_| unreachable())? {
            Answer::Stranger => Err(Error::NotPostgres { host: address.host.clone(), port: address.port }),
            _ => Ok(()),
        }
    };
    timeout(patience, asking).await.unwrap_or_else(|_| Err(unreachable()))
}

/// The addresses behind the name.
pub(super) async fn look_up(address: &Address) -> Result<Vec<SocketAddr>> {
    match lookup_host((&*address.host, address.port)).await {
        Ok(targets) => Ok(targets.collect()),
        Err(_) => Err(Error::UnknownHost { host: address.host.clone() }),
    }
}

/// Asks whether who is at the other end encrypts.
pub(super) async fn ask(stream: &mut TcpStream) -> io::Result<Answer> {
    stream.write_all(&SSL_REQUEST).await?;
    let mut answer = [0; 8];
    match (stream.read(&mut answer).await?, answer[0]) {
        (0, _) => Err(io::ErrorKind::UnexpectedEof.into()),
        // The one answer that is longer than a letter is an error.
        (_, b'E') => Ok(Answer::Busy),
        (1, b'S') => Ok(Answer::Encrypts),
        (1, b'N') => Ok(Answer::PlainOnly),
        // Nobody who speaks PostgreSQL says more than the letter: "SSH-2.0" does.
        _ => Ok(Answer::Stranger),
    }
}
