//! Which clips go: for their age, for the room all of them take, and for the room that is left on the disk.
//!
//! The oldest go first, whatever the reason, so that what stays is always one stretch up to now. Three things are kept
//! from going wrong: a clock that lies must not expire everything, a disk that others fill must not cost all clips for
//! nothing, and one run takes only so many, so that a mistake is seen before it is complete.

use super::settings::Archive;
use super::time::Wall;
use bytesize::ByteSize;
use std::time::Duration;

/// Most clips that one run deletes. With a run a minute that is more than any recorder stores.
pub const MOST_A_RUN: usize = 64;

/// How far the newest clip may lie in the future before somebody should look at the clock.
const CLOCK_SLACK: Duration = Duration::from_secs(600);

/// A clip as retention sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clip {
    /// When its footage begins.
    pub start: Wall,
    /// Of all its files.
    pub bytes: u64,
    /// It must not go: it still grows, or somebody protected it.
    pub stays: bool,
}

/// What is known of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// The wall clock.
    pub now: Wall,
    /// Whether the system vouches for it.
    pub clock_trusted: bool,
    /// Bytes of the file system that may still be written.
    pub free: u64,
    /// Bytes of the whole file system.
    pub total: u64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Places in the list of clips, oldest clip first; at most [`MOST_A_RUN`].
    pub delete: Vec<usize>,
    /// Of each of these, the limit that asks for it, with numbers.
    pub why: Vec<String>,
    /// What deleting cannot mend: one sentence with its remedy.
    pub trouble: Option<String>,
}

/// Decides which of `clips` go. They may be in any order; of two that began together the first in the list goes first.
pub fn plan(clips: &[Clip], rules: &Archive, sight: &Sight) -> Plan {
    let mut oldest_first: Vec<usize> = (0..clips.len()).filter(|&i| !clips[i].stays).collect();
    oldest_first.sort_by_key(|&i| clips[i].start);
    let sizes: Vec<u64> = oldest_first.iter().map(|&i| clips[i].bytes).collect();
    let (for_free, no_room) = free(&sizes, rules, sight);
    let (for_size, too_large) = size(&sizes, clips, rules);
    let starts: Vec<Wall> = oldest_first.iter().map(|&i| clips[i].start).collect();
    let newest = clips.iter().map(|clip| clip.start).max();
    let (for_age, odd_clock) = age(&starts, newest, rules, sight);
    oldest_first.truncate(for_free.max(for_size).max(for_age).min(MOST_A_RUN));
    let why = |place| match place {
        aged if aged < for_age => too_old(rules),
        excess if excess < for_size => over_size(clips, rules),
        _ => too_full(rules, sight),
    };
    let why = (0..oldest_first.len()).map(why).collect();
    Plan { delete: oldest_first, why, trouble: no_room.or(too_large).or(odd_clock) }
}

fn too_old(rules: &Archive) -> String {
    let seconds = rules.keep.map_or(0, |keep| keep.as_secs());
    let keep = match (seconds / 86_400, seconds / 3_600) {
        (days, _) if seconds == days * 86_400 => format!("{days}d"),
        (_, hours) if seconds == hours * 3_600 => format!("{hours}h"),
        _ => format!("{seconds}s"),
    };
    format!("it was older than archive.keep ({keep})")
}

fn over_size(clips: &[Clip], rules: &Archive) -> String {
    let (all, most) = (total(clips.iter().map(|clip| clip.bytes)), rules.max_size.unwrap_or(0));
    format!("all clips held {}, and archive.max_size allows {}", ByteSize(all), ByteSize(most))
}

fn too_full(rules: &Archive, sight: &Sight) -> String {
    format!("{} were free on the disk, and archive.min_free wants {}", ByteSize(sight.free), ByteSize(rules.min_free))
}

/// How many of `sizes`, from the first on, make at least `wanted`; all of them if even those do not.
fn enough(sizes: &[u64], wanted: u64) -> usize {
    let before = sizes.iter().scan(0u64, |sum, &bytes| Some(std::mem::replace(sum, sum.saturating_add(bytes))));
    before.take_while(|&sum| sum < wanted).count()
}

fn total(sizes: impl Iterator<Item = u64>) -> u64 {
    sizes.fold(0, u64::saturating_add)
}

/// How many go so that the disk has room.
///
/// Where others fill the disk, `min_free` may be out of reach even without a single clip. Then half of the room that
/// is left to us stays free: recording goes on, the newest clips stay, and the alarm is raised.
fn free(sizes: &[u64], rules: &Archive, sight: &Sight) -> (usize, Option<String>) {
    let ours = total(sizes.iter().copied());
    let reachable = sight.free.saturating_add(ours);
    let goal = rules.min_free.min(if reachable < rules.min_free { reachable / 2 } else { u64::MAX });
    let trouble = (reachable < rules.min_free).then(|| {
        if rules.min_free > sight.total {
            return format!(
                "archive.min_free ({}) is more than the whole disk holds ({}): only half of the room that is left to clips \
                 is used for them (lower archive.min_free in nvr.toml, then: nvr reload)",
                ByteSize(rules.min_free),
                ByteSize(sight.total),
            );
        }
        let dir = rules.dir.display();
        format!(
            "{} are free and archive.min_free wants {}, but all clips that may go hold only {}: something else fills the \
             disk (make room: du -xh {dir}/.. | sort -h, or lower archive.min_free)",
            ByteSize(sight.free),
            ByteSize(rules.min_free),
            ByteSize(ours),
        )
    });
    (enough(sizes, goal.saturating_sub(sight.free)), trouble)
}

/// How many go so that all clips together are not too large.
fn size(sizes: &[u64], clips: &[Clip], rules: &Archive) -> (usize, Option<String>) {
    let Some(most) = rules.max_size else { return (0, None) };
    let all = total(clips.iter().map(|clip| clip.bytes));
    let stay = total(clips.iter().filter(|clip| clip.stays).map(|clip| clip.bytes));
    let trouble = (stay > most).then(|| {
        format!(
            "clips that are protected or still grow hold {}, and archive.max_size allows {} (raise it, or make some of \
             them writable: chmod u+w)",
            ByteSize(stay),
            ByteSize(most),
        )
    });
    (enough(sizes, all.saturating_sub(most)), trouble)
}

/// How many go for their age. None while the clock is in doubt: a machine that starts without one would lose all.
fn age(starts: &[Wall], newest: Option<Wall>, rules: &Archive, sight: &Sight) -> (usize, Option<String>) {
    let (Some(keep), Some(newest)) = (rules.keep, newest) else { return (0, None) };
    let past = |span: Duration| sight.now.checked_sub(span).unwrap_or(Wall::MIN);
    let due = starts.partition_point(|start| *start < past(keep));
    if newest > sight.now {
        let trouble = (newest.duration_since(sight.now).unsigned_abs() > CLOCK_SLACK).then(|| {
            let now = sight.now.strftime("%Y-%m-%d %H:%M");
            format!("the clock shows {now} UTC and there is a clip of later: none goes for its age (set the clock: timedatectl)")
        });
        return (0, trouble);
    }
    if !sight.clock_trusted {
        let trouble = (due > 0).then(|| {
            format!(
                "{due} clips are past archive.keep and stay, because nothing keeps this machine's clock right (run: timedatectl set-ntp true)"
            )
        });
        return (0, trouble);
    }
    (due, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wall(seconds: i64) -> Wall {
        Wall::from_second(seconds).expect("in range")
    }

    fn rules(keep: u64, max_size: u64, min_free: u64) -> Archive {
        Archive {
            dir: "/srv/nvr".into(),
            keep: (keep > 0).then(|| Duration::from_secs(keep)),
            max_size: (max_size > 0).then_some(max_size),
            min_free,
            silence: None,
        }
    }

    fn clip(start: i64, bytes: u64) -> Clip {
        Clip { start: wall(start), bytes, stays: false }
    }

    const fn sight(now: i64, free: u64) -> (i64, bool, u64) {
        (now, true, free)
    }

    fn decide(clips: &[Clip], rules: &Archive, (now, clock_trusted, free): (i64, bool, u64)) -> Plan {
        plan(clips, rules, &Sight { now: wall(now), clock_trusted, free, total: 1 << 40 })
    }

    #[test]
    fn each_rule_takes_the_oldest() {
        let clips = [clip(300, 10), clip(100, 10), clip(200, 10), clip(400, 10)];
        for (keep, max_size, min_free, gone) in [
            (0, 0, 0, &[][..]),
            (250, 0, 0, &[1, 2]),
            (0, 25, 0, &[1, 2]),
            (0, 40, 0, &[]),
            (0, 0, 31, &[1, 2, 0]),
            (350, 25, 0, &[1, 2]),
        ] {
            let plan = decide(&clips, &rules(keep, max_size, min_free), sight(500, 10));
            assert_eq!((plan.delete.as_slice(), plan.trouble), (gone, None), "{keep} {max_size} {min_free}");
        }
    }

    #[test]
    fn what_stays_is_counted_and_not_taken() {
        let mut clips = [clip(100, 10), clip(200, 10), clip(300, 10)];
        clips[0].stays = true;
        assert_eq!(decide(&clips, &rules(0, 20, 0), sight(500, 0)).delete, [1]);
        let plan = decide(&clips, &rules(0, 5, 0), sight(500, 0));
        assert_eq!(plan.delete, [1, 2]);
        assert!(plan.trouble.is_some_and(|text| text.contains("archive.max_size")));
    }

    #[test]
    fn a_clock_in_doubt_expires_nothing() {
        let clips = [clip(1_000, 10), clip(1_000_000, 10)];
        let rules = rules(10, 0, 0);
        assert_eq!(decide(&clips, &rules, (2_000_000, true, 0)).delete, [0, 1]);
        let plan = decide(&clips, &rules, (2_000_000, false, 0));
        assert!(plan.delete.is_empty() && plan.trouble.is_some_and(|text| text.starts_with("2 clips are past")));
        let plan = decide(&clips, &rules, (5_000, true, 0));
        assert!(plan.delete.is_empty() && plan.trouble.is_some_and(|text| text.contains("1970-01-01 01:23 UTC")));
        let plan = decide(&clips, &rules, (999_999, true, 0));
        assert_eq!(plan, Plan::default(), "a second is not worth an alarm");
    }

    #[test]
    fn a_disk_that_others_fill_costs_half_and_raises_the_alarm() {
        let clips: Vec<Clip> = (0..10).map(|n| clip(n, 100)).collect();
        let plan = decide(&clips, &rules(0, 0, 5_000), sight(500, 200));
        assert_eq!(plan.delete, [0, 1, 2, 3], "1200 are ours to use: 600 stay free");
        let text = plan.trouble.expect("an alarm");
        assert!(text.contains("something else fills the disk (make room"), "{text}");
        assert!(decide(&[], &rules(0, 0, 1), sight(0, 0)).trouble.is_some());
    }

    #[test]
    fn each_clip_goes_with_the_limit_that_asks_for_it() {
        let clips: Vec<Clip> = (1..=4).map(|n| clip(n * 100, 1 << 20)).collect();
        let plan = decide(&clips, &rules(350, 3 << 20, 4 << 20), sight(500, 1 << 20));
        assert_eq!(
            plan.why,
            [
                "it was older than archive.keep (350s)",
                "1.0 MiB were free on the disk, and archive.min_free wants 4.0 MiB",
                "1.0 MiB were free on the disk, and archive.min_free wants 4.0 MiB",
            ]
        );
        let plan = decide(&clips, &rules(0, 2 << 20, 0), sight(500, 0));
        assert_eq!(plan.why, ["all clips held 4.0 MiB, and archive.max_size allows 2.0 MiB"; 2]);
        let days = decide(&clips, &rules(30 * 86_400, 0, 0), sight(31 * 86_400, 0));
        assert_eq!(days.why, ["it was older than archive.keep (30d)"; 4]);
    }

    #[test]
    fn a_goal_beyond_the_disk_is_called_that() {
        let sight = Sight { now: wall(500), clock_trusted: true, free: 100 << 20, total: 112 << 20 };
        let text = plan(&[], &rules(0, 0, 5 << 30), &sight).trouble.expect("an alarm");
        assert!(text.starts_with("archive.min_free (5.0 GiB) is more than the whole disk holds (112.0 MiB)"), "{text}");
        assert!(text.ends_with("(lower archive.min_free in nvr.toml, then: nvr reload)"), "{text}");
    }

    fn any_clips() -> impl Strategy<Value = Vec<Clip>> {
        let start = prop_oneof![0..5_000i64, Just(Wall::MIN.as_second()), Just(Wall::MAX.as_second())];
        let bytes = prop_oneof![9 => 0..1_000u64, 1 => Just(u64::MAX)];
        let clip = (start, bytes, prop::bool::weighted(0.2));
        prop::collection::vec(clip.prop_map(|(start, bytes, stays)| Clip { start: wall(start), bytes, stays }), 0..150)
    }

    proptest! {
        #[test]
        fn a_plan_is_sound(
            clips in any_clips(),
            keep in 0..6_000u64,
            max_size in 0..60_000u64,
            min_free in 0..60_000u64,
            now in 0..10_000i64,
            clock_trusted: bool,
            free in 0..30_000u64,
        ) {
            let rules = rules(keep, max_size, min_free);
            let plan = decide(&clips, &rules, (now, clock_trusted, free));
            let gone = &plan.delete;
            prop_assert!(gone.len() <= MOST_A_RUN);
            prop_assert!(gone.iter().all(|&i| !clips[i].stays));
            let newest_gone = gone.last().map(|&i| clips[i].start);
            let oldest_left = (0..clips.len()).filter(|i| !clips[*i].stays && !gone.contains(i)).map(|i| clips[i].start).min();
            prop_assert!(gone.is_sorted_by_key(|&i| clips[i].start));
            prop_assert!(newest_gone.zip(oldest_left).is_none_or(|(gone, left)| gone <= left), "oldest first");

            // Whether one more has to go after these.
            let wants_more = |gone: &[usize]| {
                let left: Vec<Clip> = (0..clips.len()).filter(|i| !gone.contains(i)).map(|i| clips[i]).collect();
                let freed = total(gone.iter().map(|&i| clips[i].bytes));
                let movable = left.iter().filter(|clip| !clip.stays);
                let reach = total(movable.clone().map(|clip| clip.bytes)).saturating_add(free).saturating_add(freed);
                let goal = if reach < min_free { reach / 2 } else { min_free };
                let age = keep > 0 && clock_trusted && clips.iter().all(|clip| clip.start <= wall(now));
                let cut = wall(now) - Duration::from_secs(keep);
                movable.clone().count() > 0
                    && (free.saturating_add(freed) < goal
                        || (max_size > 0 && total(left.iter().map(|clip| clip.bytes)) > max_size)
                        || (age && movable.clone().any(|clip| clip.start < cut)))
            };
            let sums_are_exact = clips.iter().all(|clip| clip.bytes < u64::MAX);
            if sums_are_exact && gone.len() < MOST_A_RUN {
                prop_assert!(!wants_more(gone), "enough go");
            }
            if let (true, Some((_, but_one))) = (sums_are_exact, gone.split_last()) {
                prop_assert!(wants_more(but_one), "none goes without need");
            }
        }
    }
}
