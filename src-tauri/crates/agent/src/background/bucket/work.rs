//! What is done with one object. Every step may be the last one before a crash: the row of a file with its name and its key is
//! committed before anything leaves, pieces go only when what is there was read back, and the object only when its pieces are here and
//! no backup is of use any more that points at it.

use std::time::Duration;

use balcao_bucket::{Bucket, FileKey, Trouble};
use balcao_tenant::{BucketSetting, Error, MediaObject};
use uuid::Uuid;

use super::LONGEST_WAIT;
use crate::background::office::Office;

/// Files that are put down at once.
const TOGETHER: usize = 50;

/// Between two tries of an object at the most that is probably not to blame: it comes soon after the bucket does.
const LONGEST_WAIT_FOR_ALL: Duration = Duration::from_secs(60);

/// Tries of a file that somebody waits for and that may be refused by itself. Then it is tried when somebody wants it again: files
/// that are waited for without end would leave no room for others.
const MOST_TRIES: u32 = 3;

/// `None` where there was nothing to do; else whether the bucket did it.
type Done = Option<Result<(), Trouble>>;

/// Brings back a file that somebody waits for, or that is to leave the bucket.
pub(super) async fn bring(office: &Office, bucket: &Bucket, setting: &BucketSetting) -> Result<Done, Error> {
    let file = office.outlast(|tenant| async move { tenant.object_to_bring().await }).await?;
    let Some(file) = &file else { return Ok(None) };
    let read = if file.is_here { Ok(Vec::new()) } else { read(bucket, setting, file).await };
    let fence = office.fence();
    match read {
        Ok(bytes) => {
            let bytes = &bytes;
            // It may have gone meanwhile.
            office.outlast(|tenant| async move { tenant.object_brought(fence, file, bytes).await }).await?;
            Ok(Some(Ok(())))
        }
        Err(trouble) => failed(office, file, trouble).await,
    }
}

/// Deletes an object whose file is gone.
pub(super) async fn delete(office: &Office, bucket: &Bucket, setting: &BucketSetting) -> Result<Done, Error> {
    let due = office.outlast(|tenant| async move { tenant.object_to_delete().await }).await?;
    let Some((object, tries)) = due else { return Ok(None) };
    let deleted = bucket.delete(&name(setting, object)).await;
    let wait = after(office, tries);
    let told = deleted.err().map(|trouble| (trouble.code(), wait));
    let fence = office.fence();
    office.outlast(|tenant| async move { tenant.object_deleted(fence, object, told).await }).await?;
    Ok(Some(deleted))
}

/// Moves a file that is old enough, if there is one.
pub(super) async fn move_one(
    office: &Office,
    bucket: &Bucket,
    setting: &BucketSetting,
    also_new_ones: bool,
) -> Result<Done, Error> {
    if setting.emptying_since.is_some() {
        return Ok(None);
    }
    let next = || office.outlast(|tenant| async move { tenant.object_to_move().await });
    let mut file = next().await?;
    if file.is_none() && also_new_ones && begin(office, setting).await? > 0 {
        file = next().await?;
    }
    let Some(file) = &file else { return Ok(None) };
    let bytes = office.outlast(|tenant| async move { tenant.media_bytes(file).await }).await?;
    if !file.is(&bytes) {
        // It has gone meanwhile, or is not what it was: it stays as it is.
        return failed(office, file, Trouble::Changed).await;
    }
    match put(bucket, setting, file, &bytes).await {
        Ok(()) => {
            let fence = office.fence();
            office.outlast(|tenant| async move { tenant.object_moved(fence, setting.id, file).await }).await?;
            tracing::debug!(file = %file.media, "a file is in the bucket now");
            Ok(Some(Ok(())))
        }
        Err(trouble) => failed(office, file, trouble).await,
    }
}

async fn begin(office: &Office, setting: &BucketSetting) -> Result<u64, Error> {
    let keys: Vec<Vec<u8>> = (0..TOGETHER).map(|_| FileKey::random().as_bytes().to_vec()).collect();
    let (fence, keys) = (office.fence(), &keys);
    office.outlast(|tenant| async move { tenant.begin_moving(fence, setting.id, keys).await }).await
}

/// Puts a file there and reads it back.
async fn put(bucket: &Bucket, setting: &BucketSetting, file: &MediaObject, bytes: &[u8]) -> Result<(), Trouble> {
    let key = FileKey::from_bytes(&file.key).ok_or(Trouble::Changed)?;
    let name = name(setting, file.object);
    bucket.put(&name, key.seal(&name, bytes)?).await?;
    let there = read(bucket, setting, file).await?;
    if there == bytes { Ok(()) } else { Err(Trouble::Changed) }
}

async fn read(bucket: &Bucket, setting: &BucketSetting, file: &MediaObject) -> Result<Vec<u8>, Trouble> {
    let key = FileKey::from_bytes(&file.key).ok_or(Trouble::Changed)?;
    let name = name(setting, file.object);
    let bytes = key.open(&name, &bucket.get(&name, file.size_bytes).await?)?;
    if file.is(&bytes) { Ok(bytes) } else { Err(Trouble::Changed) }
}

/// What is wrong with one object is written down there, and the others go on; what is wrong with the bucket is a matter of all. The
/// object waits either way: it stands before the others no more.
async fn failed(office: &Office, file: &MediaObject, trouble: Trouble) -> Result<Done, Error> {
    let (problem, of_all) = (trouble.code(), !trouble.is_of_the_object());
    let wait = after(office, file.tries);
    let wait = if of_all { wait.min(LONGEST_WAIT_FOR_ALL) } else { wait };
    let still_wanted = of_all && (!trouble.may_be_of_the_object() || file.tries + 1 < MOST_TRIES);
    if !still_wanted {
        tracing::warn!(file = %file.media, problem, "something is wrong with a file in the bucket");
    }
    let (fence, media) = (office.fence(), file.media);
    let told =
        office.outlast(|tenant| async move { tenant.object_failed(fence, media, problem, wait, still_wanted).await });
    told.await?;
    Ok(Some(if of_all { Err(trouble) } else { Ok(()) }))
}

/// How long to wait after so many tries.
fn after(office: &Office, tries: u32) -> Duration {
    office.rhythm().fetch_again.saturating_mul(4_u32.saturating_pow(tries.min(8))).min(LONGEST_WAIT)
}

/// Says nothing of whose it is.
fn name(setting: &BucketSetting, object: Uuid) -> String {
    format!("{}/{object}", setting.id)
}
