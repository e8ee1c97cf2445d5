//! `nvr look`: pictures of a camera or a clip, on the terminal out of half-blocks, anywhere else as JPEG.

use super::clips::Named;
use super::{Global, out, query};
use crate::link::dial::Client;
use crate::model::id::CameraName;
use crate::model::question::{Found, Moment, Question, Seen, Still};
use crate::model::text::fit_for_screen;
use crate::monitor::picture::{self, Picture};
use crate::monitor::theme::Theme;
use color_eyre::eyre::{Result, WrapErr};
use data_encoding::BASE64;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Style;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

/// Pixels across of a JPEG that is written somewhere.
const FULL: u32 = 1920;
/// Columns that a picture beside others must have.
const NARROWEST: u16 = 24;
/// Pixels asked for each column: the mean of more than one looks better.
const FINE: u32 = 4;
/// Most columns and lines that are drawn: a size from outside must not become a gigabyte of cells.
const MOST: (u16, u16) = (1000, 500);

/// Shows or writes pictures.
pub async fn look(global: &Global, of: &Of, output: Option<&Path>, json: bool) -> Result<ExitCode> {
    let client = query::client(global, false).await?;
    let seen = of.seen(&client).await?;
    let on_screen = output.is_none() && !json && std::io::stdout().is_terminal();
    let screen = crossterm::terminal::size().unwrap_or((80, 24));
    let width = if on_screen { u32::from(screen.0).saturating_mul(FINE).min(FULL) } else { FULL };
    let Found::Stills(stills) = query::ask(&client, Question::Stills { of: seen, width }).await? else {
        return Err(query::something_else());
    };
    let bytes = match output {
        Some(file) => return write(&stills, file),
        None if json => {
            stills.iter().try_for_each(out::json)?;
            return Ok(ExitCode::SUCCESS);
        }
        None if on_screen => {
            crossterm::style::force_color_output(true); // the palette alone decides about colours
            draw(stills, Size::new(screen.0.min(MOST.0), screen.1.min(MOST.1))).await?
        }
        None => {
            let trigger = stills.iter().find(|still| still.which == Moment::Trigger);
            jpeg(trigger.or(stills.first()).ok_or_else(query::something_else)?)?
        }
    };
    out::bytes(&bytes)?;
    Ok(ExitCode::SUCCESS)
}

/// A camera by its name, a clip by its name or as `CAMERA@last`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    Camera(CameraName),
    Clip(Named),
}

impl FromStr for Of {
    type Err = String;

    /// No camera's name has an underscore, every clip's has.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.contains(['_', '@']) {
            true => text.parse().map(Of::Clip),
            false => text.parse().map(Of::Camera).map_err(|error| format!("{error}")),
        }
    }
}

impl Of {
    async fn seen(&self, client: &Client) -> Result<Seen> {
        Ok(match self {
            Of::Camera(name) => Seen::Camera(name.clone()),
            Of::Clip(named) => Seen::Clip(named.resolve(client).await?),
        })
    }
}

fn jpeg(still: &Still) -> Result<Vec<u8>> {
    BASE64.decode(still.jpeg.as_bytes()).map_err(|_| query::something_else())
}

/// One word for file names and captions.
fn word(which: Moment) -> &'static str {
    match which {
        Moment::Newest => "newest",
        Moment::First => "first",
        Moment::Trigger => "trigger",
        Moment::Last => "last",
        Moment::Mail => "mail",
    }
}

/// One picture goes into the file that was named; of several each into its own, `door.jpg` becoming `door-first.jpg`.
fn write(stills: &[Still], file: &Path) -> Result<ExitCode> {
    for (number, still) in stills.iter().enumerate() {
        // Of the camera's own there may be several.
        let same = stills[..number].iter().filter(|other| other.which == still.which).count();
        let word = match same {
            0 => word(still.which).to_owned(),
            more => format!("{}-{}", word(still.which), more + 1),
        };
        let place = if stills.len() == 1 { file.to_owned() } else { beside(file, &word) };
        fs_err::write(&place, jpeg(still)?).wrap_err("the picture is not written (name another file: --output)")?;
        out::line(&place.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn beside(file: &Path, word: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let ending = file.extension().map_or_else(|| "jpg".into(), |ending| ending.to_string_lossy());
    file.with_file_name(format!("{stem}-{word}.{ending}"))
}

/// Pictures with captions: side by side if they are wide enough then, else one below the other.
async fn draw(stills: Vec<Still>, screen: Size) -> Result<Vec<u8>> {
    let variable = |name: &str| std::env::var(name).ok();
    let theme = Theme::from_env(variable);
    let decoded = tokio::task::spawn_blocking(move || {
        let (now, zone) = (Timestamp::now(), TimeZone::system());
        let decoded = |still: Still| (caption(&still, now, &zone), picture::decode(&still.jpeg));
        stills.into_iter().map(decoded).collect::<Vec<_>>()
    });
    let pictures = decoded.await?;
    let count = u16::try_from(pictures.len()).unwrap_or(u16::MAX).max(1);
    let shared = (screen.width + 1) / count;
    let (across, width) = if shared > NARROWEST { (count, shared - 1) } else { (1, screen.width) };
    // The caption, and the prompt that comes after it.
    let room = Size::new(width, screen.height.saturating_sub(2).max(1));
    let rows = pictures.chunks(usize::from(across));
    Ok(rows.flat_map(|row| picture::lines(&strip(row, room, theme))).collect())
}

type Captioned = (String, Result<Picture, String>);

fn strip(row: &[Captioned], room: Size, theme: Theme) -> Buffer {
    let sizes = row.iter().filter_map(|(_, picture)| Some(picture::fit(picture.as_ref().ok()?, room)));
    let height = sizes.map(|size| size.height).max().unwrap_or(0);
    let width = (room.width + 1).saturating_mul(u16::try_from(row.len()).unwrap_or(1)) - 1;
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height + 1));
    for ((caption, picture), x) in row.iter().zip((0..).step_by(usize::from(room.width) + 1)) {
        let text = match picture {
            Ok(picture) => {
                let Size { width, height } = picture::fit(picture, room);
                picture::draw(picture, Rect { x, y: 0, width, height }, theme.palette, theme.ascii, &mut buf);
                caption.clone()
            }
            Err(why) => format!("{caption}: {why}"),
        };
        buf.set_stringn(x, height, fit_for_screen(&text, room.width.into()), room.width.into(), Style::new());
    }
    theme.finish(&mut buf);
    buf
}

/// Which picture it is and when it was taken, as shortly as that can be told: pictures beside each other are narrow.
fn caption(still: &Still, now: Timestamp, zone: &TimeZone) -> String {
    let word = word(still.which);
    let Some(at) = still.at else { return word.to_owned() };
    let (at, today) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let format = if at.date() == today.date() {
        "%H:%M:%S"
    } else if at.year() == today.year() {
        "%b %d %H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M:%S"
    };
    format!("{word} {}", at.strftime(format))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::picture::Palette;

    #[test]
    fn cameras_and_clips_are_told_apart() {
        let camera = || "garden".parse().expect("a name");
        let named = |text: &str| text.parse::<Of>();
        assert_eq!(named("garden"), Ok(Of::Camera(camera())));
        assert_eq!(named("garden@last"), Ok(Of::Clip(Named::Last(camera()))));
        let clip = "garden_2026-11-22_14-02-31+0100";
        assert_eq!(named(&format!("{clip}.mp4")), Ok(Of::Clip(clip.parse().expect("a clip"))));
        assert!(named("Garden").is_err() && named("garden@first").is_err() && named("").is_err());
    }

    #[test]
    fn several_files_are_named_after_the_one_that_was_asked_for() {
        let named = |file: &str| beside(Path::new(file), "first").display().to_string();
        assert_eq!(named("door.jpg"), "door-first.jpg");
        assert_eq!(named("/tmp/a.b/door.jpeg"), "/tmp/a.b/door-first.jpeg");
        assert_eq!(named("door"), "door-first.jpg");
    }

    /// On 80 columns a clip's three pictures have 26 each.
    #[test]
    fn captions_are_short_and_stay_in_their_columns() {
        let now: Timestamp = "2026-11-22T15:41:00Z".parse().expect("an instant");
        let of = |at: &str| {
            let at = Some(at.parse().expect("an instant"));
            caption(&Still { which: Moment::Trigger, at, jpeg: String::new() }, now, &TimeZone::UTC)
        };
        assert_eq!(of("2026-11-22T15:40:30Z"), "trigger 15:40:30");
        assert_eq!(of("2026-11-21T15:40:30Z"), "trigger Nov 21 15:40:30");
        let old = of("2025-11-21T15:40:30Z");
        assert_eq!(old, "trigger 2025-11-21 15:40:30");
        let picture = || Picture::of(2, 2, vec![255; 12]).ok_or_else(String::new);
        let row = [(old, picture()), ("last 15:41:00".to_owned(), picture())];
        let theme = Theme { palette: Palette::None, ascii: false, light: false };
        let text = String::from_utf8(picture::lines(&strip(&row, Size::new(26, 1), theme))).expect("text");
        assert_eq!(text.lines().last(), Some("trigger 2025-11-21 15:40:… last 15:41:00"));
    }

    #[test]
    fn what_cannot_be_decoded_is_said_below_the_others() {
        let picture = Picture::of(2, 2, vec![255; 12]);
        let row =
            [("first".to_owned(), picture.ok_or_else(String::new)), ("last".to_owned(), Err("damaged".to_owned()))];
        let theme = Theme { palette: Palette::None, ascii: true, light: false };
        let buf = strip(&row, Size::new(14, 4), theme);
        let text = String::from_utf8(picture::lines(&buf)).expect("text");
        assert_eq!(text, "@@@@@@@@\n@@@@@@@@\n@@@@@@@@\n@@@@@@@@\nfirst          last: damaged\n");
    }
}
