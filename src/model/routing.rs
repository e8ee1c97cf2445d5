//! Which camera a mail means.
//!
//! In this order, the first that knows wins: the recipient's local part, the rules in `nvr.toml`, the address that sent
//! it, and the fact that there is only one camera. A rule with a `to` comes before a name, for somebody wrote it about
//! that very recipient; one without leaves a mail alone that names its camera. So a recorder box, which sends for many
//! cameras from one address and perhaps to one recipient, is told apart by rules, and no rule that was written for it
//! can take away another camera's mail. When nobody knows, every camera is meant, since too much footage can be deleted
//! and too little cannot be had back; and the owner is given the line that settles it.

use super::event::Mail;
use super::id::CameraName;
use super::rule::{local_part, recipients};
use super::settings::Camera;
use super::text::fit_for_screen;
use super::transcript::{Field, Fix};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Where a mail leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// To these cameras, each once, in the order of the configuration, with the reason.
    To(Vec<(CameraName, Because)>),
    /// To every camera, because nothing tells them apart: why, with the line to put into `nvr.toml`.
    All(String),
}

/// How a mail's camera was recognised; shows itself in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// This recipient names it, or one of its aliases.
    Recipient(String),
    /// This rule of its `mail` holds, as it is written.
    Rule(String),
    /// The peer is the host of its source.
    Peer(IpAddr),
    /// There is no other.
    OnlyCamera,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Because::Recipient(to) => write!(f, "recipient {}", fit_for_screen(to, SHOWN)),
            Because::Rule(rule) => write!(f, "rule {}", fit_for_screen(rule, RULE_SHOWN)),
            Because::Peer(peer) => write!(f, "sent by {peer}, the host of its source"),
            Because::OnlyCamera => f.write_str("the only camera"),
        }
    }
}

/// Characters of an address that a sentence shows.
const SHOWN: usize = 64;
/// Characters of a rule.
const RULE_SHOWN: usize = 120;
/// From here on a word is taken for another one that was mistyped.
const LIKE: f64 = 0.8;

/// Which cameras `mail` means.
///
/// `hosts` are the addresses to which the host names of sources were resolved, any number a camera; hosts that are
/// addresses already need no entry. Several cameras may share a host (the channels of one recorder box): a mail from
/// there that names none of them, and for which no rule holds, means all of those.
pub fn route(mail: &Mail, cameras: &[Arc<Camera>], hosts: &[(CameraName, IpAddr)]) -> Route {
    let addressed = addressed(mail, cameras);
    if !addressed.is_empty() {
        return Route::To(addressed);
    }
    let holding = |camera: &Arc<Camera>| {
        let rule = camera.mail.iter().find(|rule| rule.fits(mail))?;
        Some((camera.name.clone(), Because::Rule(rule.to_string())))
    };
    let ruled: Vec<_> = cameras.iter().filter_map(holding).collect();
    if !ruled.is_empty() {
        return Route::To(ruled);
    }
    let peer = mail.peer.to_canonical();
    let near = cameras.iter().filter(|camera| lives_at(camera, peer, hosts));
    let near: Vec<_> = near.map(|camera| (camera.name.clone(), Because::Peer(peer))).collect();
    if !near.is_empty() {
        return Route::To(near);
    }
    match cameras {
        [only] => Route::To(vec![(only.name.clone(), Because::OnlyCamera)]),
        _ => Route::All(remedy(mail, cameras)),
    }
}

/// The cameras that a mail is addressed to: of each recipient those whose rules are about it, and else those that it
/// names.
///
/// `garden+night@nvr` means `garden`, as mail systems have it, unless it is itself somebody's alias.
fn addressed(mail: &Mail, cameras: &[Arc<Camera>]) -> Vec<(CameraName, Because)> {
    let mut by: Vec<Option<Because>> = vec![None; cameras.len()];
    for to in recipients(mail) {
        let rules = cameras.iter().map(|camera| camera.mail.iter().find(|rule| rule.is_about(to) && rule.fits(mail)));
        let ruled: Vec<_> = rules.collect();
        let named = ruled.iter().all(Option::is_none);
        let word = local_part(to).to_lowercase();
        let tagless = word.split('+').next().unwrap_or_default();
        let exact = cameras.iter().any(|camera| is_called(camera, &word));
        let word = if exact { word.as_str() } else { tagless };
        for ((camera, rule), by) in cameras.iter().zip(ruled).zip(&mut by) {
            let because = match rule {
                Some(rule) => Some(Because::Rule(rule.to_string())),
                None => (named && is_called(camera, word)).then(|| Because::Recipient(to.to_owned())),
            };
            *by = by.take().or(because);
        }
    }
    let by = cameras.iter().zip(by);
    by.filter_map(|(camera, because)| Some((camera.name.clone(), because?))).collect()
}

/// Whether `word`, in lower case, is the camera's name or one of its aliases.
fn is_called(camera: &Camera, word: &str) -> bool {
    camera.name.as_str() == word || camera.alias.iter().any(|alias| alias == word)
}

/// Whether `peer` is the host of a camera's source.
fn lives_at(camera: &Camera, peer: IpAddr, hosts: &[(CameraName, IpAddr)]) -> bool {
    let literal = camera.source.host().and_then(|host| host.split('%').next()?.parse::<IpAddr>().ok());
    literal.is_some_and(|host| host.to_canonical() == peer)
        || hosts.iter().any(|(name, host)| *name == camera.name && host.to_canonical() == peer)
}

/// How a mail like this, of which nobody knows which camera it means, finds its camera; `None`: it says nothing by which
/// it could be known.
///
/// A recipient of its own is the surest sign. Where there is none that can be written down, it is the address that
/// sends, unless that is this machine, where a relay speaks for many; and else who it says it is.
pub fn advice(mail: &Mail, cameras: &[Arc<Camera>]) -> Option<Fix> {
    let words = recipients(mail).map(|to| local_part(to).to_lowercase());
    let words: Vec<_> = words.filter(|word| is_plain(word)).collect();
    let likely = words.iter().find_map(|word| Some((word, nearest(word, cameras)?)));
    if let Some((word, camera)) = likely {
        return Some(Fix::Alias { camera: Some(camera), word: word.clone() });
    }
    let peer = mail.peer.to_canonical();
    let rule = |by, value| Fix::Mail { camera: None, by, value };
    match words.into_iter().next() {
        Some(word) => Some(Fix::Alias { camera: None, word }),
        None if !peer.is_loopback() => Some(rule(Field::Peer, peer.to_string())),
        None => is_plain(&mail.from.replace('@', "")).then(|| rule(Field::From, mail.from.clone())),
    }
}

/// Whether a word can be written into the file as it is.
fn is_plain(word: &str) -> bool {
    (1..=SHOWN).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// The camera whose name or alias is most like a word, if it is very like it.
fn nearest(word: &str, cameras: &[Arc<Camera>]) -> Option<CameraName> {
    let bare = |word: &str| word.replace(['-', '_', '.'], "");
    let word = bare(word);
    let likeness = |camera: &Arc<Camera>| {
        let names = std::iter::once(camera.name.as_str()).chain(camera.alias.iter().map(String::as_str));
        names.map(|name| strsim::normalized_damerau_levenshtein(&bare(name), &word)).fold(0.0, f64::max)
    };
    let mut likely: Vec<_> = cameras.iter().map(|camera| (likeness(camera), camera)).collect();
    likely.sort_by(|a, b| b.0.total_cmp(&a.0));
    match likely.as_slice() {
        // Of two that are alike it may be either: camera-1 and camera-2 for camera-3.
        [first, second, ..] if first.0 == second.0 => None,
        [first, ..] => (first.0 >= LIKE).then(|| first.1.name.clone()),
        [] => None,
    }
}

/// Why nobody knows, and the line that settles it.
fn remedy(mail: &Mail, cameras: &[Arc<Camera>]) -> String {
    let peer = mail.peer.to_canonical();
    let shown = match fit_for_screen(recipients(mail).next().unwrap_or_default(), SHOWN) {
        empty if empty.is_empty() => "nobody".to_owned(),
        shown => shown,
    };
    let from = format!("a mail from {peer} to {shown}");
    let Some(first) = cameras.first() else {
        return format!("{from} came, and there is no camera (add one to nvr.toml)");
    };
    let what = format!("{from} names no camera, so all are meant");
    match advice(mail, cameras) {
        Some(fix) => {
            let whose = fix.camera().map_or(String::new(), |camera| format!("if {camera} is meant, "));
            format!("{what} ({whose}add to its [[camera]] in nvr.toml: {})", fix.line())
        }
        None => {
            let name = &first.name;
            format!("{what} (set the recipient in that camera to its name in nvr.toml, such as {name}@nvr)")
        }
    }
}

#[cfg(test)]
mod tests;
