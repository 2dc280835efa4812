//! Proofs of plonkish circuits with Halo2.

use super::{Cli, name, rng, timed};
use halo2_axiom::halo2curves::bn256::Fr;
use halo2_axiom::plonk::Circuit;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use zkwatt::Result;
use zkwatt::device::Device;
use zkwatt::halo2::{KeyOptions, PreparedKey, ProveReport, create_proof};
use zkwatt_harness::circuit_args::System;
use zkwatt_harness::lookup_circuit::LookupCircuit;
use zkwatt_harness::measure::{Check, Contestant, interleave};
use zkwatt_harness::memory::LongPeak;
use zkwatt_harness::peers::halo2::{Task, prover, transcript};
use zkwatt_harness::peers::{Pool, ProvePeer};
use zkwatt_harness::record::Record;
use zkwatt_harness::report::Report;
use zkwatt_harness::statistics::median;
use zkwatt_harness::table::{self, Table};
use zkwatt_harness::{device, progress};

/// The tables below the times.
pub struct Tables {
    circuits: Table,
    phases: Table,
}

type Phase = (&'static str, fn(&ProveReport) -> f64);

const PHASES: [Phase; 7] = [
    ("commit", |r| r.commit_s),
    ("lookups", |r| r.lookups_s),
    ("permutation", |r| r.permutation_s),
    ("quotient", |r| r.quotient_s),
    ("evaluation", |r| r.evaluation_s),
    ("opening", |r| r.opening_s),
    ("total", |r| r.total_s),
];

impl Tables {
    pub fn new() -> Self {
        let circuits = ["circuit", "rows", "setup", "verify", "proof", "peak"];
        let phases = ["circuit", "threads"].into_iter().chain(PHASES.iter().map(|(name, _)| *name));
        Self {
            circuits: Table::new(&circuits).left(&[0]),
            phases: Table::new(&phases.collect::<Vec<_>>()).left(&[0]),
        }
    }

    pub fn circuit(&mut self, record: &Record) {
        let bytes = |value: Option<u64>| value.map(table::bytes).unwrap_or_default();
        let seconds = |value: Option<f64>| value.map(table::seconds).unwrap_or_default();
        self.circuits.row(vec![
            record.model.clone().unwrap_or_default(),
            record.rows.map(|rows| rows.to_string()).unwrap_or_default(),
            seconds(record.setup_s),
            seconds(record.verify_s),
            bytes(record.proof_bytes),
            bytes(record.peak_rss_total_bytes),
        ]);
    }

    pub fn phases(&mut self, record: &Record) {
        let mut row = vec![record.model.clone().unwrap_or_default(), record.threads.to_string()];
        let phases = record.phases_s.as_ref();
        row.extend(PHASES.iter().map(|(name, _)| {
            phases.and_then(|p| p.get(*name)).copied().map_or_else(String::new, table::seconds)
        }));
        self.phases.row(row);
    }

    pub fn add_to(self, report: &mut Report, with_phases: bool) {
        if self.circuits.is_empty() {
            return;
        }
        report.section(
            "Halo2: circuits (peak: memory from making the key to the last proof, setup and peers included)",
            self.circuits,
        );
        if with_phases {
            report.section("Halo2: where zkwatt's time for one proof goes, medians", self.phases);
        }
    }
}

/// Measures one circuit with every number of threads.
pub fn measure(
    cli: &Cli,
    circuit: &LookupCircuit,
    model: &str,
    machines: &[(&Device, &Pool, usize)],
    report: &mut Report,
    tables: &mut Tables,
) -> Result<()> {
    let peak = LongPeak::begin();
    let spinner = progress::spinner(format!("{model}: setup"));
    let widest = machines.iter().max_by_key(|(_, _, threads)| *threads);
    let Some((_, pool, _)) = widest else { return Ok(()) };
    let instances = vec![circuit.instance()];
    let (task, setup_s) = timed(|| Task::new(circuit.k(), circuit.clone(), instances, pool, rng(1)));
    let task = task?;
    spinner.finish_and_clear();
    for &(device, pool, threads) in machines {
        let ours = Ours::new(device, &task, cli.key_options())?;
        let mut contestants = vec![ours.contestant(device)];
        for &peer in cli.common.peers.iter().filter(|peer| peer.system() == Some(System::Halo2)) {
            contestants.push(prover(&task, pool, rng(5)));
            debug_assert_eq!(peer, ProvePeer::Halo2Axiom);
        }
        let check = if cli.common.no_check { Check::Skip } else { Check::Equal(true) };
        let mut meter = cli.common.meter(Some(device));
        let outcomes = interleave(model, &mut contestants, cli.common.plan(), &check, meter.as_mut())?;
        drop(contestants);

        let mut base = Record::new("prove");
        device::fill(device, threads, &mut base);
        base.model = Some(model.to_owned());
        base.system = name(System::Halo2);
        base.log_n = Some(circuit.k());
        base.rows = Some(1 << circuit.k());
        base.batch = Some(1);
        base.setup_s = Some(setup_s);
        base.proof_bytes = ours.proof_bytes();
        base.peak_rss_total_bytes = peak.as_ref().ok().and_then(LongPeak::bytes);
        for (index, outcome) in outcomes.iter().enumerate() {
            let mut record = base.clone();
            if index == 0 {
                record.verify_s = ours.verification_s()?;
                record.phases_s = Some(ours.phases());
                tables.circuit(&record);
                tables.phases(&record);
            }
            report.outcome(&record, outcome, 1.0, index == 0)?;
        }
    }
    Ok(())
}

/// Our prover and what its runs leave behind.
struct Ours<'a, C> {
    key: PreparedKey<Device>,
    preparation_s: f64,
    task: &'a Task<C>,
    reports: RefCell<Vec<ProveReport>>,
    proof: RefCell<Vec<u8>>,
}

impl<'a, C: Circuit<Fr>> Ours<'a, C> {
    fn new(device: &Device, task: &'a Task<C>, options: KeyOptions) -> Result<Self> {
        let device = Arc::new(device.clone());
        let (key, preparation_s) =
            timed(|| PreparedKey::with_options(device, &task.params, &task.key, options));
        Ok(Self { key: key?, preparation_s, task, reports: RefCell::default(), proof: RefCell::default() })
    }

    fn contestant(&self, device: &Device) -> Contestant<'_, bool> {
        let mut rng = rng(4);
        let contestant = Contestant::zkwatt(move |watch| {
            let mut transcript = transcript();
            let circuits = std::slice::from_ref(&self.task.circuit);
            let columns = self.task.instance_columns();
            let report =
                watch.time(|| create_proof(&self.key, circuits, &[&columns], &mut rng, &mut transcript))?;
            let proof = halo2_axiom::transcript::TranscriptWriterBuffer::finalize(transcript);
            self.task.verify(&proof)?;
            *self.proof.borrow_mut() = proof;
            self.reports.borrow_mut().push(report);
            Ok(watch.result(|| true))
        });
        let preparation = Duration::from_secs_f64(self.preparation_s);
        contestant.on(device).prepared_in(preparation)
    }

    fn proof_bytes(&self) -> Option<u64> {
        Some(self.proof.borrow().len() as u64)
    }

    /// Median time of verifying one proof.
    fn verification_s(&self) -> Result<Option<f64>> {
        const RUNS: usize = 5;
        let proof = self.proof.borrow();
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            let (verified, seconds) = timed(|| self.task.verify(&proof));
            verified?;
            times.push(seconds);
        }
        Ok(median(&times))
    }

    /// Medians over the timed runs; the first one is none.
    fn phases(&self) -> BTreeMap<String, f64> {
        phase_medians(self.reports.borrow().get(1..).unwrap_or_default())
    }
}

/// The median of every phase.
pub fn phase_medians(reports: &[ProveReport]) -> BTreeMap<String, f64> {
    let phase = |(name, of): &Phase| {
        let values: Vec<f64> = reports.iter().map(of).collect();
        median(&values).map(|seconds| ((*name).to_owned(), seconds))
    };
    PHASES.iter().filter_map(phase).collect()
}
