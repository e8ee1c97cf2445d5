//! What rules hold for.

use super::*;
use proptest::prelude::*;
use rstest::rstest;

fn mail() -> Mail {
    let to = vec!["Hall@nvr".into(), "cam2@nvr;haustür+night@nvr".into()];
    Mail {
        sender: "\"IP Camera\" <Channel-2@Box.lan>".into(),
        subject: "Motion Detected on Channel 2 at 14:02".into(),
        body: "EVENT TYPE: Motion  Detected\r\nCHANNEL NAME: Tür_hinten\r\n移动侦测报警\r\n".into(),
        ..Mail::bare("::ffff:192.168.1.50".parse().expect("an address"), "nvr@box".into(), to)
    }
}

fn address(text: &str) -> Option<Address> {
    Some(Address::new(text).expect("an address"))
}

fn words(text: &str) -> Option<Words> {
    Some(Words::new(text).expect("words"))
}

#[rstest]
#[case::whole("hall@nvr", true)]
#[case::local("hall", true)]
#[case::beyond_ascii("HAUSTÜR", true)]
#[case::several_in_one("cam2", true)]
#[case::other_place("hall@other", false)]
#[case::beginning("hal", false)]
#[case::end("all", false)]
#[case::tag_is_no_name("night", false)]
#[case::tagged("haustür+night", true)]
#[case::dots_are_dots("c.m2", false)]
#[case::pattern("/^cam[0-9]@/", true)]
#[case::pattern_that_is_elsewhere("/^cam[3-9]@/", false)]
fn recipients_are_known_by_address_or_what_stands_before_the_at(#[case] to: &str, #[case] fits: bool) {
    assert_eq!(Rule { to: address(to), ..Rule::default() }.fits(&mail()), fits);
}

#[rstest]
#[case::envelope("nvr@box", true)]
#[case::envelope_local("NVR", true)]
#[case::header("channel-2@box.lan", true)]
#[case::header_local("channel-2", true)]
#[case::names_are_no_addresses("camera", false)]
#[case::pattern_sees_names("/^.ip camera/", true)]
#[case::pattern_on_the_address("/^channel-2@/", true)]
#[case::somebody_else("channel-1", false)]
fn senders_are_known_by_envelope_and_header(#[case] from: &str, #[case] fits: bool) {
    assert_eq!(Rule { from: address(from), ..Rule::default() }.fits(&mail()), fits);
}

#[rstest]
#[case::phrase("channel 2", true)]
#[case::other_spaces("  motion   detected ", true)]
#[case::part_of_a_word("channel", true)]
#[case::half_a_word("chan", false)]
#[case::end_of_a_word("etected", false)]
#[case::other_number("channel 1", false)]
#[case::longer_number("channel 22", false)]
#[case::not_one_behind_the_other("motion channel", false)]
#[case::signs("14:02", true)]
#[case::pattern("/channel [1-3]\\b/", true)]
#[case::pattern_minds_case_if_told("/(?-i)channel/", false)]
fn subjects_are_known_by_their_words(#[case] subject: &str, #[case] fits: bool) {
    let subject = words(subject);
    assert_eq!(Rule { subject, ..Rule::default() }.fits(&mail()), fits);
}

#[rstest]
#[case::line("event type: motion detected", true)]
#[case::over_a_line_break("motion detected channel name", true)]
#[case::no_spaces_between_words("侦测", true)]
#[case::umlaut("tür", true)]
#[case::underscore_is_an_edge("hinten", true)]
#[case::pattern_of_a_line("/^channel name: tür/", true)]
#[case::pattern_of_all("/\\Achannel/", false)]
fn texts_are_known_by_their_words(#[case] body: &str, #[case] fits: bool) {
    assert_eq!(Rule { body: words(body), ..Rule::default() }.fits(&mail()), fits);
}

#[rstest]
#[case("192.168.1.50/32", true)]
#[case("192.168.1.0/24", true)]
#[case("10.0.0.0/8", false)]
#[case("::/0", false)]
fn peers_are_known_by_address_or_network(#[case] peer: &str, #[case] fits: bool) {
    assert_eq!(Rule { peer: Some(peer.parse().expect("a network")), ..Rule::default() }.fits(&mail()), fits);
}

#[test]
fn every_key_has_to_fit() {
    let all = Rule {
        to: address("hall"),
        from: address("nvr"),
        subject: words("channel 2"),
        body: words("侦测"),
        peer: Some("192.168.1.50/32".parse().expect("a network")),
    };
    assert!(all.fits(&mail()) && Rule::default().fits(&mail()));
    for one_off in [
        Rule { to: address("yard"), ..all.clone() },
        Rule { from: address("yard"), ..all.clone() },
        Rule { subject: words("yard"), ..all.clone() },
        Rule { body: words("yard"), ..all.clone() },
        Rule { peer: Some("10.0.0.0/8".parse().expect("a network")), ..all.clone() },
    ] {
        assert!(!one_off.fits(&mail()), "{one_off}");
    }
}

#[test]
fn a_rule_is_shown_as_it_is_written() {
    let rule = Rule {
        to: address("cam2@nvr"),
        subject: words(r"/\bchannel 2\b/"),
        body: words(r#"say "it's" \"#),
        peer: Some("10.0.0.7/32".parse().expect("a network")),
        ..Rule::default()
    };
    let shown = r#"{ to = "cam2@nvr", subject = '/\bchannel 2\b/', body = "say \"it's\" \\", peer = "10.0.0.7" }"#;
    assert_eq!(rule.to_string(), shown);
    let read: toml::Table = format!("rule = {shown}").parse().expect("TOML");
    assert_eq!(read["rule"]["body"].as_str(), Some(r#"say "it's" \"#));
}

#[rstest]
#[case::empty("", "is no address (write for example \"garden@nvr\", or \"garden\", or '/^cam[0-9]+@/')")]
#[case::no_name("@nvr", "is no address (write for example \"garden@nvr\", or \"garden\", or '/^cam[0-9]+@/')")]
#[case::list("a@b, c@d", "is no address (write for example \"garden@nvr\", or \"garden\", or '/^cam[0-9]+@/')")]
#[case::nothing_sought("//", "is an empty pattern (write words, or a regular expression between / and /)")]
#[case::no_pattern("/(/", "is no regular expression: unclosed group (see docs.rs/regex for its syntax)")]
#[case::bomb("/(a{500}){500}/", "is a pattern that takes too much memory (repeat less in it)")]
#[case::deep("/\n/", "holds a line break or is longer than 1000 bytes (write less of it)")]
fn mistakes_are_said_with_what_to_write(#[case] text: &str, #[case] said: &str) {
    assert_eq!(Address::new(text).expect_err("a mistake"), said);
}

proptest! {
    /// Whoever copies words out of a mail has written a rule that holds for it.
    #[test]
    fn words_that_are_copied_from_a_mail_are_found_in_it(
        words in proptest::collection::vec("[^\\s\\p{Cc}]{1,12}", 1..8), from in 0usize..8, to in 0usize..8,
        gap in "[ \t\r\n]{1,3}",
    ) {
        let (from, to) = (from.min(to) % words.len(), from.max(to) % words.len());
        let phrase = words[from.min(to)..=from.max(to)].join(" ");
        prop_assume!(pattern(&phrase).is_none());
        let rule = Rule { body: Some(Words::new(&phrase).expect("words")), ..Rule::default() };
        let body = words.join(&gap);
        let (as_it_is, loud) = (Mail { body: body.clone(), ..mail() }, Mail { body: body.to_ascii_uppercase(), ..mail() });
        prop_assert!(rule.fits(&as_it_is) && rule.fits(&loud), "{rule} {body:?}");
    }

    #[test]
    fn an_address_that_is_copied_is_known_again(local in "[a-z0-9._ü-]{1,12}", domain in "[a-z0-9.-]{1,12}") {
        let whole = format!("{local}@{domain}");
        let mail = Mail::bare([10, 0, 0, 1].into(), whole.to_uppercase(), vec![format!("x@y;{whole}")]);
        for text in [&whole, &local] {
            let (to, from) = (address(text), address(text));
            let rules = [Rule { to, ..Rule::default() }, Rule { from, ..Rule::default() }];
            prop_assert!(rules.iter().all(|rule| rule.fits(&mail)), "{text}");
        }
        let longer = Rule { to: address(&format!("x{local}")), ..Rule::default() };
        prop_assert!(!longer.fits(&mail), "{longer}");
    }

    /// Anything may be written as a rule, and come as a mail.
    #[test]
    fn nothing_panics_and_what_is_shown_is_toml(text in "\\PC{1,30}", subject in any::<String>()) {
        let mail = Mail { subject: subject.clone(), sender: subject, ..mail() };
        if let (Ok(from), Ok(subject)) = (Address::new(&text), Words::new(&text)) {
            let rule = Rule { from: Some(from), subject: Some(subject), ..Rule::default() };
            rule.fits(&mail);
            let read: toml::Table = format!("rule = {rule}").parse().expect("TOML");
            prop_assert_eq!(read["rule"]["from"].as_str(), Some(text.as_str()));
        }
    }
}
