//! `nvr check` of archive and mail port: what keeps clips and mails from them is told before it does.

use super::recorder::nvr;
use std::fs;
use std::path::Path;

/// The table's lines about the archive.
async fn archive(dir: &Path, keys: &str) -> String {
    table(dir, "archive", keys, "listen = '127.0.0.1:0'").await
}

/// The table's lines about something, with these keys of `[archive]` and of `[smtp]`.
async fn table(dir: &Path, about: &str, keys: &str, mail: &str) -> String {
    let at = dir.display();
    let config = format!(
        "[ring]\ndir = '{at}/ring'\n[archive]\ndir = '{at}/clips'\n{keys}\n[smtp]\n{mail}\n[recorder]\n\
         state_dir = '{at}/state'\nffmpeg = '/bin/false'\n[[camera]]\nname = 'front'\nsource = 'lavfi:testsrc2'\n"
    );
    let file = dir.join("nvr.toml");
    fs::write(&file, config).expect("a configuration");
    let ended = nvr(dir, &["--config", file.to_str().expect("a name"), "check"]).await;
    let lines = ended.out.lines().filter(|line| line.split_whitespace().nth(1) == Some(about));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn an_archive_that_was_there_before_and_is_not_now_fails_with_what_helps() {
    let dir = tempfile::tempdir().expect("a place");
    let (clips, seen) = (dir.path().join("clips"), dir.path().join("state/archive.json"));
    assert!(archive(dir.path(), "min_free = '0 B'").await.starts_with("ok archive "), "one that is new");
    fs::create_dir(dir.path().join("state")).expect("a directory");
    fs::write(&seen, format!("{{\"{}\": \"a-1\"}}", clips.display())).expect("its memory");
    let missing = format!(
        "FAIL archive archive.dir {} holds no archive, and did before: is its disk mounted? (mount it; or, if clips shall \
         go there from now on, remove {})",
        clips.display(),
        seen.display()
    );
    assert_eq!(archive(dir.path(), "").await, missing, "its mount point is gone too");
    fs::create_dir(&clips).expect("a mount point");
    assert_eq!(archive(dir.path(), "").await, missing);
    fs::write(clips.join(".nvr"), "a-1\n").expect("its id");
    assert!(archive(dir.path(), "min_free = '0 B'").await.starts_with("ok archive "));
    fs::write(clips.join(".nvr"), "a-2\n").expect("another id");
    assert!(archive(dir.path(), "").await.contains("warn archive ") && clips.join(".nvr").exists());
}

#[tokio::test]
async fn a_limit_that_no_clip_can_hold_is_told_with_what_helps() {
    let dir = tempfile::tempdir().expect("a place");
    fs::create_dir(dir.path().join("clips")).expect("a directory");
    let text = archive(dir.path(), "min_free = '1000 PiB'").await;
    assert!(text.contains("warn archive archive.min_free (1000.0 PiB) is more than the whole disk holds"), "{text}");
    assert!(!text.contains("will be deleted"), "there is none: {text}");
}

#[tokio::test]
async fn the_mail_port_says_who_is_let_in_and_what_tls_is_spoken_with() {
    let dir = tempfile::tempdir().expect("a place");
    let mail = async |keys: &str| table(dir.path(), "mail", "", &format!("listen = '127.0.0.1:0'\n{keys}")).await;
    let free = "ok mail 127.0.0.1:0 is free; any user and password pass; TLS certificate still to be made";
    assert_eq!(mail("").await, free);
    let locked = mail("tls_listen = '127.0.0.2:0'\nuser = 'camera'\npassword = 's3cret'").await;
    assert!(locked.contains("; 127.0.0.2:0 (TLS) is free; cameras log in as camera; "), "{locked}");
    let wrong = mail("tls_cert = 'a.crt'\ntls_key = 'a.key'").await;
    let start = format!(
        "FAIL mail the mail port cannot use its certificate: {}/a.crt cannot be read: No such",
        dir.path().display()
    );
    assert!(wrong.starts_with(&start) && wrong.ends_with("or leave smtp.tls_cert and smtp.tls_key out)"), "{wrong}");
}
