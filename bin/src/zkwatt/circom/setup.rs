//! `zkwatt circom setup`

use crate::console::{field, say, warn};
use crate::random;
use crate::staged::{Access, Staged};
use std::path::PathBuf;
use std::time::Instant;
use zkwatt::Result;
use zkwatt::groth16::circom::{self, read_r1cs};
use zkwatt_harness::args::parse_threads;
use zkwatt_harness::{progress, table};

/// Makes a .zkey from a .r1cs in seconds, for development.
///
/// This process alone draws the secrets, so whoever runs it could keep them and prove anything. The file says so in a
/// section of its own. For keys that others shall trust, hold a ceremony with many parties (snarkjs).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The circuit
    #[arg(long, value_name = "FILE.r1cs")]
    r1cs: PathBuf,

    /// The key to write
    #[arg(long, value_name = "FILE.zkey")]
    out: PathBuf,

    /// CPU threads [default: all]
    #[arg(long, value_name = "T", value_parser = parse_threads)]
    threads: Option<usize>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut staged = Staged::default();
    staged.reserve(&args.out, Access::Public)?;
    let spinner = progress::spinner("reading the circuit");
    let start = Instant::now();
    let r1cs = read_r1cs(&args.r1cs)?.r1cs;
    spinner.set_message("making the key");
    let mut rng = random::generator()?;
    let bytes = crate::mlp::on_threads(args.threads, || circom::setup(&r1cs, &mut rng))?;
    staged.write(&args.out, &bytes)?;
    spinner.finish_and_clear();
    staged.commit()?;
    warn("INSECURE: this key is for development only; one party made it, and whoever did can prove anything");
    let lines = [
        args.out.display().to_string(),
        field("constraints", r1cs.num_constraints()),
        field("public", format!("{} values", r1cs.num_instance() - 1)),
        field("private", format!("{} values", r1cs.num_witness())),
        field("size", table::bytes(bytes.len() as u64)),
        field("time", table::seconds(start.elapsed().as_secs_f64())),
    ];
    say(lines.join("\n"))
}
