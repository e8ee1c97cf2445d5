//! Starts beside a disk that does not answer, one after the other: each recorder records, says what is wrong, and ends
//! when it is told to, though its process may wait for the disk. What all of them claimed is stored in the end, once.

use super::disk::Mood;
use super::fault::What;
use super::judge::judge;
use super::material::Kind;
use super::nvr_process::Nvr;
use super::world::{POST_ROLL, Suffered, World, replug};
use nvr::stop::ONE_STRIKE;
use rustix::process::Signal;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Longer than any start may be held up, on a machine that is busy.
const SOON: Duration = Duration::from_secs(20);

impl World {
    /// The next recorder starts, though the disk does not answer, and says so.
    async fn start_beside(&mut self) {
        let since = Instant::now();
        let nvr = self.place.start().await;
        assert!(since.elapsed() < SOON, "held up for {:?}", since.elapsed());
        self.logs.push(nvr.log.clone());
        self.nvr = Some(nvr);
        self.suffered.last_mut().expect("the last one ended").healed = Some(Instant::now());
        let said = self.nvr().until("an alarm", |it| it.archive.trouble.clone()).await;
        println!("on the screen: {said}");
        assert!(said.contains("does not answer") && said.ends_with(')'), "{said}");
        self.nvr().recording(2).await;
    }

    /// The recorder is stopped and cannot store anything. Its process may last as long as the disk lets it.
    async fn stop_beside(&mut self) -> Nvr {
        let (fault, injected) = (What::RecorderRestarted.fault(), Instant::now());
        let seen = vec![Vec::new(); self.names.len()];
        self.suffered.push(Suffered { fault, camera: None, injected, healed: None, over: None, seen });
        let nvr = self.nvr.take().expect("it runs");
        nvr.signal(Signal::TERM);
        sleep(2 * ONE_STRIKE).await; // else they are one
        nvr.signal(Signal::TERM);
        nvr.client.gone().await;
        nvr
    }
}

#[tokio::test]
async fn a_disk_that_hangs_keeps_no_recorder_from_starting_and_gets_all_of_it_later() {
    let mut world = World::start(1, [Kind::BFrames; 2], 150, 64 << 20).await;
    if world.disk.is_none() {
        return;
    }
    world.fire(0, false).await;
    let growing = |it: &nvr::model::snapshot::Snapshot| it.clips.iter().any(|clip| clip.open && clip.bytes > 0);
    world.nvr().until("a growing clip", |it| growing(it).then_some(())).await;
    assert!(world.inject(What::RecorderKilled, 0).await);
    // As after a restart of the machine: nothing of it is in the kernel's memory.
    replug(&world.place, world.disk.as_mut().expect("a disk"));
    world.disk.as_ref().expect("a disk").is(Mood::Hangs);

    world.start_beside().await;
    world.fire(0, true).await;
    world.nvr().until("claimed footage", |it| (it.archive.backlog > 0).then_some(())).await;
    let asked = [&["check"][..], &["clips"], &["verify"]].map(|words| world.place.nvr(words));
    for told in futures::future::join_all(asked).await {
        assert!(told.code == Some(1) && (told.out + &told.err).contains("does not answer"), "nobody was kept waiting");
    }
    let stuck = world.stop_beside().await;
    world.start_beside().await;
    world.fire(0, false).await;

    world.disk.as_ref().expect("a disk").is(Mood::Well);
    world.nvr().until("an archive that is taken", |it| it.archive.trouble.is_none().then_some(())).await;
    drop(stuck);
    sleep(POST_ROLL).await;
    world.settle().await;
    let verdict = judge(&world);
    assert!(verdict.broken.is_empty(), "{}", verdict.broken.join("\n"));
    // The clip that the first had begun went on in the second and the third; what the third was asked for is another.
    assert_eq!((verdict.clips, verdict.unexplained), (2, 0));
}
