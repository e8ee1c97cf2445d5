//! What a camera's mail says, as far as it can be read: best effort, bounded, and never a reason not to trigger.

use std::borrow::Cow;

/// Characters of a subject that are kept.
pub const SUBJECT_CHARS: usize = 256;

/// Bytes of a raw subject that are decoded. In encoded words of UTF-8 this is about [`SUBJECT_CHARS`] Chinese
/// characters. The decoder's work can grow with the cube of this number (words that never end), so it is small.
const SUBJECT_BYTES: usize = 1024;

/// The subject in a header block, decoded from whatever charset it is in; empty if there is none.
///
/// Only the subject's own lines are parsed, so other headers may be as broken as they like. The result is at most
/// [`SUBJECT_CHARS`] characters and not yet fit for a screen.
pub fn subject(headers: &[u8]) -> String {
    let Some(field) = field(headers, b"subject:") else { return String::new() };
    let field = shortened(field);
    let Ok((header, _)) = mailparse::parse_header(&field) else { return String::new() };
    header.get_value().chars().take(SUBJECT_CHARS).collect()
}

/// A header with its continuation lines, from its name to the end of its last line. `name` is in lower case and ends
/// with the colon; the first of several wins.
fn field<'a>(headers: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut start = None;
    let mut end = 0;
    for line in headers.split_inclusive(|&b| b == b'\n') {
        let folded = matches!(line.first(), Some(b' ' | b'\t'));
        match start {
            Some(start) if !folded => return Some(&headers[start..end]),
            None if line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) => start = Some(end),
            Some(_) | None => {}
        }
        end += line.len();
    }
    start.map(|start| &headers[start..end])
}

/// At most [`SUBJECT_BYTES`] of a field, cut where a word ends so that no encoded word is torn.
fn shortened(field: &[u8]) -> Cow<'_, [u8]> {
    let Some(short) = field.get(..SUBJECT_BYTES) else { return Cow::Borrowed(field) };
    let word_end = short.iter().rposition(|b| b.is_ascii_whitespace()).filter(|&end| end > SUBJECT_BYTES / 2);
    Cow::Owned([&short[..word_end.unwrap_or(SUBJECT_BYTES)], b"\r\n"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain(b"Subject: Motion Detected\r\n", "Motion Detected")]
    #[case::among_others(b"From: a@b\r\nSUBJECT:Motion\r\nTo: c@d\r\n\r\n", "Motion")]
    #[case::folded(b"Subject: Motion\r\n Detected\r\n\ton D1\r\nTo: c\r\n", "Motion Detected on D1")]
    #[case::base64(b"Subject: =?UTF-8?B?RMOpdGVjdGlvbg==?=\r\n", "D\u{e9}tection")]
    #[case::quoted(b"Subject: =?iso-8859-1?Q?Haust=FCr=2C_Bewegung?=\r\n", "Haust\u{fc}r, Bewegung")]
    #[case::gb2312(b"Subject: =?gb2312?B?0sa2r9XssuI=?=\r\n", "\u{79fb}\u{52a8}\u{4fa6}\u{6d4b}")]
    #[case::raw_utf8("Subject: Détection\r\n".as_bytes(), "Détection")]
    #[case::raw_latin1(b"Subject: Haust\xfcr\r\n", "Haust\u{fc}r")]
    #[case::bare_line_feeds(b"To: a\nSubject: one\n two\nX: y\n", "one two")]
    #[case::cut_off(b"Subject: Motion Det", "Motion Det")]
    #[case::unknown_charset(b"Subject: =?klingon?B?AAAA?= x\r\n", "=?klingon?B?AAAA?= x")]
    #[case::broken_neighbours(b"no header at all\r\n: :\r\n\xff\xfe\r\nSubject: still here\r\n", "still here")]
    #[case::not_a_subject(b"X-Subject: no\r\nSubjects: no\r\n", "")]
    #[case::first_of_two(b"Subject: first\r\nSubject: second\r\n", "first")]
    #[case::empty(b"Subject:\r\nTo: a\r\n", "")]
    #[case::nothing(b"", "")]
    fn subjects(#[case] headers: &[u8], #[case] expected: &str) {
        assert_eq!(subject(headers), expected);
    }

    #[test]
    fn a_long_subject_is_cut_and_no_encoded_word_is_torn() {
        let words = "=?UTF-8?B?44OG44K544OI?= ".repeat(200);
        let subject = subject(format!("Subject: {words}\r\n").as_bytes());
        assert!(subject.chars().all(|c| "テスト".contains(c)), "{subject}");
        assert!((90..=SUBJECT_CHARS).contains(&subject.chars().count()));
    }

    #[test]
    fn words_that_never_end_do_not_hold_the_recorder_up() {
        for bomb in [" =?".repeat(2700) + &"?=x".repeat(2700), "=?".repeat(8000), " =?a?Q?".repeat(1000)] {
            let subject = subject(format!("Subject:{bomb}\r\n").as_bytes());
            assert!(subject.chars().count() <= SUBJECT_CHARS);
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_stays_short(
            bytes in proptest::collection::vec(any::<u8>(), 0..2000),
            text in "(=\\?|\\?=|[ \r\n\t?QB=_-]|utf-8|Subject:|\\PC){0,300}",
        ) {
            for headers in [bytes.clone(), [b"Subject:".as_slice(), &bytes].concat(), text.clone().into_bytes(),
                            format!("Subject:{text}").into_bytes()] {
                prop_assert!(subject(&headers).chars().count() <= SUBJECT_CHARS);
            }
        }
    }
}
