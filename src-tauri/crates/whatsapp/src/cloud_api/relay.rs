//! What the relay has kept: asked for again and again, each time after the last that came.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::CloudApi;
use crate::gateway::{Ended, GatewayError, Heard, Speaker, WireEvent};
use crate::rest::Question;

/// The name under which an event of Meta is parsed.
const EVENT: &str = "cloud.webhook";
/// A relay that does not hold a question is not asked more often than this.
const PAUSE: Duration = Duration::from_secs(1);

/// One event and its place.
struct Kept {
    position: u64,
    payload: Value,
}

pub(super) async fn listen(gateway: &CloudApi, after: u64, speaker: &Speaker) -> Ended {
    match listening(gateway, after, speaker).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    }
}

async fn listening(gateway: &CloudApi, mut after: u64, speaker: &Speaker) -> Result<std::convert::Infallible, Ended> {
    let mut is_up = false;
    loop {
        let asked = Instant::now();
        let kept = ask(gateway, after).await?;
        if !is_up {
            speaker.say(Heard::Up).await?;
            is_up = true;
        }
        let is_empty = kept.is_empty();
        for Kept { position, payload } in kept {
            after = after.max(position);
            if crate::instance(&payload) == Some(gateway.name()) {
                let event = WireEvent { name: EVENT.to_owned(), payload, position: Some(position) };
                speaker.say(Heard::Event(event)).await?;
            }
        }
        if is_empty {
            sleep_until(asked + PAUSE.min(gateway.0.timing.poll)).await;
        }
    }
}

/// Everything after this place that the relay hands over at once, in its order.
async fn ask(gateway: &CloudApi, after: u64) -> Result<Vec<Kept>, GatewayError> {
    let timing = &gateway.0.timing;
    let no_relay = || GatewayError::Setting("there is no relay to hear anything from".to_owned());
    let (endpoint, rest) = gateway.0.relay.as_ref().ok_or_else(no_relay)?;
    let mut url = endpoint.rest(&["events"]);
    url.query_pairs_mut()
        .append_pair("after", &after.to_string())
        .append_pair("wait", &timing.poll.as_secs().to_string());
    let question = Question::get(url).within(timing.poll.saturating_add(timing.answer));
    let answer = rest.ask(question).await.map_err(GatewayError::from)?.good()?;
    let events = answer.get("events").and_then(Value::as_array);
    let events = events.ok_or(GatewayError::NotAGateway("it does not answer as a relay"))?;
    let mut kept: Vec<_> = events
        .iter()
        .filter_map(|event| {
            let position = event.get("seq").and_then(Value::as_u64).filter(|position| *position > after)?;
            Some(Kept { position, payload: event.get("payload")?.clone() })
        })
        .collect();
    kept.sort_by_key(|kept| kept.position);
    Ok(kept)
}
