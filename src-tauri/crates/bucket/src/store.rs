//! Putting, reading and deleting. An object is put in one piece: the largest file of a message is far below what storage takes
//! at once, and so there is never half of one.

use std::fmt;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload, RetryConfig};
use tokio::time::timeout;

use crate::carrier::Carrier;
use crate::key::BucketKey;
use crate::place::Place;
use crate::trouble::Trouble;

/// Largest object that is read: no file of a message is as large.
const MOST_BYTES: usize = 160 * 1024 * 1024;

/// How long is waited.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// For a connection.
    pub connect: Duration,
    /// For an answer, besides what its bytes take.
    pub answer: Duration,
    /// Bytes of a second on the slowest line that is put up with.
    pub slowest: usize,
}

impl Default for Timing {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), answer: Duration::from_secs(30), slowest: 32 * 1024 }
    }
}

/// A bucket, with the key that opens it. Nothing is asked before something is wanted. Clones are the same one.
#[derive(Clone)]
pub struct Bucket {
    store: AmazonS3,
    pub(crate) place: Place,
    pub(crate) timing: Timing,
}

impl Bucket {
    /// Prepares to ask.
    ///
    /// # Errors
    /// [`Trouble::Setting`] where this computer cannot ask at all.
    pub fn open(place: &Place, key: &BucketKey, timing: Timing) -> Result<Self, Trouble> {
        let store = AmazonS3Builder::new()
            .with_endpoint(place.endpoint())
            .with_allow_http(place.is_here())
            .with_bucket_name(&place.bucket)
            .with_region(&place.region)
            .with_access_key_id(key.id())
            .with_secret_access_key(key.secret())
            .with_http_connector(Carrier::to(place, timing.connect, MOST_BYTES)?)
            // Not everybody has the call that deletes many.
            .with_disable_bulk_delete(true)
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
            .build()
            .map_err(|_| Trouble::Setting)?;
        Ok(Self { store, place: place.clone(), timing })
    }

    /// Puts an object, in place of one of this name.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn put(&self, name: &str, object: Vec<u8>) -> Result<(), Trouble> {
        let patience = self.patience(object.len());
        self.within(patience, self.store.put(&path(name), PutPayload::from(object))).await.map(drop)
    }

    /// Reads an object of about so many bytes.
    ///
    /// # Errors
    /// [`Trouble`], [`Trouble::NoObject`] among them.
    pub async fn get(&self, name: &str, about_bytes: usize) -> Result<Vec<u8>, Trouble> {
        let reading = async { self.store.get(&path(name)).await?.bytes().await };
        self.within(self.patience(about_bytes), reading).await.map(Vec::from)
    }

    /// Deletes an object. That there is none is as good.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn delete(&self, name: &str) -> Result<(), Trouble> {
        match self.within(self.patience(0), self.store.delete(&path(name))).await {
            Err(Trouble::NoObject) => Ok(()),
            answer => answer,
        }
    }

    fn patience(&self, bytes: usize) -> Duration {
        self.timing.answer + Duration::from_secs((bytes / self.timing.slowest.max(1)) as u64)
    }

    async fn within<T>(
        &self,
        patience: Duration,
        asking: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, Trouble> {
        match timeout(patience, asking).await {
            Ok(answer) => answer.map_err(|error| Trouble::found_in(&error)),
            Err(_) => Err(Trouble::TooSlow),
        }
    }
}

fn path(name: &str) -> Path {
    Path::from(name)
}

/// Shows where it is and not what opens it.
impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({} at {})", self.place.bucket, self.place.host())
    }
}
