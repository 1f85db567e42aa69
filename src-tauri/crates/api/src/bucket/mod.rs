//! The bucket of S3-compatible storage, where files of messages may be instead of the clinic's database: seen, set, tried out and
//! turned off from here. What is done with it is the work of one computer (`agent::background`), and only that one needs the
//! key. All of it is asked of the database itself.

mod trial;
mod types;

use std::collections::BTreeSet;
use std::sync::Arc;

use balcao_bucket::{BadKey, BucketKey, Place};
use balcao_keychain::{Secret, names};
use balcao_tenant::Tenant;

pub(crate) use trial::{get_bucket_trial, try_bucket};
pub use types::*;

use crate::changes::Topic;
use crate::channels::may_work;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::members::line;

/// Ten years.
const LONGEST: u32 = 3_650;

pub(crate) async fn get_storage(desk: &Arc<Desk>, _: Nothing) -> Result<Storage, ApiError> {
    let (may_work, entry) = on_this_computer(desk).await?;
    let state = asked(desk, async |tenant| tenant.bucket_state().await).await?;
    let key = match desk.keychain.get(&entry).await {
        Ok(Some(_)) => "here",
        Ok(None) => "missing",
        Err(_) => "unknown",
    };
    let bucket = state.map(|state| BucketDetails {
        wish: BucketWish {
            endpoint: state.setting.endpoint,
            bucket: state.setting.bucket,
            region: state.setting.region,
            after_days: state.setting.after_days,
        },
        emptying_since: state.setting.emptying_since,
        problem: state.setting.problem,
        problem_since: state.problem_since,
        files: state.files as f64,
        bytes: state.bytes as f64,
        leaving: state.leaving as f64,
        wanted: state.wanted as f64,
        failing: state.failing as f64,
        deleting: state.deleting as f64,
    });
    Ok(Storage { may_work, bucket, key: key.to_owned() })
}

pub(crate) async fn use_bucket(desk: &Arc<Desk>, wish: UseBucket) -> Result<Nothing, ApiError> {
    let place = place(&wish.wish)?;
    let key = wish.keys.as_ref().map(typed).transpose()?;
    let days = wish.wish.after_days;
    asked(desk, async |tenant| tenant.use_bucket(place.endpoint(), &place.bucket, &place.region, days).await).await?;
    let (may_work, entry) = on_this_computer(desk).await?;
    // Anywhere else it would open the bucket and be of no use.
    if let Some(key) = key
        && may_work
    {
        desk.keychain.set(&entry, &Secret::new(key.to_lines().as_str())).await?;
    }
    desk.storage_changed();
    Ok(Nothing {})
}

pub(crate) async fn keep_bucket_keys(desk: &Arc<Desk>, wish: KeepBucketKeys) -> Result<Nothing, ApiError> {
    let key = typed(&wish.keys)?;
    let (may_work, entry) = on_this_computer(desk).await?;
    if !may_work {
        return Err(ApiError::new("not_permitted", "this computer does not do the background work"));
    }
    desk.keychain.set(&entry, &Secret::new(key.to_lines().as_str())).await?;
    desk.storage_changed();
    Ok(Nothing {})
}

pub(crate) async fn empty_bucket(desk: &Arc<Desk>, _: Nothing) -> Result<Nothing, ApiError> {
    if !asked(desk, async |tenant| tenant.empty_bucket().await).await? {
        return Err(ApiError::new("gone", "there is no bucket"));
    }
    desk.storage_changed();
    Ok(Nothing {})
}

pub(crate) async fn abandon_bucket(desk: &Arc<Desk>, _: Nothing) -> Result<AbandonedBucket, ApiError> {
    let lost = asked(desk, async |tenant| tenant.abandon_bucket().await).await?;
    let (_, entry) = on_this_computer(desk).await?;
    desk.keychain.delete(&entry).await?;
    desk.storage_changed();
    Ok(AbandonedBucket { lost: lost as f64 })
}

impl Desk {
    fn storage_changed(&self) {
        self.announce(BTreeSet::from([Topic::Storage]), Vec::new());
    }
}

/// Whether this computer may do the background work, and what the key is called in its keyring.
async fn on_this_computer(desk: &Desk) -> Result<(bool, String), ApiError> {
    let clinic = desk.clinic().await?;
    let role = clinic.summary().await?.map(|(_, member)| member.role).unwrap_or_default();
    Ok((may_work(&role), names::bucket_key(clinic.work.profile_id())))
}

/// Asks the clinic's database over a line of its own.
async fn asked<T>(
    desk: &Arc<Desk>,
    question: impl AsyncFnOnce(&Tenant) -> balcao_tenant::Result<T>,
) -> Result<T, ApiError> {
    let tenant = line(desk).await?;
    let answer = question(&tenant).await;
    tenant.close().await;
    answer.map_err(|error| match error.constraint() {
        Some("buckets_in_use") => ApiError::new("bucket_in_use", "files are in another bucket").about("bucket"),
        _ => error.into(),
    })
}

fn place(wish: &BucketWish) -> Result<Place, ApiError> {
    if wish.after_days > LONGEST {
        return Err(ApiError::new("invalid_request", "this number is out of bounds").about("after_days"));
    }
    Place::parse(&wish.endpoint, &wish.bucket, &wish.region)
        .map_err(|bad| ApiError::new(bad.code(), bad.to_string()).about(bad.field()))
}

fn typed(keys: &BucketKeys) -> Result<BucketKey, ApiError> {
    BucketKey::new(&keys.key_id, &keys.secret).map_err(no_key)
}

/// What this computer has.
async fn kept(desk: &Desk) -> Result<BucketKey, ApiError> {
    let (_, entry) = on_this_computer(desk).await?;
    let missing = || ApiError::new("bucket_no_key", "this computer has no key for the bucket");
    let secret = desk.keychain.get(&entry).await?.ok_or_else(missing)?;
    BucketKey::parse(secret.expose()).map_err(no_key)
}

fn no_key(bad: BadKey) -> ApiError {
    ApiError::new("bucket_bad_key", bad.to_string()).about("secret")
}
