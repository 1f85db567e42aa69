//! Questions over HTTP and their answers: no redirects, no proxies, limits of time and size, and the key in a header.

mod answer;

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Client, Method, redirect};
use serde_json::Value;
use url::Url;

pub(crate) use answer::{Answer, redacted, words};

use crate::gateway::{Endpoint, GatewayError, Timing};
use crate::tls;

/// Largest answer that is no file: a page of messages with their thumbnails.
pub(crate) const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Somebody who answers questions, and the key to be shown there.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    client: Client,
    timing: Timing,
}

/// One question.
#[derive(Debug)]
pub(crate) struct Question {
    pub method: Method,
    pub url: Url,
    pub body: Option<(HeaderValue, Body)>,
    /// Until the whole answer is there; the usual time where it is `None`.
    pub within: Option<Duration>,
    pub max_bytes: usize,
}

/// Why a question has no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// It never reached anybody.
    NeverLeft(GatewayError),
    /// It may have been heard.
    Unheard(GatewayError),
}

impl From<NoAnswer> for GatewayError {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::NeverLeft(error) | NoAnswer::Unheard(error) => error,
        }
    }
}

impl Question {
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, body: None, within: None, max_bytes: MAX_ANSWER_BYTES }
    }

    pub(crate) fn delete(url: Url) -> Self {
        Self { method: Method::DELETE, ..Self::get(url) }
    }

    pub(crate) fn post(url: Url, body: &Value) -> Self {
        let json = HeaderValue::from_static("application/json");
        Self { method: Method::POST, body: Some((json, body.to_string().into())), ..Self::get(url) }
    }

    pub(crate) fn within(self, within: Duration) -> Self {
        Self { within: Some(within), ..self }
    }

    pub(crate) fn at_most(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }
}

impl Rest {
    /// Prepares to ask at this address; `key` goes into this header.
    pub(crate) fn new(
        endpoint: &Endpoint,
        header: HeaderName,
        key: HeaderValue,
        timing: &Timing,
    ) -> Result<Self, GatewayError> {
        let client = Client::builder()
            .tls_backend_preconfigured((*tls::client(endpoint)?).clone())
            .default_headers(HeaderMap::from_iter([(header, key)]))
            // A key goes where it was meant to, and nowhere else.
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            // Nothing is ever sent twice behind our back.
            .retry(reqwest::retry::never())
            .connect_timeout(timing.connect)
            // Servers of this kind hang up after five idle seconds; a message must not go out over a line that just was.
            .pool_idle_timeout(Duration::from_secs(2))
            .build()
            .map_err(|error| GatewayError::Setting(causes(&error)))?;
        Ok(Self { client, timing: timing.clone() })
    }

    /// Asks, once.
    pub(crate) async fn ask(&self, question: Question) -> Result<Answer, NoAnswer> {
        let within = question.within.unwrap_or(self.timing.answer);
        let mut request = self.client.request(question.method, question.url).timeout(within);
        if let Some((kind, body)) = question.body {
            request = request.header(CONTENT_TYPE, kind).body(body);
        }
        let mut response = request.send().await.map_err(no_answer)?;
        let status = response.status().as_u16();
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(no_answer)? {
            if body.len() + piece.len() > question.max_bytes {
                return Err(NoAnswer::Unheard(GatewayError::TooLarge));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status, kind, body })
    }
}

fn no_answer(error: reqwest::Error) -> NoAnswer {
    // An error shows the address that was asked, and there a number may stand.
    let error = error.without_url();
    if error.is_builder() {
        return NoAnswer::NeverLeft(GatewayError::Setting(causes(&error)));
    }
    if error.is_connect() {
        return NoAnswer::NeverLeft(match tls::distrust(&error) {
            Some(distrust) => GatewayError::CertificateRefused(distrust),
            None => GatewayError::Unreachable(causes(&error)),
        });
    }
    let text = if error.is_timeout() { "it takes too long".to_owned() } else { causes(&error) };
    NoAnswer::Unheard(GatewayError::Silent(text))
}

/// The innermost cause, which says most.
fn causes(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    redacted(&text)
}
