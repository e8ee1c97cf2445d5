//! Which camera a mail means, as a table.

use super::*;
use crate::model::rule::{Address, Rule, Words};
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
        budget: None,
    };
    Arc::new(Camera {
        name: name.parse().expect("a name"),
        alias: alias.iter().map(|word| (*word).to_owned()).collect(),
        mail: Vec::new(),
        source: Source::new(source.into()),
        input_args: Vec::new(),
        audio: Audio::Copy,
        silence: None,
        trigger,
    })
}

fn mail(peer: &str, to: &[&str]) -> Mail {
    let to = to.iter().map(|word| (*word).to_owned()).collect();
    Mail::bare(peer.parse().expect("an address"), "cam@example".into(), to)
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
#[case::like_a_name("10.0.0.1", &["Front_Dor@nvr"],
    "ALL a mail from 10.0.0.1 to Front_Dor@nvr names no camera, so all are meant \
     (if front-door is meant, add to its [[camera]] in nvr.toml: alias = [\"front_dor\"])")]
#[case::unknown_and_odd("10.0.0.1", &["\x1b[2J\"\n]@x"],
    "ALL a mail from 10.0.0.1 to [2J\" ]@x names no camera, so all are meant \
     (add to its [[camera]] in nvr.toml: mail = [{ peer = \"10.0.0.1\" }])")]
#[case::nobody("127.0.0.1", &[""],
    "ALL a mail from 127.0.0.1 to nobody names no camera, so all are meant \
     (add to its [[camera]] in nvr.toml: mail = [{ from = \"cam@example\" }])")]
fn which_camera(#[case] peer: &str, #[case] to: &[&str], #[case] expected: &str) {
    let hosts = [("yard".parse().expect("a name"), "::ffff:192.168.1.77".parse().expect("an address"))];
    assert_eq!(told(route(&mail(peer, to), &house(), &hosts)), expected);
}

/// One recorder box for four cameras, of which one has mail settings of its own, and what its owner wrote about that.
fn box_of_channels() -> Vec<Arc<Camera>> {
    let source = "rtsp://192.168.1.50/";
    let ruled = |name: &str, rules: &[Rule]| {
        let camera = Camera::clone(&camera(name, &[], source));
        Arc::new(Camera { mail: rules.to_vec(), ..camera })
    };
    let rule = Rule { from: Some(Address::new("nvr@box").expect("an address")), ..Rule::default() };
    let channel = |n: u32| Rule { subject: Some(Words::new(&format!("Channel {n}")).expect("words")), ..rule.clone() };
    let garage = Rule { to: Some(Address::new("yard").expect("an address")), ..channel(4) };
    vec![
        ruled("hall", &[channel(1)]),
        ruled("attic", &[channel(2), channel(3)]),
        ruled("yard", &[]),
        ruled("garage", &[garage]),
    ]
}

#[rstest]
#[case::rule_before_peer("nvr@box", &["me@home"], "Motion on Channel 1",
    "hall: rule { from = \"nvr@box\", subject = \"Channel 1\" }")]
#[case::any_of_several_rules("nvr@box", &["me@home"], "Motion on channel  3",
    "attic: rule { from = \"nvr@box\", subject = \"Channel 3\" }")]
#[case::all_that_hold("nvr@box", &["me@home"], "Channel 1, Channel 2",
    "hall: rule { from = \"nvr@box\", subject = \"Channel 1\" }; attic: rule { from = \"nvr@box\", subject = \"Channel 2\" }")]
#[case::not_every_key("cam@box", &["yard@nvr"], "Motion on Channel 1", "yard: recipient yard@nvr")]
#[case::a_name_before_rules_about_other_things("nvr@box", &["yard@nvr"], "Motion on Channel 1", "yard: recipient yard@nvr")]
#[case::a_rule_about_the_recipient_before_the_name("nvr@box", &["yard@nvr"], "Motion on Channel 4",
    "garage: rule { to = \"yard\", from = \"nvr@box\", subject = \"Channel 4\" }")]
#[case::of_each_recipient("nvr@box", &["yard@nvr", "attic@nvr"], "Motion on Channel 4",
    "attic: recipient attic@nvr; garage: rule { to = \"yard\", from = \"nvr@box\", subject = \"Channel 4\" }")]
fn rules_tell_apart_what_a_box_sends(
    #[case] from: &str,
    #[case] to: &[&str],
    #[case] subject: &str,
    #[case] led: &str,
) {
    let mail = Mail { from: from.into(), subject: subject.into(), ..mail("192.168.1.50", to) };
    assert_eq!(told(route(&mail, &box_of_channels(), &[])), led);
}

#[test]
fn a_channel_that_no_rule_knows_means_every_camera_of_the_box() {
    let mail = Mail { from: "nvr@box".into(), subject: "Channel 9".into(), ..mail("192.168.1.50", &["me@home"]) };
    let led = told(route(&mail, &box_of_channels(), &[]));
    assert_eq!(led.matches("sent by 192.168.1.50, the host of its source").count(), 4, "{led}");
}

#[rstest]
#[case::mistyped("camera2", Some("camera-2"), "alias = [\"camera2\"]")]
#[case::in_another_language("kamera-2", Some("camera-2"), "alias = [\"kamera-2\"]")]
#[case::like_an_alias("fron.door", Some("entry"), "alias = [\"fron.door\"]")]
#[case::like_two("camera-4", None, "alias = [\"camera-4\"]")]
#[case::like_nothing("me", None, "alias = [\"me\"]")]
#[case::cannot_be_written("\u{202e}\n", None, "mail = [{ peer = \"10.0.0.1\" }]")]
fn a_line_is_proposed_for_the_camera_that_is_most_likely_meant(
    #[case] word: &str,
    #[case] likely: Option<&str>,
    #[case] line: &str,
) {
    let cameras =
        [camera("camera-1", &[], "a.mp4"), camera("camera-2", &[], "b.mp4"), camera("entry", &["front-door"], "c.mp4")];
    let advice = advice(&mail("10.0.0.1", &[&format!("{word}@nvr")]), &cameras).expect("advice");
    assert_eq!((advice.camera().map(CameraName::as_str), advice.line().as_str()), (likely, line));
}

#[test]
fn behind_a_relay_the_sender_is_the_sign_and_without_any_there_is_none() {
    let relayed = Mail { from: "cam7@lan".into(), ..mail("127.0.0.1", &[""]) };
    let line = |mail: &Mail| advice(mail, &house()).map(|advice| advice.line());
    assert_eq!(line(&relayed).as_deref(), Some("mail = [{ from = \"cam7@lan\" }]"));
    assert_eq!(line(&Mail { from: String::new(), ..relayed }), None);
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
