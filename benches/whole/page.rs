//! `docs/benchmarks.md`: limits and what was measured, where, and with what.

use crate::material::run;
use crate::nvr_process::program;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// What a part has measured.
#[derive(Default)]
pub struct Findings {
    tables: Vec<Table>,
    /// Figures that have a limit, by name.
    figures: BTreeMap<&'static str, f64>,
    /// What could not be measured, and why.
    failed: Vec<(String, String)>,
}

impl Findings {
    pub fn of(tables: impl IntoIterator<Item = Table>) -> Findings {
        Findings { tables: tables.into_iter().collect(), ..Findings::default() }
    }

    pub fn note(&mut self, what: &'static str, figure: f64) {
        self.figures.insert(what, figure);
    }

    pub fn fail(&mut self, what: &str, why: &str) {
        self.failed.push((what.to_owned(), why.to_owned()));
    }

    pub fn add(&mut self, other: Findings) {
        self.tables.extend(other.tables);
        self.figures.extend(other.figures);
        self.failed.extend(other.failed);
    }
}

/// Figures beside each other.
pub struct Table {
    name: &'static str,
    about: String,
    head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(name: &'static str, about: String, head: &[&str]) -> Table {
        Table { name, about, head: head.iter().map(|it| (*it).to_owned()).collect(), rows: Vec::new() }
    }
}

/// Which side of a bound is well.
#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// What must hold: what, the figure's name, its unit, the bound.
const LIMITS: &[(&str, &str, &str, Bound)] = &[
    ("8 cameras at rest: processor time of the recorder", "rest processor", "%", Bound::AtMost(0.5)),
    ("the same as a share of its FFmpegs' own", "rest share", "", Bound::AtMost(0.05)),
    ("the same: memory (PSS)", "rest memory", "MiB", Bound::AtMost(15.0)),
    ("the same: wake-ups beyond those of progress lines and file events", "rest wakes", "/s", Bound::AtMost(5.0)),
    ("64 cameras: longest from claim to durable", "most stored", "s", Bound::AtMost(2.0)),
    ("64 cameras: packets lost, or stored twice", "most lost", "", Bound::AtMost(0.0)),
    ("64 cameras at rest: processor time of the recorder", "most rest", "%", Bound::AtMost(3.0)),
    ("the same while all of them save", "most busy", "%", Bound::AtMost(3.0)),
    ("growth with cameras at rest: exponent", "growth rest", "", Bound::AtMost(1.0)),
    ("growth with cameras while all save: exponent", "growth busy", "", Bound::AtMost(1.0)),
    ("archive: throughput beside `dd conv=fsync`", "archive rate", "×", Bound::AtLeast(0.9)),
    ("archive: processor time a GB beside it", "archive cost", "×", Bound::AtMost(1.5)),
    ("program, stripped", "binary", "MB", Bound::AtMost(8.0)),
    ("first frame of the monitor", "first frame", "ms", Bound::AtMost(50.0)),
];

/// A figure with as many digits as say something.
pub fn number(value: f64, unit: &str) -> String {
    let text = match value.abs() {
        tiny if tiny < 0.1 && tiny > 0.0 => format!("{value:.3}"),
        small if small < 10.0 => format!("{value:.2}"),
        middle if middle < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    let space = if matches!(unit, "" | "/s" | "×") { "" } else { " " };
    format!("{text}{space}{unit}")
}

fn limits(findings: &Findings) -> Table {
    let mut table = Table::new("Limits", String::new(), &["what", "limit", "measured", ""]);
    let size = std::fs::metadata(program()).map(|program| program.len() as f64 / 1e6);
    for (what, figure, unit, bound) in LIMITS {
        let measured = match *figure {
            "binary" => size.as_ref().ok(),
            _ => findings.figures.get(figure),
        };
        let limit = match bound {
            Bound::AtMost(most) => format!("≤ {}", number(*most, unit)),
            Bound::AtLeast(least) => format!("≥ {}", number(*least, unit)),
        };
        let met = measured.map(|value| match bound {
            Bound::AtMost(most) => value <= most,
            Bound::AtLeast(least) => value >= least,
        });
        let verdict = met.map_or("not measured", |met| if met { "met" } else { "**not met**" });
        let measured = measured.map_or_else(String::new, |value| number(*value, unit));
        table.rows.push(vec![(*what).to_owned(), limit, measured, verdict.to_owned()]);
    }
    table
}

fn first_line(program: &str, args: &[&str]) -> String {
    run(program, args).0.lines().next().unwrap_or_default().to_owned()
}

/// Where and with what it was measured.
pub fn circumstances() -> String {
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or(": unknown").to_owned();
        line.trim_start_matches([':', ' ', '\t']).to_owned()
    };
    let count = std::thread::available_parallelism().map_or(0, usize::from);
    let ffmpeg = first_line("ffmpeg", &["-hide_banner", "-version"]);
    let memory = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse::<f64>().unwrap_or_default();
    let disk = run("df", &["--output=fstype", env!("CARGO_TARGET_TMPDIR")]).0;
    format!(
        "nvr {}, {}, Linux {}, {count} × {}, {:.0} GiB of RAM, archive on {}, load at the start {}",
        env!("CARGO_PKG_VERSION"),
        ffmpeg.split(" Copyright").next().unwrap_or_default(),
        first_line("uname", &["-r"]),
        field("/proc/cpuinfo", "model name"),
        memory / 1024.0 / 1024.0,
        disk.lines().nth(1).unwrap_or("an unknown file system"),
        std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default(),
    )
}

fn table(page: &mut String, Table { name, about, head, rows }: &Table) {
    let _ = writeln!(page, "\n## {name}\n");
    if !about.is_empty() {
        let _ = writeln!(page, "{about}\n");
    }
    let _ = writeln!(page, "| {} |\n|{}", head.join(" | "), " --- |".repeat(head.len()));
    for row in rows {
        let _ = writeln!(page, "| {} |", row.join(" | "));
    }
}

/// The page as it is printed and stored; `machine`: where and with what, as it was at the start.
pub fn page(findings: &Findings, machine: &str) -> String {
    let day = Timestamp::now().strftime("%Y-%m-%d");
    let mut page = format!("# What it costs, and how fast it is\n\nWritten by `make bench` on {day}.\n{machine}.\n");
    table(&mut page, &limits(findings));
    findings.tables.iter().for_each(|it| table(&mut page, it));
    if !findings.failed.is_empty() {
        page += "\n**Not measured in this run:**\n\n";
        for (what, why) in &findings.failed {
            let _ = writeln!(page, "* {what}: {why}");
        }
    }
    page
}

pub fn store(page: &str) {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
    std::fs::write(place, page).expect("docs can be written");
}
