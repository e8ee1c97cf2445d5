//! Which camera a mail means.
//!
//! In this order, the first that knows wins: the recipient's local part, the address that sent it, and the fact that
//! there is only one camera. When none knows, every camera is meant, since too much footage can be deleted and too
//! little cannot be had back; and the owner is given the line that settles it.

use super::event::Mail;
use super::id::CameraName;
use super::settings::Camera;
use super::text::fit_for_screen;
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
    /// The peer is the host of its source.
    Peer(IpAddr),
    /// There is no other.
    OnlyCamera,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Because::Recipient(to) => write!(f, "recipient {}", fit_for_screen(to, SHOWN)),
            Because::Peer(peer) => write!(f, "sent by {peer}, the host of its source"),
            Because::OnlyCamera => f.write_str("the only camera"),
        }
    }
}

/// Characters of an address that a sentence shows.
const SHOWN: usize = 64;

/// Which cameras `mail` means.
///
/// `hosts` are the addresses to which the host names of sources were resolved, any number a camera; hosts that are
/// addresses already need no entry. Several cameras may share a host (the channels of one recorder box): a mail from
/// there that names none of them means all of those.
pub fn route(mail: &Mail, cameras: &[Arc<Camera>], hosts: &[(CameraName, IpAddr)]) -> Route {
    let named = named(mail, cameras);
    if !named.is_empty() {
        return Route::To(named);
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

/// The recipients. Cameras whose form has one field for all put several into one, as `a@nvr;b@nvr`.
fn recipients(mail: &Mail) -> impl Iterator<Item = &str> {
    mail.to.iter().flat_map(|to| to.split([';', ','])).map(str::trim)
}

/// What stands before the `@`, without quotes.
fn local_part(to: &str) -> &str {
    to.rsplit_once('@').map_or(to, |(local, _)| local).trim_matches('"')
}

/// The cameras that recipients name, each with the first recipient that does.
///
/// `garden+night@nvr` means `garden`, as mail systems have it, unless it is itself somebody's alias.
fn named(mail: &Mail, cameras: &[Arc<Camera>]) -> Vec<(CameraName, Because)> {
    let mut by: Vec<Option<&str>> = vec![None; cameras.len()];
    for to in recipients(mail) {
        let word = local_part(to).to_lowercase();
        let tagless = word.split('+').next().unwrap_or_default();
        let exact = cameras.iter().any(|camera| is_called(camera, &word));
        let word = if exact { word.as_str() } else { tagless };
        for (camera, by) in cameras.iter().zip(&mut by) {
            if by.is_none() && is_called(camera, word) {
                *by = Some(to);
            }
        }
    }
    let named = cameras.iter().zip(by);
    named.filter_map(|(camera, by)| Some((camera.name.clone(), Because::Recipient(by?.to_owned())))).collect()
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

/// Why nobody knows, and the line that settles it.
fn remedy(mail: &Mail, cameras: &[Arc<Camera>]) -> String {
    let peer = mail.peer.to_canonical();
    let to = recipients(mail).next().unwrap_or_default();
    let shown = match fit_for_screen(to, SHOWN) {
        empty if empty.is_empty() => "nobody".to_owned(),
        shown => shown,
    };
    let word = local_part(to).to_lowercase();
    let plain = (1..=SHOWN).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    match (cameras.first(), plain) {
        (None, _) => format!("a mail from {peer} to {shown} came, and there is no camera (add one to nvr.toml)"),
        (Some(_), true) => format!(
            "a mail from {peer} to {shown} names no camera, so all are meant (add to its [[camera]] in nvr.toml: \
             alias = [\"{word}\"])"
        ),
        (Some(first), false) => format!(
            "a mail from {peer} to {shown} names no camera, so all are meant (set the recipient in that camera to its \
             name in nvr.toml, such as {}@nvr)",
            first.name
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::{Audio, Source, Trigger};
    use proptest::prelude::*;
    use rstest::rstest;
    use std::time::Duration;

    fn camera(name: &str, alias: &[&str], source: &str) -> Arc<Camera> {
        let trigger = Trigger {
            pre_roll: Duration::from_secs(10),
            post_roll: Duration::from_secs(50),
            max_clip: Duration::from_secs(600),
            cooldown: Duration::ZERO,
            armed: true,
        };
        Arc::new(Camera {
            name: name.parse().expect("a name"),
            alias: alias.iter().map(|word| (*word).to_owned()).collect(),
            source: Source::new(source.into()),
            input_args: Vec::new(),
            audio: Audio::Copy,
            silence: None,
            trigger,
        })
    }

    fn mail(peer: &str, to: &[&str]) -> Mail {
        Mail {
            peer: peer.parse().expect("an address"),
            from: "cam@example".into(),
            to: to.iter().map(|word| (*word).to_owned()).collect(),
            subject: String::new(),
            waited: Duration::ZERO,
            cut_off: false,
        }
    }

    fn house() -> Vec<Arc<Camera>> {
        vec![
            camera("front-door", &["alarm", "haustür"], "rtsp://u:p@192.168.1.20:554/a"),
            camera("garden", &[], "rtsp://[fd00::9]/a"),
            camera("hall", &[], "rtsp://192.168.1.50/ch1"),
            camera("attic", &["garden+attic"], "rtsp://192.168.1.50/ch2"),
            camera("yard", &[], "http://yard.lan/video"),
        ]
    }

    /// Cameras and reasons on one line, as `name: reason`.
    fn told(route: Route) -> String {
        match route {
            Route::To(to) => to.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join("; "),
            Route::All(why) => format!("ALL {why}"),
        }
    }

    #[rstest]
    #[case::name("10.0.0.1", &["garden@nvr.local"], "garden: recipient garden@nvr.local")]
    #[case::any_case("10.0.0.1", &["Front-Door@NVR"], "front-door: recipient Front-Door@NVR")]
    #[case::alias("10.0.0.1", &["ALARM@x"], "front-door: recipient ALARM@x")]
    #[case::alias_beyond_ascii("10.0.0.1", &["HAUSTÜR@x"], "front-door: recipient HAUSTÜR@x")]
    #[case::no_domain("10.0.0.1", &["garden"], "garden: recipient garden")]
    #[case::tag("10.0.0.1", &["hall+motion@x"], "hall: recipient hall+motion@x")]
    #[case::tag_that_is_an_alias("10.0.0.1", &["garden+attic@x"], "attic: recipient garden+attic@x")]
    #[case::quoted("10.0.0.1", &["\"garden\"@x"], "garden: recipient \"garden\"@x")]
    #[case::several("10.0.0.1", &["hall@x", "garden@x", "hall@y"], "garden: recipient garden@x; hall: recipient hall@x")]
    #[case::several_in_one("10.0.0.1", &["hall@x; garden@x"], "garden: recipient garden@x; hall: recipient hall@x")]
    #[case::known_and_unknown("10.0.0.1", &["me@home", "hall@x"], "hall: recipient hall@x")]
    #[case::name_before_peer("192.168.1.20", &["garden@x"], "garden: recipient garden@x")]
    #[case::peer("192.168.1.20", &["me@home"], "front-door: sent by 192.168.1.20, the host of its source")]
    #[case::mapped_peer("::ffff:192.168.1.20", &["me@home"], "front-door: sent by 192.168.1.20, the host of its source")]
    #[case::peer_v6("fd00::9", &["me@home"], "garden: sent by fd00::9, the host of its source")]
    #[case::resolved("192.168.1.77", &["me@home"], "yard: sent by 192.168.1.77, the host of its source")]
    #[case::a_box_of_channels("192.168.1.50", &[""],
        "hall: sent by 192.168.1.50, the host of its source; attic: sent by 192.168.1.50, the host of its source")]
    #[case::unknown("10.0.0.1", &["Kamera2@nvr"],
        "ALL a mail from 10.0.0.1 to Kamera2@nvr names no camera, so all are meant \
         (add to its [[camera]] in nvr.toml: alias = [\"kamera2\"])")]
    #[case::unknown_and_odd("10.0.0.1", &["\x1b[2J\"\n]@x"],
        "ALL a mail from 10.0.0.1 to [2J\" ]@x names no camera, so all are meant \
         (set the recipient in that camera to its name in nvr.toml, such as front-door@nvr)")]
    #[case::nobody("10.0.0.1", &[""],
        "ALL a mail from 10.0.0.1 to nobody names no camera, so all are meant \
         (set the recipient in that camera to its name in nvr.toml, such as front-door@nvr)")]
    fn which_camera(#[case] peer: &str, #[case] to: &[&str], #[case] expected: &str) {
        let hosts = [("yard".parse().expect("a name"), "::ffff:192.168.1.77".parse().expect("an address"))];
        assert_eq!(told(route(&mail(peer, to), &house(), &hosts)), expected);
    }

    #[test]
    fn one_camera_needs_no_address_and_none_says_so() {
        let one = [camera("garden", &[], "garden.mp4")];
        assert_eq!(told(route(&mail("10.0.0.1", &["x@y"]), &one, &[])), "garden: the only camera");
        let none = told(route(&mail("10.0.0.1", &["x@y"]), &[], &[]));
        assert_eq!(none, "ALL a mail from 10.0.0.1 to x@y came, and there is no camera (add one to nvr.toml)");
    }

    proptest! {
        #[test]
        fn every_mail_leads_somewhere_and_says_why_briefly(to in proptest::collection::vec(any::<String>(), 1..4)) {
            let to: Vec<&str> = to.iter().map(String::as_str).collect();
            match route(&mail("10.0.0.1", &to), &house(), &[]) {
                Route::To(cameras) => prop_assert!(!cameras.is_empty()),
                Route::All(why) => prop_assert!(why.chars().count() < 300 && !why.contains(char::is_control)),
            }
        }
    }
}
