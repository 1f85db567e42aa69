//! What can stand between the clinic and its bucket, so that a person knows what to do.

use std::error::Error;

/// Why a bucket did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The program itself could not ask.
    #[error("this computer cannot ask the storage")]
    Setting,
    /// Nobody knows the name of the server.
    #[error("the name of the server is not known")]
    NoSuchName,
    /// Nobody answers at the address, or the line breaks.
    #[error("the storage is not reached")]
    Unreachable,
    /// The certificate is not one that this computer trusts.
    #[error("the certificate of the storage is not trusted")]
    CertificateRefused,
    /// It takes longer than anybody waits.
    #[error("the storage takes too long")]
    TooSlow,
    /// The id of the key is not known there.
    #[error("the storage does not know the key")]
    KeyUnknown,
    /// The secret does not belong to the id.
    #[error("the storage refuses the key")]
    KeyRefused,
    /// Signatures hold for a quarter of an hour: one of both clocks is wrong.
    #[error("the clocks of this computer and of the storage are too far apart")]
    ClockWrong,
    /// The bucket is in another region than the one that was said.
    #[error("the bucket is in another region")]
    WrongRegion,
    /// There is no such bucket.
    #[error("there is no such bucket")]
    NoBucket,
    /// The key opens the storage, and not for this.
    #[error("the key may not do this")]
    NotAllowed,
    /// There is no such object.
    #[error("there is no such object")]
    NoObject,
    /// It takes no more.
    #[error("the storage is full")]
    Full,
    /// It asks to be left alone for a while.
    #[error("the storage is busy")]
    Busy,
    /// It fails by itself.
    #[error("the storage fails")]
    Fails,
    /// Whoever answers does not speak as such storage does.
    #[error("this is no storage of this kind")]
    NotAStorage,
    /// What came back is not what was put there.
    #[error("what comes back is not what was put there")]
    Changed,
}

impl Trouble {
    /// A name for screens and the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Setting => "bucket_setting",
            Self::NoSuchName => "bucket_no_such_name",
            Self::Unreachable => "bucket_unreachable",
            Self::CertificateRefused => "bucket_certificate_refused",
            Self::TooSlow => "bucket_too_slow",
            Self::KeyUnknown => "bucket_key_unknown",
            Self::KeyRefused => "bucket_key_refused",
            Self::ClockWrong => "bucket_clock_wrong",
            Self::WrongRegion => "bucket_wrong_region",
            Self::NoBucket => "bucket_no_bucket",
            Self::NotAllowed => "bucket_not_allowed",
            Self::NoObject => "bucket_no_object",
            Self::Full => "bucket_full",
            Self::Busy => "bucket_busy",
            Self::Fails => "bucket_fails",
            Self::NotAStorage => "bucket_not_a_storage",
            Self::Changed => "bucket_changed",
        }
    }

    /// Whether it is a matter of one object: the others are asked for all the same.
    pub const fn is_of_the_object(self) -> bool {
        matches!(self, Self::NoObject | Self::Changed)
    }

    /// Whether it is a matter of one object, or may be: some storage refuses one that was archived, is too large, or is not there for
    /// who may not list, as it refuses everything to others.
    pub const fn may_be_of_the_object(self) -> bool {
        self.is_of_the_object() || matches!(self, Self::NotAllowed | Self::NotAStorage | Self::Fails | Self::TooSlow)
    }

    /// Whether the line did not get as far as an answer.
    pub(crate) const fn is_of_the_line(self) -> bool {
        matches!(self, Self::Setting | Self::Unreachable | Self::CertificateRefused | Self::TooSlow | Self::NotAStorage)
    }

    /// What an answer that is no success means: its status, and the code that stands in it, which is all that is read of it
    /// (what else stands there may quote what was signed).
    pub(crate) fn answered(status: u16, text: &str) -> Self {
        match code_in(text) {
            Some("InvalidAccessKeyId" | "InvalidClientTokenId" | "Unauthorized") => Self::KeyUnknown,
            Some("SignatureDoesNotMatch") => Self::KeyRefused,
            Some("RequestTimeTooSkewed" | "RequestExpired") => Self::ClockWrong,
            Some("PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed") => Self::WrongRegion,
            Some("NoSuchBucket" | "InvalidBucketName") => Self::NoBucket,
            Some("NoSuchKey") => Self::NoObject,
            Some("QuotaExceeded" | "StorageFull" | "XMinioStorageFull" | "ServiceQuotaExceeded") => Self::Full,
            Some("SlowDown" | "ServiceUnavailable" | "RequestTimeout") => Self::Busy,
            Some("AccessDenied" | "AllAccessDisabled" | "AccountProblem") => Self::NotAllowed,
            code => match status {
                301 | 302 | 307 | 308 if code.is_some() => Self::WrongRegion,
                401 | 403 => Self::NotAllowed,
                429 | 503 => Self::Busy,
                507 => Self::Full,
                500..=599 => Self::Fails,
                // A 404 without a code among them: a page of whoever stands on the way is no word about an object.
                _ => Self::NotAStorage,
            },
        }
    }

    /// What our own carrier has said, out of what was made of it on the way.
    pub(crate) fn found_in(error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(trouble) = error.downcast_ref::<Self>() {
                return *trouble;
            }
            cause = error.source();
        }
        Self::NotAStorage
    }
}

fn code_in(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_is_wrong_by_its_code_and_else_by_its_status() {
        let xml = |code: &str| format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>x</Message></Error>");
        for (status, text, means) in [
            (403, xml("InvalidAccessKeyId"), Trouble::KeyUnknown),
            (403, xml("SignatureDoesNotMatch"), Trouble::KeyRefused),
            (403, xml("RequestTimeTooSkewed"), Trouble::ClockWrong),
            (403, xml("AccessDenied"), Trouble::NotAllowed),
            (403, String::new(), Trouble::NotAllowed),
            (404, xml("NoSuchBucket"), Trouble::NoBucket),
            (404, xml("NoSuchKey"), Trouble::NoObject),
            (404, String::new(), Trouble::NotAStorage),
            (404, "<html><title>404 Not Found</title></html>".to_owned(), Trouble::NotAStorage),
            (403, xml("InvalidObjectState"), Trouble::NotAllowed),
            (413, "<html>".to_owned(), Trouble::NotAStorage),
            (301, xml("PermanentRedirect"), Trouble::WrongRegion),
            (301, "<html>".to_owned(), Trouble::NotAStorage),
            (400, xml("AuthorizationHeaderMalformed"), Trouble::WrongRegion),
            (503, xml("SlowDown"), Trouble::Busy),
            (507, String::new(), Trouble::Full),
            (500, xml("InternalError"), Trouble::Fails),
            (418, "tea".to_owned(), Trouble::NotAStorage),
        ] {
            assert_eq!(Trouble::answered(status, &text), means, "{status} {text}");
        }
    }

    #[test]
    fn what_may_be_said_of_one_object_says_nothing_of_the_line_or_the_key() {
        for trouble in [Trouble::Unreachable, Trouble::KeyRefused, Trouble::NoBucket, Trouble::Full] {
            assert!(!trouble.may_be_of_the_object(), "{trouble:?}");
        }
        assert!(Trouble::NotAllowed.may_be_of_the_object() && !Trouble::NotAllowed.is_of_the_object());
        assert!(Trouble::Changed.may_be_of_the_object());
    }
}
