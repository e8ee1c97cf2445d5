//! The monitor's other pages, stored: lists, one clip, logs and help, at every density.

#[path = "common/pages.rs"]
#[allow(dead_code, reason = "each file of tests needs other answers")]
mod pages;
#[path = "common/pictures.rs"]
#[allow(dead_code, reason = "each file of tests needs other pictures")]
mod pictures;

use crossterm::event::KeyCode;
use jiff::tz::TimeZone;
use nvr::model::command::{Answer, Command};
use nvr::model::question::{ClipDetails, Found, Question};
use nvr::model::snapshot::{ClipView, Snapshot};
use nvr::monitor::Leaving;
use nvr::monitor::draw;
use nvr::monitor::keys::{Press, TABLE};
use nvr::monitor::paint::Painter;
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
    /// Questions that are refused.
    refuse: bool,
}

impl Desk {
    fn new(picture: Snapshot, size: (u16, u16)) -> Self {
        let mut ui = Ui::new(Leaving::RecordingGoesOn);
        ui.size = size;
        ui.picture(&picture);
        Self { ui, clips: pages::clips(1000), details: pages::details(), picture, size, refuse: false }
    }

    /// Everything that is asked is answered, as the loop does it.
    fn answer(&mut self) {
        while let Some((number, command)) = self.ui.question(Some(&self.picture)) {
            let answer = match self.refuse {
                true => Answer::Refused("the archive is not there: /srv/clips is gone (mount it)".into()),
                false => pages::answer(&command, &self.clips, &self.details),
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
        self.draw_with(&Theme { ..THEME })
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

const THEME: Theme = Theme { colour: true, ascii: false };

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
        "stderr",
        "help_clips",
        "help_journal"
    )]
    state: &str,
    #[values((120, 40), (80, 24), (60, 15), (40, 10))] size: (u16, u16),
) {
    let mut desk = if matches!(state, "copies" | "journal" | "journal_errors" | "help_journal") { logs(size) } else { list(size) };
    desk.refuse = state == "clips_refused";
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
        "stderr" => "e",
        "help_clips" => "c?",
        "help_journal" => "l?",
        _ => "c↓↓↵",
    });
    insta::assert_snapshot!(format!("{state}_{}x{}", size.0, size.1), desk.text());
}
