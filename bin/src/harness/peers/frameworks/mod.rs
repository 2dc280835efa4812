//! Other frameworks for proofs of inference, as programs: each phase is a process of its own.
//!
//! A framework is a program that takes a phase and a folder, and prints a line of JSON (tools/peers/README.md). The folder
//! holds `job.json` and what [`Framework::prepare`] writes, and keeps what a phase makes for the next one. A phase that takes
//! too long, runs out of memory or fails ends the measurement of that framework alone.

mod circom;
mod ezkl;
mod process;

pub use circom::Circom;
pub use ezkl::Ezkl;
pub use process::{Failure, Finished, Folder, Limits, NOT_INSTALLED};

use crate::circuit_args::{Input, Output, System, Weights};
use crate::measure::Plan;
use crate::models::LoadedModel;
use crate::peers::snarkjs::tools;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use zkwatt::{Error, Result};

/// Images of the calibration set that a framework may calibrate on.
pub const CALIBRATION_IMAGES: usize = 20;
/// Time for classifying test images, after which no further one is begun.
const CLASSIFY: Duration = Duration::from_secs(30);

/// What is to be proved.
#[derive(Copy, Clone, Debug)]
pub struct Task<'a> {
    /// The model with its images.
    pub loaded: &'a LoadedModel,
    /// The file that it was read from, where that is ONNX.
    pub onnx: Option<&'a [u8]>,
    /// The image whose inference is proved.
    pub image: &'a [u32],
    /// Images to calibrate on.
    pub calibration: &'a [Vec<u32>],
    /// Who sees the weights.
    pub weights: Weights,
    /// Who sees the image.
    pub input: Input,
    /// What is revealed of the outputs.
    pub output: Output,
    /// Threads that the program is told to use.
    pub threads: usize,
}

impl Task<'_> {
    fn test_images(&self) -> Vec<Vec<u32>> {
        self.loaded.test.as_ref().map(|test| test.inputs()).unwrap_or_default()
    }

    /// What the float model takes for these integers.
    fn reals(&self, image: &[u32]) -> Vec<f64> {
        image.iter().map(|x| f64::from(*x) * self.loaded.quantised.input.scale).collect()
    }
}

/// What a proof of a framework is about: as near to what ours is about as the framework has it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Who sees the weights.
    pub weights: Weights,
    /// Who sees the image.
    pub input: Input,
    /// What is revealed of the outputs.
    pub output: Output,
}

/// What [`Framework::prepare`] made.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// Further fields of `job.json`.
    pub job: Map<String, Value>,
    /// Time of the witness and the class, where the framework gets a witness of ours.
    pub witness: Option<(f64, usize)>,
}

/// A framework that proves inference.
pub trait Framework {
    /// The name that records carry.
    fn name(&self) -> &'static str;

    /// The proof system.
    fn system(&self) -> System;

    /// What its proofs are about when ours are about `task`.
    fn statement(&self, task: &Task<'_>) -> Statement;

    /// Writes what the program needs beside `job.json`. Not a part of any time.
    ///
    /// # Errors
    /// What keeps the framework from proving this task.
    fn prepare(&self, task: &Task<'_>, folder: &Path) -> Result<Prepared>;

    /// The program.
    fn program(&self) -> PathBuf {
        tools().join("peers").join(self.name())
    }

    /// Makes keys after the setup, for a program that has none of its own: their time and bytes.
    ///
    /// # Errors
    /// What the setup reports.
    fn make_keys(&self, _folder: &Path) -> Result<Option<(f64, u64)>> {
        Ok(None)
    }

    /// Whether it quantises by itself, so that its answers are asked for.
    fn quantises(&self) -> bool {
        false
    }
}

/// One proof.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Sample {
    /// Wall time of the framework's call that proves.
    pub prove_s: f64,
    /// User and system time of that call.
    pub cpu_s: Option<f64>,
    /// Wall time of the whole process.
    pub process_s: f64,
    /// User and system time of the whole process.
    pub process_cpu_s: Option<f64>,
    /// Peak resident memory of the process.
    pub peak_rss_bytes: Option<u64>,
}

/// What was measured, up to a failure if there was one.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// What the setup reports.
    pub setup: Setup,
    /// Setup in all: what is done once for a model.
    pub setup_s: Option<f64>,
    /// Time of making the witness.
    pub witness_s: Option<f64>,
    /// The class that is proved.
    pub class: Option<usize>,
    /// Classes of the first test images.
    pub classes: Vec<usize>,
    /// Each proof.
    pub samples: Vec<Sample>,
    /// Bytes of a proof.
    pub proof_bytes: Option<u64>,
    /// Times of verifying.
    pub verify_s: Vec<f64>,
    /// Highest peak of all phases.
    pub peak_rss_total_bytes: Option<u64>,
    /// The phase that gave nothing, and why.
    pub failure: Option<(&'static str, Failure)>,
}

/// What a program says of its setup.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Setup {
    setup_s: f64,
    /// Each step's time; those that are not of this model alone are no part of the setup's.
    #[serde(default)]
    pub steps: BTreeMap<String, f64>,
    /// R1CS constraints.
    pub constraints: Option<u64>,
    /// Base-two logarithm of the circuit's rows.
    pub log_rows: Option<u32>,
    /// Rows of those that are used.
    pub rows_used: Option<u64>,
    /// Bytes of the proving key.
    pub key_bytes: Option<u64>,
    /// What was chosen, for people.
    pub settings: Option<String>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct Witness {
    witness_s: Option<f64>,
    class: Option<usize>,
}

#[derive(Deserialize)]
struct Classes {
    classes: Vec<usize>,
}

#[derive(Deserialize)]
struct Proved {
    prove_s: f64,
    cpu_s: Option<f64>,
    proof_bytes: u64,
}

#[derive(Deserialize)]
struct Verified {
    verify_s: f64,
    accepted: bool,
}

/// A phase's line without what every line has.
#[derive(Deserialize)]
struct Peak {
    peak_rss_bytes: Option<u64>,
}

/// The framework's version. This finds a framework that is not installed before anything is measured.
///
/// # Errors
/// Invalid for a program that is missing or does not answer.
pub fn version(framework: &dyn Framework, limits: Limits) -> Result<String> {
    let mut command = Command::new(framework.program());
    command.arg("version");
    let answer = process::run(command, limits).and_then(|finished| parse::<Version>(&finished));
    answer.map(|answer| answer.version).map_err(|failure| {
        let name = framework.name();
        let reason = match failure {
            Failure::NotInstalled(reason) => format!(
                "{name}: {reason}; run tools/peers/install in a checkout, and let ZKWATT_TOOLS name its folder tools \
                 if the binary was moved"
            ),
            other => format!("{name} does not say its version: {other}; run tools/peers/install again"),
        };
        Error::invalid("--peers", reason)
    })
}

/// Sets a framework up for a task, and has it prove as often as `plan` allows, at least once.
pub fn measure(framework: &dyn Framework, task: &Task<'_>, limits: Limits, plan: Plan) -> Measured {
    let mut measured = Measured::default();
    let outcome = Folder::new().map_err(|e| ("setup", Failure::Failed(e.to_string()))).and_then(|folder| {
        let run = Run { framework, task, limits, folder: folder.path() };
        run.all(plan, &mut measured)
    });
    measured.failure = outcome.err();
    measured
}

type Phase<T> = Result<T, (&'static str, Failure)>;

struct Run<'a> {
    framework: &'a dyn Framework,
    task: &'a Task<'a>,
    limits: Limits,
    folder: &'a Path,
}

impl Run<'_> {
    fn all(&self, plan: Plan, measured: &mut Measured) -> Phase<()> {
        let ours = |e: Error| ("setup", Failure::Failed(e.to_string()));
        let prepared = self.framework.prepare(self.task, self.folder).map_err(ours)?;
        self.write_job(prepared.job).map_err(ours)?;

        measured.setup = self.phase::<Setup>("setup", measured)?.0;
        let keys = self.framework.make_keys(self.folder).map_err(ours)?;
        let mut setup_s = measured.setup.setup_s;
        if let Some((seconds, bytes)) = keys {
            measured.setup.key_bytes = Some(bytes);
            measured.setup.steps.insert("keys".into(), seconds);
            setup_s += seconds;
        }
        measured.setup_s = Some(setup_s);

        let witness = self.phase::<Witness>("witness", measured)?.0;
        let given = prepared.witness;
        measured.witness_s = witness.witness_s.or(given.map(|(seconds, _)| seconds));
        measured.class = witness.class.or(given.map(|(_, class)| class));

        let start = Instant::now();
        while measured.samples.len() < plan.samples {
            let over = plan.budget.is_some_and(|budget| start.elapsed() > budget);
            if over && !measured.samples.is_empty() {
                break;
            }
            let (proved, finished, peak_rss_bytes) = self.phase::<Proved>("prove", measured)?;
            let verified = self.phase::<Verified>("verify", measured)?.0;
            if !verified.accepted {
                return Err(("verify", Failure::Failed("its own verifier rejects the proof".into())));
            }
            measured.proof_bytes = Some(proved.proof_bytes);
            measured.verify_s.push(verified.verify_s);
            measured.samples.push(Sample {
                prove_s: proved.prove_s,
                cpu_s: proved.cpu_s,
                process_s: finished.wall_s,
                process_cpu_s: finished.cpu_s,
                peak_rss_bytes,
            });
        }
        if self.framework.quantises() && self.task.loaded.test.is_some() {
            measured.classes = self.phase::<Classes>("classify", measured)?.0.classes;
        }
        Ok(())
    }

    fn write_job(&self, mut job: Map<String, Value>) -> Result<()> {
        let task = self.task;
        let reals = |images: &[Vec<u32>]| -> Vec<Vec<f64>> { images.iter().map(|x| task.reals(x)).collect() };
        let input = match task.input {
            Input::Committed => "committed",
            Input::Private => "private",
            Input::Public => "public",
        };
        let weights = match task.weights {
            Weights::Public => "public",
            Weights::Private => "private",
        };
        for (field, value) in [
            ("input", json!(input)),
            ("weights", json!(weights)),
            ("threads", json!(task.threads)),
            ("integers", json!(task.image)),
            ("image", json!(task.reals(task.image))),
            ("calibration", json!(reals(task.calibration))),
            ("images", json!(reals(&task.test_images()))),
            ("classify_s", json!(CLASSIFY.as_secs())),
        ] {
            job.insert(field.into(), value);
        }
        write(&self.folder.join("job.json"), Value::Object(job).to_string().as_bytes())
    }

    /// Runs a phase: its answer, what the system says of the process, and its peak memory.
    fn phase<T: DeserializeOwned>(
        &self,
        phase: &'static str,
        measured: &mut Measured,
    ) -> Phase<(T, Finished, Option<u64>)> {
        let mut command = Command::new(self.framework.program());
        command.arg(phase).arg(self.folder);
        command.env("RAYON_NUM_THREADS", self.task.threads.to_string());
        let finished = process::run(command, self.limits).map_err(|failure| (phase, failure))?;
        let answer = parse(&finished).map_err(|failure| (phase, failure))?;
        // We look every few milliseconds; the process itself can ask at its end.
        let told = parse::<Peak>(&finished).ok().and_then(|line| line.peak_rss_bytes);
        let peak = told.max(finished.peak_rss_bytes);
        measured.peak_rss_total_bytes = measured.peak_rss_total_bytes.max(peak);
        Ok((answer, finished, peak))
    }
}

/// The last line of what a program printed.
fn parse<T: DeserializeOwned>(finished: &Finished) -> Result<T, Failure> {
    let line = finished.stdout.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    serde_json::from_str(line).map_err(|e| {
        let start: String = line.chars().take(80).collect();
        Failure::Failed(format!("it printed what is not understood ({e}): {start:?}"))
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(|e| Error::io(path, e))
}

#[cfg(test)]
mod tests;
