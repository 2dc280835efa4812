//! `zkwatt circom verify`

use crate::console::say;
use std::path::PathBuf;
use zkwatt::groth16::{circom::json, verify};
use zkwatt::{Error, Result};

/// Checks a proof of snarkjs, rapidsnark or ours; exits with 1 if it is rejected.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The verifying key, of `snarkjs zkey export verificationkey` or `zkwatt circom export-vk`
    #[arg(long, value_name = "FILE.json", default_value = "verification_key.json")]
    vk: PathBuf,

    /// The proof
    #[arg(long, value_name = "FILE.json", default_value = "proof.json")]
    proof: PathBuf,

    /// The public values
    #[arg(long, value_name = "FILE.json", default_value = "public.json")]
    public: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let key = json::read_verifying_key(&args.vk)?;
    let (public, proof) = (json::read_public(&args.public)?, json::read_proof(&args.proof)?);
    let expected = key.gamma_abc_g1.len() - 1;
    if public.len() != expected {
        let reason = format!("has {} values; the key is for {expected}", public.len());
        return Err(Error::format(args.public.display().to_string(), reason));
    }
    verify(&key, &public, &proof)?;
    say(format!("accepted: {} with {} public values", args.proof.display(), public.len()))
}
