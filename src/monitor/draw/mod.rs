//! From a view to cells. Everything here is a pure function of the view, the theme and the area, so that a test can
//! store what it sees.

mod cameras;
mod clips;
mod copies;
mod header;
pub mod help;
pub mod ring;
mod row;

use super::keys::{Action, TABLE};
use super::theme::{Theme, Tone};
use super::ui::Status;
use super::view::View;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use row::{Piece, Row, pad, wrap};

/// Below this many columns or lines a picture would be a riddle.
const LEAST: (u16, u16) = (20, 4);

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
        let status = status(view, area);
        let below = u16::try_from(status.len()).unwrap_or(1).min(area.height - 1);
        let (head, rest) =
            (Rect { height: 1, ..area }, Rect { y: area.y + 1, height: area.height - 1 - below, ..area });
        match view.help {
            Some(scroll) => help::draw(scroll, view.leaving, head.union(rest), theme, buf),
            None => {
                header::draw(view, margin(head), theme, buf);
                body(view, theme, area, rest, buf);
            }
        }
        for (y, line) in (rest.bottom()..area.bottom()).zip(status) {
            line.draw(Rect { y, height: 1, ..area }, theme, buf);
        }
    }
    theme.finish(buf);
}

/// How far the help can be scrolled on a screen of this size.
pub fn help_reach(view: &View, area: Rect) -> u16 {
    let below = u16::try_from(status(view, area).len()).unwrap_or(1);
    let height = area.height.saturating_sub(below);
    help::reach(view.leaving, Rect { height, ..area })
}

/// Alerts, cameras and lists, in `area` of a screen that is `whole`.
fn body(view: &View, theme: &Theme, whole: Rect, area: Rect, buf: &mut Buffer) {
    let density = Density::of(whole);
    let air = density.air(whole);
    // Alerts leave two thirds to the cameras: nothing may push those out.
    let most = density.alerts().min(area.height / 3);
    let alerts = header::alert_lines(&view.alerts, area.width, usize::from(most));
    let taken = u16::try_from(alerts.len()).unwrap_or(most);
    header::draw_alerts(&alerts, Rect { height: taken, ..area }, theme, buf);

    let (room, spare) = (below(area, taken + air), density.spare(whole));
    let cameras = Rect { height: cameras::height(view, density, margin(room), spare), ..room };
    cameras::draw(view, density, spare, margin(room), theme, buf);
    lists(view, density, below(room, cameras.height + air), theme, buf);
    if view.stale {
        fade(room, buf);
    }
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

/// Copies, clips and journal, as far as there is room.
fn lists(view: &View, density: Density, area: Rect, theme: &Theme, buf: &mut Buffer) {
    if area.height < 3 || view.cards.is_empty() {
        return;
    }
    let journal = if area.height < 8 || density == Density::Lines { 0 } else { (area.height / 3).clamp(3, 20) };
    let upper = Rect { height: area.height - journal, ..area };
    let lower = below(area, upper.height);
    if area.width >= 76 {
        let half = area.width / 2 + 2; // a clip has more to say than a copy
        let left = Rect { width: half, ..upper };
        let right = Rect { x: area.x + half, width: area.width - half, ..upper };
        clips::draw(view, titled("clips", view.clips.is_empty(), left, theme, buf), theme, buf);
        copies::draw(view, titled("copies", view.copies.is_empty(), right, theme, buf), theme, buf);
    } else {
        clips::draw(view, titled("clips", view.clips.is_empty(), upper, theme, buf), theme, buf);
    }
    if journal > 0 {
        sentences(view, titled("journal", view.journal.is_empty(), lower, theme, buf), theme, buf);
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

fn sentences(view: &View, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let shown = &view.journal[..view.journal.len().min(usize::from(area.height))];
    let at = shown.iter().map(|entry| row::width(&entry.at)).max().unwrap_or(0);
    for (y, entry) in (area.y..area.bottom()).zip(shown) {
        Row::default()
            .left(Piece::new(0, Tone::Faint, format!(" {}", pad(&entry.at, at))))
            .left(Piece::new(0, entry.tone, entry.text.clone()).flexible(1))
            .draw(Rect { y, height: 1, ..area }, theme, buf);
    }
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
        Status::Hints => vec![hints(view.leaving, area.width)],
        Status::Pending(text) => said(Tone::Busy, text),
        Status::Said(tone, text) => said(*tone, text),
        Status::Question(text) => said(Tone::Warn, text),
    }
}

/// The keys with a hint, in the order of the table; on a narrow screen the last ones go, and the help never does.
fn hints(leaving: &str, columns: u16) -> Row {
    let mut row = Row::default();
    let hinted = TABLE.iter().filter_map(|binding| Some((binding, binding.hint?)));
    for (rank, (binding, hint)) in (1..).zip(hinted) {
        let rank = if binding.action == Action::Help { 0 } else { rank };
        let indent = if rank == 1 { " " } else { "" };
        let more =
            if binding.action == Action::Leave && columns >= 100 { format!(" ({leaving})") } else { String::new() };
        let key = binding.keys.first().map(|key| key.shown()).unwrap_or_default();
        let spans = vec![(Tone::Strong, format!("{indent}{key}")), (Tone::Faint, format!(" {hint}{more}"))];
        row = row.left(Piece::of(rank, spans));
    }
    row
}

/// Instead of a picture, a sentence, and before it the one fact that matters if there is any room at all.
fn too_small(view: &View, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let facts = view.header.first().into_iter().chain(view.header.get(1).filter(|item| item.tone == Tone::Bad));
    let facts: Vec<_> = facts.map(|item| (item.tone, item.short.clone())).collect();
    let sentence = format!("too small: {}x{} cells needed", LEAST.0, LEAST.1);
    let lines = wrap(&sentence, area.width, usize::from(area.height)).into_iter().map(|line| (Tone::Plain, line));
    for (y, (tone, line)) in (area.y..area.bottom()).zip(facts.into_iter().chain(lines)) {
        let line = pad(&line, area.width);
        Row::default().left(Piece::new(0, tone, line).flexible(0)).draw(Rect { y, height: 1, ..area }, theme, buf);
    }
}
