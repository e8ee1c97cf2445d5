//! A real recorder in a place of its own.

use nvr::link::dial::{Client, Gone};
use nvr::model::command::{Answer, Command as Order, TriggerBy, Who};
use nvr::model::id::CameraName;
use nvr::model::question::{Found, Question};
use nvr::model::record::{ClipState, Record};
use nvr::model::snapshot::{CameraState, CameraView, Snapshot};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

/// Longer than anything here takes, on a machine that is busy; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where a recorder lives: archive, state, socket and configuration on disk, the ring in RAM. It outlives recorders.
pub struct Place {
    pub dir: TempDir,
    ring: TempDir,
    /// Another place's ring, to quarrel about.
    pub ring_dir: Option<PathBuf>,
    /// What stands in the tables of nvr.toml beside the places themselves.
    pub ring_keys: String,
    pub trigger: String,
    pub recorder: String,
    pub archive: PathBuf,
    pub archive_keys: String,
    pub listen: String,
    /// What else stands in `[smtp]`.
    pub mail_keys: String,
    pub cameras: String,
    /// What the recorder is run by, such as `unshare …`.
    pub wrapper: Vec<String>,
    /// Variables of the recorder.
    pub environment: Vec<(String, String)>,
    /// Of every recorder that was started here; shown when a test fails.
    logs: Mutex<Vec<watch::Receiver<String>>>,
}

/// The program: the one that was built with the tests, or `NVR_PROGRAM`. (Features of what only tests need are in the
/// former, which makes it larger than what people install.)
pub fn program() -> PathBuf {
    std::env::var_os("NVR_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_nvr").into(), PathBuf::from)
}

/// What a program that has ended left.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A clip in the archive.
pub struct Clip {
    pub path: PathBuf,
    pub record: Record,
}

impl Place {
    /// Segments of a second, ten of them; 3 s before a trigger and 5 s after it.
    pub fn new(cameras: impl Into<String>) -> Place {
        let dir = tempfile::tempdir().expect("a place on disk");
        Place {
            archive: dir.path().join("archive"),
            archive_keys: "min_free = '0 B'".to_owned(),
            dir,
            ring: tempfile::Builder::new().prefix("nvr-test-").tempdir_in("/dev/shm").expect("a place in RAM"),
            ring_keys: "segment = '1s'\nslots = 10\n".to_owned(),
            trigger: "pre_roll = '3s'\npost_roll = '5s'\n".to_owned(),
            recorder: String::new(),
            listen: "127.0.0.1:0".to_owned(),
            mail_keys: String::new(),
            cameras: cameras.into(),
            wrapper: Vec::new(),
            environment: Vec::new(),
            ring_dir: None,
            logs: Mutex::default(),
        }
    }

    pub fn ring(&self) -> PathBuf {
        self.ring_dir.clone().unwrap_or_else(|| self.ring.path().to_owned())
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("nvr.sock")
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("nvr.toml")
    }

    fn logs(&self) -> MutexGuard<'_, Vec<watch::Receiver<String>>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write_config(&self) {
        let text = format!(
            "[ring]\ndir = {ring:?}\n{}\n[trigger]\n{}\n[archive]\ndir = {:?}\n{}\n\
             [smtp]\nlisten = '{}'\n{}\n[recorder]\nstate_dir = {:?}\n{}\n{}",
            self.ring_keys,
            self.trigger,
            self.archive,
            self.archive_keys,
            self.listen,
            self.mail_keys,
            self.dir.path().join("state"),
            self.recorder,
            self.cameras,
            ring = self.ring(),
        );
        std::fs::write(self.config(), text).expect("a configuration");
    }

    /// A program of the place's own. Answers what to write below `[recorder]` so that it is taken for FFmpeg.
    pub fn script(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("a script");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        format!("ffmpeg = {path:?}\n")
    }

    /// The command line of `nvr` with the place's configuration and socket.
    pub fn words(&self, args: &[&str]) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![program().into(), "--config".into()];
        words.extend([self.config().into(), "--socket".into(), self.socket().into()]);
        words.extend(args.iter().map(OsString::from));
        words
    }

    fn command(&self, wrapper: &[impl AsRef<OsStr>], args: &[&str]) -> Command {
        let wrapper = wrapper.iter().map(|word| word.as_ref().to_owned());
        let words: Vec<_> = wrapper.chain(self.words(args)).collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_remove("NVR_LOG").env("NO_COLOR", "1").envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs `nvr` with some words to its end.
    pub async fn nvr(&self, args: &[&str]) -> Ended {
        self.wrapped(&[], args).await
    }

    /// The same by way of another program.
    pub async fn wrapped(&self, wrapper: &[&str], args: &[&str]) -> Ended {
        let output = self.command(wrapper, args).output();
        let output = timeout(PATIENCE, output).await.expect("an end in time").expect("the program");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// A recorder that must not start: its one sentence, after exit code 1.
    pub async fn refused(&self) -> String {
        self.write_config();
        let wrapper: Vec<_> = self.wrapper.iter().map(String::as_str).collect();
        let Ended { code, out, err } = self.wrapped(&wrapper, &["record"]).await;
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        let sentence = err.lines().last().unwrap_or_default().strip_prefix("nvr: ").expect("our sentence").to_owned();
        assert!(!err.contains("panicked") && !err.contains("RUST_BACKTRACE"), "{err}");
        sentence
    }

    /// Starts a recorder and waits until it can be reached.
    pub async fn start(&self) -> Nvr {
        self.write_config();
        let mut child = self
            .command(&self.wrapper, &["record"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a recorder");
        let (lines, log) = watch::channel(String::new());
        self.logs().push(log.clone());
        let mut stderr = BufReader::new(child.stderr.take().expect("its log")).lines();
        tokio::spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                lines.send_modify(|log| *log += &(line + "\n"));
            }
        });
        let reached = async {
            log.clone().wait_for(|log| log.contains("monitors attach at")).await.expect("a recorder that starts");
            let stream = UnixStream::connect(self.socket()).await.expect("its socket");
            Client::attach(stream, true).await.expect("hello")
        };
        let Ok(client) = timeout(PATIENCE, reached).await else { panic!("no recorder:\n{}", &*log.borrow()) };
        let mut nvr = Nvr { child, client, log, port: "127.0.0.1:1".parse().expect("an address") };
        nvr.port = nvr.until("a mail port", |it| it.mail.port.as_ref().ok()?.parse().ok()).await;
        nvr
    }

    /// The processes of FFmpeg that write into this place's ring.
    pub fn ffmpegs(&self) -> Vec<Pid> {
        let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
        let ring = self.ring().to_str().expect("a path in UTF-8").to_owned();
        let ours = processes.filter_map(|process| {
            let pid = process.file_name().to_str()?.parse().ok()?;
            let words = std::fs::read(process.path().join("cmdline")).ok()?;
            let text = String::from_utf8_lossy(&words);
            (text.contains(&ring) && text.contains("-progress")).then_some(Pid::from_raw(pid)?)
        });
        ours.collect()
    }

    /// Everything in the archive: only closed clips, each with a record that tells the truth about its file.
    pub fn clips(&self) -> Vec<Clip> {
        let mut clips = Vec::new();
        let mut places = vec![self.archive.clone()];
        while let Some(place) = places.pop() {
            for entry in std::fs::read_dir(&place).expect("the archive").flatten() {
                let path = entry.path();
                match path.extension().and_then(|ending| ending.to_str()) {
                    None if path.is_dir() => places.push(path),
                    Some("mp4") => clips.push(clip(path)),
                    Some("jpg") => {}
                    Some("json") => assert!(path.with_extension("mp4").exists(), "a record without a clip: {path:?}"),
                    _ => {
                        assert!(path.ends_with(".lock") || path.ends_with(".nvr"), "this should not be there: {path:?}")
                    }
                }
            }
        }
        clips.sort_by(|a, b| a.path.cmp(&b.path));
        clips
    }

    /// Nothing is left of a recorder that has ended: no socket, no slot, nothing claimed, no FFmpeg.
    pub fn assert_tidy(&self) {
        assert!(!self.socket().exists(), "the socket is left");
        let mut places = vec![self.ring()];
        while let Some(place) = places.pop() {
            for entry in std::fs::read_dir(&place).expect("the ring").flatten() {
                let path = entry.path();
                let lock = path.ends_with(".lock") || path.ends_with(".ffmpeg");
                assert!(path.is_dir() || lock, "left in the ring: {path:?}");
                places.extend(path.is_dir().then_some(path));
            }
        }
        assert_eq!(self.ffmpegs(), [], "FFmpeg is left");
    }
}

fn clip(path: PathBuf) -> Clip {
    let record = std::fs::read(path.with_extension("json")).expect("a record beside the clip");
    let record: Record = serde_json::from_slice(&record).expect("a record");
    let bytes = std::fs::read(&path).expect("a clip");
    assert_eq!(record.blake3.as_deref(), Some(blake3::hash(&bytes).to_hex().as_str()), "{path:?}");
    assert_eq!(record.bytes, bytes.len() as u64, "{path:?}");
    assert_ne!(record.state, ClipState::Open, "{path:?}");
    Clip { path, record }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for log in self.logs().iter() {
                eprintln!("--- a recorder's log ---\n{}------------------------", &*log.borrow());
            }
        }
        let panicked = self.logs().iter().any(|log| log.borrow().contains("panicked"));
        // FFmpeg ends when its recorder does, but not at once; nothing may write while the ring is removed.
        let since = Instant::now();
        while !self.ffmpegs().is_empty() && since.elapsed() < Duration::from_secs(5) {
            if since.elapsed() > Duration::from_secs(2) {
                for pid in self.ffmpegs() {
                    let _ = kill_process(pid, Signal::KILL); // it may just have ended
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!panicked || std::thread::panicking(), "a recorder panicked");
    }
}

/// A running recorder.
pub struct Nvr {
    pub child: Child,
    pub client: Client,
    pub log: watch::Receiver<String>,
    /// Where it takes mail.
    pub port: SocketAddr,
}

impl Nvr {
    /// Waits until the picture holds something.
    pub async fn until<T>(&mut self, what: &str, look: impl Fn(&Snapshot) -> Option<T>) -> T {
        self.until_within(PATIENCE, what, look).await
    }

    pub async fn until_within<T>(
        &mut self,
        patience: Duration,
        what: &str,
        look: impl Fn(&Snapshot) -> Option<T>,
    ) -> T {
        let pictures = self.client.snapshots();
        let seen = async {
            loop {
                let found = pictures.borrow_and_update().as_deref().and_then(&look);
                if let Some(found) = found {
                    return found;
                }
                pictures.changed().await.unwrap_or_else(|_| panic!("the recorder left before there was {what}"));
            }
        };
        match timeout(patience, seen).await {
            Ok(found) => found,
            Err(_) => panic!("{what} did not come in {patience:?}; last seen: {:#?}", self.picture()),
        }
    }

    /// Waits until every camera is recorded and has so many finished segments in its ring.
    pub async fn recording(&mut self, segments: usize) {
        use nvr::model::snapshot::SlotState::Complete;
        let enough = |camera: &CameraView| {
            let complete = camera.slots.iter().filter(|slot| slot.is == Complete).count();
            matches!(camera.state, CameraState::Recording { .. }) && complete >= segments
        };
        self.until("footage in every ring", |it| it.cameras.iter().all(enough).then_some(())).await;
    }

    /// Waits until nothing is going on any more and every clip is closed; then there are at least `clips`.
    pub async fn quiet(&mut self, clips: usize) {
        self.until("an end of all clips", |it| {
            let calm = it.cameras.iter().all(|camera| camera.event.is_none() && camera.backlog == 0);
            // A picture has no more than the newest 50.
            (calm && it.clips.len() >= clips.min(50) && it.clips.iter().all(|clip| !clip.open)).then_some(())
        })
        .await;
    }

    /// The newest picture.
    pub fn picture(&mut self) -> Arc<Snapshot> {
        self.client.snapshots().borrow().clone().expect("a picture")
    }

    /// Waits until the log holds a text.
    pub async fn says(&mut self, text: &str) {
        let mut log = self.log.clone();
        let said = timeout(PATIENCE, log.wait_for(|log| log.contains(text))).await;
        said.unwrap_or_else(|_| panic!("never said: {text}")).unwrap_or_else(|_| panic!("it ended without: {text}"));
    }

    /// Gives an order that must be carried out.
    pub async fn order(&self, order: Order) -> String {
        match self.client.ask(order).await.expect("an answer") {
            Answer::Done(sentence) => sentence,
            other => panic!("{other:?}"),
        }
    }

    /// Asks what there must be an answer to.
    pub async fn ask(&self, question: Question) -> Found {
        match self.client.ask(Order::Ask(question)).await.expect("an answer") {
            Answer::Found(found) => found,
            other => panic!("{other:?}"),
        }
    }

    /// Wants footage of a camera, as a person would.
    pub async fn trigger(&self, camera: &str) -> String {
        let camera: CameraName = camera.parse().expect("a name");
        self.order(Order::Trigger { who: Who::Cameras(vec![camera]), by: TriggerBy::Command }).await
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().expect("it runs").cast_signed()).expect("a process")
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a recorder that runs");
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("an end in time").expect("a status")
    }

    /// Asks it to stop, and waits until it has: well, and with a goodbye to monitors.
    pub async fn stop(mut self) -> Gone {
        let gone = self.client.gone();
        self.signal(Signal::TERM);
        assert_eq!(self.ended().await.code(), Some(0));
        gone.await
    }
}

impl Drop for Nvr {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and needs not be.
        let _ = self.child.start_kill();
        while matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
