//! Logs in once, as a client does. That tells more than an open port: whether the server takes sessions yet, whether
//! the password is right, and, because SCRAM proves both sides to each other, whether it is our server at all.

use std::io;
use std::time::Duration;

use balcao_keychain::Secret;
use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{ErrorResponseBody, Message};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::connection::SUPERUSER;

/// What came of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It takes sessions, and both sides know the password.
    Ready,
    /// It is starting, replaying its log or shutting down.
    NotNow,
    /// It takes sessions, but does not share the password.
    Stranger,
    /// Nobody answers there.
    Silence,
}

/// An answer on the loopback address that takes longer than this is none.
const PATIENCE: Duration = Duration::from_secs(5);

/// `invalid_password`, `invalid_authorization_specification`
const REFUSALS: &[&str] = &["28P01", "28000"];

pub(crate) async fn log_in(port: u16, password: &Secret) -> Answer {
    match tokio::time::timeout(PATIENCE, converse(port, password)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Answer::Silence,
    }
}

async fn converse(port: u16, password: &Secret) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut received, mut sent) = (BytesMut::new(), BytesMut::new());
    let mut scram = ScramSha256::new(password.expose().as_bytes(), ChannelBinding::unsupported());
    let mut proved = false;

    frontend::startup_message([("user", SUPERUSER), ("database", "postgres")], &mut sent)?;
    loop {
        stream.write_all_buf(&mut sent).await?;
        match next(&mut stream, &mut received).await? {
            Message::AuthenticationSasl(_) => {
                frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), &mut sent)?;
            }
            Message::AuthenticationSaslContinue(body) => {
                scram.update(body.data())?;
                frontend::sasl_response(scram.message(), &mut sent)?;
            }
            Message::AuthenticationSaslFinal(body) => {
                if scram.finish(body.data()).is_err() {
                    return Ok(Answer::Stranger);
                }
                proved = true;
            }
            Message::ReadyForQuery(_) => {
                frontend::terminate(&mut sent);
                // The answer stands even if the server hangs up first.
                let _ = stream.write_all_buf(&mut sent).await;
                return Ok(Answer::Ready);
            }
            Message::ErrorResponse(body) => {
                return Ok(match sql_state(&body)?.as_deref() {
                    Some(state) if REFUSALS.contains(&state) => Answer::Stranger,
                    // Another refusal after the proof, such as too many sessions, comes from our own running server.
                    Some(state) if proved && !state.starts_with("57P") => Answer::Ready,
                    _ => Answer::NotNow,
                });
            }
            // A server that asks for no proof, or for another one, is none that this program set up.
            Message::AuthenticationOk if proved => {}
            Message::AuthenticationOk
            | Message::AuthenticationCleartextPassword
            | Message::AuthenticationMd5Password(_)
            | Message::AuthenticationGss
            | Message::AuthenticationSspi => return Ok(Answer::Stranger),
            _ => {}
        }
    }
}

async fn next(stream: &mut TcpStream, received: &mut BytesMut) -> io::Result<Message> {
    loop {
        if let Some(message) = Message::parse(received)? {
            return Ok(message);
        }
        if stream.read_buf(received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn sql_state(body: &ErrorResponseBody) -> io::Result<Option<String>> {
    let code = body.fields().find(|field| Ok(field.type_() == b'C'))?;
    Ok(code.map(|code| String::from_utf8_lossy(code.value_bytes()).into_owned()))
}
