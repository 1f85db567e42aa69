//! The first words of a connection, up to the point where nobody else understands any more.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::refusal::Refusal;
use super::{PROTOCOL, startup};

/// Requests to go on encrypted: by TLS, and by GSSAPI.
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// First byte of TLS without a question before it.
const HANDSHAKE: u8 = 0x16;

/// The encrypted connection; `None` when the other side did not want one and was told.
///
/// # Errors
/// Those of the network and of TLS; another version than 1.3 is one.
pub(super) async fn encrypted(mut socket: TcpStream, tls: &TlsAcceptor) -> io::Result<Option<TlsStream<TcpStream>>> {
    let mut first = [0];
    if socket.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    if first[0] == HANDSHAKE {
        let stream = tls.accept(socket).await?;
        // Without the protocol's name this could be another server's traffic that somebody has turned here.
        let meant = stream.get_ref().1.alpn_protocol() == Some(PROTOCOL);
        return Ok(meant.then_some(stream));
    }
    // Some ask for GSSAPI first.
    for _ in 0..2 {
        let (length, code) = (socket.read_u32().await?, socket.read_u32().await?);
        match (length, code) {
            (8, SSL_REQUEST) => {
                // Exactly the request was read: what somebody has put behind it meets TLS, and fails there.
                socket.write_all(b"S").await?;
                return Ok(Some(tls.accept(socket).await?));
            }
            (8, GSS_REQUEST) => socket.write_all(b"N").await?,
            (8.., _) if code >> 16 == 3 => {
                refuse_plain_text(&mut socket, length).await?;
                return Ok(None);
            }
            // Somebody who does not mean us. A request to give up a statement, too, belongs inside TLS.
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Reads the rest of the packet first: closing with something unread can swallow the answer.
async fn refuse_plain_text(socket: &mut TcpStream, length: u32) -> io::Result<()> {
    let rest = usize::try_from(length).unwrap_or(usize::MAX).saturating_sub(8);
    if rest <= startup::LONGEST {
        socket.read_exact(&mut vec![0; rest]).await?;
    }
    tracing::info!(reason = Refusal::PlainText.as_str(), "a connection from the network was refused");
    socket.write_all(&Refusal::PlainText.message()).await?;
    socket.shutdown().await
}
