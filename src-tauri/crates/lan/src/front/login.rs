//! From a connection's first byte until the server has let it in.

use std::io;
use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::House;
use super::greeting;
use super::places::{Arrival, Place};
use super::refusal::Refusal;
use super::startup::{self, First};

/// Largest piece that is handed on at once before the log-in, in bytes.
const PIECE: usize = 4 * 1024;

/// A desk that the server has let in.
pub(super) struct Admitted {
    pub(super) desk: TlsStream<TcpStream>,
    pub(super) database: TcpStream,
    /// Kept as long as the connection lasts.
    pub(super) _place: Place,
}

/// Lets a connection in, or tells it why not. Whoever calls limits the time; the arrival counts until this is done.
///
/// # Errors
/// Those of the network and of TLS.
pub(super) async fn admit(socket: TcpStream, arrival: Arrival, house: &House) -> io::Result<Option<Admitted>> {
    let peer = socket.peer_addr()?.ip().to_canonical();
    let Some(mut desk) = greeting::encrypted(socket, &house.tls).await? else { return Ok(None) };
    let packet = match startup::read(&mut desk).await? {
        First::LogIn { packet, admitted: true } => packet,
        First::LogIn { admitted: false, .. } => return refuse(desk, Refusal::NotAdmitted).await,
        First::Unknown => return refuse(desk, Refusal::NotUnderstood).await,
        First::Cancel(packet) => return cancel(desk, &packet, house).await,
    };
    let Some(mut place) = arrival.take_place() else { return refuse(desk, Refusal::Full).await };
    let Some(mut database) = reach(house).await else { return refuse(desk, Refusal::NoDatabase).await };
    database.write_all(&startup::signed(&packet, peer)).await?;
    if !prove(&mut desk, &mut database, house.limits.bytes_before_login).await? {
        desk.shutdown().await?;
        return Ok(None);
    }
    place.settle(house.authority.clock().now());
    Ok(Some(Admitted { desk, database, _place: place }))
}

async fn refuse(mut desk: TlsStream<TcpStream>, refusal: Refusal) -> io::Result<Option<Admitted>> {
    tracing::info!(reason = refusal.as_str(), "a connection from the network was refused");
    desk.write_all(&refusal.message()).await?;
    desk.shutdown().await?;
    Ok(None)
}

/// The server, where it listens now.
async fn reach(house: &House) -> Option<TcpStream> {
    let port = (house.database)().await?;
    let database = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    database.set_nodelay(true).ok()?;
    Some(database)
}

/// Hands a request to give up a statement on. There is no answer: that the server has heard it shows in its closing.
async fn cancel(mut desk: TlsStream<TcpStream>, packet: &[u8], house: &House) -> io::Result<Option<Admitted>> {
    if let Some(mut database) = reach(house).await {
        database.write_all(packet).await?;
        // Some systems end it with an error instead.
        let _ = database.read(&mut [0; 1]).await;
    }
    desk.shutdown().await?;
    Ok(None)
}

/// Carries the questions and answers by which a desk proves who it is; `false` when the server has closed without letting it
/// in, or the desk has left.
async fn prove(desk: &mut TlsStream<TcpStream>, database: &mut TcpStream, most: usize) -> io::Result<bool> {
    let (mut from_desk, mut from_database) = ([0; PIECE], [0; PIECE]);
    let (mut sent, mut answers) = (0, Answers::default());
    loop {
        tokio::select! {
            read = desk.read(&mut from_desk) => {
                let length = read?;
                sent += length;
                if length == 0 || sent > most {
                    return Ok(false);
                }
                database.write_all(&from_desk[..length]).await?;
            }
            read = database.read(&mut from_database) => {
                let length = read?;
                if length == 0 {
                    return Ok(false);
                }
                let let_in = answers.let_in(&from_database[..length]);
                desk.write_all(&from_database[..length]).await?;
                desk.flush().await?;
                if let_in {
                    return Ok(true);
                }
            }
        }
    }
}

/// Follows the server's messages, wherever pieces of them end, until it says that the desk may come in.
#[derive(Default)]
struct Answers {
    /// Type, length and the first four bytes of the message that is under way.
    head: Vec<u8>,
    /// Bytes of it that are still to come and do not matter.
    skip: usize,
}

impl Answers {
    /// Whether the server has said so in what came with this piece.
    fn let_in(&mut self, mut piece: &[u8]) -> bool {
        loop {
            let skipped = self.skip.min(piece.len());
            self.skip -= skipped;
            piece = &piece[skipped..];
            let Some((byte, rest)) = piece.split_first() else { return false };
            piece = rest;
            self.head.push(*byte);
            let Some((kind, length)) = self.length() else { continue };
            // An `AuthenticationOk` is a message of kind R with nothing but a zero.
            if kind == b'R' && length == 8 && self.head.len() < 9 {
                continue;
            }
            if kind == b'R' && self.head[5..] == [0; 4] {
                return true;
            }
            self.skip = (length + 1).saturating_sub(self.head.len());
            self.head.clear();
        }
    }

    /// Kind and length of the message, once both are known.
    fn length(&self) -> Option<(u8, usize)> {
        let (kind, rest) = self.head.split_first()?;
        let length = u32::from_be_bytes(*rest.first_chunk::<4>()?);
        Some((*kind, usize::try_from(length).unwrap_or(usize::MAX - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }

    #[test]
    fn being_let_in_is_noticed_wherever_the_pieces_end() {
        let sasl = message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0");
        let told = message(b'N', b"SNOTICE\0\0");
        let in_at_last = message(b'R', &[0; 4]);
        let all = [sasl, told, message(b'R', b"\0\0\0\x0cv=abc"), in_at_last].concat();
        for size in 1..=all.len() {
            let mut answers = Answers::default();
            let heard: Vec<bool> = all.chunks(size).map(|piece| answers.let_in(piece)).collect();
            let (last, before) = heard.split_last().unwrap();
            assert!(*last && !before.contains(&true), "pieces of {size} bytes: {heard:?}");
        }
    }

    #[test]
    fn zeros_inside_another_message_let_nobody_in() {
        let error = message(b'E', b"SFATAL\0C28P01\0R\0\0\0\x08\0\0\0\0\0");
        let password = message(b'R', &[0, 0, 0, 3]);
        let mut answers = Answers::default();
        assert!(!answers.let_in(&[error, password].concat()));
    }
}
