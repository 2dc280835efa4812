//! `mlp setup`, `mlp prove` and `mlp verify` with Halo2.

pub mod prove;
mod secret;
pub mod setup;
mod show;
pub mod verify;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use zkwatt::mlp::halo2::MlpVerifier;
use zkwatt::mlp::plonkish::MAX_COLUMNS;
use zkwatt::{Error, Result};
use zkwatt_harness::plan_args::Plan;

/// The SRS in the directory of a setup.
const SRS_FILE: &str = "srs";
/// What opens the commitment to private weights there.
const MODEL_SECRET_FILE: &str = "model.secret.json";
/// Most inferences in one proof.
const MAX_BATCH: i64 = MAX_COLUMNS as i64;

/// How the circuit is laid out, and over which SRS.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Options of --system halo2")]
pub struct PlanArgs {
    /// What the layout is chosen for [default: fast]
    #[arg(long, value_enum, value_name = "PLAN")]
    plan: Option<Plan>,

    /// Inferences in each proof [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_BATCH))]
    batch: Option<u32>,

    /// The reference string: .srs of halo2 or EZKL, .ptau of snarkjs, or ours [default: an insecure one of our own, for
    /// development]
    #[arg(long, value_name = "FILE")]
    srs: Option<PathBuf>,
}

impl PlanArgs {
    /// Refuses what Groth16 has no use for.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub fn expect_none(&self) -> Result<()> {
        let given = [
            ("--plan", self.plan.is_some()),
            ("--batch", self.batch.is_some()),
            ("--srs", self.srs.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((name, _)) => Err(Error::invalid(name, "is for Halo2; add --system halo2, or leave it out")),
        }
    }
}

/// Whether a file begins like a verifying key of Halo2.
pub fn is_key(path: &Path) -> bool {
    let mut start = [0; MlpVerifier::SIGNATURE.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && start == MlpVerifier::SIGNATURE
}
