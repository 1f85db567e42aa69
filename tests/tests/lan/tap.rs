//! A wire on which everything that passes is written down, and what TLS shows of itself on it.

use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The bytes of one connection, each way.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    pub from_desk: Vec<u8>,
    pub from_clinic: Vec<u8>,
}

/// A listening wire to a port of this computer.
pub struct Tap {
    pub port: u16,
    recordings: Arc<Mutex<Vec<Recording>>>,
}

impl Tap {
    pub async fn to(port: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let tap = Self { port: listener.local_addr()?.port(), recordings: Arc::default() };
        let recordings = tap.recordings.clone();
        tokio::spawn(async move {
            while let Ok((desk, _)) = listener.accept().await {
                let Ok(clinic) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                let number = {
                    let mut all = recordings.lock().unwrap();
                    all.push(Recording::default());
                    all.len() - 1
                };
                let ((desk_in, desk_out), (clinic_in, clinic_out)) = (desk.into_split(), clinic.into_split());
                let (up, down) = (recordings.clone(), recordings.clone());
                tokio::spawn(pass(desk_in, clinic_out, move |piece| {
                    up.lock().unwrap()[number].from_desk.extend_from_slice(piece);
                }));
                tokio::spawn(pass(clinic_in, desk_out, move |piece| {
                    down.lock().unwrap()[number].from_clinic.extend_from_slice(piece);
                }));
            }
        });
        Ok(tap)
    }

    pub fn recordings(&self) -> Vec<Recording> {
        self.recordings.lock().unwrap().clone()
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, note: impl Fn(&[u8])) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        note(&piece[..length]);
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

/// The records of a TLS stream, as kind and body; an error when anything else is in it. The last one may be cut off.
pub fn records(mut bytes: &[u8]) -> Result<Vec<(u8, &[u8])>> {
    let mut found = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<5>() {
        let [kind, major, minor, high, low] = *head;
        ensure!((20..=23).contains(&kind), "record {} is of kind {kind}", found.len());
        ensure!(major == 3 && (1..=3).contains(&minor), "record {} is of version {major}.{minor}", found.len());
        let length = usize::from(u16::from_be_bytes([high, low]));
        ensure!(length <= (1 << 14) + 256, "record {} has {length} bytes", found.len());
        let (body, rest) = rest.split_at(length.min(rest.len()));
        found.push((kind, body));
        bytes = rest;
    }
    Ok(found)
}

/// The version that a `ServerHello` chooses: that of the extension `supported_versions`, without it that of its head.
pub fn chosen_version(hello: &[u8]) -> Result<u16> {
    let number = |at: usize| -> Result<usize> {
        let bytes = hello.get(at..at + 2).context("the ServerHello ends too early")?;
        Ok(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
    };
    ensure!(hello.first() == Some(&2), "it is no ServerHello");
    // Kind and length, version, random bytes, then a session of any length, cipher and compression.
    let session = usize::from(*hello.get(38).context("it has no session")?);
    let mut at = 39 + session + 3;
    let end = at + 2 + number(at)?;
    at += 2;
    while at < end {
        let (kind, length) = (number(at)?, number(at + 2)?);
        if kind == 43 {
            return Ok(u16::try_from(number(at + 4)?)?);
        }
        at += 4 + length;
    }
    Ok(u16::try_from(number(4)?)?)
}
