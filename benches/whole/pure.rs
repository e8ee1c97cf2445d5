//! The figures that criterion has left of `benches/core.rs`.

use crate::page::{Findings, Table, number};
use std::path::Path;

/// Functions and their names, as the bench calls them.
const FUNCTIONS: [(&str, &str); 6] = [
    ("slot", "a slot is closed, the next is opened"),
    ("tick", "a second has passed"),
    ("sweep", "what lies in the rings"),
    ("mail", "a mail"),
    ("snapshot", "the picture for monitors"),
    ("wire", "the same as a line of JSON"),
];
const CAMERAS: [usize; 3] = [1, 64, 1000];

/// Nanoseconds, by criterion's median of the last run.
fn figure(function: &str, cameras: usize) -> Option<f64> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let text = std::fs::read(target.join(format!("criterion/{function}/{cameras}/new/estimates.json"))).ok()?;
    let estimates: serde_json::Value = serde_json::from_slice(&text).ok()?;
    estimates.get("median")?.get("point_estimate")?.as_f64()
}

pub fn measure() -> Findings {
    let mut table = Table::new(
        "The pure core",
        "One step of the model, without anything that carries it out: criterion's medians, microseconds.".to_owned(),
        &["", "1 camera", "64 cameras", "1,000 cameras"],
    );
    let mut findings = Findings::default();
    for (function, what) in FUNCTIONS {
        let cells = CAMERAS.map(|cameras| figure(function, cameras).map(|nanoseconds| nanoseconds / 1000.0));
        if cells.contains(&None) {
            findings.fail(&format!("core: {what}"), "there is no figure of it (run: cargo bench --bench core)");
        }
        let cells = cells.map(|figure| figure.map_or_else(String::new, |it| number(it, "")));
        table.rows.push([what.to_owned()].into_iter().chain(cells).collect());
    }
    findings.add(Findings::of([table]));
    findings
}
