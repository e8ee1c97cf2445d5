//! What the README says of the command line is what the program says of itself.

use std::collections::BTreeSet;
use std::process::Command;

/// The program's own words about itself or a verb.
fn help(verb: Option<&str>) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_nvr")).args(verb).arg("--help").output().expect("the program");
    assert!(output.status.success(), "nvr {} --help", verb.unwrap_or_default());
    String::from_utf8(output.stdout).expect("text")
}

/// The verbs in `nvr --help`.
fn verbs() -> BTreeSet<String> {
    let help = help(None);
    let list = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list of verbs");
    let first = |line: &str| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')).map(str::to_owned);
    list.lines().filter_map(first).filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
}

/// The lines of the README's block, each as its verbs and all that is said of them.
fn block() -> Vec<(Vec<String>, &'static str)> {
    let readme = include_str!("../README.md");
    let rest = readme.split("\n## Using it\n").nth(1).expect("a chapter");
    let block = rest.split("```").nth(1).expect("a block");
    let lines = block.lines().filter_map(|line| line.strip_prefix("nvr "));
    let parsed = lines.map(|line| {
        let words = line.split("  ").next().unwrap_or_default();
        let verbs = words.split(' ').next().unwrap_or_default();
        (verbs.split('|').filter(|verb| !verb.is_empty()).map(str::to_owned).collect(), line)
    });
    parsed.collect()
}

#[test]
fn every_verb_of_the_help_stands_in_the_readme_and_the_other_way_round() {
    let told: Vec<_> = block().into_iter().flat_map(|(verbs, _)| verbs).collect();
    let unique: BTreeSet<_> = told.iter().cloned().collect();
    assert_eq!(told.len(), unique.len(), "a verb stands twice: {told:?}");
    assert_eq!(unique, verbs());
}

#[test]
fn every_option_in_the_readme_is_one_of_its_verb() {
    let mut looked_at = 0;
    for (verbs, line) in block() {
        let options = line.split(|c: char| !c.is_ascii_lowercase() && c != '-').filter(|word| word.starts_with("--"));
        let options: Vec<_> = options.collect();
        for (verb, option) in verbs.iter().flat_map(|verb| options.iter().map(move |option| (verb, option))) {
            let known = help(Some(verb)).split(|c: char| c.is_whitespace() || c == ',').any(|word| word == *option);
            assert!(known, "nvr {verb} knows no {option}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 10, "only {looked_at} options were found: has the block another form?");
}
