//! What a binary shows and writes: the environment, one table, notes, and records.

use crate::args::Common;
use crate::environment::{self, Environment};
use crate::json_lines::{Target, Writer};
use crate::measure::{FEW_SAMPLES, Outcome};
use crate::record::{CURVE, Record};
use crate::statistics;
use crate::table::{self, Table};
use std::io::Write;
use zkwatt::device::DeviceCounters;
use zkwatt::{Error, Result};

/// How the table shows speed; records always hold throughput.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Units of work per second.
    PerSecond,
    /// Wall time per unit of work.
    Each,
    /// Not at all: a run is what is of interest, and of one operation.
    Run,
}

/// Collects measurements and shows them at the end.
pub struct Report {
    title: String,
    table: Table,
    scores: Table,
    bounds: Table,
    sections: Vec<(String, Table)>,
    unit: &'static str,
    rate: Rate,
    notes: Vec<String>,
    /// Outliers, and all.
    samples: (usize, usize),
    writer: Option<Writer>,
    records: Vec<Record>,
    to_stderr: bool,
}

const RATE_COLUMN: usize = 10;

const HEADER: [&str; 14] = [
    "operation",
    "model",
    "input",
    "log n",
    "scalars",
    "threads",
    "implementation",
    "kernels",
    "median ±MAD",
    "cpu time",
    "per second",
    "energy",
    "memory",
    "vs ours",
];

const SCORE_HEADER: [&str; 9] = [
    "operation",
    "log n",
    "scalars",
    "threads",
    "implementation",
    "kernels",
    "modmul a run",
    "modmul per joule",
    "bits of the field",
];

const BOUND_HEADER: [&str; 8] =
    ["operation", "log n", "scalars", "threads", "kernels", "modmul a run", "these alone", "of the time"];

fn empty_table(header: &[&'static str]) -> Table {
    Table::new(header).left(&[0, 1, 2, 6, 7]).shared(&[2, 3, 4, 5, 7])
}

impl Report {
    /// Opens the output of `--json` and starts a table. `unit` is the plural of the unit of work, e.g. `points`.
    ///
    /// # Errors
    /// [`Error::Io`] if the output cannot be written.
    pub fn open(title: impl Into<String>, unit: &'static str, json: Option<&Target>) -> Result<Self> {
        let busy = environment::other_running_threads().filter(|&n| n > 0).map(|n| {
            format!("{n} thread(s) of other programs were running when this began: times are too high")
        });
        Ok(Self {
            title: title.into(),
            table: empty_table(&HEADER),
            scores: Table::new(&SCORE_HEADER).left(&[0, 2, 4, 5]).shared(&[1, 2, 3, 8]),
            bounds: Table::new(&BOUND_HEADER).left(&[0, 2, 4]).shared(&[2, 3, 4]),
            sections: Vec::new(),
            unit,
            rate: Rate::PerSecond,
            notes: busy.into_iter().collect(),
            samples: (0, 0),
            writer: json.map(Writer::open).transpose()?,
            records: Vec::new(),
            to_stderr: json == Some(&Target::Stdout),
        })
    }

    /// As [`Report::open`], from the shared options.
    ///
    /// # Errors
    /// [`Error::Io`] if the output cannot be written.
    pub fn for_args<P: clap::ValueEnum + Send + Sync + 'static>(
        title: impl Into<String>,
        unit: &'static str,
        args: &Common<P>,
    ) -> Result<Self> {
        Self::open(title, unit, args.json.as_ref())
    }

    /// Shows speed in this way.
    pub fn with_rate(mut self, rate: Rate) -> Self {
        let mut header = HEADER;
        if rate == Rate::Each {
            header[RATE_COLUMN] = "each";
        }
        self.table = empty_table(&header);
        self.rate = rate;
        self
    }

    /// Adds a table below the main one.
    pub fn section(&mut self, title: impl Into<String>, table: Table) {
        self.sections.push((title.into(), table));
    }

    /// Adds a note below the table, once.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Writes the record's line and adds its row. `paired_ratio` is the time over ours, `None` for ours.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn record(&mut self, record: &Record, paired_ratio: Option<f64>) -> Result<()> {
        if let Some(writer) = &mut self.writer {
            writer.write(record)?;
        }
        self.table.row(self.cells(record, paired_ratio));
        self.records.push(record.clone());
        if record.failure.is_some() {
            return Ok(());
        }
        if record.samples < FEW_SAMPLES {
            self.note(format!("some medians are over fewer than {FEW_SAMPLES} samples: read them with care"));
        }
        if !record.verified {
            self.note("†: not compared with an independent implementation");
        }
        match record.energy_source.strip_prefix("none: ") {
            Some(reason) => self.note(format!("no energy: {reason}; --watts W takes a figure of yours")),
            None if record.energy_source != "user" => {
                let idle = record.idle_watts.map(|watts| format!("; idle: {}", table::si(watts, "W")));
                self.note(format!("energy by {}{}", record.energy_source, idle.unwrap_or_default()));
            }
            None => (),
        }
        if let (Some(products), Some(alone)) = (record.modmul, record.predicted_s) {
            let cells = self.cells(record, paired_ratio);
            let mut row: Vec<_> = [0, 3, 4, 5, 7].map(|column| cells[column].clone()).into();
            row.extend([
                table::si(products, ""),
                table::seconds(alone),
                format!("{:.0} %", 100.0 * alone / record.median_s),
            ]);
            self.bounds.row(row);
        }
        if let Some(score) = record.modmul_per_joule {
            let cells = self.cells(record, paired_ratio);
            // Of the main table: operation, log n, scalars, threads, implementation, kernels.
            let mut row: Vec<_> = [0, 3, 4, 5, 6, 7].map(|column| cells[column].clone()).into();
            row.push(record.modmul.map(|products| table::si(products, "")).unwrap_or_default());
            row.push(table::si(score, "/J"));
            row.push(record.field_bits.map(|bits| bits.to_string()).unwrap_or_default());
            self.scores.row(row);
            if record.op != "field_mul" {
                self.note("ZK-Score: products of ours are what the plan estimates");
            }
        }
        Ok(())
    }

    /// The records so far.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Completes and adds the records of outcomes. `base` holds what they share, `units` is the work of one run.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn outcomes(&mut self, base: &Record, outcomes: &[Outcome], units: f64) -> Result<()> {
        for (index, outcome) in outcomes.iter().enumerate() {
            self.outcome(base, outcome, units, index == 0)?;
        }
        Ok(())
    }

    /// As [`Report::outcomes`], of one; `first` if it is the one to which ratios refer.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn outcome(&mut self, base: &Record, outcome: &Outcome, units: f64, first: bool) -> Result<()> {
        let mut record = base.clone();
        outcome.fill(&mut record);
        record.set_work(units);
        if let Some(traffic) = &outcome.traffic {
            describe(&record, traffic).into_iter().for_each(|note| self.note(note));
        }
        outcome.notes.iter().for_each(|note| self.note(note));
        self.samples.0 += statistics::outliers(&outcome.samples_s);
        self.samples.1 += outcome.samples_s.len();
        if let Err(reason) = outcome.peak_rss_bytes {
            self.note(format!("no peak memory: {reason}"));
        }
        let alone = first || outcome.other_curve.is_some();
        self.record(&record, (!alone).then_some(outcome.paired_ratio))
    }

    fn cells(&self, record: &Record, paired_ratio: Option<f64>) -> Vec<String> {
        let option = |value: Option<String>| value.unwrap_or_default();
        let mut operation = match &record.variant {
            Some(variant) => format!("{} {variant}", record.op),
            None => record.op.clone(),
        };
        if record.curve != CURVE {
            operation = format!("{operation} {}", record.curve);
        }
        let mut model = option(record.model.clone());
        let marked = if self.rate == Rate::Run { &mut model } else { &mut operation };
        if !record.verified && record.failure.is_none() {
            marked.push_str(" †");
        }
        if self.rate == Rate::Run {
            operation.clear();
        }
        let energy = match (record.joules, record.energy_source.as_str()) {
            (Some(joules), "user") => format!("{} *", table::si(joules, "J")),
            (Some(joules), _) => table::si(joules, "J"),
            (None, _) => String::new(),
        };
        let time = match record.failure.as_deref() {
            // Its kind; notes have the rest.
            Some(failure) => failure.split(':').next().unwrap_or_default().to_owned(),
            None => {
                let spread = 100.0 * record.mad_s / record.median_s;
                format!("{} ±{spread:.0}%", table::seconds(record.median_s))
            }
        };
        vec![
            operation,
            model,
            option(record.input.clone().filter(|_| paired_ratio.is_none())),
            option(record.log_n.map(|log_n| log_n.to_string())),
            option(record.scalars.clone()),
            record.threads.to_string(),
            // A name so long breaks better at a space.
            record.implementation.replace("-weights-", " weights-"),
            option(record.cpu_path.clone()),
            time,
            option(record.cpu_s.map(table::seconds)),
            option(record.per_second.and_then(|rate| match self.rate {
                Rate::PerSecond => Some(table::si(rate, "")),
                Rate::Each => Some(table::seconds(1.0 / rate)),
                Rate::Run => None,
            })),
            energy,
            option(record.peak_rss_bytes.filter(|_| self.rate == Rate::Run).map(table::bytes)),
            option(paired_ratio.map(table::ratio)),
        ]
    }

    /// The environment, the table and the notes.
    pub fn render(&self) -> String {
        let mut text = format!("{}\n\n{}\n{}\n", self.title, Environment::read(), self.table.render());
        if !self.bounds.is_empty() {
            text.push_str(&format!(
                "\nWhat the plan's products alone would take at the speed of independent ones (bench-field)\n\n{}\n",
                self.bounds.render()
            ));
        }
        if !self.scores.is_empty() {
            text.push_str(&format!(
                "\nZK-Score: modular multiplications per joule\n\n{}\n",
                self.scores.render()
            ));
        }
        for (title, table) in &self.sections {
            text.push_str(&format!("\n{title}\n\n{}\n", table.render()));
        }
        let rate = match self.rate {
            Rate::PerSecond => format!("per second: {}; ", self.unit),
            Rate::Each => format!("each: wall time per {}; ", self.unit.trim_end_matches('s')),
            Rate::Run => String::new(),
        };
        text.push_str(&format!("\n{rate}vs ours: median over rounds of time / that of zkwatt's first row\n"));
        if self.table.render().contains(" J *") {
            text.push_str("*: from the wattage given on the command line\n");
        }
        let outliers = match self.samples {
            (0, _) => None,
            (outliers, all) => Some(format!(
                "{outliers} of {all} samples lie far above their medians: something else ran meanwhile"
            )),
        };
        for note in self.notes.iter().chain(&outliers) {
            text.push_str(&table::wrapped(&format!("note: {note}"), 6));
        }
        text
    }

    /// Prints the results and completes the file of `--json`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(self) -> Result<()> {
        let text = self.render();
        if let Some(writer) = self.writer {
            writer.finish()?;
        }
        if self.to_stderr {
            std::io::stderr().write_all(text.as_bytes()).map_err(|e| Error::io("standard error", e))
        } else {
            std::io::stdout().write_all(text.as_bytes()).map_err(|e| Error::io("standard output", e))
        }
    }
}

/// What a device is, how long it computed and what it moved, as notes.
fn describe(record: &Record, traffic: &DeviceCounters) -> [String; 3] {
    let size = record.log_n.map(|log_n| format!(" 2^{log_n}")).unwrap_or_default();
    let which = [&record.variant, &record.scalars].into_iter().flatten().map(|text| format!(" {text}"));
    let what = format!("{}{size}{}", record.op, which.collect::<String>());
    let computed = match record.compute_s {
        Some(seconds) => format!("computed for {} by the device's clock", table::seconds(seconds)),
        None => "its clock tells no time".into(),
    };
    let (dispatches, submits) = (traffic.dispatches, traffic.submits);
    let (up, down) = (table::bytes(traffic.uploaded_bytes), table::bytes(traffic.downloaded_bytes));
    let seconds = table::seconds(traffic.transfer_ns as f64 * 1e-9);
    [
        match &record.driver {
            Some(driver) => format!("device: {}, driver {driver}", record.device_name),
            None => format!("device: {}", record.device_name),
        },
        format!("{what}: {computed}, {dispatches} dispatches in {submits} submits"),
        format!("{what}: moved {up} to the device and {down} back in {seconds}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::WIDTH;

    fn widest_record() -> Record {
        let mut record = Record::new("lookup_multiplicities_table");
        record.variant = Some("independent".into());
        record.log_n = Some(28);
        record.scalars = Some("uniform".into());
        record.threads = 128;
        record.implementation = "halo2curves".into();
        record.cpu_path = Some("avx512ifma".into());
        record.median_s = 0.123_456;
        record.mad_s = 0.001_234;
        record.cpu_s = Some(15.9);
        record.joules = Some(123.4);
        record.energy_source = "user".into();
        (record.modmul, record.modmul_per_joule, record.field_bits) = (Some(1e9), Some(123.4e6), Some(254));
        record.set_work(1e6);
        record
    }

    #[test]
    fn table_fits_the_page() {
        let mut report = Report::open("title", "points", None).unwrap();
        report.record(&widest_record(), Some(12.34)).unwrap();
        let text = report.render();
        assert!(text.contains("lookup_"));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.contains("from the wattage"));
        assert!(text.contains("not compared"));
    }

    #[test]
    fn energy_is_explained() {
        let mut record = widest_record();
        let shown = |record: &Record| {
            let mut report = Report::open("title", "points", None).unwrap();
            report.record(record, None).unwrap();
            let text = report.render();
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
            text
        };
        let text = shown(&record);
        assert!(text.contains("123 M/J") && text.contains("bits of the field: 254"), "{text}");
        record.energy_source = "nvml+rapl: energy counter; package-0".into();
        record.idle_watts = Some(61.2);
        assert!(
            shown(&record).contains("note: energy by nvml+rapl: energy counter; package-0; idle: 61.2 W\n")
        );
        (record.joules, record.modmul_per_joule) = (None, None);
        record.energy_source = format!("none: {}", "there is no sensor in this machine, ".repeat(9));
        let text = shown(&record);
        assert!(text.contains("note: no energy: there is no sensor") && text.contains("--watts W"), "{text}");
        assert!(!text.contains("ZK-Score"), "{text}");
    }

    #[test]
    fn notes_are_shown_once() {
        let mut report = Report::open("title", "points", None).unwrap();
        report.note("something");
        report.note("something");
        assert_eq!(report.render().matches("note: something").count(), 1);
    }
}
