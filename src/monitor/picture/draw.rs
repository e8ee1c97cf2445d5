//! From pixels to cells.

use super::{Palette, Picture};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

/// From dark to light, where a cell has no colour.
const ASCII: [&str; 10] = [" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"];
/// The same with blocks.
const BLOCKS: [&str; 5] = [" ", "░", "▒", "▓", "█"];

/// How many cells a picture takes in a room, at most: a cell is twice as high as it is wide. Nothing if there is no room.
pub fn fit(picture: &Picture, room: Size) -> Size {
    if room.width == 0 || room.height == 0 {
        return Size::ZERO;
    }
    let (width, height) = (u64::from(picture.width()), u64::from(picture.height()));
    let (columns, rows) = (u64::from(room.width), u64::from(room.height));
    let rounded = |above: u64, below: u64| (above + below / 2) / below;
    let cells = |n: u64, most: u16| u16::try_from(n).unwrap_or(most).clamp(1, most);
    let high = rounded(columns * height, 2 * width);
    match high <= rows {
        true => Size { width: room.width, height: cells(high, room.height) },
        false => Size { width: cells(rounded(rows * 2 * width, height), room.width), height: room.height },
    }
}

/// Draws a picture into the middle of an area, as large as it fits, and answers where that is. With `ascii` nothing else
/// is written.
pub fn draw(picture: &Picture, area: Rect, palette: Palette, ascii: bool, buf: &mut Buffer) -> Rect {
    let area = area.intersection(buf.area);
    let Size { width, height } = fit(picture, area.as_size());
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    if place.is_empty() {
        return place;
    }
    let halves = palette != Palette::None && !ascii;
    let lines = if halves { 2 * u32::from(height) } else { height.into() };
    let pixels = picture.sample(width.into(), lines);
    let mut lines = pixels.chunks_exact(width.into());
    for y in place.top()..place.bottom() {
        let (Some(upper), lower) = (lines.next(), if halves { lines.next() } else { None }) else { break };
        for (at, x) in (place.left()..place.right()).enumerate() {
            let cell = &mut buf[(x, y)];
            cell.reset();
            match (palette, lower) {
                (Palette::None, _) => drop(cell.set_symbol(shade(upper[at], ascii))),
                (Palette::True | Palette::Cube | Palette::Sixteen, None) => {
                    cell.set_symbol(" ").set_bg(palette.nearest(upper[at]));
                }
                (Palette::True | Palette::Cube | Palette::Sixteen, Some(lower)) => {
                    let (upper, lower) = (palette.nearest(upper[at]), palette.nearest(lower[at]));
                    let symbol = if upper == lower { " " } else { "▀" };
                    cell.set_symbol(symbol).set_fg(upper).set_bg(lower);
                }
            }
        }
    }
    place
}

/// The character that is as bright as a pixel.
fn shade([red, green, blue]: [u8; 3], ascii: bool) -> &'static str {
    let light = (u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114) / 1000;
    let shades: &[&str] = if ascii { &ASCII } else { &BLOCKS };
    shades[(light as usize * shades.len() / 256).min(shades.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::picture::lines;
    use proptest::prelude::*;
    use rstest::rstest;

    /// Red grows to the right, green downwards.
    fn gradient(width: u32, height: u32) -> Picture {
        let pixel = |at: u32| [at % width * 255 / width.max(2), at / width * 255 / height.max(2), 96].map(|c| c as u8);
        Picture::of(width, height, (0..width * height).flat_map(pixel).collect()).expect("a picture")
    }

    fn drawn(picture: &Picture, (width, height): (u16, u16), palette: Palette, ascii: bool) -> Buffer {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        draw(picture, buf.area, palette, ascii, &mut buf);
        buf
    }

    #[rstest]
    fn pictures(
        #[values(Palette::True, Palette::Cube, Palette::Sixteen, Palette::None)] palette: Palette,
        #[values(false, true)] ascii: bool,
    ) {
        let buf = drawn(&gradient(64, 36), (16, 5), palette, ascii);
        let bytes = String::from_utf8(lines(&buf)).expect("text");
        let name = format!("{palette:?}-{}", if ascii { "ascii" } else { "utf8" }).to_lowercase();
        insta::assert_snapshot!(name, bytes.replace('\x1b', "␛"));
    }

    #[rstest]
    #[case((1920, 1080), (80, 24), (80, 23))]
    #[case((1920, 1080), (200, 24), (85, 24))]
    #[case((100, 100), (10, 10), (10, 5))]
    #[case((1, 1000), (80, 24), (1, 24))]
    #[case((1000, 1), (80, 24), (80, 1))]
    #[case((4, 3), (0, 10), (0, 0))]
    fn a_picture_keeps_its_shape(#[case] size: (u32, u32), #[case] room: (u16, u16), #[case] cells: (u16, u16)) {
        assert_eq!(fit(&gradient(size.0, size.1), Size::from(room)), Size::from(cells));
    }

    #[test]
    fn a_full_screen_in_256_colours_costs_little() {
        let bytes = lines(&drawn(&gradient(640, 360), (80, 24), Palette::Cube, false)).len();
        assert!(bytes < 24_000, "{bytes} bytes");
    }

    proptest! {
        #[test]
        fn any_picture_fits_into_any_area(
            size in prop_oneof![(1u32..200, 1u32..200), Just((4096, 1)), Just((1, 4096)), Just((1, 1))],
            (x, y, width, height) in (0u16..120, 0u16..40, 0u16..300, 0u16..120),
            palette in prop_oneof![Just(Palette::True), Just(Palette::Cube), Just(Palette::Sixteen), Just(Palette::None)],
            ascii: bool,
        ) {
            let mut buf = Buffer::empty(Rect::new(5, 3, 100, 30));
            let untouched = buf.clone();
            let area = Rect::new(x, y, width, height);
            let place = draw(&gradient(size.0, size.1), area, palette, ascii, &mut buf);
            prop_assert_eq!(place.intersection(area.intersection(buf.area)), place);
            for at in buf.area.positions() {
                prop_assert!(place.contains(at) || buf[at] == untouched[at], "outside");
                prop_assert!(!ascii || buf[at].symbol().is_ascii());
            }
        }
    }
}
