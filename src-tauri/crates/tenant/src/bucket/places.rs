//! Where the bytes of a message's file are, for a desk that wants to see it.

use std::time::{Duration, Instant};

use sqlx::PgConnection;
use tokio::time::sleep;
use uuid::Uuid;

use crate::connect::answered;
use crate::{Error, Result, Tenant};

const WANT: &str = "select app.want_media($1)";
const LOOK_FOR: &str = "select app.media_place($1)";

/// For how long one file is waited for.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// It is on its way, for all that is known.
const LATE: &str = "media_late";

/// Where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaPlace {
    /// In the database.
    Here,
    /// In the bucket, and nobody has said that it is wanted.
    Away,
    /// In the bucket; somebody waits for it.
    Wanted,
    /// In the bucket, and by this name something stands in the way: nobody does the background work
    /// (`media_nobody`), or what is wrong with the bucket or with the file.
    Stuck(String),
}

impl Tenant {
    /// Where the file of a message is; `None` where the clinic does not have it.
    ///
    /// # Errors
    /// [`crate::Error::NotPermitted`] for a role that reads no messages.
    pub async fn media_place(&self, message: Uuid) -> Result<Option<MediaPlace>> {
        self.place(message, LOOK_FOR).await
    }

    /// Wants the file of a message brought here, where it is away, and says where it is. Still away, too many are waited for: it is
    /// to be wanted again.
    ///
    /// # Errors
    /// As [`Tenant::media_place`].
    pub async fn want_media(&self, message: Uuid) -> Result<Option<MediaPlace>> {
        self.place(message, WANT).await
    }

    async fn place(&self, message: Uuid, sql: &'static str) -> Result<Option<MediaPlace>> {
        self.ask(async |connection| place(connection, message, sql).await).await
    }
}

async fn place(connection: &mut PgConnection, message: Uuid, sql: &'static str) -> Result<Option<MediaPlace>> {
    let said: Option<String> = answered(sqlx::query_scalar(sql).bind(message).fetch_one(connection)).await?;
    Ok(said.map(|said| match said.as_str() {
        "here" => MediaPlace::Here,
        "away" => MediaPlace::Away,
        "wanted" => MediaPlace::Wanted,
        _ => MediaPlace::Stuck(said),
    }))
}

/// Has the file of a message brought here, where it is away, and waits for it. Says what stands in the way where it does not come;
/// `media_late` where nothing is known to.
pub(crate) async fn bring(connection: &mut PgConnection, message: Uuid) -> std::result::Result<(), Away> {
    let since = Instant::now();
    let mut found = place(connection, message, WANT).await?;
    loop {
        let question = match found {
            None | Some(MediaPlace::Here) => return Ok(()),
            Some(MediaPlace::Stuck(code)) => return Err(Away::Stuck(code)),
            Some(_) if since.elapsed() > PATIENCE => return Err(Away::Stuck(LATE.to_owned())),
            Some(MediaPlace::Away) => WANT,
            // Once it was tried in vain it is not wanted any more, and it is to be heard why.
            Some(MediaPlace::Wanted) => LOOK_FOR,
        };
        sleep(LOOK).await;
        found = place(connection, message, question).await?;
    }
}

/// Why a file is not brought.
pub(crate) enum Away {
    /// The database did not tell.
    Database(Error),
    /// By this name something stands in the way.
    Stuck(String),
}

impl From<Error> for Away {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}
