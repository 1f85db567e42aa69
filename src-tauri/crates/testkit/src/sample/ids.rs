//! Names of rows, derived from clinic, seed and count.

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

use super::dice::mix;

/// Makes ids as a desk makes them (version 7: the time in front), except that nothing is left to chance. Two clinics with
/// the same seed share no id.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    space: u64,
    count: u64,
}

impl Ids {
    pub(crate) fn new(clinic_id: Uuid, seed: u64, table: &str) -> Self {
        let (high, low) = clinic_id.as_u64_pair();
        let space = table.bytes().fold(mix(high ^ mix(low ^ mix(seed))), |state, byte| mix(state ^ u64::from(byte)));
        Self { space, count: 0 }
    }

    /// The next id of a row that was made at `at`.
    pub(crate) fn next(&mut self, at: DateTime<Utc>) -> Uuid {
        self.count += 1;
        let first = mix(self.space ^ mix(self.count)).to_be_bytes();
        let second = mix(self.space.wrapping_add(self.count).rotate_left(17)).to_be_bytes();
        let mut tail = [0; 10];
        tail[..8].copy_from_slice(&first);
        tail[8..].copy_from_slice(&second[..2]);
        Builder::from_unix_timestamp_millis(at.timestamp_millis().max(0) as u64, &tail).into_uuid()
    }

    /// A message id as WhatsApp's clients make them: a prefix by the kind of phone and 18 hexadecimal digits.
    pub(crate) fn next_gateway_id(&mut self, prefix: &str) -> String {
        self.count += 1;
        let first = mix(self.space ^ mix(self.count));
        // Of two mixed numbers, so that half a million ids do not meet by birthday.
        let second = mix(self.space.wrapping_add(self.count).rotate_left(17)) as u8;
        format!("{prefix}{first:016X}{second:02X}")
    }
}
