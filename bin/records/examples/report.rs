//! Writes a report of records of machines that do not exist, for looking at it and for its tests in a browser:
//! `cargo run -p zkwatt-records --example report -- report.html`

#[path = "../tests/fixtures/mod.rs"]
mod fixtures;

use std::path::{Path, PathBuf};
use zkwatt_records::report::Report;
use zkwatt_records::{Collection, Error, Result, files};

fn run(out: &Path) -> Result<()> {
    let mut records = fixtures::records();
    let mut second = fixtures::hostile();
    records.push(second.clone());
    second.log_n = Some(6);
    records.push(second);
    let lines: String =
        records.iter().map(|record| serde_json::to_string(record).unwrap_or_default() + "\n").collect();
    let mut collection = Collection::default();
    collection
        .add(Path::new("example.jsonl"), (lines + "{\"schema\":\"zkwatt-bench/1\",\"op\n").as_bytes())?;
    files::write(out, Report::new(&collection).html().as_bytes())
}

fn main() -> Result<(), Error> {
    run(&std::env::args_os().nth(1).map_or_else(|| PathBuf::from("report.html"), PathBuf::from))
}
