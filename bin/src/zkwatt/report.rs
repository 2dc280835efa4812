//! `zkwatt report`

use crate::console::{say, warn};
use crate::records;
use std::path::{Path, PathBuf};
use zkwatt::{Error, Result};
use zkwatt_harness::table;
use zkwatt_records::files;
use zkwatt_records::report::Report;

/// Options of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Records that the benches wrote with --json: files, and directories of .jsonl files
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,

    /// The report: one page of HTML that fetches nothing
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    out: PathBuf,

    /// Also write tables in Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,

    /// Also write all records as comma-separated values, in the units of their fields
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Also write zkalc's data files, CURVE/LIBRARY/MACHINE.json, in nanoseconds
    #[arg(long, value_name = "DIR")]
    zkalc: Option<PathBuf>,
}

const HELP: &str = "\
Records of many runs, machines and versions merge; a line that is none is reported and skipped.
Of a measurement that was repeated the plots show the last. What runs on software Vulkan or an
emulator is labelled so, and is never called a GPU's speed.

Examples:
  bench-msm --peers arkworks --json runs/msm.jsonl && zkwatt report runs
  zkwatt report laptop.jsonl server.jsonl --out both.html --markdown both.md
  zkwatt report runs --csv runs.csv --zkalc zkalc/frontend/data";

/// Reads records and writes what was asked for.
pub fn run(args: &Args) -> Result<()> {
    let collection = records::load(&args.paths)?;
    let report = Report::new(&collection);
    let mut written = vec![write(&args.out, &report.html())?];
    if let Some(path) = &args.markdown {
        written.push(write(path, &report.markdown())?);
    }
    if let Some(path) = &args.csv {
        written.push(write(path, &report.csv())?);
    }
    if let Some(directory) = &args.zkalc {
        let files = report.zkalc();
        if files.is_empty() {
            warn("no record is of an operation that zkalc knows");
        }
        for (name, text) in files {
            let path = directory.join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(|e| Error::io(parent, e))?;
            }
            written.push(write(&path, &text)?);
        }
    }
    let (records, files) = (collection.records.len(), collection.files);
    say(format!("{records} records of {files} files\n{}", written.join("\n")))
}

/// Writes a file; its name and size, to be shown.
fn write(path: &Path, text: &str) -> Result<String> {
    files::write(path, text.as_bytes()).map_err(records::error)?;
    Ok(format!("  {}  {}", path.display(), table::bytes(text.len() as u64)))
}
