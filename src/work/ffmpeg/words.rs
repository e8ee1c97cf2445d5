//! What FFmpeg says: its progress, its complaints and what they mean, without the secrets that it prints.

use crate::model::event::{Cure, Trouble};
use crate::model::settings::Source;
use crate::model::text::fit_for_screen;

/// Takes a source's secrets out of text; FFmpeg's errors print whole URLs.
#[derive(Debug, Clone)]
pub struct Redactor {
    /// Longest first.
    secrets: Vec<String>,
}

impl Redactor {
    /// Knows every form in which this source's secrets may be printed.
    pub fn new(source: &Source) -> Self {
        let text = source.reveal();
        let mut secrets = Vec::new();
        if let Some((_, rest)) = text.split_once("://") {
            // A password may hold any sign, so everything up to the last @ counts.
            if let Some((user_info, _)) = rest.rsplit_once('@') {
                secrets.push(user_info.to_owned());
                secrets.extend(user_info.split_once(':').map(|(_, password)| password.to_owned()));
            }
            secrets.extend(text.split_once('?').map(|(_, query)| query.to_owned()));
        }
        let decoded: Vec<_> = secrets
            .iter()
            .map(|secret| percent_encoding::percent_decode_str(secret).decode_utf8_lossy().into_owned())
            .collect();
        secrets.extend(decoded);
        secrets.retain(|secret| !secret.is_empty());
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// `text` without secrets, fit for a screen.
    pub fn clean(&self, text: &str) -> String {
        let bare = self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "…"));
        fit_for_screen(&bare, 300)
    }
}

/// The frame count in a line of `-progress`.
pub fn frames(line: &str) -> Option<u64> {
    line.strip_prefix("frame=")?.trim().parse().ok()
}

/// What FFmpeg's complaints mean, and what to do. The first that matches counts.
const COMPLAINTS: &[(&str, &str)] = &[
    (
        "Connection refused",
        "connection refused (is the camera on, its RTSP or HTTP service enabled, and the port right?)",
    ),
    ("No route to host", "no route to the camera (is it on, and the address right?)"),
    ("Network is unreachable", "the network is unreachable (check cable, Wi-Fi and address)"),
    ("timed out", "the camera does not answer (is it on, and the address right?)"),
    ("Connection reset", "the camera broke the connection (does it allow one viewer more? else restart it)"),
    ("Broken pipe", "the camera broke the connection (does it allow one viewer more? else restart it)"),
    ("Failed to resolve hostname", "the host name is unknown (write its address, or check the name server)"),
    ("Name or service not known", "the host name is unknown (write its address, or check the name server)"),
    (
        "No space left on device",
        "the ring has no room left (make ring.dir's file system larger, or ring.slots smaller)",
    ),
    ("503 Service", "the camera is busy (does it allow one viewer more? else restart it)"),
    ("453 Not Enough Bandwidth", "the camera has no bandwidth left (lower its bit rate, or close other viewers)"),
    ("Cannot allocate memory", "FFmpeg got no memory (free some: see free -m, or run fewer cameras)"),
    // A list of one entry that could not be opened, and nothing said why.
    (
        "Impossible to open 'rtsp",
        "the camera does not answer RTSP (is it on, and the port right? it may be starting, or have too many viewers)",
    ),
    ("Invalid data found", "what comes is no video (correct the camera's source)"),
];

/// The same, where only a person can help: to try again soon is no use, and some cameras lock out who is wrong too often.
const MISTAKES: &[(&str, &str)] = &[
    ("401 Unauthorized", "wrong user or password (correct the camera's source in nvr.toml)"),
    ("403 Forbidden", "the camera forbids it (give the user the right to view in the camera's settings)"),
    ("404 Not Found", "the camera has no stream of that name (correct the path in the camera's source)"),
    ("404 Stream Not Found", "the camera has no stream of that name (correct the path in the camera's source)"),
    ("matches no streams", "there is no video in this source (correct the camera's source)"),
    ("Protocol not found", "FFmpeg does not know this kind of source (correct the camera's source)"),
    ("No such file or directory", "there is no such file (correct the camera's source)"),
    ("No such filter", "FFmpeg has no such synthetic source (correct the camera's source)"),
    ("Unrecognized option", "FFmpeg does not know one of the options (correct the camera's input_args)"),
    ("Unknown input format", "FFmpeg does not know this format (correct the camera's input_args)"),
];

/// What a complaint of FFmpeg or of the system means, with the remedy.
pub fn meaning(complaint: &str) -> Option<&'static str> {
    let mut known = MISTAKES.iter().chain(COMPLAINTS);
    known.find(|(needle, _)| complaint.contains(needle)).map(|(_, meaning)| *meaning)
}

/// Why FFmpeg ended, from its last lines and what the system says of its end.
pub fn diagnose(lines: &[String], ending: &str) -> Trouble {
    let said = |needle: &str| lines.iter().any(|line| line.contains(needle));
    if said("Could not find tag for codec pcm_") || said("codec not currently supported in container") {
        let text = "MP4 cannot hold this camera's sound; it is made AAC from now on".to_owned();
        return Trouble { text, cure: Some(Cure::EncodeAudio) };
    }
    let meant =
        |of: &[(&str, &str)]| of.iter().find(|(needle, _)| said(needle)).map(|(_, meaning)| (*meaning).to_owned());
    if let Some(text) = meant(MISTAKES) {
        return Trouble { text, cure: Some(Cure::Person) };
    }
    let text = meant(COMPLAINTS).unwrap_or_else(|| {
        let errors = lines.iter().rev().filter(|line| line.contains("[error]") || line.contains("[fatal]"));
        match errors.map(|line| bare(line)).find(|line| !line.is_empty()) {
            Some(line) => format!("FFmpeg ended ({ending}): {line} (see its last words: nvr stderr CAMERA)"),
            None => ended(ending),
        }
    });
    Trouble { text, cure: None }
}

/// FFmpeg ended and did not complain.
fn ended(ending: &str) -> String {
    if ending.starts_with("exit status: 0") {
        // That is also what FFmpeg does when the camera is silent for longer than its timeout.
        return "the camera ended the stream (was it restarted, or is its network bad? see its own log)".to_owned();
    }
    if ending.starts_with("signal: 9") {
        return format!("FFmpeg was killed ({ending}; is memory short? see: journalctl -k)");
    }
    if ending.starts_with("signal") {
        return format!("FFmpeg crashed ({ending}; update FFmpeg if this comes again)");
    }
    format!("FFmpeg ended without a word ({ending}; see its last words: nvr stderr CAMERA)")
}

/// A line of stderr without `[rtsp @ 0x5581…] [error]`.
pub fn bare(line: &str) -> &str {
    let mut rest = line;
    while let Some((_, after)) = rest.strip_prefix('[').and_then(|tagged| tagged.split_once("] ")) {
        rest = after;
    }
    rest.trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("rtsp://me:s3cret@cam/a", "opening rtsp://me:s3cret@cam/a: s3cret", "opening rtsp://…@cam/a: …")]
    #[case("rtsp://me:p%40ss@cam/a", "p@ss or p%40ss", "… or …")]
    #[case("http://cam/v?token=abc", "http://cam/v?token=abc", "http://cam/v?…")]
    #[case("rtsp://cam/a", "\x1b[31mrtsp://cam/a", "[31mrtsp://cam/a")]
    fn secrets_are_taken_out_of_whatever_ffmpeg_says(#[case] source: &str, #[case] line: &str, #[case] clean: &str) {
        assert_eq!(Redactor::new(&Source::new(source.into())).clean(line), clean);
    }

    #[rstest]
    #[case(&["[rtsp @ 0x5] [error] method DESCRIBE failed: 401 Unauthorized"], "wrong user or password")]
    #[case(&["[tcp @ 0x5] [error] Connection to tcp://10.0.0.9:554 failed: Connection refused"], "connection refused")]
    #[case(&["[warning] harmless", "[mp4 @ 0x1] [error] odd thing"], "FFmpeg ended (exit status 1): odd thing")]
    #[case(&[], "FFmpeg ended without a word (exit status 1")]
    #[case(&["[concat @ 0x5] [error] Impossible to open 'rtsp://cam/a'", "[error] /dev/fd/3: Invalid data found when processing input"], "the camera does not answer RTSP")]
    #[case(&["[mpegts @ 0x5] [error] /dev/fd/3: Invalid data found"], "what comes is no video")]
    #[case(&["[concat @ 0x5] [error] Impossible to open 'rtsp://cam/a'", "[error] /dev/fd/3: Connection refused"], "connection refused")]
    fn complaints_become_sentences(#[case] lines: &[&str], #[case] sentence: &str) {
        let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        let trouble = diagnose(&lines, "exit status 1");
        assert!(trouble.text.starts_with(sentence), "{}", trouble.text);
        assert_eq!(trouble.cure, sentence.starts_with("wrong user").then_some(Cure::Person));
    }

    #[rstest]
    #[case("exit status: 0", "the camera ended the stream (")]
    #[case("signal: 9 (SIGKILL)", "FFmpeg was killed (signal: 9 (SIGKILL); is memory short?")]
    #[case("signal: 11 (SIGSEGV) (core dumped)", "FFmpeg crashed (signal: 11 (SIGSEGV) (core dumped); update")]
    fn an_end_without_a_complaint_is_told_by_how_it_ended(#[case] ending: &str, #[case] sentence: &str) {
        let trouble = diagnose(&["[warning] harmless".to_owned()], ending);
        assert!(trouble.text.starts_with(sentence) && trouble.text.ends_with(')'), "{}", trouble.text);
    }

    #[test]
    fn every_sentence_ends_with_its_remedy() {
        for (_, sentence) in MISTAKES.iter().chain(COMPLAINTS) {
            assert!(sentence.contains(" (") && sentence.ends_with(')'), "{sentence}");
        }
    }

    #[test]
    fn sound_that_mp4_refuses_has_a_cure() {
        let line = "[mp4 @ 0x1] [error] Could not find tag for codec pcm_alaw in stream #1".to_owned();
        assert_eq!(diagnose(&[line], "").cure, Some(Cure::EncodeAudio));
    }

    #[test]
    fn progress_is_the_frame_count() {
        assert_eq!((frames("frame=128"), frames("fps=25"), frames("frame=x")), (Some(128), None, None));
    }
}
