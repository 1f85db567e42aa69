//! How to reach the running server.

use std::fmt::Write;

use balcao_keychain::Secret;

/// The superuser of every embedded server. Desks do not log in with it; provisioning and backups do.
pub const SUPERUSER: &str = "balcao_superuser";

/// Address and credentials of the running server. `Debug` hides the password.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Always the IPv4 loopback address.
    pub host: &'static str,
    /// Chosen anew at each start.
    pub port: u16,
    /// [`SUPERUSER`].
    pub user: &'static str,
    /// Its password.
    pub password: Secret,
}

impl Connection {
    pub(crate) fn new(port: u16, password: Secret) -> Self {
        Self { host: "127.0.0.1", port, user: SUPERUSER, password }
    }

    /// `postgres://user:password@host:port/database`, percent-encoded. It holds the password, so it is a secret as a
    /// whole.
    pub fn admin_url(&self, database: &str) -> Secret {
        let Self { host, port, user, password } = self;
        let (user, password, database) = (encode(user), encode(password.expose()), encode(database));
        Secret::new(format!("postgres://{user}:{}@{host}:{port}/{database}", password))
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986, which is right in every part of a URL.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_survives_any_password_and_database_name() {
        let connection = Connection::new(5433, Secret::new("a:b@c/d?é%"));
        assert_eq!(
            connection.admin_url("são joão").expose(),
            "postgres://balcao_superuser:a%3Ab%40c%2Fd%3F%C3%A9%25@127.0.0.1:5433/s%C3%A3o%20jo%C3%A3o"
        );
        assert!(!format!("{connection:?}").contains("a:b@c"), "debug output must not show the password");
    }
}
