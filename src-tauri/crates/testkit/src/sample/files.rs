//! Files of the sample's messages: small, and made up like everything else. A picture is a few coloured hills, sound is a
//! melody, and a document is one page.

use uuid::Uuid;

use super::messages::Message;

/// Messages whose files are there; those of older ones nobody has any more.
const KEPT: usize = 160;

const WIDTH: usize = 96;
const HEIGHT: usize = 72;
/// Samples of sound in a second.
const RATE: u32 = 8_000;
/// Longest sound, in seconds: short enough to be no load, long enough to be heard.
const LONGEST_SOUND: u32 = 4;

/// A file that is there.
pub(crate) struct Kept {
    /// Its row.
    pub(crate) media: Uuid,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

/// Makes the files of the newest messages, and has every message say what became of its own. `files` are ids of the rows and
/// indexes of their messages.
pub(crate) fn keep(files: &[(Uuid, usize)], messages: &mut [Message]) -> Vec<Kept> {
    let mut newest: Vec<(Uuid, usize)> = files.to_vec();
    newest.sort_by_key(|(id, message)| (std::cmp::Reverse(messages[*message].sent_at), *id));
    let mut kept = Vec::new();
    for (media, index) in newest {
        let message = &mut messages[index];
        let made = if kept.len() < KEPT { bytes_of(message, media) } else { None };
        let Some(attachment) = message.attachment.as_deref_mut() else { continue };
        match made {
            Some((mime_type, bytes)) => {
                attachment["file"] = "stored".into();
                attachment["mime_type"] = mime_type.into();
                attachment["size_bytes"] = bytes.len().into();
                if message.kind == "image" {
                    attachment["width"] = (WIDTH * 8).into();
                    attachment["height"] = (HEIGHT * 8).into();
                }
                kept.push(Kept { media, bytes });
            }
            None => attachment["file"] = "expired".into(),
        }
    }
    kept.sort_by_key(|file| file.media);
    kept
}

fn bytes_of(message: &Message, media: Uuid) -> Option<(&'static str, Vec<u8>)> {
    let seed = media.as_u128() as u32;
    Some(match message.kind {
        "image" | "sticker" => ("image/png", picture(seed)),
        "audio" => {
            let said = message.attachment.as_ref().and_then(|file| file.get("seconds")?.as_u64());
            let seconds = said.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(1);
            ("audio/wav", melody(seed, seconds.clamp(1, LONGEST_SOUND)))
        }
        "document" => ("application/pdf", page()),
        _ => return None,
    })
}

/// A PNG of three hills under a sky.
fn picture(seed: u32) -> Vec<u8> {
    let hue = |shift: u32| -> [u8; 3] {
        let turn = seed.wrapping_mul(2_654_435_761).wrapping_add(shift.wrapping_mul(0x2f6e_2b1d));
        [90 + (turn >> 24) as u8 / 2, 90 + (turn >> 16) as u8 / 2, 90 + (turn >> 8) as u8 / 2]
    };
    let palette: Vec<u8> = (0..4).flat_map(hue).collect();
    let lift = f64::from(seed % 17);
    let mut rows = Vec::with_capacity((WIDTH + 1) * HEIGHT);
    for y in 0..HEIGHT {
        rows.push(0);
        for x in 0..WIDTH {
            let hill = |far: f64| {
                let wave = ((x as f64 / (9.0 + 4.0 * far)) + lift * far).sin();
                HEIGHT as f64 * (0.35 + 0.17 * far) + wave * 7.0
            };
            let tone = (1..=3_u8).rev().find(|far| y as f64 > hill(f64::from(*far))).unwrap_or(0);
            rows.push(tone);
        }
    }
    let mut header = Vec::new();
    header.extend_from_slice(&(WIDTH as u32).to_be_bytes());
    header.extend_from_slice(&(HEIGHT as u32).to_be_bytes());
    // Eight bits, with a palette.
    header.extend_from_slice(&[8, 3, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [(b"IHDR", header), (b"PLTE", palette), (b"IDAT", stored(&rows)), (b"IEND", Vec::new())] {
        file.extend_from_slice(&(data.len() as u32).to_be_bytes());
        let start = file.len();
        file.extend_from_slice(name);
        file.extend_from_slice(&data);
        let sum = crc(&file[start..]);
        file.extend_from_slice(&sum.to_be_bytes());
    }
    file
}

/// Data as zlib keeps what it does not compress.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks = data.chunks(0xffff).count();
    for (number, block) in data.chunks(0xffff).enumerate() {
        let length = block.len() as u16;
        out.push(u8::from(number + 1 == blocks));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    let (low, high) = data.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    out.extend_from_slice(&((high << 16) | low).to_be_bytes());
    out
}

fn crc(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}

/// A WAV with a few notes.
fn melody(seed: u32, seconds: u32) -> Vec<u8> {
    const NOTES: [f64; 5] = [262.0, 294.0, 330.0, 392.0, 440.0];
    let samples = RATE * seconds;
    let mut file = Vec::with_capacity(44 + samples as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + samples).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    // Plain samples, one channel, one byte each.
    for word in [1_u16, 1] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for word in [RATE, RATE] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for word in [1_u16, 8] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    file.extend_from_slice(b"data");
    file.extend_from_slice(&samples.to_le_bytes());
    let length = RATE / 3;
    file.extend((0..samples).map(|at| {
        let (note, within) = (at / length, f64::from(at % length) / f64::from(length));
        let pitch = NOTES[(seed.rotate_left(note % 31) % 5) as usize];
        let wave = (f64::from(at) * pitch * std::f64::consts::TAU / f64::from(RATE)).sin();
        (128.0 + 90.0 * wave * (1.0 - within)) as u8
    }));
    file
}

/// A PDF with one page.
fn page() -> Vec<u8> {
    let words = "BT /F1 20 Tf 60 760 Td (Documento de exemplo) Tj ET";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{words}\nendstream", words.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        places.push(file.len());
        file.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    let table = file.len();
    file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        file.push_str(&format!("{place:010} 00000 n \n"));
    }
    file.push_str(&format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1));
    file.into_bytes()
}

#[cfg(test)]
mod tests {
    use balcao_domain::file::{CHUNK_BYTES, FileType};

    use super::*;

    #[test]
    fn each_file_is_what_it_says_and_small() {
        for (bytes, mime_type) in
            [(picture(7), "image/png"), (melody(7, LONGEST_SOUND), "audio/wav"), (page(), "application/pdf")]
        {
            assert_eq!(FileType::of(&bytes).mime_type, mime_type);
            assert!(bytes.len() < CHUNK_BYTES, "it is one piece");
        }
        assert_ne!(picture(7), picture(8));
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
    }
}
