//! The monitor on a real terminal, before a real recorder: what it shows, and that neither the terminal nor the
//! recorder takes harm, whichever way it ends.

use super::feed::Feed;
use super::life::goes_on;
use super::material::{Kind, Material};
use super::nvr_process::{Nvr, PATIENCE, Place};
use super::terminal::{SIZE, Session, left_on};
use nvr::model::record::TriggerKind;
use rustix::process::Signal;
use std::ffi::OsStr;
use std::time::Duration;
use tokio::time::timeout;

const CAMERAS: [&str; 2] = ["front-door", "garden"];

/// Two cameras that are being recorded.
async fn two_cameras() -> (Vec<Feed>, Place, Nvr) {
    let feeds: Vec<_> = CAMERAS.iter().map(|_| Feed::start(Material::get(Kind::BFrames, 150))).collect();
    let blocks: Vec<_> = feeds.iter().zip(CAMERAS).map(|(feed, name)| feed.camera(name)).collect();
    let mut place = Place::new(blocks.concat());
    place.trigger = "pre_roll = '3s'\npost_roll = '30s'\n".to_owned();
    let mut nvr = place.start().await;
    nvr.recording(2).await;
    (feeds, place, nvr)
}

/// A monitor that shows every camera, and both as being recorded.
async fn monitor(place: &Place) -> Session {
    let mut session = Session::start(&place.words(&[]), &[]);
    shows_both(&mut session).await;
    session
}

async fn shows_both(session: &mut Session) {
    session.shows_all(&CAMERAS).await;
    let both = |screen: &vt100::Screen| {
        let lines: Vec<_> = screen.rows(0, SIZE.1).collect();
        CAMERAS.iter().all(|name| lines.iter().any(|line| line.contains(name) && line.contains("recording")))
    };
    session.until("line that says `recording` for each camera", both).await;
}

/// What an eye sees of a cell: a blank has no colour but its ground, whether it was written or never touched.
fn seen(cell: &vt100::Cell) -> (String, vt100::Color, vt100::Color, [bool; 3]) {
    let blank = matches!(cell.contents(), "" | " ");
    let ink = if blank { vt100::Color::Default } else { cell.fgcolor() };
    let text = if blank { " " } else { cell.contents() };
    (text.to_owned(), ink, cell.bgcolor(), [cell.inverse(), cell.underline(), cell.bold() && !blank])
}

/// Whether two terminals of the same size show the same.
fn same(one: &Session, other: &Session) -> bool {
    let cells = |session: &Session| -> Vec<_> {
        let screen = session.screen.screen();
        let places = (0..SIZE.0).flat_map(|line| (0..SIZE.1).map(move |column| (line, column)));
        places.map(|(line, column)| seen(screen.cell(line, column).expect("a cell"))).collect()
    };
    cells(one) == cells(other)
}

/// Reads both terminals until they show the same.
pub async fn agree(one: &mut Session, other: &mut Session) {
    let agreed = timeout(PATIENCE, async {
        while !same(one, other) {
            let count = tokio::select! {
                count = one.read() => count,
                count = other.read() => count,
            };
            assert!(count > 0, "a monitor has ended");
        }
    });
    let agreed = agreed.await;
    let shown = |session: &Session| session.screen.screen().contents();
    assert!(agreed.is_ok(), "they do not agree:\n{}\n--- and ---\n{}", shown(one), shown(other));
}

/// The seconds that a countdown shows; more than eleven, for below that there are parts of seconds and lengths of clips.
fn seconds_left(screen: &vt100::Screen) -> Option<u32> {
    let text = screen.contents();
    let words: Vec<_> = text.split_whitespace().collect();
    let seconds = words.windows(2).filter(|pair| pair[1] == "s").filter_map(|pair| pair[0].parse().ok());
    seconds.filter(|seconds| (12..=30).contains(seconds)).max()
}

#[tokio::test]
async fn it_shows_triggers_leaves_and_says_how_to_come_back() {
    let (_feeds, place, mut nvr) = two_cameras().await;
    let mut session = monitor(&place).await;
    session.press("t").await;
    let event = nvr.until("an event", |it| it.cameras[0].event.clone()).await;
    assert_eq!(event.trigger.kind, TriggerKind::Key);
    session.until("countdown", |screen| seconds_left(screen).is_some()).await;
    let first = seconds_left(session.screen.screen());
    session.until("smaller countdown", |screen| seconds_left(screen) < first).await;

    session.press("q").await;
    let status = session.ends_clean("recording goes on").await;
    assert_eq!(status.code(), Some(0));
    goes_on(&mut nvr).await;
    // What it says can be typed.
    let said = session.screen.screen().contents();
    let (_, back) = said.split_once("come back: nvr").expect("a way back");
    let (back, _) = back.split_once(';').expect("an end of it");
    let words = [env!("CARGO_BIN_EXE_nvr")].into_iter().chain(back.split_whitespace());
    let mut again = Session::start(&words.collect::<Vec<_>>(), &[]);
    shows_both(&mut again).await;
    again.press("\x03").await;
    again.ends_clean("recording goes on").await;
    nvr.stop().await;
    place.assert_tidy();
}

#[tokio::test]
async fn signals_give_the_terminal_back_and_the_recorder_goes_on() {
    let (_feeds, place, mut nvr) = two_cameras().await;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut session = monitor(&place).await;
        session.signal(signal);
        assert_eq!(session.ends_clean("").await.code(), Some(0), "{signal:?}");
    }
    let mut killed = monitor(&place).await;
    killed.signal(Signal::KILL);
    timeout(PATIENCE, killed.child.wait()).await.expect("it ends").expect("is reaped");
    goes_on(&mut nvr).await;
    assert!(nvr.picture().cameras.iter().all(|camera| camera.restarts == 0));
    monitor(&place).await;
    nvr.stop().await;
    place.assert_tidy();
}

#[tokio::test]
async fn a_terminal_that_goes_takes_the_monitor_along_and_not_the_recorder() {
    let (_feeds, place, mut nvr) = two_cameras().await;
    let mut session = monitor(&place).await;
    drop(session.pty);
    timeout(Duration::from_secs(2), session.child.wait()).await.expect("it ends soon").expect("is reaped");
    goes_on(&mut nvr).await;
    monitor(&place).await;
    nvr.stop().await;
    place.assert_tidy();
}

/// The shell waits for a command, and finds only those modes that are its own.
async fn at_the_prompt(session: &mut Session) {
    let prompt = |screen: &vt100::Screen| screen.contents().trim_end().ends_with("prompt>");
    session.until("prompt", prompt).await;
    assert!(!session.screen.screen().hide_cursor());
    assert_eq!(left_on(&session.raw), ["\\e[?2004l"], "bash itself wants to know what is pasted, and no more");
}

#[tokio::test]
async fn a_shell_gets_its_terminal_with_ctrl_z_and_fg_shows_the_newest() {
    let (_feeds, place, mut nvr) = two_cameras().await;
    let mut other = monitor(&place).await;
    let mut session = Session::start(&["bash", "--norc", "--noprofile", "-i"], &[]);
    session.shows("prompt> ").await;
    let words: Vec<_> = place.words(&[]).iter().map(|word| OsStr::to_string_lossy(word).into_owned()).collect();
    session.press(&format!("clear; {}\r", words.join(" "))).await;
    shows_both(&mut session).await;
    session.press("\x1a").await;
    session.shows("Stopped").await;
    at_the_prompt(&mut session).await;
    session.press("clear; echo as us''ual\r").await;
    session.shows("as usual").await;
    goes_on(&mut nvr).await;
    session.press("fg\r").await;
    shows_both(&mut session).await;
    agree(&mut session, &mut other).await;
    session.press("q").await;
    session.shows("recording goes on").await;
    at_the_prompt(&mut session).await;
    nvr.stop().await;
    place.assert_tidy();
}

#[tokio::test]
async fn a_storm_of_sizes_ends_in_the_right_picture() {
    let (_feeds, place, nvr) = two_cameras().await;
    let (mut session, mut other) = (monitor(&place).await, monitor(&place).await);
    let mut random = fastrand::Rng::with_seed(7);
    for number in 0..100 {
        let (lines, columns) = if number % 10 == 0 { (1, 1) } else { (random.u16(1..70), random.u16(1..250)) };
        session.resize(lines, columns);
        // Now and then there is time for a frame, and often there is none.
        if number % 3 == 0 {
            timeout(Duration::from_secs(1), session.read()).await.ok();
        }
    }
    session.resize(SIZE.0, SIZE.1);
    agree(&mut session, &mut other).await;
    shows_both(&mut session).await;
    session.press("q").await;
    assert_eq!(session.ends_clean("recording goes on").await.code(), Some(0));
    nvr.stop().await;
    place.assert_tidy();
}
