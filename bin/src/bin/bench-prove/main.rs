//! Measures proofs of inference: time, memory, sizes, verification, constraints, and what quantisation costs.

mod frameworks;
mod halo2;
mod mlp_halo2;

use clap::{Parser, ValueEnum};
use frameworks::Programs;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use zkwatt::device::Device;
use zkwatt::groth16::{
    Assignment, PreparedVerifyingKey, Proof, ProveReport, Prover, ProverOptions, ProvingKey, setup,
};
use zkwatt::halo2::KeyOptions;
use zkwatt::mlp::r1cs::{InputMode, MlpCircuit};
use zkwatt::mlp::{accuracy, random_salt};
use zkwatt::{Error, Result};
use zkwatt_harness::args::{Common, EXIT_CODES, parse_positive};
use zkwatt_harness::circuit_args::{Bits, Input, Output, System, Weights, circuit_options};
use zkwatt_harness::inputs::SEED;
use zkwatt_harness::lookup_circuit::LookupCircuit;
use zkwatt_harness::measure::{Check, Contestant, interleave};
use zkwatt_harness::memory::LongPeak;
use zkwatt_harness::models::{LoadOptions, LoadedModel, load};
use zkwatt_harness::peers::groth16::{PerProduct, Task, prover, verify_all};
use zkwatt_harness::peers::{Pool, ProvePeer};
use zkwatt_harness::plan_args::Plan;
use zkwatt_harness::record::Record;
use zkwatt_harness::report::{Rate, Report};
use zkwatt_harness::statistics::median;
use zkwatt_harness::table::{self, Table};
use zkwatt_harness::{device, exit, phases, progress};

/// Measures proofs of a neural network's inference.
///
/// The time is that of proving alone: loading, quantisation, setup, the key's preparation and the witness are timed
/// apart. Peers run in the same rounds on the same inputs; every proof is verified by ark-groth16.
#[derive(Debug, Parser)]
#[command(name = "bench-prove", version, after_help = examples())]
struct Cli {
    #[command(flatten)]
    common: Common<ProvePeer>,

    /// Models: names of embedded ones, ONNX files, quantised models' JSON files, `synthetic-N-…-N`; with Halo2
    /// also `synthetic-lookups-K`, a circuit of 2^K rows with four lookups in each
    #[arg(long, value_delimiter = ',', default_values_t = DEFAULT_MODELS.map(String::from), value_name = "MODEL,…")]
    model: Vec<String>,

    /// Proof systems
    #[arg(long, value_enum, value_delimiter = ',', default_value = "groth16", value_name = "SYSTEM,…")]
    system: Vec<System>,

    /// Who sees the weights
    #[arg(long, value_enum, default_value = "public", value_name = "WHO")]
    weights: Weights,

    /// What the layout is chosen for, with Halo2
    #[arg(long, value_enum, default_value = "fast", value_name = "PLAN")]
    plan: Plan,

    /// Who sees the input: nobody but bound by a public hash, nobody, or everybody
    #[arg(long, value_enum, value_delimiter = ',', default_value = "committed", value_name = "WHO,…")]
    input: Vec<Input>,

    /// What is revealed of the output
    #[arg(long, value_enum, default_value = "accumulators", value_name = "WHAT")]
    output: Output,

    /// Bits of weights and activations; `auto` takes 8 unless calibration says that 16 are needed
    #[arg(long, value_enum, default_value = "auto", value_name = "BITS")]
    bits: Bits,

    /// Inferences in one run, each of another input: proofs with Groth16, one proof with Halo2; times are of the run
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,

    /// Directory of CIFAR-10's binary batches, or of MNIST's test set
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Halo2: memory for tables of multiples of the bases
    #[arg(long, default_value_t = 0, value_name = "MIB", value_parser = clap::value_parser!(u64).range(..=1 << 20))]
    table_mib: u64,

    /// Halo2: memory for the key's columns on the cosets of the quotient
    #[arg(long, default_value_t = 0, value_name = "MIB", value_parser = clap::value_parser!(u64).range(..=1 << 20))]
    coset_mib: u64,

    /// Peers that are programs (ezkl, snarkjs): seconds that one phase may take; one that takes longer is ended, and its
    /// row says so
    #[arg(long, default_value_t = 600.0, value_name = "SECONDS", value_parser = parse_positive)]
    peer_timeout: f64,

    /// Peers that are programs: resident memory that one may take, likewise [default: what there is]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    peer_memory: Option<u64>,

    /// Also show where our proving time goes
    #[arg(long)]
    phases: bool,
}

impl Cli {
    fn key_options(&self) -> KeyOptions {
        KeyOptions { table_bytes: self.table_mib << 20, coset_bytes: self.coset_mib << 20 }
    }
}

/// The models trained on digits.
const DEFAULT_MODELS: [&str; 5] =
    ["mnist-196-25-10", "mnist-196-24-14-10", "mnist-784-56-10", "mnist-784-128-10", "mnist-784-256-128-10"];

fn examples() -> String {
    format!(
        "Examples:
  bench-prove
  bench-prove --model mnist-784-128-10 --input private --peers arkworks,arkworks-per-product --threads 2
  bench-prove --model model.onnx --phases --json prove.jsonl
  bench-prove --model cifar-3072-256-10 --data cifar-10-batches-bin
  bench-prove --model synthetic-1024-1024-1024-1024-1024-10 --samples 3
  bench-prove --system groth16,halo2 --model mnist-784-128-10 --input private
  bench-prove --system halo2 --model mnist-784-128-10 --weights private --plan small
  bench-prove --system halo2 --model synthetic-lookups-15 --peers halo2-axiom --phases
  bench-prove --system groth16,halo2 --model mnist-784-56-10,mnist-784-128-10 --input private --peers ezkl,snarkjs

The peers ezkl and snarkjs are programs, which tools/peers/install installs into a checkout; ZKWATT_TOOLS names its
folder `tools` for a binary that was moved. They are measured after ours: keys, witness and proof in a process each.
One that takes too long, runs out of memory or fails has a row that says so.

{EXIT_CODES}"
    )
}

/// The name as on the command line.
fn name(value: impl ValueEnum) -> Option<String> {
    value.to_possible_value().map(|value| value.get_name().to_owned())
}

/// Keys are thrown away and inputs are no secrets: a fixed seed makes runs comparable.
fn rng(stream: u64) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::seed_from_u64(SEED);
    rng.set_stream(stream);
    rng
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed().as_secs_f64())
}

/// What the test images say of a model.
struct Accuracy {
    images: usize,
    float: Option<f64>,
    quantised: f64,
    disagreements: Option<usize>,
}

impl Accuracy {
    fn measure(loaded: &LoadedModel) -> Result<Option<Self>> {
        let Some(images) = loaded.accuracy_set().filter(|images| !images.is_empty()) else { return Ok(None) };
        if let Some(float) = &loaded.model {
            let report = accuracy(float, &loaded.quantised, images)?;
            return Ok(Some(Self {
                images: report.samples,
                float: Some(report.float_accuracy()),
                quantised: report.quantised_accuracy(),
                disagreements: Some(report.argmax_disagreements),
            }));
        }
        let mut correct = 0;
        for (i, label) in images.labels.iter().enumerate() {
            let class = loaded.quantised.infer(&images.input(i).unwrap_or_default())?.class();
            correct += usize::from(class == usize::from(*label));
        }
        let quantised = correct as f64 / images.len() as f64;
        Ok(Some(Self { images: images.len(), float: None, quantised, disagreements: None }))
    }

    fn fill(&self, record: &mut Record) {
        record.accuracy_images = Some(self.images as u64);
        record.accuracy_float = self.float;
        record.accuracy_quantised = Some(self.quantised);
        record.argmax_disagreements = self.disagreements.map(|n| n as u64);
    }
}

/// The tables below the times.
struct Tables {
    circuits: Table,
    accuracies: Table,
    phases: Table,
}

impl Tables {
    fn new() -> Self {
        let circuits = [
            "model",
            "input",
            "circuit",
            "constraints",
            "setup",
            "witness",
            "verify",
            "proof",
            "key",
            "peak",
        ];
        let accuracies = ["model", "images", "float", "quantised", "loss", "disagree"];
        let phases: Vec<_> = ["model", "threads", "input"].into_iter().chain(phases::columns()).collect();
        Self {
            circuits: Table::new(&circuits).left(&[0, 1, 2]).shared(&[1, 2, 7]),
            accuracies: Table::new(&accuracies).shared(&[1]),
            phases: Table::new(&phases).left(&[0, 2]).shared(&[1, 2]),
        }
    }

    fn circuit(&mut self, record: &Record) {
        let per_product = record.implementation == ProvePeer::ArkworksPerProduct.name();
        let seconds = |value: Option<f64>| value.map(table::seconds).unwrap_or_default();
        let bytes = |value: Option<u64>| value.map(table::bytes).unwrap_or_default();
        self.circuits.row(vec![
            record.model.clone().unwrap_or_default(),
            record.input.clone().filter(|_| !per_product).unwrap_or_default(),
            if per_product { "products" } else { "ours" }.into(),
            record.constraints.map(|n| n.to_string()).unwrap_or_default(),
            seconds(record.setup_s),
            seconds(record.witness_s),
            seconds(record.verify_s),
            bytes(record.proof_bytes),
            bytes(record.key_bytes),
            bytes(record.peak_rss_total_bytes),
        ]);
    }

    fn accuracy(&mut self, model: &str, accuracy: &Accuracy) {
        let percent = |value: f64| format!("{:.2} %", 100.0 * value);
        self.accuracies.row(vec![
            model.to_owned(),
            accuracy.images.to_string(),
            accuracy.float.map(percent).unwrap_or_default(),
            percent(accuracy.quantised),
            accuracy.float.map(|float| percent(float - accuracy.quantised)).unwrap_or_default(),
            accuracy.disagreements.map(|n| n.to_string()).unwrap_or_default(),
        ]);
    }

    fn phases(&mut self, record: &Record) {
        let Some(phases) = &record.phases_s else { return };
        let mut row = vec![
            record.model.clone().unwrap_or_default(),
            record.threads.to_string(),
            record.input.clone().unwrap_or_default(),
        ];
        row.extend(phases::cells(phases));
        self.phases.row(row);
    }

    fn add_to(self, report: &mut Report, with_phases: bool) {
        if self.circuits.is_empty() {
            return;
        }
        report.section(
            "Circuits and keys (peak: memory from loading the model to the last proof, setup and peers included)",
            self.circuits,
        );
        if !self.accuracies.is_empty() {
            report.section("Accuracy on test images", self.accuracies);
        }
        if with_phases {
            report.section("Where zkwatt's time for one proof goes, medians", self.phases);
        }
    }
}

/// Median time of verifying one proof.
fn verification_s(verifier: &PreparedVerifyingKey, task: Task<'_>, proof: &Proof) -> Result<f64> {
    const RUNS: usize = 5;
    let public = task.assignments.first().map_or(&[][..], |assignment| assignment.public_inputs(task.r1cs));
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let (verified, seconds) = timed(|| verifier.verify(public, proof));
        verified?;
        times.push(seconds);
    }
    Ok(median(&times).unwrap_or(f64::NAN))
}

/// One model, circuit and number of threads.
struct Job<'a> {
    cli: &'a Cli,
    loaded: &'a LoadedModel,
    circuit: &'a MlpCircuit,
    inputs: &'a [Vec<u32>],
    device: &'a Device,
    pool: &'a Pool,
    peak: &'a Result<LongPeak, &'static str>,
}

impl Job<'_> {
    /// One assignment for each input, and the median time of one.
    fn assignments(&self) -> Result<(Vec<Assignment>, f64)> {
        let mut salts = rng(2);
        let committed = self.circuit.interface().input == InputMode::Committed;
        let (mut assignments, mut times) = (Vec::new(), Vec::new());
        for input in self.inputs {
            let salt = committed.then(|| random_salt(&mut salts));
            let (assignment, seconds) = timed(|| self.pool.run(|| self.circuit.assign(input, salt)));
            assignments.push(assignment?);
            times.push(seconds);
        }
        Ok((assignments, median(&times).unwrap_or(f64::NAN)))
    }

    fn measure(&self, base: &Record, report: &mut Report, tables: &mut Tables) -> Result<()> {
        let common = &self.cli.common;
        let r1cs = self.circuit.r1cs();
        let label = format!("{} {}", self.loaded.name(), base.input.as_deref().unwrap_or_default());
        let spinner = progress::spinner(format!("{label}: setup"));
        let (key, setup_s) = timed(|| self.pool.run(|| setup(r1cs, &mut rng(1))));
        let key = key?;
        spinner.finish_and_clear();
        let (assignments, witness_s) = self.assignments()?;
        let task = Task { r1cs, key: &key, assignments: &assignments };
        let per_product = if common.peers.contains(&ProvePeer::ArkworksPerProduct) {
            let spinner = progress::spinner(format!(
                "{label}: setup of the circuit with a constraint for each product"
            ));
            let made = PerProduct::new(&self.loaded.quantised, self.inputs, self.pool, &mut rng(3))?;
            spinner.finish_and_clear();
            Some(made)
        } else {
            None
        };

        let ours = Ours::new(self.device, task, self.circuit)?;
        let mut bases = vec![base.clone()];
        fill_circuit(&mut bases[0], task, setup_s);
        bases[0].witness_s = Some(witness_s);
        let mut contestants = vec![ours.contestant(self.device)];
        for &peer in common.peers.iter().filter(|peer| peer.system() == Some(System::Groth16)) {
            let (task, setup_s) = match (peer, &per_product) {
                (ProvePeer::ArkworksPerProduct, Some(made)) => (made.task(), made.setup_s),
                _ => (task, setup_s),
            };
            let mut base = base.clone();
            fill_circuit(&mut base, task, setup_s);
            if peer == ProvePeer::ArkworksPerProduct {
                base.input = name(Input::Private);
                base.output = name(Output::Accumulators);
            } else {
                base.witness_s = Some(witness_s);
            }
            bases.push(base);
            contestants.push(prover(peer, task, self.pool, rng(5))?);
        }
        let check = if common.no_check { Check::Skip } else { Check::Equal(true) };
        let mut meter = common.meter(Some(self.device));
        let outcomes = interleave(&label, &mut contestants, common.plan(), &check, meter.as_mut())?;
        drop(contestants);

        let (verify_s, phases) = ours.after()?;
        for (index, (mut base, outcome)) in bases.into_iter().zip(&outcomes).enumerate() {
            let total = self.peak.as_ref().ok().and_then(LongPeak::bytes);
            base.peak_rss_total_bytes = total;
            if index == 0 {
                base.verify_s = Some(verify_s);
                base.phases_s = Some(phases.clone());
            }
            report.outcome(&base, outcome, self.inputs.len() as f64, index == 0)?;
            let mut shown = base;
            outcome.fill(&mut shown);
            if index == 0 {
                tables.phases(&shown);
            }
            if shown.implementation != ProvePeer::Arkworks.name() {
                tables.circuit(&shown);
            }
        }
        Ok(())
    }
}

/// Constraints and sizes.
fn fill_circuit(record: &mut Record, task: Task<'_>, setup_s: f64) {
    record.constraints = Some(task.r1cs.num_constraints() as u64);
    record.key_bytes = Some(key_bytes(task.key));
    record.proof_bytes = Some(PROOF_BYTES);
    record.setup_s = Some(setup_s);
}

/// Two compressed points of G1 and one of G2.
const PROOF_BYTES: u64 = 2 * 32 + 64;

/// Bytes of the key's points, uncompressed, as key files hold them.
fn key_bytes(key: &ProvingKey) -> u64 {
    use ark_serialize::CanonicalSerialize;
    key.uncompressed_size() as u64
}

/// Our prover and what its runs leave behind.
struct Ours<'a> {
    prover: Prover<Device>,
    preparation_s: f64,
    verifier: PreparedVerifyingKey,
    task: Task<'a>,
    reports: RefCell<Vec<ProveReport>>,
    proof: RefCell<Option<Proof>>,
}

impl<'a> Ours<'a> {
    fn new(device: &Device, task: Task<'a>, circuit: &MlpCircuit) -> Result<Self> {
        let (prover, preparation_s) = timed(|| {
            Prover::with_options(
                device.clone(),
                task.key,
                circuit.r1cs().clone(),
                ProverOptions { verify: Some(false) },
            )
        });
        Ok(Self {
            prover: prover?,
            preparation_s,
            verifier: PreparedVerifyingKey::new(&task.key.vk)?,
            task,
            reports: RefCell::default(),
            proof: RefCell::default(),
        })
    }

    fn contestant(&self, device: &Device) -> Contestant<'_, bool> {
        let mut rng = rng(4);
        let Task { r1cs, assignments, .. } = self.task;
        let contestant = Contestant::zkwatt(move |watch| {
            let results = watch.time(|| {
                let prove = |assignment| self.prover.prove_with_report(assignment, &mut rng);
                assignments.iter().map(prove).collect::<Result<Vec<_>>>()
            })?;
            let (proofs, reports): (Vec<Proof>, Vec<ProveReport>) = results.into_iter().unzip();
            verify_all(&self.verifier, r1cs, assignments, &proofs)?;
            *self.proof.borrow_mut() = proofs.into_iter().next();
            // The first run, which is not a sample, is the one whose result is compared.
            self.reports.borrow_mut().extend(reports);
            Ok(watch.result(|| true))
        });
        let preparation = std::time::Duration::from_secs_f64(self.preparation_s);
        contestant.on(device).prepared_in(preparation)
    }

    /// Time to verify one proof, and the phases of the timed ones.
    fn after(&self) -> Result<(f64, BTreeMap<String, f64>)> {
        let reports = self.reports.borrow();
        let phases = phases::medians(reports.get(self.task.assignments.len()..).unwrap_or_default());
        match self.proof.borrow().as_ref() {
            Some(proof) => Ok((verification_s(&self.verifier, self.task, proof)?, phases)),
            None => Ok((f64::NAN, phases)),
        }
    }
}

const FEW_IMAGES: &str =
    "accuracy is over the few images that come with this program; for the whole test set see --data";
const PER_PRODUCT: &str =
    "arkworks-per-product: one constraint a product; private input, public accumulators";

fn run(cli: &Cli) -> Result<()> {
    let common = &cli.common;
    common.peers.iter().try_for_each(|peer| peer.check(&cli.system))?;
    let threads = common.thread_counts();
    // A device that is missing is found before any model is loaded.
    let devices = threads.iter().map(|&n| common.open(n)).collect::<Result<Vec<_>>>()?;
    let pools = threads.iter().map(|&n| Pool::new(n)).collect::<Result<Vec<_>>>()?;
    // So is a program.
    let widest = pools.iter().max_by_key(|pool| pool.threads());
    let mut programs = widest.map(|pool| Programs::find(cli, pool)).transpose()?;
    let title = if cli.system == [System::Groth16] {
        "Proofs of inference, Groth16 over BN254"
    } else {
        "Proofs over BN254"
    };
    let mut report = Report::for_args(title, "proofs", common)?.with_rate(Rate::Run);
    let mut tables = Tables::new();
    let mut halo2_tables = halo2::Tables::new();
    let machines: Vec<_> =
        devices.iter().zip(&pools).zip(&threads).map(|((device, pool), n)| (device, pool, *n)).collect();
    let options =
        LoadOptions { data: cli.data.as_deref(), preset: cli.bits.into(), ..LoadOptions::default() };
    for model in &cli.model {
        if let Some(circuit) = LookupCircuit::named(model)? {
            if cli.system != [System::Halo2] {
                let reason = format!("`{model}` is a circuit for Halo2; use it with --system halo2");
                return Err(Error::invalid("--model", reason));
            }
            halo2::measure(cli, &circuit, model, &machines, &mut report, &mut halo2_tables)?;
            continue;
        }
        let peak = LongPeak::begin();
        let loaded = load(model, &options)?;
        loaded.notes.iter().for_each(|note| report.note(note));
        let inputs = loaded.inputs(cli.batch.into());
        let accuracy = Accuracy::measure(&loaded)?;
        if let Some(accuracy) = &accuracy {
            tables.accuracy(loaded.name(), accuracy);
            if loaded.full_test.is_none() {
                report.note(FEW_IMAGES);
            }
        }
        for &input in &cli.input {
            if cli.system.contains(&System::Halo2) {
                let accuracy = accuracy.as_ref();
                mlp_halo2::measure(cli, &loaded, input, accuracy, &machines, &mut report, &mut halo2_tables)?;
            }
            if !cli.system.contains(&System::Groth16) {
                continue;
            }
            let circuit =
                MlpCircuit::new(&loaded.quantised, &circuit_options(input, cli.output, cli.weights))?;
            for &(device, pool, threads) in &machines {
                let mut base = Record::new("prove");
                device::fill(device, threads, &mut base);
                base.model = Some(loaded.name().to_owned());
                base.system = name(System::Groth16);
                base.weights = name(cli.weights);
                base.input = name(input);
                base.output = name(cli.output);
                base.batch = Some(inputs.len() as u64);
                if let Some(accuracy) = &accuracy {
                    accuracy.fill(&mut base);
                }
                let job = Job {
                    cli,
                    loaded: &loaded,
                    circuit: &circuit,
                    inputs: &inputs,
                    device,
                    pool,
                    peak: &peak,
                };
                job.measure(&base, &mut report, &mut tables)?;
            }
        }
        if let Some(programs) = &mut programs {
            programs.measure(cli, model, &loaded, accuracy.as_ref(), &mut report)?;
        }
    }
    if common.peers.contains(&ProvePeer::ArkworksPerProduct) {
        report.note(PER_PRODUCT);
    }
    tables.add_to(&mut report, cli.phases);
    halo2_tables.add_to(&mut report, cli.phases);
    if let Some(programs) = programs {
        programs.add_to(&mut report);
    }
    report.finish()
}

fn main() -> ExitCode {
    exit::end(run(&Cli::parse()))
}
