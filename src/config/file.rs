//! The bytes of a configuration. It may be a pipe, as a shell makes them of `<(…)`, and whoever writes that may never
//! come to an end: what is read has a limit in size and time.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a pipe may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Reads at most so many bytes, and tells whose file it is.
///
/// # Errors
/// [`ErrorKind::TimedOut`]: it is a pipe that has not come to its end in [`PATIENCE`]. Others: what the system says.
pub(super) fn read(path: &Path, most: u64) -> io::Result<(Vec<u8>, Metadata)> {
    // Opening a pipe waits for its writer otherwise.
    let file = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)?;
    let (meta, mut bytes) = (file.metadata()?, Vec::new());
    match meta.is_file() {
        true => drop((&file).take(most).read_to_end(&mut bytes)?),
        false => pour(&file, most, Instant::now() + PATIENCE, &mut bytes)?,
    }
    Ok((bytes, meta))
}

/// Reads what comes, to its end.
fn pour(mut file: &File, most: u64, until: Instant, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = vec![0; 1 << 16];
    while (bytes.len() as u64) < most {
        let left = until.saturating_duration_since(Instant::now());
        let limit = Timespec::try_from(left).map_err(io::Error::other)?;
        if left.is_zero() || poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&limit))? == 0 {
            return Err(ErrorKind::TimedOut.into());
        }
        match file.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_pipe_is_read_to_its_end_and_no_longer_than_it_may_take() {
        let dir = tempfile::tempdir().expect("a place");
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
        let (far, place) = (Instant::now() + Duration::from_secs(60), pipe.clone());
        let writer = std::thread::spawn(move || {
            let mut pipe = OpenOptions::new().write(true).open(place).expect("the other end");
            for part in ["[ring]\n", "slots = 12\n"] {
                pipe.write_all(part.as_bytes()).expect("written");
                std::thread::yield_now();
            }
        });
        let open = || OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(&pipe);
        let (file, mut bytes) = (open().expect("a pipe"), Vec::new());
        pour(&file, 100, far, &mut bytes).expect("an end");
        writer.join().expect("written");
        assert_eq!(bytes, b"[ring]\nslots = 12\n");

        // Somebody keeps it open, or never comes.
        let both = OpenOptions::new().read(true).write(true).open(&pipe).expect("both ends");
        (&both).write_all(b"[ring]\n").expect("written");
        let soon = || Instant::now() + Duration::from_millis(50);
        let late = pour(&file, 100, soon(), &mut Vec::new()).expect_err("no end");
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        drop((both, file));
        let file = open().expect("a pipe");
        assert_eq!(pour(&file, 100, soon(), &mut Vec::new()).expect_err("nobody").kind(), ErrorKind::TimedOut);

        let mut bytes = Vec::new();
        pour(&File::open("/dev/zero").expect("a device"), 70_000, far, &mut bytes).expect("as much as may be");
        assert_eq!(bytes.len(), 70_000);
        assert!(read(dir.path(), 100).is_err_and(|error| error.kind() == ErrorKind::IsADirectory));
    }
}
