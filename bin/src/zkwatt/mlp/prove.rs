//! `zkwatt mlp prove`

use super::key::CircuitOf;
use super::setup::warn_of;
use super::statement::{Opening, describe};
use super::{MODEL_FILE, PROVING_KEY_FILE, VERIFYING_KEY_FILE, halo2, image};
use crate::console::{field, say};
use crate::random;
use crate::staged::{Access, Staged};
use std::path::PathBuf;
use std::time::Instant;
use zkwatt::groth16::keys::{ProofFile, ProvingKeyFile, Validate};
use zkwatt::groth16::{Prover, ProverOptions};
use zkwatt::mlp::r1cs::{InputMode, InputStatement};
use zkwatt::mlp::{QuantisedModel, random_salt};
use zkwatt::{Error, Result};
use zkwatt_harness::args::{DeviceArg, parse_threads};
use zkwatt_harness::environment::available_threads;
use zkwatt_harness::{device, progress, table};

/// Proves what a model answers to one image, or to as many as the setup's --batch says.
///
/// The files in the directory say which proof system it is. The salt of a committed input (with Halo2: a seed for each)
/// and the blinding of the proof come from the operating system. The salt is written to a file beside the proof that only
/// its owner can read: it opens the commitment, and whoever has it can test guesses of the image.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory that `mlp setup` wrote
    #[arg(long, value_name = "DIR")]
    pub(super) key: PathBuf,

    /// The image: an IDX file, a CIFAR-10 batch (.bin), or a list of integers (.json; for a batch a list of lists)
    #[arg(long, value_name = "FILE")]
    pub(super) image: PathBuf,

    /// Which image of the file, counted from 0, and for a batch those behind it [default: 0]
    #[arg(long, value_name = "N")]
    pub(super) index: Option<usize>,

    /// The proof to write; the salt goes to the same name with .secret.json
    #[arg(long, value_name = "FILE.zkp")]
    pub(super) out: PathBuf,

    /// Take the salt of an earlier proof, so that the commitment is the same
    #[arg(long, value_name = "FILE.secret.json")]
    pub(super) salt: Option<PathBuf>,

    /// Device to prove on; a named one that is missing is an error, never replaced
    #[arg(long, value_enum, default_value = "auto", value_name = "DEVICE")]
    pub(super) device: DeviceArg,

    /// CPU threads [default: all]
    #[arg(long, value_name = "T", value_parser = parse_threads)]
    pub(super) threads: Option<usize>,

    /// Do not verify the proof before it is written; for keys that you trust, as one can be made so that proofs reveal the
    /// witness
    #[arg(long)]
    pub(super) no_verify: bool,
}

/// Salt for a mode that has none.
pub fn salt_is_for_commitments() -> Error {
    Error::invalid("--salt", "is for committed inputs; this key was made for another mode")
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    if halo2::is_key(&args.key.join(VERIFYING_KEY_FILE)) { halo2::prove::run(args) } else { groth16(args) }
}

fn groth16(args: &Args) -> Result<()> {
    let device = device::open(args.device, args.threads.unwrap_or_else(available_threads))?;
    let mut staged = Staged::default();
    staged.reserve(&args.out, Access::Public)?;
    let secret_path = args.out.with_extension("secret.json");

    let spinner = progress::spinner("reading the key");
    // A proof that is not verified before it leaves is only as blind as the key is well-formed.
    let validate = if args.no_verify { Validate::Full } else { Validate::OnCurve };
    let file = ProvingKeyFile::read(args.key.join(PROVING_KEY_FILE), validate)?;
    let model = QuantisedModel::load(args.key.join(MODEL_FILE))?;
    let of = CircuitOf::read("proving key file", &file.info)?;
    let circuit = of.rebuild("the proving key", &file.info, &model)?;
    let input = image::read(&args.image, args.index, 1, &model.input)?.pop().unwrap_or_default();

    let mut rng = random::generator()?;
    let salt = match (of.statement.input, &args.salt) {
        (InputMode::Committed, Some(path)) => Some(Opening::read_salt(path)?),
        (InputMode::Committed, None) => Some(random_salt(&mut rng)),
        (_, Some(_)) => return Err(salt_is_for_commitments()),
        (_, None) => None,
    };
    if salt.is_some() {
        staged.reserve(&secret_path, Access::Owner)?;
    }
    spinner.set_message("proving");
    let options = ProverOptions { verify: Some(!args.no_verify) };
    let prover = Prover::with_options(device.clone(), &file.key, circuit.r1cs().clone(), options)?;
    let start = Instant::now();
    let statement = circuit.statement(&input, salt)?;
    let assignment = circuit.assign(&input, salt)?;
    let witness_s = start.elapsed().as_secs_f64();
    let (proof, report) = prover.prove_with_report(&assignment, &mut rng)?;
    let public = circuit.public_inputs(&statement)?;
    let proof = ProofFile::new(file.info, &file.key.vk, public, proof);
    let bytes = proof.encode()?;
    staged.write(&args.out, &bytes)?;
    let mut lines = vec![args.out.display().to_string(), field("model", &model.name)];
    lines.extend(describe(&statement));
    if let (Some(salt), InputStatement::Commitment(commitment)) = (&salt, &statement.input) {
        staged.write(&secret_path, &Opening::encode(salt, commitment)?)?;
        lines.push(field("secret", format!("{} opens the commitment", secret_path.display())));
    }
    spinner.finish_and_clear();
    staged.commit()?;
    warn_of(&of.statement);
    let proof_s = report.total_s - report.verify_s.unwrap_or(0.0);
    let verified = match report.verify_s {
        Some(s) => format!("verified in {}", table::seconds(s)),
        None => "not verified".into(),
    };
    let times = format!("witness {}, proof {}", table::seconds(witness_s), table::seconds(proof_s));
    lines.push(field("time", format!("{times}, {verified}")));
    lines.push(field("device", format!("{} ({})", device.info().kind, device::name(device.info()))));
    lines.extend(device::traffic(&device).map(|moved| field("moved", moved)));
    say(lines.join("\n"))
}
