//! What a tone looks like. Everything is drawn in tones and with Unicode glyphs; here is decided what this terminal
//! makes of them: the colours of its own palette, none at all (`NO_COLOR`), or ASCII where the locale has no UTF-8.
//!
//! There is never a background colour, and only the eight colours that every terminal has. Yellow and cyan can hardly be
//! read on white, so a terminal that says it is light (`COLORFGBG`) gets others for them.

use super::picture::Palette;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

/// What a piece of text means to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Text.
    Plain,
    /// The words that the eye should find first.
    Strong,
    /// There for those who look for it.
    Faint,
    /// As it should be.
    Good,
    /// Work that is going on: a countdown, a copy.
    Busy,
    /// Should be looked at.
    Warn,
    /// Footage is or may be lost.
    Bad,
    /// What keys act on.
    Chosen,
}

/// How tones and glyphs come out on this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// The colours there are.
    pub palette: Palette,
    /// Only ASCII comes out right.
    pub ascii: bool,
    /// The background is light.
    pub light: bool,
}

impl Theme {
    /// What the environment asks for: `NO_COLOR` (set and not empty), and the character set of `LC_ALL`, `LC_CTYPE` or
    /// `LANG`, whichever is set first. `COLORFGBG`, which some terminals set, ends with the background's place in the
    /// palette: `15;0` is dark, `0;15` light. `variable` looks one up.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_ascii_lowercase();
        let ground = set("COLORFGBG").and_then(|pair| pair.rsplit(';').next()?.parse::<u8>().ok());
        Self {
            palette: Palette::from_env(&variable),
            ascii: !(locale.contains("utf-8") || locale.contains("utf8")),
            light: matches!(ground, Some(7 | 9..=15)),
        }
    }

    fn has_colours(&self) -> bool {
        self.palette != Palette::None
    }

    /// The look of a tone.
    pub fn style(&self, tone: Tone) -> Style {
        let plain = Style::new();
        let coloured = |colour| if self.has_colours() { plain.fg(colour) } else { plain };
        match tone {
            Tone::Plain => plain,
            Tone::Strong => plain.add_modifier(Modifier::BOLD),
            Tone::Faint => plain.add_modifier(Modifier::DIM),
            Tone::Good => coloured(Color::Green),
            Tone::Busy => coloured(if self.light { Color::Blue } else { Color::Cyan }),
            Tone::Warn if self.has_colours() => plain.fg(if self.light { Color::Magenta } else { Color::Yellow }),
            Tone::Warn => plain.add_modifier(Modifier::BOLD),
            Tone::Bad if self.has_colours() => plain.fg(Color::Red).add_modifier(Modifier::BOLD),
            Tone::Bad => plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Tone::Chosen => plain.add_modifier(Modifier::REVERSED),
        }
    }

    /// The last step of drawing: what this terminal cannot show is replaced cell by cell, so that nothing drawn before
    /// has to know about it.
    pub fn finish(&self, buf: &mut Buffer) {
        if self.ascii {
            for cell in buf.content.iter_mut().filter(|cell| !cell.symbol().is_ascii()) {
                cell.set_symbol(ascii(cell.symbol()));
            }
        }
    }
}

/// The nearest thing in ASCII.
fn ascii(glyph: &str) -> &'static str {
    match glyph {
        "○" => "o",
        "●" | "★" => "*",
        "▸" => ">",
        "✓" => "+",
        "✗" => "!",
        "·" => ".",
        "↑" => "^",
        "↓" => "v",
        "→" => ">",
        "…" => "~",
        "━" => "=",
        "─" | "–" => "-",
        "│" => "|",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    fn theme(set: &[(&str, &str)]) -> Theme {
        Theme::from_env(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_decides() {
        let is = |palette, ascii| Theme { palette, ascii, light: false };
        let theme = |set: &[_]| theme(&[&[("TERM", "xterm")], set].concat());
        assert_eq!(theme(&[("LANG", "de_DE.UTF-8")]), is(Palette::Sixteen, false));
        assert_eq!(theme(&[("LANG", "C.utf8"), ("NO_COLOR", "1")]), is(Palette::None, false));
        assert_eq!(theme(&[("LANG", "C.UTF-8"), ("NO_COLOR", "")]), is(Palette::Sixteen, false));
        assert_eq!(theme(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")]), is(Palette::Sixteen, true));
        assert_eq!(theme(&[("LANG", "C"), ("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8")]), is(Palette::Sixteen, false));
        assert_eq!(theme(&[]), is(Palette::Sixteen, true));
    }

    #[test]
    fn a_light_background_gets_colours_that_can_be_read_on_it() {
        for (says, light) in [
            ("0;15", true),
            ("0;default;15", true),
            ("0;7", true),
            ("15;0", false),
            ("7;8", false),
            ("0;default", false),
            ("0;255", false),
            (";", false),
            ("", false),
        ] {
            let theme = theme(&[("TERM", "xterm"), ("COLORFGBG", says)]);
            assert_eq!(theme.light, light, "{says}");
            let colours = [Tone::Warn, Tone::Busy].map(|tone| theme.style(tone).fg);
            let wanted = if light { [Color::Magenta, Color::Blue] } else { [Color::Yellow, Color::Cyan] };
            assert_eq!(colours, wanted.map(Some), "{says}");
        }
        assert_eq!(theme(&[("TERM", "xterm"), ("COLORFGBG", "0;15"), ("NO_COLOR", "1")]).style(Tone::Busy).fg, None);
    }

    const TONES: [Tone; 8] =
        [Tone::Plain, Tone::Strong, Tone::Faint, Tone::Good, Tone::Busy, Tone::Warn, Tone::Bad, Tone::Chosen];

    #[test]
    fn no_tone_has_a_background_and_without_colour_what_is_wrong_still_stands_out() {
        let theme = |palette, light| Theme { palette, ascii: false, light };
        let grey = theme(Palette::None, false);
        for tone in TONES {
            let dark_and_light = [false, true].map(|light| theme(Palette::Sixteen, light).style(tone).bg);
            assert_eq!(dark_and_light, [None, None]);
            assert_eq!(theme(Palette::None, true).style(tone), grey.style(tone));
            assert_eq!((grey.style(tone).fg, grey.style(tone).bg), (None, None));
        }
        for tone in [Tone::Warn, Tone::Bad, Tone::Chosen] {
            assert_ne!(grey.style(tone), grey.style(Tone::Plain));
        }
    }

    #[test]
    fn ascii_replaces_every_cell_and_keeps_the_places() {
        let mut buf = Buffer::with_lines(["0○ 1▸ 2✗ 猫!"]);
        Theme { palette: Palette::Sixteen, ascii: true, light: false }.finish(&mut buf);
        assert_eq!(buf, Buffer::with_lines(["0o 1> 2! ? !"]));
        assert_eq!(buf.area, Rect::new(0, 0, 12, 1));
    }
}
