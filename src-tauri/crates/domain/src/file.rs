//! Files that people send each other: what they are by their bytes, and how large they may be.
//!
//! What a sender claims is not believed. Only kinds that a screen can show without running anything have a face; everything
//! else is kept as it came and can only be saved.

/// Largest picture, sound or film, in bytes: WhatsApp takes no more.
pub const MOST_SHOWN_BYTES: u64 = 16 * 1024 * 1024;

/// Largest document, in bytes. WhatsApp takes a hundred megabytes; a clinic's database, its backups and a slow line do not
/// want them, and a scan of many pages has less than this.
pub const MOST_DOCUMENT_BYTES: u64 = 32 * 1024 * 1024;

/// For how many months a clinic keeps files that has chosen nothing, and the longest that it can choose; 0 is for ever.
pub const USUAL_MONTHS: u32 = 24;
/// As above.
pub const MOST_MONTHS: u32 = 1200;

/// Bytes of one piece, as the clinic's database keeps a file.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// How a file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// As a picture.
    Picture,
    /// By a player for sound.
    Sound,
    /// By a player for films.
    Film,
    /// By its name; it can be saved and nothing else.
    Document,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileType {
    /// How it is shown.
    pub face: Face,
    /// MIME type.
    pub mime_type: &'static str,
    /// How its name ends, without the dot.
    pub extension: &'static str,
}

const fn of(face: Face, mime_type: &'static str, extension: &'static str) -> FileType {
    FileType { face, mime_type, extension }
}

impl FileType {
    /// What is not recognised.
    pub const UNKNOWN: Self = of(Face::Document, "application/octet-stream", "bin");

    /// What the bytes are.
    pub fn of(bytes: &[u8]) -> Self {
        let at = |place: usize, mark: &[u8]| bytes.get(place..place + mark.len()) == Some(mark);
        let brand = || bytes.get(8..12).unwrap_or_default();
        if at(0, b"\xff\xd8\xff") {
            of(Face::Picture, "image/jpeg", "jpg")
        } else if at(0, b"\x89PNG\r\n\x1a\n") {
            of(Face::Picture, "image/png", "png")
        } else if at(0, b"RIFF") && at(8, b"WEBP") {
            of(Face::Picture, "image/webp", "webp")
        } else if at(0, b"GIF87a") || at(0, b"GIF89a") {
            of(Face::Picture, "image/gif", "gif")
        } else if at(0, b"OggS") {
            of(Face::Sound, "audio/ogg", "ogg")
        } else if at(0, b"RIFF") && at(8, b"WAVE") {
            of(Face::Sound, "audio/wav", "wav")
        } else if at(0, b"#!AMR") {
            of(Face::Sound, "audio/amr", "amr")
        } else if at(0, b"ID3") || (at(0, b"\xff") && bytes.get(1).is_some_and(|byte| byte & 0xe6 == 0xe2)) {
            of(Face::Sound, "audio/mpeg", "mp3")
        } else if at(4, b"ftyp") {
            match brand() {
                b"M4A " | b"M4B " => of(Face::Sound, "audio/mp4", "m4a"),
                [b'3', b'g', ..] => of(Face::Film, "video/3gpp", "3gp"),
                b"heic" | b"heix" | b"mif1" | b"msf1" | b"avif" => of(Face::Document, "image/heic", "heic"),
                _ if is_only_sound(bytes) => of(Face::Sound, "audio/mp4", "m4a"),
                _ => of(Face::Film, "video/mp4", "mp4"),
            }
        } else if at(0, b"%PDF-") {
            of(Face::Document, "application/pdf", "pdf")
        } else if at(0, b"PK\x03\x04") {
            of(Face::Document, "application/zip", "zip")
        } else {
            Self::UNKNOWN
        }
    }

    /// How the name of a file ends that is said to be this, without the dot.
    pub fn extension_of(mime_type: &str) -> &'static str {
        match mime_type {
            "image/jpeg" => "jpg",
            "image/png" => "png",
            "image/webp" => "webp",
            "image/gif" => "gif",
            "image/heic" => "heic",
            "audio/ogg" => "ogg",
            "audio/wav" => "wav",
            "audio/amr" => "amr",
            "audio/mpeg" => "mp3",
            "audio/mp4" => "m4a",
            "video/3gpp" => "3gp",
            "video/mp4" => "mp4",
            "application/pdf" => "pdf",
            "application/zip" => "zip",
            _ => Self::UNKNOWN.extension,
        }
    }

    /// How a message with it is sent: image, audio, video or document. WhatsApp takes neither WebP nor GIF as a picture, and no
    /// WAV as sound.
    pub fn message_kind(self) -> &'static str {
        match (self.face, self.mime_type) {
            (_, "image/webp" | "image/gif" | "audio/wav") => "document",
            (Face::Picture, _) => "image",
            (Face::Sound, _) => "audio",
            (Face::Film, _) => "video",
            (Face::Document, _) => "document",
        }
    }
}

/// Whether an MP4 file has sound and no pictures, whatever brand it names: phones and windows record so. What its tracks are
/// stands at the beginning of what was written while it was recorded; else it is taken for a film.
fn is_only_sound(bytes: &[u8]) -> bool {
    const BEGINNING: usize = 64 * 1024;
    let beginning = &bytes[..bytes.len().min(BEGINNING)];
    // `hdlr`, version and flags, four bytes of nothing, then what the track is.
    let mut tracks =
        beginning.windows(16).filter(|window| window.starts_with(b"hdlr")).map(|window| &window[12..]).peekable();
    tracks.peek().is_some() && tracks.all(|track| track == b"soun")
}

/// How loud sound is from beginning to end: at most 64 values of 0 to 100, as WhatsApp shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waveform(Vec<u8>);

impl Waveform {
    /// Most values there are.
    pub const MOST: usize = 64;

    /// What a sender says; `None` where it is nothing, or no such thing.
    pub fn of(values: &[u8]) -> Option<Self> {
        let fits = (1..=Self::MOST).contains(&values.len()) && values.iter().any(|value| *value > 0);
        fits.then(|| Self(values.iter().map(|value| (*value).min(100)).collect()))
    }

    /// The values.
    pub fn values(&self) -> &[u8] {
        &self.0
    }
}

/// How many bytes the file of a message of this kind may have.
pub fn most_bytes(message_kind: &str) -> u64 {
    if message_kind == "document" { MOST_DOCUMENT_BYTES } else { MOST_SHOWN_BYTES }
}

/// A name under which a file may be saved on any system: what stood before it as a folder goes, and so do characters that mean
/// something elsewhere. Empty where nothing is left.
pub fn safe_name(name: &str) -> String {
    const MOST_CHARS: usize = 120;
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last
        .chars()
        .filter(|c| {
            let turns = matches!(*c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            !c.is_control() && !turns
        })
        .map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { c })
        .collect();
    let plain = plain.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let excess = plain.chars().count().saturating_sub(MOST_CHARS);
    plain.chars().skip(excess).collect::<String>().trim_start_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_are() {
        for (bytes, mime_type, face) in [
            (&b"\xff\xd8\xff\xe0rest"[..], "image/jpeg", Face::Picture),
            (b"\x89PNG\r\n\x1a\nrest", "image/png", Face::Picture),
            (b"RIFF....WEBPVP8 ", "image/webp", Face::Picture),
            (b"GIF89a....", "image/gif", Face::Picture),
            (b"OggS\0....", "audio/ogg", Face::Sound),
            (b"RIFF....WAVEfmt ", "audio/wav", Face::Sound),
            (b"#!AMR\n..", "audio/amr", Face::Sound),
            (b"ID3\x04......", "audio/mpeg", Face::Sound),
            (b"\xff\xfb\x90\x64", "audio/mpeg", Face::Sound),
            (b"\0\0\0\x20ftypM4A \0\0\0\0", "audio/mp4", Face::Sound),
            (b"\0\0\0\x20ftypisom\0\0\0\0", "video/mp4", Face::Film),
            (b"\0\0\0\x20ftyp3gp4\0\0\0\0", "video/3gpp", Face::Film),
            (b"%PDF-1.7", "application/pdf", Face::Document),
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "application/octet-stream", Face::Document),
            (b"<html><script>", "application/octet-stream", Face::Document),
            (b"MZ\x90", "application/octet-stream", Face::Document),
            (b"", "application/octet-stream", Face::Document),
            (b"\xff", "application/octet-stream", Face::Document),
        ] {
            let file = FileType::of(bytes);
            assert_eq!((file.mime_type, file.face), (mime_type, face), "{bytes:?}");
            assert_eq!(FileType::extension_of(file.mime_type), file.extension, "{mime_type} alone says as much");
        }
    }

    #[test]
    fn a_file_with_sound_and_no_pictures_is_sound() {
        let track = |kind: &[u8]| [b"hdlr\0\0\0\0\0\0\0\0", kind, b"rest"].concat();
        let mp4 = |tracks: &[Vec<u8>]| [b"\0\0\0\x20ftypiso5\0\0\0\0moov".to_vec(), tracks.concat()].concat();
        let (sound, film) = (track(b"soun"), track(b"vide"));
        assert_eq!(FileType::of(&mp4(std::slice::from_ref(&sound))).mime_type, "audio/mp4");
        assert_eq!(FileType::of(&mp4(&[sound.clone(), film.clone()])).mime_type, "video/mp4");
        assert_eq!(FileType::of(&mp4(&[film, sound])).mime_type, "video/mp4");
        assert_eq!(FileType::of(&mp4(&[])).mime_type, "video/mp4");
    }

    #[test]
    fn a_waveform_has_some_values_and_not_too_many() {
        assert_eq!(Waveform::of(&[0, 7, 255]).unwrap().values(), [0, 7, 100]);
        for other in [vec![], vec![0; 64], vec![1; 65]] {
            assert_eq!(Waveform::of(&other), None);
        }
    }

    #[test]
    fn only_documents_may_be_larger_than_what_is_shown() {
        assert_eq!(most_bytes("image"), MOST_SHOWN_BYTES);
        assert_eq!(most_bytes("document"), MOST_DOCUMENT_BYTES);
    }

    #[test]
    fn what_whatsapp_does_not_show_goes_as_a_document() {
        assert_eq!(FileType::of(b"\xff\xd8\xff\xe0").message_kind(), "image");
        assert_eq!(FileType::of(b"GIF89a").message_kind(), "document");
        assert_eq!(FileType::of(b"OggS").message_kind(), "audio");
        assert_eq!(FileType::UNKNOWN.message_kind(), "document");
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        assert_eq!(safe_name("../../etc/passwd"), "passwd");
        assert_eq!(safe_name("C:\\Windows\\exame: \"sangue\"?.pdf"), "exame_ _sangue__.pdf");
        assert_eq!(safe_name("foto\u{202e}gpj.exe\0"), "fotogpj.exe");
        assert_eq!(safe_name(" ..  "), "");
        assert_eq!(safe_name(&format!("{}.pdf", "a".repeat(300))).chars().count(), 120);
        assert!(safe_name(&format!("{}.pdf", "a".repeat(300))).ends_with(".pdf"));
    }
}
