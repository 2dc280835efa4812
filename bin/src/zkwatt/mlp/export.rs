//! `zkwatt mlp export-r1cs`

use super::ModelArgs;
use super::setup::warn_of;
use crate::console::{field, say};
use crate::staged::{Access, Staged};
use std::path::PathBuf;
use zkwatt::mlp::r1cs::MlpCircuit;
use zkwatt::{Error, Result};
use zkwatt_harness::circuit_args::{CircuitArgs, System};
use zkwatt_harness::{progress, table};

/// Writes a model's circuit for Groth16 as .r1cs, for a setup by many parties with snarkjs.
///
/// The format is that of circom, version 1. All public values count as outputs, in the order of docs/SECURITY.md.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    circuit: CircuitArgs,

    /// The file to write
    #[arg(long, value_name = "FILE.r1cs")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    if args.circuit.system != System::Groth16 {
        return Err(Error::invalid(
            "--system",
            "R1CS is the form of Groth16's circuits; use --system groth16",
        ));
    }
    let options = args.circuit.options();
    let mut staged = Staged::default();
    staged.reserve(&args.out, Access::Public)?;
    let spinner = progress::spinner("building the circuit");
    let loaded = args.model.load()?;
    let circuit = MlpCircuit::new(&loaded.quantised, &options)?;
    let mut bytes = Vec::new();
    circuit.r1cs().write_r1cs(&mut bytes)?;
    staged.write(&args.out, &bytes)?;
    spinner.finish_and_clear();
    staged.commit()?;
    warn_of(&options);
    let r1cs = circuit.r1cs();
    let lines = [
        args.out.display().to_string(),
        field("model", loaded.name()),
        field("constraints", r1cs.num_constraints()),
        field("public", format!("{} values", circuit.interface().public_values())),
        field("private", format!("{} values", r1cs.num_witness())),
        field("size", table::bytes(bytes.len() as u64)),
    ];
    say(lines.join("\n"))
}
