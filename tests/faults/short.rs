//! The short form: one fault each, in the middle of an event, beside a camera that it does not concern.

use super::fault::What;
use super::judge::judge;
use super::material::Kind;
use super::world::{POST_ROLL, World};
use rstest::rstest;
use std::time::{Duration, Instant};
use tokio::time::{sleep, sleep_until};

/// How long a recorder may take to get over a fault: the longest pause between two tries, and time to try.
const RECOVERY: Duration = Duration::from_secs(90);

#[rstest]
#[case::recorder_killed(What::RecorderKilled, 1)]
#[case::recorder_restarted(What::RecorderRestarted, 1)]
#[case::ffmpeg_killed(What::FfmpegKilled, 0)]
#[case::ffmpeg_frozen(What::FfmpegFrozen, 5)]
#[case::camera_away(What::CameraAway, 2)]
#[case::camera_silent(What::CameraSilent, 3)]
#[case::camera_raving(What::CameraRaving, 3)]
#[case::archive_read_only(What::ArchiveReadOnly, 4)]
#[case::archive_full(What::ArchiveFull, 4)]
#[case::archive_gone(What::ArchiveGone, 4)]
#[case::archive_slow(What::ArchiveSlow, 6)]
#[case::archive_hangs(What::ArchiveHangs, 4)]
#[case::archive_broken(What::ArchiveBroken, 4)]
#[case::ring_full(What::RingFull, 4)]
#[case::monitor_stopped(What::MonitorStopped, 4)]
#[case::client_deaf(What::ClientDeaf, 4)]
#[case::mail_flood(What::MailFlood, 3)]
#[tokio::test]
async fn costs_no_more_than_was_promised(#[case] what: What, #[case] lasts: u64) {
    let seed = std::env::var("NVR_TEST_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().expect("a seed"));
    println!("the same again: NVR_TEST_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut world = World::start(2, [Kind::BFrames, Kind::Hevc], 150, 64 << 20).await;
    world.fire(0, random.bool()).await;
    sleep(Duration::from_millis(random.u64(0..4_000))).await;
    if !world.inject(what, 0).await {
        return;
    }
    let healed = tokio::time::Instant::now() + Duration::from_secs(lasts);
    sleep(Duration::from_millis(random.u64(0..=lasts * 500))).await;
    for camera in 0..2 {
        world.fire(camera, random.bool()).await; // one goes on with its clip, the other begins one
    }
    sleep_until(healed).await;
    world.heal(0).await;
    let since = Instant::now();
    while !world.is_over(0) {
        assert!(since.elapsed() < RECOVERY, "not over: {:#?}", world.nvr().picture());
        sleep(Duration::from_millis(50)).await;
    }
    world.fire(0, random.bool()).await;
    sleep(POST_ROLL).await;
    world.settle().await;
    let verdict = judge(&world);
    println!(
        "{}: {:.1} s of footage lost, {} packets explained",
        what.fault().name,
        verdict.cost[0],
        verdict.explained
    );
    assert!(verdict.broken.is_empty(), "{}", verdict.broken.join("\n"));
}

/// An FFmpeg that was frozen when its recorder was killed writes on when the next recorder wakes and ends it: by what it
/// wrote nobody must be led to believe that the recorder lived until then.
#[tokio::test]
async fn a_frozen_ffmpeg_does_not_hide_when_its_recorder_was_killed() {
    let mut world = World::start(2, [Kind::BFrames, Kind::Hevc], 90, 64 << 20).await;
    world.fire(0, false).await;
    assert!(world.inject(What::FfmpegFrozen, 0).await, "an FFmpeg that can be frozen");
    sleep(Duration::from_secs(3)).await;
    for camera in 0..2 {
        world.fire(camera, false).await;
    }
    world.inject(What::RecorderKilled, 0).await;
    sleep(Duration::from_millis(1_500)).await;
    world.heal(1).await;
    world.heal(0).await;
    let since = Instant::now();
    while !(world.is_over(0) & world.is_over(1)) {
        assert!(since.elapsed() < RECOVERY, "not over: {:#?}", world.nvr().picture());
        sleep(Duration::from_millis(50)).await;
    }
    sleep(POST_ROLL).await;
    world.settle().await;
    let verdict = judge(&world);
    assert!(verdict.broken.is_empty(), "{}", verdict.broken.join("\n"));
}
