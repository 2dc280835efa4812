//! Some proofs of one model on one device, each verified.

use crate::random;
use indicatif::ProgressBar;
use std::time::Instant;
use zkwatt::device::Device;
use zkwatt::groth16::keys::{KeyInfo, ProvingKeyFile};
use zkwatt::groth16::{PreparedVerifyingKey, Prover, ProverOptions, setup};
use zkwatt::mlp::r1cs::{CircuitOptions, InputMode, MlpCircuit, OutputMode, OutputStatement, WeightMode};
use zkwatt::mlp::{AccuracyReport, random_salt};
use zkwatt::{Error, Result};
use zkwatt_harness::device;
use zkwatt_harness::memory::PeakRss;
use zkwatt_harness::models::LoadedModel;
use zkwatt_harness::record::Record;
use zkwatt_harness::statistics::{mad, median};
use zkwatt_harness::table;

/// Bytes of a proof: two compressed points of G1 and one of G2.
const PROOF_BYTES: u64 = 128;

/// The demonstration's statement.
const STATEMENT: CircuitOptions =
    CircuitOptions { input: InputMode::Committed, output: OutputMode::Class, weights: WeightMode::Public };

/// What one model did on one device.
#[derive(Clone, Debug)]
pub struct Run {
    /// The measurement.
    pub record: Record,
    /// Label, where there is one, and proven class of each input.
    pub answers: Vec<(Option<u8>, usize)>,
}

impl Run {
    /// A line for who is waiting.
    pub fn line(&self) -> String {
        let answer = |(label, class): &(Option<u8>, usize)| match label {
            Some(label) if usize::from(*label) == *class => format!("a {label} is a {class}"),
            Some(label) => format!("a {label} is a {class} (wrong)"),
            None => format!("class {class}"),
        };
        let answers: Vec<String> = self.answers.iter().take(3).map(answer).collect();
        let more = if self.answers.len() > 3 { ", …" } else { "" };
        let name = self.record.model.as_deref().unwrap_or_default();
        let proofs = if self.answers.len() == 1 { "proof" } else { "proofs" };
        format!(
            "{name:<21} {} {proofs} in {} each, verified: {}{more}",
            self.answers.len(),
            table::seconds(self.record.median_s),
            answers.join(", ")
        )
    }
}

/// Sets up `loaded` and proves and verifies `n` of its inputs on `device`.
pub fn prove(
    device: &Device,
    threads: usize,
    loaded: &LoadedModel,
    accuracy: Option<&AccuracyReport>,
    n: usize,
    spinner: &ProgressBar,
) -> Result<Run> {
    let name = loaded.name();
    let mut rng = random::generator()?;
    spinner.set_message(format!("{name}: setting up"));
    let circuit = MlpCircuit::new(&loaded.quantised, &STATEMENT)?;
    let start = Instant::now();
    let key = setup(circuit.r1cs(), &mut rng)?;
    let setup_s = start.elapsed().as_secs_f64();
    // Each proof is verified below, where it is timed.
    let start = Instant::now();
    let prover = Prover::with_options(
        device.clone(),
        &key,
        circuit.r1cs().clone(),
        ProverOptions { verify: Some(false) },
    )?;
    let first_use_s = start.elapsed().as_secs_f64();
    let verifier = PreparedVerifyingKey::new(&key.vk)?;
    let info = KeyInfo::new(circuit.r1cs().digest(), "", true);
    let key_bytes = ProvingKeyFile { info, key }.encode()?.len() as u64;

    let inputs = loaded.inputs(n);
    let mut answers = Vec::with_capacity(n);
    let (mut proving, mut verifying, mut witness) = (Vec::new(), Vec::new(), Vec::new());
    let mut peak: Option<u64> = None;
    for (i, input) in inputs.iter().enumerate() {
        spinner.set_message(format!("{name}: proof {} of {n} on {}", i + 1, device.info().kind));
        let salt = Some(random_salt(&mut rng));
        let start = Instant::now();
        let assignment = circuit.assign(input, salt)?;
        witness.push(start.elapsed().as_secs_f64());
        let statement = circuit.statement(input, salt)?;
        let public = circuit.public_inputs(&statement)?;

        let memory = PeakRss::begin();
        let (proof, report) = prover.prove_with_report(&assignment, &mut rng)?;
        peak = peak.max(memory.ok().and_then(|memory| memory.bytes()));
        proving.push(report.total_s);

        let start = Instant::now();
        verifier.verify(&public, &proof)?;
        verifying.push(start.elapsed().as_secs_f64());
        let OutputStatement::Class(class) = statement.output else {
            return Err(Error::SelfCheck("the statement has no class".into()));
        };
        let label = loaded.test.as_ref().and_then(|test| test.labels.get(i % test.len().max(1))).copied();
        answers.push((label, class));
    }

    let mut record = Record::new("prove");
    device::fill(device, threads, &mut record);
    record.variant = Some("class".into());
    record.cpu_path = device.info().cpu_path.map(Into::into);
    record.implementation = "zkwatt".into();
    record.version = env!("CARGO_PKG_VERSION").into();
    record.samples = proving.len();
    record.median_s = median(&proving).unwrap_or_default();
    record.mad_s = mad(&proving).unwrap_or_default();
    record.first_use_s = Some(first_use_s);
    record.measured_at = Some(zkwatt_harness::environment::now());
    record.energy_source = "none: the demonstration does not measure it".into();
    record.peak_rss_bytes = peak;
    record.verified = true;
    record.model = Some(name.into());
    record.system = Some("groth16".into());
    record.weights = Some("public".into());
    record.input = Some("committed".into());
    record.constraints = Some(circuit.r1cs().num_constraints() as u64);
    record.proof_bytes = Some(PROOF_BYTES);
    record.key_bytes = Some(key_bytes);
    record.setup_s = Some(setup_s);
    record.witness_s = median(&witness);
    record.verify_s = median(&verifying);
    record.accuracy_float = accuracy.map(AccuracyReport::float_accuracy);
    record.accuracy_quantised = accuracy.map(AccuracyReport::quantised_accuracy);
    record.set_work(1.0);
    Ok(Run { record, answers })
}
