//! What is read of mails, from the very bytes that cameras send.

use super::*;
use data_encoding::{BASE64, BASE64_MIME};
use proptest::prelude::*;
use rstest::rstest;

fn subject_of(message: &[u8]) -> String {
    read(message, 16 << 10).subject
}

#[rstest]
#[case::plain(b"Subject: Motion Detected\r\n", "Motion Detected")]
#[case::among_others(b"From: a@b\r\nSUBJECT:Motion\r\nTo: c@d\r\n\r\n", "Motion")]
#[case::folded(b"Subject: Motion\r\n Detected\r\n\ton D1\r\nTo: c\r\n", "Motion Detected on D1")]
#[case::base64(b"Subject: =?UTF-8?B?RMOpdGVjdGlvbg==?=\r\n", "D\u{e9}tection")]
#[case::quoted(b"Subject: =?iso-8859-1?Q?Haust=FCr=2C_Bewegung?=\r\n", "Haust\u{fc}r, Bewegung")]
#[case::gb2312(b"Subject: =?gb2312?B?0sa2r9XssuI=?=\r\n", "\u{79fb}\u{52a8}\u{4fa6}\u{6d4b}")]
#[case::raw_utf8("Subject: Détection\r\n".as_bytes(), "Détection")]
#[case::raw_latin1(b"Subject: Haust\xfcr\r\n", "Haust\u{fc}r")]
#[case::raw_gb2312(
    b"Subject: \xd2\xc6\xb6\xaf\xd5\xec\xb2\xe2\xb1\xa8\xbe\xaf\r\n",
    "\u{79fb}\u{52a8}\u{4fa6}\u{6d4b}\u{62a5}\u{8b66}"
)]
#[case::raw_gb2312_as_the_text_says(
    b"Subject: \xc8\xeb\xc7\xd6\r\nContent-Type: text/plain; charset=\"gb2312\"\r\n\r\n\xc8\xeb\xc7\xd6\r\n",
    "\u{5165}\u{4fb5}"
)]
#[case::bare_line_feeds(b"To: a\nSubject: one\n two\nX: y\n", "one two")]
#[case::cut_off(b"Subject: Motion Det", "Motion Det")]
#[case::unknown_charset(b"Subject: =?klingon?B?AAAA?= x\r\n", "=?klingon?B?AAAA?= x")]
#[case::broken_neighbours(b"no header at all\r\n: :\r\n\xff\xfe\r\nSubject: still here\r\n", "still here")]
#[case::not_a_subject(b"X-Subject: no\r\nSubjects: no\r\n", "")]
#[case::first_of_two(b"Subject: first\r\nSubject: second\r\n", "first")]
#[case::empty(b"Subject:\r\nTo: a\r\n", "")]
#[case::nothing(b"", "")]
fn subjects(#[case] headers: &[u8], #[case] expected: &str) {
    assert_eq!(subject_of(headers), expected);
}

#[test]
fn a_long_subject_is_cut_and_no_encoded_word_is_torn() {
    let words = "=?UTF-8?B?44OG44K544OI?= ".repeat(200);
    let subject = subject_of(format!("Subject: {words}\r\n").as_bytes());
    assert!(subject.chars().all(|c| "テスト".contains(c)), "{subject}");
    assert!((90..=SUBJECT_CHARS).contains(&subject.chars().count()));
}

#[test]
fn words_that_never_end_do_not_hold_the_recorder_up() {
    for bomb in [" =?".repeat(2700) + &"?=x".repeat(2700), "=?".repeat(8000), " =?a?Q?".repeat(1000)] {
        let subject = subject_of(format!("Subject:{bomb}\r\n").as_bytes());
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
            prop_assert!(subject_of(&headers).chars().count() <= SUBJECT_CHARS);
        }
    }
}

/// A picture of a few bytes, and one of as many as a camera sends.
fn jpeg(bytes: usize) -> Vec<u8> {
    let noise = (0..bytes).map(|n| (n * 131 % 251) as u8);
    [0xff, 0xd8, 0xff, 0xe0].into_iter().chain(noise).chain([0xff, 0xd9]).collect()
}

/// A line of text in a charset that has no name here.
fn bytes(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// Mails as makers send them: the shape is theirs, names and times are not.
fn hikvision() -> Vec<u8> {
    let text = "This is an automatically generated e-mail from your IPC.\r\n\r\n\
        \tEVENT TYPE:            Motion Detected\r\n\tEVENT TIME:            2026-11-22,14:02:31\r\n\
        \tIPC NAME:              IPCamera 01\r\n\tCHANNEL NAME:          ";
    bytes(&[
        b"From: IPCamera <cam@lan>\r\nTo: nvr <front-door@nvr>\r\nSubject: \xd2\xc6\xb6\xaf\xd5\xec\xb2\xe2 Motion\r\n\
          MIME-Version: 1.0\r\nContent-Type: multipart/mixed;boundary=\"#BOUNDARY#\"\r\n\r\n\
          --#BOUNDARY#\r\nContent-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: 7bit\r\n\r\n",
        text.as_bytes(),
        b"\xb4\xf3\xc3\xc5\r\n\r\n--#BOUNDARY#\r\nContent-Type: image/jpeg; name=\"1.jpg\"\r\n\
          Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"1.jpg\"\r\n\r\n",
        BASE64_MIME.encode(&jpeg(5000)).as_bytes(),
        b"\r\n--#BOUNDARY#--\r\n",
    ])
}

fn dahua() -> Vec<u8> {
    let text = "Alarm Event: Motion Detection\r\nAlarm Input Channel: 1\r\n\
        Alarm Start Time(D/M/Y H:M:S): 22/11/2026 14:02:31\r\nAlarm Device Name: IPC\r\nIP Address: 192.168.1.20\r\n";
    format!(
        "From: cam@lan\r\nTo: front-door@nvr\r\nSubject: =?utf-8?B?{}?=\r\nContent-Type: multipart/mixed; \
         boundary=\"----=_Dahua\"\r\n\r\nfor old readers\r\n------=_Dahua\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n------=_Dahua\r\nContent-Type: application/octet-stream; \
         name=\"a.dat\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n------=_Dahua--\r\n",
        BASE64.encode("IPC Message".as_bytes()),
        BASE64_MIME.encode(text.as_bytes()),
        BASE64_MIME.encode(&jpeg(70_000)),
    )
    .into_bytes()
}

fn reolink() -> Vec<u8> {
    format!(
        "Subject: Yard\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n--abc\r\n\r\nAlarm Camera Name:Yard, Alarm \
         Event:Motion Detection, Alarm Input Channel No.:1, Alarm Device Name:Yard\r\n--abc\r\n\r\n\r\n{}\r\n--abc--",
        BASE64_MIME.encode(&jpeg(100))
    )
    .into_bytes()
}

fn axis() -> Vec<u8> {
    let html = "<html><head><style>p {color: red}</style></head><body><p>Motion in <b>zone&nbsp;1</b> &amp; 2<br>\
        a &lt; b &#8364;</p><script>alert('x')</script></body></html>";
    format!(
        "Subject: Front\r\nContent-Type: multipart/mixed; boundary=\"a b\"\r\n\r\n--a b\r\nContent-Type: \
         multipart/alternative; boundary=inner\r\n\r\n--inner\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n--inner--\r\n--a b\r\nContent-Type: IMAGE/JPEG\r\n\
         Content-Transfer-Encoding: BASE64\r\n\r\n{}\r\n--a b--\r\n",
        html.replace('=', "=3D"),
        BASE64_MIME.encode(&jpeg(1))
    )
    .into_bytes()
}

#[rstest]
#[case::hikvision(hikvision(), "移动侦测 Motion", "CHANNEL NAME:          大门", "Motion Detected", 5000)]
#[case::dahua(dahua(), "IPC Message", "Alarm Device Name: IPC", "Motion Detection", 70_000)]
#[case::reolink(reolink(), "Yard", "Alarm Device Name:Yard", "Motion Detection", 100)]
#[case::axis(axis(), "Front", "Motion in zone 1 & 2\na < b €", "", 1)]
fn mails_of_many_makers(
    #[case] message: Vec<u8>,
    #[case] subject: &str,
    #[case] text: &str,
    #[case] event: &str,
    #[case] picture: usize,
) {
    let said = read(&message, 16 << 10);
    assert_eq!((said.subject.as_str(), said.event.as_str()), (subject, event));
    assert!(said.body.contains(text), "{:?}", said.body);
    assert!(said.picture == Some(jpeg(picture)));
}

#[rstest]
#[case::plain("Subject: x\r\n\r\nMotion\r\nin the yard\r\n", "Motion\r\nin the yard")]
#[case::no_headers("\r\nMotion", "Motion")]
#[case::nothing("", "")]
#[case::plain_before_html(
    "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html\r\n--b\r\n\
     Content-Type: text/plain\r\n\r\nplain\r\n--b--\r\n",
    "plain"
)]
#[case::boundary_that_never_comes("Content-Type: multipart/mixed; boundary=b\r\n\r\nMotion\r\n", "Motion")]
#[case::bare_line_feeds("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nMotion\n--b--\n", "Motion")]
#[case::no_end("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nMotion", "Motion")]
#[case::forwarded("Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nMotion\r\n", "Motion")]
#[case::utf16("Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B%F%9%H\x1b(B", "テスト")]
#[case::unknown_charset("Content-Type: text/plain; charset=klingon\r\n\r\nMotion", "Motion")]
#[case::html_that_never_ends("Content-Type: text/html\r\n\r\nMotion <b", "Motion")]
#[case::html_of_odd_signs(
    "Content-Type: text/html\r\n\r\n1 < 2 &unknown; &#xffffffff; &",
    "1 < 2 &unknown; &#xffffffff; &"
)]
fn texts(#[case] message: &str, #[case] body: &str) {
    assert_eq!(read(message.as_bytes(), 16 << 10).body, body);
}

#[test]
fn a_picture_is_known_by_its_bytes_and_what_came_of_it_is_kept() {
    let whole = dahua();
    for cut in [whole.len() - 100, whole.len() / 2] {
        let picture = read(&whole[..cut], 16 << 10).picture.expect("what came of it");
        assert!(jpeg(70_000).starts_with(&picture) && picture.len() > 30_000, "{}", picture.len());
    }
    let not_one = String::from_utf8(dahua()).expect("ASCII").replace("/9j/", "AAAA");
    assert_eq!(read(not_one.as_bytes(), 16 << 10).picture, None);
    let as_it_is = bytes(&[b"Content-Type: image/jpeg\r\n\r\n", &jpeg(10)]);
    assert_eq!(read(&as_it_is, 16 << 10).picture, Some(jpeg(10)));
}

/// Eight megabytes of whatever costs most, read in a moment and without making much of it.
#[test]
fn no_message_takes_long_or_much() {
    let fill = |unit: &str| unit.repeat((8 << 20) / unit.len());
    let multipart = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    let nested: String =
        (0..200_000).map(|n| format!("--{n}\r\nContent-Type: multipart/mixed; boundary={}\r\n\r\n", n + 1)).collect();
    for message in [
        fill("a:\r\n"),
        fill("\r\n"),
        format!("Content-Type: text/html\r\n\r\n{}", fill("<")),
        format!("Content-Type: text/html\r\n\r\n{}", fill("<script>")),
        format!("Content-Type: text/html\r\n\r\n{}", fill("&")),
        format!("{multipart}{}", fill("--b\r\n")),
        format!("{multipart}{}", fill("--b\r\n\r\n/9j/\r\n")),
        format!("Content-Type: multipart/mixed; boundary=0\r\n\r\n{nested}"),
        format!("Subject: {}", fill("=?utf-8?B?")),
        format!("Content-Transfer-Encoding: base64\r\n\r\n/9j/{}", fill("A")),
        fill("Content-Type: message/rfc822\r\n\r\n"),
    ] {
        let said = read(message.as_bytes(), 16 << 10);
        assert!(said.body.chars().count() <= BODY_CHARS && said.subject.chars().count() <= SUBJECT_CHARS);
        assert!(said.picture.is_none_or(|picture| picture.len() <= message.len() * 3 / 4));
    }
}

proptest! {
    #[test]
    fn nothing_that_comes_is_a_reason_to_panic(
        pieces in proptest::collection::vec(prop_oneof![
            Just("Content-Type: multipart/mixed; boundary=b\r\n"), Just("Content-Type: text/html; charset=gb2312\r\n"),
            Just("\r\n"), Just("--b\r\n"), Just("--b--\r\n"), Just("Content-Transfer-Encoding: base64\r\n"),
            Just("Content-Transfer-Encoding: quoted-printable\r\n"), Just("/9j/4AAQ"), Just("<p>&amp;"), Just("=E4=\r\n"),
            Just("Alarm Event: "), Just("\u{fc}"), Just("Subject: =?utf-8?Q?"), Just("x"), Just("\n"), Just("\r"),
        ], 0..60),
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<proptest::sample::Index>(),
    ) {
        let mut message = pieces.concat().into_bytes();
        let place = at.index(message.len() + 1);
        message.splice(place..place, noise);
        let said = read(&message, 1 << 10);
        prop_assert!(said.body.chars().count() <= BODY_CHARS && said.event.chars().count() <= EVENT_CHARS);
        prop_assert!(said.picture.is_none_or(|picture| picture.starts_with(&[0xff, 0xd8, 0xff])));
    }
}
