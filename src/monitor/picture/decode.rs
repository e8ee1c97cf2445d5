//! From base64 to pixels. A camera's own picture comes from a stranger, so everything is bounded.

use crate::monitor::terminal::contain;
use data_encoding::BASE64;
use std::fmt;
use std::sync::Arc;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Most characters of base64: 4 MiB of JPEG, twice what a recorder sends.
const LONGEST: usize = (4 << 20) / 3 * 4 + 4;
/// Most pixels across and down: 48 MiB while it is decoded.
const LARGEST: usize = 4096;
/// Most passes over a progressive JPEG. Real ones have ten; each costs as much as a picture.
const SCANS: usize = 32;
/// Pixels across and down that are kept: a terminal has fewer, and what is drawn again and again should cost little.
const KEPT: u32 = 1000;

/// A picture. Clones are the same and cost nothing.
#[derive(Clone)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Arc<[u8]>,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({} x {})", self.width, self.height)
    }
}

/// The same picture, or one that looks the same. Clones are not even looked at.
impl PartialEq for Picture {
    fn eq(&self, other: &Self) -> bool {
        let same = (self.width, self.height) == (other.width, other.height);
        same && (Arc::ptr_eq(&self.rgb, &other.rgb) || self.rgb == other.rgb)
    }
}

impl Eq for Picture {}

impl Picture {
    /// Of red, green and blue, a byte each, line by line; `None` if that is not what is there, or nothing is. Large ones
    /// are made smaller, each pixel the mean of what it stands for.
    pub fn of(width: u32, height: u32, rgb: Vec<u8>) -> Option<Self> {
        let bytes = (width as usize).checked_mul(height as usize)?.checked_mul(3)?;
        if bytes == 0 || bytes != rgb.len() {
            return None;
        }
        let full = Self { width, height, rgb: rgb.into() };
        let step = width.max(height).div_ceil(KEPT);
        if step == 1 {
            return Some(full);
        }
        let (width, height) = (width.div_ceil(step), height.div_ceil(step));
        let rgb = full.sample(width, height).into_iter().flatten().collect();
        Some(Self { width, height, rgb })
    }

    /// In pixels, as it is kept; at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// In pixels, as it is kept; at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The picture in `columns` x `rows` pixels, each the mean of what it stands for; where there are more than it has,
    /// some stand for the same.
    pub(super) fn sample(&self, columns: u32, rows: u32) -> Vec<[u8; 3]> {
        let span = |at: u32, parts: u32, all: u32| {
            let from = u64::from(at) * u64::from(all) / u64::from(parts);
            let to = (u64::from(at) + 1) * u64::from(all) / u64::from(parts);
            from as usize..to.max(from + 1) as usize // at most `all`, which is 32 bits
        };
        let across: Vec<_> = (0..columns).map(|column| span(column, columns, self.width)).collect();
        let mut pixels = Vec::with_capacity(columns as usize * rows as usize);
        for row in 0..rows {
            let down = span(row, rows, self.height);
            for across in &across {
                let mut sum = [0_u64; 3];
                for line in down.clone() {
                    let line = &self.rgb[line * self.width as usize * 3..][across.start * 3..across.end * 3];
                    for pixel in line.chunks_exact(3) {
                        (0..3).for_each(|of| sum[of] += u64::from(pixel[of]));
                    }
                }
                let count = (down.len() * across.len()) as u64;
                pixels.push(sum.map(|sum| ((sum + count / 2) / count) as u8)); // a mean of bytes
            }
        }
        pixels
    }
}

/// Decodes a JPEG. Takes a few milliseconds for one that a recorder made and up to a second for the largest, so it is
/// nothing for the thread that draws.
///
/// # Errors
/// What is wrong with it, in words.
pub fn decode(base64: &str) -> Result<Picture, String> {
    let bad =
        |why: &dyn fmt::Display| format!("this is no picture that can be shown: {why} (look at it with a browser)");
    if base64.len() > LONGEST {
        return Err(bad(&"it is larger than 4 MiB"));
    }
    let jpeg = BASE64.decode(base64.as_bytes()).map_err(|error| bad(&error))?;
    // The decoder's authors allow for panics at odd input; the screen must survive one.
    let decoded = contain(move || rgb(&jpeg)).unwrap_or_else(|| Err("the decoder gave up".to_owned()));
    decoded.map_err(|why| bad(&why))
}

fn rgb(jpeg: &[u8]) -> Result<Picture, String> {
    let options = DecoderOptions::default().set_max_width(LARGEST).set_max_height(LARGEST);
    let options = options.jpeg_set_max_scans(SCANS).jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let said = |error: zune_jpeg::errors::DecodeErrors| crate::model::text::fit_for_screen(&error.to_string(), 120);
    let rgb = decoder.decode().map_err(said)?;
    let size = decoder.info().map(|info| (u32::from(info.width), u32::from(info.height)));
    size.and_then(|(width, height)| Picture::of(width, height, rgb)).ok_or_else(|| "its colours are odd".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 16 x 8 pixels: the left half red, the right half blue.
    pub const TWO_HALVES: &str = include_str!("two_halves.jpg.base64");

    #[test]
    fn a_jpeg_becomes_its_pixels() {
        let picture = decode(TWO_HALVES.trim()).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (16, 8));
        let [left, right] = picture.sample(2, 1)[..] else { panic!("two pixels") };
        assert!(left[0] > 200 && left[2] < 60, "{left:?}");
        assert!(right[2] > 200 && right[0] < 60, "{right:?}");
        assert_eq!(picture, picture.clone());
        assert_eq!(picture, decode(TWO_HALVES.trim()).expect("the same"));
    }

    #[test]
    fn what_is_none_or_too_large_is_said() {
        let mut bytes = BASE64.decode(TWO_HALVES.trim().as_bytes()).expect("base64");
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("its size");
        let sized = |bytes: &mut [u8], height: u16, width: u16| {
            bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
            bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
            BASE64.encode(bytes)
        };
        for text in [
            "%%%".to_owned(),
            BASE64.encode(b"no picture"),
            String::new(),
            "A".repeat(LONGEST + 4),
            sized(&mut bytes, 8, u16::MAX),
            sized(&mut bytes, u16::MAX, 16),
            sized(&mut bytes, 0, 16),
        ] {
            let said = decode(&text).expect_err("none");
            assert!(said.starts_with("this is no picture") && said.ends_with(')') && said.len() < 250, "{said}");
        }
    }

    #[test]
    fn a_decoder_that_panics_ends_nothing() {
        assert_eq!(contain(|| 1), Some(1));
        assert_eq!(contain(|| -> u8 { panic!("an odd picture") }), None);
    }

    #[test]
    fn large_pictures_are_kept_small() {
        let rgb: Vec<u8> = (0..4096 * 3).map(|at| if at < 2048 * 3 { 0 } else { 200 }).collect();
        let picture = Picture::of(4096, 1, rgb).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (820, 1));
        assert_eq!(picture.sample(2, 1), [[0; 3], [200; 3]]);
        assert!(Picture::of(2, 2, vec![0; 11]).is_none() && Picture::of(0, 1, vec![]).is_none());
    }

    proptest! {
        #[test]
        fn damaged_jpegs_do_no_harm(noise in proptest::collection::vec(any::<u8>(), 1..20), at in any::<proptest::sample::Index>()) {
            let mut bytes = BASE64.decode(TWO_HALVES.trim().as_bytes()).expect("base64");
            let at = at.index(bytes.len());
            bytes.splice(at..(at + noise.len() / 2).min(at), noise);
            let _ = decode(&BASE64.encode(&bytes));
        }
    }
}
