//! What was sent and received, in numbers, until it is written into the log.

use std::collections::BTreeMap;

use balcao_cache::{Cache, Settlement};

use crate::Result;

/// Counts since the log was last written. Numbers and table names only: the log holds no patient data.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    received: BTreeMap<&'static str, u64>,
    confirmed: u64,
    parked: u64,
}

impl Tally {
    /// Rows of a table came, or went.
    pub(crate) fn received(&mut self, entity: &'static str, rows: u64) {
        *self.received.entry(entity).or_default() += rows;
    }

    /// The database gave its word on an operation.
    pub(crate) fn settled(&mut self, settlement: &Settlement) {
        match settlement {
            Settlement::Confirmed { .. } | Settlement::ConfirmedBefore { .. } => self.confirmed += 1,
            Settlement::Parked { .. } => self.parked += 1,
        }
    }

    /// Writes what there is to say, and begins anew: `sent` with `sent=N confirmed=N parked=N`, `received` with `table=N` each.
    pub(crate) async fn write_to(&mut self, cache: &Cache) -> Result<()> {
        let tally = std::mem::take(self);
        if tally.confirmed + tally.parked > 0 {
            let sent = tally.confirmed + tally.parked;
            cache.log("sent", &format!("sent={sent} confirmed={} parked={}", tally.confirmed, tally.parked)).await?;
        }
        if !tally.received.is_empty() {
            let tables: Vec<String> = tally.received.iter().map(|(entity, rows)| format!("{entity}={rows}")).collect();
            cache.log("received", &tables.join(" ")).await?;
        }
        Ok(())
    }
}
