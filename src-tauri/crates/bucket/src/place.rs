//! Where a bucket is. No part of it is a secret.

use url::{Host, Url};

/// Why what was typed is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPlace {
    /// It is not `https://host[:port]`, with nothing behind it that could be a key.
    #[error("an address is https:// and the name of a server")]
    Endpoint,
    /// Files, and who asks for them, would cross a network for everybody to see.
    #[error("an address begins with https:// unless it is this computer's own")]
    InTheClear,
    /// No provider has buckets of such a name.
    #[error("a bucket's name has 3 to 63 small letters, digits, dots and hyphens")]
    Bucket,
    /// A region is a short name.
    #[error("a region's name has small letters, digits and hyphens")]
    Region,
}

impl BadPlace {
    /// The field it is about.
    pub fn field(self) -> &'static str {
        match self {
            Self::Endpoint | Self::InTheClear => "endpoint",
            Self::Bucket => "bucket",
            Self::Region => "region",
        }
    }

    /// A name for the screens.
    pub fn code(self) -> &'static str {
        match self {
            Self::InTheClear => "bucket_in_the_clear",
            _ => "invalid_request",
        }
    }
}

/// A bucket at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    endpoint: Url,
    /// Name of the bucket.
    pub bucket: String,
    /// Region it is in; many servers do not care.
    pub region: String,
}

impl Place {
    /// Reads what was typed.
    ///
    /// # Errors
    /// [`BadPlace`] with the reason.
    pub fn parse(endpoint: &str, bucket: &str, region: &str) -> Result<Self, BadPlace> {
        let (bucket, region) = (bucket.trim().to_owned(), region.trim().to_owned());
        let endpoint = Url::parse(endpoint.trim()).map_err(|_| BadPlace::Endpoint)?;
        let bare = endpoint.username().is_empty()
            && endpoint.password().is_none()
            && endpoint.query().is_none()
            && endpoint.fragment().is_none()
            && endpoint.path().trim_end_matches('/').is_empty();
        match endpoint.scheme() {
            "https" | "http" if !bare || endpoint.host().is_none() => return Err(BadPlace::Endpoint),
            "https" => {}
            "http" if is_here(&endpoint) => {}
            "http" => return Err(BadPlace::InTheClear),
            _ => return Err(BadPlace::Endpoint),
        }
        let is_small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let ends_well =
            |name: &str| name.bytes().next().is_some_and(is_small) && name.bytes().last().is_some_and(is_small);
        if !(3..=63).contains(&bucket.len())
            || !ends_well(&bucket)
            || !bucket.bytes().all(|byte| is_small(byte) || matches!(byte, b'-' | b'.'))
        {
            return Err(BadPlace::Bucket);
        }
        if !(1..=64).contains(&region.len()) || !region.bytes().all(|byte| is_small(byte) || byte == b'-') {
            return Err(BadPlace::Region);
        }
        Ok(Self { endpoint, bucket, region })
    }

    /// The server's address, as it is stored.
    pub fn endpoint(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }

    /// The host, and the port where it is not the usual one.
    pub fn host(&self) -> String {
        let host = self.endpoint.host_str().unwrap_or_default();
        self.endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// What is looked up, and the port there.
    pub(crate) fn reached_at(&self) -> (String, u16) {
        let host = self.endpoint.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        (host, self.endpoint.port_or_known_default().unwrap_or(443))
    }

    /// Whether it is spoken to without encryption, which never leaves this computer.
    pub fn is_here(&self) -> bool {
        self.endpoint.scheme() == "http"
    }
}

fn is_here(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_and_what_is_none_is_refused_with_its_field() {
        let place = Place::parse(" https://s3.example.com/ ", "clinica-aurora", "auto").unwrap();
        assert_eq!((place.endpoint(), place.host().as_str()), ("https://s3.example.com", "s3.example.com"));
        for here in ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"] {
            assert!(Place::parse(here, "abc", "us-east-1").unwrap().is_here(), "{here}");
        }
        for (endpoint, bucket, region, reason) in [
            ("s3.example.com", "abc", "a", BadPlace::Endpoint),
            ("ftp://s3.example.com", "abc", "a", BadPlace::Endpoint),
            ("https://id:secret@s3.example.com", "abc", "a", BadPlace::Endpoint),
            ("https://s3.example.com/?key=secret", "abc", "a", BadPlace::Endpoint),
            ("https://s3.example.com/clinica", "abc", "a", BadPlace::Endpoint),
            ("http://10.0.0.7:9000", "abc", "a", BadPlace::InTheClear),
            ("https://s3.example.com", "ab", "a", BadPlace::Bucket),
            ("https://s3.example.com", "Clinica", "a", BadPlace::Bucket),
            ("https://s3.example.com", "../abc", "a", BadPlace::Bucket),
            ("https://s3.example.com", "abc", "", BadPlace::Region),
            ("https://s3.example.com", "abc", "us east", BadPlace::Region),
        ] {
            assert_eq!(Place::parse(endpoint, bucket, region), Err(reason), "{endpoint} {bucket} {region}");
        }
    }
}
