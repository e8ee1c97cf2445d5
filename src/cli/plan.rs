//! `nvr check --plan`: what cameras need of this machine, what there is, and what runs out first. Nothing is started.

use super::{Global, out, query, table};
use crate::link::dial::{self, Client};
use crate::model::plan::{COMMON_BITRATE, COMMON_SHARE, Demand, Machine, Need, Plan, Resource, Store};
use crate::model::settings::Settings;
use crate::model::snapshot::Snapshot;
use crate::work::limits;
use clap::Args;
use color_eyre::eyre::Result;
use serde::Serialize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Most cameras of a plan.
const MOST: u64 = 100_000;
/// Most bits a second of a camera.
const FASTEST: f64 = 10e9;

/// What is planned.
#[derive(Debug, Args)]
pub struct Plans {
    /// What the cameras need of this machine, and what runs out first; exit code 1 if they do not fit
    #[arg(long)]
    pub plan: bool,
    /// For so many cameras [default: those of the configuration]
    #[arg(long, requires = "plan", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST))]
    cameras: Option<u64>,
    /// What each sends, such as 4M [default: as a running recorder measures it, else 4M]
    #[arg(long, requires = "plan", value_name = "BIT/S", value_parser = bitrate)]
    bitrate: Option<u64>,
    /// Part of the time in which each camera's events are saved [default: 5%]
    #[arg(long, requires = "plan", value_name = "PERCENT", value_parser = share)]
    share: Option<f64>,
    /// As JSON: sizes in bytes, spans in seconds, the processor in cores; `fits` is the verdict
    #[arg(long, requires = "plan")]
    json: bool,
}

/// Bits a second as people write them.
fn bitrate(text: &str) -> Result<u64, String> {
    let wrong = || "write it as 4M, 2.5M or 800k".to_owned();
    let number = text.trim_end_matches("bit/s").trim_end();
    let (number, unit) = match number.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&number[..at], 1e3),
        Some((at, 'M')) => (&number[..at], 1e6),
        _ => (number, 1.0),
    };
    let bits = number.trim_end().parse::<f64>().map_err(|_| wrong())? * unit;
    if (1.0..=FASTEST).contains(&bits) { Ok(bits as u64) } else { Err(wrong()) }
}

/// A part of a whole: `5%`.
fn share(text: &str) -> Result<f64, String> {
    let percent = text.trim_end_matches('%').trim_end().parse::<f64>().ok();
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
    percent.map(|percent| percent / 100.0).ok_or_else(|| "write it as 5%, from 0% to 100%".to_owned())
}

/// Where the bit rate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Known {
    Asked,
    Measured,
    Assumed,
}

impl Known {
    fn words(self) -> &'static str {
        match self {
            Known::Asked => "as asked",
            Known::Measured => "as measured",
            Known::Assumed => "assumed; another: --bitrate",
        }
    }
}

/// Prints the plan. Exit code 1 if it does not fit.
pub async fn plan(global: &Global, asked: &Plans) -> Result<ExitCode> {
    let settings = global.load()?.0.settings;
    let picture = running(global).await?;
    let measured = picture.as_deref().and_then(mean_bitrate).map(|bitrate| (bitrate, Known::Measured));
    let asked_bitrate = asked.bitrate.map(|bitrate| (bitrate, Known::Asked));
    let (bitrate, known) = asked_bitrate.or(measured).unwrap_or((COMMON_BITRATE, Known::Assumed));
    let cameras = asked.cameras.unwrap_or(settings.cameras.len() as u64);
    let share = asked.share.unwrap_or(COMMON_SHARE);
    let demand = Demand { cameras, bitrate, ring: settings.ring.clone(), share };
    let machine = limits::machine(&settings.ring.dir, picture.map(|picture| picture.pid));
    let machine = Machine { archive: limits::room_for_clips(&settings.archive), ..machine };
    let plan = Plan::of(&demand, &machine);
    if asked.json {
        out::pretty(&Shape::of(&plan, &demand, known, machine.archive))?;
    } else {
        out::lines(lines(&plan, &demand, known, &settings, machine.archive))?;
    }
    Ok(if plan.fits() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a recorder shows of itself, if one runs.
pub async fn running(global: &Global) -> Result<Option<Arc<Snapshot>>> {
    let Ok(dial::Reach::Connected(stream, _)) = dial::reach(&global.sockets()?).await else { return Ok(None) };
    let Ok(mut client) = Client::attach(stream, true).await else { return Ok(None) };
    Ok(query::picture(&mut client).await.ok())
}

/// What its cameras send on average, as far as that is known.
fn mean_bitrate(picture: &Snapshot) -> Option<u64> {
    let rates: Vec<u64> = picture.cameras.iter().filter_map(|camera| camera.bitrate).collect();
    rates.iter().fold(0, |sum: u64, rate| sum.saturating_add(*rate)).checked_div(rates.len() as u64)
}

fn lines(plan: &Plan, demand: &Demand, known: Known, settings: &Settings, room: Option<u64>) -> Vec<String> {
    let (cameras, mbit) = (demand.cameras, demand.bitrate as f64 / 1e6);
    let all = mbit * cameras as f64;
    let word = counted(cameras);
    let mut lines = vec![format!("{word}, {mbit:.1} Mbit/s each ({}), {all:.0} Mbit/s in all", known.words())];
    let head = ["", "", "a camera", "beside", "in all", "there is", "enough for"].map(str::to_owned);
    let rows: Vec<_> = [head].into_iter().chain(plan.needs.iter().map(row)).collect();
    lines.extend(table::lines(&rows));
    lines.extend(store(&plan.store, demand, settings, room));
    lines.extend(plan.wall().into_iter().flat_map(wall));
    lines
}

fn counted(cameras: u64) -> String {
    if cameras == 1 { "1 camera".to_owned() } else { format!("{cameras} cameras") }
}

fn row(need: &Need) -> [String; 7] {
    let amount = |amount| shown(need.of, amount);
    let beside = if need.beside == 0 { String::new() } else { amount(need.beside) };
    [
        if need.fits() { "ok" } else { "FAIL" }.to_owned(),
        need.of.word().to_owned(),
        amount(need.each),
        beside,
        amount(need.all),
        need.there.map_or_else(|| "no limit".to_owned(), amount),
        need.enough_for().map_or_else(String::new, counted),
    ]
}

/// So much of something.
fn shown(of: Resource, amount: u64) -> String {
    match of {
        Resource::Ring | Resource::Memory => table::size(amount),
        Resource::Processor => format!("{:.2} cores", cores(amount)),
        Resource::Files | Resource::Tasks | Resource::Watches => amount.to_string(),
    }
}

fn cores(micros: u64) -> f64 {
    micros as f64 / 1e6
}

fn store(store: &Store, demand: &Demand, settings: &Settings, room: Option<u64>) -> Vec<String> {
    let (hour, day, at_once) = (table::size(store.hour), table::size(store.day), table::size(store.at_once));
    let percent = demand.share * 100.0;
    let mut lines = vec![
        format!("archive: {hour} an hour of one camera's events; all at once {at_once} a second"),
        format!("archive: {day} a day if events last {percent:.0} % of the time (another: --share)"),
    ];
    if let (Some(room), Some(holds)) = (room, store.holds) {
        let (room, holds_text) = (table::size(room), table::about(holds));
        let rest = match settings.archive.keep {
            Some(keep) if holds < keep => "; the oldest clips go before archive.keep",
            Some(_) => ", longer than archive.keep",
            None => "",
        };
        lines.push(format!("archive: {room} of room hold {holds_text}{rest}"));
    }
    lines
}

fn wall(need: &Need) -> [String; 2] {
    let (word, enough) = (need.of.word(), need.enough_for().unwrap_or(0));
    let remedy = need.of.remedy(need.all.max(need.there.unwrap_or(0).saturating_mul(2)));
    [format!("first wall: {word}, enough for {}", counted(enough)), format!("beyond it: {remedy}")]
}

/// The plan for scripts.
#[derive(Debug, Serialize)]
struct Shape {
    fits: bool,
    cameras: u64,
    /// Bits a second of each.
    bitrate: u64,
    bitrate_is: Known,
    needs: Vec<ShapeOfNeed>,
    /// What runs out first; the name of a need.
    wall: Option<&'static str>,
    archive: ShapeOfStore,
}

#[derive(Debug, Serialize)]
struct ShapeOfNeed {
    name: &'static str,
    each: f64,
    beside: f64,
    all: f64,
    there: Option<f64>,
    /// For so many cameras there is enough; without a limit `null`.
    enough_for: Option<u64>,
    fits: bool,
}

#[derive(Debug, Serialize)]
struct ShapeOfStore {
    /// Part of the time that events last.
    share: f64,
    an_hour_of_events: u64,
    a_day: u64,
    a_second_at_once: u64,
    /// Bytes that clips may take, those that are there included.
    room: Option<u64>,
    holds: Option<f64>,
}

impl Shape {
    fn of(plan: &Plan, demand: &Demand, known: Known, room: Option<u64>) -> Self {
        let Store { hour, day, at_once, holds } = plan.store;
        Self {
            fits: plan.fits(),
            cameras: demand.cameras,
            bitrate: demand.bitrate,
            bitrate_is: known,
            needs: plan.needs.iter().map(ShapeOfNeed::of).collect(),
            wall: plan.wall().map(|need| name(need.of)),
            archive: ShapeOfStore {
                share: demand.share,
                an_hour_of_events: hour,
                a_day: day,
                a_second_at_once: at_once,
                room,
                holds: holds.as_ref().map(Duration::as_secs_f64),
            },
        }
    }
}

impl ShapeOfNeed {
    fn of(need: &Need) -> Self {
        let amount = |amount| match need.of {
            Resource::Processor => cores(amount),
            Resource::Ring | Resource::Memory | Resource::Files | Resource::Tasks | Resource::Watches => amount as f64,
        };
        Self {
            name: name(need.of),
            each: amount(need.each),
            beside: amount(need.beside),
            all: amount(need.all),
            there: need.there.map(amount),
            enough_for: need.enough_for(),
            fits: need.fits(),
        }
    }
}

fn name(of: Resource) -> &'static str {
    match of {
        Resource::Ring => "ring",
        Resource::Memory => "memory",
        Resource::Processor => "processor",
        Resource::Files => "files",
        Resource::Tasks => "processes",
        Resource::Watches => "watches",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("4M", Some(4_000_000))]
    #[case("2.5 Mbit/s", Some(2_500_000))]
    #[case("800k", Some(800_000))]
    #[case("64000", Some(64_000))]
    #[case("", None)]
    #[case("M", None)]
    #[case("-1M", None)]
    #[case("0", None)]
    #[case("nan", None)]
    #[case("1e99M", None)]
    fn bit_rates_are_written_as_people_do(#[case] text: &str, #[case] bits: Option<u64>) {
        assert_eq!(bitrate(text).ok(), bits);
    }

    #[rstest]
    #[case("5%", Some(0.05))]
    #[case("100", Some(1.0))]
    #[case("101%", None)]
    #[case("some", None)]
    fn a_share_is_a_percentage(#[case] text: &str, #[case] part: Option<f64>) {
        assert_eq!(share(text).ok(), part);
    }
}
