//! Where one JPEG ends and the next begins.

/// Most bytes of a picture. One of 1920x1080 has 0.2 to 0.6 MB.
pub(super) const MOST: usize = 2 << 20;
/// How every JPEG begins.
const BEGIN: [u8; 3] = [0xff, 0xd8, 0xff];

/// Whether these may be a JPEG, by their beginning; a name or a content type says less.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(&BEGIN)
}

/// The JPEGs that stand one behind the other in `bytes`, up to the first that is not whole.
pub(super) fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some(end) = end(bytes) {
        let (jpeg, rest) = bytes.split_at(end);
        found.push(jpeg);
        bytes = rest;
    }
    found
}

/// Where the JPEG ends that `bytes` begin with; `None` if that is none, or not whole. What looks like the end may stand
/// in a table too, so the way leads from marker to marker.
fn end(bytes: &[u8]) -> Option<usize> {
    if !begins(bytes) {
        return None;
    }
    let mut at = 2;
    loop {
        let marker = *bytes.get(at + 1).filter(|_| bytes[at] == 0xff)?;
        match marker {
            0xd9 => return Some(at + 2),
            0xff => at += 1, // padding
            0x01 | 0xd0..=0xd7 => at += 2,
            _ => {
                let length = bytes.get(at + 2..at + 4)?;
                let body = usize::from(length[0]) << 8 | usize::from(length[1]);
                at += 2 + body.max(2);
                if marker == 0xda {
                    at += scan(bytes.get(at..)?)?;
                }
            }
        }
    }
}

/// How long compressed data are: up to a marker that is neither an escaped FF nor a restart.
fn scan(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A JPEG in shape: a table that holds an end, a scan with an escape and a restart.
    const ONE: &[u8] = b"\xff\xd8\xff\xdb\0\x06\xff\xd9\xff\xd8\xff\xda\0\x04\0\0x\xff\0y\xff\xd3z\xff\xff\xd9";

    #[test]
    fn pictures_are_told_apart_whatever_is_in_them() {
        let two = [ONE, ONE].concat();
        assert_eq!(split(&two), [ONE, ONE]);
        assert_eq!(split(&two[..two.len() - 1]), [ONE], "one that is cut off is none");
        assert_eq!(split(&[ONE, b"\nmore"].concat()), [ONE]);
        assert_eq!(split(b""), Vec::<&[u8]>::new());
        assert_eq!(split(b"\x89PNG"), Vec::<&[u8]>::new());
    }

    proptest! {
        #[test]
        fn any_bytes_come_out_as_they_went_in(noise in proptest::collection::vec(any::<u8>(), 0..200), at in 0..ONE.len()) {
            let mut bytes = ONE.to_vec();
            bytes.splice(at..at, noise);
            let length: usize = split(&bytes).iter().map(|jpeg| jpeg.len()).sum();
            prop_assert!(length <= bytes.len());
            prop_assert!(split(&bytes).iter().all(|jpeg| begins(jpeg) && jpeg.ends_with(b"\xff\xd9")));
        }
    }
}
