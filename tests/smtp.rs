//! The mail port as the world uses it: real clients, and peers that should not be let near one.

use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use nvr::model::event::{Event, Mail};
use nvr::model::settings::{Limits, Login, Smtp};
use nvr::work::smtp::{bind, serve};
use rstest::rstest;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::mpsc::{self, Receiver};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(15);

/// A mail port in use.
struct Port {
    address: SocketAddr,
    bus: Receiver<Event>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Port {
    async fn open() -> Self {
        Self::with("127.0.0.1:0", "127.0.0.0/8", None).await
    }

    async fn with(listen: &str, allow: &str, login: Option<Login>) -> Self {
        let listener = bind(listen.parse().expect("an address")).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (events, bus) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let allow = vec![allow.parse().expect("a network")];
        let rules = Smtp { listen: address, allow, ignore: Vec::new(), login, limits: Limits::default() };
        let (_, rules) = watch::channel(Arc::new(rules));
        let served = tokio::spawn(serve(listener, rules, events, stop.clone()));
        Self { address, bus, stop, served }
    }

    async fn event(&mut self) -> Event {
        timeout(PATIENCE, self.bus.recv()).await.expect("an event in time").expect("a port that is open")
    }

    /// The next mail; notes that come before it are passed over.
    async fn mail(&mut self) -> Mail {
        loop {
            match self.event().await {
                Event::Mail(mail) => return mail,
                Event::Note(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Stops, and gives all events that were left.
    async fn close(mut self) -> Vec<Event> {
        self.stop.cancel();
        timeout(PATIENCE, self.served).await.expect("an end in time").expect("no panic");
        let mut events = Vec::new();
        while let Some(event) = self.bus.recv().await {
            events.push(event);
        }
        events
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }
}

/// Held while a program starts: between fork and exec it holds what this process holds, every neighbour's port too.
static STARTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Runs a client that has to succeed. `PORT` and `HOST` in its arguments stand for the mail port.
async fn run(port: &Port, program: &str, args: &[&str], input: &str) {
    let args = args.iter().map(|arg| {
        arg.replace("HOST", &port.address.ip().to_string()).replace("PORT", &port.address.port().to_string())
    });
    let starting = STARTING.lock().await;
    let client = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    drop(starting);
    let mut client = client.unwrap_or_else(|error| panic!("{program} does not start: {error} (apt install {program})"));
    let mut stdin = client.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).await.expect("its input taken");
    drop(stdin);
    let output = timeout(PATIENCE, client.wait_with_output()).await.expect("an end in time").expect("an exit code");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
}

const SWAKS: &[&str] = &["-s", "HOST", "-p", "PORT", "-f", "cam@lan", "-t", "garden@nvr", "-h-Subject", "Motion"];
const CURL: &[&str] =
    &["-sS", "smtp://HOST:PORT/cam.lan", "--mail-from", "cam@lan", "--mail-rcpt", "garden@nvr", "-T", "-"];
const MESSAGE: &str =
    "From: cam@lan\r\nTo: garden@nvr\r\nSubject: Motion\r\n\r\n.one dot\r\n..two\r\nBewegung im Garten\r\n";
const PYTHON: &[&str] = &[
    "-c",
    "
import smtplib, sys
with smtplib.SMTP('HOST', PORT, timeout=10) as smtp:
    smtp.ehlo()
    assert smtp.esmtp_features['auth'].split() == ['PLAIN', 'LOGIN'], smtp.esmtp_features
    assert smtp.has_extn('8bitmime') and smtp.has_extn('pipelining') and int(smtp.esmtp_features['size']) == 8 << 20
    assert not smtp.has_extn('starttls')
    smtp.user, smtp.password = 'admin', 'secret'
    for way, method in (('PLAIN', smtp.auth_plain), ('LOGIN', smtp.auth_login)):
        for first in (True, False):
            assert smtp.auth(way, method, initial_response_ok=first)[0] == 235
    smtp.noop(); smtp.rset(); smtp.verify('garden')
    assert smtp.sendmail('cam@lan', ['garden@nvr'], sys.stdin.read(), mail_options=['BODY=8BITMIME']) == {}
    assert smtp.docmd('STARTTLS')[0] == 502
",
];

#[rstest]
#[case::swaks("swaks", &[SWAKS])]
#[case::swaks_plain("swaks", &[SWAKS, &["-a", "PLAIN", "-au", "admin", "-ap", "secret"]])]
#[case::swaks_login("swaks", &[SWAKS, &["-a", "LOGIN", "-au", "admin", "-ap", "secret"]])]
#[case::swaks_pipeline("swaks", &[SWAKS, &["--pipeline"]])]
#[case::swaks_helo("swaks", &[SWAKS, &["--protocol", "SMTP", "-h", "old camera"]])]
#[case::curl("curl", &[CURL])]
#[case::curl_login("curl", &[CURL, &["--user", "admin:secret"]])]
#[case::python("python3", &[PYTHON])]
#[tokio::test]
async fn real_clients_deliver(#[case] program: &str, #[case] args: &[&[&str]]) {
    let mut port = Port::open().await;
    run(&port, program, &args.concat(), MESSAGE).await;
    let mail = port.mail().await;
    assert_eq!((mail.from.as_str(), mail.subject.as_str(), mail.cut_off), ("cam@lan", "Motion", false));
    assert_eq!((mail.to, mail.peer), (vec!["garden@nvr".to_owned()], port.address.ip()));
    assert_eq!(port.close().await, [], "one mail, one event, and nothing to remark");
}

#[rstest]
#[case::right("s3cret", true)]
#[case::wrong("secret", false)]
#[tokio::test]
async fn where_a_login_is_asked_for_only_the_right_one_delivers(#[case] password: &str, #[case] delivers: bool) {
    let login = Login { user: "camera".into(), password: "s3cret".into() };
    let mut port = Port::with("127.0.0.1:0", "127.0.0.0/8", Some(login)).await;
    let smtp = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(port.address.port());
    let envelope = || lettre::address::Envelope::new(None, vec!["garden@nvr".parse().expect("an address")]);
    let anonymous = smtp.clone().build().send_raw(&envelope().expect("an envelope"), MESSAGE.as_bytes()).await;
    assert_eq!(anonymous.expect_err("nobody").status().expect("a reply").to_string(), "530");
    let smtp = smtp.credentials(Credentials::new("camera".into(), password.into())).build();
    let sent = smtp.send_raw(&envelope().expect("an envelope"), MESSAGE.as_bytes()).await;
    assert_eq!(sent.is_ok(), delivers);
    if delivers {
        assert_eq!(port.mail().await.subject, "Motion");
    } else {
        assert_eq!(sent.expect_err("wrong").status().expect("a reply").to_string(), "535");
    }
    let notes = port.close().await;
    assert_eq!(notes.len(), if delivers { 0 } else { 2 }, "{notes:?}");
    drop(smtp);
}

#[rstest]
#[case::anonymous(None)]
#[case::credentials(Some(Credentials::new("admin".into(), "secret".into())))]
#[tokio::test]
async fn lettre_delivers_several_mails_over_one_connection(#[case] credentials: Option<Credentials>) {
    let mut port = Port::open().await;
    let smtp = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(port.address.port());
    let smtp = match credentials {
        Some(credentials) => smtp.credentials(credentials).build(),
        None => smtp.build(),
    };
    for subject in ["Bewegung: Haustür", "移动侦测"] {
        let mail = lettre::Message::builder()
            .from("Front Door <cam@lan>".parse().expect("an address"))
            .to("front-door@nvr".parse().expect("an address"))
            .to("garden@nvr".parse().expect("an address"))
            .subject(subject)
            .body("motion".to_owned());
        smtp.send(mail.expect("a mail")).await.expect("delivered");
        let got = port.mail().await;
        assert_eq!((got.subject.as_str(), got.to.join(" ")), (subject, "front-door@nvr garden@nvr".into()));
    }
}

#[tokio::test]
async fn a_picture_too_big_is_refused_by_552_and_triggers() {
    let mut port = Port::open().await;
    let smtp = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(port.address.port()).build();
    let envelope = lettre::address::Envelope::new(None, vec!["garden@nvr".parse().expect("an address")]);
    let one_line = format!("Subject: big\r\n\r\n{}\r\n", "x".repeat(9 << 20));
    let refused = smtp.send_raw(&envelope.expect("an envelope"), one_line.as_bytes()).await;
    let code = refused.expect_err("too big").status().expect("a reply").to_string();
    assert_eq!(code, "552");
    let mail = port.mail().await;
    assert_eq!((mail.subject.as_str(), mail.from.as_str(), mail.cut_off), ("big", "", true));
}

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

/// Opens a connection, says something, and reads until `replies` lines have come.
async fn say(port: &Port, words: &str, replies: usize) -> TcpStream {
    let mut stream = port.connect().await;
    stream.write_all(words.as_bytes()).await.expect("taken");
    let mut lines = 0;
    while lines < replies {
        let byte = timeout(PATIENCE, stream.read_u8()).await.expect("a reply in time").expect("a reply");
        lines += usize::from(byte == b'\n');
    }
    stream
}

const TO_GARDEN: &str = "HELO cam\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\n";

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
    run(&port, "swaks", SWAKS, "").await;
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
    run(&port, "swaks", SWAKS, "").await;
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
    bind(address).await.expect("the port is free again");
    drop(nobody_starts);
    let [Event::Mail(mail)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((mail.to.join(""), mail.cut_off), ("garden@nvr".into(), true));
    let mut words = String::new();
    idle.read_to_string(&mut words).await.expect("text to the end");
    assert_eq!(words, "421 the recorder is stopping\r\n");
    drop(begun);
}
