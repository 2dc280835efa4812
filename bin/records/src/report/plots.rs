//! What the page's script draws: pure data, each point with the text that its table shows too.

use super::conclusions::{Workload, workloads};
use super::{Entry, Report};
use crate::numbers::{per, seconds};
use crate::prediction::rerun_interval;
use serde::Serialize;
use std::collections::BTreeMap;

/// One plot.
#[derive(Clone, Debug, Serialize)]
pub struct Plot {
    /// Name within the page.
    pub id: String,
    /// What is shown.
    pub title: String,
    /// `lines`, `bars` or `stack`.
    pub kind: &'static str,
    /// The horizontal axis.
    pub x: &'static str,
    /// The vertical axis.
    pub y: &'static str,
    /// The operation, for the filter.
    pub op: String,
    /// What is drawn.
    pub series: Vec<Series>,
    /// Lines across.
    pub levels: Vec<Level>,
    /// Lines upwards.
    pub marks: Vec<Level>,
}

/// Points of one legend entry.
#[derive(Clone, Debug, Serialize)]
pub struct Series {
    /// In the legend.
    pub name: String,
    /// Whose it is, for the filter.
    pub device: String,
    /// The operation, for the filter, where series of a plot differ in it; else empty.
    pub op: String,
    /// `ours`, `peer` or `unreal`, the last for what only acts like a GPU.
    pub style: &'static str,
    /// The points.
    pub points: Vec<Point>,
}

/// One point, bar, or part of a bar.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Logarithm of the size, for lines.
    pub x: f64,
    /// The label of a bar.
    pub label: String,
    /// The value.
    pub y: f64,
    /// Where a re-run is expected, if its samples tell.
    pub low: Option<f64>,
    /// Where a re-run is expected, if its samples tell.
    pub high: Option<f64>,
    /// The value for people.
    pub text: String,
    /// What else is to be known of it.
    pub note: String,
    /// Whose it is, where points of a series differ in it.
    pub device: String,
}

/// A line at a value.
#[derive(Clone, Debug, Serialize)]
pub struct Level {
    /// Where.
    pub at: f64,
    /// What it is.
    pub text: String,
    /// Whose it is, for the filter.
    pub device: String,
}

fn style(entry: &Entry) -> &'static str {
    match (entry.ours(), entry.kind.is_real()) {
        (_, false) => "unreal",
        (true, true) => "ours",
        (false, true) => "peer",
    }
}

/// Units of work of an operation, per second.
fn unit(op: &str) -> &'static str {
    match op {
        "msm_g1" | "msm_g2" => "points per second",
        "field_mul" => "products per second",
        "prove" => "proofs per second",
        _ => "elements per second",
    }
}

/// The operation of a group: it is the same of all that are in it.
fn operation(workload: &Workload<'_>) -> String {
    workload.entries.first().map(|entry| entry.record.op.clone()).unwrap_or_default()
}

/// Series of the entries for which `point` has something, by their names.
fn group<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    point: impl Fn(&Entry) -> Option<Point>,
) -> Vec<Series> {
    let mut series: BTreeMap<(bool, String), Series> = BTreeMap::new();
    for entry in entries {
        let Some(point) = point(entry) else { continue };
        let new = || Series {
            name: entry.series(),
            device: entry.device.clone(),
            op: String::new(),
            style: style(entry),
            points: Vec::new(),
        };
        series.entry((!entry.ours(), entry.series())).or_insert_with(new).points.push(point);
    }
    let mut all: Vec<Series> = series.into_values().collect();
    all.iter_mut().for_each(|series| series.points.sort_by(|a, b| a.x.total_cmp(&b.x)));
    all
}

/// Throughput over size, an operation each.
pub fn throughput(report: &Report) -> Vec<Plot> {
    let plots = workloads(&report.latest).into_iter().enumerate().map(|(index, workload)| {
        let op = operation(&workload);
        let series = group(workload.entries.iter().copied(), |entry| {
            let rate = entry.record.per_second.filter(|rate| *rate > 0.0)?;
            let interval = entry.record.samples_s.as_deref().and_then(rerun_interval);
            let scaled = |time: f64| rate * entry.record.median_s / time;
            Some(Point {
                x: f64::from(entry.record.log_n?),
                label: format!("2^{}", entry.record.log_n?),
                y: rate,
                low: interval.map(|interval| scaled(interval.high)).filter(|low| *low > 0.0),
                high: interval.map(|interval| scaled(interval.low)).filter(|high| high.is_finite()),
                text: format!("{} ({})", per(rate, "/s"), seconds(entry.record.median_s)),
                note: String::new(),
                device: entry.device.clone(),
            })
        });
        Plot {
            id: format!("throughput-{index}"),
            title: workload.name.to_owned(),
            kind: "lines",
            x: "size",
            y: unit(&op),
            op,
            series,
            levels: Vec::new(),
            marks: Vec::new(),
        }
    });
    // A single size is no curve; the table of records has it.
    plots.filter(|plot| plot.series.iter().any(|series| series.points.len() > 1)).collect()
}

/// The best of each series per joule, an operation each.
pub fn per_joule(report: &Report) -> Vec<Plot> {
    let plots = workloads(&report.latest).into_iter().enumerate().map(|(index, workload)| {
        let op = operation(&workload);
        let mut best: BTreeMap<String, (&Entry, f64)> = BTreeMap::new();
        for entry in workload.entries.iter().copied() {
            let Some(value) = entry.record.per_joule.filter(|value| *value > 0.0) else { continue };
            let kept = best.entry(entry.series()).or_insert((entry, value));
            if value > kept.1 {
                *kept = (entry, value);
            }
        }
        let series = best.into_values().map(|(entry, value)| {
            let size = entry.record.log_n.map(|log_n| format!("at 2^{log_n},")).unwrap_or_default();
            Series {
                name: entry.series(),
                device: entry.device.clone(),
                op: String::new(),
                style: style(entry),
                points: vec![Point {
                    x: 0.0,
                    label: entry.series(),
                    y: value,
                    low: None,
                    high: None,
                    text: per(value, "/J"),
                    note: format!("{size} by {}", entry.energy_by()),
                    device: entry.device.clone(),
                }],
            }
        });
        Plot {
            id: format!("joule-{index}"),
            title: workload.name.to_owned(),
            kind: "bars",
            x: unit(&op).strip_suffix(" per second").map_or("per joule", |unit| match unit {
                "points" => "points per joule",
                "products" => "products per joule",
                "proofs" => "proofs per joule",
                _ => "elements per joule",
            }),
            y: "",
            op,
            series: series.collect(),
            levels: Vec::new(),
            marks: Vec::new(),
        }
    });
    plots.filter(|plot| !plot.series.is_empty()).collect()
}

/// How many times sooner each GPU is than the CPU, over size.
pub fn crossovers(report: &Report) -> Vec<Plot> {
    let mut plots: BTreeMap<&str, Plot> = BTreeMap::new();
    for crossover in &report.crossovers {
        let count = plots.len();
        let plot = plots.entry(&crossover.workload).or_insert_with(|| Plot {
            id: format!("crossover-{count}"),
            title: crossover.workload.clone(),
            kind: "lines",
            x: "size",
            y: "CPU time / GPU time",
            op: crossover.gpu.record.op.clone(),
            series: Vec::new(),
            levels: vec![Level { at: 1.0, text: "equal".into(), device: String::new() }],
            marks: Vec::new(),
        });
        let device = crossover.gpu.device.clone();
        let points = crossover.speedups.iter().map(|(log_n, speedup)| Point {
            x: f64::from(*log_n),
            label: format!("2^{log_n}"),
            y: *speedup,
            low: None,
            high: None,
            text: format!("{speedup:.2}x"),
            note: String::new(),
            device: device.clone(),
        });
        plot.series.push(Series {
            name: format!("{} against {}", crossover.gpu.series(), crossover.cpu.series()),
            device: device.clone(),
            op: String::new(),
            style: "ours",
            points: points.collect(),
        });
        if let super::Crossing::At(at) = crossover.crossing {
            plot.marks.push(Level { at, text: format!("2^{at:.1}"), device });
        }
    }
    plots.into_values().collect()
}

/// Where the time of a proof of ours goes, a proof system each: their phases and their times differ. What peers call phases
/// includes steps of the setup and times of whole processes, which are no parts of one proof.
pub fn phases(report: &Report) -> Vec<Plot> {
    let mut systems: BTreeMap<&str, BTreeMap<String, Series>> = BTreeMap::new();
    for entry in report.latest.iter().filter(|entry| entry.ours()) {
        let Some(phases) = &entry.record.phases_s else { continue };
        let series = systems.entry(entry.record.system.as_deref().unwrap_or("proof")).or_default();
        let label = format!("{}, {}", entry.workload.trim_start_matches("prove "), entry.series());
        let parts: f64 = phases.iter().filter(|(name, _)| *name != "total").map(|(_, s)| s).sum();
        let rest = phases.get("total").map(|total| total - parts).filter(|rest| *rest > 0.0);
        let named =
            phases.iter().filter(|(name, _)| *name != "total").map(|(name, s)| (name.replace('_', " "), *s));
        for (name, duration) in named.chain(rest.map(|rest| ("rest".to_owned(), rest))) {
            let share =
                phases.get("total").filter(|total| **total > 0.0).map(|total| 100.0 * duration / total);
            let share = share.map(|share| format!(", {share:.0} %")).unwrap_or_default();
            let new = || Series {
                name: name.clone(),
                device: String::new(),
                op: String::new(),
                style: "ours",
                points: Vec::new(),
            };
            series.entry(name.clone()).or_insert_with(new).points.push(Point {
                x: 0.0,
                label: label.clone(),
                y: duration,
                low: None,
                high: None,
                text: format!("{}{share}", seconds(duration)),
                note: String::new(),
                device: entry.device.clone(),
            });
        }
    }
    let plots = systems.into_iter().enumerate().map(|(index, (system, series))| Plot {
        id: format!("phases-{index}"),
        title: format!("Phases of one proof, {system}"),
        kind: "stack",
        x: "time",
        y: "",
        op: "prove".into(),
        series: series.into_values().collect(),
        levels: Vec::new(),
        marks: Vec::new(),
    });
    plots.collect()
}

/// Modular products per second against what the multiplier was seen to do, a device each.
pub fn roofs(report: &Report) -> Vec<Plot> {
    let mut plots: BTreeMap<String, Plot> = BTreeMap::new();
    for bound in &report.bounds {
        let Some(log_n) = bound.entry.record.log_n else { continue };
        let count = plots.len();
        let plot = plots.entry(bound.entry.series()).or_insert_with(|| Plot {
            id: format!("roof-{count}"),
            title: bound.entry.series(),
            kind: "lines",
            x: "size",
            y: "modular products per second",
            op: String::new(),
            series: Vec::new(),
            levels: bound
                .peak
                .map(|at| Level {
                    at,
                    text: format!("bench-field: {}", per(at, "/s")),
                    device: bound.entry.device.clone(),
                })
                .into_iter()
                .collect(),
            marks: Vec::new(),
        });
        let share = bound.peak.map(|peak| format!(", {:.0} % of bench-field", 100.0 * bound.rate / peak));
        let point = Point {
            x: f64::from(log_n),
            label: format!("2^{log_n}"),
            y: bound.rate,
            low: None,
            high: None,
            text: format!("{}{}", per(bound.rate, "/s"), share.unwrap_or_default()),
            note: String::new(),
            device: bound.entry.device.clone(),
        };
        match plot.series.iter_mut().find(|series| series.name == bound.entry.workload) {
            Some(series) => series.points.push(point),
            None => plot.series.push(Series {
                name: bound.entry.workload.clone(),
                device: bound.entry.device.clone(),
                op: bound.entry.record.op.clone(),
                style: "ours",
                points: vec![point],
            }),
        }
    }
    let mut plots: Vec<Plot> = plots.into_values().collect();
    for series in plots.iter_mut().flat_map(|plot| &mut plot.series) {
        series.points.sort_by(|a, b| a.x.total_cmp(&b.x));
    }
    plots
}
