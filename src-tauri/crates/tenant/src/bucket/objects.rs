//! Files on their way to the bucket and back, and objects that are to be deleted: what the background work reads and writes down.
//! What changes anything is refused once another computer has begun.

use std::fmt;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::connect::{LARGE_ANSWER, answered, within};
use crate::lease::Fence;
use crate::media;
use crate::{Error, Result, Tenant};

/// A file and its object.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaObject {
    /// The row of the file.
    pub media: Uuid,
    /// The random part of the object's name.
    pub object: Uuid,
    /// What the file is sealed with.
    pub key: Vec<u8>,
    /// Its size.
    pub size_bytes: usize,
    /// Tries before this one.
    pub tries: u32,
    /// Its pieces are in the database, too.
    pub is_here: bool,
    sha256: Option<Vec<u8>>,
}

impl MediaObject {
    /// Whether these are the bytes of the file.
    pub fn is(&self, bytes: &[u8]) -> bool {
        let digest = || Sha256::digest(bytes);
        bytes.len() == self.size_bytes && self.sha256.as_deref().is_none_or(|stored| stored == &digest()[..])
    }

    fn of(row: &PgRow) -> Result<Self> {
        Ok(Self {
            media: row.try_get("media_id")?,
            object: row.try_get("object_id")?,
            key: row.try_get("key")?,
            size_bytes: usize::try_from(row.try_get::<i64, _>("size_bytes")?).map_err(|_| Error::Protocol)?,
            tries: u32::try_from(row.try_get::<i32, _>("tries")?).unwrap_or_default(),
            is_here: row.try_get("is_here")?,
            sha256: row.try_get("sha256")?,
        })
    }
}

/// Without its key.
impl fmt::Debug for MediaObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaObject").field("media", &self.media).field("object", &self.object).finish_non_exhaustive()
    }
}

impl Tenant {
    /// The next file that is to come back: what somebody waits for first, and everything where the bucket is being emptied. One that
    /// was refused stands behind those that were not asked for yet.
    ///
    /// # Errors
    /// As any statement.
    pub async fn object_to_bring(&self) -> Result<Option<MediaObject>> {
        self.object(
            "select o.media_id, o.object_id, o.key, o.tries, o.brought_at is not null as is_here, f.size_bytes, f.sha256
             from app.media_objects o
             join app.buckets b on b.clinic_id = o.clinic_id
             join app.media f on f.clinic_id = o.clinic_id and f.id = o.media_id
             where o.clinic_id = (select id from app.own_clinic) and o.moved_at is not null
               and o.next_try_at <= clock_timestamp()
               and (o.wanted_at is not null or b.emptying_since is not null)
             order by o.wanted_at is null, o.next_try_at, o.media_id limit 1",
        )
        .await
    }

    /// The next file that is to go there: for the first time, or again after it was brought back, for as long as files stay here and
    /// a day at least. Nobody knows whether its object is still what it was, so it is put there anew and read back.
    ///
    /// # Errors
    /// As any statement.
    pub async fn object_to_move(&self) -> Result<Option<MediaObject>> {
        self.object(
            "select o.media_id, o.object_id, o.key, o.tries, true as is_here, f.size_bytes, f.sha256
             from ((select o.* from app.media_objects o
                    where o.clinic_id = (select id from app.own_clinic) and o.moved_at is null
                      and o.next_try_at <= clock_timestamp()
                    order by o.next_try_at, o.media_id limit 1)
                   union all
                   (select o.* from app.media_objects o join app.buckets b on b.clinic_id = o.clinic_id
                    where o.clinic_id = (select id from app.own_clinic)
                      and o.brought_at <= clock_timestamp() - make_interval(days => greatest(b.after_days, 1))
                      and o.next_try_at <= clock_timestamp()
                    order by o.next_try_at, o.media_id limit 1)) o
             join app.media f on f.clinic_id = o.clinic_id and f.id = o.media_id
             order by o.next_try_at, o.media_id limit 1",
        )
        .await
    }

    async fn object(&self, sql: &'static str) -> Result<Option<MediaObject>> {
        let row = self.ask(async |connection| answered(sqlx::query(sql).fetch_optional(connection)).await).await?;
        row.as_ref().map(MediaObject::of).transpose()
    }

    /// The next object that is to be deleted, and how often that was tried.
    ///
    /// # Errors
    /// As any statement.
    pub async fn object_to_delete(&self) -> Result<Option<(Uuid, u32)>> {
        let question = sqlx::query(
            "select object_id, tries from app.objects_gone
             where clinic_id = (select id from app.own_clinic) and next_try_at <= clock_timestamp()
             order by next_try_at, object_id limit 1",
        );
        let row = self.ask(async |connection| answered(question.fetch_optional(connection)).await).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some((row.try_get("object_id")?, u32::try_from(row.try_get::<i32, _>("tries")?).unwrap_or_default())))
    }

    /// The bytes of a file whose pieces are here. Each piece is asked for by itself, so that others come in between.
    ///
    /// # Errors
    /// As any statement.
    pub async fn media_bytes(&self, file: &MediaObject) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(file.size_bytes);
        for place in 0_i32.. {
            let piece = self.ask(async |connection| media::piece(connection, file.media, place).await).await?;
            let Some(piece) = piece else { break };
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// Puts down which files go next to this bucket, one for each key at most. Returns how many: none where the clinic's bucket is
    /// another one by now.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]; else as any statement.
    pub async fn begin_moving(&self, fence: Fence, bucket: Uuid, keys: &[Vec<u8>]) -> Result<u64> {
        self.under(fence, async |transaction| {
            let question = sqlx::query_scalar("select app.begin_moving($1, $2)").bind(bucket).bind(keys);
            count(within(LARGE_ANSWER, question.fetch_one(transaction)).await?)
        })
        .await
    }

    /// What is in this bucket was read back and is the file: its pieces go from here. `false` where the file has gone meanwhile; then
    /// the object is to be deleted; and where the clinic's bucket is another one by now.
    ///
    /// # Errors
    /// As [`Tenant::begin_moving`].
    pub async fn object_moved(&self, fence: Fence, bucket: Uuid, file: &MediaObject) -> Result<bool> {
        self.under(fence, async |transaction| {
            let question = sqlx::query_scalar("select app.object_moved($1, $2, $3)");
            let question = question.bind(bucket).bind(file.media).bind(file.object);
            within(LARGE_ANSWER, question.fetch_one(transaction)).await
        })
        .await
    }

    /// Brings the bytes of a file here again; none where its pieces are here. `false` where it has gone meanwhile.
    ///
    /// # Errors
    /// As [`Tenant::begin_moving`].
    pub async fn object_brought(&self, fence: Fence, file: &MediaObject, bytes: &[u8]) -> Result<bool> {
        if !self.put_pieces(fence, file.media, bytes).await? {
            return Ok(false);
        }
        self.under(fence, async |transaction| {
            let question = sqlx::query_scalar("select app.object_brought($1, $2)").bind(file.media).bind(file.object);
            within(LARGE_ANSWER, question.fetch_one(transaction)).await
        })
        .await
    }

    /// A try with a file came to nothing: it waits for so long. Where it is still wanted it is tried again then, else when somebody
    /// wants it again.
    ///
    /// # Errors
    /// As [`Tenant::begin_moving`].
    pub async fn object_failed(
        &self,
        fence: Fence,
        media: Uuid,
        problem: &str,
        wait: Duration,
        still_wanted: bool,
    ) -> Result<()> {
        self.under(fence, async |transaction| {
            let word = sqlx::query("select app.object_failed($1, $2, $3, $4)");
            let word = word.bind(media).bind(problem).bind(wait.as_secs_f64()).bind(still_wanted);
            answered(word.execute(transaction)).await.map(drop)
        })
        .await
    }

    /// What became of the deleting of an object: it is gone, or what stood in the way, and for how long it waits.
    ///
    /// # Errors
    /// As [`Tenant::begin_moving`].
    pub async fn object_deleted(&self, fence: Fence, object: Uuid, failed: Option<(&str, Duration)>) -> Result<()> {
        self.under(fence, async |transaction| {
            let word = sqlx::query("select app.object_deleted($1, $2, $3)").bind(object);
            let word = word.bind(failed.map(|(problem, _)| problem)).bind(failed.map(|(_, wait)| wait.as_secs_f64()));
            answered(word.execute(transaction)).await.map(drop)
        })
        .await
    }

    /// Writes down what stands between the clinic and its bucket, and whether files that are there come back all the same; `None`
    /// when nothing does.
    ///
    /// # Errors
    /// As [`Tenant::begin_moving`].
    pub async fn note_bucket(&self, fence: Fence, problem: Option<&str>, still_read: bool) -> Result<()> {
        self.under(fence, async |transaction| {
            let word = sqlx::query("select app.note_bucket($1, $2)").bind(problem).bind(still_read);
            answered(word.execute(transaction)).await.map(drop)
        })
        .await
    }

    /// Forgets a bucket that was emptied. `false` while something is there.
    ///
    /// # Errors
    /// As [`Tenant::begin_moving`].
    pub async fn forget_bucket(&self, fence: Fence) -> Result<bool> {
        self.under(fence, async |transaction| {
            answered(sqlx::query_scalar("select app.forget_bucket()").fetch_one(transaction)).await
        })
        .await
    }
}

fn count(rows: i64) -> Result<u64> {
    u64::try_from(rows).map_err(|_| Error::Protocol)
}
