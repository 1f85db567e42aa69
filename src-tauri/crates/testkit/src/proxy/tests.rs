//! What a line does to an echo.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{Proxy, Which};

/// Long enough for what must come, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Long enough to believe that nothing comes.
const SILENCE: Duration = Duration::from_millis(200);

/// A port that sends back what it gets, after `mark`.
async fn echo(mark: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    let _ = stream.write_all(&[mark, &buffer[..length]].concat()).await;
                }
            });
        }
    });
    port
}

struct Caller(TcpStream);

impl Caller {
    async fn through(proxy: &Proxy) -> Self {
        Self(TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap())
    }

    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// What is heard next; nothing when the connection was closed.
    async fn hear(&mut self) -> io::Result<String> {
        let mut buffer = [0; 1024];
        let read = timeout(PATIENCE, self.0.read(&mut buffer)).await;
        let length = match read.expect("something is heard, or the end") {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => 0,
            read => read?,
        };
        Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    async fn hears_nothing(&mut self) -> bool {
        timeout(SILENCE, self.0.read(&mut [0; 1])).await.is_err()
    }

    async fn echo(&mut self, text: &str) -> String {
        self.say(text).await;
        self.hear().await.unwrap()
    }
}

/// A caller that has begun to listen, and one that has not.
async fn two_callers(proxy: &Proxy) -> (Caller, Caller) {
    let (mut listener, mut other) = (Caller::through(proxy).await, Caller::through(proxy).await);
    assert_eq!(listener.echo("LISTEN \"x\"").await, "LISTEN \"x\"");
    assert_eq!(other.echo("select 1").await, "select 1");
    assert_eq!((proxy.connections(Which::Listening), proxy.connections(Which::All)), (1, 2));
    (listener, other)
}

#[tokio::test]
async fn a_line_that_is_cut_breaks_and_lets_through_when_it_is_mended() {
    let proxy = Proxy::to(echo(b"").await).await.unwrap();
    let mut caller = Caller::through(&proxy).await;
    assert_eq!(caller.echo("hello").await, "hello");
    proxy.cut();
    assert_eq!(caller.hear().await.unwrap(), "", "the connection is closed");
    let mut refused = Caller::through(&proxy).await;
    assert_eq!(refused.hear().await.unwrap(), "");
    proxy.mend();
    assert_eq!(Caller::through(&proxy).await.echo("again").await, "again");
}

#[tokio::test]
async fn a_round_trip_takes_as_long_as_asked_and_two_at_once_no_longer() {
    let round_trip = Duration::from_millis(80);
    let proxy = Proxy::delayed(echo(b"").await, round_trip).await.unwrap();
    let mut caller = Caller::through(&proxy).await;
    let begun = Instant::now();
    caller.say("a").await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    caller.say("b").await;
    assert_eq!(caller.hear().await.unwrap(), "a");
    assert!(begun.elapsed() >= round_trip, "{:?}", begun.elapsed());
    assert_eq!(caller.hear().await.unwrap(), "b");
    assert!(begun.elapsed() < round_trip * 2, "the second did not wait for the first: {:?}", begun.elapsed());
    proxy.delay(Duration::ZERO);
    let begun = Instant::now();
    assert_eq!(caller.echo("c").await, "c");
    assert!(begun.elapsed() < round_trip);
}

#[tokio::test]
async fn only_the_connection_that_listens_is_dropped_when_asked_so() {
    let proxy = Proxy::to(echo(b"").await).await.unwrap();
    let (mut listener, mut other) = two_callers(&proxy).await;
    proxy.drop_now(Which::Listening);
    assert_eq!(listener.hear().await.unwrap(), "");
    assert_eq!(other.echo("still here").await, "still here");
    proxy.drop_now(Which::Others);
    assert_eq!(other.hear().await.unwrap(), "");
    assert_eq!(Caller::through(&proxy).await.echo("new").await, "new");
}

#[tokio::test]
async fn half_of_a_piece_arrives_and_then_the_connection_breaks() {
    // The line is delayed so that the piece is under way when it is halved.
    let proxy = Proxy::delayed(echo(b"").await, Duration::from_millis(60)).await.unwrap();
    let mut caller = Caller::through(&proxy).await;
    caller.say("12345678").await;
    assert_eq!(caller.hear().await.unwrap(), "12345678");
    let (mut one, mut other) = (proxy_pair(&proxy).await, Caller::through(&proxy).await);
    assert_eq!(other.echo("x").await, "x");
    proxy.halve(Which::All);
    one.say("12345678").await;
    assert_eq!(one.hear().await.unwrap(), "", "the half went to the other end, which never saw a whole");
    assert_eq!(proxy.connections(Which::All), 2, "the others break with their own next piece");
    assert_eq!(caller.echo("y").await, "");
}

/// A caller whose connection is known to be carried.
async fn proxy_pair(proxy: &Proxy) -> Caller {
    let mut caller = Caller::through(proxy).await;
    assert_eq!(caller.echo("0").await, "0");
    caller
}

#[tokio::test]
async fn an_answer_is_halved_when_it_passes_first() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::to(listener.local_addr().unwrap().port()).await.unwrap();
    let mut caller = Caller::through(&proxy).await;
    let (mut server, _) = listener.accept().await.unwrap();
    proxy.halve(Which::All);
    server.write_all(b"12345678").await.unwrap();
    assert_eq!(caller.hear().await.unwrap(), "1234");
    assert_eq!(caller.hear().await.unwrap(), "");
}

#[tokio::test]
async fn a_frozen_line_says_nothing_until_it_thaws() {
    let proxy = Proxy::to(echo(b"").await).await.unwrap();
    let (mut listener, mut other) = two_callers(&proxy).await;
    proxy.freeze(Which::All);
    listener.say("a").await;
    other.say("b").await;
    let mut new = Caller::through(&proxy).await;
    new.say("c").await;
    assert!(listener.hears_nothing().await && other.hears_nothing().await && new.hears_nothing().await);
    proxy.thaw();
    let heard = [listener.hear().await.unwrap(), other.hear().await.unwrap(), new.hear().await.unwrap()];
    assert_eq!(heard, ["a", "b", "c"], "nothing was lost");
}

#[tokio::test]
async fn only_the_listening_connection_freezes_and_so_does_the_next_one_that_listens() {
    let proxy = Proxy::to(echo(b"").await).await.unwrap();
    let (mut listener, mut other) = two_callers(&proxy).await;
    proxy.freeze(Which::Listening);
    listener.say("a").await;
    assert!(listener.hears_nothing().await);
    assert_eq!(other.echo("b").await, "b");
    let mut next = Caller::through(&proxy).await;
    assert_eq!(next.echo("c").await, "c");
    next.say("LISTEN \"x\"").await;
    assert!(next.hears_nothing().await);
    proxy.thaw();
    assert_eq!((listener.hear().await.unwrap(), next.hear().await.unwrap()), ("a".into(), "LISTEN \"x\"".into()));
}

#[tokio::test]
async fn a_firewall_that_forgets_freezes_what_is_there_and_lets_new_ones_through() {
    let proxy = Proxy::to(echo(b"").await).await.unwrap();
    let (mut listener, mut other) = two_callers(&proxy).await;
    proxy.freeze_present(Which::All);
    listener.say("a").await;
    other.say("b").await;
    assert!(listener.hears_nothing().await && other.hears_nothing().await);
    assert_eq!(Caller::through(&proxy).await.echo("new").await, "new");
    proxy.cut();
    assert_eq!(other.hear().await.unwrap(), "", "what is frozen can still be broken");
}

#[tokio::test]
async fn a_line_leads_to_where_the_database_is_now() {
    let proxy = Proxy::to(echo(b"old ").await).await.unwrap();
    let mut before = Caller::through(&proxy).await;
    assert_eq!(before.echo("x").await, "old x");
    proxy.lead_to(echo(b"new ").await);
    assert_eq!(Caller::through(&proxy).await.echo("x").await, "new x");
    assert_eq!(before.echo("y").await, "old y", "a connection stays where it is");
}

#[tokio::test]
async fn connections_that_ended_are_not_counted() {
    let proxy = Proxy::to(echo(b"").await).await.unwrap();
    let (listener, other) = two_callers(&proxy).await;
    drop((listener, other));
    let begun = Instant::now();
    while proxy.connections(Which::All) > 0 {
        assert!(begun.elapsed() < PATIENCE, "{} connections are still counted", proxy.connections(Which::All));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
