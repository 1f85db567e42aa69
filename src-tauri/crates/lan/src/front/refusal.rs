//! What a desk is told that may not come in, in PostgreSQL's own words, so that its driver knows what it means.

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It began in plain text.
    PlainText,
    /// Its login is none of a clinic's, or it asks for what desks do not need.
    NotAdmitted,
    /// No place is free.
    Full,
    /// The embedded server is not there.
    NoDatabase,
    /// What came is not PostgreSQL's protocol.
    NotUnderstood,
}

impl Refusal {
    /// An `ErrorResponse`. The routine tells drivers apart what one code means.
    pub(super) fn message(self) -> Vec<u8> {
        let (code, routine, text) = match self {
            Self::PlainText => {
                ("28000", "ClientAuthentication", "this server is reached over TLS 1.3 only (sslmode=verify-full)")
            }
            Self::NotAdmitted => {
                ("28000", "ClientAuthentication", "this server admits only the logins of a clinic's computers")
            }
            Self::Full => ("53300", "InitProcess", "sorry, too many connections from the network"),
            Self::NoDatabase => ("57P03", "ProcessStartupPacket", "the clinic's database is starting or stopped"),
            Self::NotUnderstood => ("08P01", "ProcessStartupPacket", "invalid startup packet"),
        };
        let mut body = Vec::with_capacity(128);
        for (field, value) in [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', code), (b'M', text), (b'R', routine)] {
            body.push(field);
            body.extend_from_slice(value.as_bytes());
            body.push(0);
        }
        body.push(0);
        // It has some hundred bytes.
        let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
        [b"E".as_slice(), &length.to_be_bytes(), &body].concat()
    }

    /// What the log says; it names neither computers nor logins.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::PlainText => "plain_text",
            Self::NotAdmitted => "not_admitted",
            Self::Full => "full",
            Self::NoDatabase => "no_database",
            Self::NotUnderstood => "not_understood",
        }
    }
}
