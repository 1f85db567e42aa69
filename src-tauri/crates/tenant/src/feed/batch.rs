//! PostgreSQL's binary copy format, read without decoding what the copy stores as it is.

use std::borrow::Cow;

use balcao_domain::feed::{Cell, ColumnKind, Entity};
use chrono::{DateTime, Days, NaiveDate};
use serde_json::{Map, Value};
use sqlx::postgres::PgRow;
use sqlx::{Row as _, ValueRef as _};
use uuid::Uuid;

use super::StageKey;
use crate::{Error, Result};

/// "PGCOPY\n\377\r\n\0", flags, length of the header's extension.
const HEADER: usize = 11 + 4 + 4;
/// From 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Rows of one entity as they came: field lengths and bytes, decoded when they are read.
#[derive(Debug)]
pub struct RowBatch {
    entity: &'static Entity,
    data: Vec<u8>,
    starts: Vec<usize>,
}

/// One row of a batch.
#[derive(Debug, Clone, Copy)]
pub struct FeedRow<'a> {
    entity: &'static Entity,
    data: &'a [u8],
}

/// Cuts the byte stream of a copy into rows.
pub(super) struct CopyReader {
    entity: &'static Entity,
    pending: Vec<u8>,
    batch: RowBatch,
    header_seen: bool,
}

impl RowBatch {
    pub(super) fn empty(entity: &'static Entity) -> Self {
        Self { entity, data: Vec::new(), starts: Vec::new() }
    }

    /// Takes a row of a prepared statement, whose values come in the same format.
    pub(super) fn push(&mut self, row: &PgRow) -> Result<()> {
        self.starts.push(self.data.len());
        for index in 0..self.entity.columns.len() + 2 {
            let value = row.try_get_raw(index)?;
            let field = if value.is_null() { None } else { Some(value.as_bytes().map_err(|_| Error::Protocol)?) };
            let length = field.map_or(Ok(-1), |field| i32::try_from(field.len())).map_err(|_| Error::Protocol)?;
            self.data.extend_from_slice(&length.to_be_bytes());
            self.data.extend_from_slice(field.unwrap_or_default());
        }
        Ok(())
    }

    /// Takes a row that came as an object of its columns, in the forms of PostgreSQL's JSON.
    pub(super) fn push_object(&mut self, row: &Map<String, Value>) -> Result<()> {
        let columns = [("id", ColumnKind::Id), ("version", ColumnKind::Integer)];
        let columns = columns.into_iter().chain(self.entity.columns.iter().map(|column| (column.name, column.kind)));
        self.starts.push(self.data.len());
        for (name, kind) in columns {
            let field = match row.get(name).ok_or(Error::Protocol)? {
                Value::Null => None,
                value => Some(encode(kind, value).ok_or(Error::Protocol)?),
            };
            let length =
                field.as_ref().map_or(Ok(-1), |field| i32::try_from(field.len())).map_err(|_| Error::Protocol)?;
            self.data.extend_from_slice(&length.to_be_bytes());
            self.data.extend_from_slice(&field.unwrap_or_default());
        }
        Ok(())
    }

    /// Which table the rows belong to.
    pub fn entity(&self) -> &'static Entity {
        self.entity
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The rows, in the order in which the server sent them.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = FeedRow<'_>> {
        self.starts.iter().map(|start| FeedRow { entity: self.entity, data: &self.data[*start..] })
    }

    /// The place of the last row in the order it was read in.
    pub(super) fn last_key(&self) -> Option<StageKey> {
        let row = FeedRow { entity: self.entity, data: &self.data[*self.starts.last()?..] };
        let mut key = StageKey { id: row.id(), sent_at_micros: None };
        for (column, cell) in self.entity.columns.iter().zip(row.cells().skip(2)) {
            if let ("sent_at" | "starts_at", Cell::Integer(micros)) = (column.name, cell) {
                key.sent_at_micros = Some(micros);
            }
        }
        Some(key)
    }
}

impl<'a> FeedRow<'a> {
    /// The row's id.
    pub fn id(&self) -> Uuid {
        match self.cells().next() {
            Some(Cell::Id(id)) => id,
            _ => Uuid::nil(),
        }
    }

    /// `id`, `version`, then the entity's columns in their order.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'a>> + use<'a> {
        let kinds = [ColumnKind::Id, ColumnKind::Integer].into_iter().chain(self.entity.columns.iter().map(|c| c.kind));
        let mut rest = self.data;
        kinds.map(move |kind| {
            // Lengths were checked when the row was cut out of the stream.
            let (length, tail) = rest.split_at(4);
            let length = i32::from_be_bytes([length[0], length[1], length[2], length[3]]);
            let Ok(length) = usize::try_from(length) else {
                rest = tail;
                return Cell::Null;
            };
            let (field, tail) = tail.split_at(length);
            rest = tail;
            decode(kind, field)
        })
    }
}

impl CopyReader {
    pub(super) fn new(entity: &'static Entity) -> Self {
        Self { entity, pending: Vec::new(), batch: RowBatch::empty(entity), header_seen: false }
    }

    pub(super) fn rows(&self) -> usize {
        self.batch.len()
    }

    pub(super) fn take(&mut self) -> RowBatch {
        std::mem::replace(&mut self.batch, RowBatch::empty(self.entity))
    }

    /// Takes the next piece of the stream, which may begin and end anywhere.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<()> {
        // The server sends one row a message, so that nearly every piece is whole and needs no second buffer.
        if self.pending.is_empty() {
            let used = self.cut(chunk)?;
            self.pending.extend_from_slice(&chunk[used..]);
        } else {
            self.pending.extend_from_slice(chunk);
            let whole = std::mem::take(&mut self.pending);
            let used = self.cut(&whole)?;
            self.pending.extend_from_slice(&whole[used..]);
        }
        Ok(())
    }

    fn cut(&mut self, data: &[u8]) -> Result<usize> {
        let mut at = 0;
        if !self.header_seen {
            let Some(header) = data.get(..HEADER) else { return Ok(0) };
            let extension = be_u32(&header[15..19]) as usize;
            if !header.starts_with(b"PGCOPY\n\xff\r\n\0") || data.len() < HEADER + extension {
                return if header.starts_with(b"PGCOPY\n\xff\r\n\0") { Ok(0) } else { Err(Error::Protocol) };
            }
            at = HEADER + extension;
            self.header_seen = true;
        }
        let fields = self.entity.columns.len() + 2;
        loop {
            let Some(count) = data.get(at..at + 2) else { return Ok(at) };
            let count = i16::from_be_bytes([count[0], count[1]]);
            if count == -1 {
                return Ok(data.len());
            }
            if usize::try_from(count) != Ok(fields) {
                return Err(Error::Protocol);
            }
            let mut end = at + 2;
            for _ in 0..fields {
                let Some(length) = data.get(end..end + 4) else { return Ok(at) };
                // -1 stands for null and has no bytes.
                end += 4 + usize::try_from(be_u32(length) as i32).unwrap_or(0);
            }
            let Some(row) = data.get(at + 2..end) else { return Ok(at) };
            self.batch.starts.push(self.batch.data.len());
            self.batch.data.extend_from_slice(row);
            at = end;
        }
    }
}

fn be_u32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn integer(field: &[u8]) -> Option<i64> {
    Some(match field.len() {
        1 => i64::from(field[0]),
        2 => i64::from(i16::from_be_bytes(field.try_into().ok()?)),
        4 => i64::from(i32::from_be_bytes(field.try_into().ok()?)),
        8 => i64::from_be_bytes(field.try_into().ok()?),
        _ => return None,
    })
}

fn decode(kind: ColumnKind, field: &[u8]) -> Cell<'_> {
    let text = |bytes: &'_ [u8]| -> Option<String> { std::str::from_utf8(bytes).ok().map(str::to_owned) };
    let cell = match kind {
        ColumnKind::Id => Uuid::from_slice(field).ok().map(Cell::Id),
        ColumnKind::Text => return borrowed(field),
        // jsonb: one byte of version, then text.
        ColumnKind::Json => return borrowed(field.get(1..).unwrap_or_default()),
        ColumnKind::Integer | ColumnKind::Boolean => integer(field).map(Cell::Integer),
        ColumnKind::Real => integer(field).map(|bits| Cell::Real(f64::from_bits(bits as u64))),
        // ±infinity stands outside of what a desk compares.
        ColumnKind::Instant => integer(field).and_then(|micros| micros.checked_add(EPOCH_MICROS)).map(Cell::Integer),
        ColumnKind::Date => {
            integer(field).and_then(date).and_then(|day| text(day.as_bytes())).map(|t| Cell::Text(t.into()))
        }
    };
    cell.unwrap_or(Cell::Null)
}

/// The other way, from a value of a JSON object; `None` for one that the column cannot have.
fn encode(kind: ColumnKind, value: &Value) -> Option<Vec<u8>> {
    Some(match kind {
        ColumnKind::Id => Uuid::parse_str(value.as_str()?).ok()?.as_bytes().to_vec(),
        ColumnKind::Text => value.as_str()?.as_bytes().to_vec(),
        ColumnKind::Json => [b"\x01", value.to_string().as_bytes()].concat(),
        ColumnKind::Integer => value.as_i64()?.to_be_bytes().to_vec(),
        ColumnKind::Boolean => vec![value.as_bool()?.into()],
        ColumnKind::Real => value.as_f64()?.to_bits().to_be_bytes().to_vec(),
        ColumnKind::Instant => micros_since_2000(value.as_str()?)?.to_be_bytes().to_vec(),
        ColumnKind::Date => {
            let start = NaiveDate::from_ymd_opt(2000, 1, 1)?;
            let day: NaiveDate = value.as_str()?.parse().ok()?;
            i32::try_from((day - start).num_days()).ok()?.to_be_bytes().to_vec()
        }
    })
}

fn micros_since_2000(text: &str) -> Option<i64> {
    match text {
        "infinity" => Some(i64::MAX),
        "-infinity" => Some(i64::MIN),
        text => DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros().checked_sub(EPOCH_MICROS),
    }
}

fn borrowed(field: &[u8]) -> Cell<'_> {
    std::str::from_utf8(field).map_or(Cell::Null, |text| Cell::Text(Cow::Borrowed(text)))
}

fn date(days_since_2000: i64) -> Option<String> {
    let start = NaiveDate::from_ymd_opt(2000, 1, 1)?;
    let day = match u64::try_from(days_since_2000) {
        Ok(days) => start.checked_add_days(Days::new(days)),
        Err(_) => start.checked_sub_days(Days::new(days_since_2000.unsigned_abs())),
    }?;
    Some(day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(rows: &[(&str, i64)]) -> Vec<u8> {
        let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        for (name, position) in rows {
            bytes.extend(5_i16.to_be_bytes());
            for field in [
                Uuid::from_u128(7).as_bytes().to_vec(),
                3_i64.to_be_bytes().to_vec(),
                name.as_bytes().to_vec(),
                (*position as i32).to_be_bytes().to_vec(),
                vec![1],
            ] {
                bytes.extend((field.len() as i32).to_be_bytes());
                bytes.extend(field);
            }
        }
        bytes.extend((-1_i16).to_be_bytes());
        bytes
    }

    fn read(pieces: impl Iterator<Item = Vec<u8>>) -> Vec<Vec<Cell<'static>>> {
        let mut reader = CopyReader::new(Entity::named("rooms").unwrap());
        for piece in pieces {
            reader.push(&piece).unwrap();
        }
        let batch = Box::leak(Box::new(reader.take()));
        batch.rows().map(|row| row.cells().collect()).collect()
    }

    #[test]
    fn rows_are_the_same_wherever_the_stream_is_cut() {
        let bytes = stream(&[("Sala 1", 1), ("Sala São João", -2)]);
        let whole = read(std::iter::once(bytes.clone()));
        assert_eq!(whole.len(), 2);
        assert_eq!(whole[1][2], Cell::Text("Sala São João".into()));
        assert_eq!(whole[1][3], Cell::Integer(-2));
        for size in 1..40 {
            assert_eq!(read(bytes.chunks(size).map(<[u8]>::to_vec)), whole, "cut every {size} bytes");
        }
    }

    #[test]
    fn an_object_of_json_says_the_same_as_the_binary_form() {
        let entity = Entity::named("patients").unwrap();
        let row = serde_json::json!({
            "id": Uuid::from_u128(7), "version": 3, "contact_id": Uuid::from_u128(9), "relation": "self", "name": "Zoé",
            "birth_date": "1999-12-31", "species": null, "breed": null, "active": true, "medical_notes": "not copied",
        });
        let mut batch = RowBatch::empty(entity);
        batch.push_object(row.as_object().unwrap()).unwrap();
        let cells: Vec<_> = batch.rows().next().unwrap().cells().collect();
        assert_eq!(cells[..2], [Cell::Id(Uuid::from_u128(7)), Cell::Integer(3)]);
        let birth_date = entity.columns.iter().position(|column| column.name == "birth_date").unwrap();
        assert_eq!(cells[birth_date + 2], Cell::Text("1999-12-31".into()));
        assert_eq!(cells.last(), Some(&Cell::Integer(1)));
        assert!(batch.push_object(&Map::new()).is_err(), "a column is missing");
    }

    #[test]
    fn instants_of_json_are_those_of_the_binary_form() {
        for (text, micros) in [
            ("2026-11-24T14:30:00.123456-03:00", Some(1_795_541_400_123_456)),
            ("1999-12-31T23:59:59+00:00", Some(946_684_799_000_000)),
            ("infinity", None),
        ] {
            let field = encode(ColumnKind::Instant, &text.into()).unwrap();
            let cell = decode(ColumnKind::Instant, &field);
            assert_eq!(cell, micros.map_or(Cell::Null, Cell::Integer), "{text}");
        }
    }

    #[test]
    fn a_stream_of_another_shape_is_refused() {
        let mut reader = CopyReader::new(Entity::named("contacts").unwrap());
        assert!(reader.push(&stream(&[("Sala 1", 1)])).is_err());
        assert!(CopyReader::new(Entity::named("rooms").unwrap()).push(&[0; 64]).is_err());
    }

    #[test]
    fn dates_before_and_after_2000_are_read() {
        assert_eq!(date(0).unwrap(), "2000-01-01");
        assert_eq!(date(-1).unwrap(), "1999-12-31");
        assert_eq!(date(9822).unwrap(), "2026-11-22");
    }
}
