//! `zkwatt circom prove` and `zkwatt prover`

use super::{ProverArgs, warn_of};
use crate::console::{field, say};
use crate::random;
use crate::staged::{Access, Staged};
use std::path::{Path, PathBuf};
use std::time::Instant;
use zkwatt::Result;
use zkwatt::groth16::circom::{Zkey, json};
use zkwatt_harness::{device, progress, table};

/// Proves a witness under a .zkey of snarkjs; `snarkjs groth16 verify` accepts the proof.
///
/// The blinding comes from the operating system. Both files are written whole before the first of them appears.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The key, of `snarkjs groth16 setup` or `zkwatt circom setup`
    #[arg(long, value_name = "FILE.zkey")]
    zkey: PathBuf,

    /// The witness, of circom's generator
    #[arg(long, value_name = "FILE.wtns")]
    wtns: PathBuf,

    /// The proof to write
    #[arg(long, value_name = "FILE.json", default_value = "proof.json")]
    proof: PathBuf,

    /// The public values to write
    #[arg(long, value_name = "FILE.json", default_value = "public.json")]
    public: PathBuf,

    #[command(flatten)]
    prover: ProverArgs,
}

/// Proves a witness under a .zkey, with the arguments of rapidsnark's `prover`.
///
/// As `zkwatt circom prove`, and prints nothing when it is done.
#[derive(Debug, clap::Args)]
pub struct PositionalArgs {
    /// The key
    #[arg(value_name = "ZKEY")]
    zkey: PathBuf,

    /// The witness
    #[arg(value_name = "WTNS")]
    wtns: PathBuf,

    /// The proof to write
    #[arg(value_name = "PROOF")]
    proof: PathBuf,

    /// The public values to write
    #[arg(value_name = "PUBLIC")]
    public: PathBuf,

    #[command(flatten)]
    prover: ProverArgs,
}

/// Runs `circom prove`.
pub fn run(args: &Args) -> Result<()> {
    let lines = prove(&args.zkey, &args.wtns, [&args.proof, &args.public], &args.prover)?;
    say(lines.join("\n"))
}

/// Runs `prover`.
pub fn run_positional(args: &PositionalArgs) -> Result<()> {
    prove(&args.zkey, &args.wtns, [&args.proof, &args.public], &args.prover).map(|_| ())
}

/// Writes proof and public values; returns what there is to say.
fn prove(
    zkey: &Path,
    wtns: &Path,
    [proof_path, public_path]: [&PathBuf; 2],
    args: &ProverArgs,
) -> Result<Vec<String>> {
    let device = args.device()?;
    let mut staged = Staged::default();
    staged.reserve(proof_path, Access::Public)?;
    staged.reserve(public_path, Access::Public)?;

    let spinner = progress::spinner("reading the key");
    let start = Instant::now();
    let zkey = Zkey::open(zkey)?;
    spinner.suspend(|| warn_of(&zkey));
    // Small, and bad ones are found before the work.
    let witness = args.read_witness(wtns)?;
    let prover = args.prover(zkey, device.clone())?;
    let open_s = start.elapsed().as_secs_f64();
    spinner.set_message("proving");
    let (proof, report) = prover.prove_with_report(&witness, &mut random::generator()?)?;
    let public = prover.public_values(&witness)?;
    staged.write(proof_path, json::write_proof(&proof).as_bytes())?;
    staged.write(public_path, json::write_public(public).as_bytes())?;
    spinner.finish_and_clear();
    staged.commit()?;

    let proof_s = report.total_s - report.verify_s.unwrap_or(0.0);
    let verified = match report.verify_s {
        Some(s) => format!("verified in {}", table::seconds(s)),
        None => "not verified".into(),
    };
    let times = format!("key {}, proof {}", table::seconds(open_s), table::seconds(proof_s));
    let mut lines = vec![
        proof_path.display().to_string(),
        public_path.display().to_string(),
        field("public", format!("{} values", public.len())),
        field("time", format!("{times}, {verified}")),
        field("device", format!("{} ({})", device.info().kind, device::name(device.info()))),
    ];
    lines.extend(device::traffic(&device).map(|moved| field("moved", moved)));
    Ok(lines)
}
