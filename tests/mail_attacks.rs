//! What strangers may do to the mail port of a real recorder: its memory stays bounded, and who sends a mail meanwhile is
//! heard. Loopback only, where no address counts as one too many: the worst place to be attacked from.

#[path = "common/nvr.rs"]
#[allow(dead_code, reason = "each program of tests needs its own part")]
mod nvr_process;

use lettre::transport::smtp::client::{CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use nvr_process::{Nvr, Place};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, crypto::ring};

/// What memory may grow by under each attack, in KiB.
const GROWTH: u64 = 64 << 10;
/// What an attack may take after the mails that came in the middle of it.
const SPAN: Duration = Duration::from_secs(1);
/// A mail that takes so long was kept out; on a machine with time it takes two seconds, and five when 500 are silent.
const PATIENCE: Duration = Duration::from_secs(20);

/// What one attacker does at the plain port, or at that for TLS.
#[derive(Clone)]
struct Attack {
    secure: bool,
    deed: Deed,
}

#[derive(Clone)]
enum Deed {
    /// Says something, and listens to the end.
    Say(Arc<[u8]>),
    /// Says something and leaves.
    Leave(Arc<[u8]>),
    /// Says something byte by byte, again and again.
    Drip(Arc<[u8]>),
    /// Says something, and then something else for as long as it is let.
    Flood(Arc<[u8]>, Arc<[u8]>),
}

impl Attack {
    async fn run(self, to: SocketAddr) {
        let Ok(mut stream) = TcpStream::connect(to).await else { return };
        let (mut rest, mut out) = stream.split();
        let listening = async {
            let mut heard = [0; 4096];
            while rest.read(&mut heard).await.is_ok_and(|count| count > 0) {}
        };
        let talking = async {
            match self.deed {
                Deed::Say(words) => {
                    out.write_all(&words).await?;
                    std::future::pending().await
                }
                Deed::Leave(words) => out.write_all(&words).await,
                Deed::Drip(words) => loop {
                    for byte in &*words {
                        out.write_all(&[*byte]).await?;
                        sleep(Duration::from_millis(50)).await;
                    }
                },
                Deed::Flood(start, again) => {
                    out.write_all(&start).await?;
                    loop {
                        out.write_all(&again).await?;
                    }
                }
            }
        };
        tokio::select! { () = listening => (), _ = talking => () }
    }
}

fn plain(deed: Deed) -> Attack {
    Attack { secure: false, deed }
}

fn secure(deed: Deed) -> Attack {
    Attack { secure: true, deed }
}

fn say(words: impl AsRef<[u8]>) -> Deed {
    Deed::Say(words.as_ref().into())
}

fn drip(words: impl AsRef<[u8]>) -> Deed {
    Deed::Drip(words.as_ref().into())
}

fn flood(start: impl AsRef<[u8]>, again: impl AsRef<[u8]>) -> Deed {
    Deed::Flood(start.as_ref().into(), again.as_ref().into())
}

/// A recorder that is attacked.
struct Target {
    nvr: Nvr,
    secure: SocketAddr,
    /// Memory before all attacks, in KiB.
    before: u64,
    mails: u32,
    _place: Place,
}

impl Target {
    async fn start() -> Self {
        let mut place = Place::new("[[camera]]\nname = 'front'\nsource = 'lavfi:testsrc2=s=64x64:r=5'\n");
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port");
        place.mail_keys = format!("tls_listen = '{free}'\n");
        let mut nvr = place.start().await;
        nvr.recording(1).await;
        let mut target = Self { nvr, secure: free, before: 0, mails: 0, _place: place };
        // What is needed once is no growth.
        target.mail(false).await;
        target.mail(true).await;
        target.before = target.memory("VmRSS");
        target
    }

    /// A line of the kernel's account of the recorder's memory, in KiB.
    fn memory(&self, line: &str) -> u64 {
        let path = format!("/proc/{}/status", self.nvr.pid().as_raw_nonzero());
        let status = std::fs::read_to_string(path).expect("a recorder that runs");
        let line = status.lines().find_map(|text| text.strip_prefix(line)).expect("its memory");
        line.trim_matches([':', ' ', '\t', 'k', 'B']).parse().expect("a number")
    }

    /// A mail that must be taken, which is a trigger; answers how long that took.
    async fn mail(&mut self, secure: bool) -> Duration {
        self.mails += 1;
        let start = Instant::now();
        let tls = TlsParameters::builder("127.0.0.1".into()).certificate_store(CertificateStore::None);
        let tls = tls.dangerous_accept_invalid_certs(true).build_rustls().expect("TLS");
        let (port, tls) = if secure { (self.secure, Tls::Wrapper(tls)) } else { (self.nvr.port, Tls::None) };
        let smtp = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(port.port()).tls(tls);
        let envelope = lettre::address::Envelope::new(None, vec!["front@nvr".parse().expect("an address")]);
        let smtp = smtp.timeout(Some(PATIENCE)).build();
        let sent = smtp.send_raw(&envelope.expect("an envelope"), b"Subject: real\r\n\r\nmotion\r\n").await;
        sent.expect("delivered");
        start.elapsed()
    }

    /// Attacks by `times` each, and mails of somebody else in the middle of it.
    async fn attack(&mut self, name: &str, times: usize, attacks: &[Attack]) {
        // The highest mark begins anew.
        std::fs::write(format!("/proc/{}/clear_refs", self.nvr.pid().as_raw_nonzero()), "5").expect("its own process");
        let mut attackers = JoinSet::new();
        for attack in attacks.iter().cycle().take(times * attacks.len()) {
            let to = if attack.secure { self.secure } else { self.nvr.port };
            attackers.spawn(attack.clone().run(to));
        }
        sleep(Duration::from_millis(100)).await; // so that they are ahead
        let took = [self.mail(false).await, self.mail(true).await];
        let _ = timeout(SPAN, async { while attackers.join_next().await.is_some() {} }).await;
        let growth = self.memory("VmHWM").saturating_sub(self.before);
        println!("{name}: mails after {took:.2?}, memory grew by {growth} KiB");
        assert!(growth <= GROWTH, "{name}: memory grew by {growth} KiB");
    }

    /// All is well after all that.
    async fn end(mut self) {
        let mails = self.mails;
        let heard = |it: &nvr::model::snapshot::Snapshot| {
            (it.mail.today >= mails.into() && it.cameras[0].event.is_some()).then_some(())
        };
        self.nvr.until("every mail", heard).await;
        self.nvr.stop().await;
    }
}

/// A TLS record that promises a hello of 512 bytes, and its beginning.
const HALF_A_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

/// As a client of TLS begins.
fn hello() -> Vec<u8> {
    let config = ClientConfig::builder_with_provider(ring::default_provider().into());
    let config = config.with_safe_default_protocol_versions().expect("versions");
    let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let name = "nvr".try_into().expect("a name");
    let mut client = ClientConnection::new(config.into(), name).expect("a client");
    let mut hello = Vec::new();
    client.write_tls(&mut hello).expect("memory");
    hello
}

#[tokio::test]
async fn who_stands_in_the_way_keeps_no_mail_out() {
    let mut target = Target::start().await;
    let silent = [plain(say("")), secure(say("")), plain(say("")), secure(say(""))];
    let dripping = [
        plain(drip("EHLO a name that takes its time ")),
        plain(drip("NOOP\r\n")),
        secure(drip(HALF_A_HELLO)),
        secure(drip(hello())),
    ];
    target.attack("64 silent and 64 dripping", 16, &[silent, dripping].concat()).await;
    target.attack("500 silent", 500, &[plain(say(""))]).await;
    target.attack("half a handshake", 50, &[secure(say(HALF_A_HELLO)), secure(say(hello()))]).await;
    target.attack("TLS to the plain port", 100, &[plain(say(hello()))]).await;
    let half = "HELO x\r\nMAIL FROM:<x@x>\r\nRCPT TO:<front@nvr>\r\n";
    target.attack("mails that break off", 100, &[plain(Deed::Leave(half.as_bytes().into()))]).await;
    target.end().await;
}

#[tokio::test]
async fn who_sends_without_end_costs_no_memory() {
    let mut target = Target::start().await;
    let data = "HELO x\r\nMAIL FROM:<x@x>\r\nRCPT TO:<front@nvr>\r\nDATA\r\n";
    let subject = format!("{data}Subject: x\r\n\r\n");
    let lines = ("x".repeat(998) + "\r\n").repeat(64);
    let line = "x".repeat(64 << 10);
    let random: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(1 << 20).collect();

    target.attack("a message without end", 4, &[plain(flood(&subject, &lines))]).await;
    let endless =
        [plain(flood(&subject, &line)), plain(flood(data, &line)), plain(flood("", &line)), secure(flood("", &line))];
    target.attack("a line without end", 2, &endless).await;
    let held = say(format!("{subject}{}", lines.repeat(120)));
    target.attack("32 big messages at a time", 32, &[plain(held)]).await;
    target.attack("random bytes", 8, &[plain(say(&random)), secure(say(&random))]).await;
    let mails = format!("{subject}.\r\n").repeat(16);
    let word = "AUTH PLAIN AGFkbWluAHNlY3JldA==\r\n".repeat(64);
    let rcpt = format!("RCPT TO:<{}@x>\r\n", "x".repeat(3000)).repeat(16);
    let floods =
        [word, "NOOP\r\n".repeat(500), format!("MAIL FROM:<x@x>\r\n{rcpt}RSET\r\n"), "GET / HTTP/1.1\r\n".into()];
    let floods = floods.map(|words| plain(flood("", words)));
    target.attack("commands without end", 8, &floods).await;
    target.attack("mails without end", 32, &[plain(flood("", mails))]).await;
    target.end().await;
}

#[tokio::test]
async fn mails_that_are_made_to_be_hard_to_read_cost_no_memory() {
    let mut target = Target::start().await;
    let mail = |headers: &str, body: &str| {
        plain(say(format!(
            "HELO x\r\nMAIL FROM:<x@x>\r\nRCPT TO:<front@nvr>\r\nDATA\r\n{headers}\r\n\r\n{body}\r\n.\r\nQUIT\r\n"
        )))
    };
    let nested: String = (0..20_000)
        .map(|n| format!("--{n}\r\nContent-Type: multipart/mixed; boundary=\"{}\"\r\n\r\n", n + 1))
        .collect();
    let flat = "--0\r\nContent-Type: text/plain\r\n\r\nx\r\n".repeat(50_000);
    let kind = "Content-Type: multipart/mixed; boundary=\"0\"";
    let words = format!("Subject:{}{}", " =?".repeat(2700), "?=x".repeat(2700));
    let folded = format!("Subject: x\r\n{}", " =?utf-8?B?44OG44K544OI?=\r\n".repeat(600));
    let broken = format!("Content-Transfer-Encoding: base64\r\n{kind}{}", "; x*0*=%".repeat(1000));
    let bombs = [mail(kind, &nested), mail(kind, &flat), mail(&words, "x"), mail(&folded, "x"), mail(&broken, &flat)];
    target.attack("mails hard to read", 8, &bombs).await;
    let picture = format!("--0\r\n\r\n/9j/{}", ("A".repeat(76) + "\r\n").repeat(70_000));
    target.attack("32 big pictures at a time", 32, &[mail(kind, &picture)]).await;
    target.end().await;
}
