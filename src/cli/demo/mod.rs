//! `nvr demo`: the whole thing on two synthetic cameras, in a temporary place. The recorder is the real one in a process
//! of its own, and the mails come in through its real port.

mod scene;

use super::query::{self, picture};
use super::{Global, attach, start_recorder};
use crate::link::dial::Client;
use crate::model::command::Command;
use crate::monitor::{self, Leaving, Left};
use crate::stop::{self, Stop};
use color_eyre::eyre::{Result, WrapErr, eyre};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::time::{Instant, sleep_until, timeout};

/// One mail of a camera.
struct Mail {
    /// Seconds after the beginning of the scenes' cycle.
    at: u64,
    camera: &'static str,
    subject: &'static str,
}

/// What the cameras have to say about their scenes: the first clip is saved after about half a minute.
const MAILS: [Mail; 3] = [
    Mail { at: 8, camera: "front-door", subject: "Motion Detected" },
    Mail { at: 25, camera: "garden", subject: "Line Crossing Detection" },
    Mail { at: 29, camera: "garden", subject: "Motion Detected" },
];
/// How long the recorder may take to stop.
const STOPPING: Duration = Duration::from_secs(60);

/// Runs the demo until it is left; without a terminal, until the first clip is saved.
pub async fn demo(keep: bool) -> Result<ExitCode> {
    let place = Place::make()?;
    let outcome = place.run().await;
    if keep {
        println!(
            "kept: {} (the clips are in clips/; again: nvr --config {})",
            place.dir.display(),
            place.config().display()
        );
        place.remove(&[&place.ring]);
    } else {
        place.remove(&[&place.ring, &place.dir]);
    }
    outcome
}

/// Where the demo lives.
struct Place {
    dir: PathBuf,
    ring: PathBuf,
}

impl Place {
    fn make() -> Result<Self> {
        let name = format!("nvr-demo-{}", std::process::id());
        let (dir, ram) = (std::env::temp_dir().join(&name), Path::new("/dev/shm"));
        let in_ram = rustix::fs::access(ram, rustix::fs::Access::WRITE_OK).is_ok();
        let ring = if in_ram { ram.join(&name) } else { dir.join("ring") };
        std::fs::DirBuilder::new().mode(0o700).create(&dir).wrap_err_with(|| {
            format!("{} cannot be made (set TMPDIR to a place that can be written)", dir.display())
        })?;
        let place = Self { dir, ring };
        fs_err::write(place.config(), place.settings())?;
        Ok(place)
    }

    fn config(&self) -> PathBuf {
        self.dir.join("nvr.toml")
    }

    fn settings(&self) -> String {
        let (dir, ring) = (self.dir.display(), self.ring.display());
        format!(
            r#"# Two synthetic cameras.
[ring]
dir = "{ring}"
segment = "2s"
slots = 10
[trigger]
pre_roll = "4s"
post_roll = "8s"
[archive]
dir = "{dir}/clips"
min_free = "0 B"
[smtp]
listen = "127.0.0.1:0"
[recorder]
state_dir = "{dir}/state"
[[camera]]
name = "front-door"
source = "{front_door}"
[[camera]]
name = "garden"
source = "{garden}"
"#,
            front_door = scene::front_door(),
            garden = scene::garden(),
        )
    }

    /// What is left over is only temporary; a person finds it by its name.
    fn remove(&self, dirs: &[&Path]) {
        for dir in dirs {
            if let Err(error) = std::fs::remove_dir_all(dir)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                eprintln!("nvr: {} could not be removed: {error} (run: rm -r {0})", dir.display());
            }
        }
    }

    async fn run(&self) -> Result<ExitCode> {
        let global = Global { config: Some(self.config()), socket: Some(self.dir.join("nvr.sock")) };
        let sockets = global.sockets()?;
        let (recorder, leash) = start_recorder(&self.config(), &sockets[0], &self.dir.join("state"), true).await?;
        let outcome = async {
            let mut client = query::client(&global, true).await?;
            let port = picture(&mut client).await?.mail.port.clone();
            let port: SocketAddr = port.map_err(|sentence| eyre!(sentence))?.parse()?;
            let mails = async {
                mail_now_and_then(port).await;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                shown = self.show(client, &sockets) => shown,
                () = mails => Ok(()),
            }
        };
        let outcome = outcome.await;
        end(&global, recorder).await;
        drop(leash);
        outcome.map(|()| ExitCode::SUCCESS)
    }

    async fn show(&self, client: Client, sockets: &[PathBuf]) -> Result<()> {
        if !std::io::stdout().is_terminal() {
            return tell(client).await;
        }
        drop(client);
        match monitor::run(async || attach::reach(sockets).await, Leaving::EndsAll).await? {
            Left::Stopped(reason) => println!("the recorder has stopped: {reason}"),
            Left::Quit { .. } | Left::Terminated | Left::HungUp => {}
        }
        Ok(())
    }
}

/// Without a screen: prints what happens, until the first clip is saved or a signal comes.
async fn tell(mut client: Client) -> Result<()> {
    let stop = Stop::new();
    let signals = stop::signals()?;
    let obey = stop.obey(signals);
    let follow = async {
        let mut told = None;
        loop {
            let picture = picture(&mut client).await?;
            let news = picture.journal.iter().filter(|entry| told.is_none_or(|last| entry.at > last));
            for entry in news {
                let camera = entry.camera.as_ref().map_or_else(String::new, |camera| format!("{camera}: "));
                println!("{camera}{}", entry.text);
            }
            told = picture.journal.last().map(|entry| entry.at).or(told);
            if let Some(clip) = picture.clips.iter().find(|clip| !clip.open) {
                println!("the first clip is saved: {} (kept only with --keep)", clip.path);
                return Ok(());
            }
            if client.snapshots().changed().await.is_err() {
                return Err(eyre!(client.gone().await.reason));
            }
        }
    };
    tokio::select! {
        told = follow => told,
        () = obey => Ok(()),
        () = stop.asked().cancelled() => Ok(()),
    }
}

/// Has the recorder stop in its order, and waits for it.
async fn end(global: &Global, mut recorder: Child) {
    if let Ok(client) = query::client(global, false).await {
        // It may be stopping already; its end is what counts.
        let _ = client.ask(Command::Stop).await;
    }
    if timeout(STOPPING, recorder.wait()).await.is_err() {
        eprintln!("nvr: the demo's recorder did not stop and is killed");
        let _ = recorder.kill().await;
    }
}

/// Sends mails as cameras do, for as long as the recorder takes them. Each comes at its instant, however long the ones
/// before took: the scenes go on meanwhile.
async fn mail_now_and_then(port: SocketAddr) {
    let start = Instant::now();
    for cycle in 0.. {
        for mail in &MAILS {
            sleep_until(start + Duration::from_secs(cycle * scene::CYCLE + mail.at)).await;
            if send(port, mail).await.is_err() {
                return; // the recorder is stopping
            }
        }
    }
}

/// One mail, in the plain words of a camera.
async fn send(port: SocketAddr, mail: &Mail) -> std::io::Result<()> {
    let Mail { camera, subject, .. } = mail;
    let mut stream = BufReader::new(TcpStream::connect(port).await?);
    let mut reply = String::new();
    stream.read_line(&mut reply).await?;
    let letter = format!("Subject: {subject}\r\n\r\nEVENT TYPE: {subject}\r\nIP CAMERA NAME: {camera}\r\n.");
    let (from, to) = (format!("MAIL FROM:<{camera}@camera.local>"), format!("RCPT TO:<{camera}@nvr>"));
    for line in ["HELO camera", &from, &to, "DATA", &letter, "QUIT"] {
        stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        reply.clear();
        stream.read_line(&mut reply).await?;
    }
    Ok(())
}
