//! Peers that break off, are not allowed in, or should not be let near a mail port.

use super::{Port, STARTING, TO_GARDEN, say, swaks};
use nvr::model::event::Event;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn peers_outside_the_allowed_networks_are_refused_with_a_sentence() {
    let mut port = Port::with("127.0.0.1:0", "10.0.0.0/8", None).await;
    for _ in 0..20 {
        let mut words = String::new();
        port.connect().await.read_to_string(&mut words).await.expect("text to the end");
        assert_eq!(words, "554 mail is taken from networks in smtp.allow only\r\n");
    }
    let Event::Note(note) = port.event().await else { panic!("no note") };
    let expected = "127.0.0.1 wanted to send mail and was refused (if it is a camera: add 127.0.0.1 to smtp.allow)";
    assert_eq!(note, expected);
    assert_eq!(port.close().await, [], "one note for all of them");
}

#[tokio::test]
async fn a_mail_that_breaks_off_triggers() {
    let mut port = Port::open().await;
    let mut half_closed = say(&port, TO_GARDEN, 4).await;
    half_closed.shutdown().await.expect("half a connection closed");
    assert!(port.mail().await.cut_off);

    drop(say(&port, &format!("{TO_GARDEN}DATA\r\nSubject: Motion\r\n\r\nhalf a pic"), 5).await);
    let mail = port.mail().await;
    assert_eq!((mail.subject.as_str(), mail.cut_off), ("Motion", true));

    let reset = say(&port, TO_GARDEN, 4).await;
    reset.set_zero_linger().expect("an option set");
    drop(reset);
    assert!(port.mail().await.cut_off);
    assert_eq!(port.close().await, []);
}

#[tokio::test]
async fn silent_and_dripping_peers_do_not_keep_a_real_mail_out() {
    let mut port = Port::open().await;
    let mut peers = Vec::new();
    for n in 0..128 {
        let mut stream = port.connect().await;
        peers.push(tokio::spawn(async move {
            // Every other one drips, half of those without ever coming to a command's end.
            let words: &[u8] = match n % 4 {
                1 => b"EHLO x\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n",
                3 => b"EHLO a name that takes its time to be said",
                _ => b"",
            };
            for byte in words {
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }));
    }
    swaks(&port).await;
    assert_eq!(port.mail().await.subject, "Motion");
    for peer in peers {
        peer.abort();
    }
}

#[tokio::test]
async fn bytes_that_are_no_smtp_harm_nobody() {
    let mut port = Port::open().await;
    let mut noise = port.connect().await;
    let mut random = fastrand::Rng::with_seed(7);
    let bytes: Vec<u8> = (0..1 << 20).map(|_| random.u8(..)).collect();
    let _ = noise.write_all(&bytes).await; // it will not all be taken
    swaks(&port).await;
    assert_eq!(port.mail().await.subject, "Motion");
}

#[tokio::test]
async fn stopping_ends_every_session_triggers_what_was_begun_and_frees_the_port() {
    // At an address of its own: elsewhere somebody else may take the port as soon as it is free.
    let port = Port::with("127.0.0.77:0", "127.0.0.0/8", None).await;
    let address = port.address;
    let mut idle = say(&port, "", 1).await;
    let begun = say(&port, TO_GARDEN, 4).await;
    let nobody_starts = STARTING.lock().await;
    let events = port.close().await;
    // A program that was just started still has it for a moment: its start is over for us before its exec is.
    let free = async {
        while std::net::TcpListener::bind(address).is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await
        }
    };
    tokio::time::timeout(Duration::from_secs(1), free).await.expect("the port is free again");
    drop(nobody_starts);
    let [Event::Mail(mail)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((mail.to.join(""), mail.cut_off), ("garden@nvr".into(), true));
    let mut words = String::new();
    idle.read_to_string(&mut words).await.expect("text to the end");
    assert_eq!(words, "421 the recorder is stopping\r\n");
    drop(begun);
}
