//! Who may call: a program on this computer that knows the token.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::answer::Problem;
use crate::host::Host;

/// Refuses what was not addressed to this computer. A page from elsewhere can make its own name resolve to 127.0.0.1,
/// but it cannot choose the header.
pub(crate) async fn addressed_to_loopback(request: Request, next: Next) -> Result<Response, Problem> {
    if is_loopback(request.headers()) {
        return Ok(next.run(request).await);
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "wrong_host", "this program answers on a loopback address only"))
}

/// Refuses who does not send `Authorization: Bearer TOKEN`.
pub(crate) async fn knows_the_token(
    State(host): State<Host>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if bearer(request.headers()).is_some_and(|offered| host.token.is(offered)) {
        return Ok(next.run(request).await);
    }
    Err(Problem::new(StatusCode::UNAUTHORIZED, "not_authorized", "the token is missing or wrong"))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn is_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addressed_to(host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        is_loopback(&headers)
    }

    #[test]
    fn only_names_of_this_computer_are_accepted() {
        for host in ["localhost", "localhost:8080", "127.0.0.1:1", "127.0.0.1", "[::1]:8080"] {
            assert!(addressed_to(host), "{host}");
        }
        for host in ["example.com", "127.0.0.1.example.com", "localhost.example.com:80", "192.168.0.4:80", "[::2]", ""]
        {
            assert!(!addressed_to(host), "{host}");
        }
        assert!(!is_loopback(&HeaderMap::new()), "a request without the header is refused");
    }
}
