//! Sessions over a pipe in memory, on a clock that jumps: every timeout in full length, in no time.

mod dialects;
mod login;

use super::letter::Budget;
use super::pulse::Pulse;
use super::session::talk;
use super::{House, open_to_all};
use crate::model::event::{Event, Mail};
use crate::model::settings::{Limits, Smtp};
use proptest::prelude::*;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::mpsc::{self, Receiver};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep};
use tokio_util::sync::CancellationToken;

/// A camera's end of a session.
struct Camera {
    stream: BufReader<DuplexStream>,
    session: JoinHandle<()>,
    pulse: Arc<Pulse>,
    stop: CancellationToken,
    bus: Receiver<Event>,
    budget: Arc<Budget>,
    rules: watch::Sender<Arc<Smtp>>,
}

const TO_GARDEN: &str = "EHLO cam\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\n";

impl Camera {
    fn connects(limits: Limits, bus_size: usize) -> Self {
        Self::connects_to(open_to_all(limits, None), bus_size)
    }

    fn connects_to(rules: watch::Sender<Arc<Smtp>>, bus_size: usize) -> Self {
        let (events, bus) = mpsc::channel(bus_size);
        let (near, far) = tokio::io::duplex(4096);
        let (pulse, stop) = (Arc::new(Pulse::new(&rules.borrow().limits)), CancellationToken::new());
        let house = Arc::new(House::new(rules.subscribe(), None, events, stop.clone()));
        let budget = house.budget.clone();
        let session = tokio::spawn(talk(far, false, [10, 0, 0, 7].into(), pulse.clone(), house));
        Self { stream: BufReader::new(near), session, pulse, stop, bus, budget, rules }
    }

    async fn says(&mut self, text: &str) {
        self.sends(text.as_bytes()).await;
    }

    async fn sends(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.expect("the session takes it");
    }

    /// The next reply's code; all lines of it are read.
    async fn hears(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await.expect("a readable line");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.chars().take(3).collect();
            }
        }
    }

    /// So many replies' codes.
    async fn hears_each(&mut self, count: usize) -> Vec<String> {
        let mut codes = Vec::new();
        for _ in 0..count {
            codes.push(self.hears().await);
        }
        codes
    }

    /// All that is said until the session has closed the connection.
    async fn hears_the_end(&mut self) -> String {
        let mut rest = String::new();
        self.stream.read_to_string(&mut rest).await.expect("text to the end");
        rest
    }

    async fn mail(&mut self) -> Mail {
        match self.event().await {
            Some(Event::Mail(mail)) => mail,
            other => panic!("{other:?}"),
        }
    }

    async fn event(&mut self) -> Option<Event> {
        next(&mut self.bus).await
    }

    /// Hangs up if it has not, waits for the session to end, and gives all events that are left.
    async fn events(mut self) -> Vec<Event> {
        drop(self.stream);
        self.session.await.expect("sessions do not panic");
        let mut events = Vec::new();
        while let Some(event) = next(&mut self.bus).await {
            events.push(event);
        }
        events
    }
}

/// The next event. What is told of the talk itself is passed over.
async fn next(bus: &mut Receiver<Event>) -> Option<Event> {
    loop {
        match bus.recv().await {
            Some(Event::Session { .. }) => {}
            other => return other,
        }
    }
}

fn usual() -> Camera {
    Camera::connects(Limits::default(), 16)
}

fn seconds(from: Instant) -> u64 {
    from.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_packet_with_everything_in_it_is_understood_and_answered_in_order() {
    let mut camera = usual();
    let mail = "DATA\r\nSubject: Motion\r\n\r\n..x\r\n.\r\n";
    camera.says(&format!("{TO_GARDEN}{mail}NOOP\r\nVRFY\r\nRSET\r\nQUIT\r\n")).await;
    let codes = camera.hears_each(10).await;
    assert_eq!(codes, ["220", "250", "250", "250", "354", "250", "250", "252", "250", "221"]);
    let got = camera.mail().await;
    assert_eq!((got.from.as_str(), got.subject.as_str(), got.cut_off), ("cam@lan", "Motion", false));
    assert_eq!((got.to, got.peer), (vec!["garden@nvr".to_owned()], [10, 0, 0, 7].into()));
    assert_eq!(camera.hears_the_end().await, "");
    assert_eq!(camera.events().await, []);
}

#[tokio::test(start_paused = true)]
async fn the_trigger_is_the_first_recipient_and_goes_out_at_the_dot() {
    let mut camera = usual();
    camera.says(TO_GARDEN).await;
    sleep(Duration::from_secs(3)).await;
    camera.says("RCPT TO:<hall@nvr>\r\nDATA\r\nSubject: x\r\n\r\n").await;
    sleep(Duration::from_secs(3)).await;
    while let Ok(event) = camera.bus.try_recv() {
        assert!(matches!(event, Event::Session { .. }), "{event:?}");
    }
    camera.says("body\r\n.\r\n").await;
    let mail = camera.mail().await;
    assert_eq!((mail.waited.as_secs(), mail.to.len()), (6, 2));
}

#[tokio::test(start_paused = true)]
async fn a_slow_mail_triggers_after_ten_seconds_and_only_once() {
    let mut camera = usual();
    camera.says(&format!("{TO_GARDEN}DATA\r\nSubject: slow\r\n\r\n")).await;
    let start = Instant::now();
    let sender = async {
        for _ in 0..30 {
            sleep(Duration::from_secs(1)).await;
            camera.stream.get_mut().write_all(b"picture\r\n").await.expect("taken");
        }
    };
    let taker = async { (next(&mut camera.bus).await, seconds(start)) };
    let ((), (event, after)) = tokio::join!(sender, taker);
    let Some(Event::Mail(mail)) = event else { panic!("{event:?}") };
    assert_eq!((mail.subject.as_str(), mail.waited.as_secs(), mail.cut_off, after), ("slow", 10, false, 10));
    camera.says(".\r\n").await;
    assert_eq!(camera.hears_each(6).await.last().map(String::as_str), Some("250"));
    assert_eq!(camera.events().await, [], "not a second time");
}

/// A picture over weak Wi-Fi: the trigger does not wait for it, and it comes to its clip all the same.
#[tokio::test(start_paused = true)]
async fn what_comes_after_an_early_trigger_is_told_as_its_rest() {
    for ends in [true, false] {
        let mut camera = usual();
        camera.says(TO_GARDEN).await;
        camera.says("DATA\r\nSubject: Motion\r\n\r\n/9j/4AAQ\r\n").await;
        let early = camera.mail().await;
        assert_eq!((early.subject.as_str(), early.cut_off, &early.picture), ("Motion", false, &None));
        camera.says("SkZJRgAB\r\n").await;
        if ends {
            camera.says(".\r\nQUIT\r\n").await;
        }
        let events = camera.events().await;
        let [Event::MailRest { letter, picture }] = &events[..] else { panic!("{events:?}") };
        assert_eq!((Some(*letter), picture.bytes()), (early.rest, &b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01"[..]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_recipient_named_after_the_trigger_went_out_triggers_too() {
    let mut camera = usual();
    camera.says(TO_GARDEN).await;
    assert_eq!(camera.mail().await.to, ["garden@nvr"]);
    camera.says("RCPT TO:<hall@nvr>\r\nDATA\r\n.\r\n").await;
    let mail = camera.mail().await;
    assert_eq!((mail.to, mail.waited.as_secs()), (vec!["hall@nvr".to_owned()], 0));
}

#[tokio::test(start_paused = true)]
async fn whatever_ends_a_session_after_a_recipient_a_trigger_comes_of_it() {
    for data in ["", "DATA\r\nSubject: cut\r\nX: "] {
        for how in ["hang up", "quit", "evict", "stop", "idle", "long line"] {
            let mut camera = usual();
            camera.says(&format!("{TO_GARDEN}{data}")).await;
            camera.hears_each(if data.is_empty() { 4 } else { 5 }).await;
            match how {
                "evict" => camera.pulse.leave.cancel(),
                "stop" => camera.stop.cancel(),
                "quit" if data.is_empty() => camera.says("QUIT\r\n").await,
                "long line" if data.is_empty() => camera.says(&"x".repeat(4097)).await,
                "idle" => sleep(Duration::from_secs(21)).await,
                _ => {}
            }
            let events = camera.events().await;
            let mails: Vec<&Mail> = events
                .iter()
                .filter_map(|event| if let Event::Mail(mail) = event { Some(mail) } else { None })
                .collect();
            let [mail] = mails[..] else { panic!("{how} {data:?}: {events:?}") };
            assert_eq!((mail.to.join(""), mail.cut_off), ("garden@nvr".into(), how != "idle"), "{how} {data:?}");
            assert_eq!(mail.subject, if data.is_empty() { "" } else { "cut" }, "{how}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_its_sender_calls_off_does_not_trigger() {
    for off in ["RSET\r\n", "EHLO again\r\n", "HELO again\r\n"] {
        let mut camera = usual();
        camera.says(&format!("{TO_GARDEN}{off}QUIT\r\n")).await;
        assert_eq!(camera.hears_each(6).await.last().map(String::as_str), Some("221"));
        assert_eq!(camera.events().await, [], "{off}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_after_20_s_and_everything_after_300_s() {
    let start = Instant::now();
    let mut silent = usual();
    let words = silent.hears_the_end().await;
    assert!(words.ends_with("421 nothing came for too long, closing\r\n"), "{words}");
    assert_eq!(seconds(start), 20);

    let start = Instant::now();
    let mut dripping = usual();
    while dripping.stream.get_mut().write_all(b"N").await.is_ok() {
        sleep(Duration::from_secs(1)).await;
    }
    assert!((300..=301).contains(&seconds(start)));
    let words = dripping.hears_the_end().await;
    assert!(words.ends_with("421 this took too long, closing\r\n"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_takes_its_replies_is_left() {
    let start = Instant::now();
    let mut camera = usual();
    while camera.stream.get_mut().write_all(&b"NOOP\r\n".repeat(100)).await.is_ok() {}
    camera.session.await.expect("sessions do not panic");
    assert!((20..=21).contains(&seconds(start)));
}

#[tokio::test(start_paused = true)]
async fn a_mail_too_big_triggers_at_once_and_gets_552_at_its_end() {
    let mut camera = Camera::connects(Limits { message: 1000, ..Limits::default() }, 16);
    camera.says(&format!("{TO_GARDEN}DATA\r\nSubject: big\r\n\r\n{}", "x".repeat(1000))).await;
    camera.says("\r\n").await;
    assert!(matches!(camera.event().await, Some(Event::Note(_))));
    let mail = camera.mail().await;
    assert_eq!((mail.subject.as_str(), mail.cut_off), ("big", true));
    camera.says(".\r\nMAIL FROM:<a@b>\r\nRCPT TO:<hall@nvr>\r\nDATA\r\n.\r\n").await;
    assert_eq!(camera.hears_each(10).await[4..], ["354", "552", "250", "250", "354", "250"]);
    assert_eq!(camera.mail().await.to, ["hall@nvr"]);
    assert_eq!(camera.events().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_message_without_end_is_left_and_costs_no_memory() {
    let mut camera = usual();
    camera.says(&format!("{TO_GARDEN}DATA\r\nSubject: endless\r\n")).await;
    camera.hears_each(5).await;
    let (mut sent, line) = (0, [b'x'; 4096]); // one line without an end, in the header block even
    while camera.stream.get_mut().write_all(&line).await.is_ok() {
        sent += line.len();
    }
    assert!((16 << 20..17 << 20).contains(&sent), "{sent}");
    assert_eq!(camera.hears_the_end().await, "552 too big, closing\r\n");
    let budget = camera.budget.clone();
    let mails = camera.events().await.into_iter().filter(|event| matches!(event, Event::Mail(_))).count();
    assert_eq!((mails, Arc::strong_count(&budget)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_long_line_is_taken_as_body_and_its_dots_are_text() {
    let mut camera = Camera::connects(Limits { body_line: 8, ..Limits::default() }, 16);
    camera.says(&format!("{TO_GARDEN}DATA\r\nSubject: x\r\n\r\n12345678.\r\n..\r\n1234567812345678.\r\n.\r\n")).await;
    assert_eq!(camera.hears_each(6).await[4..], ["354", "250"]);
    assert_eq!(camera.mail().await.subject, "x");
}

#[tokio::test(start_paused = true)]
async fn the_last_dot_counts_without_its_line_end_when_the_sender_is_done() {
    for dot in ["\n.", "\r\n.\r", "\n.\n", "\r\n.\r\n"] {
        let mut camera = usual();
        camera.says(&format!("{TO_GARDEN}DATA\r\nSubject: x\n\nbody{dot}")).await;
        camera.stream.get_mut().shutdown().await.expect("half a pipe closed");
        assert_eq!(camera.hears_each(6).await[5], "250", "{dot:?}");
        assert!(!camera.mail().await.cut_off, "{dot:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn strangers_are_left_and_a_person_is_told() {
    for (bytes, words) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), "sent TLS to the mail port"),
        (b"GET / HTTP/1.1\r\n".repeat(11), "sent commands that make no sense"),
        (vec![b'x'; 4097], "sent a command line without an end"),
    ] {
        let mut camera = usual();
        camera.sends(&bytes).await;
        camera.hears_the_end().await;
        let [Event::Note(note)] = &camera.events().await[..] else { panic!("{words}: no note") };
        assert!(note.starts_with("10.0.0.7 sent") && note.contains(words) && note.ends_with(')'), "{note}");
    }
}

#[tokio::test(start_paused = true)]
async fn recipients_are_bounded() {
    let mut camera = Camera::connects(Limits { recipients: 2, ..Limits::default() }, 16);
    camera.says(&format!("{TO_GARDEN}RCPT TO:<hall@nvr>\r\nRCPT TO:<attic@nvr>\r\nDATA\r\n.\r\n")).await;
    assert_eq!(camera.hears_each(8).await[3..], ["250", "250", "452", "354", "250"]);
    assert!(matches!(camera.event().await, Some(Event::Note(_))));
    assert_eq!(camera.mail().await.to, ["garden@nvr", "hall@nvr"]);
}

fn texts(transcript: &crate::model::transcript::Transcript) -> Vec<String> {
    transcript.lines.iter().map(|line| format!("{} {}", line.by.sign(), line.text)).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_said_is_taken_down_without_secrets_and_told_at_the_end() {
    let mut camera = usual();
    let auth = "AUTH LOGIN\r\nYWRtaW4=\r\nc2VjcmV0\r\n";
    camera.says(&format!("EHLO cam\r\n{auth}{}DATA\r\nSubject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n", &TO_GARDEN[8..])).await;
    camera.hears_the_end().await;
    let mut told = Vec::new();
    while let Ok(event) = camera.bus.try_recv() {
        told.push(event);
    }
    let [Event::Mail(mail), Event::Session { transcript, untold: 0 }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((mail.session, transcript.number, &transcript.end), (1, 1, &Some(crate::model::transcript::End::Quit)));
    let expected = [
        "< 220 nvr ESMTP",
        "> EHLO cam",
        "< 250-nvr",
        "< 250-8BITMIME",
        "< 250-SIZE 8388608",
        "< 250-PIPELINING",
        "< 250 AUTH PLAIN LOGIN",
        "> AUTH LOGIN",
        "< 334 VXNlcm5hbWU6",
        "> (user)",
        "< 334 UGFzc3dvcmQ6",
        "> (password)",
        "< 235 welcome",
    ];
    assert_eq!(texts(transcript)[..expected.len()], expected);
    let rest = &texts(transcript)[expected.len()..];
    assert!(rest.contains(&"> RCPT TO:<garden@nvr>".to_owned()), "{rest:?}");
    assert!(rest.contains(&"- a message of 20 bytes".to_owned()), "{rest:?}");
    assert!(rest.ends_with(&["> QUIT".to_owned(), "< 221 nvr closing, bye".to_owned()]) || rest.len() > 8, "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_talk_that_goes_on_is_told_as_far_as_it_is() {
    let mut camera = usual();
    camera.says("EHLO cam\r\n").await;
    let Some(Event::Session { transcript, .. }) = camera.bus.recv().await else { panic!("nothing was told") };
    assert_eq!((texts(&transcript).len(), transcript.end), (7, None));
    assert_eq!(transcript.lasted.as_millis(), 500);
    let Some(Event::Session { transcript, .. }) = camera.bus.recv().await else { panic!("nothing was told") };
    assert_eq!((texts(&transcript).len(), transcript.end), (8, Some(crate::model::transcript::End::Idle)));
    assert_eq!(transcript.lasted.as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_full_bus_makes_the_camera_wait_and_loses_nothing() {
    let mut camera = Camera::connects(Limits::default(), 1);
    camera.says(&format!("{TO_GARDEN}DATA\r\n.\r\n")).await;
    assert_eq!(camera.hears_each(6).await[5], "250");
    camera.says("MAIL FROM:<a@b>\r\nRCPT TO:<hall@nvr>\r\nDATA\r\n").await;
    assert_eq!(camera.hears_each(3).await, ["250", "250", "354"]);
    camera.says("Subject: x\r\n.\r\n").await;
    // The recorder is away for longer than any session may last, and the camera has to make room besides.
    sleep(Duration::from_secs(200)).await;
    camera.pulse.leave.cancel();
    sleep(Duration::from_secs(200)).await;
    assert_eq!(camera.mail().await.to, ["garden@nvr"]);
    let mail = camera.mail().await;
    assert_eq!((mail.to.join(""), mail.waited.as_secs(), mail.cut_off), ("hall@nvr".into(), 400, false));
    assert_eq!(camera.events().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_full_bus_does_not_hold_up_the_end() {
    let mut camera = Camera::connects(Limits::default(), 1);
    camera.says(&format!("{TO_GARDEN}DATA\r\n.\r\n")).await;
    assert_eq!(camera.hears_each(6).await[5], "250");
    camera.says("MAIL FROM:<a@b>\r\nRCPT TO:<hall@nvr>\r\n").await;
    camera.hears_each(2).await;
    let start = Instant::now();
    camera.stop.cancel();
    camera.session.await.expect("sessions do not panic");
    assert_eq!(seconds(start), 2);
}

/// Anything at all, but likely to get somewhere.
fn words() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "EHLO x\r\n",
        "MAIL FROM:<a@b>\r\n",
        "MAIL FROM: \n",
        "RCPT TO:<garden@nvr>\r\n",
        "RCPT TO: x\r\n",
        "DATA\r\n",
        "Subject: =?utf-8?B?",
        "\r\n",
        "\r\n.\r\n",
        ".\n",
        "..\r\n",
        "RSET\r\n",
        "AUTH LOGIN\r\n",
        "AUTH PLAIN x\r\n",
        "*\r\n",
        "NOOP\r\n",
        "VRFY\r\n",
        "QUIT\r\n",
        "STARTTLS\r\n",
    ]);
    let known = known.prop_map(|text| text.as_bytes().to_vec());
    let words = prop_oneof![9 => known, 1 => prop::collection::vec(any::<u8>(), 0..200)];
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn every_accepted_recipient_is_told_once_or_called_off_whatever_is_said(words in words(), chunk in 1usize..60) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let mut camera = usual();
            let (mut reader, mut writer) = tokio::io::split(camera.stream.into_inner());
            let replies = tokio::spawn(async move {
                let mut replies = String::new();
                reader.read_to_string(&mut replies).await.map(|_| replies)
            });
            for chunk in words.chunks(chunk) {
                if writer.write_all(chunk).await.is_err() {
                    break;
                }
            }
            let _ = writer.shutdown().await;
            camera.session.await.expect("sessions do not panic");
            let replies = replies.await.expect("no panic").expect("text");
            let mut told = 0;
            while let Some(event) = camera.bus.recv().await {
                if let Event::Mail(mail) = event {
                    assert!(!mail.to.is_empty());
                    told += mail.to.len();
                }
            }
            let said = String::from_utf8_lossy(&words).matches("RCPT").count();
            assert!(told <= said, "{told} of {said}");
            // Nothing is taken back that was promised: DATA was accepted, so there was a recipient to be told.
            assert!(told > 0 || !replies.contains("354 "), "{replies}");
        });
    }
}
