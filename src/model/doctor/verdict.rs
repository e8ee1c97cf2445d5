//! The verdict on a mail, and the line for nvr.toml that would lead the next one to its camera.

use super::Doctor;
use crate::model::event::Mail;
use crate::model::id::CameraName;
use crate::model::orders::together;
use crate::model::question::Probe;
use crate::model::recorder::Recorder;
use crate::model::routing::{Route, advice, route};
use crate::model::rule::local_part;
use crate::model::settings::Camera;
use crate::model::text::fit_for_screen;
use crate::model::time::Mono;
use crate::model::transcript::{Fix, Grade, MailSeen, Verdict};
use std::sync::Arc;

/// Characters of a sentence.
const SENTENCE: usize = 600;
/// Characters of an address or a subject that are kept.
const SHOWN: usize = 160;

impl Recorder {
    /// What came of a mail is put down beside what was said on its connection.
    pub(in crate::model) fn examine(&mut self, now: Mono, mail: &Mail, route: &Route, outcome: &str) {
        let verdict = self.verdict(mail, route, outcome);
        let screen = |text: &str| fit_for_screen(text, SHOWN);
        let to = screen(mail.to.first().map_or("", String::as_str));
        let seen = MailSeen { from: screen(&mail.from), to, subject: screen(&mail.subject), verdict };
        self.doctor.mailed(now, mail.session, mail.peer, seen);
    }

    /// What would come of a mail that nobody has sent.
    pub(in crate::model) fn where_to(&self, now: Mono, probe: Probe) -> Verdict {
        let Probe { peer, from, to, subject, body } = probe;
        let mail = Mail { subject, body, ..Mail::bare(peer, from, vec![to]) };
        if !self.settings.smtp.allow.iter().any(|network| network.contains(&peer.to_canonical())) {
            let text = format!("refused: {peer} is not in smtp.allow (if it is a camera: add {peer})");
            return Verdict { grade: Grade::Amiss, text, fix: Some(Fix::Allow(peer)) };
        }
        let route = route(&mail, &self.settings.cameras, &self.hosts);
        let meant = |name: &CameraName| match &route {
            Route::To(hits) => hits.iter().any(|(hit, _)| hit == name),
            Route::All(_) => true,
        };
        let outcome = |camera: &crate::model::camera::Camera| {
            let ignored = camera.ignores(now).map(|why| format!("would be ignored: {why}"));
            (camera.settings.name.clone(), ignored.unwrap_or_else(|| "would be saved".to_owned()))
        };
        let outcomes: Vec<_> = self.cameras.iter().filter(|camera| meant(&camera.settings.name)).map(outcome).collect();
        let ignored = self.ignored(&mail, now);
        let outcome = match outcomes.as_slice() {
            _ if ignored.is_some() => ignored.unwrap_or_default(),
            [(_, outcome)] => outcome.clone(),
            several => together(several, self.settings.cameras.len()),
        };
        self.verdict(&mail, &route, &outcome)
    }

    /// What is to be said of a mail that was led there and had this outcome.
    fn verdict(&self, mail: &Mail, route: &Route, outcome: &str) -> Verdict {
        let cut = if mail.cut_off { ", though the mail broke off" } else { "" };
        match route {
            Route::To(hits) => {
                let mut why: Vec<_> = hits.iter().map(|(_, because)| because.to_string()).collect();
                why.dedup();
                let names: Vec<_> = hits.iter().map(|(name, _)| name.as_str()).collect();
                let grade = if outcome.contains("ignored") { Grade::Idle } else { Grade::Good };
                let text = format!("accepted for {} ({}): {outcome}{cut}", names.join(", "), why.join(", "));
                Verdict::new(grade, fit_for_screen(&text, SENTENCE))
            }
            Route::All(_) => {
                let cameras = &self.settings.cameras;
                let to = fit_for_screen(mail.to.first().map_or("", String::as_str), SHOWN);
                let fix = propose(mail, cameras, &self.doctor);
                let nearest = fix.as_ref().and_then(Fix::camera).map(|name| format!("; nearest {name}"));
                let remedy = match (&fix, cameras.first()) {
                    (Some(fix), Some(_)) => format!("add to {}: {}", fix.place(), fix.line()),
                    (None, Some(first)) => {
                        format!("in the camera: set the recipient to its name, such as {first}@nvr", first = first.name)
                    }
                    (_, None) => "add a camera to nvr.toml".to_owned(),
                };
                let nearest = nearest.unwrap_or_default();
                let text = format!("unknown recipient {to}{nearest}: all cameras are meant, {outcome}{cut} ({remedy})");
                Verdict { grade: Grade::Amiss, text: fit_for_screen(&text, SENTENCE), fix }
            }
        }
    }
}

/// The line by which a mail like this one finds its camera. A recipient to which other addresses send too tells no
/// cameras apart.
fn propose(mail: &Mail, cameras: &[Arc<Camera>], doctor: &Doctor) -> Option<Fix> {
    let fix = advice(mail, cameras)?;
    let Fix::Alias { word, .. } = &fix else { return Some(fix) };
    let shared = doctor.others(mail.peer, |other| local_part(&other.to).eq_ignore_ascii_case(word));
    let instead = shared.then(|| advice(&Mail { to: Vec::new(), ..mail.clone() }, cameras));
    instead.flatten().or(Some(fix))
}
