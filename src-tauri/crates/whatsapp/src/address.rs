//! Addresses of WhatsApp (`user:device@server`) and the people behind them.

use balcao_domain::message::{ChatAddress, Lid, Person};
use balcao_domain::phone::Phone;
use serde_json::Value;

/// What stands behind an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// A person with a number.
    Phone(Phone),
    /// A person whose number WhatsApp hides.
    Lid(Lid),
    /// A group, a list, a channel, a status: no chat with one person.
    NotOnePerson,
    /// Nothing that this program knows.
    Nobody,
}

/// Reads an address.
pub fn peer(address: &str) -> Peer {
    let Some((user, server)) = address.rsplit_once('@') else {
        // One integration gives back the bare digits that somebody sent to. Only a number that fits the plan of Brazil
        // is believed: the digits of a LID have no server either.
        let brazilian = address.len() <= 13 && address.starts_with("55");
        let phone = brazilian.then(|| Phone::parse(&format!("+{address}")).ok()).flatten();
        return phone.map_or(Peer::Nobody, Peer::Phone);
    };
    // `user.agent:device` or `user_agent:device`: neither belongs to the person.
    let user = user.split([':', '.', '_']).next().unwrap_or_default();
    match server {
        "s.whatsapp.net" | "c.us" | "hosted" => Phone::from_whatsapp_user(user).map_or(Peer::Nobody, Peer::Phone),
        "lid" | "hosted.lid" => Lid::new(user).map_or(Peer::Nobody, Peer::Lid),
        "g.us" | "broadcast" | "newsletter" | "call" | "bot" => Peer::NotOnePerson,
        _ => Peer::Nobody,
    }
}

/// The address to reply to: without the device that happened to write.
pub fn chat(address: &str) -> Option<ChatAddress> {
    match address.rsplit_once('@') {
        Some((user, server)) => ChatAddress::new(&format!("{}@{server}", user.split(':').next().unwrap_or_default())),
        None => ChatAddress::new(address),
    }
}

/// Whether this key of `object` names something other than one person.
pub fn names_a_crowd(object: &Value, key: &str) -> bool {
    object.get(key).and_then(Value::as_str).is_some_and(|address| peer(address) == Peer::NotOnePerson)
}

/// Gathers a person from addresses, the most trusted first; never the clinic's own.
pub fn person<'a>(addresses: impl IntoIterator<Item = &'a str>, own: Option<&Phone>) -> Person {
    let mut person = Person::default();
    for address in addresses {
        match peer(address) {
            Peer::Phone(phone) if own != Some(&phone) => {
                person.phone.get_or_insert(phone);
            }
            Peer::Lid(lid) => {
                person.lid.get_or_insert(lid);
            }
            _ => {}
        }
    }
    person
}

/// How a person calls itself, where that is a name: gateways put the digits of the address there when they know none.
pub fn name(given: Option<String>) -> Option<String> {
    let name = given?.split_whitespace().collect::<Vec<_>>().join(" ");
    let says_something = name.chars().any(|sign| sign.is_alphabetic() || (!sign.is_ascii() && !sign.is_control()));
    let is_address =
        name.rsplit_once('@').is_some_and(|(_, server)| matches!(server, "s.whatsapp.net" | "lid" | "c.us"));
    (says_something && !is_address).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(user: &str) -> Phone {
        Phone::from_whatsapp_user(user).unwrap()
    }

    #[test]
    fn an_address_with_a_number_is_that_number_whatever_the_device() {
        for address in ["5511988887777@s.whatsapp.net", "5511988887777:12@s.whatsapp.net", "5511988887777@c.us"] {
            assert_eq!(peer(address), Peer::Phone(phone("5511988887777")));
        }
        assert_eq!(chat("5511988887777:12@s.whatsapp.net").unwrap().as_str(), "5511988887777@s.whatsapp.net");
    }

    #[test]
    fn the_digits_of_a_lid_are_never_a_number() {
        assert_eq!(peer("5511988887777@lid"), Peer::Lid(Lid::new("5511988887777").unwrap()));
        assert_eq!(peer("104857600123456:7@lid"), Peer::Lid(Lid::new("104857600123456").unwrap()));
        assert_eq!(peer("104857600123456"), Peer::Nobody, "digits of unknown origin");
    }

    #[test]
    fn groups_lists_channels_and_status_are_no_person() {
        for address in ["120363025@g.us", "status@broadcast", "1795@broadcast", "120363@newsletter"] {
            assert_eq!(peer(address), Peer::NotOnePerson, "{address}");
        }
    }

    #[test]
    fn bare_digits_are_believed_only_as_a_number_of_brazil() {
        assert_eq!(peer("5511988887777"), Peer::Phone(phone("5511988887777")));
        assert_eq!(peer("14155552671"), Peer::Nobody);
        assert_eq!(peer(""), Peer::Nobody);
        assert_eq!(peer("0@s.whatsapp.net"), Peer::Nobody, "WhatsApp itself");
    }

    #[test]
    fn a_person_is_never_the_clinic_itself() {
        let own = phone("5511999990003");
        let found = person(["77@lid", "5511999990003@s.whatsapp.net", "5511988887777@s.whatsapp.net"], Some(&own));
        assert_eq!(found.phone, Some(phone("5511988887777")));
        assert_eq!(found.lid, Lid::new("77"));
    }

    #[test]
    fn digits_and_addresses_are_no_names() {
        for given in ["5511988887777", "+55 11 98888-7777", "104857600123456", "5511988887777@s.whatsapp.net", " ", "."]
        {
            assert_eq!(name(Some(given.to_owned())), None, "{given:?}");
        }
        assert_eq!(name(Some(" Maria   das Dores ".into())).as_deref(), Some("Maria das Dores"));
        assert_eq!(name(Some("🌸".into())).as_deref(), Some("🌸"));
    }
}
