//! From a view to cells. Everything here is a pure function of the view, the theme and the area, so that a test can
//! store what it sees.

mod cameras;
mod clips;
mod copies;
mod header;
mod help;
mod journal;
mod list;
mod look;
mod mail;
pub mod ring;
mod row;
mod table;
mod text;

use super::keys::{Action, OnCamera, TABLE};
use super::theme::{Theme, Tone};
use super::ui::{Leaving, Status};
use super::view::{Body, CamerasBody, Note, View};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Clear, Widget};
use row::{Piece, Row, pad, wrap};

/// Below this many columns or lines a picture would be a riddle.
const LEAST: (u16, u16) = (20, 4);
/// Lines at the bottom that are kept for keys and what came of them.
const STATUS: u16 = 1;

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Density {
    /// At least 100 by 30: everything.
    Full,
    /// At least 60 by 15: the same in fewer words.
    Compact,
    /// A line for each camera.
    Lines,
}

impl Density {
    fn of(area: Rect) -> Self {
        match (area.width, area.height) {
            (100.., 30..) => Density::Full,
            (60.., 15..) => Density::Compact,
            _ => Density::Lines,
        }
    }

    /// Most lines that alerts may take.
    fn alerts(self) -> u16 {
        match self {
            Density::Full => 8,
            Density::Compact => 5,
            Density::Lines => 1,
        }
    }

    /// Lines that the cameras leave to the lists, as long as a line each is enough for them.
    fn spare(self, area: Rect) -> u16 {
        match self {
            Density::Full | Density::Compact => area.height / 3,
            Density::Lines => 0,
        }
    }

    /// Empty lines between the parts.
    fn air(self, area: Rect) -> u16 {
        u16::from(self != Density::Lines && area.height >= 20)
    }
}

/// Draws the view into `area` of an empty buffer.
pub fn draw(view: &View, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(view, area, theme, buf);
    } else {
        let (head, rest) =
            (Rect { height: 1, ..area }, Rect { y: area.y + 1, height: area.height - 1 - STATUS, ..area });
        match &view.body {
            Body::Help(help) => help::draw(help, leaving(view), head.union(rest), theme, buf),
            Body::Cameras(_) | Body::List(_) | Body::Text(_) | Body::Look(_) => {
                header::draw(view, margin(head), theme, buf);
                body(view, theme, area, rest, buf);
            }
        }
        draw_status(status(view, area), area, theme, buf);
    }
    theme.finish(buf);
}

/// The last line, or as many as a sentence takes: they cover what is below them for as long as it is shown, so that
/// nothing above moves.
fn draw_status(lines: Vec<Row>, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let height = u16::try_from(lines.len()).unwrap_or(STATUS).min(area.height);
    let place = Rect { y: area.bottom() - height, height, ..area };
    Clear.render(place, buf);
    for (y, line) in (place.y..place.bottom()).zip(lines) {
        line.draw(Rect { y, height: 1, ..area }, theme, buf);
    }
}

/// What leaving means; nothing if there is no recorder any more.
fn leaving(view: &View) -> Option<Leaving> {
    (!view.stale).then_some(view.leaving)
}

/// How far what is shown can be scrolled on a screen of this size, in lines.
pub fn reach(view: &View, area: Rect) -> u16 {
    let whole = Rect { height: area.height.saturating_sub(STATUS), ..area };
    match &view.body {
        Body::Help(help) => help::reach(help, leaving(view), whole),
        Body::Text(page) => {
            let rest = Rect { height: whole.height.saturating_sub(1), ..whole };
            text::reach(page, below(rest, alerts(view, area, rest).1.height))
        }
        Body::Cameras(_) | Body::List(_) | Body::Look(_) => 0,
    }
}

/// What of a list or a text is in sight on a screen of this size: from which of its lines on, and how many.
pub fn sight(view: &View, area: Rect) -> (usize, usize) {
    let whole = Rect { height: area.height.saturating_sub(STATUS), ..area };
    let rest = Rect { y: area.y + 1, height: whole.height.saturating_sub(1), ..whole };
    let rest = below(rest, alerts(view, area, rest).1.height);
    match &view.body {
        Body::List(list) => list::sight(list, rest),
        Body::Help(help) => (usize::from(help.scroll), usize::from(whole.height)),
        Body::Text(page) => (usize::from(page.scroll), usize::from(rest.height.saturating_sub(1))),
        Body::Cameras(_) | Body::Look(_) => (0, usize::from(rest.height)),
    }
}

/// The lines of the alerts, and where they stand in `area` of a screen that is `whole`.
fn alerts(view: &View, whole: Rect, area: Rect) -> (Vec<Note>, Rect) {
    // Alerts leave two thirds to the rest: nothing may push the cameras out.
    let most = match view.body {
        Body::Cameras(_) => Density::of(whole).alerts().min(area.height / 3),
        Body::List(_) | Body::Text(_) | Body::Look(_) | Body::Help(_) => u16::from(area.height >= 6),
    };
    let lines = header::alert_lines(&view.alerts, area.width, usize::from(most));
    let height = u16::try_from(lines.len()).unwrap_or(most);
    (lines, Rect { height, ..area })
}

/// Alerts and what is below them, in `area` of a screen that is `whole`.
fn body(view: &View, theme: &Theme, whole: Rect, area: Rect, buf: &mut Buffer) {
    let (lines, place) = alerts(view, whole, area);
    header::draw_alerts(&lines, place, theme, buf);
    let rest = below(area, place.height);
    match &view.body {
        Body::Cameras(page) => first_page(page, theme, whole, place.height, area, buf),
        Body::List(page) => list::draw(page, rest, theme, buf),
        Body::Text(page) => text::draw(page, rest, theme, buf),
        Body::Look(page) => look::draw(page, rest, theme, buf),
        Body::Help(_) => {}
    }
    if view.stale {
        fade(rest, buf);
    }
}

/// Cameras and the ends of the lists, below the alerts.
fn first_page(page: &CamerasBody, theme: &Theme, whole: Rect, alerts: u16, area: Rect, buf: &mut Buffer) {
    let density = Density::of(whole);
    let air = density.air(whole);
    let (room, spare) = (below(area, alerts + air), density.spare(whole));
    let cameras = Rect { height: cameras::height(page, density, margin(room), spare), ..room };
    cameras::draw(page, density, spare, margin(room), theme, buf);
    lists(page, density, below(room, cameras.height + air), theme, buf);
}

/// What is left of `area` below its first `lines`.
fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}

/// Without the last column: what stands against the right edge needs some air.
fn margin(area: Rect) -> Rect {
    Rect { width: area.width.saturating_sub(1), ..area }
}

/// Copies, clips and journal, as far as there is room. The last error needs no place of its own: what it was about
/// stands with its camera or in the alerts for as long as it lasts, and what is lost in the first line for ever.
fn lists(page: &CamerasBody, density: Density, area: Rect, theme: &Theme, buf: &mut Buffer) {
    if area.height < 3 || (page.cards.is_empty() && page.hidden == 0) {
        return;
    }
    let journal = if area.height < 8 || density == Density::Lines { 0 } else { (area.height / 3).clamp(3, 20) };
    let upper = Rect { height: area.height - journal, ..area };
    let lower = below(area, upper.height);
    if area.width >= 76 {
        let half = area.width / 2 + 2; // a clip has more to say than a copy
        let left = Rect { width: half, ..upper };
        let right = Rect { x: area.x + half, width: area.width - half, ..upper };
        clips::draw(&page.clips, None, titled("clips", page.clips.is_empty(), left, theme, buf), theme, buf);
        copies::draw(&page.copies, None, titled("copies", page.copies.is_empty(), right, theme, buf), theme, buf);
    } else {
        clips::draw(&page.clips, None, titled("clips", page.clips.is_empty(), upper, theme, buf), theme, buf);
    }
    if journal > 0 {
        journal::draw(&page.journal, None, titled("journal", page.journal.is_empty(), lower, theme, buf), theme, buf);
    }
}

/// Draws a title with a rule; what is below it.
fn titled(title: &str, empty: bool, area: Rect, theme: &Theme, buf: &mut Buffer) -> Rect {
    let area = margin(area);
    let rule = "─".repeat(usize::from(area.width.saturating_sub(row::width(title) + 2)));
    let spans = vec![(Tone::Strong, format!(" {title} ")), (Tone::Faint, rule)];
    Row::default().left(Piece::of(0, spans)).draw(Rect { height: 1, ..area }, theme, buf);
    let rest = below(area, 1);
    if empty {
        Row::default().left(Piece::new(0, Tone::Faint, " none yet")).draw(rest, theme, buf);
    }
    rest
}

/// A picture that nobody renews must not look like one that somebody does.
fn fade(area: Rect, buf: &mut Buffer) {
    let faded =
        Style::new().fg(Color::Reset).add_modifier(Modifier::DIM).remove_modifier(Modifier::BOLD | Modifier::REVERSED);
    buf.set_style(area, faded);
}

/// The last line or lines: keys, or what came of one.
fn status(view: &View, area: Rect) -> Vec<Row> {
    let said = |tone, text: &str| -> Vec<Row> {
        let most = usize::from(area.height / 5).clamp(1, 3);
        let lines = wrap(text, area.width.saturating_sub(2), most);
        lines.into_iter().map(|line| Row::default().left(Piece::new(0, tone, format!(" {line}")).flexible(1))).collect()
    };
    match &view.status {
        Status::Hints => vec![hints(view, area.width)],
        Status::Pending(text) => said(Tone::Busy, text),
        Status::Said(tone, text) => said(*tone, text),
        Status::Question(text) => said(Tone::Warn, text),
        Status::Typing(before, after) => vec![typing(before, after)],
    }
}

/// Words that are typed; the cursor is a cell in reverse.
fn typing(before: &str, after: &str) -> Row {
    let mut after = after.chars();
    let at = after.next().unwrap_or(' ');
    let spans = vec![
        (Tone::Strong, " find: ".to_owned()),
        (Tone::Plain, before.to_owned()),
        (Tone::Chosen, at.to_string()),
        (Tone::Plain, after.collect()),
    ];
    Row::default().left(Piece::of(0, spans)).right(Piece::new(1, Tone::Faint, "Enter keep  Esc show all"))
}

/// The keys with a hint, in the order of the table; on a narrow screen the last ones go, and the help never does.
fn hints(view: &View, columns: u16) -> Row {
    let leaving = leaving(view).and_then(|leaving| match columns {
        100.. => Some(leaving.words()),
        50.. => leaving.warning(),
        _ => None,
    });
    let mut row = Row::default();
    let hinted = TABLE.iter().filter(|binding| binding.places.contains(&view.place));
    let hinted = hinted.filter_map(|binding| Some((binding, binding.hint?)));
    for (rank, (binding, hint)) in (1..).zip(hinted) {
        let rank = if binding.action == Action::Help { 0 } else { rank };
        // The same key, but nobody would expect it to disarm.
        let disarms = view.all_armed && binding.action == Action::Camera(OnCamera::ArmAll);
        let hint = if disarms { "disarm all" } else { hint };
        let indent = if rank == 1 { " " } else { "" };
        let more = leaving.filter(|_| binding.action == Action::Leave);
        let more = more.map(|words| format!(" ({words})")).unwrap_or_default();
        let key = binding.keys.first().map(|key| key.shown()).unwrap_or_default();
        let spans = vec![(Tone::Strong, format!("{indent}{key}")), (Tone::Faint, format!(" {hint}{more}"))];
        row = row.left(Piece::of(rank, spans));
    }
    row
}

/// Instead of a picture, a sentence, and before it the one fact that matters if there is any room at all.
fn too_small(view: &View, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let facts = view.header.first().into_iter().chain(view.header.get(1).filter(|item| item.tone == Tone::Bad));
    let facts: Vec<_> = facts.map(|item| (item.tone, item.briefly().to_owned())).collect();
    let sentence = format!("too small: {}x{} cells needed", LEAST.0, LEAST.1);
    let lines = wrap(&sentence, area.width, usize::from(area.height)).into_iter().map(|line| (Tone::Plain, line));
    for (y, (tone, line)) in (area.y..area.bottom()).zip(facts.into_iter().chain(lines)) {
        let line = pad(&line, area.width);
        Row::default().left(Piece::new(0, tone, line).flexible(0)).draw(Rect { y, height: 1, ..area }, theme, buf);
    }
}
