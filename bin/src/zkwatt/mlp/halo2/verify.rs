//! `zkwatt mlp verify` with a key of Halo2.

use super::{SRS_FILE, show};
use crate::console::{field, say, warn};
use crate::mlp::verify::Args;
use crate::staged::{Access, Staged};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use zkwatt::halo2::DeviceSrs;
use zkwatt::halo2::srs::{ReadOptions, Srs, Validate};
use zkwatt::mlp::InputMode;
use zkwatt::mlp::halo2::{MlpProof, MlpVerifier};
use zkwatt::mlp::plonkish::PlonkishPlan;
use zkwatt::{Error, Result, files};
use zkwatt_harness::args::DeviceArg;
use zkwatt_harness::environment::available_threads;
use zkwatt_harness::models::{self, LoadOptions};
use zkwatt_harness::{device, table};

/// Largest proof that is read.
const MAX_BYTES: u64 = 1 << 30;

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut staged = Staged::default();
    if let Some(path) = &args.statement {
        staged.reserve(path, Access::Public)?;
    }
    let key = MlpVerifier::read(&args.key)?;
    let proof = key.decode_proof(&files::read_at_most(&args.proof, MAX_BYTES)?)?;
    let private = key.model_commitment().is_some();
    let (model, insecure) = match &args.model {
        Some(name) => check_key(args, &key, Some(name))?,
        // A key of private weights does not depend on the model: it needs the SRS only.
        None if private && (args.srs.is_some() || srs_path(args).exists()) => check_key(args, &key, None)?,
        None => {
            warn(
                "the key was not checked: it is as good as who gave it to you\n  \
                 name the model with --model and the SRS with --srs to see that setup makes this key",
            );
            (format!("{} (as the key says)", key.model().escape_debug()), key.is_insecure())
        }
    };
    let start = Instant::now();
    key.verify(&proof).map_err(rejected)?;
    let verify_s = start.elapsed().as_secs_f64();
    check_commitments(args, &proof)?;
    let mut lines = vec![format!("accepted in {}", table::seconds(verify_s)), field("model", model)];
    if let Some(commitment) = key.model_commitment() {
        let start = Instant::now();
        key.verify_commitment().map_err(|e| {
            warn("the key's proof that the committed weights are bytes is not valid: reject the key");
            rejected(e)
        })?;
        let checked_s = start.elapsed().as_secs_f64();
        lines.push(field("weights", format!("committed, {}", show::model_digest(commitment))));
        lines.push(field("range proof", format!("accepted in {}", table::seconds(checked_s))));
    }
    if let Some(path) = &args.statement {
        staged.write(path, show::to_json(&proof, key.model_commitment()).to_string().as_bytes())?;
        staged.commit()?;
    }
    let layout = key.layout();
    lines.push(field("statement", show::modes(&layout.options, layout.batch)));
    lines.push(field("layout", show::layout(&PlonkishPlan::of(layout))));
    lines.push(field("srs", show::short(&key.srs_digest())));
    if insecure {
        lines.push(field("trust", "insecure SRS, for development only: its maker can prove anything"));
    }
    lines.extend(show::describe(&proof));
    if layout.options.input == InputMode::Private {
        warn("nothing binds the input: anyone can search for one that gives this output");
    }
    say(lines.join("\n"))
}

fn srs_path(args: &Args) -> PathBuf {
    args.srs.clone().unwrap_or_else(|| args.key.with_file_name(SRS_FILE))
}

/// Makes the key again from model and SRS. Returns what to say of the model, and whether the SRS is insecure.
fn check_key(args: &Args, key: &MlpVerifier, name: Option<&str>) -> Result<(String, bool)> {
    let model = name.map(|name| models::load(name, &LoadOptions::default())).transpose()?;
    let model = model.map(|loaded| loaded.quantised);
    model.as_ref().map_or(Ok(()), |model| key.expect_model(model))?;
    let path = srs_path(args);
    let options = ReadOptions { k: Some(key.layout().log_n), validate: Validate::Full };
    let srs = match Srs::read_with(&path, &options) {
        Err(Error::InvalidArgument { argument: "k", reason }) => Err(Error::invalid("--srs", reason)),
        Err(e @ Error::Io { .. }) if args.srs.is_none() => {
            warn("the check with --model needs the SRS: name its file with --srs");
            Err(e)
        }
        other => other,
    }?;
    let insecure = srs.is_insecure() || key.is_insecure();
    let device = Arc::new(device::open(DeviceArg::Cpu, available_threads())?);
    key.check_key(&DeviceSrs::new(device, Arc::new(srs))?, model.as_ref())?;
    let what = match key.model_commitment() {
        None => "the key is made from it and the SRS",
        Some(_) => "the key has its shape, not its weights",
    };
    Ok(match model {
        Some(model) => (format!("{} ({what})", model.name), insecure),
        None => {
            let name = key.model().escape_debug().to_string();
            (format!("{name} (as the key says; the key has the layout that it names)"), insecure)
        }
    })
}

/// Statements that the circuit does not have are a reason to reject, not a mistake of the user.
fn rejected(error: Error) -> Error {
    match error {
        Error::InvalidArgument { .. } | Error::LengthMismatch { .. } => {
            warn(error.to_string());
            Error::ProofRejected
        }
        other => other,
    }
}

fn check_commitments(args: &Args, proof: &MlpProof) -> Result<()> {
    let stated: Vec<String> = proof.input_commitments.iter().map(show::point).collect();
    if args.commitment.is_empty() || args.commitment == stated {
        return Ok(());
    }
    if args.commitment.len() != proof.statements.len() {
        let (given, needed) = (args.commitment.len(), proof.statements.len());
        return Err(Error::invalid(
            "--commitment",
            format!("names {given} commitments; the proof is about {needed} inputs, name one for each"),
        ));
    }
    warn(format!("the proof is not about the commitment {}", args.commitment.join(", ")));
    Err(Error::ProofRejected)
}
