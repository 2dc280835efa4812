//! The demonstration's picture and table.

use super::measure::Run;
use crate::digit;
use zkwatt::Result;
use zkwatt::mlp::AccuracyReport;
use zkwatt_harness::environment::Environment;
use zkwatt_harness::models::{LoadedModel, embedded_digits};
use zkwatt_harness::table::{self, Table};

/// Version, machine and build.
pub fn heading() -> String {
    let machine = Environment::read().to_string();
    let of_peers = |line: &&str| line.starts_with("peers") || line.starts_with("target");
    let lines: Vec<&str> = machine.lines().filter(|line| !of_peers(line)).collect();
    format!("zkwatt {}\n\n{}\n", env!("CARGO_PKG_VERSION"), lines.join("\n"))
}

/// A digit beside what the model says it is; `None` for a model that was not made for digits.
pub fn picture(loaded: &LoadedModel, index: usize) -> Result<Option<String>> {
    let digits = embedded_digits()?;
    let input = loaded.test.as_ref().and_then(|test| test.input(index));
    let (Some(input), Some(image), Some(label)) = (input, digits.image(index), digits.labels.get(index))
    else {
        return Ok(None);
    };
    if loaded.quantised.input.bits != 8 || input.len() != loaded.quantised.input.len {
        return Ok(None);
    }
    let class = loaded.quantised.infer(&input)?.class();
    let beside = [
        format!("a test digit, labelled {label}"),
        format!("{} says {class}", loaded.name()),
        String::new(),
        "What follows proves such answers to someone who sees only".into(),
        "the class and a salted hash of the picture: 128 bytes each,".into(),
        "checked by ark-groth16.".into(),
    ];
    let mut text = String::new();
    for (i, line) in digit::lines(image, digits.width).iter().enumerate() {
        let words = i.checked_sub(2).and_then(|i| beside.get(i)).map_or("", String::as_str);
        text.push_str(format!("  {line}  {words}").trim_end());
        text.push('\n');
    }
    Ok(Some(text))
}

/// The table at the end.
#[derive(Debug, Default)]
pub struct Summary {
    rows: Vec<Vec<String>>,
    /// Images that accuracy was measured on.
    images: Vec<usize>,
    notes: Vec<String>,
}

impl Summary {
    /// Adds a note below the table.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Adds a row.
    pub fn add(&mut self, run: Run, accuracy: Option<&AccuracyReport>) {
        let record = &run.record;
        let percent =
            |share: Option<f64>| share.map_or("–".into(), |share| format!("{:.2} %", 100.0 * share));
        let seconds = |value: Option<f64>| value.map_or("–".into(), table::seconds);
        self.rows.push(vec![
            record.model.clone().unwrap_or_default(),
            record.device.clone(),
            record.constraints.map_or(String::new(), |n| n.to_string()),
            seconds(record.setup_s),
            table::seconds(record.median_s),
            seconds(record.verify_s),
            record.peak_rss_bytes.map_or("–".into(), table::bytes),
            record.proof_bytes.map_or(String::new(), |n| format!("{n} B")),
            percent(record.accuracy_float),
            percent(record.accuracy_quantised),
        ]);
        self.images.extend(accuracy.map(|report| report.samples));
    }

    /// The table and what it means.
    pub fn render(&self) -> String {
        let header = [
            "model",
            "device",
            "constraints",
            "setup",
            "prove",
            "verify",
            "memory",
            "proof",
            "float",
            "quantised",
        ];
        let mut table = Table::new(&header).left(&[0, 1]).shared(&[1, 7]);
        self.rows.iter().for_each(|row| table.row(row.clone()));
        let mut text = format!("\n{}\n\n", table.render());
        text.push_str("prove, verify: medians; memory: peak of the process while it proves\n");
        match self.images.iter().max() {
            Some(images) if *images >= 1000 => {
                text.push_str(&format!("float, quantised: accuracy over {images} test images\n"));
            }
            Some(images) => text.push_str(&format!(
                "float, quantised: share of {images} embedded test digits, too few to measure accuracy;\n\
                 `tools/fetch-mnist` fetches all 10,000\n"
            )),
            None => {}
        }
        text.push_str("keys: single-party setups, for development only");
        for note in &self.notes {
            text.push_str(&format!("\nnote: {note}"));
        }
        text
    }
}
