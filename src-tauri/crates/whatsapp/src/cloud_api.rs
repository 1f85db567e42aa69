//! Meta's Cloud API: messages go straight to Graph; what comes in is pulled from a relay of the clinic, which stores Meta's
//! webhooks until they are fetched.

pub(crate) mod codes;
mod files;
mod relay;
mod sending;
pub(crate) mod webhook;

use std::fmt;
use std::sync::Arc;

use balcao_domain::message::ConnectionState;
use balcao_domain::phone::Phone;
use reqwest::header::AUTHORIZATION;
use serde_json::Value;
use url::Url;

use crate::gateway::{Endpoint, GatewayError, Key, LinkState, Name, Stream, Timing};
use crate::rest::{Answer, Question, Rest};

/// A number of the clinic at Meta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudApiSetting {
    /// Graph with its version: `https://graph.facebook.com/v23.0`.
    pub graph: Endpoint,
    /// The number's id there.
    pub phone_number_id: Name,
    /// A token that may send for it.
    pub token: Key,
    /// Where what comes in waits; without one nothing is heard.
    pub relay: Option<Relay>,
}

/// The relay: `GET {endpoint}/events?after=N&wait=S` answers `{"events": [{"seq": N, "payload": …}]}`, the payload as Meta
/// sent it, at most after S seconds. What was asked after is acknowledged by that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Its address.
    pub endpoint: Endpoint,
    /// Shown to it as a bearer's token.
    pub key: Key,
}

/// A connection to Meta. Cloning is cheap.
#[derive(Clone)]
pub struct CloudApi(Arc<Inner>);

struct Inner {
    setting: CloudApiSetting,
    graph: Rest,
    relay: Option<(Endpoint, Rest)>,
    timing: Timing,
}

impl CloudApi {
    /// Prepares to speak to Meta and the relay. Nothing is sent yet.
    ///
    /// # Errors
    /// [`GatewayError::Setting`] when this computer cannot encrypt at all.
    pub fn new(setting: CloudApiSetting, timing: Timing) -> Result<Self, GatewayError> {
        let graph = Rest::new(&setting.graph, AUTHORIZATION, setting.token.bearer(), &timing)?;
        let relay = match &setting.relay {
            Some(relay) => {
                let rest = Rest::new(&relay.endpoint, AUTHORIZATION, relay.key.bearer(), &timing)?;
                Some((relay.endpoint.clone(), rest))
            }
            None => None,
        };
        Ok(Self(Arc::new(Inner { setting, graph, relay, timing })))
    }

    /// What it was made of.
    pub fn setting(&self) -> &CloudApiSetting {
        &self.0.setting
    }

    pub(crate) fn timing(&self) -> &Timing {
        &self.0.timing
    }

    pub(crate) fn listen(&self, after: u64) -> Stream {
        let gateway = self.clone();
        Stream::run(move |speaker| async move { relay::listen(&gateway, after, &speaker).await })
    }

    pub(crate) async fn state(&self) -> Result<LinkState, GatewayError> {
        let mut url = self.about(&[]);
        url.query_pairs_mut().append_pair("fields", "display_phone_number");
        let answer = good(self.0.graph.ask(Question::get(url)).await.map_err(GatewayError::from)?)?;
        let shown = answer.get("display_phone_number").and_then(Value::as_str);
        let phone = shown.and_then(|shown| Phone::parse(shown).ok());
        Ok(LinkState { state: ConnectionState::Connected, phone, closed_by: None })
    }

    fn name(&self) -> &str {
        self.0.setting.phone_number_id.as_str()
    }

    /// The address of a call about this number.
    fn about(&self, call: &[&str]) -> Url {
        let segments: Vec<_> = [self.name()].into_iter().chain(call.iter().copied()).collect();
        self.0.setting.graph.rest(&segments)
    }
}

/// Graph says what is wrong by a number in the answer; the HTTP status is often only 400.
fn good(answer: Answer) -> Result<Value, GatewayError> {
    let code = answer.json().get("error").and_then(|error| error.get("code")).and_then(Value::as_i64);
    match code {
        Some(code) if !(200..300).contains(&answer.status) => Err(codes::error(code, answer)),
        _ => answer.good(),
    }
}

/// Shows where, never with what token.
impl fmt::Debug for CloudApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloudApi({:?} at {})", self.name(), self.0.setting.graph)
    }
}
