//! What a message says, by kind.

use super::GatewayId;
use crate::file::Waveform;

/// A file that a message carries; its bytes stay at the gateway.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Media {
    /// Text under it.
    pub caption: String,
    /// MIME type, as the sender claims.
    pub mime_type: Option<String>,
    /// Name of the file.
    pub file_name: Option<String>,
    /// Size in bytes.
    pub size_bytes: Option<u64>,
    /// Length of audio or video.
    pub seconds: Option<u32>,
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
    /// A small JPEG that came with the message itself, in base64.
    pub thumbnail: Option<String>,
    /// By what Meta knows the file.
    pub handle: Option<String>,
    /// How loud a voice note is from beginning to end.
    pub waveform: Option<Waveform>,
}

/// A place on the map.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    /// Degrees north, −90 to 90.
    pub latitude: f64,
    /// Degrees east, −180 to 180.
    pub longitude: f64,
    /// Its name.
    pub name: Option<String>,
    /// Its address.
    pub address: Option<String>,
    /// Whether it moves with the person.
    pub live: bool,
}

/// A person's card.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactCard {
    /// The name on it.
    pub name: String,
    /// The card itself in vCard format.
    pub vcard: String,
}

/// Longest list of numbers that is read from one card.
const MOST_PHONES: usize = 5;

impl ContactCard {
    /// The numbers on the card, as they are written there.
    pub fn phones(&self) -> Vec<&str> {
        let numbers = self.vcard.lines().filter_map(|line| {
            let (name, number) = line.trim().split_once(':')?;
            // "item1.TEL;waid=5511988887777;type=CELL"
            let property = name.split(';').next()?.rsplit('.').next()?;
            property.eq_ignore_ascii_case("tel").then(|| number.trim().trim_start_matches("tel:"))
        });
        numbers.filter(|number| !number.is_empty()).take(MOST_PHONES).collect()
    }
}

/// What a person chose of what was offered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The id we gave the option; some gateways lose it.
    pub id: Option<String>,
    /// The option as the person saw it.
    pub title: String,
    /// The second line of a list entry.
    pub description: Option<String>,
}

/// What a message says. A kind that nobody knows is a value here, never an error.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text.
    Text(String),
    /// A picture.
    Image(Media),
    /// Sound: a recorded voice note, or a file.
    Audio {
        /// The file.
        media: Media,
        /// Whether it was spoken into the phone.
        voice: bool,
    },
    /// A film.
    Video(Media),
    /// A file.
    Document {
        /// The file.
        media: Media,
        /// Its title, where it differs from the file's name.
        title: Option<String>,
    },
    /// A sticker.
    Sticker(Media),
    /// A place.
    Location(Place),
    /// One or more people's cards.
    Contacts(Vec<ContactCard>),
    /// A button was pressed.
    ButtonReply(Choice),
    /// An entry of a list was chosen.
    ListReply(Choice),
    /// A question with options to vote on.
    Poll {
        /// The question.
        question: String,
        /// What can be chosen.
        options: Vec<String>,
    },
    /// What somebody chose in a poll, all of it: an earlier vote of the same side counts no more.
    Vote {
        /// The poll.
        poll: Option<GatewayId>,
        /// What was chosen, in the poll's words; nothing where the vote was taken back. `None` where the gateway could not
        /// decrypt it.
        options: Option<Vec<String>>,
    },
    /// The gateway knows that there is a message, but only the phone has it. It may come later under the same id.
    Placeholder,
    /// A kind that this program does not show.
    Unsupported {
        /// Its name at the gateway, at most 80 characters.
        kind: String,
    },
}

impl Content {
    /// Name of the kind in the clinic's database.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Audio { .. } => "audio",
            Self::Video(_) => "video",
            Self::Document { .. } => "document",
            Self::Sticker(_) => "sticker",
            Self::Location(_) => "location",
            Self::Contacts(_) => "contact",
            Self::ButtonReply(_) => "button_reply",
            Self::ListReply(_) => "list_reply",
            Self::Poll { .. } => "poll",
            Self::Vote { .. } | Self::Placeholder | Self::Unsupported { .. } => "unsupported",
        }
    }

    /// The words of it: text, caption, name of the place, the option that was chosen. What search finds.
    pub fn body(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Image(media) | Self::Video(media) | Self::Sticker(media) => media.caption.clone(),
            Self::Audio { media, .. } | Self::Document { media, .. } => media.caption.clone(),
            Self::Location(place) => {
                let parts = [place.name.as_deref(), place.address.as_deref()];
                parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
            Self::Contacts(cards) => cards
                .iter()
                .map(|card| card.name.as_str())
                .filter(|name| !name.is_empty())
                .collect::<Vec<_>>()
                .join(", "),
            Self::ButtonReply(choice) | Self::ListReply(choice) => choice.title.clone(),
            Self::Poll { question, .. } => question.clone(),
            Self::Vote { options, .. } => options.as_deref().unwrap_or_default().join(", "),
            Self::Placeholder | Self::Unsupported { .. } => String::new(),
        }
    }

    /// The file that it carries.
    pub fn file(&self) -> Option<&Media> {
        match self {
            Self::Image(media) | Self::Video(media) | Self::Sticker(media) => Some(media),
            Self::Audio { media, .. } | Self::Document { media, .. } => Some(media),
            _ => None,
        }
    }

    /// Whether it says nothing yet, so that a later delivery under the same id may fill it.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Placeholder) || matches!(self, Self::Text(text) if text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_each_kind_are_found_by_search() {
        let place = Place { name: Some("Clínica".into()), address: Some("Rua A, 10".into()), ..Place::default() };
        assert_eq!(Content::Location(place).body(), "Clínica, Rua A, 10");
        let cards = ["Ana", "", "Bia"].map(|name| ContactCard { name: name.into(), vcard: String::new() });
        assert_eq!(Content::Contacts(cards.into()).body(), "Ana, Bia");
        let choice = Choice { id: Some("sim".into()), title: "Sim".into(), description: None };
        assert_eq!(Content::ButtonReply(choice).body(), "Sim");
    }

    #[test]
    fn the_numbers_of_a_card_are_found_in_every_spelling() {
        let vcard = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ana: a mãe\r\nitem1.TEL;waid=5511988887777:+55 11 98888-7777\r\n\
                     TEL;VALUE=uri;TYPE=home:tel:+551133334444\r\nTEL:\r\nEND:VCARD";
        let card = ContactCard { name: "Ana".into(), vcard: vcard.into() };
        assert_eq!(card.phones(), ["+55 11 98888-7777", "+551133334444"]);
        assert_eq!(ContactCard::default().phones(), Vec::<&str>::new());
    }

    #[test]
    fn only_what_says_nothing_may_be_filled_later() {
        assert!(Content::Placeholder.is_missing());
        assert!(Content::Text(String::new()).is_missing());
        assert!(!Content::Text("oi".into()).is_missing());
        assert!(!Content::Image(Media::default()).is_missing(), "a picture without caption says something");
        assert!(!Content::Unsupported { kind: "orderMessage".into() }.is_missing());
    }
}
