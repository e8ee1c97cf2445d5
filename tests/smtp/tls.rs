//! TLS as old cameras, strangers and attackers speak it.

use super::{PATIENCE, Port, run, say, swaks};
use nvr::model::event::Event;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The one note that there is.
async fn note(port: Port) -> String {
    let events = port.close().await;
    let [Event::Note(note)] = &events[..] else { panic!("{events:?}") };
    note.clone()
}

async fn openssl(port: &Port, how: &[&str], input: &str) -> (bool, String) {
    let secure = port.secure.to_string();
    let plain = port.address.to_string();
    let words = how.iter().map(|&word| match word {
        "SECURE" => secure.clone(),
        "PLAIN" => plain.clone(),
        word => word.to_owned(),
    });
    // Some of what it is asked to do it waits for, for ever.
    let start = ["2", "openssl", "s_client", "-connect"].map(str::to_owned);
    run("timeout", &start.into_iter().chain(words).collect::<Vec<_>>(), input).await
}

#[rstest]
#[case::old(&["SECURE", "-tls1", "-cipher", "ALL:@SECLEVEL=0"], "it offers TLS 1.0 with ")]
#[case::old_by_starttls(&["PLAIN", "-starttls", "smtp", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "it offers TLS 1.1 with ")]
#[case::old_ciphers(
    &["SECURE", "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"],
    "it offers TLS 1.2 with TLS_RSA_WITH_AES_128_CBC_SHA; needed is TLS 1.2 or 1.3 with ECDHE"
)]
#[case::distrust(
    &["SECURE", "-verify_return_error"],
    "does not trust the mail port's certificate: UnknownCA (in the camera: switch the checking of certificates off, or let it trust "
)]
#[tokio::test]
async fn a_handshake_that_fails_is_told_with_what_was_offered(#[case] how: &[&str], #[case] words: &str) {
    let port = Port::open().await;
    let (connected, said) = openssl(&port, how, "").await;
    assert!(!connected, "{said}");
    let note = note(port).await;
    assert!(note.starts_with("127.0.0.1 ") && note.contains(words) && note.ends_with(')'), "{note}");
}

/// A camera that takes TLS where it is offered, and cannot do it, sends without next time.
#[tokio::test]
async fn who_cannot_do_tls_is_not_offered_it_again_for_a_while() {
    let port = Port::open().await;
    let mut before = say(&port, "EHLO cam\r\n", 7).await;
    openssl(&port, &["PLAIN", "-starttls", "smtp", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "").await;
    drop(say(&port, "EHLO cam\r\n", 6).await);
    before.write_all(b"EHLO cam\r\nSTARTTLS\r\n").await.expect("taken");
    let mut words = [0; 512];
    let mut heard = String::new();
    while !heard.contains("220 go ahead") {
        let count = timeout(PATIENCE, before.read(&mut words)).await.expect("in time").expect("a reply");
        heard += &String::from_utf8_lossy(&words[..count]);
    }
    assert!(!heard.contains("STARTTLS"), "{heard}");
}

#[rstest]
#[case::plain_text(
    b"EHLO cam\r\n",
    "127.0.0.1 sent plain text where TLS begins (in the camera: set encryption to none"
)]
#[case::http(b"GET / HTTP/1.1\r\n\r\n", "sent plain text")]
#[case::ancient(&[0x80, 46, 1, 0, 2, 0, 0, 0], "it offers SSL 2; needed is")]
#[case::hung_up(&[0x16, 3, 1, 2, 0, 1], "did not come to the end of a TLS handshake: it hung up")]
#[case::garbage(&[0x16, 3, 1, 0, 4, 9, 9, 9, 9], "did not come to the end of a TLS handshake: ")]
#[tokio::test]
async fn what_is_no_handshake_is_told(#[case] bytes: &[u8], #[case] words: &str) {
    let port = Port::open().await;
    let mut stream = TcpStream::connect(port.secure).await.expect("a connection");
    stream.write_all(bytes).await.expect("taken");
    stream.shutdown().await.expect("half a connection closed");
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("an end in time"); // it may be reset
    let note = note(port).await;
    assert!(note.contains(words) && note.ends_with(')'), "{note}");
}

/// What is said in plain text behind STARTTLS may come from anybody on the way.
#[tokio::test]
async fn what_came_before_the_handshake_does_not_count_after_it() {
    let mut port = Port::locked().await;
    let before = "EHLO cam\r\nAUTH PLAIN AGNhbWVyYQBzM2NyZXQ=\r\n";
    let injected = "STARTTLS\r\nMAIL FROM:<evil@lan>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\nSubject: evil\r\n\r\n.\r\n";
    let mut stream = say(&port, &format!("{before}{injected}"), 9).await;
    let mut handshake = [0; 1];
    stream.write_all(b"no handshake").await.expect("taken");
    assert_eq!(timeout(PATIENCE, stream.read(&mut handshake)).await.expect("in time").unwrap_or(0), 0);
    let Event::Note(note) = port.event().await else { panic!("no note") };
    assert!(note.contains("sent plain text where TLS begins"), "{note}");
    assert_eq!(port.close().await, [], "nothing triggered");
}

#[tokio::test]
async fn after_the_handshake_everything_begins_again() {
    let port = Port::locked().await;
    let words = "EHLO cam\r\nMAIL FROM:<a@b>\r\nSTARTTLS\r\nQUIT\r\n";
    let (_, said) = openssl(&port, &["PLAIN", "-starttls", "smtp", "-quiet", "-crlf", "-ign_eof"], words).await;
    assert!(said.contains("530 5.7.0") && said.contains("503 STARTTLS") && said.contains("221"), "{said}");
    assert!(!said.split("530").next().expect("a beginning").contains("STARTTLS\n"), "not offered again: {said}");
}

#[tokio::test]
async fn renegotiation_and_many_handshakes_harm_nobody() {
    let mut port = Port::open().await;
    let secure = port.secure;
    let flood = tokio::spawn(async move {
        for _ in 0..200 {
            let mut stream = TcpStream::connect(secure).await.expect("a connection");
            let _ = stream.write_all(&[0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]).await;
        }
    });
    // In s_client, R on a line asks for renegotiation.
    openssl(&port, &["SECURE", "-tls1_2"], "R\nR\nR\nR\n").await;
    flood.await.expect("no panic");
    swaks(&port).await;
    assert_eq!(port.mail().await.subject, "Motion");
}
