//! The bucket of a clinic, where files of its messages may be instead of here: which one it is, and how it stands. What is done
//! with objects is in [`objects`]; which files are wanted back, in [`places`].

mod objects;
mod places;

use chrono::{DateTime, Utc};
use sqlx::Row as _;
use uuid::Uuid;

use crate::connect::{LARGE_ANSWER, answered, within};
use crate::{Error, Result, Tenant};

pub use objects::MediaObject;
pub use places::MediaPlace;
pub(crate) use places::{Away, bring};

/// A bucket that is used. What opens it is in keyrings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSetting {
    /// What the names of its objects begin with.
    pub id: Uuid,
    /// Address of the server.
    pub endpoint: String,
    /// Its name there.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// After how many days files go there.
    pub after_days: u32,
    /// Since when everything comes back, and nothing goes there any more.
    pub emptying_since: Option<DateTime<Utc>>,
    /// Stable name of what stands in the way.
    pub problem: Option<String>,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketState {
    /// Which one.
    pub setting: BucketSetting,
    /// Since when something stands in the way.
    pub problem_since: Option<DateTime<Utc>>,
    /// Files that are there.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are to go there.
    pub leaving: u64,
    /// Files that somebody waits for.
    pub wanted: u64,
    /// Files that something is wrong with.
    pub failing: u64,
    /// Objects that are to be deleted.
    pub deleting: u64,
}

impl Tenant {
    /// The bucket of the clinic, if it has one.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for everybody but owner, admins and the background work.
    pub async fn bucket(&self) -> Result<Option<BucketSetting>> {
        let question = sqlx::query(
            "select id, endpoint, bucket, region, after_days, emptying_since, problem from app.buckets
             where clinic_id = (select id from app.own_clinic)",
        );
        let row = self.ask(async |connection| answered(question.fetch_optional(connection)).await).await?;
        row.as_ref().map(setting).transpose()
    }

    /// How it stands.
    ///
    /// # Errors
    /// As [`Tenant::bucket`].
    pub async fn bucket_state(&self) -> Result<Option<BucketState>> {
        let question = sqlx::query("select * from app.bucket_state()");
        let row = self.ask(async |connection| within(LARGE_ANSWER, question.fetch_optional(connection)).await).await?;
        let Some(row) = row else { return Ok(None) };
        let count = |name| u64::try_from(row.try_get::<i64, _>(name)?).map_err(|_| Error::Protocol);
        Ok(Some(BucketState {
            setting: setting(&row)?,
            problem_since: row.try_get("problem_since")?,
            files: count("files")?,
            bytes: count("bytes")?,
            leaving: count("leaving")?,
            wanted: count("wanted")?,
            failing: count("failing")?,
            deleting: count("deleting")?,
        }))
    }

    /// Uses a bucket, or says anew after how many days files go there.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for everybody but owner and admins; [`Error::Constraint`] `buckets_in_use` while files are in
    /// another one.
    pub async fn use_bucket(&self, endpoint: &str, bucket: &str, region: &str, after_days: u32) -> Result<Uuid> {
        let question = sqlx::query_scalar("select app.use_bucket($1, $2, $3, $4)")
            .bind(endpoint)
            .bind(bucket)
            .bind(region)
            .bind(i32::try_from(after_days).unwrap_or(i32::MAX));
        self.ask(async |connection| answered(question.fetch_one(connection)).await).await
    }

    /// Has everything brought back; then the bucket is forgotten. `false` where there is none.
    ///
    /// # Errors
    /// As [`Tenant::use_bucket`].
    pub async fn empty_bucket(&self) -> Result<bool> {
        let question = sqlx::query_scalar("select app.empty_bucket()");
        self.ask(async |connection| within(LARGE_ANSWER, question.fetch_one(connection)).await).await
    }

    /// Gives up a bucket that is lost, with the files that are nowhere else. Returns how many those are. The database does it step by
    /// step: left half-way, what was not given up comes back.
    ///
    /// # Errors
    /// As [`Tenant::use_bucket`].
    pub async fn abandon_bucket(&self) -> Result<u64> {
        let mut lost = 0;
        loop {
            let question = sqlx::query("select lost, is_over from app.abandon_bucket()");
            let row = self.ask(async |connection| within(LARGE_ANSWER, question.fetch_one(connection)).await).await?;
            lost += u64::try_from(row.try_get::<i64, _>("lost")?).map_err(|_| Error::Protocol)?;
            if row.try_get("is_over")? {
                return Ok(lost);
            }
        }
    }
}

fn setting(row: &sqlx::postgres::PgRow) -> Result<BucketSetting> {
    Ok(BucketSetting {
        id: row.try_get("id")?,
        endpoint: row.try_get("endpoint")?,
        bucket: row.try_get("bucket")?,
        region: row.try_get("region")?,
        after_days: u32::try_from(row.try_get::<i32, _>("after_days")?).map_err(|_| Error::Protocol)?,
        emptying_since: row.try_get("emptying_since")?,
        problem: row.try_get("problem")?,
    })
}
