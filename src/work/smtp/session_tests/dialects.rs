//! Whole conversations as devices hold them, byte for byte: each is understood, answered, and triggers.

use super::{Camera, usual};
use crate::model::event::Event;
use crate::model::settings::Limits;
use rstest::rstest;

/// What a device says, and what it is answered: the code of each reply, the greeting's first.
#[rstest]
#[case::proper(
    b"EHLO cam.local\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\nhello\r\n.\r\nQUIT\r\n",
    "220 250 250 250 354 250 221"
)]
#[case::no_greeting(
    b"MAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\nhello\r\n.\r\nQUIT\r\n",
    "220 250 250 354 250 221"
)]
#[case::nameless(
    b"EHLO\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 250 250 354 250 221"
)]
#[case::odd_names_again_and_again(
    b"EHLO \x00\x01\r\nHELO <>\r\nEHLO IP_Camera (7)\r\nHELO fe80::1%eth0\r\n\
      MAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 250 250 250 250 250 354 250 221"
)]
// An ESP32 with a camera: its name instead of an address, and a space before it.
#[case::microcontroller(
    b"HELO ESP-CAM_MJPEG\r\nMAIL FROM: <cam>\r\nRCPT TO: <garden@nvr>\r\nDATA\r\n\
      From: cam <cam>\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 250 250 354 250 221"
)]
#[case::bare_addresses(
    b"helo cam\r\nmail from: cam@lan\r\nrcpt to:garden@nvr\r\ndata \r\nsubject: Motion\r\n\r\n.\r\nquit\r\n",
    "220 250 250 250 354 250 221"
)]
#[case::parameters(
    b"EHLO cam\r\nMAIL FROM:<cam@lan> SIZE=90210 BODY=8BITMIME SMTPUTF8 AUTH=<>\r\n\
      RCPT TO:<garden@nvr> NOTIFY=NEVER ORCPT=rfc822;garden@nvr\r\nDATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 250 250 354 250 221"
)]
#[case::nobody(
    b"EHLO cam\r\nMAIL FROM: <> AUTH=<>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 250 250 354 250 221"
)]
#[case::bare_line_feeds(
    b"EHLO cam\nMAIL FROM:<cam@lan>\nRCPT TO:<garden@nvr>\nDATA\nSubject: Motion\n\nhello\n.\nQUIT\n",
    "220 250 250 250 354 250 221"
)]
#[case::mixed_line_ends(
    b"EHLO cam\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\nDATA\r\nSubject: Motion\n\r\nhello\n.\r\nQUIT\n",
    "220 250 250 250 354 250 221"
)]
#[case::no_quit(
    b"HELO cam\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\n.\r\n",
    "220 250 250 250 354 250"
)]
#[case::dots(
    b"HELO cam\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\n..\r\n...\r\n.x\r\n. \r\n.\r\nQUIT\r\n",
    "220 250 250 250 354 250 221"
)]
#[case::nothing_after_the_headers(
    b"HELO cam\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n.\r\nQUIT\r\n",
    "220 250 250 250 354 250 221"
)]
#[case::second_thoughts(
    b"HELO cam\r\nMAIL FROM:<other@lan>\r\nRCPT TO:<hall@nvr>\r\nRSET\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\n\
      DATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 250 250 250 250 250 354 250 221"
)]
#[case::small_talk(
    b"EHLO cam\r\nNOOP\r\nNOOP hello\r\nHELP\r\nVRFY garden\r\nEXPN all\r\nXCLIENT x\r\n\r\nRSET\r\nMAIL FROM:<cam@lan>\r\n\
      NOOP\r\nRCPT TO:<garden@nvr>\r\nVRFY\r\nDATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 250 250 214 252 252 500 500 250 250 250 250 252 354 250 221"
)]
#[case::login(
    b"EHLO cam\r\nAUTH LOGIN\r\nYWRtaW4=\r\nc2VjcmV0\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 334 334 235 250 250 354 250 221"
)]
#[case::login_without_ehlo(
    b"HELO cam\r\nAUTH LOGIN YWRtaW4=\r\nc2VjcmV0\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 334 235 250 250 354 250 221"
)]
#[case::login_of_nobody(
    b"EHLO cam\r\nAUTH LOGIN\r\n\r\n\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 334 334 235 250 250 354 250 221"
)]
#[case::plain(
    b"EHLO cam\r\nAUTH PLAIN AGFkbWluAHNlY3JldA==\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 235 250 250 354 250 221"
)]
#[case::plain_in_two_steps(
    b"EHLO cam\r\nAUTH PLAIN\r\nAGFkbWluAHNlY3JldA==\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 334 235 250 250 354 250 221"
)]
// It tries what it likes best, and takes the next when that is refused.
#[case::falls_back(
    b"EHLO cam\r\nAUTH CRAM-MD5\r\nAUTH DIGEST-MD5\r\nAUTH LOGIN\r\nYWRtaW4=\r\nc2VjcmV0\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\n\
      DATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 504 504 334 334 235 250 250 354 250 221"
)]
#[case::gives_tls_up(
    b"EHLO cam\r\nSTARTTLS\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: Motion\r\n\r\n.\r\nQUIT\r\n",
    "220 250 502 250 250 354 250 221"
)]
#[case::recorder_box_with_a_picture(
    b"EHLO embedded\r\nMAIL FROM: <cam@lan>\r\nRCPT TO: <garden@nvr>\r\nDATA\r\n\
      From: \"=?gb2312?B?yeOx?=\" <cam@lan>\r\nTo: \"\xca\xd5\" <garden@nvr>\r\nSubject: Motion\r\nMIME-Version: 1.0\r\n\
      Content-Type: multipart/mixed; boundary=\"#BOUNDARY#\"\r\n\r\n--#BOUNDARY#\r\nContent-Type: text/plain; charset=gb2312\r\n\r\n\
      EVENT TYPE: Motion Detected\r\n--#BOUNDARY#\r\nContent-Type: image/pjpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n\
      /9j/4AAQSkZJRgABAQAAAQABAAD/2Q==\r\n--#BOUNDARY#--\r\n.\r\nQUIT\r\n",
    "220 250 250 250 354 250 221"
)]
#[tokio::test(start_paused = true)]
async fn each_device_is_understood(#[case] words: &[u8], #[case] codes: &str, #[values(1, 7, 4096)] packet: usize) {
    let mut camera = usual();
    for packet in words.chunks(packet) {
        camera.sends(packet).await;
    }
    let heard = camera.hears_each(codes.split(' ').count()).await;
    assert_eq!(heard.join(" "), codes);
    let mail = camera.mail().await;
    assert_eq!((mail.subject.as_str(), mail.to.join(" "), mail.cut_off), ("Motion", "garden@nvr".into(), false));
    assert!(["cam@lan", "cam", ""].contains(&mail.from.as_str()), "{}", mail.from);
    assert_eq!(camera.events().await, [], "one mail, one trigger, and nothing to remark");
}

#[tokio::test(start_paused = true)]
async fn many_mails_in_one_session() {
    let mut camera = usual();
    camera.hears().await;
    for n in 0..200 {
        camera.says(&format!("MAIL FROM: a@b\nRCPT TO: garden\nDATA \nSubject: {n}\n\nhello\n.\n")).await;
        assert_eq!(camera.hears_each(4).await, ["250", "250", "354", "250"]);
        assert_eq!(camera.mail().await.subject, n.to_string());
    }
}

/// Replies leave at once: nothing in a conversation waits for a clock.
#[tokio::test(start_paused = true)]
async fn replies_wait_for_no_clock() {
    let mut camera = Camera::connects(Limits::default(), 16);
    let start = tokio::time::Instant::now();
    camera.says("EHLO cam\r\nMAIL FROM:<a@b>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n").await;
    assert_eq!(camera.hears_each(7).await.last().map(String::as_str), Some("221"));
    assert!(start.elapsed().is_zero());
    assert!(matches!(camera.events().await[..], [Event::Mail(_)]));
}
