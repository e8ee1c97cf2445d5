//! What the monitor shows, stored: every state at every density. `cargo insta review` shows what a change did to it.

#[path = "common/pictures.rs"]
#[allow(dead_code, reason = "each file of tests needs other pictures")]
mod pictures;

use crossterm::event::KeyCode;
use jiff::tz::TimeZone;
use nvr::model::snapshot::Snapshot;
use nvr::model::time::Mono;
use nvr::monitor::Leaving;
use nvr::monitor::draw;
use nvr::monitor::keys::{Place, Press, TABLE};
use nvr::monitor::theme::Theme;
use nvr::monitor::ui::Ui;
use nvr::monitor::view::{Scene, View};
use pictures::NOW;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use rstest::rstest;

const THEME: Theme = Theme { colour: true, ascii: false };

fn ui() -> Ui {
    Ui::new(Leaving::RecordingGoesOn)
}

fn view(snapshot: Option<&Snapshot>, ui: &Ui, now: Mono) -> (View, Option<Mono>) {
    View::of(&Scene { snapshot, now, zone: &TimeZone::UTC, ui })
}

fn drawn(view: &View, theme: &Theme, (width, height): (u16, u16)) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    draw::draw(view, theme, buf.area, &mut buf);
    buf
}

fn text(buf: &Buffer) -> String {
    let lines = buf.content.chunks(usize::from(buf.area.width).max(1));
    let lines = lines.map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>());
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn press(ui: &mut Ui, key: char, snapshot: &Snapshot) {
    ui.press(Press { code: KeyCode::Char(key), ctrl: false }, Some(snapshot), NOW);
}

#[rstest]
fn screens(
    #[values(
        "all_well",
        "triggered",
        "one_lost",
        "archive_down",
        "sixteen",
        "help",
        "disconnected",
        "question",
        "waiting"
    )]
    state: &str,
    #[values((120, 40), (80, 24), (60, 15), (40, 10))] size: (u16, u16),
) {
    let mut ui = ui();
    let picture = match state {
        "triggered" | "disconnected" => pictures::triggered(),
        "one_lost" => pictures::one_lost(),
        "archive_down" => pictures::archive_down(),
        "sixteen" => pictures::sixteen(),
        _ => pictures::all_well(),
    };
    match state {
        "help" => press(&mut ui, '?', &picture),
        "question" => press(&mut ui, 'Q', &picture),
        "sixteen" => (0..10).for_each(|_| press(&mut ui, 'j', &picture)),
        "disconnected" => ui.lose("it was stopped by a key (start it again: nvr)", true, NOW),
        _ => {}
    }
    let (view, _) = view(Some(&picture).filter(|_| state != "waiting"), &ui, NOW);
    let shown = text(&drawn(&view, &THEME, size));
    insta::assert_snapshot!(format!("{state}_{}x{}", size.0, size.1), shown);
}

#[rstest]
fn too_small(#[values((19, 10), (40, 3), (12, 2), (7, 1))] size: (u16, u16)) {
    let (view, _) = view(Some(&pictures::one_lost()), &ui(), NOW);
    insta::assert_snapshot!(format!("too_small_{}x{}", size.0, size.1), text(&drawn(&view, &THEME, size)));
}

#[test]
fn ascii_screens_hold_nothing_but_ascii() {
    let theme = Theme { colour: false, ascii: true };
    for picture in [pictures::archive_down(), pictures::sixteen(), pictures::hostile("猫 ä")] {
        let shown = text(&drawn(&view(Some(&picture), &ui(), NOW).0, &theme, (120, 40)));
        assert!(shown.is_ascii(), "{shown}");
    }
    let shown = text(&drawn(&view(Some(&pictures::triggered()), &ui(), NOW).0, &theme, (80, 24)));
    insta::assert_snapshot!("ascii_80x24", shown);
}

/// What is wrong is found by colour, and without colours by weight.
#[test]
fn trouble_stands_out() {
    for (theme, wanted) in [(THEME, "red"), (Theme { colour: false, ascii: false }, "reverse")] {
        let buf = drawn(&view(Some(&pictures::one_lost()), &ui(), NOW).0, &theme, (80, 24));
        let line = text(&buf).lines().position(|line| line.contains("NO SIGNAL")).expect("the lost camera's line");
        let column = text(&buf).lines().nth(line).and_then(|line| line.find("NO SIGNAL")).expect("its state");
        let style = buf[(column as u16, line as u16)].style();
        match wanted {
            "red" => assert_eq!(style.fg, Some(ratatui::style::Color::Red)),
            _ => assert!(style.add_modifier.contains(Modifier::REVERSED)),
        }
    }
}

/// A picture that is not renewed is faint all over, so that nobody takes it for a live one.
#[test]
fn an_old_picture_is_faint() {
    let mut ui = ui();
    ui.lose("gone", false, NOW);
    let (view, next) = view(Some(&pictures::triggered()), &ui, NOW + pictures::seconds(3600));
    let buf = drawn(&view, &THEME, (80, 24));
    let line = text(&buf).lines().position(|line| line.contains("front-door")).expect("the camera's line") as u16;
    for x in 0..80 {
        assert!(buf[(x, line)].modifier.contains(Modifier::DIM), "column {x}");
        assert_eq!(buf[(x, line)].fg, ratatui::style::Color::Reset);
    }
    assert!(text(&buf).contains("32 s"), "its clocks stand still");
    assert_eq!(next, None, "and nothing wakes the monitor to draw it again");
}

#[test]
fn a_healthy_screen_rests_until_a_segment_would_be_overdue() {
    let picture = pictures::all_well();
    let (first, next) = view(Some(&picture), &ui(), NOW);
    assert_eq!(next, Some(NOW + pictures::seconds(17)), "the last segment is 4 s old, and 21 s are too long");
    assert_eq!(view(Some(&picture), &ui(), NOW + pictures::seconds(16)).0, first);
    let (late, next) = view(Some(&picture), &ui(), NOW + pictures::seconds(17));
    assert_ne!(late, first);
    assert!(text(&drawn(&late, &THEME, (120, 40))).contains("last segment 21 s ago"));
    assert_eq!(next, Some(NOW + pictures::seconds(18)));
}

/// Between the instants that a view names nothing may change, and at each of them something must: else frames are
/// missed, or the monitor wakes for nothing.
#[test]
fn a_countdown_is_drawn_exactly_when_it_changes() {
    let picture = pictures::triggered();
    let (mut now, mut frames) = (NOW, 0);
    let (mut shown, mut next) = view(Some(&picture), &ui(), now);
    while let Some(at) = next.filter(|at| *at < NOW + pictures::seconds(16)) {
        assert_eq!(view(Some(&picture), &ui(), Mono((now.0 + at.0) / 2)).0, shown, "between {now:?} and {at:?}");
        let (then, after) = view(Some(&picture), &ui(), at);
        assert_ne!(then, shown, "at {at:?}");
        (shown, next, now, frames) = (then, after, at, frames + 1);
    }
    assert_eq!(frames, 15);
    let end = view(Some(&picture), &ui(), NOW + pictures::seconds(25));
    assert_eq!(end.1, Some(Mono(NOW.0 + 25_100_000)), "tenths in the last ten seconds");
}

#[test]
fn hints_and_help_say_what_the_table_says() {
    let picture = pictures::all_well();
    let hints = text(&drawn(&view(Some(&picture), &ui(), NOW).0, &THEME, (200, 40)));
    let hints = hints.lines().last().expect("the last line");
    let mut ui = ui();
    press(&mut ui, '?', &picture);
    let help = text(&drawn(&view(Some(&picture), &ui, NOW).0, &THEME, (120, 40)));
    for binding in TABLE {
        assert!(help.contains(binding.help) && help.contains(&binding.shown()), "{binding:?} in\n{help}");
        if let Some(hint) = binding.hint.filter(|_| binding.places.contains(&Place::Cameras)) {
            assert!(hints.contains(&format!("{} {hint}", binding.keys[0].shown())), "{binding:?} in {hints}");
        }
    }
    for width in 20..200 {
        let narrow = text(&drawn(&view(Some(&picture), &Ui::new(Leaving::EndsAll), NOW).0, &THEME, (width, 10)));
        assert!(narrow.ends_with("? help"), "{width} columns: {narrow}");
    }
}

#[test]
fn every_camera_can_be_brought_into_sight() {
    let picture = pictures::sixteen();
    for size in [(120, 40), (80, 24), (60, 15), (40, 10), (20, 4)] {
        let mut ui = ui();
        for camera in &picture.cameras {
            let shown = text(&drawn(&view(Some(&picture), &ui, NOW).0, &THEME, size));
            let name = &camera.name.as_str()[..5];
            assert!(shown.contains(name), "{} at {size:?}:\n{shown}", camera.name);
            press(&mut ui, 'j', &picture);
        }
    }
}

#[test]
fn words_from_outside_draw_as_words() {
    let subject = "\x1b[2J\x1b]0;owned\x07\u{202e}evil\u{9b}31m\r\n".to_owned() + &"x".repeat(10_000);
    let buf = drawn(&view(Some(&pictures::hostile(&subject)), &ui(), NOW).0, &THEME, (120, 40));
    let shown: String = buf.content.iter().map(|cell| cell.symbol()).collect();
    assert!(!shown.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
    assert!(shown.contains("evil31m"));
    assert!(shown.contains("front-door") && shown.contains("garden"), "nothing pushes the cameras out");
}

fn any_picture() -> impl Strategy<Value = Option<Snapshot>> {
    let text = prop_oneof![any::<String>(), "\\PC{0,400}", Just("猫\u{301}\u{301}🧑‍🤝‍🧑\u{1b}[31m".repeat(300))];
    let picture = prop_oneof![
        Just(pictures::all_well()),
        Just(pictures::triggered()),
        Just(pictures::one_lost()),
        Just(pictures::archive_down()),
        Just(pictures::sixteen()),
        text.prop_map(|text| pictures::hostile(&text)),
        (0usize..70).prop_map(|n| {
            let mut picture = pictures::all_well();
            picture.cameras = (0..n).map(|n| pictures::camera(&format!("c{n}"))).collect();
            picture
        }),
    ];
    proptest::option::weighted(0.95, picture)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_panics_at_any_size(
        picture in any_picture(),
        width in 0u16..=250,
        height in 0u16..=80,
        keys in "[?jkgGQatx]{0,6}",
        lost in any::<bool>(),
        ahead in 0u64..100_000_000,
        colour in any::<bool>(),
        ascii in any::<bool>(),
    ) {
        let mut ui = ui();
        for key in keys.chars() {
            ui.press(Press { code: KeyCode::Char(key), ctrl: false }, picture.as_ref(), NOW);
        }
        if lost {
            ui.lose("it fell over", false, NOW);
        }
        let (view, next) = view(picture.as_ref(), &ui, Mono(NOW.0 + ahead));
        prop_assert!(next.is_none_or(|next| next.0 > NOW.0 + ahead));
        let buf = drawn(&view, &Theme { colour, ascii }, (width, height));
        prop_assert!(!buf.content.iter().any(|cell| cell.symbol().chars().any(char::is_control)));
        draw::reach(&view, buf.area);
    }
}
