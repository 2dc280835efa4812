//! `zkwatt mlp prove`

use super::key::CircuitOf;
use super::setup::warn_of;
use super::statement::{Opening, describe};
use super::{MODEL_FILE, PROVING_KEY_FILE, image};
use crate::console::{field, say};
use crate::random;
use crate::staged::{Access, Staged};
use std::path::PathBuf;
use std::time::Instant;
use zkwatt::groth16::keys::{ProofFile, ProvingKeyFile, Validate};
use zkwatt::groth16::{DeviceProver, ProverOptions};
use zkwatt::mlp::r1cs::{InputMode, InputStatement};
use zkwatt::mlp::{QuantisedModel, random_salt};
use zkwatt::{Error, Result};
use zkwatt_harness::args::{DeviceArg, parse_threads};
use zkwatt_harness::environment::available_threads;
use zkwatt_harness::{device, progress, table};

/// Proves what a model answers to one image.
///
/// The salt of a committed input and the blinding of the proof come from the operating system. The salt is written to a
/// file beside the proof that only its owner can read: it opens the commitment, and whoever has it can test guesses of
/// the image.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory that `mlp setup` wrote
    #[arg(long, value_name = "DIR")]
    key: PathBuf,

    /// The image: an IDX file, a CIFAR-10 batch (.bin), or a list of integers (.json)
    #[arg(long, value_name = "FILE")]
    image: PathBuf,

    /// Which image of the file, counted from 0 [default: 0]
    #[arg(long, value_name = "N")]
    index: Option<usize>,

    /// The proof to write; the salt goes to the same name with .secret.json
    #[arg(long, value_name = "FILE.zkp")]
    out: PathBuf,

    /// Take the salt of an earlier proof, so that the commitment is the same
    #[arg(long, value_name = "FILE.secret.json")]
    salt: Option<PathBuf>,

    /// Device to prove on; a named one that is missing is an error, never replaced
    #[arg(long, value_enum, default_value = "auto", value_name = "DEVICE")]
    device: DeviceArg,

    /// CPU threads [default: all]
    #[arg(long, value_name = "T", value_parser = parse_threads)]
    threads: Option<usize>,

    /// Do not verify the proof before it is written
    #[arg(long)]
    no_verify: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
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
    let input = image::read(&args.image, args.index, &model.input)?;

    let mut rng = random::generator()?;
    let salt = match (of.statement.input, &args.salt) {
        (InputMode::Committed, Some(path)) => Some(Opening::read_salt(path)?),
        (InputMode::Committed, None) => Some(random_salt(&mut rng)),
        (_, Some(_)) => {
            return Err(Error::invalid(
                "--salt",
                "is for committed inputs; this key was made for another mode",
            ));
        }
        (_, None) => None,
    };
    if salt.is_some() {
        staged.reserve(&secret_path, Access::Owner)?;
    }
    spinner.set_message("proving");
    let options = ProverOptions { verify: Some(!args.no_verify) };
    let prover = DeviceProver::new(&device, &file.key, circuit.r1cs().clone(), options)?;
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
    lines.push(field("device", format!("{} ({})", device.info().kind, device.info().name)));
    say(lines.join("\n"))
}
