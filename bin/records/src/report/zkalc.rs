//! The data files of zkalc: per curve, library and machine one object of `{operation: {range, results, stddev}}`, with
//! sizes in elements and times in nanoseconds, as its `perf/benchmark_parser` writes them into `frontend/data`.

use super::{Entry, Report};
use crate::device::Kind;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// From a MAD to the standard deviation of normal noise.
const MAD_TO_DEVIATION: f64 = 1.4826;

#[derive(Default, Serialize)]
struct Series {
    range: Vec<u64>,
    results: Vec<f64>,
    stddev: Vec<f64>,
}

/// Nanoseconds and their deviation, by size, by operation.
type Operations = BTreeMap<&'static str, BTreeMap<u64, (f64, f64)>>;

/// zkalc's name of an operation, the size, and how many of it a run does.
fn operation(entry: &Entry) -> Option<(&'static str, u64, f64)> {
    let record = &entry.record;
    let n = 1u64.checked_shl(record.log_n?)?;
    let uniform = record.scalars.as_deref().is_none_or(|scalars| scalars == "uniform");
    match (record.op.as_str(), record.variant.as_deref()) {
        ("msm_g1", None) if uniform => Some(("msm_G1", n, 1.0)),
        ("msm_g2", None) if uniform => Some(("msm_G2", n, 1.0)),
        ("ntt", None | Some("forward")) => Some(("fft", n, 1.0)),
        // zkalc's product is one of a chain.
        ("field_mul", Some("dependent")) => {
            Some(("mul_ff", 1, record.per_second? * record.median_s / record.threads.max(1) as f64))
        }
        _ => None,
    }
}

/// Letters, digits and single points; the rest are underscores.
fn file_name(text: &str) -> String {
    let words =
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').map(|word| word.trim_matches('.'));
    let words: Vec<String> =
        words.filter(|w| !w.is_empty()).map(|w| w.to_lowercase().replace("..", ".")).collect();
    if words.is_empty() { "unnamed".into() } else { words.join("_") }
}

/// What a file is of: curve, implementation, device, kernels, and threads, if it has any.
type Contestant = (String, String, String, Option<String>, Option<usize>);

fn contestant(entry: &Entry) -> Contestant {
    let record = &entry.record;
    let threads = Some(record.threads).filter(|_| entry.kind != Kind::Gpu);
    (
        record.curve.clone(),
        record.implementation.clone(),
        entry.device.clone(),
        record.cpu_path.clone(),
        threads,
    )
}

/// A name that is not in `taken`: what differs in other characters than file names have is numbered.
fn path((curve, implementation, device, path, threads): &Contestant, taken: &mut BTreeSet<String>) -> String {
    let path = path.as_ref().map(|path| format!("_{path}")).unwrap_or_default();
    let threads = threads.map(|threads| format!("_{threads}t")).unwrap_or_default();
    let machine = file_name(&format!("{device}{path}{threads}"));
    let folder = format!("{}/{}", file_name(curve), file_name(implementation));
    let mut name = format!("{folder}/{machine}.json");
    let mut number = 1;
    while !taken.insert(name.clone()) {
        number += 1;
        name = format!("{folder}/{machine}_{number}.json");
    }
    name
}

/// The files, by name. A device that only acts like a GPU has none.
pub fn files(report: &Report) -> BTreeMap<String, String> {
    let mut files: BTreeMap<Contestant, Operations> = BTreeMap::new();
    for entry in report.latest.iter().filter(|entry| entry.kind.is_real()) {
        let Some((name, n, runs)) = operation(entry) else { continue };
        let record = &entry.record;
        let nanoseconds = 1e9 / runs;
        let values = (record.median_s * nanoseconds, MAD_TO_DEVIATION * record.mad_s * nanoseconds);
        files.entry(contestant(entry)).or_default().entry(name).or_default().insert(n, values);
    }
    let text = |operations: Operations| {
        let series: BTreeMap<&str, Series> = operations
            .into_iter()
            .map(|(name, points)| {
                let mut series = Series::default();
                for (n, (result, deviation)) in points {
                    series.range.push(n);
                    series.results.push(result);
                    series.stddev.push(deviation);
                }
                (name, series)
            })
            .collect();
        serde_json::to_string_pretty(&series).unwrap_or_default() + "\n"
    };
    let mut taken = BTreeSet::new();
    files.into_iter().map(|(of, operations)| (path(&of, &mut taken), text(operations))).collect()
}
