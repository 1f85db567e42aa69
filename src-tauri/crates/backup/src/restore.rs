//! Putting a backup into an empty database, here or on another server.

use balcao_keychain::Secret;
use balcao_local_server::Binaries;
use balcao_tenant::provision::{Restoration, RestoredClinic, TableDigest};
use tokio::io::BufReader;

use crate::archive::Archive;
use crate::contents::Contents;
use crate::error::{BackupError, Result};
use crate::watch::{Step, Watch};

/// What has moved in. Every table was compared with what the backup says it held.
#[derive(Debug)]
pub struct Restored {
    /// The clinics, each with a new login of its owner. No other login of the old server is worth anything here.
    pub clinics: Vec<RestoredClinic>,
    /// What the backup held.
    pub contents: Contents,
}

/// Restores a backup into the database that the administrator's URL names, which has to be without a clinic. The feed
/// gets a new epoch, so that desks which come along rebuild their copies and keep what they have queued. Who was forgotten
/// since is forgotten again.
///
/// # Errors
/// [`BackupError`]. It is one transaction: after an error, or when it was called off, the database is as it was.
pub async fn restore(binaries: &Binaries, archive: &Archive, admin_url: &Secret, watch: &Watch) -> Result<Restored> {
    let restored = restore_when(binaries, archive, admin_url, watch, |_| std::future::ready(true)).await?;
    // Nobody called it off.
    restored.ok_or(BackupError::Cancelled)
}

/// The same. `may_commit` hears of the clinics just before they become lasting: whoever has to keep a password keeps it
/// there, and `false` leaves the database as it was, which comes back as `None`.
///
/// # Errors
/// As [`restore`].
pub async fn restore_when<F, Fut>(
    binaries: &Binaries,
    archive: &Archive,
    admin_url: &Secret,
    watch: &Watch,
    may_commit: F,
) -> Result<Option<Restored>>
where
    F: FnOnce(Vec<RestoredClinic>) -> Fut,
    Fut: Future<Output = bool>,
{
    archive.check(watch).await?;
    let erasures = archive.erasures()?;
    let work = async {
        let mut restoration = refill(binaries, archive, admin_url, watch).await?;
        restoration.settle().await?;
        restoration.define(&archive.section(binaries, "post-data")?.text().await?).await?;
        Ok(restoration.finish(&erasures, may_commit).await?)
    };
    let clinics = watch.unless_cancelled(work).await?;
    Ok(clinics.map(|clinics| Restored { clinics, contents: archive.contents.clone() }))
}

/// The same, given up when all of it was seen to work.
pub(crate) async fn rehearse(binaries: &Binaries, archive: &Archive, admin_url: &Secret, watch: &Watch) -> Result<()> {
    let work = async {
        let mut restoration = refill(binaries, archive, admin_url, watch).await?;
        restoration.define(&archive.section(binaries, "post-data")?.text().await?).await?;
        restoration.abandon().await;
        Ok(())
    };
    watch.unless_cancelled(work).await
}

/// Definitions and rows, compared with what they were.
async fn refill(binaries: &Binaries, archive: &Archive, admin_url: &Secret, watch: &Watch) -> Result<Restoration> {
    let mut restoration = Restoration::begin(admin_url.expose()).await?;
    restoration.define(&archive.section(binaries, "pre-data")?.text().await?).await?;
    let total = Some(archive.contents.rows());
    let mut section = archive.section(binaries, "data")?;
    let stream = BufReader::with_capacity(1 << 20, section.stream()?);
    let filled = restoration.fill(stream, |rows| watch.tell(Step::Rows, rows, total)).await;
    section.end().await?;
    filled?;
    watch.tell(Step::Finish, 0, None);
    compare(&archive.contents.tables, &restoration.digests().await?)?;
    Ok(restoration)
}

fn compare(wanted: &[TableDigest], found: &[TableDigest]) -> Result<()> {
    let different = |one: &[TableDigest], other: &[TableDigest]| {
        one.iter().find(|table| !other.contains(table)).map(|table| table.table.clone())
    };
    match different(wanted, found).or_else(|| different(found, wanted)) {
        Some(table) => Err(BackupError::Differs { table }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_missing_too_many_or_different_is_noticed_by_its_table() {
        let table =
            |name: &str, rows, digest: &str| TableDigest { table: name.to_owned(), rows, digest: digest.to_owned() };
        let wanted = [table("app.contacts", 2, "71"), table("app.leads", 1, "-4")];
        compare(&wanted, &wanted).unwrap();
        for found in [
            vec![table("app.contacts", 1, "71"), wanted[1].clone()],
            vec![table("app.contacts", 2, "72"), wanted[1].clone()],
            vec![wanted[1].clone()],
            vec![wanted[0].clone(), wanted[1].clone(), table("app.contacts2", 0, "0")],
        ] {
            let error = compare(&wanted, &found).unwrap_err();
            assert!(matches!(&error, BackupError::Differs { table } if table.starts_with("app.contacts")), "{error}");
        }
    }
}
