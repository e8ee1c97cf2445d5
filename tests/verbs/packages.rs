//! `nvr generate`, for those who make packages.

use super::recorder::nvr;
use std::path::Path;
use std::process::Command;

async fn generated(what: &str) -> String {
    let ended = nvr(Path::new("/nowhere"), &["generate", what]).await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    ended.out
}

/// What a program says of a file; `None`: it is not installed.
fn judged(program: &str, args: &[&str], text: &str) -> Option<String> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&file, text).expect("is written");
    let output = Command::new(program).args(args).arg(file.path()).env("LC_ALL", "C.UTF-8").output().ok()?;
    assert!(output.status.success(), "{program}: {output:?}");
    Some(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn completions_know_every_verb_and_nothing_that_is_hidden() {
    let bash = generated("bash").await;
    assert_eq!(judged("bash", &["-n"], &bash).as_deref(), Some(""));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = generated(shell).await;
        for word in ["unprotect", "journal", "older-than", "socket"] {
            assert!(text.contains(word), "{shell} does not know {word}");
        }
        for word in ["generate", "leash", "log-dir"] {
            assert!(!text.contains(word), "{shell} offers {word}");
        }
    }
    let script = format!("{bash}\nCOMP_WORDS=(nvr cl) COMP_CWORD=1\n_nvr nvr cl nvr\necho ${{COMPREPLY[@]}}");
    let output = Command::new("bash").args(["-c", &script]).output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "clips clip\n");
}

#[tokio::test]
async fn the_man_page_is_one_that_man_takes() {
    let page = generated("man").await;
    for verb in ["clips", "unprotect", "events"] {
        assert!(page.contains(&format!("\n.SS {verb}\n")), "{verb} is missing");
    }
    assert!(page.contains(".SH NAME\nnvr \\- a network video recorder") && page.contains("\\-\\-older\\-than"));
    let requests = page.lines().filter(|line| line.starts_with('.'));
    let known = [".TH", ".SH", ".SS", ".TP", ".PP", ".RS", ".RE", ".IP", ".br", ".ie", ".el"];
    for line in requests {
        assert!(known.iter().any(|request| line.starts_with(request)), "{line}");
    }
    if let Some(complaints) = judged("groff", &["-man", "-ww", "-z"], &page) {
        assert_eq!(complaints, "");
    }
}
