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

/// An encrypted log-in begins with this same question. One in plain text does not, and would wait for the gigabytes
/// that a stranger's first letters seem to promise, so here it is asked beforehand.
///
/// # Errors
/// [`Error::UnknownHost`], [`Error::Unreachable`], [`Error::NotPostgres`].
pub(super) async fn probe(address: &Address, patience: Duration) -> Result<()> {
    let unreachable = || Error::Unreachable { host: address.host.clone(), port: address.port };
    let asking = async {
        let targets: Vec<_> = match lookup_host((&*address.host, address.port)).await {
            Ok(targets) => targets.collect(),
            Err(_) => return Err(Error::UnknownHost { host: address.host.clone() }),
        };
        if address.tls != TlsMode::Loopback {
            return Ok(());
        }
        // 'E' is a server that is too busy to say more; the log-in will hear why.
        match ask(&targets).await.map_err(|_| unreachable())?[..] {
            [b'S' | b'N' | b'E', ..] => Ok(()),
            _ => Err(Error::NotPostgres { host: address.host.clone(), port: address.port }),
        }
    };
    timeout(patience, asking).await.unwrap_or_else(|_| Err(unreachable()))
}

/// The answer, without the one kind that is longer than a letter: an error.
async fn ask(targets: &[SocketAddr]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(targets).await?;
    stream.write_all(&SSL_REQUEST).await?;
    let mut answer = [0; 8];
    match stream.read(&mut answer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        1 => Ok(answer[..1].to_vec()),
        _ if answer[0] == b'E' => Ok(vec![b'E']),
        // Nobody who speaks PostgreSQL says more than the letter: "SSH-2.0" does.
        _ => Ok(Vec::new()),
    }
}
