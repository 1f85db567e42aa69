//! A front before a server that lets everybody in and repeats what it hears.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::refusal::Refusal;
use super::*;

const SSL: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const GSS: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];
const LET_IN: [u8; 9] = [b'R', 0, 0, 0, 8, 0, 0, 0, 0];
const DESK: &str = "balcao_0123456789abcdef";

struct Clinic {
    front: Front,
    authority: Authority,
    /// First packets as the server got them.
    heard: mpsc::UnboundedReceiver<Vec<u8>>,
}

/// `answer` is what the server says to a first packet before it repeats everything.
async fn clinic(limits: Limits, answer: &'static [u8]) -> Clinic {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port();
    let (hears, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut desk, _)) = server.accept().await {
            let hears = hears.clone();
            tokio::spawn(async move {
                let length = desk.read_u32().await.unwrap();
                let mut packet = vec![0; length as usize];
                packet[..4].copy_from_slice(&length.to_be_bytes());
                desk.read_exact(&mut packet[4..]).await.unwrap();
                hears.send(packet).unwrap();
                if length == 16 {
                    return;
                }
                let _ = desk.write_all(answer).await;
                let (mut from, mut to) = desk.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::System;
    let clinic_id = Uuid::new_v4();
    let authority =
        Authority::open_or_create(&Keychain::in_memory(), "p", folder.path(), clinic_id, clock).await.unwrap();
    let config = FrontConfig { listen: (Ipv4Addr::UNSPECIFIED, 0).into(), clinic_id, limits, announce: false };
    let front = Front::start(config, authority.clone(), move || async move { Some(port) }).await.unwrap();
    Clinic { front, authority, heard }
}

impl Clinic {
    /// A connection from an address of its own.
    async fn socket(&self, last: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
        socket.connect(SocketAddr::from(([127, 0, 0, 1], self.front.port()))).await.unwrap()
    }

    async fn encrypt(&self, socket: TcpStream, protocol: Option<&[u8]>) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.ca_pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocol.into_iter().map(<[u8]>::to_vec).collect();
        let name = ServerName::try_from(self.authority.server_name()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, socket).await
    }

    async fn asked(&self, last: u8) -> TlsStream<TcpStream> {
        let mut socket = self.socket(last).await;
        socket.write_all(&SSL).await.unwrap();
        assert_eq!(socket.read_u8().await.unwrap(), b'S');
        self.encrypt(socket, None).await.unwrap()
    }

    /// Logged in, as far as this server is concerned.
    async fn desk(&self, last: u8) -> TlsStream<TcpStream> {
        let mut desk = self.asked(last).await;
        desk.write_all(&log_in(DESK)).await.unwrap();
        let mut answer = [0; LET_IN.len()];
        desk.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, LET_IN);
        desk
    }
}

fn log_in(user: &str) -> Vec<u8> {
    let body = format!("user\0{user}\0database\0balcao\0\0");
    let length = u32::try_from(body.len() + 8).unwrap();
    [&length.to_be_bytes()[..], &(3_u32 << 16).to_be_bytes(), body.as_bytes()].concat()
}

/// Everything until the end, which must come.
async fn rest(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    // An end without a goodbye is one, too.
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut all)).await.expect("it is closed");
    all
}

async fn echo(desk: &mut TlsStream<TcpStream>, word: &[u8]) {
    desk.write_all(word).await.unwrap();
    let mut heard = vec![0; word.len()];
    desk.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, word);
}

#[tokio::test]
async fn a_desk_is_carried_after_the_question_after_gssapi_and_without_a_question() {
    let mut clinic = clinic(Limits::default(), &LET_IN).await;
    let mut asked = clinic.desk(1).await;
    let large = vec![7; 300_000];
    let (mut from, mut to) = tokio::io::split(&mut asked);
    let mut heard = vec![0; large.len()];
    let (sent, came) = tokio::join!(to.write_all(&large), from.read_exact(&mut heard));
    sent.unwrap();
    came.unwrap();
    assert!(heard == large, "everything arrives, in order");
    let heard = clinic.heard.recv().await.unwrap();
    let told = startup::signed(&log_in(DESK), [127, 0, 0, 1].into());
    assert_eq!(heard, told, "the packet is carried with where it comes from");

    let mut gss = clinic.socket(1).await;
    gss.write_all(&GSS).await.unwrap();
    assert_eq!(gss.read_u8().await.unwrap(), b'N');
    gss.write_all(&SSL).await.unwrap();
    assert_eq!(gss.read_u8().await.unwrap(), b'S');
    assert!(clinic.encrypt(gss, None).await.is_ok());

    let mut direct = clinic.encrypt(clinic.socket(1).await, Some(PROTOCOL)).await.unwrap();
    direct.write_all(&log_in(DESK)).await.unwrap();
    direct.read_exact(&mut [0; LET_IN.len()]).await.unwrap();
    echo(&mut direct, b"direct").await;
}

#[tokio::test]
async fn tls_without_a_question_names_the_protocol_or_goes_away() {
    let mut clinic = clinic(Limits::default(), &LET_IN).await;
    let mut nameless = clinic.encrypt(clinic.socket(1).await, None).await.unwrap();
    let _ = nameless.write_all(&log_in(DESK)).await;
    assert_eq!(rest(&mut nameless).await, b"");
    let other = clinic.encrypt(clinic.socket(1).await, Some(b"h2")).await;
    assert!(other.is_err(), "another protocol");
    assert!(clinic.heard.try_recv().is_err(), "the server heard of neither");
}

#[tokio::test]
async fn a_word_in_plain_text_behind_the_question_is_not_taken_for_one_from_within() {
    let mut clinic = clinic(Limits::default(), &LET_IN).await;
    let mut socket = clinic.socket(1).await;
    socket.write_all(&[&SSL[..], &log_in(DESK)].concat()).await.unwrap();
    assert_eq!(socket.read_u8().await.unwrap(), b'S');
    let answer = rest(&mut socket).await;
    assert!(answer.first().is_none_or(|kind| *kind == 21), "an alert at the most: {answer:?}");
    assert!(clinic.heard.try_recv().is_err());
}

#[tokio::test]
async fn plain_text_and_strangers_get_an_answer_that_a_person_can_read_or_none() {
    let mut clinic = clinic(Limits::default(), &LET_IN).await;
    let mut plain = clinic.socket(1).await;
    plain.write_all(&log_in(DESK)).await.unwrap();
    let answer = String::from_utf8(rest(&mut plain).await).unwrap();
    assert!(answer.starts_with('E') && answer.contains("C28000\0") && answer.contains("TLS 1.3 only"), "{answer:?}");
    for word in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 64], &[255; 64]] {
        let mut stranger = clinic.socket(1).await;
        stranger.write_all(word).await.unwrap();
        assert_eq!(rest(&mut stranger).await, b"", "{word:?}");
    }
    assert!(clinic.heard.try_recv().is_err());
}

#[tokio::test]
async fn a_request_to_give_up_a_statement_reaches_the_server_from_within_tls_only() {
    let mut clinic = clinic(Limits::default(), &LET_IN).await;
    let cancel = [&16_u32.to_be_bytes()[..], &80_877_102_u32.to_be_bytes(), &[9; 8]].concat();
    let mut plain = clinic.socket(1).await;
    plain.write_all(&cancel).await.unwrap();
    assert_eq!(rest(&mut plain).await, b"");
    assert!(clinic.heard.try_recv().is_err(), "its key would have been sent in the open");
    let mut desk = clinic.asked(1).await;
    desk.write_all(&cancel).await.unwrap();
    assert_eq!(rest(&mut desk).await, b"");
    assert_eq!(clinic.heard.recv().await.unwrap(), cancel);
}

#[tokio::test]
async fn who_never_finishes_is_sent_away_and_the_others_work() {
    let limits = Limits { patience: Duration::from_millis(800), arriving_each: 3, ..Limits::default() };
    // A server that asks on and on is not let in either.
    let clinic = clinic(limits, b"R\0\0\0\x08\0\0\0\x03").await;
    let mut silent = clinic.socket(2).await;
    let mut half = clinic.socket(2).await;
    half.write_all(&SSL[..5]).await.unwrap();
    let mut unproven = clinic.asked(2).await;
    unproven.write_all(&log_in(DESK)).await.unwrap();
    assert_eq!(rest(&mut clinic.socket(2).await).await, b"", "no fourth is let on its way from there");
    assert_eq!(clinic.front.guests(), []);
    let mut dripping = clinic.socket(3).await;
    let mut cut = false;
    for byte in [&SSL[..], &[0; 40]].concat() {
        cut = cut || dripping.write_all(&[byte]).await.is_err();
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    assert!(cut, "byte for byte is no way to stay");
    for socket in [&mut silent, &mut half] {
        assert_eq!(rest(socket).await, b"");
    }
    rest(&mut unproven).await;
    drop(clinic.asked(2).await);
}

#[tokio::test]
async fn nobody_sends_without_end_before_the_login() {
    let clinic = clinic(Limits { bytes_before_login: 5_000, ..Limits::default() }, b"").await;
    let mut desk = clinic.asked(1).await;
    desk.write_all(&log_in(DESK)).await.unwrap();
    let mut failed = false;
    for _ in 0..200 {
        failed = failed || desk.write_all(&[0; 1_000]).await.is_err() || desk.flush().await.is_err();
    }
    rest(&mut desk).await;
    assert_eq!(clinic.front.guests(), []);
    let mut long = clinic.asked(1).await;
    long.write_all(&1_000_000_u32.to_be_bytes()).await.unwrap();
    let answer = String::from_utf8(rest(&mut long).await).unwrap();
    assert!(answer.contains("C08P01\0"), "{answer:?}");
}

#[tokio::test]
async fn a_full_house_says_so_and_has_room_again_when_someone_leaves() {
    let clinic = clinic(Limits { connections: 2, ..Limits::default() }, &LET_IN).await;
    let mut changed = clinic.front.changed();
    let first = clinic.desk(1).await;
    let mut second = clinic.desk(2).await;
    changed.wait_for(|number| *number == 2).await.unwrap();
    let addresses: Vec<_> = clinic.front.guests().iter().map(|guest| guest.address.to_string()).collect();
    assert_eq!(addresses, ["127.0.0.1", "127.0.0.2"]);
    let mut third = clinic.asked(3).await;
    third.write_all(&log_in(DESK)).await.unwrap();
    let answer = String::from_utf8(rest(&mut third).await).unwrap();
    assert!(answer.contains("C53300\0"), "{answer:?}");
    echo(&mut second, b"still here").await;
    drop(first);
    timeout(Duration::from_secs(5), changed.wait_for(|number| *number == 1)).await.unwrap().unwrap();
    echo(&mut clinic.desk(3).await, b"in").await;
}

#[tokio::test]
async fn a_stopped_front_leaves_no_connection_and_no_port_behind() {
    let clinic = clinic(Limits::default(), &LET_IN).await;
    let port = clinic.front.port();
    let mut desk = clinic.desk(1).await;
    let _arriving = clinic.socket(2).await;
    clinic.front.stop().await;
    assert_eq!(rest(&mut desk).await, b"");
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    let again = TcpListener::bind(("127.0.0.1", port)).await;
    assert!(again.is_ok(), "{again:?}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_told() {
    let clinic = clinic(Limits::default(), &LET_IN).await;
    let (port, clinic_id) = (clinic.front.port(), clinic.authority.clinic_id());
    let config = FrontConfig {
        listen: (Ipv4Addr::UNSPECIFIED, port).into(),
        clinic_id,
        limits: Limits::default(),
        announce: false,
    };
    let refused = Front::start(config, clinic.authority.clone(), || async { None }).await;
    assert!(matches!(refused, Err(Error::PortTaken { port: taken }) if taken == port), "{refused:?}");
}

#[test]
fn a_refusal_is_a_message_as_long_as_it_says() {
    for refusal in [Refusal::PlainText, Refusal::NotAdmitted, Refusal::Full, Refusal::NoDatabase] {
        let message = refusal.message();
        let length = u32::from_be_bytes(*message[1..].first_chunk::<4>().unwrap());
        assert_eq!((message[0], length as usize), (b'E', message.len() - 1), "{refusal:?}");
    }
}
