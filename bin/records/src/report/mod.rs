//! What people read: one page of HTML, Markdown, CSV, and zkalc's files.
//!
//! [`Report::new`] draws all conclusions; the forms only write them down.

mod conclusions;
mod csv;
mod html;
mod markdown;
mod plots;
mod zkalc;

pub use conclusions::{Best, Bound, Crossing, Crossover, Overview, Repetition};

use crate::device::{self, Kind};
use crate::identity::Identity;
use crate::read::Collection;
use crate::record::Record;
use std::collections::BTreeMap;

/// A record with what the report says of it everywhere.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The record.
    pub record: Record,
    /// What it measured.
    pub identity: Identity,
    /// The kind of its device.
    pub kind: Kind,
    /// The device, as it is shown.
    pub device: String,
    /// The operation with all that distinguishes it but for its size.
    pub workload: String,
    /// What ours and a peer's must have in common to be compared, as [`Identity::statement`] has it.
    pub statement: String,
}

impl Entry {
    fn new(record: &Record) -> Self {
        let identity = Identity::of(record);
        Self {
            kind: Kind::of(record),
            device: device::label(record),
            workload: identity.workload(),
            statement: identity.statement(),
            identity,
            record: record.clone(),
        }
    }

    /// Whether it is ours.
    pub fn ours(&self) -> bool {
        self.record.implementation == "zkwatt"
    }

    /// Who did it, in a legend.
    pub fn series(&self) -> String {
        let path = self.record.cpu_path.as_ref().map(|path| format!(" {path}")).unwrap_or_default();
        let threads = match (self.kind, self.record.threads) {
            (Kind::Gpu, _) | (_, 0) => String::new(),
            (_, 1) => ", 1 thread".into(),
            (_, threads) => format!(", {threads} threads"),
        };
        format!("{}{path}, {}{threads}", self.record.implementation, self.device)
    }

    /// Whose figure its energy is.
    pub fn energy_by(&self) -> &str {
        match self.record.energy_source.as_str() {
            "user" => "the user's watts",
            source => source,
        }
    }

    /// Whether a sensor measured its energy, and nobody stated it.
    fn by_sensor(&self) -> bool {
        let source = self.record.energy_source.as_str();
        !matches!(source, "" | "user") && !source.starts_with("none")
    }

    /// Whether there is a time.
    pub fn measured(&self) -> bool {
        self.record.failure.is_none() && self.record.median_s > 0.0
    }
}

/// Everything that the forms of a report show.
#[derive(Clone, Debug)]
pub struct Report {
    /// All records, in the order of what they are of.
    pub entries: Vec<Entry>,
    /// Of each measurement that was repeated the last, without those that failed.
    pub latest: Vec<Entry>,
    /// The best device for each operation.
    pub overview: Vec<Overview>,
    /// From which size on a GPU is sooner.
    pub crossovers: Vec<Crossover>,
    /// Measurements against what the multiplier of their device can do.
    pub bounds: Vec<Bound>,
    /// Repeated measurements.
    pub repetitions: Vec<Repetition>,
    /// What was wrong with the files, and what the reader must know.
    pub notes: Vec<String>,
}

impl Report {
    /// Draws the conclusions.
    pub fn new(collection: &Collection) -> Self {
        let mut entries: Vec<Entry> = collection.records.iter().map(Entry::new).collect();
        entries.sort_by(|a, b| {
            let when = |entry: &Entry| entry.record.measured_at.clone();
            a.identity.cmp(&b.identity).then_with(|| when(a).cmp(&when(b)))
        });
        let latest: BTreeMap<&Identity, &Entry> =
            entries.iter().filter(|entry| entry.measured()).map(|entry| (&entry.identity, entry)).collect();
        let latest: Vec<Entry> = latest.into_values().cloned().collect();
        Self {
            overview: conclusions::overview(&latest),
            crossovers: conclusions::crossovers(&latest),
            bounds: conclusions::bounds(&latest),
            repetitions: conclusions::repetitions(&entries),
            notes: notes(collection, &entries),
            latest,
            entries,
        }
    }

    /// The page.
    pub fn html(&self) -> String {
        html::page(self)
    }

    /// The same in Markdown.
    pub fn markdown(&self) -> String {
        markdown::page(self)
    }

    /// All records as comma-separated values.
    pub fn csv(&self) -> String {
        csv::table(self)
    }

    /// The files of [zkalc](https://github.com/mmaker/zkalc), by their names below `frontend/data`.
    pub fn zkalc(&self) -> BTreeMap<String, String> {
        zkalc::files(self)
    }
}

/// Lines that were not as expected, of which a page tells each.
const SHOWN_PROBLEMS: usize = 50;

fn notes(collection: &Collection, entries: &[Entry]) -> Vec<String> {
    let mut notes: Vec<String> =
        collection.problems.iter().take(SHOWN_PROBLEMS).map(ToString::to_string).collect();
    if let Some(more @ 1..) = collection.problems.len().checked_sub(SHOWN_PROBLEMS) {
        notes.push(format!("{more} more lines were not as expected"));
    }
    if collection.duplicates > 0 {
        notes.push(format!("{} records that were in several files are counted once", collection.duplicates));
    }
    if entries.iter().any(|entry| entry.kind == Kind::Software) {
        notes.push(
            "Software Vulkan (llvmpipe, SwiftShader) and CPU backends run on a processor: their times are no GPU's, \
             and they take no part in what is called best"
                .into(),
        );
    }
    if entries.iter().any(|entry| entry.kind == Kind::Emulator) {
        notes.push(
            "An emulator interprets a GPU's instructions on a processor: its times mean nothing".into(),
        );
    }
    if entries.iter().any(|entry| entry.record.energy_source == "user" && entry.record.joules.is_some()) {
        notes.push("Energy by \"user\" is from a wattage that the user stated, not from a sensor".into());
    }
    let unverified = entries.iter().filter(|entry| entry.measured() && !entry.record.verified).count();
    if unverified > 0 {
        notes.push(format!("{unverified} results were not compared with an independent implementation"));
    }
    notes
}
