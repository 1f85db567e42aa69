//! Encryption to a gateway.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::gateway::{Endpoint, GatewayError};

/// What this computer trusts, as its operating system says. The provider is named here: the process has none by default,
/// and a first encrypted connection without one panics.
pub(crate) fn client(endpoint: &Endpoint) -> Result<Arc<ClientConfig>, GatewayError> {
    let wrong = |error: rustls::Error| GatewayError::Setting(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(wrong)?;
    // A computer may have no certificates at all; whoever speaks in the clear need not care.
    let builder = match endpoint.as_str().starts_with("https") {
        true => builder.with_platform_verifier().map_err(wrong)?,
        false => builder.with_root_certificates(RootCertStore::empty()),
    };
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// Whether it was the certificate that an attempt to connect failed at.
pub(crate) fn refused_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An I/O error carries the one of the encryption beside its sources.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let found = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()).or(error.downcast_ref());
        if let Some(rustls::Error::InvalidCertificate(_)) = found {
            return true;
        }
        cause = error.source();
    }
    false
}
