//! The film of the demo shows what is there: its keys do something where they are pressed, and its files are in the README.

#[path = "common/pictures.rs"]
#[allow(dead_code, reason = "each file of tests needs other pictures")]
mod pictures;

use crossterm::event::KeyCode;
use nvr::monitor::Leaving;
use nvr::monitor::keys::Press;
use nvr::monitor::ui::Ui;
use std::path::Path;

const TAPE: &str = include_str!("../demo.tape");

/// The keys that are pressed once the demo runs.
fn keys() -> Vec<KeyCode> {
    let rest = TAPE.split("Type \"nvr demo\"\nEnter\n").nth(1).expect("the demo is started");
    let pressed = rest.lines().flat_map(|line| match line.strip_prefix("Type ") {
        Some(text) => text.trim_matches('"').chars().map(KeyCode::Char).collect(),
        None if line == "Enter" => vec![KeyCode::Enter],
        None => Vec::new(),
    });
    pressed.collect()
}

#[test]
fn every_key_means_something_where_it_is_pressed() {
    let (mut ui, picture) = (Ui::new(Leaving::EndsAll), pictures::triggered());
    let keys = keys();
    assert!(keys.len() > 5, "only {keys:?} were found: has the tape another form?");
    for code in keys {
        ui.picture(&picture);
        // The clip list has something to open as soon as the recorder has answered; here the pages come by themselves.
        while let Some((number, nvr::model::command::Command::Ask(question))) = ui.question(Some(&picture)) {
            ui.answered(number, Ok(answer(&question, &picture)), pictures::NOW);
        }
        let press = Press { code, ctrl: false };
        assert!(press.action(ui.place()).is_some(), "{code} means nothing on {:?}", ui.place());
        ui.press(press, Some(&picture), pictures::NOW);
    }
}

/// What a recorder with the picture's clips would say.
fn answer(
    question: &nvr::model::question::Question,
    picture: &nvr::model::snapshot::Snapshot,
) -> nvr::model::command::Answer {
    use nvr::model::command::Answer;
    use nvr::model::question::{ClipPage, Found, Question};
    match question {
        Question::Clips(_) => Answer::Found(Found::Clips(ClipPage { clips: picture.clips.clone(), more: None })),
        Question::Journal(_) => Answer::Found(Found::Journal(picture.journal.clone())),
        Question::Copies(_) => Answer::Found(Found::Copies(picture.copies.clone())),
        Question::Sessions(_) => Answer::Found(Found::Sessions(Vec::new())),
        Question::Clip(_) | Question::Stderr(_) | Question::Stills { .. } | Question::WhereTo(_) => {
            Answer::Refused("not now".to_owned())
        }
    }
}

#[test]
fn what_it_writes_is_in_the_readme_and_small() {
    let readme = include_str!("../README.md");
    let files: Vec<_> =
        TAPE.lines().filter_map(|line| Some(line.split_once(' ')?.1)).filter(|it| it.starts_with("docs/")).collect();
    assert!(files.len() >= 2, "{files:?}");
    let size = |file: &&str| Path::new(env!("CARGO_MANIFEST_DIR")).join(file).metadata().expect("it is there").len();
    assert!(files.iter().map(size).sum::<u64>() < 2_000_000);
    for file in files {
        assert!(readme.contains(&format!("({file})")), "{file} is not in the README");
    }
}
