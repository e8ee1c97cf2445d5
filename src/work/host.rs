//! What the machine itself does that a recorder should know.

use std::path::Path;

/// Users below this are the system's own; logind leaves them alone.
const FIRST_PERSON: u32 = 1000;

/// Whether systemd will delete the ring when this user logs out, in words and with the remedy.
///
/// With `RemoveIPC=yes`, which is the default, logind removes all that an ordinary user owns in `/dev/shm` at the
/// user's last logout, under a running recorder.
pub fn logout_warning(ring: &Path) -> Option<String> {
    let uid = rustix::process::geteuid().as_raw();
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| uid.to_string());
    let lingers = Path::new("/var/lib/systemd/linger").join(&user).exists();
    let logind = Path::new("/run/systemd/seats").exists();
    let removed = ring.starts_with("/dev/shm") || ring.starts_with("/run/user");
    (logind && removed && uid >= FIRST_PERSON && !lingers).then(|| {
        format!(
            "systemd deletes the ring when {user} logs out (run: sudo loginctl enable-linger {user}, or record as a \
             system service, see the README)"
        )
    })
}

/// Whether what is in RAM may be written to a disk after all.
pub fn swap_warning(swaps: &str) -> Option<String> {
    let disk = swaps.lines().skip(1).find(|line| !line.contains("zram"))?;
    let device = disk.split_whitespace().next()?;
    Some(format!("the ring may be swapped out to {device} when RAM is short (fewer slots, or run: swapoff {device})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swap_in_ram_is_no_disk() {
        let head = "Filename\tType\tSize\tUsed\tPriority\n";
        assert_eq!(swap_warning(head), None);
        assert_eq!(swap_warning(&format!("{head}/dev/zram0 partition 1 0 100\n")), None);
        let warning = swap_warning(&format!("{head}/dev/sda2 partition 1 0 -2\n")).expect("a warning");
        assert!(warning.contains("/dev/sda2"));
    }
}
