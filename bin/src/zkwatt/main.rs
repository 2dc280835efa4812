//! Proves inferences of neural networks; without a command, a demonstration.

mod circom;
mod compare;
mod console;
mod demo;
mod devices;
mod digit;
mod mlp;
mod random;
mod records;
mod report;
mod staged;
mod tune;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use zkwatt::Result;
use zkwatt_harness::exit;

/// Zero-knowledge proofs that a neural network gave an answer.
///
/// Without a command: classifies real handwritten digits with every embedded model on every device found, proves and
/// verifies each, and ends with a table.
#[derive(Debug, Parser)]
#[command(name = "zkwatt", version, after_help = HELP, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    demo: demo::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the devices that were looked for, and why one is missing
    Devices,
    /// Measures a GPU against the CPU, so that `--device auto` gives each operation to the sooner one
    Tune(tune::Args),
    /// Makes one page of measurements of many runs and machines
    Report(report::Args),
    /// Compares two sets of measurements, and fails where something counts more
    Compare(compare::Args),
    /// Reads, quantises, proves and verifies multi-layer perceptrons
    #[command(subcommand)]
    Mlp(mlp::Command),
    /// Proves and verifies with the files of circom and snarkjs
    #[command(subcommand)]
    Circom(circom::Command),
    Prover(circom::PositionalArgs),
}

const HELP: &str = "\
Examples:
  zkwatt
  zkwatt devices
  zkwatt tune --dry-run
  zkwatt report runs --out report.html
  zkwatt compare before.jsonl after.jsonl
  zkwatt mlp setup --model mnist-784-128-10 --output class --out keys
  zkwatt mlp prove --key keys --image data/digits-100-images.idx3-ubyte --index 42 --out proof.zkp
  zkwatt mlp verify --key keys/verifying.key --proof proof.zkp
  zkwatt mlp setup --system halo2 --model mnist-784-128-10 --weights private --out private-keys
  zkwatt circom prove --zkey circuit.zkey --wtns witness.wtns --proof proof.json --public public.json
  zkwatt prover circuit.zkey witness.wtns proof.json public.json

Exit codes: 0 done, 1 failed or proof rejected, 2 usage, 3 bad input file, 4 no such device,
5 out of memory.";

fn run(cli: &Cli) -> Result<ExitCode> {
    match &cli.command {
        Some(Command::Compare(args)) => return compare::run(args),
        None => demo::run(&cli.demo),
        Some(Command::Devices) => devices::run(),
        Some(Command::Tune(args)) => tune::run(args),
        Some(Command::Report(args)) => report::run(args),
        Some(Command::Mlp(command)) => mlp::run(command),
        Some(Command::Circom(command)) => circom::run(command),
        Some(Command::Prover(args)) => circom::run_positional(args),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    run(&Cli::parse()).unwrap_or_else(|error| exit::end(Err(error)))
}
