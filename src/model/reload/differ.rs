//! In what two configurations differ, and what follows from it, in words.
//!
//! Every key is named in a pattern, so that the compiler asks of a new one whether it can change while the recorder runs.

use crate::model::id::CameraName;
use crate::model::settings::{Archive, Camera, Certificate, Login, Recorder, Ring, Settings, Smtp, Tls, Trigger};
use std::sync::Arc;

/// So many cameras are named one by one.
const NAMED: usize = 8;

/// Keys that are no camera's and have changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// They count at once.
    now: Vec<&'static str>,
    /// They count from the next start.
    later: Vec<&'static str>,
}

impl Keys {
    fn now(&mut self, key: &'static str, differs: bool) {
        self.now.extend(differs.then_some(key));
    }

    fn later(&mut self, key: &'static str, differs: bool) {
        self.later.extend(differs.then_some(key));
    }
}

/// What a recorder with the settings `old` goes on with when its file says `new`: that, but for what cannot change while
/// it runs.
pub(super) fn adopted(old: &Settings, new: &Settings, keys: &mut Keys) -> Settings {
    let Settings { ring, archive, smtp, recorder, cameras } = new;
    Settings {
        ring: adopted_ring(&old.ring, ring, keys),
        archive: adopted_archive(&old.archive, archive, keys),
        smtp: adopted_smtp(&old.smtp, smtp, keys),
        recorder: adopted_recorder(&old.recorder, recorder, keys),
        cameras: cameras.clone(),
    }
}

/// FFmpegs write by the ring's shape, and all numbering hangs on it.
fn adopted_ring(old: &Ring, new: &Ring, keys: &mut Keys) -> Ring {
    let Ring { dir, segment, slots, backlog } = new;
    keys.later("ring.dir", *dir != old.dir);
    keys.later("ring.segment", *segment != old.segment);
    keys.later("ring.slots", *slots != old.slots);
    keys.now("ring.backlog", *backlog != old.backlog);
    Ring { backlog: *backlog, ..old.clone() }
}

/// Clips that grow cannot move.
fn adopted_archive(old: &Archive, new: &Archive, keys: &mut Keys) -> Archive {
    let Archive { dir, keep, max_size, min_free, silence } = new;
    keys.later("archive.dir", *dir != old.dir);
    keys.now("archive.keep", *keep != old.keep);
    keys.now("archive.max_size", *max_size != old.max_size);
    keys.now("archive.min_free", *min_free != old.min_free);
    keys.now("archive.silence", *silence != old.silence);
    Archive { dir: old.dir.clone(), ..new.clone() }
}

/// A port below 1024 may have been opened with rights that are gone, and a key have been read with them.
fn adopted_smtp(old: &Smtp, new: &Smtp, keys: &mut Keys) -> Smtp {
    let Smtp { listen, allow, ignore, login, tls: Tls { listen: secure, certificate }, limits } = new;
    let cert = |certificate: &Option<Certificate>| certificate.as_ref().map(|files| files.cert.clone());
    let key = |certificate: &Option<Certificate>| certificate.as_ref().map(|files| files.key.clone());
    let user = |login: &Option<Login>| login.as_ref().map(|login| login.user.clone());
    let password = |login: &Option<Login>| login.as_ref().map(|login| login.password.clone());
    keys.later("smtp.listen", *listen != old.listen);
    keys.now("smtp.allow", *allow != old.allow);
    keys.now("smtp.ignore", *ignore != old.ignore);
    keys.now("smtp.user", user(login) != user(&old.login));
    keys.now("smtp.password", password(login) != password(&old.login));
    keys.later("smtp.tls_listen", *secure != old.tls.listen);
    keys.later("smtp.tls_cert", cert(certificate) != cert(&old.tls.certificate));
    keys.later("smtp.tls_key", key(certificate) != key(&old.tls.certificate));
    keys.now("smtp.limits", *limits != old.limits);
    Smtp { listen: old.listen, tls: old.tls.clone(), ..new.clone() }
}

/// Who looks for a recorder finds it where it began.
fn adopted_recorder(old: &Recorder, new: &Recorder, keys: &mut Keys) -> Recorder {
    let Recorder { state_dir, socket, ffmpeg } = new;
    keys.later("recorder.state_dir", *state_dir != old.state_dir);
    keys.later("recorder.socket", *socket != old.socket);
    keys.later("recorder.ffmpeg", *ffmpeg != old.ffmpeg);
    old.clone()
}

/// Whether only a new FFmpeg obeys what has changed.
pub(super) fn needs_ffmpeg(old: &Camera, new: &Camera) -> bool {
    old.source != new.source || old.input_args != new.input_args || old.audio != new.audio
}

/// The keys in which two blocks of one camera differ.
pub(super) fn camera_keys(old: &Camera, new: &Camera) -> Vec<&'static str> {
    let Camera { name: _, alias, mail, source, input_args, audio, silence, trigger } = new;
    let Trigger { pre_roll, post_roll, max_clip, cooldown, armed, budget } = trigger;
    let keys = [
        ("alias", *alias != old.alias),
        ("mail", *mail != old.mail),
        ("source", *source != old.source),
        ("input_args", *input_args != old.input_args),
        ("audio", *audio != old.audio),
        ("silence", *silence != old.silence),
        ("trigger.pre_roll", *pre_roll != old.trigger.pre_roll),
        ("trigger.post_roll", *post_roll != old.trigger.post_roll),
        ("trigger.max_clip", *max_clip != old.trigger.max_clip),
        ("trigger.cooldown", *cooldown != old.trigger.cooldown),
        ("trigger.budget", *budget != old.trigger.budget),
        (ARMED, *armed != old.trigger.armed),
    ];
    keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}

/// It decides once for each camera; from then on people do.
const ARMED: &str = "trigger.armed";

/// All that another file changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    added: Vec<CameraName>,
    changed: Vec<(CameraName, Vec<&'static str>)>,
    removed: Vec<CameraName>,
    /// The cameras stand in another order.
    moved: bool,
    keys: Keys,
    /// Cameras whose pre-roll is longer than the ring, until it changes too.
    too_long: Vec<CameraName>,
}

impl Change {
    /// From settings to those that are adopted, whose other `keys` have changed too.
    pub(super) fn between(old: &Settings, new: &Settings, keys: Keys) -> Self {
        fn of<'a>(cameras: &'a [Arc<Camera>], name: &CameraName) -> Option<&'a Arc<Camera>> {
            cameras.iter().find(|camera| camera.name == *name)
        }
        fn without(these: &[Arc<Camera>], others: &[Arc<Camera>]) -> Vec<CameraName> {
            let names = these.iter().map(|camera| camera.name.clone());
            names.filter(|name| of(others, name).is_none()).collect()
        }
        let stay = |these: &[Arc<Camera>], others: &[Arc<Camera>]| {
            let names = these.iter().map(|camera| camera.name.clone());
            names.filter(|name| of(others, name).is_some()).collect::<Vec<_>>()
        };
        let changed = new.cameras.iter().filter_map(|camera| {
            let keys = camera_keys(of(&old.cameras, &camera.name)?, camera);
            (!keys.is_empty()).then(|| (camera.name.clone(), keys))
        });
        let reach = new.ring.segment.saturating_mul(new.ring.slots.saturating_sub(2));
        let beyond = |camera: &&Arc<Camera>| camera.trigger.pre_roll > reach;
        Self {
            added: without(&new.cameras, &old.cameras),
            changed: changed.collect(),
            removed: without(&old.cameras, &new.cameras),
            moved: stay(&old.cameras, &new.cameras) != stay(&new.cameras, &old.cameras),
            too_long: new.cameras.iter().filter(beyond).map(|camera| camera.name.clone()).collect(),
            keys,
        }
    }

    /// One sentence for the person who had the file read.
    pub(super) fn sentence(&self, file: &str) -> String {
        let changed = |(name, keys): &(CameraName, Vec<&str>)| format!("{name} changed ({})", keys.join(", "));
        let mut parts = each(&self.added, "added", |name| format!("{name} added"));
        parts.extend(each(&self.changed, "changed", changed));
        parts.extend(each(&self.removed, "removed", |name| format!("{name} removed")));
        parts.extend(self.moved.then(|| "the cameras stand in another order".to_owned()));
        if !self.keys.now.is_empty() {
            parts.push(format!("{} changed", self.keys.now.join(", ")));
        }
        let later = self.later();
        let what = match (parts.is_empty(), later.is_empty()) {
            (true, true) => "nothing has changed".to_owned(),
            (true, false) => "nothing changes now".to_owned(),
            (false, _) => parts.join(", "),
        };
        let armed = self.changed.iter().any(|(_, keys)| keys.contains(&ARMED));
        let armed = armed.then_some("; trigger.armed decides for new cameras only (for others: nvr arm, nvr disarm)");
        format!("reloaded {file}: {what}{}{later}", armed.unwrap_or_default())
    }

    /// What counts from the next start only, with the remedy.
    fn later(&self) -> String {
        let keys = &self.keys.later;
        if keys.is_empty() {
            return String::new();
        }
        let verb = if keys.len() == 1 { "changes" } else { "change" };
        let short = match self.too_long.first() {
            Some(name) => format!(", and until then the ring is shorter than the pre_roll of {name}"),
            None => String::new(),
        };
        let remedy = "run: systemctl restart nvr, or without systemd: nvr stop, then nvr";
        format!("; {} {verb} at the next start{short} ({remedy})", keys.join(", "))
    }
}

/// A part of the sentence for each; for very many only how many there are.
fn each<T>(these: &[T], what: &str, one: impl Fn(&T) -> String) -> Vec<String> {
    match these.len() {
        many if many > NAMED => vec![format!("{many} cameras {what}")],
        _ => these.iter().map(one).collect(),
    }
}
