//! A fake gateway, a client that does not wait long, and what a test wants to hear.

use std::time::Duration;

use balcao_domain::message::{ChatAddress, Content, GatewayEvent, GatewayMessage};
use balcao_testkit::gateway::FakeEvolution;
use balcao_whatsapp::gateway::{
    Ended, Endpoint, Evolution, EvolutionSetting, Gateway, Heard, Key, Name, Namespace, Stream, Timing, Window,
    WireEvent,
};
use balcao_whatsapp::{parse, scrub};
use chrono::DateTime;

/// The instance of the clinic.
pub const INSTANCE: &str = "recepcao";
/// A person's number.
pub const PERSON: &str = "5511988887777";

/// Waits that a test can wait for.
pub fn timing() -> Timing {
    Timing {
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(5),
        send: Duration::from_millis(1500),
        greeting: Duration::from_secs(5),
        attachments: Duration::from_secs(2),
        namespace: Duration::from_millis(20)..=Duration::from_millis(50),
        poll: Duration::from_secs(1),
    }
}

/// A fake with one paired instance.
pub async fn fake() -> FakeEvolution {
    let fake = FakeEvolution::start().await.unwrap();
    fake.add_instance(INSTANCE);
    fake
}

/// A client of this instance of it.
pub fn client(fake: &FakeEvolution, instance: &str, key: &str, namespace: Namespace) -> Evolution {
    let setting = EvolutionSetting {
        endpoint: Endpoint::parse(&fake.url()).unwrap(),
        instance: Name::new(instance).unwrap(),
        key: Key::new(key).unwrap(),
        namespace,
    };
    Evolution::new(setting, timing()).unwrap()
}

/// The clinic's own client of it.
pub fn gateway(fake: &FakeEvolution) -> Gateway {
    Gateway::Evolution(client(fake, INSTANCE, "token-of-recepcao", Namespace::Global))
}

/// The next thing that is heard, which must come soon.
pub async fn next(stream: &mut Stream) -> Result<Heard, Ended> {
    tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("something is heard soon")
}

/// Waits until the stream is up.
pub async fn up(stream: &mut Stream) {
    assert_eq!(next(stream).await, Ok(Heard::Up));
}

/// The next event.
pub async fn event(stream: &mut Stream) -> WireEvent {
    match next(stream).await {
        Ok(Heard::Event(event)) => event,
        other => panic!("{other:?}"),
    }
}

/// What an event says, after the secrets were taken out.
pub fn meaning(event: &WireEvent) -> Vec<GatewayEvent> {
    parse(&event.name, &scrub(&event.payload), DateTime::UNIX_EPOCH)
}

/// The one message of an event.
pub fn message(event: &WireEvent) -> GatewayMessage {
    match meaning(event).as_slice() {
        [GatewayEvent::Message(message)] => (**message).clone(),
        other => panic!("{other:?}"),
    }
}

/// The words of a text.
pub fn words(message: &GatewayMessage) -> &str {
    match &message.content {
        Content::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

/// A chat with this number.
pub fn chat(number: &str) -> ChatAddress {
    ChatAddress::new(&format!("{number}@s.whatsapp.net")).unwrap()
}

/// From this second to before that one.
pub fn window(from: i64, to: i64) -> Window {
    Window::new(DateTime::from_timestamp(from, 0).unwrap(), DateTime::from_timestamp(to, 0).unwrap())
}

/// All of the time that a test takes.
pub fn lately() -> Window {
    let now = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    window(now - 600, now + 600)
}
