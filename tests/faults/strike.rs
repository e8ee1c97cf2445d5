//! How each fault happens, and how it ends.

use super::disk::Mood as DiskMood;
use super::fault::{Hits, What};
use super::feed::Mood;
use super::material::run;
use super::mounts::text;
use super::terminal::Session;
use super::world::{ANSWER, Suffered, World, plug, replug};
use nvr::link::frame;
use nvr::link::protocol::ToRecorder;
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::time::Instant;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

impl World {
    /// Lets a fault happen. Answers whether it could.
    pub async fn inject(&mut self, what: What, camera: usize) -> bool {
        if what.needs_mounts() && self.disk.is_none() {
            return false;
        }
        let injected = Instant::now();
        if !self.strike(what, camera).await {
            return false;
        }
        let fault = what.fault();
        let hit = (fault.hits == Hits::Camera).then_some(camera);
        let seen = vec![Vec::new(); self.names.len()];
        self.suffered.push(Suffered { fault, camera: hit, injected, healed: None, over: None, seen });
        true
    }

    async fn strike(&mut self, what: What, camera: usize) -> bool {
        match what {
            What::RecorderKilled => {
                let Some(mut nvr) = self.nvr.take() else { return false };
                nvr.signal(Signal::KILL);
                nvr.ended().await;
            }
            What::RecorderRestarted => {
                let Some(nvr) = self.nvr.take() else { return false };
                nvr.stop().await;
                self.place.assert_tidy();
            }
            What::FfmpegKilled => return self.signal_ffmpeg(camera, Signal::KILL),
            What::FfmpegFrozen => return self.signal_ffmpeg(camera, Signal::STOP),
            What::CameraAway => self.feeds[camera].is(Mood::Away),
            What::CameraSilent => self.feeds[camera].is(Mood::Silent),
            What::CameraRaving => self.feeds[camera].is(Mood::Raving),
            What::ArchiveReadOnly => {
                let archive = text(&self.place.archive);
                run("mount", &["--bind", archive, archive]);
                run("mount", &["-o", "remount,bind,ro", archive]);
            }
            What::ArchiveFull => fill(&self.place.archive),
            What::ArchiveGone => drop(run("umount", &["--lazy", text(&self.place.archive)])),
            What::ArchiveSlow => self.disk_is(DiskMood::Slow(12_000 * self.names.len() as u64)),
            What::ArchiveHangs => self.disk_is(DiskMood::Hangs),
            What::ArchiveBroken => self.disk_is(DiskMood::Broken),
            What::RingFull => fill(&self.place.ring()),
            What::MonitorStopped => {
                let monitor = Session::start(&self.place.words(&[]), &[]);
                self.monitors.push(monitor);
                let monitor = self.monitors.last_mut().expect("just started");
                timeout(ANSWER, monitor.shows_all(&["camera-1"])).await.expect("a monitor");
                signal(&monitor.child, Signal::STOP);
            }
            What::ClientDeaf => {
                for _ in 0..4 {
                    let mut client = UnixStream::connect(self.place.socket()).await.expect("a recorder");
                    let hello = frame::encode(&ToRecorder::hello(true)).expect("a word") + "\n";
                    client.write_all(hello.as_bytes()).await.expect("fits");
                    self.deaf.push(client);
                }
            }
            What::MailFlood => {
                let Some(port) = self.nvr.as_ref().map(|nvr| nvr.port) else { return false };
                for _ in 0..16 {
                    self.silent.push(TcpStream::connect(port).await.expect("a mail port"));
                }
                for _ in 0..20 {
                    self.fire(camera, true).await;
                }
            }
        }
        true
    }

    fn disk_is(&self, mood: DiskMood) {
        self.disk.as_ref().expect("a disk").is(mood);
    }

    fn signal_ffmpeg(&self, camera: usize, signal: Signal) -> bool {
        let slots = format!("/{}/", self.names[camera]);
        let its = |pid: &Pid| {
            let words = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
            String::from_utf8_lossy(&words).contains(&slots)
        };
        let ffmpegs: Vec<_> = self.place.ffmpegs().into_iter().filter(its).collect();
        // It may end meanwhile.
        ffmpegs.into_iter().filter(|pid| kill_process(*pid, signal).is_ok()).count() > 0
    }

    /// Ends what [`World::inject`] began with the `at`th fault.
    pub async fn heal(&mut self, at: usize) {
        let (what, camera) = (self.suffered[at].fault.what, self.suffered[at].camera);
        match what {
            What::RecorderKilled | What::RecorderRestarted => {
                let nvr = self.place.start().await;
                self.logs.push(nvr.log.clone());
                self.nvr = Some(nvr);
            }
            What::FfmpegKilled => {}
            What::FfmpegFrozen => drop(self.signal_ffmpeg(camera.expect("one camera"), Signal::CONT)),
            What::CameraAway | What::CameraSilent | What::CameraRaving => {
                self.feeds[camera.expect("one camera")].is(Mood::Well);
            }
            What::ArchiveReadOnly => drop(run("umount", &["--lazy", text(&self.place.archive)])),
            What::ArchiveFull => drain(&self.place.archive),
            What::ArchiveGone => {
                let left: Vec<_> = std::fs::read_dir(&self.place.archive).expect("a directory").flatten().collect();
                assert!(left.is_empty(), "written to the directory below the archive: {left:?}");
                plug(&self.place, "archive");
            }
            What::ArchiveSlow | What::ArchiveHangs => self.disk_is(DiskMood::Well),
            What::ArchiveBroken => {
                replug(&self.place, self.disk.as_mut().expect("a disk"));
            }
            What::RingFull => drain(&self.place.ring()),
            What::MonitorStopped => {
                let mut monitor = self.monitors.pop().expect("a monitor");
                signal(&monitor.child, Signal::CONT);
                monitor.child.start_kill().expect("a monitor");
            }
            What::ClientDeaf => self.deaf.clear(),
            What::MailFlood => self.silent.clear(),
        }
        self.suffered[at].healed = Some(Instant::now());
    }
}

fn signal(child: &tokio::process::Child, signal: Signal) {
    let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())).expect("it runs");
    kill_process(pid, signal).expect("it runs");
}

/// Somebody else's file takes all the room that is left.
fn fill(dir: &Path) {
    let space = rustix::fs::statvfs(dir).expect("room");
    let file = std::fs::File::create(dir.join("filler")).expect("a file");
    let mut bytes = space.f_bfree * space.f_frsize;
    while bytes >= space.f_frsize {
        let room = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, bytes);
        bytes = if room.is_ok() { 0 } else { bytes - (bytes / 64).max(space.f_frsize) };
    }
}

fn drain(dir: &Path) {
    std::fs::remove_file(dir.join("filler")).expect("the filler");
}
