//! `zkwatt mlp setup --system halo2`

use super::show::{self, model_digest};
use super::{MODEL_SECRET_FILE, PlanArgs, SRS_FILE, secret};
use crate::console::{field, note, say, warn};
use crate::mlp::setup::{Args, warn_of};
use crate::mlp::{MODEL_FILE, VERIFYING_KEY_FILE, on_threads};
use crate::random;
use crate::staged::{Access, Staged};
use rand_core::RngCore;
use std::sync::Arc;
use std::time::Instant;
use zkwatt::halo2::KeyOptions;
use zkwatt::halo2::link::LinkProof;
use zkwatt::halo2::srs::{ReadOptions, Srs, Validate};
use zkwatt::mlp::halo2::{BlindingSeed, MlpProver, ModelCommitment, ProverParts};
use zkwatt::mlp::plonkish::{Planner, PlonkishPlan};
use zkwatt::mlp::{CircuitOptions, InputMode, QuantisedModel, WeightMode};
use zkwatt::{Error, Result};
use zkwatt_harness::args::DeviceArg;
use zkwatt_harness::environment::available_threads;
use zkwatt_harness::{device, progress, table};

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let options = args.circuit.options();
    let private = options.weights == WeightMode::Private;
    let mut staged = Staged::default();
    staged.directory(&args.out)?;
    let [model_path, srs_path, key_path, secret_path] =
        [MODEL_FILE, SRS_FILE, VERIFYING_KEY_FILE, MODEL_SECRET_FILE].map(|name| args.out.join(name));
    staged.reserve(&model_path, if private { Access::Owner } else { Access::Public })?;
    for path in [&srs_path, &key_path] {
        staged.reserve(path, Access::Public)?;
    }
    if private {
        staged.reserve(&secret_path, Access::Owner)?;
    }
    let lines = on_threads(args.threads, || {
        let spinner = progress::spinner("planning");
        let loaded = args.model.load()?;
        let model = &loaded.quantised;
        let threads = args.threads.unwrap_or_else(available_threads);
        let device = Arc::new(device::open(DeviceArg::Cpu, threads)?);
        spinner.set_message("reading or making the SRS");
        let (plan, srs) = plan_and_srs(model, options, &args.plan)?;
        let srs = Arc::new(srs);
        let mut rng = random::generator()?;
        let parts = ProverParts { model, options, choice: plan.choice, key: KeyOptions::default() };

        spinner.set_message("setting up");
        let mut lines = Vec::new();
        let start = Instant::now();
        let (prover, range_s) = if private {
            let seed = BlindingSeed::random(&mut rng);
            let commitment = MlpProver::commit_model(device.clone(), srs.clone(), parts, &seed, &mut rng)?;
            let range_s = start.elapsed().as_secs_f64();
            staged.write(&secret_path, &secret::encode_model(&seed, model_digest(&commitment))?)?;
            let prover = MlpProver::with_private_weights(device, srs.clone(), parts, seed, commitment)?;
            (prover, range_s)
        } else {
            (MlpProver::new(device, srs.clone(), parts)?, 0.0)
        };
        let setup_s = start.elapsed().as_secs_f64() - range_s;
        let verifier = prover.verifier();
        // Our own proof would be the first that fails.
        verifier
            .verify_commitment()
            .map_err(|_| Error::SelfCheck("the range proof does not verify".into()))?;

        spinner.set_message("writing");
        let key = verifier.encode()?;
        staged.write(&key_path, &key)?;
        staged.write(&srs_path, &srs.encode())?;
        staged.write(&model_path, model.to_json()?.as_bytes())?;
        spinner.finish_and_clear();

        lines.push(args.out.display().to_string());
        lines.push(field("model", loaded.name()));
        lines.push(field("statement", show::modes(&options, plan.choice.batch)));
        let objective = args.plan.plan.unwrap_or_default().name();
        lines.push(field("plan", format!("{objective}: {}", show::layout(&plan))));
        lines.push(field("proof", format!("{} B", proof_bytes(&plan, &options))));
        lines.push(field("memory", format!("{} to prove, estimated", table::bytes(plan.peak_bytes))));
        lines.push(field(
            "setup",
            format!("{}; `mlp prove` makes the proving key again", table::seconds(setup_s)),
        ));
        if let Some(commitment) = verifier.model_commitment() {
            let size = range_proof_bytes(commitment);
            lines.push(field("range proof", format!("{}, {size} B, once", table::seconds(range_s))));
            lines.push(field("weights", format!("committed, {}", model_digest(commitment))));
            lines.push(field("secret", format!("{} opens the commitment", secret_path.display())));
        }
        lines.push(field("verifying key", table::bytes(key.len() as u64)));
        lines.push(field("srs", show::short(&srs.digest())));
        lines.push(field("trust", trust(&srs, &args.plan)));
        Ok(lines)
    })?;
    staged.commit()?;
    if private {
        note("model.json holds the private weights: give away verifying.key and srs alone");
    }
    warn_of(&options);
    say(lines.join("\n"))
}

/// The plan, and an SRS of its size.
fn plan_and_srs(
    model: &QuantisedModel,
    options: CircuitOptions,
    args: &PlanArgs,
) -> Result<(PlonkishPlan, Srs)> {
    let objective = args.plan.unwrap_or_default().into();
    let batch = args.batch.map_or(1, |batch| batch as usize);
    let planner = Planner::new(model, options)?.with_batch(batch);
    let plan = planner.plan(objective)?;
    let Some(path) = &args.srs else {
        warn(
            "without --srs the reference string is our own, for development only: its maker can prove anything\n  \
             use --srs with the result of a ceremony",
        );
        let mut seed = [0; 32];
        random::generator()?.fill_bytes(&mut seed);
        return Ok((plan.clone(), Srs::insecure(plan.choice.log_n, &seed)?));
    };
    let read = |k| Srs::read_with(path, &ReadOptions { k, validate: Validate::Full });
    match read(Some(plan.choice.log_n)) {
        Ok(srs) => Ok((plan, srs)),
        // Fewer powers than the best plan wants: another plan may do.
        Err(Error::InvalidArgument { argument: "k", .. }) => {
            let srs = read(None)?;
            let plan = planner.with_max_log_n(srs.k()).plan(objective).map_err(|_| {
                let reason = format!(
                    "has 2^{} powers and no layout of this model fits; 2^{} powers would do",
                    srs.k(),
                    plan.choice.log_n
                );
                Error::invalid("--srs", reason)
            })?;
            let srs = if plan.choice.log_n < srs.k() { srs.downsized(plan.choice.log_n)? } else { srs };
            Ok((plan, srs))
        }
        Err(other) => Err(other),
    }
}

/// Bytes of a proof, without the statement: Halo2 proof, link and commitments.
fn proof_bytes(plan: &PlonkishPlan, options: &CircuitOptions) -> u64 {
    let committed = options.input == InputMode::Committed;
    let commitments = if committed { 32 * plan.choice.batch } else { 0 };
    let linked = committed || options.weights == WeightMode::Private;
    plan.proof_bytes + (commitments + if linked { LinkProof::BYTES } else { 0 }) as u64
}

fn range_proof_bytes(commitment: &ModelCommitment) -> usize {
    commitment.range_proof.len() + LinkProof::BYTES + 32 * commitment.points.len()
}

fn trust(srs: &Srs, args: &PlanArgs) -> String {
    match &args.srs {
        Some(path) if !srs.is_insecure() => format!("that of the ceremony behind {}", path.display()),
        _ => "insecure SRS, for development only: its maker can prove anything".into(),
    }
}
