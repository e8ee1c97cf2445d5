//! The monitor's other pages, stored: lists, one clip, logs and help, at every density.

#[path = "common/pages.rs"]
#[allow(dead_code, reason = "each file of tests needs other answers")]
mod pages;
#[path = "common/pictures.rs"]
#[allow(dead_code, reason = "each file of tests needs other pictures")]
mod pictures;

use crossterm::event::KeyCode;
use jiff::tz::TimeZone;
use nvr::model::command::Answer;
use nvr::model::question::ClipDetails;
use nvr::model::record::{MailTrigger, TriggerKind};
use nvr::model::snapshot::{ClipView, Snapshot};
use nvr::monitor::Leaving;
use nvr::monitor::draw;
use nvr::monitor::keys::{Press, TABLE};
use nvr::monitor::paint::Painter;
use nvr::monitor::picture::Palette;
use nvr::monitor::theme::Theme;
use nvr::monitor::ui::{Order, Ui};
use nvr::monitor::view::{Scene, View};
use pictures::NOW;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use rstest::rstest;

/// A person at the keys, and a recorder that knows everything.
struct Desk {
    ui: Ui,
    picture: Snapshot,
    clips: Vec<ClipView>,
    details: ClipDetails,
    size: (u16, u16),
    stderr: Vec<String>,
    /// Questions are refused.
    refuse: bool,
}

impl Desk {
    fn new(picture: Snapshot, size: (u16, u16)) -> Self {
        let mut ui = Ui::new(Leaving::RecordingGoesOn);
        ui.size = size;
        ui.picture(&picture);
        Self {
            ui,
            clips: pages::clips(1000),
            details: pages::details(),
            stderr: pages::stderr(),
            picture,
            size,
            refuse: false,
        }
    }

    /// Everything that is asked is answered, as the loop does it.
    fn answer(&mut self) {
        while let Some((number, command)) = self.ui.question(Some(&self.picture)) {
            let answer = match self.refuse {
                true => Answer::Refused("the archive is not there: /srv/clips is gone (mount it)".into()),
                false => pages::answer(&command, &self.clips, &self.details, &self.stderr, &self.picture),
            };
            self.ui.answered(number, Ok(answer), NOW);
        }
    }

    fn view(&mut self) -> View {
        self.answer();
        View::of(&Scene { snapshot: Some(&self.picture), now: NOW, zone: &TimeZone::UTC, ui: &self.ui }).0
    }

    fn press(&mut self, code: KeyCode) -> Order {
        let order = self.ui.press(Press { code, ctrl: false }, Some(&self.picture), NOW);
        self.draw();
        if let Some(line) = self.ui.scroll() {
            let most = *line;
            let view = self.view();
            let reach = draw::reach(&view, Rect::new(0, 0, self.size.0, self.size.1));
            *self.ui.scroll().expect("still a text") = most.min(reach);
        }
        order
    }

    /// Keys by their letters; `↵`, `⎋`, `↓`, `⇟` and `⇞` are named so.
    fn keys(&mut self, keys: &str) {
        for key in keys.chars() {
            self.press(match key {
                '↵' => KeyCode::Enter,
                '⎋' => KeyCode::Esc,
                '↓' => KeyCode::Down,
                '⇟' => KeyCode::PageDown,
                '⇞' => KeyCode::PageUp,
                letter => KeyCode::Char(letter),
            });
        }
    }

    fn draw(&mut self) -> Buffer {
        self.draw_with(&theme())
    }

    fn draw_with(&mut self, theme: &Theme) -> Buffer {
        let view = self.view();
        let mut buf = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        draw::draw(&view, theme, buf.area, &mut buf);
        let (top, lines) = draw::sight(&view, buf.area);
        self.ui.showed(top, lines);
        buf
    }

    fn text(&mut self) -> String {
        text(&self.draw())
    }
}

fn text(buf: &Buffer) -> String {
    let lines = buf.content.chunks(usize::from(buf.area.width).max(1));
    let lines = lines.map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>());
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A terminal with colours and UTF-8.
fn theme() -> Theme {
    Theme { palette: Palette::Sixteen, ascii: false, light: false }
}

fn logs(size: (u16, u16)) -> Desk {
    Desk::new(pages::with_logs(&pages::copies(), &pages::journal()), size)
}

fn list(size: (u16, u16)) -> Desk {
    let mut clips = pages::clips(1000);
    let mut growing = pages::growing().clip;
    growing.start = pages::wall("2026-11-22T14:02:42Z");
    growing.name = "front-door_2026-11-22_14-02-42+0000".into();
    clips.insert(0, growing);
    Desk { clips: clips.clone(), ..Desk::new(pages::with_clips(&clips), size) }
}

#[rstest]
fn pages_as_they_are_seen(
    #[values(
        "clips",
        "clips_scrolled",
        "clips_found",
        "clips_typing",
        "clips_empty",
        "clips_refused",
        "clip",
        "clip_growing",
        "clip_interrupted",
        "clip_without_record",
        "clip_delete",
        "copies",
        "journal",
        "journal_errors",
        "mail",
        "mail_found",
        "mail_empty",
        "mail_write",
        "mail_nothing_to_write",
        "mail_allow",
        "session",
        "session_going_on",
        "session_write",
        "help_mail",
        "stderr",
        "help_clips",
        "help_journal"
    )]
    state: &str,
    #[values((120, 40), (80, 24), (60, 15), (40, 10))] size: (u16, u16),
) {
    let mut desk =
        if matches!(state, "copies" | "journal" | "journal_errors" | "help_journal") { logs(size) } else { list(size) };
    desk.refuse = state == "clips_refused";
    desk.picture.mail.sessions = if state == "mail_empty" { 0 } else { 18 };
    match state {
        "clip_growing" => desk.details = pages::growing(),
        "clip_interrupted" => desk.details = pages::interrupted(),
        "clip_without_record" => desk.details = pages::without_record(),
        _ => {}
    }
    desk.draw();
    desk.keys(match state {
        "clips" | "clips_refused" => "c↓↓",
        "clips_scrolled" => "c⇟⇟⇟↓",
        "clips_found" => "c/mail↵↓",
        "clips_typing" => "c/garden 11-2",
        "clips_empty" => "c/giraffe↵",
        "clip_delete" => "c↓D",
        "copies" => "C↓↓↓",
        "journal" => "l↓↓↓",
        "journal_errors" => "lww",
        "mail" => "m↓",
        "mail_found" => "m/auth↵",
        "mail_empty" => "m",
        "mail_write" => "m↓W↓",
        "mail_nothing_to_write" => "m↓↓W",
        "mail_allow" => "m↓↓↓↓W",
        "session" => "m↓↵",
        "session_going_on" => "m↵",
        "session_write" => "m↓↵W",
        "help_mail" => "m?",
        "stderr" => "e",
        "help_clips" => "c?",
        "help_journal" => "l?",
        _ => "c↓↓↵",
    });
    insta::assert_snapshot!(format!("{state}_{}x{}", size.0, size.1), desk.text());
}

/// What grows cannot be deleted, and nobody is asked whether it should: neither in the list nor on its own page.
#[test]
fn deleting_what_grows_is_refused_before_anything_is_asked() {
    for keys in ["cD", "c↵D"] {
        let mut desk = list((80, 24));
        desk.details = pages::growing();
        desk.keys(keys);
        let shown = desk.text();
        assert!(shown.contains("still grows (end its") && !shown.contains("for good?"), "{shown}");
    }
}

/// One broken clip takes the word for what wanted them from all, and not their sizes.
#[test]
fn what_is_missing_of_one_clip_leaves_all_their_sizes() {
    let mut picture = pictures::all_well();
    picture.clips[1].missing = pictures::seconds(12);
    for size in [(120, 40), (60, 15)] {
        let shown = Desk::new(picture.clone(), size).text();
        assert!(shown.contains("31 MB  12 s missing") && shown.contains("41 MB"), "{shown}");
    }
}

/// Moving the cursor costs the beginnings of two lines: little enough to hold a key down on a slow line. In the logs a
/// sentence that is too long for its line comes with it, and goes: three lines more at most, twice.
#[test]
fn a_line_further_costs_two_beginnings_of_lines() {
    for (keys, most) in [("c", 150), ("C", 600), ("l", 600)] {
        let mut desk = if keys == "c" { list((80, 24)) } else { logs((80, 24)) };
        desk.keys(keys);
        let mut painter = Painter::default();
        let mut paint = |desk: &mut Desk| {
            let now = desk.draw();
            let frame = painter.frame((80, 24), |_, buf| *buf = now).expect("a frame");
            frame.len()
        };
        let whole = paint(&mut desk);
        desk.press(KeyCode::Down);
        paint(&mut desk); // from now on it does not follow, and that is not said again
        for line in 0..12 {
            desk.press(KeyCode::Down);
            let cost = paint(&mut desk);
            assert!(cost <= most, "{keys}: {cost} bytes for line {line}, {whole} for all of the page");
        }
        assert_eq!(paint(&mut desk), 0);
    }
}

/// What is wrong is found by colour also at the cursor, and the cursor without colours.
#[test]
fn the_cursor_marks_where_a_line_begins_and_hides_no_colour() {
    let mut desk = logs((80, 24));
    desk.keys("C↓↓↓");
    let buf = desk.draw();
    let shown = text(&buf);
    let line = shown.lines().position(|line| line.contains("LOST")).expect("the lost one") as u16;
    assert!(buf[(1, line)].modifier.contains(Modifier::REVERSED) && !buf[(1, line)].modifier.contains(Modifier::DIM));
    let lost = shown.lines().nth(usize::from(line)).and_then(|line| line.find("LOST")).expect("the word") as u16;
    assert_eq!(buf[(lost, line)].fg, ratatui::style::Color::Red);
    assert!(!buf[(lost, line)].modifier.contains(Modifier::REVERSED));
}

/// While others come in above it, what somebody reads stays where it is, to the cell.
#[test]
fn what_is_read_does_not_move_while_others_come() {
    let mut desk = list((80, 24));
    desk.keys("c⇟⇟↓↓");
    let before = desk.text();
    for n in 0..30 {
        let mut clip = pages::clips(1).remove(0);
        clip.start += pictures::seconds(3_000 + n);
        clip.name = format!("front-door_{}", clip.start);
        desk.clips.insert(0, clip.clone());
        desk.picture.clips.insert(0, clip);
        desk.picture.clips.truncate(50);
        desk.ui.picture(&desk.picture.clone());
        let now = desk.text();
        let lines = |text: &str| text.lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(&now), lines(&before), "after {n} more");
    }
    assert!(desk.text().contains("75 of 13"), "and only the place in the list is another one:\n{}", desk.text());
}

#[test]
fn a_page_further_shows_the_next_page_and_back_the_same_again() {
    for size in [(120, 40), (80, 24), (60, 15), (40, 10)] {
        let mut desk = list(size);
        desk.keys("c");
        let (mut pages, mut lines) = (vec![desk.text()], Vec::new());
        for _ in 0..12 {
            desk.keys("⇟");
            pages.push(desk.text());
        }
        for page in &pages {
            let page = page.lines().skip(2).take(usize::from(size.1) - 3).map(|line| line[..].to_owned());
            lines.extend(page);
        }
        let wanted = usize::from(size.1 - 3) * pages.len();
        lines.sort();
        lines.dedup();
        assert_eq!(lines.len(), wanted, "{size:?}: no line is shown twice");
        for page in pages.iter().rev().skip(1) {
            desk.keys("⇞");
            let list = |text: &str| text.lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(list(&desk.text()), list(page), "{size:?}");
        }
    }
}

fn anything() -> impl Strategy<Value = String> {
    let escapes = "\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}\u{2066}evil\u{9b}31m\r\n\t\u{200b}\u{301}猫🧑‍🤝‍🧑";
    prop_oneof![any::<String>(), "\\PC{0,300}", Just(escapes.repeat(30)), Just("x".repeat(10_000)), Just(String::new())]
}

/// A desk at which everything that a stranger can write holds `text`.
fn hostile(text: &str, size: (u16, u16)) -> Desk {
    let mut desk = Desk::new(pictures::hostile(text), size);
    let text = || text.to_owned();
    for (n, clip) in desk.clips.iter_mut().enumerate() {
        (clip.subject, clip.trigger, clip.path) = (text(), text(), text());
        clip.name = format!("{n}{}", text());
    }
    for (n, line) in desk.picture.journal.iter_mut().enumerate() {
        (line.number, line.text) = (n as u64 + 1, text());
    }
    for (n, line) in desk.picture.copies.iter_mut().enumerate() {
        line.number = n as u64 + 1;
    }
    let details = &mut desk.details;
    (details.clip.path, details.trouble) = (text(), Some(text()));
    let record = details.record.as_mut().expect("a record");
    record.gaps[0].cause = text();
    (record.blake3, record.continues) = (Some(text().into()), Some(text()));
    record.media.as_mut().expect("media").video = text();
    for trigger in &mut record.triggers {
        trigger.kind = TriggerKind::Mail(MailTrigger {
            peer: text(),
            from: text(),
            to: text(),
            subject: text(),
            event: text(),
            text: text(),
            picture: Some(text()),
        });
    }
    desk.stderr = vec![text(); 20];
    desk.ui.picture(&desk.picture.clone());
    desk
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever strangers write, on every page, at any size, after any keys: harmless text.
    #[test]
    fn nothing_panics_and_nothing_is_obeyed(
        stranger in anything(),
        size in (0u16..=250, 0u16..=80),
        resized in (0u16..=250, 0u16..=80),
        page in "(c|C|l|e|c↵|c/x↵|\\?|c\\?|)",
        presses in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ascii in any::<bool>(),
        refuse in any::<bool>(),
    ) {
        let all: Vec<_> = TABLE.iter().flat_map(|binding| binding.keys).filter(|key| !key.ctrl).collect();
        let mut desk = hostile(&stranger, size);
        desk.refuse = refuse;
        desk.keys(&page);
        for press in presses {
            desk.press(press.get(&all).code);
        }
        for size in [size, resized] {
            desk.size = size;
            desk.ui.size = size;
            let theme = Theme { ascii, ..theme() };
            let buf = desk.draw_with(&theme);
            for cell in &buf.content {
                let harmful = |c: char| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
                prop_assert!(!cell.symbol().chars().any(harmful), "{:?}", cell);
                prop_assert!(!ascii || cell.symbol().is_ascii(), "{:?}", cell);
            }
        }
    }
}
