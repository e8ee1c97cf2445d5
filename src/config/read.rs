//! The keys of the file, their defaults and their ranges, section by section.

use super::check::{self, Places};
use super::section::{Notes, Section};
use super::{ConfigError, Env, Loaded, mail, rules, source, value, xdg};
use crate::model::id::CameraName;
use crate::model::settings::{Archive, Audio, Camera, Recorder, Ring, Settings, Share, Source, Trigger};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// What a file is read with.
pub(super) struct Context<'a> {
    /// The file as sentences call it.
    pub(super) name: &'a Path,
    /// From where relative paths go.
    pub(super) base: &'a Path,
    pub(super) env: Env<'a>,
    /// Everybody on this machine can read the file.
    pub(super) open_to_all: bool,
}

/// Most cameras of one recorder: each has a process, a ring and a share of the screen.
const MAX_CAMERAS: usize = 1000;

/// Most options and aliases of a camera, and the longest alias in bytes: that of a mail's local part.
const MAX_WORDS: usize = 64;

pub(super) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(super) const HOUR: Duration = secs(3600);
pub(super) const DAY: Duration = secs(24 * 3600);

/// Settings out of a file's text.
pub(super) fn settings(text: &str, context: &Context) -> Result<Loaded, ConfigError> {
    let notes = Notes::new(context.name, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if let Some(error) = errors.first() {
        // What follows after the first one is guesswork. The message never quotes the file.
        let at = error.span().map_or(text.len(), |span| span.start);
        notes.mistake(at, format!("this is not TOML: {} (nvr.toml.example shows how it is written)", syntax(error)));
        return Err(ConfigError(notes.into_sentences().0));
    }
    let mut top = Section::new(String::new(), 0, table.into_inner(), &notes);
    let (mut ring, mut trigger) = (top.section("ring"), top.section("trigger"));
    let (mut archive, mut smtp, mut recorder) = (top.section("archive"), top.section("smtp"), top.section("recorder"));
    let places = Places {
        ring_dir: ring.place("dir"),
        slots: ring.place("slots"),
        archive_dir: archive.place("dir"),
        keep: archive.place("keep"),
        tls_listen: smtp.place("tls_listen"),
        cameras: vec![],
    };
    let trigger_table = trigger_keys(&mut trigger, &default_trigger());
    let mut found = Settings {
        ring: ring_keys(&mut ring, context),
        archive: archive_keys(&mut archive, context),
        smtp: mail::smtp_keys(&mut smtp, context),
        recorder: recorder_keys(&mut recorder, context),
        cameras: Vec::new(),
    };
    let silence = silence(&mut recorder, None);
    let cameras = cameras(&mut top, (&trigger_table, silence), context, &notes);
    for section in [top, ring, trigger, archive, smtp, recorder] {
        section.finish();
    }
    let places = Places { cameras: cameras.iter().map(|(at, _)| *at).collect(), ..places };
    found.cameras = cameras.into_iter().map(|(_, camera)| Arc::new(camera)).collect();
    check::names(&found, &places, &notes);
    if !notes.has_mistakes() {
        check::together(&found, &trigger_table, &places, &notes);
    }
    let (mistakes, warnings) = notes.into_sentences();
    if mistakes.is_empty() { Ok(Loaded { settings: found, warnings }) } else { Err(ConfigError(mistakes)) }
}

/// What the parser says in one line, without the names that it may take out of the file.
fn syntax(error: &toml::de::Error) -> String {
    let first = error.message().lines().next().unwrap_or_default();
    // What it expects instead is often nothing, or a list of signs that is cut off in the middle.
    let first = first.split(", expected").next().unwrap_or_default();
    let sign = |at: &usize| first[*at..].starts_with(" `=`");
    let end = first.find(" `").filter(|at| !sign(at)).unwrap_or(first.len());
    let text: String = first[..end].trim_end_matches([',', ':', ' ']).chars().take(120).collect();
    if text.is_empty() { "this line cannot be read".to_owned() } else { text }
}

fn default_trigger() -> Trigger {
    Trigger {
        pre_roll: secs(10),
        post_roll: secs(50),
        max_clip: secs(600),
        cooldown: Duration::ZERO,
        armed: true,
        budget: Some(HOUR * 12),
    }
}

fn ring_keys(ring: &mut Section, context: &Context) -> Ring {
    Ring {
        dir: ring.get("dir", PathBuf::from("/dev/shm/nvr"), |v| value::directory(v, context.base)),
        segment: ring.get("segment", secs(10), |v| value::duration(v, secs(1)..=secs(300))),
        slots: ring.get("slots", 10, |v| value::whole(v, 2..=1000)),
        backlog: ring.get("backlog", Share::Fraction(0.25), value::share),
    }
}

/// `[trigger]`, and a camera's own `trigger`, which changes what `[trigger]` says.
fn trigger_keys(trigger: &mut Section, base: &Trigger) -> Trigger {
    let budget = trigger.get("budget", base.budget.unwrap_or_default(), |v| value::duration(v, Duration::ZERO..=DAY));
    Trigger {
        budget: (!budget.is_zero()).then_some(budget),
        pre_roll: trigger.get("pre_roll", base.pre_roll, |v| value::duration(v, Duration::ZERO..=HOUR)),
        post_roll: trigger.get("post_roll", base.post_roll, |v| value::duration(v, Duration::ZERO..=DAY)),
        max_clip: trigger.get("max_clip", base.max_clip, |v| value::duration(v, secs(2)..=DAY)),
        cooldown: trigger.get("cooldown", base.cooldown, |v| value::duration(v, Duration::ZERO..=DAY)),
        armed: trigger.get("armed", base.armed, value::truth),
    }
}

fn archive_keys(archive: &mut Section, context: &Context) -> Archive {
    let keep = archive.get("keep", 30 * DAY, |v| value::duration(v, Duration::ZERO..=36_500 * DAY));
    let max_size = archive.get("max_size", 0, value::size);
    archive.get("finish", (), |v| match v.as_str() {
        Some("none") => Ok(()),
        Some("faststart") => Err("\"faststart\" comes with a later version (write \"none\")".into()),
        _ => Err("is not a way to finish a clip (write \"none\")".into()),
    });
    Archive {
        dir: archive.get("dir", PathBuf::from("/var/lib/nvr/clips"), |v| value::directory(v, context.base)),
        keep: (!keep.is_zero()).then_some(keep),
        max_size: (max_size > 0).then_some(max_size),
        min_free: archive.get("min_free", 5 << 30, value::size),
        silence: silence(archive, None),
    }
}

fn recorder_keys(recorder: &mut Section, context: &Context) -> Recorder {
    let given = recorder.get("state_dir", None, |v| value::path(v, context.base));
    let state_dir = given.or_else(|| state_dir(context.env)).unwrap_or_else(|| {
        let remedy = "write the path of a directory, or set HOME";
        recorder.notes.mistake(recorder.at, format!("recorder.state_dir: there is no home to keep it in ({remedy})"));
        PathBuf::new()
    });
    Recorder {
        state_dir,
        socket: recorder.get("socket", None, |v| value::socket(v, context.base)),
        ffmpeg: recorder.get("ffmpeg", PathBuf::from("ffmpeg"), |v| value::program(v, context.base)),
    }
}

/// Where a service or a user keeps state. systemd may name several directories; the first is ours.
fn state_dir(env: Env) -> Option<PathBuf> {
    let service = env("STATE_DIRECTORY").and_then(|list| list.split(':').next().map(PathBuf::from));
    let service = service.filter(|path| path.is_absolute());
    service.or_else(|| xdg(env, "XDG_STATE_HOME", ".local/state").map(|home| home.join("nvr")))
}

/// What holds for a camera that does not say it itself: `[trigger]`, and how long it may be silent.
type Base<'a> = (&'a Trigger, Option<Duration>);

/// All cameras that could be read, each with the place of its block.
fn cameras(top: &mut Section, base: Base, context: &Context, notes: &Notes) -> Vec<(usize, Camera)> {
    let blocks = top.sections("camera");
    if let Some(block) = blocks.get(MAX_CAMERAS) {
        notes.mistake(
            block.at,
            format!("there are more than {MAX_CAMERAS} cameras (run a second recorder for the others)"),
        );
    }
    let one = |mut block: Section| {
        let at = block.at;
        let camera = camera(&mut block, base, context);
        block.finish();
        camera.map(|camera| (at, camera))
    };
    blocks.into_iter().take(MAX_CAMERAS).filter_map(one).collect()
}

fn camera(block: &mut Section, (base, may_be_silent): Base, context: &Context) -> Option<Camera> {
    let (at, notes) = (block.at, block.notes);
    let needed =
        |key: &str, example: &str| notes.mistake(at, format!("camera.{key} is missing (write {key} = {example})"));
    let (has_name, has_source) = (block.place("name").is_some(), block.place("source").is_some());
    if !has_name {
        needed("name", "\"front-door\"");
    }
    if !has_source {
        needed("source", "\"rtsp://…\"");
    }
    let name = block.take("name", |v| CameraName::try_from(value::text(v)?.to_owned()).map_err(|bad| bad.to_string()));
    let source = block.take("source", |v| source::expand(value::text(v)?, context.base, context.env));
    let alias = block.get("alias", Vec::new(), aliases);
    let mail = rules::rules(block, "mail");
    let input_args = block.get("input_args", Vec::new(), |v| input_args(v, source.as_ref().map(|it| &it.value.source)));
    let audio = block.get("audio", Audio::Copy, value::audio);
    let silence = silence(block, may_be_silent);
    let mut own = block.section("trigger");
    let trigger = trigger_keys(&mut own, base);
    own.finish();
    let (name, source) = (name?.value, source?);
    if source.value.in_clear && context.open_to_all {
        let file = context.name.display();
        notes.warning(
            source.at,
            format!("camera.source: everybody on this machine can read this password (run: chmod o= {file})"),
        );
    }
    Some(Camera { name, alias, mail, source: source.value.source, input_args, audio, silence, trigger })
}

/// How long something may be silent; no time at all stands for all time.
fn silence(section: &mut Section, base: Option<Duration>) -> Option<Duration> {
    let given = section.get("silence", base.unwrap_or_default(), |v| value::duration(v, Duration::ZERO..=36_500 * DAY));
    (!given.is_zero()).then_some(given)
}

fn aliases(value: &DeValue) -> Result<Vec<String>, String> {
    let words = value::list(value)?;
    let fits = |word: &String| {
        (1..=MAX_WORDS).contains(&word.len()) && !word.chars().any(|c| c == '@' || c.is_whitespace() || c.is_control())
    };
    if words.len() > MAX_WORDS || !words.iter().all(fits) {
        return Err("holds what cannot stand before the @ of an address (write for example [\"camera1\"])".into());
    }
    Ok(words.iter().map(|word| word.to_lowercase()).collect())
}

fn input_args(value: &DeValue, source: Option<&Source>) -> Result<Vec<String>, String> {
    use crate::model::settings::SourceKind;
    let words = value::list(value)?;
    let bad = |word: &String| word.len() > 1024 || word.chars().any(char::is_control);
    if words.len() > MAX_WORDS || words.iter().any(bad) {
        return Err("holds too many or too long options (write for example [\"-f\", \"flv\"])".into());
    }
    if !words.is_empty() && source.is_some_and(|source| source.kind() == SourceKind::Rtsp) {
        return Err("is not for rtsp, where the password's hiding place leaves no room for it (leave it out)".into());
    }
    Ok(words)
}
