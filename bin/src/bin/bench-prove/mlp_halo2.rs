//! Proofs of inference with Halo2.

use super::halo2::{Tables, phase_medians};
use super::{Accuracy, Cli, name, rng, timed};
use halo2_axiom::halo2curves::bn256::Fr as HaloFr;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;
use zkwatt::device::Device;
use zkwatt::halo2::{ProveReport, Srs};
use zkwatt::interop::halo2curves as interop;
use zkwatt::mlp::WeightMode;
use zkwatt::mlp::halo2::{BlindingSeed, MlpProof, MlpProver, ProverParts};
use zkwatt::mlp::plonkish::{Planner, PlonkishCircuit, PlonkishPlan};
use zkwatt::{Error, Result};
use zkwatt_harness::circuit_args::{Input, System, circuit_options};
use zkwatt_harness::device;
use zkwatt_harness::measure::{Check, Contestant, interleave};
use zkwatt_harness::memory::LongPeak;
use zkwatt_harness::models::LoadedModel;
use zkwatt_harness::peers::halo2::{Task, prover};
use zkwatt_harness::peers::{Pool, ProvePeer};
use zkwatt_harness::progress;
use zkwatt_harness::record::Record;
use zkwatt_harness::report::Report;
use zkwatt_harness::statistics::median;
use zkwatt_harness::table;

/// Measures one model in one mode with every number of threads. A batch is one proof.
pub fn measure(
    cli: &Cli,
    loaded: &LoadedModel,
    input: Input,
    accuracy: Option<&Accuracy>,
    machines: &[(&Device, &Pool, usize)],
    report: &mut Report,
    tables: &mut Tables,
) -> Result<()> {
    let options = circuit_options(input, cli.output, cli.weights);
    let model = &loaded.quantised;
    let planner = Planner::new(model, options)?.with_batch(cli.batch.into());
    let plan = planner.plan(cli.plan.into())?;
    let parts = ProverParts { model, options, choice: plan.choice, key: cli.key_options() };
    let inputs = loaded.inputs(cli.batch.into());
    let inputs: Vec<&[u32]> = inputs.iter().map(Vec::as_slice).collect();
    let title = format!("{}, {} weights, {} input", loaded.name(), text(cli.weights), text(input));
    for &(device, pool, threads) in machines {
        let peak = LongPeak::begin();
        let spinner = progress::spinner(format!("{title}: setup"));
        let ours = Ours::new(device, parts, &inputs, report)?;
        let peers: Vec<ProvePeer> =
            cli.common.peers.iter().copied().filter(|peer| peer.system() == Some(System::Halo2)).collect();
        let task = if peers.is_empty() { None } else { Some(upstream(&ours.prover, &inputs, pool)?) };
        spinner.finish_and_clear();
        let mut contestants = vec![ours.contestant(device)];
        contestants.extend(task.iter().map(|task| prover(task, pool, rng(5))));
        let check = if cli.common.no_check { Check::Skip } else { Check::Equal(true) };
        let mut meter = cli.common.meter(Some(device));
        let outcomes = interleave(&title, &mut contestants, cli.common.plan(), &check, meter.as_mut())?;
        drop(contestants);

        let mut base = Record::new("prove");
        device::fill(device, threads, &mut base);
        base.model = Some(loaded.name().to_owned());
        base.system = name(System::Halo2);
        base.weights = name(cli.weights);
        base.input = name(input);
        base.output = name(cli.output);
        base.plan = name(cli.plan);
        base.batch = Some(cli.batch.into());
        base.log_n = Some(plan.choice.log_n);
        base.rows = Some(plan.rows as u64);
        base.setup_s = Some(ours.setup_s);
        base.peak_rss_total_bytes = peak.as_ref().ok().and_then(LongPeak::bytes);
        if let Some(accuracy) = accuracy {
            accuracy.fill(&mut base);
        }
        for (index, outcome) in outcomes.iter().enumerate() {
            let mut record = base.clone();
            if index == 0 {
                record.proof_bytes = ours.proof.borrow().as_ref().map(|proof| proof.size() as u64);
                record.verify_s = ours.verification_s()?;
                let reports = ours.reports.borrow();
                record.phases_s = Some(phase_medians(reports.get(1..).unwrap_or_default()));
                tables.circuit(&record);
                tables.phases(&record);
            }
            report.outcome(&record, outcome, f64::from(cli.batch), index == 0)?;
        }
        for note in notes_of(loaded.name(), &plan) {
            report.note(note);
        }
    }
    Ok(())
}

fn text(value: impl clap::ValueEnum) -> String {
    name(value).unwrap_or_default()
}

fn notes_of(model: &str, plan: &PlonkishPlan) -> [String; 2] {
    let choice = plan.choice;
    let (k, columns, degree) = (choice.log_n, choice.weight_columns, plan.degree);
    let (proof, peak) = (table::bytes(plan.proof_bytes), table::bytes(plan.peak_bytes));
    [
        format!("{model}: k = {k}, {columns} columns of weights, degree {degree}"),
        format!("{model}: predicted: proof {proof}, memory {peak}"),
    ]
}

/// Our prover and what its runs leave behind.
struct Ours<'a> {
    prover: MlpProver<Device>,
    setup_s: f64,
    inputs: &'a [&'a [u32]],
    reports: RefCell<Vec<ProveReport>>,
    proof: RefCell<Option<MlpProof>>,
}

impl<'a> Ours<'a> {
    fn new(
        device: &Device,
        parts: ProverParts<'_>,
        inputs: &'a [&'a [u32]],
        report: &mut Report,
    ) -> Result<Self> {
        let device = Arc::new(device.clone());
        let srs = Arc::new(Srs::insecure(parts.choice.log_n, b"bench-prove")?);
        let (prover, setup_s) = timed(|| {
            if parts.options.weights == WeightMode::Public {
                return Ok((MlpProver::new(device, srs, parts)?, None));
            }
            let seed = BlindingSeed::from_bytes([1; 32]);
            let (commitment, seconds) = timed(|| {
                MlpProver::commit_model(Arc::clone(&device), Arc::clone(&srs), parts, &seed, &mut rng(6))
            });
            let commitment = commitment?;
            let bytes = commitment.range_proof.len() as u64;
            let prover = MlpProver::with_private_weights(device, srs, parts, seed, commitment)?;
            Ok::<_, Error>((prover, Some((seconds, bytes))))
        });
        let (prover, range) = prover?;
        if let Some((seconds, bytes)) = range {
            let (seconds, bytes) = (table::seconds(seconds), table::bytes(bytes));
            let note = format!("range proof of the private weights, made once per model: {seconds}, {bytes}");
            report.note(note);
            prover.verifier().verify_commitment()?;
        }
        // Every run's proof is verified outside of its time.
        let prover = prover.verifying(false);
        Ok(Self { prover, setup_s, inputs, reports: RefCell::default(), proof: RefCell::default() })
    }

    fn contestant(&self, device: &Device) -> Contestant<'_, bool> {
        let mut rng = rng(4);
        let committed = self.prover.circuit().input_columns().len();
        let contestant = Contestant::zkwatt(move |watch| {
            let seeds: Vec<BlindingSeed> = (0..committed).map(|_| BlindingSeed::random(&mut rng)).collect();
            let proved = watch.time(|| self.prover.prove(self.inputs, &seeds, &mut rng))?;
            self.prover.verifier().verify(&proved.proof)?;
            self.reports.borrow_mut().push(proved.report);
            *self.proof.borrow_mut() = Some(proved.proof);
            Ok(watch.result(|| true))
        });
        contestant.on(device).prepared_in(Duration::from_secs_f64(self.setup_s))
    }

    /// Median time of verifying one proof, with its link.
    fn verification_s(&self) -> Result<Option<f64>> {
        const RUNS: usize = 5;
        let proof = self.proof.borrow();
        let Some(proof) = proof.as_ref() else { return Ok(None) };
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            let (verified, seconds) = timed(|| self.prover.verifier().verify(proof));
            verified?;
            times.push(seconds);
        }
        Ok(median(&times))
    }
}

/// The same circuit and witness for upstream's prover; links to commitments are beyond it.
fn upstream(prover: &MlpProver<Device>, inputs: &[&[u32]], pool: &Pool) -> Result<Task<PlonkishCircuit>> {
    let circuit = prover.circuit().with_inputs(inputs)?;
    let instances = circuit.interface().instances(&circuit.statements(inputs)?)?;
    let instances: Vec<Vec<HaloFr>> = instances.iter().map(|c| interop::halo2_scalars(c).to_vec()).collect();
    Task::new(circuit.layout().log_n, circuit, instances, pool, rng(1))
}
