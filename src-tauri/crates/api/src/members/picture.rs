//! A text as a QR code.

use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

use super::types::QrPicture;
use crate::error::ApiError;

/// The dark squares of the code as the path of an SVG picture, one unit a square. `None` when the text is too long for one.
pub(crate) fn of(text: &str) -> Result<Option<QrPicture>, ApiError> {
    let code = match QrCode::with_error_correction_level(text, EcLevel::L) {
        Ok(code) => code,
        Err(qrcode::types::QrError::DataTooLong) => return Ok(None),
        Err(error) => return Err(ApiError::internal(error)),
    };
    let width = code.width();
    let mut path = String::new();
    for (row, squares) in code.to_colors().chunks(width).enumerate() {
        let mut column = 0;
        while column < width {
            let run = squares[column..].iter().take_while(|square| **square == Color::Dark).count();
            if run > 0 {
                // Writing to a String cannot fail.
                let _ = write!(path, "M{column} {row}h{run}v1h-{run}z");
            }
            column += run.max(1);
        }
    }
    Ok(Some(QrPicture { size: u32::try_from(width).unwrap_or(u32::MAX), path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_has_the_three_corners_of_a_code() {
        let picture = of("balcao1:abc").unwrap().unwrap();
        let last = picture.size - 7;
        for corner in ["M0 0h7v1h-7z".to_owned(), format!("M{last} 0h7v1h-7z"), format!("M0 {last}h7v1h-7z")] {
            assert!(picture.path.contains(&corner), "{corner} in {}", picture.path);
        }
    }

    #[test]
    fn an_invitation_with_a_certificate_fits_and_a_book_does_not() {
        assert!(of(&"a".repeat(1_900)).unwrap().is_some());
        assert!(of(&"a".repeat(5_000)).unwrap().is_none());
    }
}
