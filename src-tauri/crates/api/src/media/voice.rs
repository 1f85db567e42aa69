//! What a window records, as WhatsApp takes it for a voice note: Opus in an Ogg file.
//!
//! Windows of Chromium put Opus into WebM: the same packets are put into Ogg, nothing is encoded anew. Those of macOS record
//! AAC into MP4, which goes as it is: Evolution makes a voice note of it, and Meta takes it as sound.

use std::io::Cursor;

use balcao_domain::file::FileType;
use matroska_demuxer::{Frame, MatroskaFile};
use ogg::reading::PacketReader;
use ogg::writing::{PacketWriteEndInfo, PacketWriter};

/// Samples of a second: Opus counts by this rate, whatever was recorded.
const RATE: u64 = 48_000;

/// Samples of the longest packet: 120 milliseconds.
const LONGEST_PACKET: u64 = RATE * 120 / 1000;

/// Number of the one stream in the file.
const STREAM: u32 = 1;

/// How each WebM file begins.
const WEBM: &[u8] = b"\x1a\x45\xdf\xa3";

/// A voice note.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Voice {
    /// The file.
    pub bytes: Vec<u8>,
    /// How long it is, where the file says so: rounded up, so that nothing that was said has no length.
    pub seconds: Option<u32>,
}

/// A recording as it is sent; `None` for what is no recording.
pub(crate) fn of_recording(bytes: Vec<u8>) -> Option<Voice> {
    if bytes.starts_with(WEBM) {
        return to_ogg(&bytes);
    }
    match FileType::of(&bytes).mime_type {
        "audio/ogg" => length(&bytes).map(|seconds| Voice { bytes, seconds: Some(seconds) }),
        "audio/mp4" => Some(Voice { bytes, seconds: None }),
        _ => None,
    }
}

/// The packets of the first Opus track of a WebM file, in an Ogg file.
fn to_ogg(webm: &[u8]) -> Option<Voice> {
    let mut file = MatroskaFile::open(Cursor::new(webm)).ok()?;
    let track = file.tracks().iter().find(|track| track.codec_id() == "A_OPUS")?;
    let (number, head) = (track.track_number().get(), track.codec_private()?.to_vec());
    let skip = pre_skip(&head)?;
    let mut packets = Vec::new();
    let mut frame = Frame::default();
    // What was cut off at its end is whole until there.
    while let Ok(true) = file.next_frame(&mut frame) {
        if frame.track == number && samples(&frame.data).is_some() {
            packets.push(std::mem::take(&mut frame.data));
        }
    }
    let mut writer = PacketWriter::new(Vec::new());
    writer.write_packet(head, STREAM, PacketWriteEndInfo::EndPage, 0).ok()?;
    writer.write_packet(tags(), STREAM, PacketWriteEndInfo::EndPage, 0).ok()?;
    let (mut at, mut page, last) = (0, 0, packets.len().checked_sub(1)?);
    for (place, packet) in packets.into_iter().enumerate() {
        let more = samples(&packet)?;
        (at, page) = (at + more, page + more);
        let end = if place == last {
            PacketWriteEndInfo::EndStream
        } else if page >= RATE {
            // A page a second: players find their place by them.
            page = 0;
            PacketWriteEndInfo::EndPage
        } else {
            PacketWriteEndInfo::NormalPacket
        };
        writer.write_packet(packet, STREAM, end, at).ok()?;
    }
    Some(Voice { bytes: writer.into_inner(), seconds: seconds(at, skip) })
}

/// How long an Ogg file with Opus is.
fn length(bytes: &[u8]) -> Option<u32> {
    let mut reader = PacketReader::new(Cursor::new(bytes));
    let skip = pre_skip(&reader.read_packet().ok()??.data)?;
    let mut at = 0;
    while let Ok(Some(packet)) = reader.read_packet() {
        at = packet.absgp_page();
    }
    seconds(at, skip)
}

/// How many samples at the beginning are none of what was recorded; `None` where this is no header of Opus.
fn pre_skip(head: &[u8]) -> Option<u64> {
    if head.len() < 19 || !head.starts_with(b"OpusHead") {
        return None;
    }
    Some(u64::from(u16::from_le_bytes([head[10], head[11]])))
}

fn seconds(samples: u64, skip: u64) -> Option<u32> {
    let heard = samples.saturating_sub(skip);
    (heard > 0).then(|| u32::try_from(heard.div_ceil(RATE)).unwrap_or(u32::MAX))
}

/// Who made the file, and nothing about it.
fn tags() -> Vec<u8> {
    const MAKER: &[u8] = b"Balcao";
    let mut tags = b"OpusTags".to_vec();
    tags.extend((MAKER.len() as u32).to_le_bytes());
    tags.extend(MAKER);
    tags.extend(0_u32.to_le_bytes());
    tags
}

/// Samples of a packet, by its first bytes (RFC 6716, section 3.1); `None` for what is no packet.
fn samples(packet: &[u8]) -> Option<u64> {
    let first = *packet.first()?;
    let frame = match first >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880][usize::from(config % 4)],
        config @ 12..=15 => [480, 960][usize::from(config % 2)],
        config => [120, 240, 480, 960][usize::from(config % 4)],
    };
    let frames = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u64::from(packet.get(1)? & 0x3f),
    };
    let samples = frame * frames;
    (1..=LONGEST_PACKET).contains(&samples).then_some(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Chromium 156 recorded of its invented microphone (`--use-fake-device-for-media-stream`) in seven tenths of a second:
    /// `new MediaRecorder(stream, { mimeType: 'audio/webm;codecs=opus', audioBitsPerSecond: 6000 })`, with `start(100)`.
    const RECORDED: &str = "1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581021853806701ffffffffffffff1549\
         a966992ad7b1830f42404d80864368726f6d655741864368726f6d651654ae6bbfaebdd7810173c587f7252e5d4c114d8381\
         028686415f4f50555363a2934f707573486561640101000080bb0000000000e18db584473b80009f8101626481201f43b675\
         01ffffffffffffffe78100a393810000801802f98ec8e1cf94be971efa826eb0a39281003c8018022b2cc38cd80bd705b6bd\
         10d21f43b67501ffffffffffffffe78178a3928100008018022b2cc38cd80bd705b6bd10d2a39281003c8018022b2cc38cd8\
         0bd705b6bd10d21f43b67501ffffffffffffffe781f0a3928100008018022b2cc38cd80bd705b6bd10d2a39281003c801802\
         2b2cc38cd80bd705b6bd10d21f43b67501ffffffffffffffe7820168a3928100008018022b2cc38cd80bd705b6bd10d2a392\
         81003c8018022b2cc38cd80bd705b6bd10d21f43b67501ffffffffffffffe78201e0a3c38100008018e00102a5c54c0ed14f\
         8b58261aab78c89878d2b235efbe6d72c19c268dc8f205d02da2b5feeac04861ba8bd826ccf4d3d9cfc887df17484cecb6f6\
         71a780a3b081003c8018ee130005eda05989d0bfdb4ccc93f9812e6a634a68416654d815650d25220a2875f6e12a907bd7f0\
         61660a1f43b67501ffffffffffffffe7820258a3ae8100008018c01f4ce3896657a89fcc5e39fa15e04ace7c341b97dd74b5\
         4d35097554c076f873d561b83d4a7700c0";

    fn recorded() -> Vec<u8> {
        let digits = |place: usize| u8::from_str_radix(&RECORDED[place..place + 2], 16).unwrap();
        (0..RECORDED.len()).step_by(2).map(digits).collect()
    }

    /// Packets and the place of each page, of an Ogg file.
    fn packets(ogg: &[u8]) -> Vec<(Vec<u8>, u64)> {
        let mut reader = PacketReader::new(Cursor::new(ogg));
        let mut packets = Vec::new();
        while let Some(packet) = reader.read_packet().unwrap() {
            packets.push((packet.data.clone(), packet.absgp_page()));
        }
        packets
    }

    #[test]
    fn what_a_window_recorded_becomes_an_ogg_file_with_the_same_packets() {
        let webm = recorded();
        let voice = of_recording(webm.clone()).unwrap();
        assert_eq!((FileType::of(&voice.bytes).mime_type, voice.seconds), ("audio/ogg", Some(1)));
        let packets = packets(&voice.bytes);
        assert!(packets[0].0.starts_with(b"OpusHead") && packets[1].0.starts_with(b"OpusTags"));
        let sound = &packets[2..];
        for (packet, _) in sound {
            assert!(webm.windows(packet.len()).any(|there| there == packet), "a packet is what it was");
        }
        let whole: u64 = sound.iter().map(|(packet, _)| samples(packet).unwrap()).sum();
        assert_eq!(sound.last().unwrap().1, whole, "the last page says how long it is");
        assert!((RATE / 4..RATE).contains(&whole), "{whole} samples of less than a second");
        // What is in Ogg already stays as it is.
        let again = of_recording(voice.bytes.clone()).unwrap();
        assert_eq!(again, voice);
    }

    #[test]
    fn a_recording_that_was_cut_off_is_whole_until_there_and_what_is_none_is_refused() {
        let webm = recorded();
        let whole = packets(&of_recording(webm.clone()).unwrap().bytes).len();
        let cut = of_recording(webm[..webm.len() - 40].to_vec()).unwrap();
        let left = packets(&cut.bytes).len();
        assert!((3..whole).contains(&left), "{left} of {whole}");
        for length in 0..webm.len() {
            // Whatever is missing: refused or shorter, and no panic.
            let _ = of_recording(webm[..length].to_vec());
        }
        assert_eq!(of_recording(webm[..150].to_vec()), None, "nothing was said yet");
        for other in [&b""[..], b"%PDF-1.7", b"\x1a\x45\xdf\xa3", b"OggS", b"<html>"] {
            assert_eq!(of_recording(other.to_vec()), None, "{other:?}");
        }
    }

    #[test]
    fn the_length_of_a_packet_is_in_its_first_bytes() {
        assert_eq!(samples(&[0x80]), Some(120));
        assert_eq!(samples(&[0x08, 0xff]), Some(960), "twenty milliseconds");
        assert_eq!(samples(&[0x09]), Some(1920), "two of them");
        assert_eq!(samples(&[0x0b, 0x83]), Some(2880), "as many as the second byte says");
        assert_eq!(samples(&[0x1b, 0x3f]), None, "longer than a packet may be");
        assert_eq!(samples(&[0x0b, 0x00]), None);
        assert_eq!(samples(&[]), None);
    }
}
