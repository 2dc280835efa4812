//! `zkwatt mlp verify`

use super::halo2;
use super::key::{CircuitOf, hex};
use super::statement::{describe, element, parse_element, to_json};
use crate::console::{field, say, warn};
use crate::staged::{Access, Staged};
use std::path::PathBuf;
use std::time::Instant;
use zkwatt::groth16::keys::{ProofFile, VerifyingKeyFile};
use zkwatt::mlp::r1cs::InputStatement;
use zkwatt::{Error, Result};
use zkwatt_harness::models::{self, LoadOptions};
use zkwatt_harness::table;

/// Checks a proof and shows what it states; exits with 1 if it is rejected.
///
/// The verifying key decides which model and which mode a proof is about: take it from someone you trust, and name the
/// model to see that the key is the model's. A commitment says something only to who knows whose input it commits to.
///
/// With Halo2 and private weights the key does not say which model it is, but holds a commitment to its weights. Its
/// digest is shown: keys with equal digests are about the same weights.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The verifying key; its first bytes say which proof system it is
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,

    /// The proof
    #[arg(long, value_name = "FILE.zkp")]
    pub(super) proof: PathBuf,

    /// Also check that the key names the circuit of this model: an embedded model's name, or model.json of the setup.
    /// With private weights any model of the same shape serves
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<String>,

    /// Halo2: the reference string that --model is checked with, and that you trust [default: srs beside the key]
    #[arg(long, value_name = "FILE", requires = "model")]
    pub(super) srs: Option<PathBuf>,

    /// Reject a proof about another commitment to the input than this one; for a batch a list, one for each input
    #[arg(long, value_name = "0xHEX", value_delimiter = ',', value_parser = parse_commitment)]
    pub(super) commitment: Vec<String>,

    /// Also write the statement (class or outputs, commitment or input) as JSON; for a batch a list
    #[arg(long, value_name = "FILE.json")]
    pub(super) statement: Option<PathBuf>,
}

/// 0x and 64 digits, in lower case.
fn parse_commitment(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
    if digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(format!("0x{digits}"))
    } else {
        Err("expected 0x and 64 hex digits".into())
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    if halo2::is_key(&args.key) { halo2::verify::run(args) } else { groth16(args) }
}

/// The one commitment that a proof of one input is compared with.
fn expected_commitment(args: &Args) -> Result<Option<zkwatt::kernels::Fr>> {
    let bad = |reason: &str| Error::invalid("--commitment", reason);
    match args.commitment.as_slice() {
        [] => Ok(None),
        [text] => parse_element(text)
            .map(Some)
            .ok_or_else(|| bad("is not below the field's modulus; copy what `mlp prove` printed")),
        _ => Err(bad("is a list; a Groth16 proof is about one input")),
    }
}

fn groth16(args: &Args) -> Result<()> {
    if args.srs.is_some() {
        return Err(Error::invalid("--srs", "is for keys of Halo2; this key is another one"));
    }
    let expected = expected_commitment(args)?;
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
    if let Some(expected) = expected
        && statement.input != InputStatement::Commitment(expected)
    {
        warn(format!("the proof is not about the commitment {}", element(&expected)));
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
