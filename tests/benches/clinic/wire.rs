//! A line to the database that counts what passes, and can be cut.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use balcao_tenant::provision::Connection;
use balcao_testkit::proxy::Proxy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Bytes carried at once.
const PIECE: usize = 64 * 1024;

/// The line; nobody can connect any more when this is dropped.
pub struct Wire {
    port: u16,
    behind: Proxy,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    received: AtomicU64,
    questions: AtomicU64,
    statements: AtomicU64,
}

impl Wire {
    /// To the server of this login.
    pub async fn to(login: &Connection) -> io::Result<Self> {
        let behind = Proxy::to(login.address.port).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let counts = Arc::new(Counts::default());
        let (next, of_lines) = (behind.port(), counts.clone());
        let task = tokio::spawn(async move {
            while let Ok((desk, _)) = listener.accept().await {
                let counts = of_lines.clone();
                // A line that breaks is what the desk has to cope with.
                tokio::spawn(async move { carry(desk, next, &counts).await.ok() });
            }
        });
        Ok(Self { port, behind, counts, task })
    }

    /// The same login at the desk's end of the line.
    pub fn through(&self, login: &Connection) -> Connection {
        through(login, self.port)
    }

    /// Breaks every connection and lets new ones through.
    pub fn interrupt(&self) {
        self.behind.cut();
        self.behind.mend();
    }

    /// Bytes that came from the database so far.
    pub fn received(&self) -> u64 {
        self.counts.received.load(Ordering::Relaxed)
    }

    /// Questions that the database has answered so far: what goes there and back at once is one.
    pub fn questions(&self) -> u64 {
        self.counts.questions.load(Ordering::Relaxed)
    }

    /// Statements that the database has completed so far, those that begin and end transactions among them.
    pub fn statements(&self) -> u64 {
        self.counts.statements.load(Ordering::Relaxed)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A login over a port of this computer that leads to its server.
pub fn through(login: &Connection, port: u16) -> Connection {
    let mut login = login.clone();
    login.address.host = Ipv4Addr::LOCALHOST.to_string();
    login.address.port = port;
    login
}

async fn carry(desk: TcpStream, next: u16, counts: &Counts) -> io::Result<()> {
    let database = TcpStream::connect((Ipv4Addr::LOCALHOST, next)).await?;
    desk.set_nodelay(true)?;
    database.set_nodelay(true)?;
    let ((from_desk, to_desk), (from_database, to_database)) = (desk.into_split(), database.into_split());
    let mut answers = Answers::default();
    let count = |bytes: &[u8]| {
        counts.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let heard = answers.hear(bytes);
        counts.questions.fetch_add(heard.questions, Ordering::Relaxed);
        counts.statements.fetch_add(heard.statements, Ordering::Relaxed);
    };
    tokio::try_join!(pump(from_desk, to_database, |_| {}), pump(from_database, to_desk, count))?;
    Ok(())
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut passing: impl FnMut(&[u8])) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        passing(&piece[..length]);
        to.write_all(&piece[..length]).await?;
    }
}

/// What ended in a piece.
#[derive(Default)]
struct Heard {
    questions: u64,
    statements: u64,
}

/// Finds the ends of answers and statements in what a database says: each message is a letter, a length that counts
/// itself, and so many bytes.
#[derive(Default)]
struct Answers {
    header: [u8; 5],
    known: usize,
    to_skip: usize,
}

impl Answers {
    fn hear(&mut self, mut bytes: &[u8]) -> Heard {
        let mut heard = Heard::default();
        while let Some((first, rest)) = bytes.split_first() {
            if self.to_skip > 0 {
                let skipped = self.to_skip.min(bytes.len());
                self.to_skip -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            self.header[self.known] = *first;
            self.known += 1;
            bytes = rest;
            if self.known == self.header.len() {
                let [kind, length @ ..] = self.header;
                heard.questions += u64::from(kind == b'Z');
                heard.statements += u64::from(kind == b'C');
                self.to_skip = (u32::from_be_bytes(length) as usize).saturating_sub(length.len());
                self.known = 0;
            }
        }
        heard
    }
}
