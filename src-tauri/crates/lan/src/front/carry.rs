//! A connection that is logged in.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};

use super::login::Admitted;

/// Largest piece, in bytes: that of one record of TLS.
const PIECE: usize = 16 * 1024;

/// Carries everything both ways until one side is done; the other learns of it.
///
/// # Errors
/// Those of the network.
pub(super) async fn carry(admitted: Admitted) -> io::Result<()> {
    let Admitted { desk, mut database, _place } = admitted;
    let (mut from_desk, mut to_desk) = split(desk);
    let (mut from_database, mut to_database) = database.split();
    tokio::select! {
        left = hand_over(&mut from_desk, &mut to_database) => {
            left?;
            to_database.shutdown().await
        }
        ended = hand_over(&mut from_database, &mut to_desk) => {
            ended?;
            to_desk.shutdown().await
        }
    }
}

async fn hand_over(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        to.write_all(&piece[..length]).await?;
        to.flush().await?;
    }
}
