//! `zkwatt mlp prove` with a key of Halo2.

use super::{MODEL_SECRET_FILE, SRS_FILE, secret, show};
use crate::console::{field, say};
use crate::mlp::prove::{Args, salt_is_for_commitments};
use crate::mlp::setup::warn_of;
use crate::mlp::{MODEL_FILE, VERIFYING_KEY_FILE, image, on_threads};
use crate::random;
use crate::staged::{Access, Staged};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use zkwatt::device::Device;
use zkwatt::halo2::{KeyOptions, Srs};
use zkwatt::mlp::halo2::{BlindingSeed, MlpProver, MlpVerifier, Proved, ProverParts};
use zkwatt::mlp::{InputMode, QuantisedModel};
use zkwatt::{Error, Result};
use zkwatt_harness::environment::available_threads;
use zkwatt_harness::{device, progress, table};

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let device = device::open(args.device, args.threads.unwrap_or_else(available_threads))?;
    let secret_path = args.out.with_extension("secret.json");
    keep_model_secret(&args.key, &secret_path)?;
    let mut staged = Staged::default();
    staged.reserve(&args.out, Access::Public)?;
    let spinner = progress::spinner("reading the key");
    let key = MlpVerifier::read(args.key.join(VERIFYING_KEY_FILE))?;
    let options = key.layout().options;
    let model = QuantisedModel::load(args.key.join(MODEL_FILE))?;
    key.expect_model(&model)?;
    let batch = key.layout().batch;
    let inputs = image::read(&args.image, args.index, batch, &model.input)?;
    let mut rng = random::generator()?;
    let seeds: Vec<BlindingSeed> = match (options.input, &args.salt) {
        (InputMode::Committed, Some(path)) => secret::read_inputs(path, batch)?,
        (InputMode::Committed, None) => (0..batch).map(|_| BlindingSeed::random(&mut rng)).collect(),
        (_, Some(_)) => return Err(salt_is_for_commitments()),
        (_, None) => Vec::new(),
    };
    if !seeds.is_empty() {
        staged.reserve(&secret_path, Access::Owner)?;
    }
    let lines = on_threads(args.threads, || {
        spinner.set_message("making the proving key");
        let start = Instant::now();
        // Verified below, with the key of the file.
        let prover = prover(&args.key, &key, &model, Arc::new(device.clone()))?.verifying(false);
        let key_s = start.elapsed().as_secs_f64();
        spinner.set_message("proving");
        let inputs: Vec<&[u32]> = inputs.iter().map(Vec::as_slice).collect();
        let proved = prover.prove(&inputs, &seeds, &mut rng)?;
        let start = Instant::now();
        let verified = if args.no_verify {
            "not verified".into()
        } else {
            key.verify(&proved.proof)
                .map_err(|e| Error::SelfCheck(format!("the proof does not verify ({e})")))?;
            format!("verified in {}", table::seconds(start.elapsed().as_secs_f64()))
        };
        let proof = &proved.proof;
        staged.write(&args.out, &key.encode_proof(proof)?)?;
        let mut lines = vec![
            args.out.display().to_string(),
            field("model", &model.name),
            field("statement", show::modes(&options, batch)),
        ];
        if !seeds.is_empty() {
            staged.write(&secret_path, &secret::encode_inputs(&seeds, &proof.input_commitments)?)?;
            let what = if batch == 1 { "the commitment" } else { "the commitments" };
            lines.push(field("secret", format!("{} opens {what}", secret_path.display())));
        }
        if let Some(commitment) = key.model_commitment() {
            lines.push(field("weights", format!("committed, {}", show::model_digest(commitment))));
        }
        lines.push(field("proof", sizes(&proved)));
        let total = proved.witness_s + proved.report.total_s + proved.link_s;
        let times = format!("proving key {}, proof {}", table::seconds(key_s), table::seconds(total));
        lines.push(field("time", format!("{times}, {verified}")));
        lines.push(field("of the proof", phases(&proved)));
        lines.push(field("device", format!("{} ({})", device.info().kind, device::name(device.info()))));
        lines.extend(device::traffic(&device).map(|moved| field("moved", moved)));
        lines.extend(show::describe(proof));
        Ok(lines)
    })?;
    spinner.finish_and_clear();
    staged.commit()?;
    warn_of(&options);
    say(lines.join("\n"))
}

/// Refuses to write what opens inputs over what opens the model.
fn keep_model_secret(key: &Path, secret_path: &Path) -> Result<()> {
    if secret_path.file_name() != Some(MODEL_SECRET_FILE.as_ref()) {
        return Ok(());
    }
    let directory = secret_path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    match (directory.canonicalize(), key.canonicalize()) {
        (Ok(directory), Ok(key)) if directory == key => Err(Error::invalid(
            "--out",
            format!("would write over {MODEL_SECRET_FILE} of the setup; choose another name"),
        )),
        _ => Ok(()),
    }
}

/// The prover, whose key must be the verifier's.
fn prover(
    directory: &Path,
    key: &MlpVerifier,
    model: &QuantisedModel,
    device: Arc<Device>,
) -> Result<MlpProver<Device>> {
    // A malformed SRS could undo the blinding: it is checked here too.
    let srs = Srs::read(directory.join(SRS_FILE))?;
    if srs.digest() != key.srs_digest() {
        return Err(Error::Mismatch {
            what: "the verifying key",
            made_for: format!("the SRS {}", show::short(&key.srs_digest())),
            used_with: format!("{} in {}", show::short(&srs.digest()), directory.display()),
            hint: "use the files that one setup wrote together",
        });
    }
    let srs = Arc::new(srs);
    let parts = ProverParts {
        model,
        options: key.layout().options,
        choice: key.layout().choice(),
        key: KeyOptions::default(),
    };
    let prover = match key.model_commitment() {
        None => MlpProver::new(device, srs, parts)?,
        Some(commitment) => {
            let seed = secret::read_model(&directory.join(MODEL_SECRET_FILE))?;
            MlpProver::with_private_weights(device, srs, parts, seed, commitment.clone())?
        }
    };
    if prover.verifier().encode()? == key.encode()? {
        return Ok(prover);
    }
    Err(Error::Mismatch {
        what: "the verifying key",
        made_for: format!("model `{}`", key.model().escape_debug()),
        used_with: format!("`{}` in {}", model.name.escape_debug(), directory.display()),
        hint: "use the directory that `zkwatt mlp setup` wrote for this model",
    })
}

/// The bytes of a proof and of its parts.
fn sizes(proved: &Proved) -> String {
    let proof = &proved.proof;
    let mut parts = vec![format!("Halo2 {}", proof.halo2.len())];
    if proof.link.is_some() {
        parts.push(format!("link {}", zkwatt::halo2::link::LinkProof::BYTES));
    }
    if !proof.input_commitments.is_empty() {
        parts.push(format!("commitments {}", 32 * proof.input_commitments.len()));
    }
    format!("{} B ({})", proof.size(), parts.join(", "))
}

/// Where the time of a proof went.
fn phases(proved: &Proved) -> String {
    let report = &proved.report;
    let parts = [
        ("witness", proved.witness_s + report.witness_s),
        ("commit", report.commit_s),
        ("quotient", report.quotient_s),
        ("open", report.evaluation_s + report.opening_s),
        ("link", proved.link_s),
    ];
    parts.map(|(name, seconds)| format!("{name} {}", table::seconds(seconds))).join(", ")
}
