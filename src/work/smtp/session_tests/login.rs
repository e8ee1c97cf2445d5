//! Who has to say who it is, and what comes of saying it.

use super::super::open_to_all;
use super::{Camera, TO_GARDEN, usual};
use crate::model::event::Event;
use crate::model::settings::{Limits, Login};
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn any_credentials_pass_in_every_form() {
    let mut camera = usual();
    camera.hears().await;
    for (said, codes) in [
        ("AUTH PLAIN AGEAYg==\r\n", &["235"][..]),
        ("AUTH PLAIN\r\nAGEAYg==\r\n", &["334", "235"]),
        ("AUTH PLAIN =\r\n", &["235"]),
        ("AUTH LOGIN\r\nYQ==\r\nYg==\r\n", &["334", "334", "235"]),
        ("AUTH LOGIN YQ==\r\nYg==\r\n", &["334", "235"]),
        ("AUTH LOGIN\r\n\r\n\r\n", &["334", "334", "235"]),
        ("AUTH LOGIN\r\n*\r\n", &["334", "501"]),
        ("AUTH CRAM-MD5\r\n", &["504"]),
        ("EHLO cam\r\n", &["250"]),
        ("AUTH LOGIN\r\nnot base64\r\nQUIT\r\n", &["334", "334", "235"]),
        ("STARTTLS\r\n", &["502"]),
        ("MAIL FROM:<>\r\nRCPT TO:<garden@nvr>\r\nDATA\r\n.\r\n", &["250", "250", "354", "250"]),
    ] {
        camera.says(said).await;
        assert_eq!(camera.hears_each(codes.len()).await, codes, "{said}");
    }
    assert_eq!(camera.mail().await.from, "");
}

fn asked_to_log_in(limits: Limits) -> Camera {
    let login = Login { user: "camera".into(), password: "s3cret".into() };
    Camera::connects_to(open_to_all(limits, Some(login)), 16)
}

fn notes(events: &[Event]) -> Vec<&str> {
    let texts = events.iter().map(|event| if let Event::Note(text) = event { Some(text.as_str()) } else { None });
    texts.flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn where_a_login_is_asked_for_only_the_right_one_passes_in_every_form() {
    let mut camera = asked_to_log_in(Limits { mistakes: 100, wrong_logins: 100, ..Limits::default() });
    camera.hears().await;
    for (said, codes) in [
        // In turn "camera" and "s3cret"; then what is wrong with them.
        ("AUTH PLAIN AGNhbWVyYQBzM2NyZXQ=\r\n", &["235"][..]),
        ("AUTH PLAIN\r\nAGNhbWVyYQBzM2NyZXQ=\r\n", &["334", "235"]),
        ("AUTH PLAIN Y2FtZXJhAGNhbWVyYQBzM2NyZXQ\r\n", &["235"]), // on its own behalf, and no padding
        ("AUTH LOGIN\r\nY2FtZXJh\r\nczNjcmV0\r\n", &["334", "334", "235"]),
        ("AUTH LOGIN Y2FtZXJh\r\nczNjcmV0\r\n", &["334", "235"]),
        ("auth login  Y2FtZXJh \n czNjcmV0 \n", &["334", "235"]),
        ("AUTH PLAIN AGNhbWVyYQBzM2NyZXR0\r\n", &["535"]),
        ("AUTH PLAIN AGNhbWVyYQ==\r\n", &["535"]),
        ("AUTH PLAIN =\r\n", &["535"]),
        ("AUTH PLAIN\r\n\r\n", &["334", "535"]),
        ("AUTH LOGIN\r\nYWRtaW4=\r\nczNjcmV0\r\n", &["334", "334", "535"]),
        ("AUTH LOGIN\r\nnot base64\r\nczNjcmV0\r\n", &["334", "334", "535"]),
        ("AUTH LOGIN Y2FtZXJh\r\n\r\n", &["334", "535"]),
        ("AUTH LOGIN Y2FtZXJh\r\n*\r\n", &["334", "501"]),
        ("AUTH LOGIN\r\n*\r\n", &["334", "501"]),
        ("AUTH CRAM-MD5\r\n", &["504"]),
        ("AUTH\r\n", &["504"]),
    ] {
        camera.says(&format!("{said}MAIL FROM:<a@b>\r\nRSET\r\n")).await;
        let sends = if codes.contains(&"235") { "250" } else { "530" };
        let expected = [codes, &[sends, "250"]].concat();
        assert_eq!(camera.hears_each(expected.len()).await, expected, "{said}");
    }
    let events = camera.events().await;
    let remedy = "(type smtp.user and smtp.password into the camera)";
    let wrong = format!(
        "10.0.0.7 logged in to the mail port with the right user and a wrong password and was refused {remedy}"
    );
    assert_eq!(notes(&events)[0], wrong);
    assert!(notes(&events)[1].starts_with("10.0.0.7 wanted to send mail without a user and password"), "{events:?}");
    assert!(!format!("{events:?}").contains("s3cret"));
}

#[tokio::test(start_paused = true)]
async fn without_the_login_nothing_triggers_and_after_many_wrong_ones_the_right_one_has_to_wait() {
    let mut camera = asked_to_log_in(Limits { mistakes: 100, ..Limits::default() });
    camera.says(&format!("{TO_GARDEN}DATA\r\n.\r\n")).await;
    assert_eq!(camera.hears_each(6).await, ["220", "250", "530", "503", "503", "500"]);
    for _ in 0..10 {
        camera.says("AUTH PLAIN AGEAYg==\r\n").await;
        assert_eq!(camera.hears().await, "535");
    }
    camera.says("AUTH PLAIN AGNhbWVyYQBzM2NyZXQ=\r\n").await;
    let words = camera.hears_the_end().await;
    assert_eq!(words, "421 too many wrong passwords from your address, try again in a minute\r\n");
    let events = camera.events().await;
    assert_eq!(notes(&events).len(), events.len(), "no trigger: {events:?}");
    assert!(notes(&events)[2].contains("10 times in a minute and has to wait"), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn another_login_counts_at_once_for_who_has_not_logged_in() {
    let mut camera = usual();
    camera.says("EHLO cam\r\nAUTH PLAIN AGEAYg==\r\nMAIL FROM:<a@b>\r\nRSET\r\n").await;
    assert_eq!(camera.hears_each(5).await[1..], ["250", "235", "250", "250"]);
    let login = Some(Login { user: "a".into(), password: "b".into() });
    camera.rules.send_modify(|rules| Arc::make_mut(rules).login = login);
    camera.says("AUTH PLAIN AGEAYw==\r\nMAIL FROM:<a@b>\r\n").await;
    assert_eq!(camera.hears_each(2).await, ["535", "530"]);
    camera.says(&format!("AUTH PLAIN AGEAYg==\r\n{TO_GARDEN}DATA\r\n.\r\n")).await;
    assert_eq!(camera.hears_each(6).await, ["235", "250", "250", "250", "354", "250"]);
    while !matches!(camera.bus.recv().await.expect("a mail"), Event::Mail(_)) {}
}
