//! Numbers and instants as people read them: short, steady, and never wider than they must be.

use crate::model::command::{Command, Who};
use crate::model::time::{Anchor, Mono, Wall};
use jiff::tz::TimeZone;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// How finely the end of a countdown is told: with every tenth a terminal at the end of a slow line had twice as much to
/// do, and nobody reads that fast.
const FIFTH: Duration = Duration::from_millis(200);

/// `5.1 MB`, `41 MB`, `2.0 TB`: decimal units, as disks are sold and `df -H` counts.
pub fn bytes(count: u64) -> String {
    scaled(count, "B")
}

/// `4.1 Mbit/s`.
pub fn bitrate(bits: u64) -> String {
    scaled(bits, "bit/s")
}

/// Two digits that matter below ten, whole numbers above.
fn scaled(count: u64, unit: &str) -> String {
    if count < 1000 {
        return format!("{count} {unit}");
    }
    let mut value = count as f64 / 1000.0;
    let mut prefixes = ["k", "M", "G", "T", "P", "E"].into_iter();
    let mut prefix = prefixes.next().unwrap_or_default();
    while value >= 999.5 {
        let Some(larger) = prefixes.next() else { break };
        prefix = larger;
        value /= 1000.0;
    }
    if value < 9.95 { format!("{value:.1} {prefix}{unit}") } else { format!("{value:.0} {prefix}{unit}") }
}

/// A length to the second: `48 s`, `1 min 20 s`, `1 h 05 min`.
pub fn length(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

/// About how long, in the unit that says most: `34 s`, `6 min`, `4 h`, `3 d 4 h`.
pub fn about(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    match (minutes / 1440, minutes / 60 % 24, minutes) {
        (0, 0, 0) => format!("{} s", span.as_secs()),
        (0, 0, m) => format!("{m} min"),
        (0, h, _) => format!("{h} h"),
        (d, h, _) => format!("{d} d {h} h"),
    }
}

/// A text that stays true for a while only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passing {
    /// What to show.
    pub text: String,
    /// What the text says, as a duration: anything drawn from it changes together with the text.
    pub shown: Duration,
    /// How long it stays true; never zero.
    pub lasts: Duration,
}

/// Time left: whole seconds, and fifths of one below ten. Rounded up, so that it reaches zero only at the end.
pub fn countdown(left: Duration) -> Passing {
    let fifths_from = 10 * SECOND - FIFTH;
    let close = left <= fifths_from;
    let unit = if close { FIFTH } else { SECOND };
    let steps = left.as_nanos().div_ceil(unit.as_nanos());
    let shown = unit * u32::try_from(steps).unwrap_or(u32::MAX);
    let next = if close { shown.saturating_sub(unit) } else { shown.saturating_sub(unit).max(fifths_from) };
    let lasts = if steps == 0 { Duration::MAX } else { left.saturating_sub(next) };
    let text = if close { format!("{:.1} s", shown.as_secs_f64()) } else { length(shown) };
    Passing { text, shown, lasts }
}

/// Time until a try, in whole seconds: nobody needs tenths of that.
pub fn wait(left: Duration) -> Passing {
    let shown = Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0));
    let lasts = if shown.is_zero() { Duration::MAX } else { left.saturating_sub(shown.saturating_sub(SECOND)) };
    Passing { text: length(shown), shown, lasts }
}

/// Time that is promised: in steps of a minute above an hour, of 10 s above a minute, of 1 s below. Rounded down, because
/// nobody may count on more.
pub fn safe(left: Duration) -> Passing {
    // At the instant of a step the lower one is shown already.
    let before = left.saturating_sub(Duration::from_nanos(1));
    let step = match before.as_secs() {
        0..60 => 1,
        60..3600 => 10,
        _ => 60,
    };
    let shown = Duration::from_secs(before.as_secs() / step * step);
    let lasts = if left.is_zero() { Duration::MAX } else { left - shown };
    Passing { text: length(shown), shown, lasts }
}

/// Time since: seconds for a minute, then minutes, then hours.
pub fn age(span: Duration) -> Passing {
    let step = match span.as_secs() {
        0..60 => 1,
        60..3600 => 60,
        _ => 3600,
    };
    let shown = Duration::from_secs(span.as_secs() / step * step);
    Passing { text: about(shown), shown, lasts: shown + Duration::from_secs(step) - span }
}

/// Paths longer than this are shortened in the middle.
const LONG_PATH: usize = 44;

/// A sentence whose long paths leave room for what it says: of each the first directory and the end stay. A remedy, which
/// stands in parentheses behind the sentence, is to be copied and stays as it is.
pub fn short_paths(text: &str) -> String {
    let (sentence, remedy) = text.split_at(text.find(" (").unwrap_or(text.len()));
    let words: Vec<_> = sentence.split(' ').map(short_path).collect();
    words.join(" ") + remedy
}

fn short_path(word: &str) -> String {
    let long = word.starts_with('/') && word.chars().count() > LONG_PATH;
    let Some((first, rest)) = word.get(1..).and_then(|path| path.split_once('/')).filter(|_| long) else {
        return word.to_owned();
    };
    let room = LONG_PATH.saturating_sub(first.chars().count() + 3);
    let ends = rest.match_indices('/').map(|(at, _)| &rest[at + 1..]);
    let end = ends.clone().find(|end| end.chars().count() <= room).or_else(|| rest.rsplit('/').next());
    end.map_or_else(|| word.to_owned(), |end| format!("/{first}/…/{end}"))
}

/// Time of day: `14:02:41`.
pub fn clock(at: Mono, anchor: &Anchor, zone: &TimeZone) -> String {
    anchor.wall(at).to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// Time of day to the minute: `14:02`.
pub fn minute(at: Mono, anchor: &Anchor, zone: &TimeZone) -> String {
    anchor.wall(at).to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

/// Time of day, with the date in front and without seconds if it was not `today`.
pub fn moment(at: Wall, today: Wall, zone: &TimeZone) -> String {
    let (at, today) = (at.to_zoned(zone.clone()), today.to_zoned(zone.clone()));
    let format = if at.date() == today.date() {
        "%H:%M:%S"
    } else if at.year() == today.year() {
        "%b %d %H:%M"
    } else {
        "%Y-%m-%d"
    };
    at.strftime(format).to_string()
}

/// Since when mails are counted: the last midnight, or the recorder's start if that was later.
pub fn counted_from(anchor: &Anchor, started: Mono, now: Wall, zone: &TimeZone) -> Wall {
    let midnight = now.to_zoned(zone.clone()).start_of_day().map_or(now, |day| day.timestamp());
    anchor.wall(started).max(midnight)
}

/// The same in words: a recorder that was started today has not seen the whole day.
pub fn counted_since(anchor: &Anchor, started: Mono, now: Wall, zone: &TimeZone) -> &'static str {
    if counted_from(anchor, started, now, zone) == anchor.wall(started) { "since start" } else { "today" }
}

/// What is being asked of the recorder: `arming front-door`.
pub fn command(command: &Command) -> String {
    match command {
        Command::Arm(who) => format!("arming {}", cameras(who)),
        Command::Disarm(who) => format!("disarming {}", cameras(who)),
        Command::Trigger { who, .. } => format!("triggering {}", cameras(who)),
        Command::Release(who) => format!("ending the countdown of {}", cameras(who)),
        Command::Protect { clip, protected: true } => format!("protecting {clip}"),
        Command::Protect { clip, protected: false } => format!("releasing the protection of {clip}"),
        Command::Delete { clip } => format!("deleting {clip}"),
        Command::Ask(_) => "looking".to_owned(),
        Command::Write(fix) => format!("writing into nvr.toml: {}", fix.line()),
        Command::Reload => "reading the configuration again".to_owned(),
        Command::Stop => "stopping the recorder".to_owned(),
    }
}

fn cameras(who: &Who) -> String {
    match who {
        Who::All => "every camera".to_owned(),
        Who::Cameras(names) => names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_leaves_room_for_the_sentence() {
        for (text, short) in [
            ("/srv/clips/a.mp4 cannot be written", "/srv/clips/a.mp4 cannot be written"),
            (
                "/mnt/disks/backup/nvr/clips/front-door/2026-11-22/front-door_2026-11-22_17-28-56+0000.mp4.part cannot be \
                 written: the disk is full (delete /mnt/disks/backup/nvr/clips/front-door/2026-11-22/some)",
                "/mnt/…/front-door_2026-11-22_17-28-56+0000.mp4.part cannot be written: the disk is full (delete \
                 /mnt/disks/backup/nvr/clips/front-door/2026-11-22/some)",
            ),
            ("in /home/ada/recordings/of/the/house/and/the/garden/ it", "in /home/…/of/the/house/and/the/garden/ it"),
            (
                "/one-name-that-is-longer-than-any-name-should-be-at-all",
                "/one-name-that-is-longer-than-any-name-should-be-at-all",
            ),
        ] {
            assert_eq!(short_paths(text), short);
        }
    }
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "0 B")]
    #[case(999, "999 B")]
    #[case(1000, "1.0 kB")]
    #[case(9_949, "9.9 kB")]
    #[case(9_960, "10 kB")]
    #[case(999_499, "999 kB")]
    #[case(999_500, "1.0 MB")]
    #[case(5_100_000, "5.1 MB")]
    #[case(2_000_000_000_000, "2.0 TB")]
    #[case(u64::MAX, "18 EB")]
    fn bytes_keep_two_digits_that_matter(#[case] count: u64, #[case] shown: &str) {
        assert_eq!(bytes(count), shown);
    }

    #[test]
    fn spans_read_well() {
        let s = Duration::from_secs;
        assert_eq!(
            [length(s(48)), length(s(80)), length(s(60)), length(s(3900))].join(", "),
            "48 s, 1 min 20 s, 1 min 00 s, 1 h 05 min"
        );
        assert_eq!(
            [about(s(34)), about(s(400)), about(s(14400)), about(s(273_600))].join(", "),
            "34 s, 6 min, 4 h, 3 d 4 h"
        );
    }

    #[test]
    fn a_countdown_shows_parts_of_seconds_only_at_its_end() {
        for (left, shown) in [
            (50_000, "50 s"),
            (49_001, "50 s"),
            (65_000, "1 min 05 s"),
            (10_001, "11 s"),
            (10_000, "10 s"),
            (9_801, "10 s"),
            (9_800, "9.8 s"),
            (9_310, "9.4 s"),
            (1, "0.2 s"),
            (0, "0.0 s"),
        ] {
            assert_eq!(countdown(Duration::from_millis(left)).text, shown, "{left} ms");
        }
    }

    #[test]
    fn what_is_promised_rests_and_is_never_more_than_there_is() {
        let at = |millis| safe(Duration::from_millis(millis));
        for (left, shown) in [
            (7_500_000, "2 h 04 min"),
            (379_000, "6 min 10 s"),
            (370_001, "6 min 10 s"),
            (370_000, "6 min 00 s"),
            (60_001, "1 min 00 s"),
            (60_000, "59 s"),
            (999, "0 s"),
            (0, "0 s"),
        ] {
            assert_eq!(at(left).text, shown, "{left} ms");
        }
        assert_eq!((at(379_000).lasts, at(0).lasts), (9 * SECOND, Duration::MAX));
    }

    #[test]
    fn a_moment_of_another_day_names_the_day() {
        let at = |text: &str| text.parse::<Wall>().expect("a timestamp");
        let today = at("2026-11-22T14:00:00Z");
        for (when, shown) in [
            ("2026-11-22T00:00:01Z", "00:00:01"),
            ("2026-11-21T23:59:59Z", "Nov 21 23:59"),
            ("2025-11-22T14:00:00Z", "2025-11-22"),
        ] {
            assert_eq!(moment(at(when), today, &TimeZone::UTC), shown);
        }
    }

    #[rstest]
    #[case::long_ago("2026-11-01T10:00:00Z", "2026-11-22T23:00:00Z", "today")]
    #[case::late_yesterday("2026-11-22T22:59:59Z", "2026-11-22T23:00:00Z", "today")]
    #[case::today("2026-11-22T23:30:00Z", "2026-11-22T23:30:00Z", "since start")]
    fn mails_are_counted_since_midnight_where_the_person_is(
        #[case] started: &str,
        #[case] from: &str,
        #[case] words: &str,
    ) {
        let at = |text: &str| text.parse::<Wall>().expect("a timestamp");
        let (zone, now) = (TimeZone::fixed(jiff::tz::offset(1)), at("2026-11-23T10:00:00Z"));
        let started = at(started);
        let anchor = Anchor { mono: Mono(0), wall: started };
        assert_eq!(counted_from(&anchor, Mono(0), now, &zone), at(from));
        assert_eq!(counted_since(&anchor, Mono(0), now, &zone), words);
    }

    proptest! {
        /// A text must not change before its time is over, and must change right then; else frames are drawn for
        /// nothing, or a figure stands still.
        #[test]
        fn passing_texts_last_exactly_as_long_as_they_say(ms in 1u64..200_000, part in 0.0f64..0.999) {
            let now = Duration::from_millis(ms);
            for of in [countdown, wait] {
                let Passing { text, lasts, .. } = of(now);
                prop_assert!(lasts > Duration::ZERO && lasts <= SECOND);
                prop_assert_eq!(&of(now - lasts.mul_f64(part)).text, &text);
                prop_assert_ne!(&of(now - lasts).text, &text);
            }
            let Passing { text, shown, lasts } = safe(now);
            prop_assert!(shown < now && lasts > Duration::ZERO && lasts <= 10 * SECOND);
            prop_assert_eq!(&safe(now - lasts.mul_f64(part)).text, &text);
            prop_assert!(shown.is_zero() || safe(now - lasts).text != text);
            let Passing { text, lasts, .. } = age(now);
            prop_assert_eq!(&age(now + lasts.mul_f64(part)).text, &text);
            prop_assert_ne!(&age(now + lasts).text, &text);
        }

        #[test]
        fn no_span_is_too_long(span in any::<u64>().prop_map(Duration::from_secs)) {
            let _ = (length(span), about(span), countdown(span), wait(span), safe(span));
        }
    }
}
