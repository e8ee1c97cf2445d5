//! What the monitor shows, stored: every state at every density. `cargo insta review` shows what a change did to it.

#[path = "common/pictures.rs"]
#[allow(dead_code, reason = "each file of tests needs other pictures")]
mod pictures;

use crossterm::event::KeyCode;
use jiff::tz::TimeZone;
use nvr::model::command::{Command, Who};
use nvr::model::event::Space;
use nvr::model::snapshot::{CameraState, Snapshot};
use nvr::model::time::Mono;
use nvr::monitor::Leaving;
use nvr::monitor::draw;
use nvr::monitor::keys::{Place, Press, TABLE};
use nvr::monitor::paint::Painter;
use nvr::monitor::picture::Palette;
use nvr::monitor::theme::{Theme, Tone};
use nvr::monitor::ui::{Order, Status, Ui};
use nvr::monitor::view::{Scene, View};
use pictures::NOW;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use rstest::rstest;
use std::time::Duration;

const THEME: Theme = Theme { palette: Palette::Sixteen, ascii: false, light: false };

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

/// All cameras armed, or none.
fn armed(mut picture: Snapshot, armed: bool) -> Snapshot {
    picture.cameras.iter_mut().for_each(|camera| camera.armed = armed);
    picture
}

/// A recorder that was started a while ago, and no camera has mailed yet.
fn no_mail() -> Snapshot {
    let mut picture = pictures::all_well();
    (picture.mail.today, picture.mail.last) = (0, None);
    picture
}

/// A camera that has not mailed for two days and whose stream is slow, and an archive that nothing is written to.
fn silent() -> Snapshot {
    let mut picture = armed(pictures::all_well(), true);
    let garden = &mut picture.cameras[1];
    (garden.last_mail, garden.silent, garden.pace) =
        (Some(NOW - pictures::seconds(200_000)), Some(pictures::seconds(172_800)), Some(52));
    (picture.archive.written, picture.archive.silent) =
        (Some(NOW - pictures::seconds(90_000)), Some(pictures::seconds(86_400)));
    picture
}

/// A camera that has mailed all day.
fn spent() -> Snapshot {
    let mut picture = pictures::triggered();
    picture.cameras[0].spent = Some(pictures::seconds(43_200));
    picture
}

/// What is too long for one line.
const REFUSAL: &str = "nothing was done: garden_2026-11-22_14-02-42+0000 is protected from retention, and what is \
                       protected is never deleted (p ends that)";

/// Presses one key after the other.
fn typed(ui: &mut Ui, keys: &str, snapshot: &Snapshot) {
    for key in keys.chars() {
        let code = if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) };
        ui.press(Press { code, ctrl: false }, Some(snapshot), NOW);
    }
}

#[rstest]
fn screens(
    #[values(
        "all_well",
        "triggered",
        "one_lost",
        "archive_down",
        "sixteen",
        "sixty_four",
        "found",
        "not_found",
        "demo",
        "help",
        "disconnected",
        "question",
        "disarmed",
        "disarm_all",
        "no_mail",
        "silent",
        "spent",
        "refused",
        "waiting"
    )]
    state: &str,
    #[values((120, 40), (80, 24), (60, 15), (40, 10))] size: (u16, u16),
) {
    let mut ui = if state == "demo" { Ui::new(Leaving::EndsAll) } else { ui() };
    let picture = match state {
        "triggered" | "disconnected" | "demo" => pictures::triggered(),
        "one_lost" => pictures::one_lost(),
        "disarmed" => armed(pictures::all_well(), false),
        "disarm_all" => armed(pictures::sixteen(), true),
        "no_mail" => no_mail(),
        "silent" => silent(),
        "spent" => spent(),
        "archive_down" => pictures::archive_down(),
        "sixteen" => pictures::sixteen(),
        "sixty_four" | "found" | "not_found" => pictures::sixty_four(),
        _ => pictures::all_well(),
    };
    match state {
        "help" => press(&mut ui, '?', &picture),
        "disarm_all" => press(&mut ui, 'A', &picture),
        "refused" => ui.say(Tone::Warn, REFUSAL, NOW),
        "question" => press(&mut ui, 'Q', &picture),
        "sixteen" => (0..10).for_each(|_| press(&mut ui, 'j', &picture)),
        "sixty_four" => (0..40).for_each(|_| press(&mut ui, 'j', &picture)),
        "found" => typed(&mut ui, "s/hall-1\n", &picture),
        "not_found" => typed(&mut ui, "/kitchen\n", &picture),
        "disconnected" => ui.lose("it was stopped by a key", true, NOW),
        _ => {}
    }
    let now = if state == "disconnected" { NOW + pictures::seconds(150) } else { NOW };
    let (view, _) = view(Some(&picture).filter(|_| state != "waiting"), &ui, now);
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
    let theme = Theme { palette: Palette::None, ascii: true, light: false };
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
    for (theme, wanted) in [(THEME, "red"), (Theme { palette: Palette::None, ascii: false, light: false }, "reverse")] {
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
    assert!(text(&buf).contains("picture 1 h old"), "{}", text(&buf));
    assert_eq!(next, Some(NOW + pictures::seconds(7200)), "and only its age changes");
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
    assert_eq!(end.1, Some(Mono(NOW.0 + 25_200_000)), "fifths of a second in the last ten seconds");
}

/// The same for how long footage is safe: it moves in steps of 10 s, says when it is over, and then rests.
#[test]
fn how_long_footage_is_safe_is_drawn_exactly_when_it_changes() {
    let mut picture = pictures::archive_down();
    picture.cameras[0].event.as_mut().expect("an event").until = NOW + pictures::seconds(3600);
    // What the seconds of the countdown change is not looked at here.
    let alert = |at: Mono| {
        let (view, next) = view(Some(&picture), &ui(), at);
        (view.header.clone(), view.alerts[0].text.clone(), next)
    };
    let (mut shown, mut steps) = (alert(NOW), 0);
    assert!(shown.1.contains("footage safe for 6 min 10 s"), "{}", shown.1);
    while let Some(at) = shown.2.filter(|at| *at <= NOW + pictures::seconds(374)) {
        let then = alert(at);
        steps += usize::from(then.1 != shown.1);
        shown = then;
    }
    // 6 min 10 s … 1 min 00 s in steps of ten, 59 s … 0 s, and that it is over.
    assert_eq!(steps, 31 + 60 + 1);
    assert!(shown.1.contains("footage is being lost"), "{}", shown.1);
    let screen = text(&drawn(&view(Some(&picture), &ui(), NOW + pictures::seconds(375)).0, &THEME, (80, 24)));
    assert!(screen.contains("LOSING FOOTAGE"), "{screen}");

    picture.cameras[0].event = None;
    picture.archive.safe_until = None;
    let quiet = view(Some(&picture), &ui(), NOW).0.alerts[0].text.clone();
    assert!(quiet.contains("(41 MB of 512 MB wait in RAM, nothing more comes in)"), "{quiet}");
}

/// What one camera's switch to the next slot costs on the line, each with all its ages, is what a healthy screen costs.
#[test]
fn a_slot_switch_costs_little() {
    for (size, most) in [((80, 24), 100), ((120, 40), 200)] {
        let (mut picture, mut painter) = (pictures::all_well(), Painter::default());
        let mut costs = Vec::new();
        for written in 25..60 {
            // Segments end at key frames, and are never quite ten seconds long.
            let now = NOW + Duration::from_millis(10_240 * (written as u64 - 25));
            let front = &mut picture.cameras[0];
            front.slots = pictures::slots(written);
            for slot in &mut front.slots {
                let back = slot.closed.map(|closed| (NOW.since(closed).as_secs() - 4) / 10);
                slot.closed = back.map(|back| now - Duration::from_millis(4_000 + back * 10_240));
            }
            front.last_segment = Some(now - pictures::seconds(4));
            front.ram = 50_000_000 + (written as u64 % 3) * 700_000;
            let view = view(Some(&picture), &ui(), now).0;
            costs.push(painter.frame(size, |area, buf| draw::draw(&view, &THEME, area, buf)).expect("memory").len());
        }
        let switches = &costs[1..];
        let average = switches.iter().sum::<usize>() / switches.len();
        println!("{size:?}: {average} bytes a switch ({switches:?})");
        assert!(average <= most, "{size:?}: {average} bytes a switch");
    }
}

/// Whoever reads a figure at the right edge finds it where it was.
#[test]
fn figures_that_grow_push_nothing_about() {
    let columns = |picture: &Snapshot| {
        let shown = text(&drawn(&view(Some(picture), &ui(), NOW).0, &THEME, (124, 40)));
        let line = |n: usize| shown.lines().nth(n).expect("a line").to_owned();
        let place =
            |line: &str, of: &str| line[..line.find(of).unwrap_or_else(|| panic!("{of} in {line}"))].chars().count();
        let header = line(0);
        let card = line(2);
        (place(&header, "free"), place(&header, "RAM"), place(&card, " RAM"), card.chars().count())
    };
    let before = armed(pictures::all_well(), true);
    let mut after = before.clone();
    (after.ring.used, after.cameras[0].ram) = (9_900_000, 0);
    after.mail.today = 9;
    after.archive.space = after.archive.space.map(|space| Space { free: 80_000_000_000, ..space });
    after.cameras[0].state = CameraState::Recording { since: NOW };
    assert_eq!(columns(&before), columns(&after));
}

#[test]
fn mails_are_counted_since_midnight_or_since_a_later_start() {
    let mut picture = pictures::all_well();
    picture.mail.last.as_mut().expect("a mail").to = "garden@nvr".into();
    let header = |picture: &Snapshot| text(&drawn(&view(Some(picture), &ui(), NOW).0, &THEME, (120, 40)));
    assert!(header(&picture).contains("mail :6789 · 12 today, last 13:40 garden "));
    picture.started = NOW - pictures::seconds(3600);
    assert!(header(&picture).contains("mail :6789 · 12 since start, last 13:40 garden "));
    picture.mail.last = None;
    assert!(header(&picture).contains("mail :6789 · 12 since start  "));
}

/// From the second mail to the hundredth nothing in the first line takes another form.
#[test]
fn the_first_line_keeps_its_forms_while_mails_come() {
    for width in 60..160 {
        let forms = |mails: u64| {
            let mut picture = pictures::all_well();
            picture.mail.today = mails as _;
            let shown = text(&drawn(&view(Some(&picture), &ui(), NOW).0, &THEME, (width, 30)));
            let line = shown.lines().next().expect("the first line").replace(&format!(" {mails} "), " n ");
            let line = line.replace(&format!("mail {mails}"), "mail n");
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(forms(7), forms(85), "{width} columns");
        assert_eq!(forms(7), forms(850), "{width} columns");
    }
}

#[test]
fn that_no_camera_obeys_mail_is_said_and_how_to_change_it() {
    let shown = |picture: &Snapshot, ui: &Ui| text(&drawn(&view(Some(picture), ui, NOW).0, &THEME, (80, 24)));
    let off = armed(pictures::all_well(), false);
    let first = shown(&off, &ui());
    assert!(first.contains("2 DISARMED") && first.contains("no mail saves anything (A arms all)"), "{first}");
    let mut clips = ui();
    press(&mut clips, 'c', &off);
    assert!(shown(&off, &clips).contains("(to arm all: Esc, then A)"), "there A does nothing");
    assert!(!shown(&armed(off, true), &ui()).contains("DISARMED"));
}

#[test]
fn disarming_all_is_named_and_asks() {
    let (on, mixed) = (armed(pictures::sixteen(), true), pictures::sixteen());
    let hints = |picture| text(&drawn(&view(Some(picture), &ui(), NOW).0, &THEME, (200, 24)));
    assert!(hints(&on).contains("A disarm all") && hints(&mixed).contains("A arm all"));
    let key = |ui: &mut Ui, key, picture| ui.press(Press { code: KeyCode::Char(key), ctrl: false }, Some(picture), NOW);
    let sent = |order| if let Order::Send(_, command) = order { Some(command) } else { None };
    let mut ui = ui();
    assert_eq!(sent(key(&mut ui, 'A', &mixed)), Some(Command::Arm(Who::All)), "arming needs no question");
    for (answer, then) in [('n', None), ('A', None), ('y', Some(Command::Disarm(Who::All)))] {
        assert_eq!(key(&mut ui, 'A', &on), Order::Nothing);
        let question = "Disarm all 16 cameras? No mail saves anything then. y yes, any other key no";
        assert_eq!(ui.status(NOW), Status::Question(question.into()));
        assert_eq!(sent(key(&mut ui, answer, &on)), then);
    }
}

/// What was said is about what was seen then: after a question, words or another page it does not come back.
#[test]
fn a_message_does_not_come_back() {
    let picture = pictures::all_well();
    for keys in ["Qn", "/\n", "/x\u{8}", "c", "?", "ct", "\t"] {
        let mut ui = ui();
        ui.say(Tone::Warn, "nothing was done: no", NOW);
        assert!(matches!(ui.status(NOW), Status::Said(..)));
        for key in keys.chars() {
            let code = match key {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '\u{8}' => KeyCode::Esc,
                letter => KeyCode::Char(letter),
            };
            ui.press(Press { code, ctrl: false }, Some(&picture), NOW);
        }
        assert_eq!(ui.status(NOW), Status::Hints, "{keys:?}");
    }
    let mut ui = ui();
    ui.say(Tone::Good, "done", NOW);
    press(&mut ui, 'j', &picture);
    assert!(matches!(ui.status(NOW), Status::Said(..)), "the page is the same");
}

/// A sentence of two lines covers what is below it, and nothing above moves.
#[test]
fn a_long_message_moves_nothing() {
    for picture in [pictures::triggered(), pictures::sixteen(), pictures::sixty_four()] {
        for (width, height) in [(120, 40), (80, 24), (60, 15), (40, 10)] {
            let lines = |ui: &Ui| -> Vec<String> {
                let shown = text(&drawn(&view(Some(&picture), ui, NOW).0, &THEME, (width, height)));
                shown.lines().map(str::to_owned).collect()
            };
            let (before, mut ui) = (lines(&ui()), ui());
            ui.say(Tone::Warn, REFUSAL, NOW);
            let covered = usize::from(height / 5).clamp(1, 3).min(REFUSAL.len().div_ceil(usize::from(width) - 3));
            let above = usize::from(height) - covered;
            assert_eq!(before[..above], lines(&ui)[..above], "{width}x{height}");
        }
    }
}

/// Without a recorder no hint promises that it goes on.
#[test]
fn without_a_recorder_leaving_is_only_leaving() {
    let mut picture = pictures::all_well();
    picture.stopping = Some("it was stopped by a key".into());
    let mut ui = ui();
    ui.lose("it was stopped by a key", true, NOW);
    let mut shown = text(&drawn(&view(Some(&picture), &ui, NOW).0, &THEME, (120, 40)));
    assert!(shown.contains("q leave  c clips"), "{shown}");
    assert!(!shown.contains("is stopping"), "it has ended: {shown}");
    press(&mut ui, '?', &picture);
    shown += &text(&drawn(&view(Some(&picture), &ui, NOW).0, &THEME, (120, 60)));
    assert!(!shown.contains("recording goes on"), "{shown}");
    press(&mut ui, 'q', &picture);
    press(&mut ui, 'Q', &picture);
    assert!(matches!(ui.status(NOW), Status::Said(Tone::Warn, _)), "nobody is there to be asked for");
}

#[test]
fn the_focus_stays_with_its_camera_while_others_come_and_go() {
    let mut picture = pictures::sixty_four();
    let mut ui = ui();
    ui.picture(&picture);
    let focused = |ui: &Ui, picture: &Snapshot| ui.cameras.chosen(picture).map(|camera| camera.name.to_string());
    typed(&mut ui, "jj", &picture);
    assert_eq!(focused(&ui, &picture).as_deref(), Some("hall-03"));
    typed(&mut ui, "s", &picture);
    assert_eq!(focused(&ui, &picture).as_deref(), Some("hall-06"), "who asks for trouble sees it");
    picture.cameras[0].state = picture.cameras[5].state.clone();
    ui.picture(&picture);
    assert_eq!(focused(&ui, &picture).as_deref(), Some("hall-06"), "another one came in front of it");
    typed(&mut ui, "/hall\n", &picture);
    ui.picture(&picture);
    assert_eq!(focused(&ui, &picture).as_deref(), Some("hall-06"), "it is among those that were found");
    typed(&mut ui, "s", &picture);
    assert_eq!(focused(&ui, &picture).as_deref(), Some("hall-06"));
    ui.press(Press { code: KeyCode::Esc, ctrl: false }, Some(&picture), NOW);
    assert_eq!(ui.cameras.shown(&picture).len(), 64, "Esc shows all");
    typed(&mut ui, "/yard-2\n", &picture);
    assert_eq!(focused(&ui, &picture).as_deref(), Some("yard-20"), "what is hidden cannot be acted on");
    for camera in &mut picture.cameras {
        camera.state = pictures::camera("well").state;
    }
    ui.picture(&picture);
    typed(&mut ui, "s", &picture);
    assert_eq!(focused(&ui, &picture).as_deref(), Some("yard-20"), "without trouble it has nowhere to go");
}

#[test]
fn hints_and_help_say_what_the_table_says() {
    let picture = pictures::all_well();
    let hints = text(&drawn(&view(Some(&picture), &ui(), NOW).0, &THEME, (200, 40)));
    let hints = hints.lines().last().expect("the last line");
    let mut ui = ui();
    press(&mut ui, '?', &picture);
    let help = text(&drawn(&view(Some(&picture), &ui, NOW).0, &THEME, (120, 60)));
    for binding in TABLE {
        let said = match binding.hint {
            _ if binding.places.contains(&Place::Cameras) => help.contains(binding.help),
            Some(hint) => help.contains(&format!("{} {hint}", binding.shown())),
            None => false,
        };
        let help_of_help = binding.places == [Place::Help];
        assert!(said && help.contains(&binding.shown()) || help_of_help, "{binding:?} in\n{help}");
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
    let lies = proptest::collection::vec(any::<(usize, bool)>(), 1..12);
    let honest = prop_oneof![
        Just(pictures::all_well()),
        Just(pictures::triggered()),
        Just(pictures::one_lost()),
        Just(pictures::archive_down()),
    ];
    let text = prop_oneof![any::<String>(), "\\PC{0,400}", Just("猫\u{301}\u{301}🧑‍🤝‍🧑\u{1b}[31m".repeat(300))];
    let picture = prop_oneof![
        1 => Just(pictures::all_well()),
        1 => Just(pictures::triggered()),
        1 => Just(pictures::one_lost()),
        1 => Just(pictures::archive_down()),
        1 => Just(pictures::sixteen()),
        1 => Just(pictures::sixty_four()),
        1 => text.prop_map(|text| pictures::hostile(&text)),
        3 => (honest, lies).prop_map(|(picture, lies)| pictures::lying(&picture, &lies)),
        1 => (0usize..70).prop_map(|n| {
            let mut picture = pictures::all_well();
            picture.cameras = (0..n).map(|n| pictures::camera(&format!("c{n}"))).collect();
            picture
        }),
    ];
    proptest::option::weighted(0.95, picture)
}

/// Every key that means something, and some that are typed.
fn any_key() -> impl Strategy<Value = Press> {
    let table: Vec<Press> = TABLE.iter().flat_map(|binding| binding.keys.iter().copied()).collect();
    let letter = any::<char>().prop_map(|c| Press { code: KeyCode::Char(c), ctrl: false });
    prop_oneof![9 => proptest::sample::select(table), 1 => letter]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_panics_at_any_size(
        picture in any_picture(),
        width in 0u16..=250,
        height in 0u16..=80,
        keys in proptest::collection::vec(any_key(), 0..8),
        lost in any::<bool>(),
        ahead in 0u64..100_000_000,
        palette in prop_oneof![Just(Palette::None), Just(Palette::Sixteen), Just(Palette::Cube), Just(Palette::True)],
        (ascii, light) in any::<(bool, bool)>(),
    ) {
        let mut ui = ui();
        for key in keys {
            ui.press(key, picture.as_ref(), NOW);
        }
        if lost {
            ui.lose("it fell over", false, NOW);
        }
        let (view, next) = view(picture.as_ref(), &ui, Mono(NOW.0 + ahead));
        prop_assert!(next.is_none_or(|next| next.0 > NOW.0 + ahead));
        let buf = drawn(&view, &Theme { palette, ascii, light }, (width, height));
        prop_assert!(!buf.content.iter().any(|cell| cell.symbol().chars().any(char::is_control)));
        draw::reach(&view, buf.area);
    }
}
