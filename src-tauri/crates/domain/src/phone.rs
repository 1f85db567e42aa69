//! Telephone numbers of people: how they are written by hand, how WhatsApp writes them, and when two spellings are one
//! person.

use std::fmt;

/// A number in E.164 spelling: `+`, country code, national number; 7 to 15 digits. A value, not a claim that somebody
/// answers there.
///
/// The digits of a LID are not a number and cannot become one: WhatsApp gives a LID to people whose number it hides, so
/// there is deliberately no way from digits of unknown origin to a `Phone`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

/// Why what was typed is not a number that can be dialled from anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPhone {
    /// Nothing but separators.
    #[error("there are no digits")]
    Empty,
    /// Letters or signs that no spelling of a number has.
    #[error("there is something that belongs to no number")]
    StrangeCharacter,
    /// More digits than a number can have.
    #[error("there are too many digits")]
    TooLong,
    /// Fewer digits than a number with its area can have.
    #[error("there are too few digits; the area code may be missing")]
    TooShort,
    /// Neither a number of Brazil nor one that says its country.
    #[error("this is no number of Brazil; one of another country starts with + and the country code")]
    NoCountryCode,
    /// A number of Brazil with an area code that does not exist.
    #[error("there is no such area code in Brazil")]
    UnknownAreaCode,
    /// A number of Brazil whose local part is neither a mobile nor a fixed line.
    #[error("no number of Brazil looks like this after the area code")]
    UnknownLocalNumber,
    /// No country has this code, or its numbers have another length.
    #[error("no country has numbers like this")]
    UnknownCountry,
}

const BRAZIL: &str = "55";

impl Phone {
    /// Reads what a person typed: `11 98888-7777`, `(11) 3333-4444`, `011…`, `0xx11…`, `0 15 11…` (with a carrier),
    /// `+55 11…`, `0055…`, `+1 415…`. Without a country code it is a number of Brazil, with its area.
    ///
    /// # Errors
    /// [`NotAPhone`] with the reason; an address without an area code is refused, not guessed.
    pub fn parse(typed: &str) -> Result<Self, NotAPhone> {
        let (international, digits) = digits_of(typed)?;
        if international {
            return Self::international(&digits);
        }
        if let Some(rest) = digits.strip_prefix("00") {
            return Self::international(rest);
        }
        if let Some(rest) = digits.strip_prefix('0') {
            // A zero starts a long-distance call, with a two-digit carrier in front of the area or without.
            let without_carrier = rest.get(2..).filter(|_| rest.len() >= 12);
            return Self::brazilian(without_carrier.unwrap_or(rest));
        }
        match digits.len() {
            0..=9 => Err(NotAPhone::TooShort),
            10 | 11 => Self::brazilian(&digits),
            12 | 13 => match digits.strip_prefix(BRAZIL) {
                Some(national) => Self::brazilian(national),
                None => Err(NotAPhone::NoCountryCode),
            },
            14 | 15 => Err(NotAPhone::NoCountryCode),
            _ => Err(NotAPhone::TooLong),
        }
    }

    /// The user part of a WhatsApp address on `s.whatsapp.net`: digits with the country code. What WhatsApp says is
    /// taken as it is, also a mobile of Brazil without its ninth digit. `None` for anything else.
    ///
    /// Never call this with the user part of a `lid` address: those digits are no number.
    pub fn from_whatsapp_user(user: &str) -> Option<Self> {
        let plausible =
            (7..=15).contains(&user.len()) && user.bytes().all(|byte| byte.is_ascii_digit()) && !user.starts_with('0');
        plausible.then(|| Self(format!("+{user}")))
    }

    /// A number that was stored in E.164 spelling: `+` and 7 to 15 digits. `None` for anything else.
    pub fn from_e164(stored: &str) -> Option<Self> {
        stored.strip_prefix('+').and_then(Self::from_whatsapp_user)
    }

    /// E.164: `+5511988887777`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits alone, with the country code: `5511988887777`.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }

    /// What two spellings of one person's number share. For Brazil: country, area and the last eight digits, because
    /// WhatsApp knows a mobile with or without its ninth digit by the age of the account. Elsewhere: all digits.
    pub fn match_key(&self) -> String {
        match self.brazilian_parts() {
            Some((area, local)) => format!("{BRAZIL}{area}{}", &local[local.len() - 8..]),
            None => self.digits().to_owned(),
        }
    }

    /// Whether both are one person's number; see [`match_key`](Self::match_key).
    pub fn same_person(&self, other: &Self) -> bool {
        self == other || self.match_key() == other.match_key()
    }

    /// As a desk in Brazil reads it: `(11) 98888-7777`; a foreign number as `+1 415 555 2671`.
    pub fn display(&self) -> String {
        if let Some((area, local)) = self.brazilian_parts() {
            let (head, tail) = local.split_at(local.len() - 4);
            return format!("({area}) {head}-{tail}");
        }
        let (country, national) = self.digits().split_at(country_code_length(self.digits()).unwrap_or(0));
        let mut shown = if country.is_empty() { "+".to_owned() } else { format!("+{country} ") };
        let mut rest = national;
        while rest.len() > 4 {
            let (group, more) = rest.split_at(if rest.len() == 8 { 4 } else { 3 });
            shown.push_str(group);
            shown.push(' ');
            rest = more;
        }
        shown.push_str(rest);
        shown
    }

    /// Area and local number (eight digits, or nine that start with 9) of a number of Brazil.
    fn brazilian_parts(&self) -> Option<(&str, &str)> {
        let national = self.digits().strip_prefix(BRAZIL)?;
        let (area, local) = national.split_at_checked(2)?;
        let mobile_or_old = local.len() == 8 || (local.len() == 9 && local.starts_with('9'));
        (mobile_or_old && is_area_of_brazil(area)).then_some((area, local))
    }

    fn brazilian(national: &str) -> Result<Self, NotAPhone> {
        // Also behind the country code people write the zero of a long-distance call.
        let national = national.strip_prefix('0').unwrap_or(national);
        match national.len() {
            0..=9 => return Err(NotAPhone::TooShort),
            10 | 11 => {}
            _ => return Err(NotAPhone::TooLong),
        }
        let (area, local) = national.split_at(2);
        if !is_area_of_brazil(area) {
            return Err(NotAPhone::UnknownAreaCode);
        }
        let fits = match local.as_bytes() {
            [b'9', rest @ ..] if rest.len() == 8 => rest[0] != b'0',
            [first, rest @ ..] if rest.len() == 7 => (b'2'..=b'9').contains(first),
            _ => false,
        };
        if !fits {
            return Err(NotAPhone::UnknownLocalNumber);
        }
        Ok(Self(format!("+{BRAZIL}{national}")))
    }

    fn international(digits: &str) -> Result<Self, NotAPhone> {
        if digits.is_empty() {
            return Err(NotAPhone::Empty);
        }
        if let Some(national) = digits.strip_prefix(BRAZIL) {
            return Self::brazilian(national);
        }
        if digits.len() > 15 {
            return Err(NotAPhone::TooLong);
        }
        let country = country_code_length(digits).ok_or(NotAPhone::UnknownCountry)?;
        let national = &digits[country..];
        let fits = match digits.as_bytes()[0] {
            // North America and the Caribbean: area and exchange start with 2 to 9.
            b'1' => national.len() == 10 && national.as_bytes()[0] >= b'2' && national.as_bytes()[3] >= b'2',
            _ => true,
        };
        if !fits {
            return Err(NotAPhone::UnknownCountry);
        }
        if digits.len() < 7 || national.len() < 4 {
            return Err(NotAPhone::TooShort);
        }
        Ok(Self(format!("+{digits}")))
    }
}

/// Shows only the country and the last two digits: a number in a log would be a patient's.
impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        let country = country_code_length(digits).unwrap_or(0);
        write!(f, "Phone(+{}…{})", &digits[..country], &digits[digits.len() - 2..])
    }
}

/// Whether a `+` leads, and the digits.
fn digits_of(typed: &str) -> Result<(bool, String), NotAPhone> {
    let mut international = false;
    let mut digits = String::new();
    let mut carrier_signs = 0;
    for character in typed.chars() {
        match character {
            '0'..='9' => digits.push(character),
            '+' if digits.is_empty() && !international => international = true,
            // `0xx11`: where the carrier goes.
            'x' | 'X' if digits == "0" && carrier_signs < 2 && !international => carrier_signs += 1,
            '(' | ')' | '-' | '.' | '/' | '\u{2010}'..='\u{2015}' => {}
            // Numbers copied out of WhatsApp carry marks of the writing direction.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            blank if blank.is_whitespace() => {}
            _ => return Err(NotAPhone::StrangeCharacter),
        }
        if digits.len() > 20 {
            return Err(NotAPhone::TooLong);
        }
    }
    match (digits.is_empty(), carrier_signs) {
        (true, _) => Err(NotAPhone::Empty),
        (false, 1) => Err(NotAPhone::StrangeCharacter),
        (false, _) => Ok((international, digits)),
    }
}

/// The area codes in use, by the numbering plan of Anatel.
fn is_area_of_brazil(area: &str) -> bool {
    matches!(
        area.as_bytes(),
        [b'1' | b'4' | b'6' | b'8' | b'9', b'1'..=b'9']
            | [b'2', b'1' | b'2' | b'4' | b'7' | b'8']
            | [b'3', b'1'..=b'5' | b'7' | b'8']
            | [b'5', b'1' | b'3' | b'4' | b'5']
            | [b'7', b'1' | b'3' | b'4' | b'5' | b'7' | b'9']
    )
}

/// How many digits the country code has, by the list of ITU-T E.164. `None` where no country is.
fn country_code_length(digits: &str) -> Option<usize> {
    match digits.as_bytes() {
        [b'1' | b'7', ..] => Some(1),
        [b'2', b'0' | b'7', ..]
        | [b'3', b'0' | b'1' | b'2' | b'3' | b'4' | b'6' | b'9', ..]
        | [b'4', b'0' | b'1' | b'3'..=b'9', ..]
        | [b'5', b'1'..=b'8', ..]
        | [b'6', b'0'..=b'6', ..]
        | [b'8', b'1' | b'2' | b'4' | b'6', ..]
        | [b'9', b'0'..=b'5' | b'8', ..] => Some(2),
        [b'2' | b'3' | b'4' | b'5' | b'6' | b'8' | b'9', _, _, ..] => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phone(typed: &str) -> String {
        Phone::parse(typed).unwrap_or_else(|reason| panic!("{typed:?} was refused: {reason}")).as_str().to_owned()
    }

    #[test]
    fn every_way_a_brazilian_writes_a_mobile_is_one_number() {
        for typed in [
            "11 98888-7777",
            "(11) 98888-7777",
            "11988887777",
            "011 98888 7777",
            "0xx11 98888-7777",
            "0XX(11)98888-7777",
            "0 15 11 98888-7777",
            "+55 11 98888-7777",
            "+55 (011) 98888-7777",
            "0055 11 98888-7777",
            "55 11 98888-7777",
            "\u{202a}+55 11 98888\u{2011}7777\u{202c}",
            "  11.98888.7777 ",
        ] {
            assert_eq!(phone(typed), "+5511988887777", "{typed:?}");
        }
    }

    #[test]
    fn fixed_lines_and_old_mobiles_keep_eight_digits() {
        assert_eq!(phone("(41) 3333-4444"), "+554133334444");
        assert_eq!(phone("41 8888-7777"), "+554188887777");
    }

    #[test]
    fn area_55_is_not_taken_for_the_country() {
        assert_eq!(phone("55 99999-8888"), "+5555999998888");
        assert_eq!(phone("55 55 99999-8888"), "+5555999998888");
        assert_eq!(phone("(55) 3222-1111"), "+555532221111");
    }

    #[test]
    fn foreign_numbers_say_their_country() {
        assert_eq!(phone("+1 (415) 555-2671"), "+14155552671");
        assert_eq!(phone("001 415 555 2671"), "+14155552671");
        assert_eq!(phone("+351 912 345 678"), "+351912345678");
        assert_eq!(Phone::parse("1 415 555 2671"), Err(NotAPhone::UnknownLocalNumber));
        assert_eq!(Phone::parse("351 912 345 678"), Err(NotAPhone::NoCountryCode));
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        for (typed, reason) in [
            ("", NotAPhone::Empty),
            ("+", NotAPhone::Empty),
            ("() -", NotAPhone::Empty),
            ("maria", NotAPhone::StrangeCharacter),
            ("11 98888-7777 ramal 3", NotAPhone::StrangeCharacter),
            ("11 98888+7777", NotAPhone::StrangeCharacter),
            ("0x11 98888-7777", NotAPhone::StrangeCharacter),
            ("98888-7777", NotAPhone::TooShort),
            ("11 9888", NotAPhone::TooShort),
            ("11 98888-77777777", NotAPhone::NoCountryCode),
            ("1234567890123456789012345", NotAPhone::TooLong),
            ("20 98888-7777", NotAPhone::UnknownAreaCode),
            ("+55 00 98888-7777", NotAPhone::UnknownAreaCode),
            ("11 88888-7777", NotAPhone::UnknownLocalNumber),
            ("11 1111-1111", NotAPhone::UnknownLocalNumber),
            ("0800 123 4567", NotAPhone::UnknownAreaCode),
            ("+1 115 555 2671", NotAPhone::UnknownCountry),
            ("+0 123 456 789", NotAPhone::UnknownCountry),
            ("+49 30", NotAPhone::TooShort),
            ("+44 1234 5678 9012 345", NotAPhone::TooLong),
        ] {
            assert_eq!(Phone::parse(typed), Err(reason), "{typed:?}");
        }
    }

    #[test]
    fn the_ninth_digit_makes_no_other_person() {
        let (new, old) = (Phone::from_whatsapp_user("5541988887777"), Phone::from_whatsapp_user("554188887777"));
        let (new, old) = (new.unwrap(), old.unwrap());
        assert!(new.same_person(&old));
        assert_eq!(new.match_key(), "554188887777");
        assert!(!new.same_person(&Phone::parse("42 98888-7777").unwrap()), "another area is another person");
        assert!(!new.same_person(&Phone::parse("41 98888-7778").unwrap()));
    }

    #[test]
    fn outside_brazil_every_digit_counts() {
        let one = Phone::parse("+1 415 555 2671").unwrap();
        assert_eq!(one.match_key(), "14155552671");
        assert!(!one.same_person(&Phone::parse("+1 416 555 2671").unwrap()));
    }

    #[test]
    fn what_whatsapp_says_is_taken_as_it_is() {
        assert_eq!(Phone::from_whatsapp_user("554188887777").unwrap().as_str(), "+554188887777");
        // Not in the plan of Brazil, yet WhatsApp has such an account.
        let odd = Phone::from_whatsapp_user("5500123").unwrap();
        assert_eq!((odd.match_key().as_str(), odd.display().as_str()), ("5500123", "+55 001 23"));
        for not_digits in ["", "+5511988887777", "5511988887777:2", "abc", "0551198888", "1234567890123456"] {
            assert_eq!(Phone::from_whatsapp_user(not_digits), None, "{not_digits:?}");
        }
    }

    #[test]
    fn numbers_are_shown_as_people_write_them() {
        for (typed, shown) in [
            ("+5511988887777", "(11) 98888-7777"),
            ("+554188887777", "(41) 8888-7777"),
            ("+554133334444", "(41) 3333-4444"),
            ("+14155552671", "+1 415 555 2671"),
            ("+351912345678", "+351 912 345 678"),
            ("+59899123456", "+598 9912 3456"),
        ] {
            assert_eq!(Phone::parse(typed).unwrap().display(), shown);
        }
    }

    #[test]
    fn debug_does_not_show_the_number() {
        let shown = format!("{:?}", Phone::parse("11 98888-7777").unwrap());
        assert_eq!(shown, "Phone(+55…77)");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(typed in "\\PC*") {
            if let Ok(phone) = Phone::parse(&typed) {
                prop_assert!((7..=15).contains(&phone.digits().len()));
            }
        }

        #[test]
        fn a_number_that_was_read_reads_the_same_again(typed in "[+0-9() .-]{6,24}") {
            if let Ok(phone) = Phone::parse(&typed) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone.clone()));
                prop_assert_eq!(Phone::parse(&phone.display()), Ok(phone.clone()));
                prop_assert_eq!(Phone::from_e164(phone.as_str()), Some(phone.clone()));
                prop_assert_eq!(Phone::from_whatsapp_user(phone.digits()), Some(phone));
            }
        }

        #[test]
        fn both_ages_of_any_mobile_are_one_person(area in 11..=99_u8, local in 60_000_000..=99_999_999_u32) {
            prop_assume!(is_area_of_brazil(&area.to_string()));
            let new = Phone::parse(&format!("{area} 9{local}")).unwrap();
            let old = Phone::parse(&format!("{area} {local}")).unwrap();
            prop_assert_eq!(new.match_key(), old.match_key());
        }

        #[test]
        fn whatever_whatsapp_calls_an_account_can_be_shown_and_matched(user in "[0-9]{0,18}") {
            if let Some(phone) = Phone::from_whatsapp_user(&user) {
                prop_assert!(!phone.display().is_empty() && !phone.match_key().is_empty());
                let shown = format!("{phone:?}");
                prop_assert!(!shown.contains(&user));
            }
        }
    }
}
