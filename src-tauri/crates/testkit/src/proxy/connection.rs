//! One connection: two directions, each with a queue of what is under way.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::line::{Fate, Line};

/// Largest piece, in bytes.
const PIECE: usize = 64 * 1024;

/// Pieces under way in each direction before the sender has to wait.
const UNDER_WAY: usize = 64;

/// How a desk begins to listen.
const LISTEN: &[u8] = b"LISTEN ";

type Piece = (Instant, Vec<u8>);

/// Carries everything between a desk and the database until one of them is done, or the connection's fate is sealed.
pub(super) async fn carry(desk: TcpStream, line: &Line, id: u64, fate: watch::Receiver<Fate>) {
    let mut broken = fate.clone();
    tokio::select! {
        // Whatever went wrong, both ends see it as a connection that was closed.
        _ = both_ways(desk, line, id, fate) => {}
        _ = broken.wait_for(|fate| *fate == Fate::Broken) => {}
    }
}

async fn both_ways(desk: TcpStream, line: &Line, id: u64, mut fate: watch::Receiver<Fate>) -> io::Result<()> {
    desk.set_nodelay(true)?;
    // On a frozen line even the greeting does not arrive.
    thawed(&mut fate).await?;
    let database = TcpStream::connect(("127.0.0.1", line.port())).await?;
    database.set_nodelay(true)?;
    let ((from_desk, to_desk), (from_database, to_database)) = (desk.into_split(), database.into_split());
    tokio::try_join!(
        one_way(from_desk, to_database, line, Some(id), fate.clone()),
        one_way(from_database, to_desk, line, None, fate),
    )?;
    Ok(())
}

/// `listener` is the connection's number where a desk may say that it listens.
async fn one_way(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    line: &Line,
    listener: Option<u64>,
    fate: watch::Receiver<Fate>,
) -> io::Result<()> {
    let (under_way, arriving) = mpsc::channel(UNDER_WAY);
    tokio::try_join!(take(from, under_way, line, listener), hand_over(to, arriving, fate))?;
    Ok(())
}

async fn take(
    mut from: OwnedReadHalf,
    under_way: mpsc::Sender<Piece>,
    line: &Line,
    listener: Option<u64>,
) -> io::Result<()> {
    let mut buffer = vec![0; PIECE];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let piece = &buffer[..length];
        if let Some(id) = listener
            && piece.windows(LISTEN.len()).any(|part| part == LISTEN)
        {
            line.listens(id);
        }
        if under_way.send((Instant::now() + line.one_way(), piece.to_vec())).await.is_err() {
            return Ok(());
        }
    }
}

async fn hand_over(
    mut to: OwnedWriteHalf,
    mut arriving: mpsc::Receiver<Piece>,
    mut fate: watch::Receiver<Fate>,
) -> io::Result<()> {
    while let Some((due, piece)) = arriving.recv().await {
        if due > Instant::now() {
            sleep_until(due).await;
        }
        match thawed(&mut fate).await? {
            Fate::Halved => {
                to.write_all(&piece[..piece.len() / 2]).await?;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            _ => to.write_all(&piece).await?,
        }
    }
    // An end, too, does not arrive on a frozen line.
    thawed(&mut fate).await?;
    to.shutdown().await
}

/// Waits while the connection is frozen.
async fn thawed(fate: &mut watch::Receiver<Fate>) -> io::Result<Fate> {
    let fate = fate.wait_for(|fate| *fate != Fate::Frozen).await;
    fate.map(|fate| *fate).map_err(|_| io::ErrorKind::ConnectionAborted.into())
}
