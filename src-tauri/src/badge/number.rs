//! A number, drawn: systems that take a picture only.

use tauri::image::Image;

/// Colours of the disc and of the number on it: 5.9 to 1.
const DISC: [u8; 3] = [0xb9, 0x2d, 0x2d];
const NUMBER: [u8; 3] = [0xff, 0xff, 0xff];

/// Digits of three by five, and a plus; a bit is a point, from the left.
const GLYPHS: [[u8; 5]; 11] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b111, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b001, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
    [0b000, 0b010, 0b111, 0b010, 0b000],
];
const PLUS: usize = 10;

/// A disc of so many pixels with the number on it; more than nine are nine and more.
pub(super) fn disc(count: u32, size: u32) -> Image<'static> {
    let mut pixels = vec![0; (size * size * 4) as usize];
    let middle = f64::from(size) / 2.0;
    for y in 0..size {
        for x in 0..size {
            let away = (f64::from(x) + 0.5 - middle).hypot(f64::from(y) + 0.5 - middle);
            // Half a pixel at the edge is half there.
            let there = (middle - away + 0.5).clamp(0.0, 1.0);
            put(&mut pixels, size, (x, y), DISC, (there * 255.0) as u8);
        }
    }
    let glyphs: &[usize] = if count > 9 { &[9, PLUS] } else { &[count as usize] };
    let columns = u32::try_from(glyphs.len()).unwrap_or(1) * 4 - 1;
    let point = (size * 5 / 8 / columns.max(5)).max(1);
    let (left, top) = ((size - (columns * point).min(size)) / 2, (size - (5 * point).min(size)) / 2);
    for (place, glyph) in (0..).zip(glyphs) {
        for (row, bits) in (0..).zip(GLYPHS[*glyph]) {
            for column in (0..3).filter(|column| bits & (0b100 >> column) != 0) {
                for (dx, dy) in (0..point).flat_map(|dx| (0..point).map(move |dy| (dx, dy))) {
                    let at = (left + (place * 4 + column) * point + dx, top + row * point + dy);
                    put(&mut pixels, size, at, NUMBER, 0xff);
                }
            }
        }
    }
    Image::new_owned(pixels, size, size)
}

/// An icon with the number in its lower right corner; none where nothing waits.
pub(super) fn over(icon: &Image<'_>, count: u32) -> Image<'static> {
    let (width, height) = (icon.width(), icon.height());
    let mut pixels = icon.rgba().to_vec();
    if count > 0 {
        let size = width.min(height) * 5 / 8;
        let disc = disc(count, size);
        for (index, source) in (0..).zip(disc.rgba().chunks_exact(4)) {
            let (x, y) = (width - size + index % size, height - size + index / size);
            let at = ((y * width + x) * 4) as usize;
            let Some(target) = pixels.get_mut(at..at + 4) else { continue };
            let there = u32::from(source[3]);
            for channel in 0..3 {
                let mixed = u32::from(source[channel]) * there + u32::from(target[channel]) * (255 - there);
                target[channel] = (mixed / 255) as u8;
            }
            target[3] = target[3].max(source[3]);
        }
    }
    Image::new_owned(pixels, width, height)
}

fn put(pixels: &mut [u8], width: u32, (x, y): (u32, u32), [red, green, blue]: [u8; 3], there: u8) {
    let at = ((y * width + x) * 4) as usize;
    if let Some(pixel) = pixels.get_mut(at..at + 4) {
        pixel.copy_from_slice(&[red, green, blue, there]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The disc, a letter for each pixel.
    fn drawn(count: u32, size: u32) -> Vec<String> {
        let disc = disc(count, size);
        let letter = |pixel: &[u8]| match pixel {
            [_, _, _, 0] => ' ',
            [0xff, 0xff, 0xff, _] => '#',
            _ => '.',
        };
        let rows = disc.rgba().chunks_exact((size * 4) as usize);
        rows.map(|row| row.chunks_exact(4).map(letter).collect()).collect()
    }

    #[test]
    fn the_number_stands_in_the_middle_of_the_disc() {
        let three = drawn(3, 16);
        let points: String = three.iter().flat_map(|row| row.chars()).filter(|c| *c == '#').collect();
        assert_eq!(points.len(), 11 * 4, "eleven points of two by two: {three:#?}");
        assert_eq!(three[0].trim().len(), three[15].trim().len(), "{three:#?}");
    }

    #[test]
    fn more_than_nine_are_nine_and_more() {
        assert_eq!(drawn(10, 32), drawn(5_000, 32));
        assert_ne!(drawn(9, 32), drawn(10, 32));
    }

    #[test]
    fn an_icon_keeps_its_upper_left_and_its_size() {
        let icon = Image::new_owned(vec![7; 32 * 32 * 4], 32, 32);
        let marked = over(&icon, 4);
        assert_eq!((marked.width(), marked.height()), (32, 32));
        assert_eq!(marked.rgba()[..4], icon.rgba()[..4]);
        assert_ne!(marked.rgba(), icon.rgba());
        assert_eq!(over(&icon, 0).rgba(), icon.rgba());
    }
}
