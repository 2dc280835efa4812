//! The same models through other frameworks, which are programs.

use super::{Accuracy, Cli, name};
use std::path::Path;
use std::time::Duration;
use zkwatt::Result;
use zkwatt_harness::args::DeviceArg;
use zkwatt_harness::circuit_args::{System, Weights};
use zkwatt_harness::models::{Images, LoadedModel, embedded, embedded_calibration};
use zkwatt_harness::peers::Pool;
use zkwatt_harness::peers::frameworks::{
    self, CALIBRATION_IMAGES, Framework, Limits, Measured, Sample, Task,
};
use zkwatt_harness::record::Record;
use zkwatt_harness::report::Report;
use zkwatt_harness::statistics::{mad, median};
use zkwatt_harness::table::{self, Table};
use zkwatt_harness::{device, progress};

/// The programs that `--peers` names, each with its version.
pub struct Programs {
    programs: Vec<(Box<dyn Framework>, String)>,
    limits: Limits,
    tables: Vec<Tables>,
}

/// What is shown of one model.
struct Tables {
    model: String,
    proving: Table,
    outside: Table,
}

impl Tables {
    fn new(model: &str) -> Self {
        let proving = ["", "threads", "circuit", "prove", "cpu", "memory", "vs Groth16", "vs Halo2"];
        let outside = ["", "cpu in all", "setup", "witness", "verify", "proof", "key"];
        let [proving, outside] = [Table::new(&proving).shared(&[1]), Table::new(&outside)];
        Self { model: model.to_owned(), proving, outside }
    }

    fn row(&mut self, record: &Record, ratios: [Option<f64>; 2]) {
        self.proving.row(proving(record, ratios));
        self.outside.row(outside(record));
    }
}

impl Programs {
    /// Asks each program for its version.
    ///
    /// # Errors
    /// Invalid for one that is not installed.
    pub fn find(cli: &Cli, pool: &Pool) -> Result<Self> {
        let limits = Limits {
            timeout: Duration::from_secs_f64(cli.peer_timeout),
            memory_bytes: cli.peer_memory.map(|mib| mib << 20),
        };
        let mut programs = Vec::new();
        for framework in cli.common.peers.iter().flat_map(|peer| peer.frameworks(pool)) {
            let version = frameworks::version(framework.as_ref(), limits)?;
            programs.push((framework, version));
        }
        Ok(Self { programs, limits, tables: Vec::new() })
    }

    /// Measures all programs with one model, after ours.
    pub fn measure(
        &mut self,
        cli: &Cli,
        model: &str,
        loaded: &LoadedModel,
        accuracy: Option<&Accuracy>,
        report: &mut Report,
    ) -> Result<()> {
        if self.programs.is_empty() {
            return Ok(());
        }
        let onnx = onnx(model);
        let calibration = calibration(loaded)?;
        let image = loaded.inputs(1).pop().unwrap_or_default();
        let class = loaded.quantised.infer(&image)?.class();
        let mut tables = Tables::new(loaded.name());
        for threads in cli.common.thread_counts() {
            for (i, &input) in cli.input.iter().enumerate() {
                let task = Task {
                    loaded,
                    onnx: onnx.as_deref(),
                    image: &image,
                    calibration: &calibration,
                    weights: cli.weights,
                    input,
                    output: cli.output,
                    threads,
                };
                for system in [System::Groth16, System::Halo2] {
                    if let Some(record) = ours(report.records(), &task, system) {
                        tables.row(record, [None, None]);
                    }
                }
                for (framework, version) in &self.programs {
                    let statement = framework.statement(&task);
                    // Its proof does not depend on our options, or is of public weights only.
                    let again = i > 0 && statement.input != input;
                    let other = statement.weights == Weights::Public && cli.weights == Weights::Private;
                    if again || other {
                        continue;
                    }
                    let framework = framework.as_ref();
                    let spinner = progress::spinner(format!("{}: {}", loaded.name(), framework.name()));
                    let measured = frameworks::measure(framework, &task, self.limits, cli.common.plan());
                    spinner.finish_and_clear();
                    let ran = Ran { framework, version, task: &task, class, measured: &measured };
                    let mut record = ran.record(cli)?;
                    ran.accuracy(accuracy, &mut record, report)?;
                    ran.notes(report);
                    let ours = ours(report.records(), &task, framework.system());
                    let each = |record: &Record| record.median_s / record.batch.unwrap_or(1) as f64;
                    let ratio = ours.map(|ours| each(&record) / each(ours));
                    report.record(&record, Some(ratio.unwrap_or(f64::NAN)))?;
                    let cpu = |system| {
                        let ours = ours_cpu_s(report.records(), &task, system)?;
                        Some(record.cpu_s? / ours)
                    };
                    tables.row(&record, [cpu(System::Groth16), cpu(System::Halo2)]);
                }
            }
        }
        self.tables.push(tables);
        Ok(())
    }

    /// Adds the tables.
    pub fn add_to(self, report: &mut Report) {
        if self.programs.is_empty() {
            return;
        }
        for Tables { model, proving, outside } in self.tables {
            let title =
                "beside other frameworks (circuit: constraints or rows; vs: CPU time over that of ours)";
            report.section(format!("{model} {title}"), proving);
            let title = "outside of proving (cpu in all: also starting the process and reading keys)";
            report.section(format!("{model} {title}"), outside);
        }
        report.note("other frameworks: each phase is a process of its own, whose peak memory is shown");
        report
            .note("other frameworks: prove and cpu are of the call that proves, which reads the key's file");
    }
}

/// The ONNX file of a model, where there is one.
fn onnx(model: &str) -> Option<Vec<u8>> {
    match embedded().iter().find(|entry| entry.name == model) {
        Some(entry) => Some(entry.onnx().to_vec()),
        None => {
            let path = Path::new(model);
            std::fs::read(path).ok().filter(|_| path.extension().is_some_and(|extension| extension == "onnx"))
        }
    }
}

/// Training digits, or for other models what they are measured with.
fn calibration(loaded: &LoadedModel) -> Result<Vec<Vec<u32>>> {
    match Images::for_input_len(loaded.quantised.input.len) {
        Some(images @ (Images::Mnist28 | Images::Mnist14)) => {
            Ok(images.fit(embedded_calibration()?.take(CALIBRATION_IMAGES))?.inputs())
        }
        _ => Ok(loaded.inputs(CALIBRATION_IMAGES)),
    }
}

/// Our latest record of the task.
fn ours<'a>(records: &'a [Record], task: &Task<'_>, system: System) -> Option<&'a Record> {
    records.iter().rev().find(|record| {
        record.implementation == "zkwatt"
            && record.model.as_deref() == Some(task.loaded.name())
            && record.system == name(system)
            && record.input == name(task.input)
            && record.threads == task.threads
            && record.failure.is_none()
    })
}

/// CPU time of one of our proofs.
fn ours_cpu_s(records: &[Record], task: &Task<'_>, system: System) -> Option<f64> {
    let record = ours(records, task, system)?;
    record.cpu_s.map(|seconds| seconds / record.batch.unwrap_or(1) as f64)
}

/// One framework's measurement.
struct Ran<'a> {
    framework: &'a dyn Framework,
    version: &'a str,
    task: &'a Task<'a>,
    /// What our quantised model answers.
    class: usize,
    measured: &'a Measured,
}

impl Ran<'_> {
    fn record(&self, cli: &Cli) -> Result<Record> {
        let Self { framework, version, task, measured, .. } = self;
        let mut record = Record::new("prove");
        device::fill(&device::open(DeviceArg::Cpu, task.threads)?, task.threads, &mut record);
        record.implementation = framework.name().into();
        // What it chose for itself is of the version: it names no other work.
        record.version = [Some(*version), measured.setup.settings.as_deref()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; ");
        record.model = Some(task.loaded.name().to_owned());
        record.system = name(framework.system());
        let statement = framework.statement(task);
        record.weights = name(statement.weights);
        record.input = name(statement.input);
        record.output = name(statement.output);
        record.batch = Some(1);

        let setup = &measured.setup;
        record.constraints = setup.constraints;
        record.log_n = setup.log_rows;
        record.rows = setup.rows_used;
        record.key_bytes = setup.key_bytes;
        record.proof_bytes = measured.proof_bytes;
        record.setup_s = measured.setup_s;
        record.witness_s = measured.witness_s;
        record.verify_s = median(&measured.verify_s);
        record.peak_rss_total_bytes = measured.peak_rss_total_bytes;
        record.energy_source = "none: a program's own energy is not known".into();
        record.failure = measured.failure.as_ref().map(|(phase, failure)| {
            let (kind, reason) = (failure.kind(), failure.reason());
            format!("{kind}: {phase}: {reason}")
        });
        let mut phases = setup.steps.clone();
        if record.failure.is_none() {
            let of = |value: fn(&Sample) -> f64| measured.samples.iter().map(value).collect::<Vec<_>>();
            let some = |value: fn(&Sample) -> Option<f64>| {
                let values: Option<Vec<f64>> = measured.samples.iter().map(value).collect();
                values.and_then(|values| median(&values))
            };
            let wall = of(|sample| sample.prove_s);
            record.samples = wall.len();
            record.median_s = median(&wall).unwrap_or_default();
            record.mad_s = mad(&wall).unwrap_or_default();
            record.cpu_s = some(|sample| sample.cpu_s);
            record.peak_rss_bytes =
                measured.samples.iter().map(|sample| sample.peak_rss_bytes).max().flatten();
            phases.extend(median(&of(|sample| sample.process_s)).map(|s| ("process".to_owned(), s)));
            phases.extend(some(|sample| sample.process_cpu_s).map(|s| ("process_cpu".to_owned(), s)));
            record.samples_s = Some(wall);
            if let Some(watts) = cli.common.watts {
                record.joules = Some(watts * record.median_s);
                record.energy_source = "user".into();
            }
            // It has verified its proofs; and what it proves is what ours says.
            record.verified = measured.class == Some(self.class);
            record.set_work(1.0);
        }
        record.phases_s = (!phases.is_empty()).then_some(phases);
        Ok(record)
    }

    /// How well it classifies: by its own quantisation, or else as ours does.
    fn accuracy(&self, ours: Option<&Accuracy>, record: &mut Record, report: &mut Report) -> Result<()> {
        if !self.framework.quantises() {
            ours.into_iter().for_each(|accuracy| accuracy.fill(record));
            return Ok(());
        }
        let (classes, loaded) = (&self.measured.classes, self.task.loaded);
        let (Some(test), Some(float)) = (&loaded.test, &loaded.model) else { return Ok(()) };
        if classes.is_empty() {
            return Ok(());
        }
        let (mut right, mut float_right, mut differ, mut ours_right) = (0u64, 0u64, 0u64, 0u64);
        for (i, (class, label)) in classes.iter().zip(&test.labels).enumerate() {
            let image = test.input(i).unwrap_or_default();
            let label = usize::from(*label);
            let reals: Vec<f32> =
                image.iter().map(|x| (f64::from(*x) * loaded.quantised.input.scale) as f32).collect();
            let by_float = float.classify(&reals)?;
            right += u64::from(*class == label);
            float_right += u64::from(by_float == label);
            differ += u64::from(by_float != *class);
            ours_right += u64::from(loaded.quantised.infer(&image)?.class() == label);
        }
        let images = classes.len();
        record.accuracy_images = Some(images as u64);
        record.accuracy_float = Some(float_right as f64 / images as f64);
        record.accuracy_quantised = Some(right as f64 / images as f64);
        record.argmax_disagreements = Some(differ);
        let (name, model) = (self.framework.name(), loaded.name());
        report.note(format!(
            "{name}, {model}: right on {right} of {images} images, ours on {ours_right}, floats on {float_right}"
        ));
        Ok(())
    }

    fn notes(&self, report: &mut Report) {
        let (name, model) = (self.framework.name(), self.task.loaded.name());
        let measured = self.measured;
        if let Some((phase, failure)) = &measured.failure {
            report.note(format!("{name}, {model}: {phase}: {failure}"));
            return;
        }
        if let Some(settings) = &measured.setup.settings {
            settings.split("; ").for_each(|part| report.note(format!("{name}, {model}: {part}")));
        }
        let steps: Vec<String> =
            measured.setup.steps.iter().map(|(step, s)| format!("{step} {}", table::seconds(*s))).collect();
        if !steps.is_empty() {
            report.note(format!("{name}, {model}: {}", steps.join(", ")));
        }
        if let Some(class) = measured.class
            && class != self.class
        {
            report.note(format!("{name}, {model}: it says {class} where ours says {}", self.class));
        }
    }
}

/// The name in the tables here.
fn label(record: &Record) -> String {
    match record.implementation.as_str() {
        "zkwatt" => format!("ours, {}", record.system.as_deref().unwrap_or_default()),
        "snarkjs-weights-as-inputs" => "snarkjs, weights in".into(),
        other => other.into(),
    }
}

fn proving(record: &Record, ratios: [Option<f64>; 2]) -> Vec<String> {
    let circuit = match (record.constraints, record.log_n) {
        (Some(constraints), _) => constraints.to_string(),
        (None, Some(log_n)) => format!("2^{log_n}"),
        (None, None) => String::new(),
    };
    let time = match &record.failure {
        Some(failure) => failure.split(':').next().unwrap_or_default().to_owned(),
        None => table::seconds(record.median_s),
    };
    let mut row = vec![
        label(record),
        record.threads.to_string(),
        circuit,
        time,
        record.cpu_s.map(table::seconds).unwrap_or_default(),
        record.peak_rss_bytes.map(table::bytes).unwrap_or_default(),
    ];
    row.extend(ratios.map(|ratio| ratio.map(table::ratio).unwrap_or_default()));
    row
}

fn outside(record: &Record) -> Vec<String> {
    let seconds = |value: Option<f64>| value.map(table::seconds).unwrap_or_default();
    let bytes = |value: Option<u64>| value.map(table::bytes).unwrap_or_default();
    let process = record.phases_s.as_ref().and_then(|phases| phases.get("process_cpu")).copied();
    vec![
        label(record),
        seconds(process),
        seconds(record.setup_s),
        seconds(record.witness_s),
        seconds(record.verify_s),
        bytes(record.proof_bytes),
        bytes(record.key_bytes),
    ]
}
