//! `zkwatt mlp …`

mod export;
mod halo2;
mod image;
mod import;
mod key;
mod prove;
mod quantise;
mod setup;
mod statement;
mod verify;

use crate::console::note;
use clap::Subcommand;
use std::path::PathBuf;
use zkwatt::{Error, Result};
use zkwatt_harness::circuit_args::Bits;
use zkwatt_harness::models::{self, LoadOptions, LoadedModel};

/// The quantised model in the directory of a setup.
const MODEL_FILE: &str = "model.json";
/// The proving key there.
const PROVING_KEY_FILE: &str = "proving.key";
/// The verifying key there.
const VERIFYING_KEY_FILE: &str = "verifying.key";

/// Commands on models; the documentation of their arguments is their help.
#[derive(Debug, Subcommand)]
pub enum Command {
    Import(import::Args),
    Quantise(quantise::Args),
    Accuracy(quantise::AccuracyArgs),
    Setup(setup::Args),
    Prove(prove::Args),
    Verify(verify::Args),
    ExportR1cs(export::Args),
}

/// Runs a command.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Import(args) => import::run(args),
        Command::Quantise(args) => quantise::run(args),
        Command::Accuracy(args) => quantise::accuracy(args),
        Command::Setup(args) => setup::run(args),
        Command::Prove(args) => prove::run(args),
        Command::Verify(args) => verify::run(args),
        Command::ExportR1cs(args) => export::run(args),
    }
}

/// Which model, and how it is quantised.
#[derive(Clone, Debug, clap::Args)]
pub struct ModelArgs {
    /// An embedded model's name, FILE.onnx, FILE.json of `mlp quantise`, or synthetic-N-…-N
    #[arg(long, value_name = "MODEL")]
    model: String,

    /// Widths of weights and activations of a model that is not quantised yet
    #[arg(long, value_enum, default_value = "auto", value_name = "BITS")]
    preset: Bits,

    /// Directory of CIFAR-10's binary batches, for models of 3072 inputs
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl ModelArgs {
    fn load(&self) -> Result<LoadedModel> {
        let options =
            LoadOptions { data: self.data.as_deref(), preset: self.preset.into(), ..LoadOptions::default() };
        let loaded = models::load(&self.model, &options)?;
        loaded.notes.iter().for_each(note);
        Ok(loaded)
    }
}

/// Runs `work` on so many threads; on all where none are named.
pub fn on_threads<T: Send>(threads: Option<usize>, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let Some(threads) = threads else { return work() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|e| Error::invalid("--threads", e.to_string()))?.install(work)
}
