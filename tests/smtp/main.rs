//! The mail port as the world uses it: real clients, and peers that should not be let near one.

mod clients;
mod peers;
mod tls;

use nvr::model::event::{Event, Mail};
use nvr::model::settings::{Limits, Login, Smtp, Tls};
use nvr::work::smtp::{Ports, serve};
use std::iter::from_fn;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
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
    /// Where mail is taken, and where with TLS from the first byte on.
    address: SocketAddr,
    secure: SocketAddr,
    bus: Receiver<Event>,
    stop: CancellationToken,
    served: JoinHandle<()>,
    /// Holds `mail-cert.pem`.
    state: TempDir,
}

impl Port {
    async fn open() -> Self {
        Self::with("127.0.0.1:0", "127.0.0.0/8", None).await
    }

    /// One that asks for a login.
    async fn locked() -> Self {
        let login = Login { user: "camera".into(), password: "s3cret".into() };
        Self::with("127.0.0.1:0", "127.0.0.0/8", Some(login)).await
    }

    async fn with(listen: &str, allow: &str, login: Option<Login>) -> Self {
        let state = tempfile::tempdir().expect("a place");
        let tls = Tls { listen: Some(([127, 0, 0, 1], 0).into()), certificate: None };
        let allow = vec![allow.parse().expect("a network")];
        let listen = listen.parse().expect("an address");
        let rules = Smtp { listen, allow, ignore: Vec::new(), login, tls, limits: Limits::default() };
        let ports = Ports::open(&rules, state.path()).await.expect("free ports");
        assert_eq!(ports.warning, None);
        let (address, secure) = (ports.address, ports.secure_address.expect("a port for TLS"));
        let (events, bus) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let (_, rules) = watch::channel(Arc::new(rules));
        let served = tokio::spawn(serve(ports, rules, events, stop.clone()));
        Self { address, secure, bus, stop, served, state }
    }

    /// The file with the certificate that was made.
    fn certificate(&self) -> String {
        self.state.path().join("mail-cert.pem").to_str().expect("a path in UTF-8").to_owned()
    }

    /// The next event. What is told of the talks themselves is passed over.
    async fn event(&mut self) -> Event {
        loop {
            match timeout(PATIENCE, self.bus.recv()).await.expect("an event in time").expect("a port that is open") {
                Event::Session { .. } => {}
                other => return other,
            }
        }
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
        from_fn(|| self.bus.try_recv().ok()).filter(|event| !matches!(event, Event::Session { .. })).collect()
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }
}

/// Held while a program starts: between fork and exec it holds what this process holds, every neighbour's port too.
static STARTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Runs a client to its end, and answers whether it succeeded and what it said.
async fn run(program: &str, args: &[String], input: &str) -> (bool, String) {
    let starting = STARTING.lock().await;
    let client = Command::new(program)
        .args(args)
        .env("NODE_PATH", "/usr/share/nodejs")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    drop(starting);
    let mut client = client.unwrap_or_else(|error| panic!("{program} does not start: {error} (run: .ci/setup test)"));
    let mut stdin = client.stdin.take().expect("a pipe");
    let _ = stdin.write_all(input.as_bytes()).await; // who was refused does not read it
    drop(stdin);
    let output = timeout(PATIENCE, client.wait_with_output()).await.expect("an end in time").expect("an exit code");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said.into_owned())
}

/// A mail that has to be delivered.
async fn swaks(port: &Port) {
    let (host, number) = (port.address.ip().to_string(), port.address.port().to_string());
    let args = ["-s", &host, "-p", &number, "-f", "cam@lan", "-t", "garden@nvr", "-h-Subject", "Motion"];
    let (delivered, said) = run("swaks", &args.map(str::to_owned), "").await;
    assert!(delivered, "{said}");
}

const TO_GARDEN: &str = "HELO cam\r\nMAIL FROM:<cam@lan>\r\nRCPT TO:<garden@nvr>\r\n";

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
