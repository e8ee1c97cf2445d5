//! How far the wall clock can be believed.

use std::fs;
use std::path::Path;

/// Whether the wall clock may be believed as far as deleting by it: something keeps it right (NTP), or it went on while
/// the machine was off. A small board has neither until its network is up, and then it may be any time.
pub(super) fn is_trusted() -> bool {
    is_synchronised() || has_battery_clock(Path::new("/sys/class/rtc"))
}

/// Whether the kernel says that the clock is kept right.
#[allow(unsafe_code, reason = "no crate at hand wraps adjtimex; asked this way it only fills in a struct")]
fn is_synchronised() -> bool {
    // SAFETY: timex is plain integers, for which zero is a value; its `modes` of 0 asks for nothing to be changed. The
    // pointer is to a live struct of the type that the call expects.
    let state = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        libc::adjtimex(&mut timex)
    };
    state != -1 && state != libc::TIME_ERROR
}

/// Whether the kernel set the wall clock from a battery-backed one when it started.
fn has_battery_clock(class: &Path) -> bool {
    let clocks = fs::read_dir(class).into_iter().flatten().flatten();
    let set_it = |clock: fs::DirEntry| fs::read_to_string(clock.path().join("hctosys"));
    clocks.map(set_it).any(|answer| answer.is_ok_and(|answer| answer.trim() == "1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_trusted_as_the_system_says() {
        let ask = "import ctypes; print(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(1024)))";
        let output = std::process::Command::new("python3").args(["-c", ask]).output().expect("python3");
        let state = String::from_utf8(output.stdout).expect("a number");
        assert_eq!(is_synchronised(), (0..=4).contains(&state.trim().parse::<i32>().expect("a number")));
        let place = tempfile::tempdir().expect("a place");
        assert!(!has_battery_clock(&place.path().join("rtc")));
        fs::create_dir(place.path().join("rtc0")).expect("a directory");
        assert!(!has_battery_clock(place.path()));
        fs::write(place.path().join("rtc0/hctosys"), "0\n").expect("a file");
        assert!(!has_battery_clock(place.path()));
        fs::create_dir(place.path().join("rtc1")).expect("a directory");
        fs::write(place.path().join("rtc1/hctosys"), "1\n").expect("a file");
        assert!(has_battery_clock(place.path()));
    }
}
