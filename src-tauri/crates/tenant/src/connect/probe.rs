//! Who answers at an address, found out before a password is sent there.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::address::{Address, TlsMode};
use crate::{Error, Result};

/// PostgreSQL's `SSLRequest`: its length and its code. Every version answers it with one letter.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Asks for nothing but the letter that says whether the server speaks TLS. Against anything that is not PostgreSQL a
/// real log-in would wait for gigabytes that a misread length promises.
///
/// # Errors
/// [`Error::UnknownHost`], [`Error::Unreachable`], [`Error::NotPostgres`], [`Error::TlsUnavailable`].
pub(super) async fn probe(address: &Address, patience: Duration) -> Result<()> {
    let unreachable = || Error::Unreachable { host: address.host.clone(), port: address.port };
    let asking = async {
        let targets: Vec<_> = match lookup_host((&*address.host, address.port)).await {
            Ok(targets) => targets.collect(),
            Err(_) => return Err(Error::UnknownHost { host: address.host.clone() }),
        };
        let letter = ask(&targets).await.map_err(|_| unreachable())?;
        match (letter, &address.tls) {
            (b'N', TlsMode::VerifyFull | TlsMode::VerifyFullWith { .. }) => Err(Error::TlsUnavailable),
            // 'E' is a server that is too busy to say more; the log-in will hear why.
            (b'S' | b'N' | b'E', _) => Ok(()),
            _ => Err(Error::NotPostgres { host: address.host.clone(), port: address.port }),
        }
    };
    timeout(patience, asking).await.unwrap_or_else(|_| Err(unreachable()))
}

async fn ask(targets: &[std::net::SocketAddr]) -> io::Result<u8> {
    let mut stream = TcpStream::connect(targets).await?;
    stream.write_all(&SSL_REQUEST).await?;
    stream.read_u8().await
}
