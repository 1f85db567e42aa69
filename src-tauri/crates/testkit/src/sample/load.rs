//! Writing the sample into a provisioned clinic.

use std::collections::BTreeMap;

use balcao_tenant::{BulkLoader, CopyLine, Error, Result};
use uuid::Uuid;

use super::{Plan, Sample};

/// How far a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The table that is being filled.
    pub table: &'static str,
    /// Rows of it that were sent.
    pub done: u64,
    /// Rows it will have got.
    pub total: u64,
}

/// Rows that were loaded, by table.
pub type Counts = BTreeMap<&'static str, u64>;

/// Fills a clinic that was just provisioned, in one transaction: all of it is there afterwards, or nothing. `admin_url` is that
/// of a superuser, in the clinic's database.
///
/// # Errors
/// [`Error::InvalidRequest`] when the clinic already has people (a sample never mixes with a real book, and a second run
/// does no harm); otherwise as [`BulkLoader`].
pub async fn load(admin_url: &str, clinic_id: Uuid, plan: &Plan, mut progress: impl FnMut(Progress)) -> Result<Counts> {
    let mut loader = BulkLoader::connect(admin_url).await?;
    let frame = loader.frame(clinic_id).await?;
    if frame.has_contacts {
        return Err(Error::InvalidRequest { field: "clinic", reason: "it already has people in its book" });
    }
    if frame.stages.len() != super::leads::STAGES || frame.loss_reasons.is_empty() {
        return Err(Error::InvalidRequest {
            field: "clinic",
            reason: "its pipeline is not the one it was provisioned with",
        });
    }
    let sample = Sample::new(plan, &frame);
    let mut counts = Counts::new();
    for table in sample.tables() {
        let total = table.rows as u64;
        let write = &table.write;
        let rows = (0..table.rows).map(|row| move |line: &mut CopyLine| write(row, line));
        let stored = loader
            .copy(table.name, table.columns, rows, |done| progress(Progress { table: table.name, done, total }))
            .await?;
        counts.insert(table.name, stored);
    }
    loader.commit(clinic_id).await?;
    Ok(counts)
}
