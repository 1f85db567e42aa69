//! Numbers of every age: with and without the ninth digit, land lines, a few from abroad.

use super::dice::{Dice, mix};

/// Area codes by how often they turn up at a clinic in São Paulo.
const AREAS: &[(u32, u32)] = &[
    (680, 11),
    (60, 13),
    (50, 19),
    (40, 12),
    (25, 15),
    (20, 16),
    (20, 21),
    (15, 31),
    (12, 41),
    (10, 71),
    (10, 81),
    (8, 61),
    (8, 85),
    (8, 51),
    (6, 62),
    (6, 27),
    (5, 91),
    (5, 92),
    (4, 47),
    (4, 48),
    (3, 83),
    (3, 98),
    (2, 65),
    (2, 14),
    (2, 17),
];

/// Numbers abroad, without their last six digits.
const ABROAD: &[&str] = &["+351912", "+351936", "+14075", "+5491150", "+34612", "+595981", "+393471", "+819012"];

/// The number of the `count`th person, in E.164, and its spelling as WhatsApp knows it (digits). No two counts share the
/// last eight digits, so no two people share a match key.
pub(crate) fn number(seed: u64, count: u64, dice: &mut Dice) -> (String, String) {
    if dice.chance(0.006) {
        let country = dice.pick(ABROAD);
        let phone = format!("{country}{:06}", spread(seed, count, 999_983));
        let digits = phone[1..].to_owned();
        return (phone, digits);
    }
    let area = dice.weighted(AREAS);
    let kind = dice.below(1000);
    if kind < 45 {
        // A land line with WhatsApp on it: 2 to 5 in front.
        let local = 20_000_000 + spread(seed, count, 39_999_983);
        return (format!("+55{area}{local}"), format!("55{area}{local}"));
    }
    let local = 60_000_000 + spread(seed, count, 39_999_983);
    // Outside São Paulo and Rio old accounts are known without the ninth digit.
    let old = area >= 31 && kind < 500;
    let whatsapp = if old { format!("55{area}{local}") } else { format!("55{area}9{local}") };
    // What stands in the book follows what WhatsApp said, or what the person dictated.
    let phone = if old && kind < 350 { format!("+55{area}{local}") } else { format!("+55{area}9{local}") };
    (phone, whatsapp)
}

/// The digits of a LID: they look like a number and are none.
pub(crate) fn lid(seed: u64, count: u64) -> String {
    format!("{}", 100_000_000_000_000 + mix(seed ^ mix(count ^ 0x11d)) % 180_000_000_000_000)
}

/// A different number below `prime` for each count below it: multiplication is one-to-one modulo a prime.
fn spread(seed: u64, count: u64, prime: u64) -> u64 {
    let factor = 1 + mix(seed ^ 0x70e5) % (prime - 1);
    (count + 1) % prime * factor % prime
}
