//! `zkwatt circom export-vk`

use super::warn_of;
use crate::console::say;
use crate::staged::{Access, Staged};
use std::path::PathBuf;
use zkwatt::Result;
use zkwatt::groth16::circom::{Zkey, json};

/// Writes the verifying key of a .zkey, as `snarkjs zkey export verificationkey` does.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The key
    #[arg(long, value_name = "FILE.zkey")]
    zkey: PathBuf,

    /// The file to write
    #[arg(long, value_name = "FILE.json", default_value = "verification_key.json")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut staged = Staged::default();
    staged.reserve(&args.out, Access::Public)?;
    let zkey = Zkey::open(&args.zkey)?;
    warn_of(&zkey);
    staged.write(&args.out, json::write_verifying_key(&zkey.header().verifying_key).as_bytes())?;
    staged.commit()?;
    say(args.out.display().to_string())
}
