//! `zkwatt circom …` and `zkwatt prover`: Groth16 with the files of circom and snarkjs.

mod bench;
mod export_vk;
mod info;
mod prove;
mod setup;
mod verify;

use clap::Subcommand;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zkwatt::Result;
use zkwatt::device::Device;
use zkwatt::groth16::SparseMatrix;
use zkwatt::groth16::circom::{
    Residence, Witness, Zkey, ZkeyHeader, ZkeyProver, ZkeyProverOptions, read_r1cs,
};
use zkwatt::groth16::keys::Validate;
use zkwatt_harness::args::{DeviceArg, parse_threads};
use zkwatt_harness::device;
use zkwatt_harness::environment::available_threads;

pub use prove::PositionalArgs;

/// Commands on circom's circuits; the documentation of their arguments is their help.
#[derive(Debug, Subcommand)]
pub enum Command {
    Info(info::Args),
    Setup(setup::Args),
    Prove(prove::Args),
    Verify(verify::Args),
    ExportVk(export_vk::Args),
    Bench(bench::Args),
}

/// Runs a command.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Info(args) => info::run(args),
        Command::Setup(args) => setup::run(args),
        Command::Prove(args) => prove::run(args),
        Command::Verify(args) => verify::run(args),
        Command::ExportVk(args) => export_vk::run(args),
        Command::Bench(args) => bench::run(args),
    }
}

/// Runs rapidsnark's positional form.
pub fn run_positional(args: &PositionalArgs) -> Result<()> {
    prove::run_positional(args)
}

/// What a prover is made of.
#[derive(Clone, Debug, clap::Args)]
pub struct ProverArgs {
    /// Device to prove on; a named one that is missing is an error, never replaced
    #[arg(long, value_enum, default_value = "auto", value_name = "DEVICE")]
    device: DeviceArg,

    /// CPU threads [default: all]
    #[arg(long, value_name = "T", value_parser = parse_threads)]
    threads: Option<usize>,

    /// fast: bases on the device, all at once; memory: the bases of one sum at a time
    #[arg(long, value_enum, default_value = "fast", value_name = "PLAN")]
    plan: PlanArg,

    /// The circuit, to name the constraint that a witness does not satisfy
    #[arg(long, value_name = "FILE.r1cs")]
    r1cs: Option<PathBuf>,

    /// Do not verify the proof before it is written. For keys that you trust: one can be made so that proofs reveal the
    /// witness, which no check of its points finds, and which verification does
    #[arg(long)]
    no_verify: bool,

    /// How much of the key's points is checked [default: curve; group with --no-verify]
    #[arg(long, value_enum, value_name = "WHAT")]
    check: Option<CheckArg>,
}

/// Where bases are between proofs.
#[derive(Copy, Clone, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PlanArg {
    Fast,
    Memory,
}

impl PlanArg {
    fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Memory => "memory",
        }
    }
}

impl From<PlanArg> for Residence {
    fn from(plan: PlanArg) -> Self {
        match plan {
            PlanArg::Fast => Self::Device,
            PlanArg::Memory => Self::File,
        }
    }
}

/// What is checked of points.
#[derive(Copy, Clone, Debug, PartialEq, Eq, clap::ValueEnum)]
enum CheckArg {
    /// Coordinates below the modulus
    None,
    /// And on the curve
    Curve,
    /// And in the group of order r
    Group,
}

impl ProverArgs {
    fn device(&self) -> Result<Device> {
        device::open(self.device, self.threads.unwrap_or_else(available_threads))
    }

    /// On the threads that were asked for, and no others.
    fn read_witness(&self, path: &Path) -> Result<Witness> {
        crate::mlp::on_threads(self.threads, || Witness::read(path))
    }

    fn prover(&self, zkey: Zkey, device: Device) -> Result<ZkeyProver<Device>> {
        let r1cs = self.r1cs.as_ref().map(|path| read_r1cs(path).map(|file| Arc::new(file.r1cs)));
        let options = ZkeyProverOptions {
            validate: match self.check {
                Some(CheckArg::None) => Validate::Trust,
                // The less is left to the key; that its points belong together is only seen by verifying.
                None if self.no_verify => Validate::Full,
                None | Some(CheckArg::Curve) => Validate::OnCurve,
                Some(CheckArg::Group) => Validate::Full,
            },
            residence: self.plan.into(),
            verify: !self.no_verify,
            r1cs: r1cs.transpose()?,
        };
        ZkeyProver::new(zkey, device, options)
    }
}

/// Constraints of a key: its rows up to the last one that is used, but for those of the public values.
fn constraints(header: &ZkeyHeader, matrices: &[SparseMatrix; 2]) -> usize {
    let used = |matrix: &SparseMatrix| {
        (0..matrix.num_rows()).rev().find(|row| matrix.row(*row).len() > 0).map_or(0, |row| row + 1)
    };
    matrices.iter().map(used).max().unwrap_or(0).saturating_sub(header.num_public + 1)
}

/// Says of a key that one party made it.
fn warn_of(zkey: &Zkey) {
    if zkey.info().development {
        crate::console::warn(
            "this key is for development only: one party made it, and whoever did can prove anything",
        );
    }
}
