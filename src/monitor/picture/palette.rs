//! Which colours there are, and which of them is nearest.

use ratatui::style::Color;

/// The colours of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// All of them.
    True,
    /// The 240 that are the same everywhere: xterm's cube and greys.
    Cube,
    /// The 16 that everything has.
    Sixteen,
    /// None: only light and dark.
    None,
}

/// What xterm makes of the 16; other terminals are near enough.
const SIXTEEN: [([u8; 3], Color); 16] = [
    ([0x00, 0x00, 0x00], Color::Black),
    ([0xcd, 0x00, 0x00], Color::Red),
    ([0x00, 0xcd, 0x00], Color::Green),
    ([0xcd, 0xcd, 0x00], Color::Yellow),
    ([0x00, 0x00, 0xee], Color::Blue),
    ([0xcd, 0x00, 0xcd], Color::Magenta),
    ([0x00, 0xcd, 0xcd], Color::Cyan),
    ([0xe5, 0xe5, 0xe5], Color::Gray),
    ([0x7f, 0x7f, 0x7f], Color::DarkGray),
    ([0xff, 0x00, 0x00], Color::LightRed),
    ([0x00, 0xff, 0x00], Color::LightGreen),
    ([0xff, 0xff, 0x00], Color::LightYellow),
    ([0x5c, 0x5c, 0xff], Color::LightBlue),
    ([0xff, 0x00, 0xff], Color::LightMagenta),
    ([0x00, 0xff, 0xff], Color::LightCyan),
    ([0xff, 0xff, 0xff], Color::White),
];

/// The steps of the cube's edges.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl Palette {
    /// What the environment says; `variable` looks one up. `NO_COLOR` (set and not empty) and `TERM=dumb`: none;
    /// `COLORTERM=truecolor` or `24bit`: all; `TERM` with `256color`: those; anything else has 16.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| variable(name).unwrap_or_default().to_ascii_lowercase();
        let term = value("TERM");
        match value("COLORTERM").as_str() {
            _ if !value("NO_COLOR").is_empty() || term.is_empty() || term == "dumb" => Palette::None,
            "truecolor" | "24bit" => Palette::True,
            _ if term.contains("256color") => Palette::Cube,
            _ => Palette::Sixteen,
        }
    }

    /// The nearest colour; the terminal's own where there is none.
    pub fn nearest(self, rgb: [u8; 3]) -> Color {
        match self {
            Palette::True => Color::Rgb(rgb[0], rgb[1], rgb[2]),
            Palette::Cube => Color::Indexed(cube(rgb)),
            Palette::Sixteen => {
                let nearest = SIXTEEN.iter().min_by_key(|(other, _)| distance(rgb, *other));
                nearest.map_or(Color::Reset, |(_, colour)| *colour)
            }
            Palette::None => Color::Reset,
        }
    }
}

/// The nearest of the cube and of the greys.
fn cube(rgb: [u8; 3]) -> u8 {
    let step = rgb.map(|level| (0..6_u8).min_by_key(|step| STEPS[usize::from(*step)].abs_diff(level)).unwrap_or(0));
    let mean = rgb.iter().map(|level| u16::from(*level)).sum::<u16>() / 3;
    let grey = (mean.saturating_sub(3) / 10).min(23) as u8; // 8, 18, … 238
    let level = 8 + 10 * grey;
    match distance(rgb, [level; 3]) < distance(rgb, step.map(|step| STEPS[usize::from(step)])) {
        true => 232 + grey,
        false => 16 + 36 * step[0] + 6 * step[1] + step[2],
    }
}

/// How different two colours look, roughly: the eye sees green best, and red better the more of it there is.
fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    let red = (u32::from(a[0]) + u32::from(b[0])) / 2;
    let square = |of: usize| u32::from(a[of].abs_diff(b[of])).pow(2);
    (((512 + red) * square(0)) >> 8) + 4 * square(1) + (((767 - red) * square(2)) >> 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Palette::True)]
    #[case(&[("TERM", "xterm"), ("COLORTERM", "24bit")], Palette::True)]
    #[case(&[("TERM", "screen-256color"), ("COLORTERM", "yes")], Palette::Cube)]
    #[case(&[("TERM", "linux")], Palette::Sixteen)]
    #[case(&[("TERM", "xterm-256color"), ("NO_COLOR", "1"), ("COLORTERM", "truecolor")], Palette::None)]
    #[case(&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Palette::Cube)]
    #[case(&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Palette::None)]
    #[case(&[], Palette::None)]
    fn the_environment_decides(#[case] set: &[(&str, &str)], #[case] palette: Palette) {
        let variable = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        assert_eq!(Palette::from_env(variable), palette);
    }

    #[rstest]
    #[case([0, 0, 0], 16, Color::Black)]
    #[case([255, 255, 255], 231, Color::White)]
    #[case([255, 0, 0], 196, Color::LightRed)]
    #[case([120, 120, 120], 243, Color::DarkGray)]
    #[case([95, 135, 175], 67, Color::DarkGray)]
    #[case([200, 10, 10], 160, Color::Red)]
    fn the_nearest_is_taken(#[case] rgb: [u8; 3], #[case] index: u8, #[case] colour: Color) {
        assert_eq!(Palette::Cube.nearest(rgb), Color::Indexed(index));
        assert_eq!(Palette::Sixteen.nearest(rgb), colour);
        assert_eq!(Palette::True.nearest(rgb), Color::Rgb(rgb[0], rgb[1], rgb[2]));
        assert_eq!(Palette::None.nearest(rgb), Color::Reset);
    }

    #[test]
    fn every_colour_of_the_cube_and_every_grey_is_its_own_nearest() {
        for index in 16..232_u8 {
            let at = |step: u8| STEPS[usize::from(step % 6)];
            let rgb = [at((index - 16) / 36), at((index - 16) / 6), at(index - 16)];
            assert_eq!(cube(rgb), index, "{rgb:?}");
        }
        for grey in 0..24_u8 {
            let found = cube([8 + 10 * grey; 3]);
            assert_eq!(found, 232 + grey);
        }
    }
}
