//! The report in Markdown, for an issue or a wiki.

use super::{Best, Report};
use crate::numbers::{per, seconds, si};
use crate::text::markdown as escaped;
use std::fmt::Write;

/// The whole page.
pub fn page(report: &Report) -> String {
    let mut out = String::from("# zkwatt: measurements\n");
    section(
        &mut out,
        "Best device for each operation",
        &["operation", "per second", "per joule (= per second and watt)", "ZK-Score", "best peer"],
        report.overview.iter().map(|row| {
            let best =
                |best: &Option<Best>, unit| best.as_ref().map(|best| one(best, unit)).unwrap_or_default();
            vec![
                row.workload.clone(),
                best(&row.throughput, "/s"),
                best(&row.per_joule, "/J"),
                best(&row.score, "/J"),
                best(&row.peer, "/s"),
            ]
        }),
    );
    section(
        &mut out,
        "CPU against GPU",
        &["operation", "GPU", "CPU", "crossover"],
        report
            .crossovers
            .iter()
            .map(|c| vec![c.workload.clone(), c.gpu.series(), c.cpu.series(), c.crossing.describe()]),
    );
    section(
        &mut out,
        "Against the multiplier",
        &["operation", "size", "by", "products per second", "share of bench-field"],
        report.bounds.iter().map(|bound| {
            vec![
                bound.entry.workload.clone(),
                size(bound.entry.record.log_n),
                bound.entry.series(),
                per(bound.rate, "/s"),
                bound.peak.map(|peak| format!("{:.0} %", 100.0 * bound.rate / peak)).unwrap_or_default(),
            ]
        }),
    );
    section(
        &mut out,
        "Failed",
        &["operation", "size", "by", "why"],
        report.entries.iter().filter_map(|entry| {
            let failure = entry.record.failure.clone()?;
            Some(vec![entry.workload.clone(), size(entry.record.log_n), entry.series(), failure])
        }),
    );
    section(
        &mut out,
        "Records",
        &["operation", "size", "by", "median", "per second", "energy", "per joule", "energy by"],
        report.latest.iter().map(|entry| {
            let record = &entry.record;
            vec![
                entry.workload.clone(),
                size(record.log_n),
                entry.series(),
                seconds(record.median_s),
                record.per_second.map(|rate| per(rate, "/s")).unwrap_or_default(),
                record.joules.map(|joules| si(joules, "J")).unwrap_or_default(),
                record.per_joule.map(|rate| per(rate, "/J")).unwrap_or_default(),
                record.joules.map(|_| entry.energy_by().to_owned()).unwrap_or_default(),
            ]
        }),
    );
    if !report.notes.is_empty() {
        out.push_str("\n## Notes\n\n");
        for note in &report.notes {
            let _ = writeln!(out, "- {}", escaped(note));
        }
    }
    out
}

fn one(best: &Best, unit: &str) -> String {
    let size = best.entry.record.log_n.map(|log_n| format!(" at 2^{log_n}")).unwrap_or_default();
    // What is per joule depends on whose figure the energy is.
    let source = if unit == "/J" { format!(", by {}", best.entry.energy_by()) } else { String::new() };
    format!("{}{size}, {}{source}", per(best.value, unit), best.entry.series())
}

fn size(log_n: Option<u32>) -> String {
    log_n.map(|log_n| format!("2^{log_n}")).unwrap_or_default()
}

/// A heading and a table; nothing without rows.
fn section(out: &mut String, title: &str, header: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return;
    }
    let _ = write!(out, "\n## {title}\n\n| {} |\n|{}\n", header.join(" | "), "---|".repeat(header.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}
