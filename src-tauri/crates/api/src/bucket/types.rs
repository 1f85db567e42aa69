//! What is asked and told about the bucket with files of messages.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where files of messages are, besides the clinic's database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Storage {
    /// Whether who works here may do the background work, and so needs the key on this computer.
    pub may_work: bool,
    /// The bucket; absent while all files are in the database.
    pub bucket: Option<BucketDetails>,
    /// The bucket's key on this computer: here, missing, or unknown where the keyring does not tell.
    pub key: String,
}

/// A bucket that is used, and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BucketDetails {
    /// As it is to be.
    pub wish: BucketWish,
    /// Since when everything comes back, to be forgotten then.
    pub emptying_since: Option<DateTime<Utc>>,
    /// What stands between the clinic and its bucket.
    pub problem: Option<String>,
    /// Since when.
    pub problem_since: Option<DateTime<Utc>>,
    /// Files that are there.
    pub files: f64,
    /// Their bytes.
    pub bytes: f64,
    /// Files that are to go there now.
    pub leaving: f64,
    /// Files that somebody waits for.
    pub wanted: f64,
    /// Files that something is wrong with: they are tried again.
    pub failing: f64,
    /// Objects of files that are gone, still to be deleted there.
    pub deleting: f64,
}

/// A bucket as it is to be. Nothing of it is a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BucketWish {
    /// Address of the server, https:// and its name.
    pub endpoint: String,
    /// Name of the bucket.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// After how many days files go there, 0 to 3,650.
    pub after_days: u32,
}

/// What opens a bucket; goes to the keyring of this computer and nowhere else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BucketKeys {
    /// Id of the key.
    pub key_id: String,
    /// Its secret.
    pub secret: String,
}

/// Shows no key.
impl fmt::Debug for BucketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BucketKeys(…)")
    }
}

/// Uses a bucket, or changes after how many days files go there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct UseBucket {
    /// As it is to be.
    pub wish: BucketWish,
    /// What opens it; absent, what this computer has stays.
    pub keys: Option<BucketKeys>,
}

/// Keeps the key of the bucket on this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct KeepBucketKeys {
    /// What opens it.
    pub keys: BucketKeys,
}

/// What was given up with a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AbandonedBucket {
    /// Files that were nowhere else.
    pub lost: f64,
}

/// Tries a bucket out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TryBucket {
    /// As it is to be.
    pub wish: BucketWish,
    /// What opens it; absent, what this computer has.
    pub keys: Option<BucketKeys>,
}

/// How far the trying of a bucket is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BucketTrial {
    /// Whether it is still under way.
    pub is_running: bool,
    /// Name, tls, key, write, read, delete, in this order; empty before the first trial.
    pub steps: Vec<BucketTrialStep>,
}

/// One step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BucketTrialStep {
    /// name, tls, key, write, read or delete.
    pub step: String,
    /// waiting, running, ok, failed or not_reached.
    pub state: String,
    /// What is wrong, when it failed.
    pub code: Option<String>,
    /// The host, or how the line is protected: system, loopback.
    pub seen: Option<String>,
}
