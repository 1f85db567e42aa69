//! What can go wrong between this program and a gateway.

/// Why a certificate does not convince.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distrust {
    /// Nobody trusted has signed it.
    UnknownIssuer,
    /// It is for another address.
    OtherName,
    /// Its time is over.
    Expired,
    /// Its time has not come: the clock of this computer is behind.
    NotYetValid,
    /// Something else is wrong with it.
    Other,
}

/// Why a gateway did not do what it was asked. `Display` is one English sentence for logs, without keys, numbers and
/// anything that people wrote; screens translate by [`GatewayError::code`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// Nobody answers at the address: no such host, refused, no route, or another certificate.
    #[error("nobody answers at the address of the gateway: {0}")]
    Unreachable(String),
    /// The certificate of the server does not convince. Nothing was said to it.
    #[error("the certificate of the gateway does not convince: {0:?}")]
    CertificateRefused(Distrust),
    /// It did not answer in time, or closed before the whole answer.
    #[error("the gateway did not answer: {0}")]
    Silent(String),
    /// The key is not the one of this gateway.
    #[error("the gateway refuses the key")]
    KeyRefused,
    /// The gateway has no connection of this name.
    #[error("the gateway has no connection of this name")]
    NoInstance,
    /// The name is taken.
    #[error("the gateway has a connection of this name already")]
    NameTaken,
    /// The server waits to be activated by its licence (Evolution API from 2.4.0 on).
    #[error("the gateway's own licence was not activated")]
    LicenceRequired,
    /// What was asked for is not there, or no longer.
    #[error("the gateway does not have it, or not any more")]
    Gone,
    /// It asked for patience.
    #[error("the gateway asks to wait")]
    TooMany,
    /// The answer is larger than what was allowed.
    #[error("the answer of the gateway is too large")]
    TooLarge,
    /// It refuses, with its reason.
    #[error("the gateway refuses ({status}): {text}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its words, at most 300 characters, without numbers of people.
        text: String,
    },
    /// It broke.
    #[error("the gateway failed ({status}): {text}")]
    Failed {
        /// HTTP status.
        status: u16,
        /// As above.
        text: String,
    },
    /// What answers does not speak as this gateway does.
    #[error("what answers at this address is no such gateway: {0}")]
    NotAGateway(&'static str),
    /// The setting cannot be used to connect at all.
    #[error("no connection can be made with this setting: {0}")]
    Setting(String),
}

impl GatewayError {
    /// Whether asking again cannot help until a person changes something.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Silent(_) | Self::TooMany | Self::Failed { .. } => false,
            Self::CertificateRefused(_)
            | Self::KeyRefused
            | Self::NoInstance
            | Self::NameTaken
            | Self::LicenceRequired
            | Self::Gone
            | Self::TooLarge
            | Self::Refused { .. }
            | Self::NotAGateway(_)
            | Self::Setting(_) => true,
        }
    }

    /// A name for the screens.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "gateway_unreachable",
            Self::CertificateRefused(Distrust::UnknownIssuer) => "gateway_certificate_unknown_issuer",
            Self::CertificateRefused(Distrust::OtherName) => "gateway_certificate_other_name",
            Self::CertificateRefused(Distrust::Expired) => "gateway_certificate_expired",
            Self::CertificateRefused(Distrust::NotYetValid) => "gateway_certificate_not_yet_valid",
            Self::CertificateRefused(Distrust::Other) => "gateway_certificate_refused",
            Self::Silent(_) => "gateway_silent",
            Self::KeyRefused => "gateway_key_refused",
            Self::NoInstance => "gateway_no_instance",
            Self::NameTaken => "gateway_name_taken",
            Self::LicenceRequired => "gateway_licence_required",
            Self::Gone => "gateway_gone",
            Self::TooMany => "gateway_too_many",
            Self::TooLarge => "gateway_too_large",
            Self::Refused { .. } => "gateway_refused",
            Self::Failed { .. } => "gateway_failed",
            Self::NotAGateway(_) => "not_a_gateway",
            Self::Setting(_) => "gateway_setting",
        }
    }
}
