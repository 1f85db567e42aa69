//! The gateway behind a connection, made from its row and its keys.

use balcao_keychain::Secret;
use balcao_tenant::{Channel, ChannelKind};
use balcao_whatsapp::gateway::{
    Authority, BadAuthority, BadEndpoint, BadKey, BadName, CloudApi, CloudApiSetting, Endpoint, Evolution,
    EvolutionSetting, Gateway, GatewayError, Key, Name, Namespace, Relay, Timing,
};

/// What opens the gateway of a connection: its key, and for a Cloud API connection the one of its relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayKeys {
    /// Of the gateway.
    pub gateway: Key,
    /// Of the relay.
    pub relay: Option<Key>,
}

/// Why no gateway can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The row names no address or no instance.
    #[error("the connection has no address or no name at the gateway")]
    Incomplete,
    /// Its address.
    #[error(transparent)]
    Endpoint(#[from] BadEndpoint),
    /// The authority of its certificate.
    #[error(transparent)]
    Authority(#[from] BadAuthority),
    /// Its name.
    #[error(transparent)]
    Name(#[from] BadName),
    /// Its key.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// This computer cannot connect at all.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}

impl Unusable {
    /// A name for screens and the database.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Endpoint(_) => "bad_address",
            Self::Authority(_) => "invalid_certificate",
            Self::Name(_) => "bad_name",
            Self::Key(_) => "bad_key",
            Self::Gateway(error) => error.code(),
        }
    }
}

impl GatewayKeys {
    /// Reads what was typed, or stands in the keyring: the gateway's key on the first line, a relay's on the second.
    ///
    /// # Errors
    /// [`Unusable::Key`]
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let gateway = Key::new(lines.next().unwrap_or_default())?;
        Ok(Self { gateway, relay: lines.next().map(Key::new).transpose()? })
    }

    /// As [`GatewayKeys::parse`].
    ///
    /// # Errors
    /// [`Unusable::Key`]
    pub fn of_secret(secret: &Secret) -> Result<Self, Unusable> {
        Self::parse(secret.expose())
    }

    /// As it stands in the keyring.
    pub fn to_secret(&self) -> Secret {
        let relay = self.relay.as_ref().map(Key::expose).unwrap_or_default();
        Secret::new(format!("{}\n{relay}", self.gateway.expose()).trim_end())
    }
}

/// The gateway of a connection. Nothing is sent yet. An authority of the clinic's own counts for what is the clinic's own: a
/// server of the Evolution API, or the relay beside Meta.
///
/// # Errors
/// [`Unusable`]
pub fn gateway_of(channel: &Channel, keys: &GatewayKeys, timing: &Timing) -> Result<Gateway, Unusable> {
    let (Some(url), Some(instance)) = (&channel.url, &channel.instance) else { return Err(Unusable::Incomplete) };
    let (endpoint, name, key) = (Endpoint::parse(url)?, Name::new(instance)?, keys.gateway.clone());
    let authority = channel.settings.ca_pem.as_deref().map(Authority::parse).transpose()?;
    Ok(match channel.kind {
        ChannelKind::Evolution => {
            let namespace = if channel.settings.per_instance { Namespace::Instance } else { Namespace::Global };
            let endpoint = endpoint.trusting(authority);
            let setting = EvolutionSetting { endpoint, instance: name, key, namespace };
            Gateway::Evolution(Evolution::new(setting, timing.clone())?)
        }
        ChannelKind::CloudApi => {
            let relay = match (&channel.settings.relay_url, &keys.relay) {
                (Some(url), Some(key)) => {
                    Some(Relay { endpoint: Endpoint::parse(url)?.trusting(authority), key: key.clone() })
                }
                _ => None,
            };
            let setting = CloudApiSetting { graph: endpoint, phone_number_id: name, token: key, relay };
            Gateway::CloudApi(CloudApi::new(setting, timing.clone())?)
        }
    })
}
