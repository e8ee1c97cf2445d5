//! The picture in a mail. It is known by how it begins: cameras call it image, octet-stream, or nothing.

use super::encoding;
use super::parts::Part;
use data_encoding::BASE64_NOPAD;

/// How every JPEG begins.
const BEGIN: [u8; 3] = [0xff, 0xd8, 0xff];
/// The same in base64; the last sign tells of what follows too.
const BEGIN_BASE64: &[u8] = b"/9j/";
/// Signs of base64 that are decoded at a time.
const STEP: usize = 16 << 10;

/// Whether a part is a picture.
pub(super) fn begins(part: &Part) -> bool {
    let body = part.body.trim_ascii_start();
    body.starts_with(&BEGIN) || body.starts_with(BEGIN_BASE64)
}

/// The picture that a part is, if it is one; of one that was cut off, what came.
pub(super) fn read(part: &Part) -> Option<Vec<u8>> {
    if !begins(part) {
        return None;
    }
    let body = part.body.trim_ascii_start();
    let bytes = match body.starts_with(&BEGIN) {
        true => body.to_vec(),
        false if matches!(encoding(part).as_str(), "base64" | "") => base64(body),
        false => return None,
    };
    bytes.starts_with(&BEGIN).then_some(bytes)
}

/// What base64 says, without a copy of it; whatever is not base64 is passed over, and what is left over at the end too.
fn base64(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() / 4 * 3);
    let mut signs = Vec::with_capacity(STEP);
    let is_sign = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let mut all = body.iter().take_while(|&&byte| byte != b'=').filter(is_sign).copied();
    loop {
        signs.clear();
        signs.extend(all.by_ref().take(STEP));
        let whole = signs.len() / 4 * 4;
        let rest = signs.len() - whole;
        // Three signs are two bytes and some bits of a third that is not there.
        let ends = [(2, 1), (3, 2)].into_iter().find(|(signs, _)| *signs == rest).map(|(_, bytes)| bytes);
        if let Some(count) = ends {
            signs.resize(whole + 4, b'A');
            decode(&signs, &mut bytes);
            bytes.truncate(bytes.len() - (3 - count));
            return bytes;
        }
        decode(&signs[..whole], &mut bytes);
        if signs.len() < STEP {
            return bytes;
        }
    }
}

/// Decodes signs of base64, four by four.
fn decode(signs: &[u8], bytes: &mut Vec<u8>) {
    let from = bytes.len();
    bytes.resize(from + signs.len() / 4 * 3, 0);
    let decoded = BASE64_NOPAD.decode_mut(signs, &mut bytes[from..]);
    bytes.truncate(from + decoded.unwrap_or_else(|partial| partial.written));
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64_MIME;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_the_lines_are_the_bytes_are_those_that_were_encoded(
            bytes in proptest::collection::vec(any::<u8>(), 0..60_000), cut in 0usize..80_000,
        ) {
            let text = BASE64_MIME.encode(&bytes);
            prop_assert_eq!(&base64(text.as_bytes()), &bytes);
            let part = base64(&text.as_bytes()[..cut.min(text.len())]);
            prop_assert!(bytes.starts_with(&part));
            prop_assert!(part.len() + 3 >= cut.min(text.len()) / 80 * 57);
        }
    }
}
