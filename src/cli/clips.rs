//! `nvr clips`: the clip list, page by page, so that months of clips cost no more than what is shown of them.

use super::follow::{News, Watch};
use super::shape::ClipLine;
use super::{Global, out, query, table};
use crate::link::dial::Client;
use crate::model::id::CameraName;
use crate::model::question::{ClipKey, ClipPage, ClipQuery, Found, Page, Question};
use crate::model::snapshot::{ClipView, Snapshot};
use crate::model::text::fit_for_screen;
use crate::model::time::Wall;
use crate::work::archive;
use clap::Args;
use color_eyre::eyre::{Result, eyre};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::str::FromStr;

/// Clips that are asked for at a time.
const PAGE: u32 = 200;
/// Longest text from outside in a line.
const SHOWN: usize = 120;
/// Clips that are remembered while following, so that none is shown twice.
const REMEMBERED: usize = 1000;
/// How long before now a clip that does not exist yet may begin: longer than any pre-roll.
const PRE_ROLL: SignedDuration = SignedDuration::from_hours(1);

/// `nvr clips`
#[derive(Debug, Args)]
pub struct Clips {
    /// Only this camera's
    camera: Option<CameraName>,
    /// Only those in whose name, trigger or subject all these words stand
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    find: String,
    /// Only what is older than this clip: the next page
    #[arg(long, value_name = "CLIP", conflicts_with_all = ["oldest", "follow"])]
    older_than: Option<ClipName>,
    /// Begin with the oldest
    #[arg(long, conflicts_with = "follow")]
    oldest: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Newest last, and go on with every clip that is saved, also when the recorder is started again
    #[arg(long)]
    follow: bool,
    /// As JSON, one clip a line
    #[arg(long)]
    json: bool,
}

/// A clip's name, with or without the ending of its file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClipName(pub String);

impl FromStr for ClipName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('@') {
            Some((camera, _)) => {
                Err(format!("it may be another one by then; write the name that `nvr clips {camera} --limit 1` shows"))
            }
            None => Ok(Self(text.strip_suffix(".mp4").unwrap_or(text).to_owned())),
        }
    }
}

/// A clip as people may name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By its name.
    Name(ClipName),
    /// `CAMERA@last`: the camera's newest.
    Last(CameraName),
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('@') {
            None => text.parse().map(Named::Name),
            Some((camera, "last")) => camera.parse().map(Named::Last).map_err(|error| format!("{error}")),
            Some((camera, _)) => Err(format!("write {camera}@last, or a name that `nvr clips` shows")),
        }
    }
}

impl Named {
    /// The name of the clip that is meant.
    pub async fn resolve(&self, client: &Client) -> Result<String> {
        let camera = match self {
            Named::Name(ClipName(name)) => return Ok(name.clone()),
            Named::Last(camera) => camera,
        };
        let query = ClipQuery { camera: Some(camera.clone()), find: String::new(), page: Page::Newest, limit: 1 };
        let newest = page(client, query).await?.clips.into_iter().next();
        newest.map(|clip| clip.name).ok_or_else(|| eyre!("there is no clip of {camera} yet (see: nvr clips)"))
    }
}

async fn page(client: &Client, query: ClipQuery) -> Result<ClipPage> {
    match query::ask(client, Question::Clips(query)).await? {
        Found::Clips(page) => Ok(page),
        Found::Clip(_) | Found::Journal(_) | Found::Copies(_) => Err(query::something_else()),
        Found::Stderr(_) | Found::Stills(_) | Found::Sessions(_) | Found::Verdict(_) => Err(query::something_else()),
    }
}

/// Where a clip stands in the list. One that was deleted meanwhile still has its place: its name tells the second.
async fn place(client: &Client, ClipName(name): &ClipName) -> Result<ClipKey> {
    match query::ask(client, Question::Clip(name.clone())).await {
        Ok(Found::Clip(details)) => Ok(ClipKey::of(&details.clip)),
        Ok(_) => Err(query::something_else()),
        Err(error) => {
            let began = archive::began(name).ok_or(error)?;
            Ok(ClipKey { start: began, name: name.clone() })
        }
    }
}

/// Prints the list.
pub async fn clips(global: &Global, args: &Clips) -> Result<ExitCode> {
    let (watch, picture) = Watch::start(global).await?;
    if args.follow {
        return out::while_read(follow(watch, &picture, args)).await;
    }
    let mut any = false;
    pages(watch.client(), args, |clips| {
        any |= !clips.is_empty();
        show(clips, args.json)
    })
    .await?;
    if !any {
        query::known(args.camera.as_slice(), &picture)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Gives page after page, until there are as many clips as were wanted or the list ends.
async fn pages(client: &Client, args: &Clips, mut give: impl FnMut(&[ClipView]) -> Result<()>) -> Result<()> {
    let mut at = match &args.older_than {
        Some(clip) => Page::Older(place(client, clip).await?),
        None if args.oldest => Page::Oldest,
        None => Page::Newest,
    };
    let mut left = args.limit;
    while left > 0 {
        let (camera, find, limit) = (args.camera.clone(), args.find.clone(), left.min(PAGE));
        let ClipPage { mut clips, more } = page(client, ClipQuery { camera, find, page: at.clone(), limit }).await?;
        clips.truncate(limit as usize);
        left -= u32::try_from(clips.len()).unwrap_or(left);
        if args.oldest {
            clips.reverse();
        }
        give(&clips)?;
        let Some(key) = more else { break };
        let next = if args.oldest { Page::Newer(key) } else { Page::Older(key) };
        if clips.is_empty() && next == at {
            return Err(eyre!(
                "the recorder does not get on with its list (see its journal: nvr journal --level warn)"
            ));
        }
        at = next;
    }
    Ok(())
}

/// Prints what there is, oldest first, and then every clip as it is closed.
async fn follow(mut watch: Watch, picture: &Snapshot, args: &Clips) -> Result<()> {
    query::known(args.camera.as_slice(), picture)?;
    let mut clips = Vec::new();
    pages(watch.client(), args, |page| {
        clips.extend(page.iter().filter(|clip| !clip.open).cloned());
        Ok(())
    })
    .await?;
    clips.reverse(); // what is followed is read from top to bottom
    show(&clips, args.json)?;
    let mut seen = Seen::new(picture, &clips);
    loop {
        match watch.next().await? {
            News::Picture(picture) => {
                let mut news = seen.news(&picture);
                news.retain(|clip| args.camera.as_ref().is_none_or(|camera| clip.camera == *camera));
                news.retain(|clip| query::has_words(&args.find, &[&clip.name, &clip.trigger, &clip.subject]));
                show(&news, args.json)?;
            }
            News::Lost(reason) => eprintln!("nvr: waiting for the recorder, which is gone: {reason}"),
            News::Back => eprintln!("nvr: the recorder can be reached again"),
        }
    }
}

/// Clips that are no news any more.
struct Seen {
    keys: BTreeSet<ClipKey>,
    /// What began before this is not news either: it was there, and is only seen again because others are gone.
    since: Wall,
}

impl Seen {
    /// All that is closed now has been seen or was not wanted; what still grows is news once it is closed.
    fn new(picture: &Snapshot, shown: &[ClipView]) -> Self {
        let oldest = picture.clips.iter().map(|clip| clip.start).min();
        let since = oldest.and_then(|oldest| oldest.checked_sub(PRE_ROLL).ok()).unwrap_or(Wall::MIN);
        let closed = picture.clips.iter().filter(|clip| !clip.open);
        Self { keys: closed.chain(shown).map(ClipKey::of).collect(), since }
    }

    /// Clips that were closed since the last look, oldest first.
    fn news(&mut self, picture: &Snapshot) -> Vec<ClipView> {
        let closed = picture.clips.iter().filter(|clip| !clip.open && clip.start >= self.since);
        let mut news: Vec<_> = closed.filter(|clip| self.keys.insert(ClipKey::of(clip))).cloned().collect();
        while self.keys.len() > REMEMBERED
            && let Some(oldest) = self.keys.pop_first()
        {
            self.since = self.since.max(oldest.start);
        }
        news.sort_by_key(ClipKey::of);
        news
    }
}

fn show(clips: &[ClipView], json: bool) -> Result<()> {
    if json {
        return clips.iter().try_for_each(|clip| out::json(&ClipLine::from(clip)));
    }
    let zone = TimeZone::system();
    let rows: Vec<_> = clips.iter().map(|clip| row(clip, &zone)).collect();
    out::lines(table::lines(&rows))
}

/// A clip in a list.
pub fn row(clip: &ClipView, zone: &TimeZone) -> [String; 7] {
    let missing = clip.missing.as_millis().div_ceil(100) as f64 / 10.0; // a loss is never told smaller than it is
    let notes = [
        clip.open.then(|| "growing".to_owned()),
        clip.interrupted.then(|| "interrupted".to_owned()),
        clip.protected.then(|| "protected".to_owned()),
        (missing > 0.0 && !clip.open).then(|| format!("{missing:.1} s missing")),
    ];
    [
        table::moment(clip.start, zone),
        fit_for_screen(&clip.name, SHOWN),
        table::length(clip.length),
        table::size(clip.bytes),
        fit_for_screen(&clip.trigger, SHOWN),
        notes.into_iter().flatten().collect::<Vec<_>>().join(", "),
        fit_for_screen(&clip.subject, SHOWN),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_named_by_its_name_its_file_or_as_the_last() {
        let name = |text: &str| Named::Name(ClipName(text.to_owned()));
        assert_eq!("garden_2026.mp4".parse(), Ok(name("garden_2026")));
        assert_eq!("garden_2026".parse(), Ok(name("garden_2026")));
        assert_eq!("garden@last".parse(), Ok(Named::Last("garden".parse().expect("a name"))));
        assert!("garden@first".parse::<Named>().expect_err("not known").contains("garden@last"));
        assert!("Garden@last".parse::<Named>().expect_err("no camera").contains("cannot name a camera"));
        assert!("garden@last".parse::<ClipName>().expect_err("not exact").contains("nvr clips garden"));
    }
}
