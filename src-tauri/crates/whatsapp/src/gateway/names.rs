//! What a connection is called at its gateway.

/// Why what was typed names no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing was typed.
    #[error("there is no name")]
    Empty,
    /// More than 100 characters.
    #[error("this is too long for a name")]
    TooLong,
    /// Control characters, a comma (socket.io ends a name with it) or a slash.
    #[error("a name has no commas, slashes and control characters")]
    StrangeCharacter,
}

/// The name of an instance of the Evolution API, or the `phone_number_id` of the Cloud API.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(String);

impl Name {
    /// Takes a name without the spaces around it.
    ///
    /// # Errors
    /// [`BadName`] with the reason.
    pub fn new(typed: &str) -> Result<Self, BadName> {
        let name = typed.trim();
        if name.is_empty() {
            return Err(BadName::Empty);
        }
        if name.chars().count() > 100 {
            return Err(BadName::TooLong);
        }
        if name.chars().any(|sign| sign.is_control() || matches!(sign, ',' | '/' | '\\' | '?' | '#')) || is_dots(name) {
            return Err(BadName::StrangeCharacter);
        }
        Ok(Self(name.to_owned()))
    }

    /// As the gateway spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An address drops such a segment, or worse, the one before it.
fn is_dots(name: &str) -> bool {
    matches!(name, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_whatever_the_gateway_can_tell_apart() {
        assert_eq!(Name::new(" recepção 1 ").unwrap().as_str(), "recepção 1");
        assert_eq!(Name::new(""), Err(BadName::Empty));
        assert_eq!(Name::new(&"x".repeat(101)), Err(BadName::TooLong));
        for strange in ["a,b", "a/b", "a\nb", "..", "a?b"] {
            assert_eq!(Name::new(strange), Err(BadName::StrangeCharacter), "{strange:?}");
        }
    }
}
