//! The numbers by which Meta says what is wrong. Its words change; these do not.

use crate::gateway::{GatewayError, RefusalCode};
use crate::rest::{Answer, words};

/// What a number means for one message.
pub(crate) fn meaning(code: i64) -> RefusalCode {
    match code {
        131_026 | 131_030 => RefusalCode::NotOnWhatsapp,
        131_047 => RefusalCode::OutsideTheDay,
        // Meta holds back what people do not want, or tries something out on them.
        131_049 | 131_050 | 130_472 => RefusalCode::Blocked,
        4 | 80_007 | 130_429 | 131_048 | 131_056 => RefusalCode::TooMany,
        100 | 131_008 | 131_009 | 131_051 | 131_052 | 131_053 | 132_000..=132_016 => RefusalCode::Content,
        0 | 3 | 10 | 190 | 200..=299 | 131_005 => RefusalCode::KeyRefused,
        33 | 133_010 => RefusalCode::NoInstance,
        368 | 131_031 | 131_042 | 131_045 => RefusalCode::Account,
        _ => RefusalCode::Other,
    }
}

/// What a number means for a question.
pub(crate) fn error(code: i64, answer: Answer) -> GatewayError {
    let text = words(&answer.json());
    match (meaning(code), answer.status) {
        (RefusalCode::KeyRefused, _) => GatewayError::KeyRefused,
        (RefusalCode::NoInstance, _) => GatewayError::NoInstance,
        (RefusalCode::TooMany, _) => GatewayError::TooMany,
        (_, status @ 500..) => GatewayError::Failed { status, text },
        (_, status) => GatewayError::Refused { status, text },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_apart_by_what_is_to_be_done() {
        for (code, meaning_of_it) in [
            (131_047, RefusalCode::OutsideTheDay),
            (131_026, RefusalCode::NotOnWhatsapp),
            (131_049, RefusalCode::Blocked),
            (131_056, RefusalCode::TooMany),
            (132_001, RefusalCode::Content),
            (190, RefusalCode::KeyRefused),
            (131_042, RefusalCode::Account),
            (999_999, RefusalCode::Other),
        ] {
            assert_eq!(meaning(code), meaning_of_it, "{code}");
        }
    }
}
