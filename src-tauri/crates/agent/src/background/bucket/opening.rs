//! The bucket opened with the key that this computer has, anew when either changes.

use balcao_bucket::{Bucket, BucketKey, Place, Timing};
use balcao_keychain::{Secret, names};
use balcao_tenant::BucketSetting;

use crate::background::office::Office;

/// This computer has no key.
const NO_KEY: &str = "bucket_no_key";
/// What the keyring has is none.
const BAD_KEY: &str = "bucket_bad_key";
/// The keyring does not tell.
const NO_KEYRING: &str = "bucket_keyring_unavailable";
/// What the database says of its place cannot be used.
const BAD_PLACE: &str = "bucket_setting";

/// An open bucket, and with what it was opened.
pub(super) struct Opened {
    place: Place,
    secret: Secret,
    pub bucket: Bucket,
}

impl Opened {
    /// Sees to it that `open` is the bucket of the setting. `true` when it was opened anew.
    pub async fn with(office: &Office, setting: &BucketSetting, open: &mut Option<Self>) -> Result<bool, &'static str> {
        let place = Place::parse(&setting.endpoint, &setting.bucket, &setting.region).map_err(|_| BAD_PLACE)?;
        let secret = match secret(office).await {
            Ok(secret) => secret,
            Err(problem) => {
                *open = None;
                return Err(problem);
            }
        };
        if open.as_ref().is_some_and(|open| open.place == place && open.secret == secret) {
            return Ok(false);
        }
        let key = BucketKey::parse(secret.expose()).map_err(|_| BAD_KEY)?;
        let bucket = Bucket::open(&place, &key, Timing::default()).map_err(|trouble| trouble.code())?;
        *open = Some(Self { place, secret, bucket });
        Ok(true)
    }
}

async fn secret(office: &Office) -> Result<Secret, &'static str> {
    match office.setup.keychain.get(&names::bucket_key(&office.setup.profile_id)).await {
        Ok(Some(secret)) => Ok(secret),
        Ok(None) => Err(NO_KEY),
        Err(_) => Err(NO_KEYRING),
    }
}

/// Nothing is there any more that it could open.
pub(super) async fn forget_key(office: &Office) {
    if let Err(error) = office.setup.keychain.delete(&names::bucket_key(&office.setup.profile_id)).await {
        tracing::warn!(%error, "the key of a bucket that is not used any more stays in the keyring");
    }
}
