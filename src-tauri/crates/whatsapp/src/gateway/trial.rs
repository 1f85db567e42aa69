//! Trying a connection out: which of its settings is wrong.

use balcao_domain::message::ConnectionState;
use tokio::time::timeout;

use super::{CloudApi, Endpoint, Evolution, Gateway, GatewayError, Heard, LinkState, Timing};

/// What is looked at, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialStep {
    /// Whether somebody answers at the address who speaks as such a gateway.
    Address,
    /// How what is said on the way is kept secret.
    Tls,
    /// Whether the gateway takes the key.
    Key,
    /// Whether it has the connection.
    Instance,
    /// Whether that is connected to WhatsApp.
    State,
    /// Whether what comes in is heard.
    Stream,
}

/// What was seen at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is being looked at.
    Looking,
    /// All is well, with what is to be known of it, by name: `host`; `protection` (system, given, loopback, none); `others` (how
    /// many connections the key opens besides those that are known); `state` and `needs_pairing`; `waits` (there is no stream until
    /// something happens).
    Fine(Vec<(&'static str, String)>),
    /// Something is wrong, and what.
    Wrong(Trouble),
}

/// What is wrong at a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The gateway's answer.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// Calls are answered, and the stream is not opened: often by a proxy that does not pass WebSockets on.
    #[error("the gateway answers, and opens no stream")]
    NoStream,
}

impl TrialStep {
    /// Every step.
    pub const ALL: [Self; 6] = [Self::Address, Self::Tls, Self::Key, Self::Instance, Self::State, Self::Stream];

    /// A name for the screens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Tls => "tls",
            Self::Key => "key",
            Self::Instance => "instance",
            Self::State => "state",
            Self::Stream => "stream",
        }
    }

    /// Which step an error of the first question belongs to: those before it are taken then.
    fn of(error: &GatewayError) -> Self {
        match error {
            GatewayError::CertificateRefused(_) => Self::Tls,
            GatewayError::KeyRefused => Self::Key,
            _ => Self::Address,
        }
    }
}

impl Trouble {
    /// A name for the screens.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Gateway(error) => error.code(),
            Self::NoStream => "gateway_no_stream",
        }
    }
}

impl Gateway {
    /// Tries the connection out and tells of each step as it is looked at; what comes after a wrong one is not looked at.
    /// Nothing is sent to anybody, and nothing is changed. `known` are names of further connections of the clinic there: whatever
    /// else the key opens is somebody else's.
    pub async fn try_out(&self, known: &[String], mut tell: impl FnMut(TrialStep, Found)) {
        let (endpoint, timing) = match self {
            Self::Evolution(gateway) => (gateway.setting().endpoint.clone(), gateway.timing().clone()),
            Self::CloudApi(gateway) => (gateway.setting().graph.clone(), gateway.timing().clone()),
        };
        tell(TrialStep::Address, Found::Looking);
        let first = match self {
            Self::Evolution(gateway) => evolution(gateway, known).await,
            Self::CloudApi(gateway) => cloud(gateway).await,
        };
        let (instance, link) = match first {
            Ok((instance, link)) => (instance, link),
            Err((step, error)) => {
                ways_before(step, &endpoint, &mut tell);
                return tell(step, Found::Wrong(error.into()));
            }
        };
        ways_before(TrialStep::Instance, &endpoint, &mut tell);
        tell(TrialStep::Instance, Found::Fine(instance));
        tell(TrialStep::State, Found::Fine(state(&link)));
        tell(TrialStep::Stream, Found::Looking);
        let heard = self.hears(&timing).await;
        tell(TrialStep::Stream, heard.map_or_else(Found::Wrong, Found::Fine));
    }

    async fn hears(&self, timing: &Timing) -> Result<Seen, Trouble> {
        let mut stream = self.listen(None);
        // A relay may hold a question for as long as it was asked to.
        let patience = timing.greeting.saturating_add(timing.poll).saturating_add(timing.connect);
        match timeout(patience, stream.next()).await {
            Ok(Ok(Heard::Waiting)) => Ok(vec![("waits", "true".to_owned())]),
            Ok(Ok(_)) => Ok(Vec::new()),
            Ok(Err(super::Ended::Refused(error))) => Err(error.into()),
            Ok(Err(_)) | Err(_) => Err(Trouble::NoStream),
        }
    }
}

/// What is to be known of a step, by name.
type Seen = Vec<(&'static str, String)>;
/// The instance and its connection, or where it ended.
type Taken = Result<(Seen, LinkState), (TrialStep, GatewayError)>;

/// A server says that it has no such instance before it looks at the key: that is asked for first.
async fn evolution(gateway: &Evolution, known: &[String]) -> Taken {
    let opened = gateway.instances().await.map_err(|error| (TrialStep::of(&error), error))?;
    let ours = gateway.setting().instance.as_str();
    let others = opened.iter().filter(|name| *name != ours && !known.contains(name)).count();
    let link = gateway.state().await.map_err(|error| (TrialStep::Instance, error))?;
    Ok((vec![("others", others.to_string())], link))
}

/// The question is about the number itself.
async fn cloud(gateway: &CloudApi) -> Taken {
    let step = |error: &GatewayError| match error {
        GatewayError::NoInstance | GatewayError::Refused { .. } => TrialStep::Instance,
        error => TrialStep::of(error),
    };
    let link = gateway.state().await.map_err(|error| (step(&error), error))?;
    Ok((Vec::new(), link))
}

/// The steps before this one are taken.
fn ways_before(step: TrialStep, endpoint: &Endpoint, tell: &mut impl FnMut(TrialStep, Found)) {
    for taken in TrialStep::ALL.into_iter().take_while(|taken| *taken != step) {
        let seen = match taken {
            TrialStep::Address => vec![("host", endpoint.host())],
            TrialStep::Tls => vec![("protection", endpoint.protection().to_owned())],
            _ => Vec::new(),
        };
        tell(taken, Found::Fine(seen));
    }
}

fn state(link: &LinkState) -> Seen {
    let state = match link.state {
        ConnectionState::Connected => "connected",
        ConnectionState::Connecting => "connecting",
        ConnectionState::Pairing => "pairing",
        ConnectionState::Disconnected => "disconnected",
        ConnectionState::Refused => "refused",
    };
    vec![("state", state.to_owned()), ("needs_pairing", link.needs_pairing().to_string())]
}
