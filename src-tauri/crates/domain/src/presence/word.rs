//! What a desk says of itself.

use uuid::Uuid;

/// A thread, as desks speak of it where others may hear: whoever knows the thread knows that it is this one, and nobody can
/// tell the thread from it.
pub type Place = [u8; 16];

/// Where somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// The desk; a person may work at several. Drawn at each start.
    pub desk: Uuid,
    /// Who works there.
    pub member: Uuid,
    /// Which thread is open; none is.
    pub place: Option<Place>,
    /// Whether they are writing.
    pub typing: bool,
}

impl Word {
    /// As it goes over the wire: four words, at most 106 characters.
    pub fn write(&self) -> String {
        let place = self.place.map_or_else(|| "-".to_owned(), |place| Uuid::from_bytes(place).simple().to_string());
        let doing = if self.typing { "typing" } else { "reading" };
        format!("{} {} {place} {doing}", self.desk.simple(), self.member.simple())
    }

    /// Reads one; `None` for what no desk of this version says.
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let mut next = || words.next();
        let (desk, member) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let place = match next()? {
            "-" => None,
            place => Some(place.parse::<Uuid>().ok()?.into_bytes()),
        };
        let typing = match next()? {
            "typing" => true,
            "reading" => false,
            _ => return None,
        };
        next().is_none().then_some(Self { desk, member, place, typing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_as_it_was_written() {
        let (desk, member) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for (place, typing) in [(None, false), (Some([7; 16]), true), (Some([0; 16]), false)] {
            let word = Word { desk, member, place, typing };
            assert_eq!(Word::read(&word.write()), Some(word));
            assert!(word.write().len() <= 106, "{}", word.write());
        }
    }

    #[test]
    fn anything_else_is_nothing() {
        let whole = Word { desk: Uuid::nil(), member: Uuid::nil(), place: None, typing: true }.write();
        for text in
            ["", "typing", "a b c d", &whole[1..], &format!("{whole} more"), &whole.replace("typing", "singing")]
        {
            assert_eq!(Word::read(text), None, "{text}");
        }
    }
}
