//! `zkwatt mlp setup`

use super::halo2::{self, PlanArgs};
use super::key::CircuitOf;
use super::{MODEL_FILE, ModelArgs, PROVING_KEY_FILE, VERIFYING_KEY_FILE, on_threads};
use crate::console::{field, say, warn};
use crate::random;
use crate::staged::{Access, Staged};
use std::path::PathBuf;
use std::time::Instant;
use zkwatt::Result;
use zkwatt::groth16::keys::ProvingKeyFile;
use zkwatt::groth16::setup;
use zkwatt::mlp::r1cs::{CircuitOptions, InputMode, MlpCircuit};
use zkwatt_harness::args::parse_threads;
use zkwatt_harness::circuit_args::{CircuitArgs, System};
use zkwatt_harness::{progress, table};

/// Makes the keys of a model.
///
/// Groth16: proving.key, verifying.key and model.json, for development. This process alone draws the secrets, so whoever
/// runs it could keep them and prove anything. For keys that others shall trust, export the circuit with
/// `mlp export-r1cs` and hold a ceremony with many parties.
///
/// Halo2: verifying.key, model.json and srs, the reference string cut down to what the circuit needs. There is no
/// proving.key: `mlp prove` makes it again from model.json and srs, in seconds. With private weights model.json and
/// model.secret.json, which opens the commitment to them, can be read by their owner only; give away verifying.key and
/// srs alone. The commitment and the proof, made once, that its weights are bytes are in verifying.key.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub(super) model: ModelArgs,

    #[command(flatten)]
    pub(super) circuit: CircuitArgs,

    /// Directory for the keys and model.json; made if it is missing
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,

    /// CPU threads [default: all]
    #[arg(long, value_name = "T", value_parser = parse_threads)]
    pub(super) threads: Option<usize>,

    #[command(flatten)]
    pub(super) plan: PlanArgs,
}

/// Warns of a statement that says little.
pub fn warn_of(options: &CircuitOptions) {
    if options.input == InputMode::Private {
        warn(
            "nothing binds a private input; anyone can search for one that gives this output\n  \
             use --input committed, which binds it to a public hash",
        );
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    match args.circuit.system {
        System::Groth16 => groth16(args),
        System::Halo2 => halo2::setup::run(args),
    }
}

fn groth16(args: &Args) -> Result<()> {
    args.plan.expect_none()?;
    let options = args.circuit.options();
    let mut staged = Staged::default();
    staged.directory(&args.out)?;
    let [model_path, proving_path, verifying_path] =
        [MODEL_FILE, PROVING_KEY_FILE, VERIFYING_KEY_FILE].map(|name| args.out.join(name));
    for path in [&model_path, &proving_path, &verifying_path] {
        staged.reserve(path, Access::Public)?;
    }
    let lines = on_threads(args.threads, || {
        let spinner = progress::spinner("building the circuit");
        let loaded = args.model.load()?;
        let circuit = MlpCircuit::new(&loaded.quantised, &options)?;
        spinner.set_message("setting up");
        let start = Instant::now();
        let key = setup(circuit.r1cs(), &mut random::generator()?)?;
        let setup_s = start.elapsed().as_secs_f64();
        spinner.set_message("writing");
        let file = ProvingKeyFile { info: CircuitOf::new(&circuit, options).info(&circuit)?, key };
        let bytes = file.encode()?;
        staged.write(&proving_path, &bytes)?;
        staged.write(&verifying_path, &file.verifying_key().encode()?)?;
        staged.write(&model_path, loaded.quantised.to_json()?.as_bytes())?;
        spinner.finish_and_clear();
        let interface = circuit.interface();
        Ok([
            args.out.display().to_string(),
            field("model", loaded.name()),
            field("constraints", circuit.r1cs().num_constraints()),
            field("public", format!("{} values", interface.public_values())),
            field("setup", table::seconds(setup_s)),
            field("proving key", table::bytes(bytes.len() as u64)),
            field("trust", "single-party setup, for development only: its maker can prove anything"),
        ])
    })?;
    staged.commit()?;
    warn_of(&options);
    say(lines.join("\n"))
}
