//! The story that demo.tape tells is still true: it is played to the real demo on a terminal, and holds only what VHS
//! understands and keys that the program knows.

#[path = "common/terminal.rs"]
#[allow(dead_code, reason = "each file of tests needs other things of a terminal")]
mod terminal;

use crossterm::event::KeyCode;
use nvr::monitor::keys::{Action, OnCamera, OnClip, Place, Press};
use regex::Regex;
use std::path::Path;
use terminal::Session;

const TAPE: &str = include_str!("../demo.tape");

/// One line of the tape.
#[derive(Debug)]
enum Line {
    /// What VHS does before it plays or beside it: settings, files, pauses.
    Setting(&'static str),
    /// A variable of the shell.
    Env(&'static str, &'static str),
    Type(&'static str),
    Key(KeyCode),
    Ctrl(char),
    /// Until this is on the screen.
    Wait(Regex),
}

fn tape() -> Vec<Line> {
    let lines = TAPE.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| parse(line).unwrap_or_else(|| panic!("VHS or this test does not understand: {line}"))).collect()
}

/// The part of VHS's grammar that a story needs. Home, End and Assert, which only other players know, are none of it.
fn parse(line: &'static str) -> Option<Line> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let quoted = |text: &'static str| text.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('"'));
    let time = |text: &str| {
        let number = text.trim_end_matches(char::is_alphabetic);
        let unit = &text[number.len()..];
        matches!(unit, "ms" | "s") && !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
    };
    let parsed = match word {
        "Output" if rest.ends_with(".gif") => Line::Setting(rest),
        "Screenshot" if rest.ends_with(".png") => Line::Setting(rest),
        "Require" if !rest.is_empty() => Line::Setting(rest),
        "Sleep" if time(rest) => Line::Setting(rest),
        "Set" => setting(rest, time)?,
        "Env" => {
            let (name, value) = rest.split_once(' ')?;
            Line::Env(name, quoted(value)?)
        }
        "Type" => Line::Type(quoted(rest)?),
        "Enter" if rest.is_empty() => Line::Key(KeyCode::Enter),
        "Escape" if rest.is_empty() => Line::Key(KeyCode::Esc),
        "Tab" if rest.is_empty() => Line::Key(KeyCode::Tab),
        // The largest screen has other words than the smallest, so these must be on both: `play` looks at 80×24.
        "Wait+Screen" => Line::Wait(Regex::new(rest.strip_prefix('/')?.strip_suffix('/')?).ok()?),
        chord => {
            let letter = chord.strip_prefix("Ctrl+")?.parse::<char>().ok()?;
            Line::Ctrl(letter.to_ascii_lowercase())
        }
    };
    Some(parsed)
}

fn setting(rest: &'static str, time: impl Fn(&str) -> bool) -> Option<Line> {
    let (name, value) = rest.split_once(' ')?;
    let fits = match name {
        "Shell" | "Theme" => value.starts_with('"') && value.ends_with('"'),
        "FontSize" | "Width" | "Height" | "Padding" | "Framerate" => value.parse::<u16>().is_ok(),
        "LetterSpacing" | "LineHeight" | "PlaybackSpeed" => value.parse::<f32>().is_ok(),
        "CursorBlink" => value.parse::<bool>().is_ok(),
        "TypingSpeed" | "WaitTimeout" => time(value),
        _ => false,
    };
    fits.then_some(Line::Setting(rest))
}

/// What fills the screen after an action; `None`: the program has ended.
fn after(action: Action, mut places: Vec<Place>) -> Option<Vec<Place>> {
    let opened = match action {
        Action::Leave | Action::Stop => return None,
        Action::Back => {
            places.pop();
            return Some(places);
        }
        Action::Camera(OnCamera::Look) | Action::Clip(OnClip::Look) => Place::Look,
        Action::Camera(OnCamera::Stderr) => Place::Stderr,
        Action::Clip(OnClip::Details) => Place::Clip,
        Action::Clips => Place::Clips,
        Action::Copies => Place::Copies,
        Action::Journal => Place::Journal,
        Action::Help => Place::Help,
        Action::Camera(OnCamera::Arm | OnCamera::ArmAll | OnCamera::Trigger | OnCamera::End)
        | Action::Clip(OnClip::Protect | OnClip::Delete | OnClip::CopyPath)
        | Action::Again
        | Action::Find
        | Action::NextPage
        | Action::PreviousPage
        | Action::Follow
        | Action::Sort
        | Action::Level
        | Action::Go(_)
        | Action::Suspend
        | Action::Redraw => return Some(places),
    };
    places.push(opened);
    Some(places)
}

#[test]
fn every_key_of_the_tape_stands_in_the_table_for_its_place() {
    let mut lines = tape().into_iter();
    lines.find(|line| matches!(line, Line::Type("nvr demo"))).expect("the demo is started");
    assert!(matches!(lines.find(|line| matches!(line, Line::Key(_))), Some(Line::Key(KeyCode::Enter))));
    let presses = lines.flat_map(|line| match line {
        Line::Type(text) => text.chars().map(|c| Press { code: KeyCode::Char(c), ctrl: false }).collect(),
        Line::Key(code) => vec![Press { code, ctrl: false }],
        Line::Ctrl(c) => vec![Press { code: KeyCode::Char(c), ctrl: true }],
        Line::Setting(_) | Line::Env(..) | Line::Wait(_) => Vec::new(),
    });
    let mut places = Some(vec![]);
    let mut pressed = 0;
    for press in presses {
        let behind = places.expect("no key is pressed after the end");
        let place = behind.last().copied().unwrap_or(Place::Cameras);
        let action = press.action(place).unwrap_or_else(|| panic!("{} does nothing in {place:?}", press.shown()));
        places = after(action, behind);
        pressed += 1;
    }
    assert!(pressed > 5, "only {pressed} keys were found: has the tape another form?");
    assert!(places.is_none(), "the demo is not left");
}

/// As VHS plays it, but for the pauses. They are for the eye; what a key needs has to be awaited.
#[tokio::test]
async fn the_story_can_be_played() {
    let place = tempfile::tempdir().expect("a place");
    let tmp = place.path().to_str().expect("UTF-8");
    let program = Path::new(env!("CARGO_BIN_EXE_nvr")).parent().and_then(Path::to_str).expect("a directory");
    let path = format!("{program}:{}", std::env::var("PATH").expect("a PATH"));
    let lines = tape();
    let env = lines.iter().filter_map(|line| match line {
        Line::Env(name, value) => Some((*name, *value)),
        Line::Setting(_) | Line::Type(_) | Line::Key(_) | Line::Ctrl(_) | Line::Wait(_) => None,
    });
    let env: Vec<_> = env.chain([("PATH", path.as_str()), ("TMPDIR", tmp)]).collect();
    let mut session = Session::start(&["sh", "-i"], &env);
    session.shows("prompt> ").await;
    for line in &lines {
        match line {
            Line::Type(text) => session.press(text).await,
            Line::Key(KeyCode::Enter) => session.press("\r").await,
            Line::Key(KeyCode::Esc) => session.press("\x1b").await,
            Line::Key(KeyCode::Tab) => session.press("\t").await,
            Line::Key(other) => panic!("{other} is not played yet"),
            Line::Ctrl(letter) => session.press(&char::from(*letter as u8 & 0x1f).to_string()).await,
            Line::Wait(text) => session.until(text.as_str(), |screen| text.is_match(&screen.contents())).await,
            Line::Setting(_) | Line::Env(..) => {}
        }
    }
    let back = |screen: &vt100::Screen| !screen.alternate_screen() && screen.contents().trim_end().ends_with("prompt>");
    session.until("prompt after the demo", back).await;
    session.press("exit\r").await;
    assert!(session.child.wait().await.expect("is reaped").success());
    let left: Vec<_> = std::fs::read_dir(place.path()).expect("the place").collect();
    assert!(left.is_empty(), "the demo removes what it made: {left:?}");
}
