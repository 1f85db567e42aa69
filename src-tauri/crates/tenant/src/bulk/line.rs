//! Rows in the binary format of `COPY`.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// From the epoch of Unix to that of PostgreSQL, 1 January 2000.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const EPOCH_DAYS: i64 = 10_957;

/// Rows of one table on their way to the server.
#[derive(Debug, Default)]
pub struct CopyLine {
    bytes: Vec<u8>,
    wanted: usize,
    put: usize,
}

impl CopyLine {
    pub(super) fn with_header(capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
        Self { bytes, wanted: 0, put: 0 }
    }

    pub(super) fn begin(&mut self, fields: usize) {
        self.wanted = fields;
        self.put = 0;
        self.bytes.extend_from_slice(&(fields as i16).to_be_bytes());
    }

    pub(super) fn is_whole(&self) -> bool {
        self.put == self.wanted
    }

    pub(super) fn end(&mut self) {
        self.bytes.extend_from_slice(&(-1i16).to_be_bytes());
    }

    /// Everything that was put since the last [`Self::clear`], as it goes over the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was put.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The next field of the row.
    pub fn put(&mut self, field: impl CopyField) -> &mut Self {
        self.put += 1;
        field.write(self);
        self
    }

    fn field(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(&(value.len() as i32).to_be_bytes());
        self.bytes.extend_from_slice(value);
    }
}

/// A value that PostgreSQL reads in binary: `uuid`, `text`, `bytea`, `integer`, `bigint`, `double precision`, `boolean`, `timestamptz`,
/// `date`, `jsonb`; `None` is null. The type must be that of the column exactly.
pub trait CopyField {
    /// Appends the field with its length.
    fn write(&self, line: &mut CopyLine);
}

impl<F: CopyField> CopyField for Option<F> {
    fn write(&self, line: &mut CopyLine) {
        match self {
            Some(field) => field.write(line),
            None => line.bytes.extend_from_slice(&(-1i32).to_be_bytes()),
        }
    }
}

impl CopyField for &str {
    fn write(&self, line: &mut CopyLine) {
        line.field(self.as_bytes());
    }
}

/// `bytea`.
impl CopyField for &[u8] {
    fn write(&self, line: &mut CopyLine) {
        line.field(self);
    }
}

impl CopyField for Uuid {
    fn write(&self, line: &mut CopyLine) {
        line.field(self.as_bytes());
    }
}

impl CopyField for i32 {
    fn write(&self, line: &mut CopyLine) {
        line.field(&self.to_be_bytes());
    }
}

impl CopyField for i64 {
    fn write(&self, line: &mut CopyLine) {
        line.field(&self.to_be_bytes());
    }
}

impl CopyField for f64 {
    fn write(&self, line: &mut CopyLine) {
        line.field(&self.to_be_bytes());
    }
}

impl CopyField for bool {
    fn write(&self, line: &mut CopyLine) {
        line.field(&[u8::from(*self)]);
    }
}

impl CopyField for DateTime<Utc> {
    fn write(&self, line: &mut CopyLine) {
        line.field(&(self.timestamp_micros() - EPOCH_MICROS).to_be_bytes());
    }
}

impl CopyField for NaiveDate {
    fn write(&self, line: &mut CopyLine) {
        let days = (*self - NaiveDate::default()).num_days() - EPOCH_DAYS;
        line.field(&(days as i32).to_be_bytes());
    }
}

/// `jsonb`.
impl CopyField for &serde_json::Value {
    fn write(&self, line: &mut CopyLine) {
        let text = self.to_string();
        line.bytes.extend_from_slice(&(text.len() as i32 + 1).to_be_bytes());
        // The version of the format.
        line.bytes.push(1);
        line.bytes.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_instant_and_day_of_postgresql_are_zero() {
        let mut line = CopyLine::default();
        let day = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
        line.put(day.and_hms_opt(0, 0, 0).unwrap().and_utc()).put(day);
        assert_eq!(line.bytes(), [&8i32.to_be_bytes()[..], &[0; 8], &4i32.to_be_bytes(), &[0; 4]].concat());
    }

    #[test]
    fn a_row_with_a_field_too_few_is_noticed() {
        let mut line = CopyLine::with_header(0);
        line.begin(2);
        line.put("só um");
        assert!(!line.is_whole());
        line.put(None::<&str>);
        assert!(line.is_whole(), "null counts as a field");
    }
}
