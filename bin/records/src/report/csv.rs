//! All records as comma-separated values: the record's own fields, in its units, and what follows from them.

use super::Report;
use crate::numbers;
use crate::prediction::rerun_interval;
use crate::record::Record;
use crate::text;
use serde_json::Value;

/// Fields that are lists; phases have a column each.
const NESTED: [&str; 2] = ["samples_s", "phases_s"];

/// A heading, then a line for each record.
pub fn table(report: &Report) -> String {
    let Ok(Value::Object(empty)) = serde_json::to_value(Record::default()) else { return String::new() };
    let columns: Vec<&String> = empty.keys().filter(|name| !NESTED.contains(&name.as_str())).collect();
    let mut phases: Vec<&String> =
        report.entries.iter().filter_map(|e| e.record.phases_s.as_ref()).flat_map(|p| p.keys()).collect();
    phases.sort_unstable();
    phases.dedup();
    let mut heading: Vec<String> = columns.iter().map(|name| (*name).clone()).collect();
    heading.extend(["device_kind", "rerun_low_s", "rerun_high_s"].map(String::from));
    heading.extend(phases.iter().map(|phase| text::csv(&format!("phase_{phase}_s"))));
    let mut out = heading.join(",") + "\n";
    for entry in &report.entries {
        let Ok(Value::Object(fields)) = serde_json::to_value(&entry.record) else { continue };
        let mut cells: Vec<String> = columns.iter().map(|name| cell(fields.get(*name))).collect();
        let interval = entry.record.samples_s.as_deref().and_then(rerun_interval);
        let bound = |value: Option<f64>| value.map(numbers::exact).unwrap_or_default();
        cells.push(text::csv(entry.kind.label()));
        cells.extend([bound(interval.map(|i| i.low)), bound(interval.map(|i| i.high))]);
        let of = |phase| entry.record.phases_s.as_ref().and_then(|phases| phases.get(phase)).copied();
        cells.extend(phases.iter().map(|phase| bound(of(phase.as_str()))));
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(string)) => text::csv(string),
        Some(value) => value.to_string(),
    }
}
