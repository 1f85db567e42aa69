//! What can go wrong with the copy.

/// An error of the copy. None of them holds patient data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file was written by a newer version of the program.
    #[error("the copy on this computer was written by a newer version of the program")]
    Newer,
    /// The file cannot be read: damaged, or its key is another one.
    #[error("the copy on this computer is damaged or its key is another one")]
    Damaged,
    /// No room left.
    #[error("the disk is full")]
    DiskFull,
    /// The folder or the file cannot be written.
    #[error("the copy on this computer cannot be written: {0}")]
    NotWritable(std::io::ErrorKind),
    /// A row was asked for that is not in the copy.
    #[error("there is no such row in the copy")]
    NotFound,
    /// A value of the wrong shape: a mistake in the program, or a server that is newer than it.
    #[error("the column {0} got a value of the wrong shape")]
    Shape(String),
    /// Anything else the engine said, by its number.
    #[error("the copy's engine answered with code {0}")]
    Engine(String),
}

impl Error {
    /// Whether trying again cannot help.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::DiskFull | Self::Engine(_))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::Io(io) => Self::NotWritable(io.kind()),
            sqlx::Error::Database(database) => {
                // The low byte of an extended result code is the primary one.
                let code = database.code().and_then(|code| code.parse::<i32>().ok());
                match code.map(|code| code & 0xff) {
                    // What cannot be read from the disk, or is shorter than it says, is as lost as what is damaged.
                    _ if matches!(code, Some(266 | 522 | 8202 | 8458)) => Self::Damaged,
                    // A connection that has met a page it cannot decrypt says from then on that it has no memory.
                    Some(7) => Self::Damaged,
                    // The index of the write-ahead log could not grow: the disk is as full as when a page could not.
                    _ if code == Some(4874) => Self::DiskFull,
                    Some(11 | 26) => Self::Damaged,
                    Some(13) => Self::DiskFull,
                    Some(8 | 14) => Self::NotWritable(std::io::ErrorKind::PermissionDenied),
                    _ => Self::Engine(code.map_or_else(|| "unknown".to_owned(), |code| code.to_string())),
                }
            }
            other => Self::Engine(
                match other {
                    sqlx::Error::PoolTimedOut => "pool_timed_out",
                    sqlx::Error::PoolClosed => "closed",
                    sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => "decode",
                    _ => "other",
                }
                .to_owned(),
            ),
        }
    }
}
