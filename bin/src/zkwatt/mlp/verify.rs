//! `zkwatt mlp verify`

use super::key::{CircuitOf, hex};
use super::statement::{describe, element, parse_element, to_json};
use crate::console::{field, say, warn};
use crate::staged::{Access, Staged};
use std::path::PathBuf;
use std::time::Instant;
use zkwatt::groth16::keys::{ProofFile, VerifyingKeyFile};
use zkwatt::kernels::Fr;
use zkwatt::mlp::r1cs::InputStatement;
use zkwatt::{Error, Result};
use zkwatt_harness::models::{self, LoadOptions};
use zkwatt_harness::table;

/// Checks a proof and shows what it states; exits with 1 if it is rejected.
///
/// The verifying key decides which model and which mode a proof is about: take it from someone you trust, and name the
/// model to see that the key is the model's. A commitment says something only to who knows whose input it commits to.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The verifying key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// The proof
    #[arg(long, value_name = "FILE.zkp")]
    proof: PathBuf,

    /// Also check that the key names the circuit of this model: an embedded model's name, or model.json of the setup
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,

    /// Reject a proof about another commitment than this one
    #[arg(long, value_name = "0xHEX", value_parser = parse_commitment)]
    commitment: Option<Fr>,

    /// Also write the statement (class or outputs, commitment or input) as JSON
    #[arg(long, value_name = "FILE.json")]
    statement: Option<PathBuf>,
}

fn parse_commitment(text: &str) -> Result<Fr, String> {
    parse_element(text)
        .ok_or_else(|| "expected 0x and 64 hex digits of a number below the field's modulus".into())
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut staged = Staged::default();
    if let Some(path) = &args.statement {
        staged.reserve(path, Access::Public)?;
    }
    let key = VerifyingKeyFile::read(&args.key)?;
    let of = CircuitOf::read("verifying key file", &key.info)?;
    if of.interface.public_values() + 1 != key.key.gamma_abc_g1.len() {
        let reason = "its options name another number of public values than the key has; run setup again";
        return Err(Error::format("verifying key file", reason));
    }
    let proof = ProofFile::read(&args.proof)?;
    if proof.info.circuit != key.info.circuit {
        let name = |of: &CircuitOf| format!("a circuit of model `{}`", of.model.escape_debug());
        let digest = |circuit: &[u8; 32]| format!(" ({}…)", hex(&circuit[..6]));
        let proof_of = CircuitOf::read("proof file", &proof.info)?;
        return Err(Error::Mismatch {
            what: "the proof",
            made_for: name(&proof_of) + &digest(&proof.info.circuit),
            used_with: name(&of) + &digest(&key.info.circuit),
            hint: "use the verifying key of the setup whose proving key made the proof",
        });
    }
    let model = match &args.model {
        Some(name) => {
            let quantised = models::load(name, &LoadOptions::default())?.quantised;
            of.rebuild("the verifying key", &key.info, &quantised)?;
            format!("{} (the key names its circuit)", quantised.name)
        }
        None => format!("{} (as the key says)", of.model.escape_debug()),
    };
    if proof.public_inputs.len() != of.interface.public_values() {
        let (n, expected) = (proof.public_inputs.len(), of.interface.public_values());
        return Err(Error::format("proof file", format!("has {n} public values; the key has {expected}")));
    }
    let start = Instant::now();
    key.verify(&proof)?;
    let verify_s = start.elapsed().as_secs_f64();
    // A valid proof may still be about integers that no inference has, such as public pixels out of range.
    let statement = of.interface.statement(&proof.public_inputs).map_err(|e| {
        warn(e.to_string());
        Error::ProofRejected
    })?;
    if let Some(expected) = &args.commitment
        && statement.input != InputStatement::Commitment(*expected)
    {
        warn(format!("the proof is not about the commitment {}", element(expected)));
        return Err(Error::ProofRejected);
    }
    if let Some(path) = &args.statement {
        staged.write(path, to_json(&statement).to_string().as_bytes())?;
        staged.commit()?;
    }
    let mut lines = vec![format!("accepted in {}", table::seconds(verify_s)), field("model", model)];
    lines.extend(describe(&statement));
    if key.info.development {
        lines.push(field("trust", "single-party setup, for development only: its maker can prove anything"));
    }
    if statement.input == InputStatement::Private {
        warn("nothing binds the input: anyone can search for one that gives this output");
    }
    say(lines.join("\n"))
}
