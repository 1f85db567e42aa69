//! Where a gateway is found.

use std::fmt;

use url::{Host, Url};

use super::Authority;

/// Why what was typed is no address of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// Nothing was typed.
    #[error("there is no address")]
    Empty,
    /// It begins with none of `https://`, `http://`, `wss://`, `ws://`.
    #[error("an address begins with https:// or http://")]
    UnknownScheme,
    /// It cannot be read, or names no host.
    #[error("this is no address")]
    NotAnAddress,
    /// There is a name or a password before the host.
    #[error("an address carries no name and no password")]
    CarriesLogin,
    /// There is a `?` or `#`: keys are often pasted there, and they do not belong into an address.
    #[error("an address ends before ? and #")]
    CarriesQuery,
}

/// The address of a gateway: `http(s)://host[:port][/prefix]`, and whom its certificate must be of. It holds no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    authority: Option<Authority>,
}

impl Endpoint {
    /// Reads an address, also in its `ws` spelling. A prefix is kept: some servers stand behind one.
    ///
    /// # Errors
    /// [`BadEndpoint`] with the reason.
    pub fn parse(typed: &str) -> Result<Self, BadEndpoint> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(BadEndpoint::Empty);
        }
        let (scheme, rest) = typed.split_once("://").ok_or(BadEndpoint::UnknownScheme)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" | "wss" => "https",
            "http" | "ws" => "http",
            _ => return Err(BadEndpoint::UnknownScheme),
        };
        let mut url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| BadEndpoint::NotAnAddress)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadEndpoint::CarriesLogin);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BadEndpoint::CarriesQuery);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self { url, authority: None })
    }

    /// The same address, where nobody but this authority is believed.
    pub fn trusting(self, authority: Option<Authority>) -> Self {
        Self { authority, ..self }
    }

    /// Whom its certificate must be of; `None` for those that the system trusts.
    pub fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// The address of a call: each segment is one, whatever characters it has.
    pub fn rest(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Where socket.io listens: Engine.IO 4, WebSocket from the first byte.
    pub fn socket(&self) -> Url {
        let mut url = self.rest(&["socket.io", ""]);
        url.set_query(Some("EIO=4&transport=websocket"));
        // Both are special schemes with other default ports; nothing else of the address depends on it.
        let scheme = if self.url.scheme() == "https" { "wss" } else { "ws" };
        match url.set_scheme(scheme) {
            Ok(()) => url,
            Err(()) => self.url.clone(),
        }
    }

    /// Whether everything, the key too, would cross a network without encryption.
    pub fn is_in_the_clear(&self) -> bool {
        self.url.scheme() == "http" && !self.is_here()
    }

    /// How what is said on the way is kept secret: `system` (a certificate that the system trusts), `given` (one of the authority
    /// that was pasted), `loopback` (it does not leave this computer), `none`.
    pub fn protection(&self) -> &'static str {
        match self.url.scheme() {
            "https" if self.authority.is_some() => "given",
            "https" => "system",
            _ if self.is_here() => "loopback",
            _ => "none",
        }
    }

    /// The host, and the port where it is not the usual one.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    fn is_here(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The address as it is stored, in its `http` spelling.
    pub fn as_str(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(typed: &str) -> Endpoint {
        Endpoint::parse(typed).unwrap()
    }

    #[test]
    fn every_spelling_leads_to_the_calls_and_the_socket() {
        for (typed, call, socket) in [
            ("https://evo.example.com", "https://evo.example.com/a/b", "wss://evo.example.com/socket.io/"),
            (" wss://evo.example.com/ ", "https://evo.example.com/a/b", "wss://evo.example.com/socket.io/"),
            ("http://10.0.0.7:8080", "http://10.0.0.7:8080/a/b", "ws://10.0.0.7:8080/socket.io/"),
            ("ws://[::1]:8080/evo/", "http://[::1]:8080/evo/a/b", "ws://[::1]:8080/evo/socket.io/"),
            (
                "HTTPS://Evo.Example.com:443/x/y",
                "https://evo.example.com/x/y/a/b",
                "wss://evo.example.com/x/y/socket.io/",
            ),
        ] {
            let endpoint = endpoint(typed);
            assert_eq!(endpoint.rest(&["a", "b"]).as_str(), call);
            assert_eq!(endpoint.socket().as_str(), format!("{socket}?EIO=4&transport=websocket"));
            assert_eq!(Endpoint::parse(endpoint.as_str()), Ok(endpoint), "what is stored reads the same");
        }
    }

    #[test]
    fn a_name_of_any_spelling_stays_one_segment() {
        let url = endpoint("https://evo.example.com/p").rest(&["instance", "../a b/ç?x#y"]);
        assert_eq!(url.as_str(), "https://evo.example.com/p/instance/..%2Fa%20b%2F%C3%A7%3Fx%23y");
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (typed, reason) in [
            ("", BadEndpoint::Empty),
            ("  ", BadEndpoint::Empty),
            ("evo.example.com", BadEndpoint::UnknownScheme),
            ("localhost:8080", BadEndpoint::UnknownScheme),
            ("ftp://evo.example.com", BadEndpoint::UnknownScheme),
            ("https://", BadEndpoint::NotAnAddress),
            ("https://a b", BadEndpoint::NotAnAddress),
            ("https://x:99999", BadEndpoint::NotAnAddress),
            ("https://ana:senha@evo.example.com", BadEndpoint::CarriesLogin),
            ("https://evo.example.com/?apikey=x", BadEndpoint::CarriesQuery),
            ("https://evo.example.com/#x", BadEndpoint::CarriesQuery),
        ] {
            assert_eq!(Endpoint::parse(typed), Err(reason), "{typed:?}");
        }
    }

    #[test]
    fn only_this_computer_itself_may_be_spoken_to_in_the_clear() {
        let open = endpoint("http://10.0.0.7:8080/evo");
        assert!(open.is_in_the_clear());
        assert_eq!((open.protection(), open.host()), ("none", "10.0.0.7:8080".to_owned()));
        assert_eq!(endpoint("https://evo.example.com").protection(), "system");
        for fine in ["https://evo.example.com", "http://localhost:8080", "http://127.0.0.1", "http://[::1]"] {
            assert!(!endpoint(fine).is_in_the_clear(), "{fine}");
        }
    }
}
