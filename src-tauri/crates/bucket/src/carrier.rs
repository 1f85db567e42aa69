//! Carries the questions of `object_store` over a line of our own: what the operating system trusts, no redirects, no proxies,
//! nothing asked twice behind our back, and of an answer that is no success only its code.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use reqwest::{Client, redirect};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::place::Place;
use crate::trouble::Trouble;

/// Longest answer that is no file.
const MOST_WORDS: usize = 64 * 1024;

/// The line to a place. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Carrier {
    client: Client,
    /// Longest answer that is a file.
    most_bytes: usize,
}

impl Carrier {
    pub(crate) fn to(place: &Place, connect: Duration, most_bytes: usize) -> Result<Self, Trouble> {
        let client = Client::builder()
            .tls_backend_preconfigured(encryption(place).map_err(|_| Trouble::Setting)?)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .retry(reqwest::retry::never())
            .connect_timeout(connect)
            .pool_idle_timeout(Duration::from_secs(5))
            .build()
            .map_err(|_| Trouble::Setting)?;
        Ok(Self { client, most_bytes })
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Trouble> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Trouble::Setting)?.to_bytes();
        let asked = self.client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
        let mut answer = asked.send().await.map_err(|error| no_answer(&error))?;
        let status = answer.status();
        let most = if status.is_success() { self.most_bytes } else { MOST_WORDS };
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| no_answer(&error))? {
            if bytes.len() + piece.len() > most {
                return Err(Trouble::NotAStorage);
            }
            bytes.extend_from_slice(&piece);
        }
        if !status.is_success() {
            return Err(Trouble::answered(status.as_u16(), &String::from_utf8_lossy(&bytes)));
        }
        let mut response = HttpResponse::new(HttpResponseBody::from(bytes));
        *response.status_mut() = status;
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

#[async_trait]
impl HttpService for Carrier {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.ask(request).await.map_err(|trouble| HttpError::new(HttpErrorKind::Unknown, trouble))
    }
}

impl HttpConnector for Carrier {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

/// What this computer trusts, as its operating system says. The provider is named: the process has none by default.
fn encryption(place: &Place) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match place.is_here() {
        true => builder.with_root_certificates(RootCertStore::empty()),
        false => builder.with_platform_verifier()?,
    };
    Ok(builder.with_no_client_auth())
}

fn no_answer(error: &reqwest::Error) -> Trouble {
    if error.is_timeout() {
        return Trouble::TooSlow;
    }
    match refused_certificate(error) {
        true => Trouble::CertificateRefused,
        false => Trouble::Unreachable,
    }
}

fn refused_certificate(error: &(dyn Error + 'static)) -> bool {
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
