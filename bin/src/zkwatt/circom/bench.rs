//! `zkwatt circom bench`

use super::{PlanArg, constraints, warn_of};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;
use zkwatt::Result;
use zkwatt::device::Device;
use zkwatt::groth16::circom::{Witness, Zkey, ZkeyProver, ZkeyProverOptions};
use zkwatt::groth16::{PreparedVerifyingKey, ProveReport};
use zkwatt_harness::args::Common;
use zkwatt_harness::inputs::SEED;
use zkwatt_harness::measure::{Check, Contestant, interleave};
use zkwatt_harness::peers::Pool;
use zkwatt_harness::peers::circom::{CircomPeer, Task, prover};
use zkwatt_harness::record::Record;
use zkwatt_harness::report::{Rate, Report};
use zkwatt_harness::table::Table;
use zkwatt_harness::{device, phases, progress};

/// Times proofs under a .zkey, and those of peers in the same rounds; shows where our time goes.
///
/// The time is that of proving: files are read, keys prepared and proofs verified outside of it. Every proof is verified
/// against the public values of the witness.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The key
    #[arg(long, value_name = "FILE.zkey")]
    zkey: PathBuf,

    /// The witness
    #[arg(long, value_name = "FILE.wtns")]
    wtns: PathBuf,

    /// fast: bases on the device, all at once; memory: the bases of one sum at a time, read for every proof
    #[arg(long, value_enum, default_value = "fast", value_name = "PLAN")]
    plan: PlanArg,

    #[command(flatten)]
    common: Common<CircomPeer>,
}

/// Two compressed points of G1 and one of G2.
const PROOF_BYTES: u64 = 2 * 32 + 64;

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let common = &args.common;
    let threads = common.thread_counts();
    // A device that is missing is found before any file is read.
    let devices = threads.iter().map(|&n| common.open(n)).collect::<Result<Vec<_>>>()?;
    let spinner = progress::spinner("reading the key");
    let zkey = Zkey::open(&args.zkey)?;
    spinner.suspend(|| warn_of(&zkey));
    let witness = Witness::read(&args.wtns)?;
    let mut base = Record::new("prove");
    base.model = args.zkey.file_stem().map(|name| name.to_string_lossy().into_owned());
    base.system = Some("groth16".into());
    base.plan = Some(args.plan.name().into());
    base.constraints = Some(constraints(zkey.header(), &zkey.matrices()?) as u64);
    base.key_bytes = Some(zkey.info().bytes);
    base.proof_bytes = Some(PROOF_BYTES);
    spinner.finish_and_clear();

    let task = Task { zkey: &zkey, zkey_path: &args.zkey, witness: &witness, witness_path: &args.wtns };
    let mut report = Report::for_args("Groth16 proofs under a .zkey", "proofs", common)?.with_rate(Rate::Run);
    let header: Vec<_> = ["threads"].into_iter().chain(phases::columns()).collect();
    let mut table = Table::new(&header);
    for (device, &threads) in devices.iter().zip(&threads) {
        let mut base = base.clone();
        device::fill(device, threads, &mut base);
        let phases = measure(args, task, device, threads, &base, &mut report)?;
        table.row([threads.to_string()].into_iter().chain(phases::cells(&phases)).collect());
    }
    report.section("Where zkwatt's time for one proof goes, medians (check: A·z and B·z)", table);
    if !common.peers.is_empty() {
        report.note("memory of zkwatt and arkworks is of one process; for ours alone leave the peers out");
    }
    report.finish()
}

/// On one device; the medians of our phases.
fn measure(
    args: &Args,
    task: Task<'_>,
    device: &Device,
    threads: usize,
    base: &Record,
    report: &mut Report,
) -> Result<BTreeMap<String, f64>> {
    let common = &args.common;
    let label = base.model.as_deref().unwrap_or_default();
    let spinner = progress::spinner(format!("{label}: preparing the key"));
    let pool = Pool::new(threads)?;
    let ours = Ours::new(args, task, device)?;
    let mut contestants = vec![ours.contestant(device)];
    for (stream, &peer) in (1..).zip(&common.peers) {
        spinner.set_message(format!("{label}: preparing {peer}"));
        contestants.push(prover(peer, task, &pool, rng(stream))?);
    }
    spinner.finish_and_clear();
    // Every proof was verified, whatever --no-check leaves out.
    let check = Check::Equal(true);
    let mut meter = common.meter(Some(device));
    let outcomes = interleave(label, &mut contestants, common.plan(), &check, meter.as_mut())?;
    drop(contestants);
    // The first proof is not a sample.
    let reports = ours.reports.into_inner();
    let phases = phases::medians(reports.get(1..).unwrap_or_default());
    for (index, outcome) in outcomes.iter().enumerate() {
        let mut base = base.clone();
        base.phases_s = (index == 0).then(|| phases.clone());
        report.outcome(&base, outcome, 1.0, index == 0)?;
        if outcome.implementation == CircomPeer::Snarkjs.name() {
            report.note(format!("snarkjs {}", outcome.version));
        }
    }
    Ok(phases)
}

/// The key is thrown away and so are the proofs: a fixed seed makes runs comparable.
fn rng(stream: u64) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::seed_from_u64(SEED);
    rng.set_stream(stream);
    rng
}

/// Our prover and what its runs leave behind.
struct Ours<'a> {
    prover: ZkeyProver<Device>,
    preparation: std::time::Duration,
    verifier: PreparedVerifyingKey,
    task: Task<'a>,
    reports: RefCell<Vec<ProveReport>>,
}

impl<'a> Ours<'a> {
    fn new(args: &Args, task: Task<'a>, device: &Device) -> Result<Self> {
        let start = Instant::now();
        let options = ZkeyProverOptions {
            residence: args.plan.into(),
            // Outside of the time, as for the peers.
            verify: false,
            ..ZkeyProverOptions::default()
        };
        let prover = ZkeyProver::new(Zkey::open(task.zkey_path)?, device.clone(), options)?;
        let preparation = start.elapsed();
        Ok(Self { prover, preparation, verifier: task.verifier()?, task, reports: RefCell::default() })
    }

    fn contestant(&self, device: &Device) -> Contestant<'_, bool> {
        let mut rng = rng(0);
        let contestant = Contestant::zkwatt(move |watch| {
            let (proof, report) =
                watch.time(|| self.prover.prove_with_report(self.task.witness, &mut rng))?;
            self.task.verify(&self.verifier, "zkwatt", &proof)?;
            self.reports.borrow_mut().push(report);
            Ok(watch.result(|| true))
        });
        contestant.on(device).prepared_in(self.preparation)
    }
}
