//! Files beside an answer that was not sent, and what is being spoken: part of a draft, on this computer only.
//!
//! A file comes in pieces, each safe when it was taken. What was spoken is worth as much as there is of it; of any other file
//! the whole or nothing. There is room for [`MOST_ATTACHED_BYTES`] over all threads: the files that came first make room for
//! later ones, and their names stay so that somebody is told.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::{Cache, Error, Result};

/// Room for files that were not sent, over all threads: somewhat more than the ten largest ones that go together.
pub const MOST_ATTACHED_BYTES: i64 = 384 * 1024 * 1024;

/// What is known of a file beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The file.
    pub id: Uuid,
    /// Beside which thread's answer.
    pub conversation: Uuid,
    /// Its name.
    pub file_name: String,
    /// What its window takes it for.
    pub mime_type: String,
    /// What is known of a recording, as a JSON object; `None` of any other file.
    pub voice: Option<String>,
    /// Whether all of its pieces came.
    pub whole: bool,
}

/// A file as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedFile {
    /// What is known of it.
    pub about: Attached,
    /// Bytes that came.
    pub size_bytes: i64,
    /// Bytes that are there: none after it had to make room, fewer than came after damage.
    pub kept_bytes: i64,
}

/// A piece of a file, with what is known of the file by now.
#[derive(Clone)]
pub struct AttachedPiece {
    /// The file.
    pub of: Attached,
    /// Which piece: 0 begins the file.
    pub number: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A file with all of its pieces that are left.
#[derive(Clone, PartialEq, Eq)]
struct AttachedWhole {
    place: i64,
    file: AttachedFile,
    pieces: Vec<(i64, Vec<u8>)>,
}

macro_rules! files {
    ($rest:literal) => {
        concat!(
            "select place, id, conversation_id, file_name, mime_type, voice, whole, size_bytes,
                 (select coalesce(sum(length(bytes)), 0) from attached_pieces where file_id = attached.id) from attached ",
            $rest
        )
    };
}

/// Without a look at their bytes: a page of one that cannot be read would take the names of the others along.
pub(crate) const ALL: &str =
    "select place, id, conversation_id, file_name, mime_type, voice, whole, size_bytes, 0 from attached order by place";
/// Of one of them: where it is damaged, the others are not.
pub(crate) const PIECES: &str = "select file_id, number, bytes from attached_pieces where file_id = ? order by number";

impl Cache {
    /// Takes a piece of a file, safe when this returns. One that was taken already is not taken twice.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the file was not begun, or is gone by now.
    pub async fn keep_attached(&self, piece: AttachedPiece) -> Result<()> {
        self.keep_attached_within(piece, MOST_ATTACHED_BYTES).await
    }

    async fn keep_attached_within(&self, piece: AttachedPiece, most: i64) -> Result<()> {
        let mut transaction = self.begin().await?;
        let AttachedPiece { of, number, bytes } = piece;
        if number == 0 {
            sqlx::query(
                "insert or ignore into attached (id, conversation_id, file_name, mime_type, voice, whole, size_bytes)
                 values (?, ?, ?, ?, ?, 0, 0)",
            )
            .bind(of.id)
            .bind(of.conversation)
            .bind(of.file_name)
            .bind(of.mime_type)
            .bind(of.voice.clone())
            .execute(&mut *transaction)
            .await?;
        }
        let size = bytes.len() as i64;
        let known: Option<i64> = sqlx::query_scalar("select place from attached where id = ?")
            .bind(of.id)
            .fetch_optional(&mut *transaction)
            .await?;
        let place = known.ok_or(Error::NotFound)?;
        let taken = sqlx::query("insert or ignore into attached_pieces (file_id, number, bytes) values (?, ?, ?)")
            .bind(of.id)
            .bind(number)
            .bind(bytes)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("update attached set voice = ?, whole = whole or ?, size_bytes = size_bytes + ? where place = ?")
            .bind(of.voice)
            .bind(of.whole)
            .bind(if taken.rows_affected() > 0 { size } else { 0 })
            .bind(place)
            .execute(&mut *transaction)
            .await?;
        make_room(&mut transaction, place, most).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Files beside the answer of a thread, in the order in which they came.
    pub async fn attached(&self, conversation: Uuid) -> Result<Vec<AttachedFile>> {
        let files = sqlx::query(files!("where conversation_id = ? order by place")).bind(conversation);
        files.fetch_all(self.readers()).await?.iter().map(|row| Ok(read(row)?.1)).collect()
    }

    /// One of them, with the bytes that are there.
    pub async fn attached_file(&self, id: Uuid) -> Result<(AttachedFile, Vec<u8>)> {
        let mut reading = self.readers().begin().await?;
        let row = sqlx::query(files!("where id = ?")).bind(id).fetch_optional(&mut *reading).await?;
        let (_, file) = read(&row.ok_or(Error::NotFound)?)?;
        let pieces: Vec<Vec<u8>> =
            sqlx::query_scalar("select bytes from attached_pieces where file_id = ? order by number")
                .bind(id)
                .fetch_all(&mut *reading)
                .await?;
        Ok((file, pieces.concat()))
    }

    /// Nobody is going to send it.
    pub async fn drop_attached(&self, id: Uuid) -> Result<()> {
        let mut transaction = self.begin().await?;
        remove(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// All of them, for a copy that is made anew.
    pub async fn all_attached(&self) -> Result<AllAttached> {
        let mut reading = self.readers().begin().await?;
        let files = sqlx::query(ALL).fetch_all(&mut *reading).await?;
        let all_pieces = "select file_id, number, bytes from attached_pieces order by file_id, number";
        let pieces = sqlx::query(all_pieces).fetch_all(&mut *reading).await?;
        Ok(AllAttached::of(&files, &pieces))
    }

    /// Takes them over, all or none.
    pub async fn take_over_attached(&self, all: &AllAttached) -> Result<()> {
        let mut transaction = self.begin().await?;
        for AttachedWhole { place, file, pieces } in &all.0 {
            let Attached { id, conversation, file_name, mime_type, voice, whole } = &file.about;
            sqlx::query(
                "insert or ignore into attached (place, id, conversation_id, file_name, mime_type, voice, whole, size_bytes)
                 values (?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(*place)
            .bind(*id)
            .bind(*conversation)
            .bind(file_name.clone())
            .bind(mime_type.clone())
            .bind(voice.clone())
            .bind(*whole)
            .bind(file.size_bytes)
            .execute(&mut *transaction)
            .await?;
            for (number, bytes) in pieces {
                sqlx::query(
                    "insert or ignore into attached_pieces (file_id, number, bytes)
                     select ?1, ?2, ?3 where exists (select 1 from attached where id = ?1)",
                )
                .bind(*id)
                .bind(*number)
                .bind(bytes.clone())
                .execute(&mut *transaction)
                .await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Every file that was not sent, with its bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AllAttached(Vec<AttachedWhole>);

impl AllAttached {
    /// What rows of [`ALL`] and [`PIECES`] say, as far as they can be read.
    pub(crate) fn of(files: &[SqliteRow], pieces: &[SqliteRow]) -> Self {
        let mut all: Vec<_> = files
            .iter()
            .filter_map(|row| read(row).ok())
            .map(|(place, file)| AttachedWhole { place, file, pieces: Vec::new() })
            .collect();
        for row in pieces {
            let piece = || Some((row.try_get::<Uuid, _>(0).ok()?, row.try_get(1).ok()?, row.try_get(2).ok()?));
            let Some((id, number, bytes)) = piece() else { continue };
            if let Some(of) = all.iter_mut().find(|each| each.file.about.id == id) {
                of.pieces.push((number, bytes));
            }
        }
        Self(all)
    }
}

/// Takes a file out of a draft.
pub(crate) async fn remove(connection: &mut SqliteConnection, id: Uuid) -> Result<()> {
    sqlx::query("delete from attached where id = ?").bind(id).execute(connection).await?;
    Ok(())
}

/// The bytes of the files that came first go until the rest has room. The one that is being taken stays.
async fn make_room(connection: &mut SqliteConnection, taking: i64, most: i64) -> Result<()> {
    sqlx::query(
        "delete from attached_pieces where file_id in (
             select id from (
                 select id, place, sum(kept) over (order by place = ?1 desc, place desc) as together from (
                     select id, place, (select sum(length(bytes)) from attached_pieces where file_id = attached.id) as kept
                     from attached))
             where together > ?2 and place <> ?1)",
    )
    .bind(taking)
    .bind(most)
    .execute(connection)
    .await?;
    Ok(())
}

/// A file, and its place among all.
fn read(row: &SqliteRow) -> Result<(i64, AttachedFile)> {
    let about = Attached {
        id: row.try_get(1)?,
        conversation: row.try_get(2)?,
        file_name: row.try_get(3)?,
        mime_type: row.try_get(4)?,
        voice: row.try_get(5)?,
        whole: row.try_get(6)?,
    };
    Ok((row.try_get(0)?, AttachedFile { about, size_bytes: row.try_get(7)?, kept_bytes: row.try_get(8)? }))
}

/// Without what is in it.
impl std::fmt::Debug for AttachedPiece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AttachedPiece({} of {}, {} bytes)", self.number, self.of.id, self.bytes.len())
    }
}

/// As above.
impl std::fmt::Debug for AllAttached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AllAttached({} files)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use balcao_domain::clock::Clock;
    use chrono::DateTime;

    use super::*;
    use crate::Key;

    #[tokio::test]
    async fn what_came_first_makes_room_and_is_still_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(DateTime::from_timestamp(1_795_000_000, 0).unwrap());
        let cache = Cache::open(&folder.path().join("copy.db"), &Key::new([7; 32]), clock).await.unwrap().cache;
        let piece = |file: u128, number, size| AttachedPiece {
            of: Attached {
                id: Uuid::from_u128(file),
                conversation: Uuid::from_u128(1),
                file_name: format!("{file}.pdf"),
                mime_type: "application/pdf".to_owned(),
                voice: None,
                whole: true,
            },
            number,
            bytes: vec![7; size],
        };
        for taken in [piece(10, 0, 40), piece(11, 0, 40), piece(12, 0, 20), piece(11, 1, 20)] {
            cache.keep_attached_within(taken, 100).await.unwrap();
        }
        let kept = async || {
            let files = cache.attached(Uuid::from_u128(1)).await.unwrap();
            files.iter().map(|file| (file.size_bytes, file.kept_bytes)).collect::<Vec<_>>()
        };
        assert_eq!(kept().await, [(40, 0), (60, 60), (20, 20)], "the first had to go, and its name stays");
        cache.keep_attached_within(piece(11, 2, 500), 100).await.unwrap();
        assert_eq!(kept().await, [(40, 0), (560, 560), (20, 0)], "what is being taken stays, whatever it is");
    }
}
