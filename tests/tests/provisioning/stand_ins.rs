//! Stand-ins for a server: one that says a few fixed words, and one that passes everything on until it cuts the line.

use std::io;

use anyhow::Result;
use balcao_tenant::{Address, TlsMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The second half of an `SSLRequest`.
const SSL_REQUEST_CODE: [u8; 4] = [0x04, 0xd2, 0x16, 0x2f];

/// A server that answers the question for TLS with `to_tls`, and whatever comes next with `says`; then it hangs up.
pub async fn stand_in(to_tls: &[u8], says: Vec<u8>) -> Result<Address> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let to_tls = to_tls.to_vec();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (to_tls, says) = (to_tls.clone(), says.clone());
            tokio::spawn(async move {
                let mut heard = [0; 4096];
                let read = client.read(&mut heard).await?;
                if read == 8 && heard[4..8] == SSL_REQUEST_CODE {
                    client.write_all(&to_tls).await?;
                    // What follows is the beginning of a log-in or of a TLS handshake, if anything.
                    if client.read(&mut heard).await? == 0 {
                        return Ok(());
                    }
                }
                client.write_all(&says).await?;
                io::Result::Ok(())
            });
        }
    });
    let (host, user) = ("127.0.0.1".to_owned(), "balcao_0000000000000000".to_owned());
    Ok(Address { host, port, database: "clinic".to_owned(), user, tls: TlsMode::Loopback })
}

/// A port that nobody listens on.
pub async fn closed_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

/// What a server of this version says to somebody it trusts.
pub fn greeting(version: &str) -> Vec<u8> {
    let mut says = message(b'R', &[0, 0, 0, 0]);
    says.extend(message(b'S', format!("server_version\0{version}\0").as_bytes()));
    says.extend(message(b'Z', b"I"));
    says
}

/// The demand to prove who one is by the method of this number.
pub fn demand(method: u32) -> Vec<u8> {
    message(b'R', &method.to_be_bytes())
}

/// A refusal with this SQLSTATE, from this routine of the server.
pub fn refusal(sqlstate: &str, routine: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{sqlstate}\0Mrecusado\0R{routine}\0\0");
    message(b'E', fields.as_bytes())
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

/// Where in the conversation the line is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The server never hears the message.
    BeforeSending,
    /// The server does what the message says, and nobody hears that it did.
    BeforeTheAnswer,
}

/// Passes everything between a client and a server, and cuts the line at one message of the client. What a killed
/// program leaves on a server is what a program leaves whose line is cut.
pub struct CuttingProxy {
    url: String,
}

impl CuttingProxy {
    /// In front of the server of this URL; cuts at the message after `passed` messages.
    pub async fn before(url: &str, passed: usize, when: When) -> Result<Self> {
        let (address, secret) = Address::parse(url)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let in_front = Address { port: listener.local_addr()?.port(), ..address.clone() };
        let secret = secret.map(|secret| format!(":{secret}@")).unwrap_or_else(|| "@".to_owned());
        let url = in_front.to_url().replacen('@', &secret, 1);
        tokio::spawn(async move {
            let mut left = passed;
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect((&*address.host, address.port)).await else { return };
                match pass(client, server, left, when).await {
                    Some(still) => left = still,
                    None => return,
                }
            }
        });
        Ok(Self { url })
    }

    /// The way through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Returns how many messages may still pass, or nothing once the line is cut.
async fn pass(mut client: TcpStream, mut server: TcpStream, mut left: usize, when: When) -> Option<usize> {
    let (mut from_client, mut from_server) = ([0; 65536], [0; 65536]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => match read {
                Ok(read) if read > 0 => {
                    let cut = left == 0;
                    if !cut || when == When::BeforeTheAnswer {
                        server.write_all(&from_client[..read]).await.ok()?;
                    }
                    if cut {
                        if when == When::BeforeTheAnswer {
                            // The answer is the proof that the server has done it.
                            let _ = server.read(&mut from_server).await;
                        }
                        return None;
                    }
                    left -= 1;
                }
                _ => return Some(left),
            },
            read = server.read(&mut from_server) => match read {
                Ok(read) if read > 0 => client.write_all(&from_server[..read]).await.ok()?,
                _ => return Some(left),
            },
        }
    }
}
