//! What fuzzers check (`make fuzz`), on real mails of cameras, on what can be made of those, and on things made up.

#[path = "fuzz/checks.rs"]
mod checks;

use proptest::prelude::*;
use std::path::Path;

/// Files that the fuzzers begin with.
fn corpus(of: &str) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(of);
    let files = std::fs::read_dir(&dir).expect("a corpus").flatten().map(|entry| entry.path());
    let mut all: Vec<_> =
        files.map(|path| (path.display().to_string(), std::fs::read(&path).expect("a file"))).collect();
    all.sort();
    assert!(all.len() >= 8, "{} is nearly empty", dir.display());
    all
}

fn session(data: &[u8]) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(checks::session(data))
}

/// Each check of each file, and of each session in each way to say it.
#[test]
fn real_mails_and_sessions() {
    for (_, data) in corpus("mail") {
        checks::mail(&data);
        let mut said = b"\x02HELO x\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n".to_vec();
        said.extend_from_slice(&data);
        said.extend_from_slice(b"\n.\nQUIT\n");
        assert_eq!(session(&said), 1);
    }
    for (_, data) in corpus("session") {
        assert!(session(&data) > 0, "a session that was real triggered");
        for way in [0, 1, 2, 3, 4, 7 << 2, 63 << 2] {
            session(&[&[way], &data[1..]].concat());
        }
        for read in [1, 3, 255] {
            checks::lines(&[&[read], &data[1..]].concat());
        }
    }
    corpus("lines").iter().for_each(|(_, data)| checks::lines(data));
}

/// What is called off triggers nothing, and what breaks off does.
#[test]
fn a_mail_that_is_called_off() {
    let said = |end: &str| session(format!("\x02HELO x\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\n{end}").as_bytes());
    assert_eq!(said("RSET\nQUIT\n"), 0);
    assert_eq!(said("EHLO x\nQUIT\n"), 0);
    assert_eq!(said("RSET\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nRCPT TO:<e@f>\nDATA\n\n.\nQUIT\n"), 2);
    assert_eq!(said("DATA\n\n.\nRSET\nQUIT\n"), 1);
    assert_eq!(said(""), 1);
}

/// Pieces of real files, cut, repeated and with bytes of nobody between them.
fn mutated(of: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let all: Vec<Vec<u8>> = corpus(of).into_iter().map(|(_, data)| data).collect();
    let piece = (prop::sample::select(all), any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(
        |(data, from, to)| {
            let (from, to) = (from.index(data.len() + 1), to.index(data.len() + 1));
            data[from.min(to)..from.max(to)].to_vec()
        },
    );
    let words = prop::sample::select(vec![
        "\r\n",
        "\n.\n",
        "RCPT TO:<a@b>\n",
        "MAIL FROM:<a@b>\n",
        "RSET\n",
        "DATA\n",
        "EHLO x\n",
        "AUTH LOGIN\n",
        "QUIT\n",
        "--",
        "=?utf-8?B?",
        "?=",
        ": ",
        "boundary=",
    ]);
    let made_up = prop_oneof![
        2 => words.prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    let pieces = prop::collection::vec(prop_oneof![3 => piece, 2 => made_up], 0..8);
    (any::<u8>(), pieces).prop_map(|(first, pieces)| [vec![first], pieces.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn lines_and_dialect(data in mutated("session")) {
        checks::lines(&data);
    }

    #[test]
    fn whole_sessions(data in mutated("session")) {
        session(&data);
    }

    #[test]
    fn mails(data in mutated("mail")) {
        checks::mail(&data);
    }
}
