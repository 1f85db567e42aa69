//! The code that opens an invitation: short enough to be said over the telephone.

use std::fmt;

use zeroize::Zeroizing;

/// Crockford's base 32: no letter that is mistaken for a digit.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Symbols in all; the last one is computed from the others.
const LENGTH: usize = 10;

/// Ten symbols, of which nine are drawn: 45 bits. `Display` groups them, `Debug` hides them.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(Zeroizing<[u8; LENGTH]>);

impl Code {
    /// A new one.
    pub fn random() -> Self {
        let mut values = Zeroizing::new([0_u8; LENGTH]);
        for value in values.iter_mut().take(LENGTH - 1) {
            *value = rand::random::<u8>() & 31;
        }
        values[LENGTH - 1] = check(&values[..LENGTH - 1]);
        Self(values)
    }

    /// Reads what a person typed: in any case, with spaces and hyphens anywhere, with O for 0 and I or L for 1. `None` when it
    /// cannot be a code, which finds nearly every slip of the hand without asking anybody.
    pub fn read(text: &str) -> Option<Self> {
        let mut values = Zeroizing::new([0_u8; LENGTH]);
        let mut length = 0;
        for letter in text.chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '–' | '.')) {
            let letter = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                letter => letter,
            };
            let value = SYMBOLS.iter().position(|symbol| char::from(*symbol) == letter)?;
            *values.get_mut(length)? = u8::try_from(value).ok()?;
            length += 1;
        }
        (length == LENGTH && values[LENGTH - 1] == check(&values[..LENGTH - 1])).then_some(Self(values))
    }

    /// What keys are derived from.
    pub(super) fn bytes(&self) -> &[u8] {
        &*self.0
    }
}

/// Luhn's sum over base 32: finds every single wrong symbol and nearly every exchange of neighbours.
fn check(values: &[u8]) -> u8 {
    let sum: u32 = values
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &value)| {
            let weighted = u32::from(value) * if place % 2 == 0 { 2 } else { 1 };
            weighted / 32 + weighted % 32
        })
        .sum();
    u8::try_from((32 - sum % 32) % 32).unwrap_or_default()
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, value) in self.0.iter().enumerate() {
            if place == LENGTH / 2 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(SYMBOLS[usize::from(*value & 31)]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = Code::random();
        let said = code.to_string();
        assert_eq!((said.len(), said.chars().nth(5)), (11, Some('-')));
        for typed in [
            said.clone(),
            said.to_lowercase(),
            said.replace('-', ""),
            format!(" {} ", said.replace('-', " ")),
            said.replace('0', "O").replace('1', "l"),
        ] {
            assert_eq!(Code::read(&typed), Some(code.clone()), "{typed}");
        }
        assert!(!format!("{code:?}").contains(&said));
    }

    #[test]
    fn one_wrong_symbol_is_found_before_anybody_is_asked() {
        let said = Code::random().to_string().replace('-', "");
        for place in 0..LENGTH {
            for symbol in SYMBOLS {
                let mut typed: Vec<u8> = said.bytes().collect();
                if typed[place] != *symbol {
                    typed[place] = *symbol;
                    let typed = String::from_utf8(typed).expect("symbols are ASCII");
                    assert_eq!(Code::read(&typed), None, "{said} typed as {typed}");
                }
            }
        }
        for typed in ["", "ABC", &said[1..], &format!("{said}0"), "UUUUU-UUUUU", "ççççç-ççççç"] {
            assert_eq!(Code::read(typed), None, "{typed}");
        }
    }
}
