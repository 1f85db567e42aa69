//! Encryption to a gateway.

use std::sync::Arc;

use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::gateway::{Distrust, Endpoint, GatewayError};

/// Whom to trust at this address: the authority that it names and no other, else those that the operating system names. The
/// provider is named here: the process has none by default, and a first encrypted connection without one panics.
pub(crate) fn client(endpoint: &Endpoint) -> Result<Arc<ClientConfig>, GatewayError> {
    let wrong = |error: rustls::Error| GatewayError::Setting(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(wrong)?;
    let builder = match (endpoint.as_str().starts_with("https"), endpoint.authority()) {
        (true, Some(authority)) => {
            let roots = authority.roots().map_err(|bad| GatewayError::Setting(bad.to_string()))?;
            builder.with_root_certificates(roots)
        }
        (true, None) => builder.with_platform_verifier().map_err(wrong)?,
        // A computer may have no certificates at all; whoever speaks in the clear need not care.
        (false, _) => builder.with_root_certificates(RootCertStore::empty()),
    };
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// What of the certificate an attempt to connect failed at; `None` where it was something else.
pub(crate) fn distrust(error: &(dyn std::error::Error + 'static)) -> Option<Distrust> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(reason)) = error.downcast_ref() {
            return Some(match reason {
                // A signature that does not fit is of somebody of the same name, who is not the same.
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Distrust::UnknownIssuer,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Distrust::OtherName
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Distrust::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Distrust::NotYetValid,
                _ => Distrust::Other,
            });
        }
        // An I/O error carries another one beside its sources, and that may be an I/O error again.
        let carried = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match carried {
            Some(carried) => Some(carried),
            None => error.source(),
        };
    }
    None
}
