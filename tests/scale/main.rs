//! Many cameras and the real recorder, with FFmpegs that cost nothing; and what it says where a machine has no more to
//! give. This program is the FFmpeg too, so it has a main of its own.

#[path = "../common/fake_ffmpeg.rs"]
mod fake_ffmpeg;
#[path = "../common/nvr.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod nvr_process;

use libtest_mimic::{Arguments, Trial};
use nvr::model::command::{Command, TriggerBy, Who};
use nvr::model::snapshot::{CameraState, CameraView, SlotState, Snapshot};
use nvr_process::{Nvr, Place};
use std::process::ExitCode;

fn main() -> ExitCode {
    if fake_ffmpeg::is_meant() {
        return fake_ffmpeg::run();
    }
    let root = rustix::process::getuid().is_root();
    let trials = vec![
        trial("a_hundred_cameras_record_and_one_key_saves_all_of_them", saves_all),
        trial("cameras_beyond_the_last_open_file_are_named_and_the_others_record", few_files),
        // Who is not root has other processes too, and nobody knows how many.
        trial("cameras_beyond_the_last_process_are_named_and_the_others_record", few_processes)
            .with_ignored_flag(!root),
        trial("rings_that_cannot_be_watched_are_looked_at", few_watches),
        trial("without_any_watcher_every_ring_is_looked_at", no_watcher),
        trial("a_plan_names_the_first_wall_and_says_whether_it_fits", plans),
    ];
    libtest_mimic::run(&Arguments { test_threads: Some(3), ..Arguments::from_args() }, trials).exit_code()
}

fn trial<F: Future<Output = ()> + 'static>(name: &str, test: fn() -> F) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(test());
        Ok(())
    })
}

/// A place for so many.
fn crowd(count: usize) -> Place {
    let mut place = Place::new("");
    place.recorder = fake_ffmpeg::install(place.dir.path());
    place.cameras = fake_ffmpeg::cameras(count, &fake_ffmpeg::material(place.dir.path()));
    place.ring_keys = "segment = '1s'\nslots = 6\n".to_owned();
    place.trigger = "pre_roll = '2s'\npost_roll = '2s'\n".to_owned();
    place
}

/// What runs a program after some words of a shell.
fn after(words: &str) -> Vec<String> {
    ["sh", "-c", &format!("{words}; exec \"$@\""), "sh"].map(str::to_owned).to_vec()
}

/// Waits until each camera is recorded or has failed. Answers how many are recorded, and why the others are not.
async fn settled(nvr: &mut Nvr) -> (usize, Vec<String>) {
    let look = |it: &Snapshot| {
        let mut failed = Vec::new();
        for camera in &it.cameras {
            match &camera.state {
                CameraState::Recording { .. } => {}
                CameraState::NoSignal { reason, .. } | CameraState::Stalled { reason, .. } => {
                    failed.push(reason.clone())
                }
                CameraState::Waiting { .. } | CameraState::Connecting { .. } | CameraState::Stopped => return None,
            }
        }
        Some((it.cameras.len() - failed.len(), failed))
    };
    nvr.until("what became of every camera", look).await
}

/// Triggers all as soon as so many have a past, and waits for as many whole clips.
async fn saves(nvr: &mut Nvr, place: &Place, clips: usize) {
    let past = |it: &CameraView| it.slots.iter().filter(|slot| slot.is == SlotState::Complete).count() >= 3;
    let enough = |it: &Snapshot| (it.cameras.iter().filter(|it| past(it)).count() == clips).then_some(());
    nvr.until("a past of those that are recorded", enough).await;
    let before = nvr.picture().lost;
    trigger_all(nvr).await;
    nvr.quiet(clips).await;
    assert_eq!(nvr.picture().lost.segments, before.segments);
    let whole = place.clips().into_iter().filter(|clip| clip.record.gaps.is_empty()).count();
    assert!(whole >= clips, "{whole} of {clips}");
}

async fn trigger_all(nvr: &Nvr) -> String {
    nvr.order(Command::Trigger { who: Who::All, by: TriggerBy::Key }).await
}

async fn saves_all() {
    let place = crowd(100);
    let mut nvr = place.start().await;
    nvr.recording(3).await;
    assert_eq!(trigger_all(&nvr).await, "all 100 cameras: saving");
    nvr.quiet(10).await; // the picture shows the newest only
    nvr.stop().await;
    let clips = place.clips();
    assert_eq!(clips.len(), 100);
    for clip in clips {
        assert!(clip.record.gaps.is_empty(), "{:?}", clip.record);
    }
    place.assert_tidy();
}

async fn few_files() {
    let mut place = crowd(20);
    place.wrapper = after("ulimit -n 128");
    let mut nvr = place.start().await;
    let (recorded, failed) = settled(&mut nvr).await;
    // Half of the files are for the cameras, seven for each.
    assert_eq!((recorded, failed.len()), (9, 11), "{failed:?}");
    let why = "9 cameras may be recorded, and one more would take open files that clips, mails and monitors need \
               (LimitNOFILE=8192 in the unit's [Service], or before nvr in a shell: ulimit -n 8192)";
    assert!(failed.iter().all(|reason| reason == why), "{failed:?}");
    let warned = "20 cameras may need 204 open files, and 128 are allowed, enough for 9 (";
    assert!(nvr.picture().warnings.iter().any(|warning| warning.starts_with(warned)), "{:?}", nvr.picture().warnings);
    saves(&mut nvr, &place, 9).await;
    nvr.stop().await;
    place.assert_tidy();
}

async fn few_processes() {
    const NOBODY_ELSE: u32 = 54_321;
    let mut place = crowd(30);
    for dir in [place.dir.path(), &place.ring()] {
        std::os::unix::fs::chown(dir, Some(NOBODY_ELSE), None).expect("root may");
    }
    let user = format!("--reuid={NOBODY_ELSE}");
    place.wrapper = ["setpriv", &user, "--clear-groups", "prlimit", "--nproc=28:28"].map(str::to_owned).to_vec();
    let mut nvr = place.start().await;
    let (recorded, failed) = settled(&mut nvr).await;
    assert!(recorded >= 2 && failed.len() >= 10, "{recorded}, {failed:?}");
    let why =
        "14 cameras may be recorded, and one more would take processes that clips, mails and monitors need (TasksMax=";
    let really =
        "no FFmpeg can be started: Resource temporarily unavailable (os error 11) (no more processes are allowed; ";
    assert!(failed.iter().all(|reason| reason.starts_with(why) || reason.starts_with(really)), "{failed:?}");
    saves(&mut nvr, &place, recorded).await;
    nvr.stop().await;
    place.assert_tidy();
}

async fn few_watches() {
    unwatched(
        "max_inotify_watches",
        5,
        "5 of 10 rings cannot be watched; what happens there is seen up to a second later: ",
        "max_user_watches",
    )
    .await;
}

async fn no_watcher() {
    unwatched("max_inotify_instances", 0, "no ring can be watched", "max_user_instances").await;
}

/// In a user namespace, where this limit is ours to set.
async fn unwatched(limit: &str, to: u32, warning: &str, remedy: &str) {
    let mut place = crowd(10);
    place.ring_keys = "segment = '2s'\nslots = 6\n".to_owned();
    place.wrapper = after(&format!("echo {to} > /proc/sys/user/{limit}"));
    place.wrapper.splice(0..0, ["unshare", "--user", "--map-root-user"].map(str::to_owned));
    let mut nvr = place.start().await;
    nvr.recording(3).await;
    let warnings = nvr.picture().warnings.clone();
    assert!(warnings.iter().any(|it| it.starts_with(warning) && it.contains(remedy)), "{warnings:?}");
    saves(&mut nvr, &place, 10).await;
    nvr.stop().await;
    place.assert_tidy();
}

async fn plans() {
    let place = crowd(20);
    place.write_config();
    let limited = after("ulimit -n 128");
    let limited: Vec<_> = limited.iter().map(String::as_str).collect();
    let ended = place.wrapped(&limited, &["check", "--plan", "--bitrate", "2M"]).await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(1), ""), "{}", ended.out);
    let lines: Vec<_> = ended.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines[0], "20 cameras, 2.0 Mbit/s each (as asked), 40 Mbit/s in all");
    assert!(lines.contains(&"FAIL open files 7 64 204 128 9 cameras".to_owned()), "{}", ended.out);
    let wall = "first wall: open files, enough for 9 cameras\nbeyond it: LimitNOFILE=1024 in the unit's [Service]";
    assert!(lines.join("\n").contains(wall), "{}", ended.out);
    assert!(ended.out.lines().take(11).all(|line| line.len() <= 80), "{}", ended.out);

    let ended = place.wrapped(&limited, &["check", "--plan", "--cameras", "8", "--share", "10%", "--json"]).await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    let plan: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!((&plan["fits"], &plan["cameras"], &plan["bitrate_is"]), (&true.into(), &8.into(), &"assumed".into()));
    // Eight slots of a second at 4 Mbit/s.
    assert_eq!((plan["needs"][0]["name"].as_str(), plan["needs"][0]["each"].as_f64()), (Some("ring"), Some(4e6)));
    assert_eq!(plan["archive"]["a_day"].as_u64(), Some(8 * 500_000 * 86_400 / 10));

    let mut nvr = place.start().await;
    nvr.recording(4).await;
    let ended = place.nvr(&["check", "--plan", "--json"]).await;
    let plan: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
    let measured = plan["bitrate"].as_u64().expect("a number");
    assert_eq!(plan["bitrate_is"].as_str(), Some("measured"));
    assert!((1_000..1_000_000).contains(&measured), "{measured}");
    nvr.stop().await;
}
