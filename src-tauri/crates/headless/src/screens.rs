//! The screens as a browser gets them.

use std::path::Path;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// As in the window, except that calls go to this host instead of the window's bridge.
const POLICY: &str = "default-src 'self'; connect-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
                      style-src 'self' 'unsafe-inline'; script-src 'self'; font-src 'self'; object-src 'none'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// The files of a folder, and nothing outside it.
pub(crate) fn screens<S: Clone + Send + Sync + 'static>(folder: &Path) -> Router<S> {
    HEADERS.into_iter().fold(Router::new().fallback_service(ServeDir::new(folder)), |router, (name, value)| {
        router.layer(SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value)))
    })
}
