//! `nvr setup`: what to type into a camera's form.

use super::recorder::nvr;
use rstest::rstest;
use std::fs;

/// What is said, with these keys of `[smtp]` besides an address.
async fn setup(keys: &str, args: &[&str]) -> (bool, String, String) {
    let dir = tempfile::tempdir().expect("a place");
    let file = dir.path().join("nvr.toml");
    let config = format!(
        "[smtp]\nlisten = '192.0.2.7:2525'\n{keys}\n[[camera]]\nname = 'front'\nsource = 'lavfi:testsrc2'\n[[camera]]\nname = \
         'garden'\nsource = 'lavfi:testsrc2'\n"
    );
    fs::write(&file, config).expect("a configuration");
    let words = ["--config", file.to_str().expect("a name"), "setup"];
    let ended = nvr(dir.path(), &[&words, args].concat()).await;
    (ended.code == Some(0), ended.out, ended.err)
}

const LOGIN: &str = "user = 'cameras@home'\npassword = 'ge heim'";

#[rstest]
#[tokio::test]
async fn a_form_has_all_that_a_camera_needs_and_no_secret(
    #[values("hikvision", "dahua", "amcrest", "reolink", "axis", "foscam", "generic")] maker: &str,
    #[values("", LOGIN)] keys: &str,
) {
    let (well, text, error) = setup(keys, &["garden", "--maker", maker]).await;
    assert!(well, "{error}");
    let fields: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("  ")?.split_once("  ")).collect();
    let has = |value: &str| fields.iter().filter(|(_, is)| is.trim() == value).count() == 1;
    assert!(has("192.0.2.7") && has("2525") && has("garden@nvr"), "{text}");
    assert_eq!(has("cameras@home"), !keys.is_empty(), "{text}");
    assert_eq!(has("what smtp.password is in nvr.toml"), !keys.is_empty(), "{text}");
    assert!(!text.contains("ge heim"), "{text}");
}

/// Its form has no field for a user.
#[rstest]
#[case::address(LOGIN, "cameras@home")]
#[case::word("user = 'cam'\npassword = 'x'", "cam (set smtp.user to one with an @ if the form wants an address)")]
#[case::nobody("", "front@camera (anything that looks like an address)")]
#[tokio::test]
async fn a_reolink_sends_from_who_it_logs_in_as(#[case] keys: &str, #[case] sender: &str) {
    let (_, text, _) = setup(keys, &["front", "--maker", "reolink"]).await;
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Sender Address")).expect("a sender");
    assert_eq!(line.trim(), sender);
}

#[tokio::test]
async fn without_a_name_all_cameras_and_how_to_go_on() {
    let (well, text, _) = setup("", &[]).await;
    assert!(well && text.contains("front@nvr") && text.contains("garden@nvr"), "{text}");
    assert!(text.contains("nvr setup front --maker hikvision|"), "{text}");
    let (well, _, error) = setup("", &["gardn"]).await;
    assert!(!well && error.contains("no camera is called gardn (there are: front, garden)"), "{error}");
}
