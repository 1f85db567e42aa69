//! A server of the Evolution API: one connection of it.

mod calls;
mod files;
mod hearing;
mod sending;
mod setup;
mod sweeping;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderName;
use serde_json::Value;
use url::Url;

pub use sweeping::Sweep;

use crate::gateway::{Endpoint, GatewayError, Key, Name, Timing};
use crate::rest::{NoAnswer, Question, Rest};
use crate::socket::Line;
use crate::tls;

/// Where the server is and what the connection is called there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvolutionSetting {
    /// Address of the server.
    pub endpoint: Endpoint,
    /// Name of the instance.
    pub instance: Name,
    /// The token of the instance, or the server's own key.
    pub key: Key,
    /// Which stream is listened to.
    pub namespace: Namespace,
}

/// Which stream of the server is listened to. Never both: where it has both, everything comes twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Namespace {
    /// The one of all instances (`WEBSOCKET_GLOBAL_EVENTS=true`): always there, in order. A server without that setting
    /// lets us in and never says anything there.
    #[default]
    Global,
    /// The instance's own. It is not there until something happened, and that is not heard.
    Instance,
}

/// A connection of an Evolution server. Cloning is cheap.
#[derive(Clone)]
pub struct Evolution(Arc<Inner>);

struct Inner {
    setting: EvolutionSetting,
    rest: Rest,
    line: Line,
    timing: Timing,
}

impl Evolution {
    /// Prepares to speak to the server. Nothing is sent yet.
    ///
    /// # Errors
    /// [`GatewayError::Setting`] when this computer cannot encrypt at all.
    pub fn new(setting: EvolutionSetting, timing: Timing) -> Result<Self, GatewayError> {
        let header = HeaderName::from_static("apikey");
        let rest = Rest::new(&setting.endpoint, header, setting.key.header(), &timing)?;
        let line =
            Line { address: setting.endpoint.socket(), key: setting.key.clone(), tls: tls::client(&setting.endpoint)? };
        Ok(Self(Arc::new(Inner { setting, rest, line, timing })))
    }

    /// What it was made of.
    pub fn setting(&self) -> &EvolutionSetting {
        &self.0.setting
    }

    pub(crate) fn timing(&self) -> &Timing {
        &self.0.timing
    }

    fn name(&self) -> &str {
        self.0.setting.instance.as_str()
    }

    /// The address of a call about this instance.
    fn about(&self, group: &str, call: &str) -> Url {
        self.0.setting.endpoint.rest(&[group, call, self.name()])
    }

    /// Asks, and takes nothing but a good answer.
    async fn ask(&self, question: Question) -> Result<Value, GatewayError> {
        self.0.rest.ask(question).await.map_err(GatewayError::from)?.good()
    }

    async fn post(&self, group: &str, call: &str, body: &Value) -> Result<Value, GatewayError> {
        self.ask(Question::post(self.about(group, call), body)).await
    }

    /// Asks something that may take long, whatever the answer.
    async fn post_within(
        &self,
        (group, call): (&str, &str),
        body: &Value,
        within: Duration,
    ) -> Result<crate::rest::Answer, NoAnswer> {
        self.0.rest.ask(Question::post(self.about(group, call), body).within(within)).await
    }
}

/// Shows where, never with what key.
impl fmt::Debug for Evolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Evolution({:?} at {})", self.name(), self.0.setting.endpoint)
    }
}
