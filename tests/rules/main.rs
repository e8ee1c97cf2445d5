//! Who may use whom. The sources are parsed, and every path in them is looked at, whether it stands in a `use` line, in
//! an expression, in an attribute or in a macro. A rule that a test holds is a rule; the rest is hope.

mod paths;

use paths::{Names, Use, only_for_tests};
use std::collections::BTreeSet;
use std::path::Path;

/// What each part of the crate may use of the other parts; a path allows everything below it. A new part gets a line
/// here before it gets a second file.
const MAY_USE: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("lib", &[]),
    ("cli", &["clock", "config", "engine", "journal", "link", "model", "monitor", "stop", "work"]),
    ("config", &["model"]),
    ("clock", &["model::event", "model::time"]),
    ("engine", &["clock", "journal", "model", "stop", "work"]),
    ("journal", &["model"]),
    ("stop", &[]),
    ("work", &["model"]),
    // `snapshot`, `command` and `question`, and the types that they are made of.
    (
        "link",
        &[
            "model::snapshot",
            "model::command",
            "model::question",
            "model::id",
            "model::time",
            "model::record",
            "model::transcript",
            "model::event::Space",
        ],
    ),
    (
        "monitor",
        &[
            "clock",
            "link",
            "model::snapshot",
            "model::command",
            "model::question",
            "model::id",
            "model::time",
            "model::text",
            "model::record",
            "model::transcript",
            "model::event::Space",
        ],
    ),
    ("model", &[]),
];

/// The libraries of the pure part: values and their shapes, nothing that acts.
const MODEL_LIBRARIES: &[&str] = &[
    "std",
    "core",
    "alloc",
    "serde",
    "serde_json",
    "jiff",
    "thiserror",
    "ipnet",
    "bytesize",
    "unicode_width",
    "regex",
    "strsim",
    "bytes",
];

/// What even those may not bring into the pure part: clocks, files, the environment, other processes and threads.
const NOT_IN_MODEL: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "jiff::tz::TimeZone::system",
    "jiff::tz::TimeZone::try_system",
    "jiff::tz::db",
];

fn names(path: &str) -> Names {
    path.split("::").map(str::to_owned).collect()
}

/// The sources as the rules see them.
struct Crate {
    /// `src/link/serve.rs` and what is in it.
    files: Vec<(String, String)>,
    /// The libraries in Cargo.toml, as code spells them.
    libraries: BTreeSet<String>,
}

/// `src/link/serve.rs` is `link::serve`.
fn module_of(file: &str) -> Names {
    let inner = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut path: Names = inner.split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod") || path == ["lib"] || path == ["main"] {
        path.pop();
    }
    path
}

/// The first word of a rule for this file.
fn part_of(file: &str) -> String {
    match file {
        "src/main.rs" => "main".into(),
        "src/lib.rs" => "lib".into(),
        _ => module_of(file).into_iter().next().unwrap_or_default(),
    }
}

/// Modules that another file declares for tests only.
fn test_modules(files: &[(String, String)]) -> BTreeSet<Names> {
    let mut found = BTreeSet::new();
    for (file, text) in files {
        for item in syn::parse_file(text).expect("it compiled").items {
            if let syn::Item::Mod(module) = item
                && only_for_tests(&module.attrs)
            {
                found.insert([module_of(file), vec![module.ident.to_string()]].concat());
            }
        }
    }
    found
}

/// Every breach of the rules, in words that say what to do.
fn breaches(sources: &Crate) -> Vec<String> {
    let modules: BTreeSet<Names> = sources.files.iter().map(|(file, _)| module_of(file)).collect();
    let for_tests = test_modules(&sources.files);
    let mut found = Vec::new();
    for (file, text) in &sources.files {
        let module = module_of(file);
        if for_tests.iter().any(|tests| module.starts_with(tests)) {
            continue;
        }
        let part = part_of(file);
        let Some((_, may_use)) = MAY_USE.iter().find(|(name, _)| *name == part) else {
            found.push(format!("{file}: there is no rule for {part} (add it to MAY_USE in tests/rules.rs)"));
            continue;
        };
        let parsed = syn::parse_file(text).expect("it compiled");
        let (used, odd) = paths::find(&parsed, module, &modules, &sources.libraries);
        let bad = used.iter().filter_map(|found| judge(&part, may_use, found));
        found.extend(odd.into_iter().chain(bad).map(|sentence| format!("{file}: {sentence}")));
    }
    found
}

fn judge(part: &str, may_use: &[&str], found: &Use) -> Option<String> {
    match found {
        Use::Ours(path) => {
            let inside = path.first().is_none_or(|first| first == part);
            let allowed = inside || may_use.iter().any(|rule| path.starts_with(&names(rule)));
            let may = if may_use.is_empty() { "nothing of ours".into() } else { may_use.join(", ") };
            (!allowed).then(|| {
                format!(
                    "{part} uses {}, and may use {may} (move what it needs, or let the caller bring it)",
                    path.join("::")
                )
            })
        }
        Use::Library(path) if part == "model" => {
            let remedy = "the model is pure: take it as an argument, or ask for it by an effect";
            let banned = NOT_IN_MODEL.iter().map(|rule| names(rule));
            let glob = path.last().is_some_and(|last| last == "*");
            let mut banned =
                banned.filter(|rule| path.starts_with(rule) || (glob && rule.starts_with(&path[..path.len() - 1])));
            let bad = banned.next().is_some()
                || !MODEL_LIBRARIES.contains(&path[0].as_str())
                || (path[0] == "jiff" && path.last().is_some_and(|last| last == "now"));
            bad.then(|| format!("model uses {} ({remedy})", path.join("::")))
        }
        Use::Library(_) => None,
    }
}

/// A type of ours that is a library's by another name, such as `Wall`, reads the clock by `now` all the same.
fn reads_a_clock(sources: &Crate) -> Vec<String> {
    let in_model = sources.files.iter().filter(|(file, _)| part_of(file) == "model");
    let reads = in_model.filter(|(_, text)| text.contains("::now("));
    reads
        .map(|(file, _)| format!("{file}: something reads a clock by now() (take the instant as an argument)"))
        .collect()
}

fn read_crate() -> Crate {
    fn below(dir: &Path, root: &Path, files: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(dir).expect("src") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                below(&path, root, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).expect("below the root").display().to_string();
                files.push((name, std::fs::read_to_string(&path).expect("a source")));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    below(&root.join("src"), root, &mut files);
    files.sort();
    let manifest: toml::Table =
        std::fs::read_to_string(root.join("Cargo.toml")).expect("Cargo.toml").parse().expect("it builds");
    let libraries = manifest["dependencies"].as_table().expect("a table").keys().map(|name| name.replace('-', "_"));
    Crate { files, libraries: libraries.collect() }
}

#[test]
fn every_part_uses_only_what_it_may() {
    let sources = read_crate();
    assert!(sources.files.len() > 10 && sources.libraries.contains("tokio"), "the sources were not found");
    let found = [breaches(&sources), reads_a_clock(&sources)].concat();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// A crate with one file more than the usual ones, and what is said of it.
fn said_of(file: &str, text: &str) -> Vec<String> {
    let mut files: Vec<(String, String)> = [
        ("src/lib.rs", "pub mod model; pub mod link;"),
        ("src/model/mod.rs", "pub mod id; pub mod snapshot;"),
        ("src/model/id.rs", ""),
        ("src/model/snapshot.rs", "use super::id::CameraName;"),
        ("src/link/mod.rs", "mod serve;"),
        ("src/engine.rs", ""),
    ]
    .map(|(file, text)| (file.to_owned(), text.to_owned()))
    .into();
    files.retain(|(name, _)| name != file);
    files.push((file.to_owned(), text.to_owned()));
    let libraries = ["tokio", "jiff", "serde", "fs_err", "tracing"].map(str::to_owned).into();
    let sources = Crate { files, libraries };
    [breaches(&sources), reads_a_clock(&sources)].concat()
}

#[rstest::rstest]
#[case::use_line("src/link/serve.rs", "use crate::engine::Engine;", "link uses engine::Engine")]
#[case::in_a_group(
    "src/link/serve.rs",
    "use crate::{model::{id::CameraName, effect::Effect}};",
    "link uses model::effect::Effect"
)]
#[case::in_an_expression("src/link/serve.rs", "fn f() { let x = crate::engine::start(1); }", "link uses engine::start")]
#[case::in_a_type(
    "src/link/serve.rs",
    "struct A(Vec<Option<crate::work::places::Place>>);",
    "link uses work::places::Place"
)]
#[case::in_a_bound("src/link/serve.rs", "fn f<T: crate::work::Hand>(t: T) {}", "link uses work::Hand")]
#[case::in_a_pattern(
    "src/link/serve.rs",
    "fn f(x: u8) { match x { crate::engine::MAX => {}, _ => {} } }",
    "link uses engine::MAX"
)]
#[case::in_a_macro(
    "src/link/serve.rs",
    "fn f() { println!(\"{}\", crate::engine::name()); }",
    "link uses engine::name"
)]
#[case::deep_in_a_macro(
    "src/link/serve.rs",
    "fn f() { tokio::select! { _ = async { g(crate::engine::X) } => {} } }",
    "link uses engine::X"
)]
#[case::in_macro_rules(
    "src/link/serve.rs",
    "macro_rules! m { () => { $crate::engine::go() } }",
    "link uses engine::go"
)]
#[case::in_an_attribute("src/link/serve.rs", "#[derive(crate::engine::Magic)] struct A;", "link uses engine::Magic")]
#[case::by_super("src/link/serve.rs", "use super::super::engine::Engine;", "link uses engine::Engine")]
#[case::by_super_from_within(
    "src/link/serve.rs",
    "mod inner { use super::super::super::engine::Engine; }",
    "link uses engine::Engine"
)]
#[case::by_self("src/engine.rs", "use self::super::monitor::View;", "engine uses monitor::View")]
#[case::by_another_name(
    "src/link/serve.rs",
    "use crate::model as m; fn f(x: m::effect::Effect) {}",
    "link uses model::effect::Effect"
)]
#[case::by_glob("src/link/serve.rs", "use crate::*;", "link uses *")]
#[case::by_reexport("src/link/serve.rs", "pub use crate::engine as core;", "link uses engine")]
#[case::in_a_function("src/link/serve.rs", "fn f() { use crate::engine::Engine; }", "link uses engine::Engine")]
#[case::by_the_crates_name("src/main.rs", "fn main() { nvr::engine::run() }", "main uses engine::run")]
#[case::from_lib("src/lib.rs", "pub mod model; pub use model::id::CameraName;", "lib uses model::id::CameraName")]
#[case::upwards("src/model/id.rs", "use crate::link::Frame;", "model uses link::Frame")]
#[case::hidden_file("src/link/mod.rs", "#[path = \"../engine.rs\"] mod e;", "#[path] on mod e")]
#[case::included("src/link/mod.rs", "include!(\"../engine.rs\");", "include!")]
#[case::unknown_part("src/helpers.rs", "", "there is no rule for helpers")]
#[case::tokio("src/model/id.rs", "use tokio::time::Duration;", "model uses tokio::time::Duration")]
#[case::absolute(
    "src/model/id.rs",
    "fn f() -> ::tokio::time::Duration { todo!() }",
    "model uses tokio::time::Duration"
)]
#[case::log("src/model/id.rs", "fn f() { tracing::info!(\"x\"); }", "model uses tracing::info")]
#[case::fs("src/model/id.rs", "use std::{fmt, fs as files};", "model uses std::fs")]
#[case::fs_later("src/model/id.rs", "fn f() { std::fs::read(\"x\"); }", "model uses std::fs::read")]
#[case::fs_err("src/model/id.rs", "fn f() { fs_err::read(\"x\"); }", "model uses fs_err::read")]
#[case::env("src/model/id.rs", "fn f() { vec![std::env::var(\"x\")]; }", "model uses std::env::var")]
#[case::clock("src/model/id.rs", "use std::time; fn f(x: time::Instant) {}", "model uses std::time::Instant")]
#[case::clock_by_glob("src/model/id.rs", "use std::time::*;", "model uses std::time::*")]
#[case::clock_by_name(
    "src/model/id.rs",
    "use std as s; fn f() { s::time::SystemTime::UNIX_EPOCH; }",
    "model uses std::time::SystemTime::UNIX_EPOCH"
)]
#[case::extern_crate("src/model/id.rs", "extern crate tokio;", "extern crate tokio")]
#[case::jiff_now(
    "src/model/id.rs",
    "use jiff::Timestamp; fn f() { let x = Timestamp::now; }",
    "model uses jiff::Timestamp::now"
)]
#[case::wall_now("src/model/id.rs", "type Wall = jiff::Timestamp; fn f() { Wall::now(); }", "something reads a clock")]
#[case::zone(
    "src/model/id.rs",
    "use jiff::tz::TimeZone; fn f() { TimeZone::system(); }",
    "model uses jiff::tz::TimeZone::system"
)]
fn each_breach_is_found(#[case] file: &str, #[case] text: &str, #[case] sentence: &str) {
    let said = said_of(file, text);
    assert!(said.iter().any(|said| said.starts_with(&format!("{file}: {sentence}"))), "{said:?}");
    assert!(said.iter().all(|said| said.ends_with(')')), "each says what to do: {said:?}");
}

#[rstest::rstest]
#[case(
    "src/link/serve.rs",
    "use crate::model::{id::CameraName, snapshot::{self, Snapshot}}; use super::frame; use tokio::net;"
)]
#[case(
    "src/link/serve.rs",
    "mod engine { pub struct X; } fn f() { let work = 1; let x = engine::X; Vec::<u8>::new(); }"
)]
#[case(
    "src/model/id.rs",
    "use std::time::Duration; use jiff::Timestamp; use std::net::IpAddr; fn f() { core::mem::take(&mut 1); }"
)]
#[case("src/model/id.rs", "use super::snapshot::Snapshot; fn f() { format!(\"{}\", x.now); }")]
#[case(
    "src/model/id.rs",
    "#[cfg(test)] mod tests { use crate::link::Frame; use std::fs; #[test] fn f() { tokio::spawn(1); } }"
)]
#[case("src/main.rs", "fn main() -> std::process::ExitCode { nvr::cli::main() }")]
#[case(
    "src/engine.rs",
    "use crate::{model::id::CameraName, work::places}; fn f() { places::ring(std::time::Instant::now()); }"
)]
fn what_is_allowed_is_not_a_breach(#[case] file: &str, #[case] text: &str) {
    assert_eq!(said_of(file, text), Vec::<String>::new());
}
