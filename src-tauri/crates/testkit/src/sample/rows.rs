//! The sample as rows of the tables of schema `app`, column by column.

mod board;
mod book;
mod history;
mod inbox;
mod setting;

use std::hash::{DefaultHasher, Hasher};

use balcao_tenant::CopyLine;

use super::Sample;

pub(crate) use history::{LeadEvent, VisitEvent, lead_events, visit_events};

/// Puts the row of that index.
type Write<'a> = Box<dyn Fn(usize, &mut CopyLine) + Send + Sync + 'a>;

/// One table of the sample: how many rows, and how each is put.
pub(crate) struct Table<'a> {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: usize,
    pub(crate) write: Write<'a>,
}

fn table<'a, T: Sync>(
    name: &'static str,
    columns: &'static [&'static str],
    rows: &'a [T],
    write: impl Fn(&T, &mut CopyLine) + Send + Sync + 'a,
) -> Table<'a> {
    Table { name, columns, rows: rows.len(), write: Box::new(move |row, line| write(&rows[row], line)) }
}

impl Sample {
    /// Every table, in an order in which each refers only to those before it.
    pub(crate) fn tables(&self) -> Vec<Table<'_>> {
        let mut tables = self.setting_tables();
        tables.extend(self.people_tables());
        tables.extend(self.agenda_tables());
        tables.extend(self.inbox_tables());
        tables.extend(self.lead_tables());
        tables
    }

    /// A fingerprint of everything that would be sent to the database.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let mut line = CopyLine::default();
        for table in self.tables() {
            hasher.write(table.name.as_bytes());
            for row in 0..table.rows {
                (table.write)(row, &mut line);
                hasher.write(line.bytes());
                line.clear();
            }
        }
        hasher.finish()
    }
}
