//! Measures the modular product in F_r, in dependent and independent streams, and batch inversion: ours and the peers'.

use clap::{Parser, ValueEnum};
#[cfg(target_arch = "x86_64")]
use std::hint::black_box;
use std::ops::Mul;
use std::process::ExitCode;
use zkwatt::Result;
#[cfg(target_arch = "x86_64")]
use zkwatt::kernels::field::probe;
use zkwatt::kernels::field::{Arith, Fp, FrParams, Plain};
use zkwatt::kernels::{CpuPath, Fr, vector};
use zkwatt_harness::args::{Common, EXIT_CODES, parse_log_n};
use zkwatt_harness::measure::{Check, Contestant, interleave};
use zkwatt_harness::multiplier::{STREAMS, products};
use zkwatt_harness::peers::{Peer, Pool, arkworks, halo2curves};
use zkwatt_harness::record::Record;
use zkwatt_harness::report::{Rate, Report};
use zkwatt_harness::{device, environment, exit, inputs};

/// Measures modular products or inversions in BN254's scalar field on the CPU, in nanoseconds each.
///
/// `dependent` is one chain of products, where each waits for the one before (latency); `independent` is 32 chains in
/// turns (throughput), in lanes four vectors of eight. With several threads each of them does all products, and a part
/// of the inversions.
#[derive(Debug, Parser)]
#[command(name = "bench-field", version, after_help = examples())]
struct Cli {
    #[command(flatten)]
    common: Common,

    /// What is measured
    #[arg(long, value_enum, default_value = "products", value_name = "OP")]
    op: Op,

    /// Base-two logarithms of the number of products or inversions
    #[arg(long, value_delimiter = ',', default_value = "20", value_name = "K,…", value_parser = parse_log_n)]
    log_n: Vec<u32>,
}

/// An operation.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
enum Op {
    /// Single products
    Products,
    /// Inversion of all elements of a vector
    BatchInverse,
}

fn examples() -> String {
    format!(
        "Examples:
  bench-field
  bench-field --peers arkworks,halo2curves --json field.jsonl
  bench-field --threads 1,2 --samples 21
  bench-field --op batch-inverse --log-n 16 --peers arkworks,halo2curves

{EXIT_CODES}"
    )
}

/// The same on every thread of the pool; the result of one.
fn on_all_threads<T, const N: usize>(pool: &Pool, chains: [T; N], y: T, rounds: usize) -> [T; N]
where
    T: Copy + Mul<Output = T> + Send + Sync,
{
    pool.broadcast(|| products(chains, y, rounds))
}

/// What is measured, for one number of chains.
struct Streams<'a, const N: usize> {
    pool: &'a Pool,
    chains: [Fr; N],
    y: Fr,
    rounds: usize,
}

impl<'a, const N: usize> Streams<'a, N> {
    fn contestant<T>(
        &self,
        implementation: &str,
        version: &str,
        to: impl Fn(&Fr) -> T,
        back: impl Fn(&T) -> Fr + 'a,
    ) -> Contestant<'a, Vec<Fr>>
    where
        T: Copy + Mul<Output = T> + Send + Sync + 'a,
    {
        let (chains, y) = (self.chains.each_ref().map(&to), to(&self.y));
        let (pool, rounds) = (self.pool, self.rounds);
        Contestant::new(implementation, version, move |watch| {
            let result = watch.time(|| on_all_threads(pool, chains, y, rounds));
            Ok(watch.result(|| result.iter().map(&back).collect()))
        })
        .modmul((N * rounds * pool.threads()) as f64)
    }

    fn ours<A: Arith>(&self, path: CpuPath) -> Contestant<'a, Vec<Fr>> {
        let to = |v: &Fr| -> Fp<FrParams, A> { v.with_arith() };
        let back = |v: &Fp<FrParams, A>| v.with_arith::<Plain>();
        self.contestant("zkwatt", env!("CARGO_PKG_VERSION"), to, back).cpu_path(Some(path.name()))
    }

    /// In lanes, as many chains as they take.
    #[cfg(target_arch = "x86_64")]
    fn in_lanes(&self, path: CpuPath) -> Option<Contestant<'a, Vec<Fr>>> {
        let chains: [Fr; probe::CHAINS] = self.chains.as_slice().try_into().ok()?;
        let (y, pool, rounds) = (self.y, self.pool, self.rounds);
        let run = move || {
            let (mut chains, y) = black_box((chains, y));
            probe::mul_chains(path, &mut chains, y, rounds);
            chains
        };
        let contestant = Contestant::zkwatt(move |watch| {
            let result = watch.time(|| pool.broadcast(run));
            Ok(watch.result(|| result.to_vec()))
        });
        Some(contestant.modmul((N * rounds * pool.threads()) as f64).cpu_path(Some(path.name())))
    }

    fn contestants(&self, peers: &[Peer]) -> Vec<Contestant<'a, Vec<Fr>>> {
        let mut contestants = Vec::new();
        #[cfg(target_arch = "x86_64")]
        contestants.extend(CpuPath::ifma().and_then(|path| self.in_lanes(path)));
        #[cfg(target_arch = "x86_64")]
        if let Some(path) = CpuPath::adx() {
            contestants.push(self.ours::<zkwatt::kernels::field::Adx>(path));
        }
        contestants.push(self.ours::<Plain>(CpuPath::PLAIN));
        for peer in peers {
            let (name, version) = (peer.name(), peer.version());
            contestants.extend(match peer {
                Peer::Arkworks => Some(self.contestant(name, &version, arkworks::fr, arkworks::fr_back)),
                Peer::Halo2curves => {
                    Some(self.contestant(name, &version, halo2curves::fr, halo2curves::fr_back))
                }
                Peer::Halo2Axiom | Peer::Blst | Peer::Icicle => None,
            });
        }
        contestants
    }

    fn measure(&self, common: &Common, base: &Record, report: &mut Report) -> Result<()> {
        let check = if common.no_check {
            Check::Skip
        } else {
            let (chains, y) = (self.chains.each_ref().map(arkworks::fr), arkworks::fr(&self.y));
            Check::Equal(products(chains, y, self.rounds).iter().map(arkworks::fr_back).collect())
        };
        let mut contestants = self.contestants(&common.peers);
        let label = format!("field_mul {}", base.variant.as_deref().unwrap_or_default());
        let outcomes =
            interleave(&label, &mut contestants, common.plan(), &check, common.meter(None).as_mut())?;
        report.outcomes(base, &outcomes, (N * self.rounds * base.threads) as f64)
    }
}

/// A record of `threads` threads on this processor.
fn record(op: &str, threads: usize, log_n: u32) -> Record {
    let mut base = Record::new(op);
    base.device = "cpu".into();
    base.device_name = environment::Environment::read().cpu.unwrap_or_else(|| "cpu".into());
    base.threads = threads;
    base.log_n = Some(log_n);
    base.scalars = Some("uniform".into());
    base
}

/// Batch inversion on every path, and the peers'.
fn inversions<'a>(values: &'a [Fr], pool: &'a Pool, peers: &[Peer]) -> Vec<Contestant<'a, Vec<Fr>>> {
    let ours = CpuPath::available().map(|path| {
        let mut work = values.to_vec();
        let contestant = Contestant::zkwatt(move |watch| {
            pool.run(|| {
                work.copy_from_slice(values);
                watch.time(|| vector::batch_inverse(path, &mut work));
            });
            Ok(watch.result(|| work.clone()))
        });
        contestant.cpu_path(Some(path.name())).modmul(3.0 * values.len() as f64)
    });
    let peers = peers.iter().filter_map(|peer| match peer {
        Peer::Arkworks => Some(arkworks::batch_inverse(values, pool)),
        Peer::Halo2curves => Some(halo2curves::batch_inverse(values, pool)),
        Peer::Halo2Axiom | Peer::Blst | Peer::Icicle => None,
    });
    ours.chain(peers).collect()
}

fn run_inversions(cli: &Cli) -> Result<()> {
    let common = &cli.common;
    let mut report = Report::for_args("Inversions in F_r", "elements", common)?.with_rate(Rate::Each);
    for threads in common.thread_counts() {
        let pool = Pool::new(threads)?;
        for &log_n in &cli.log_n {
            let values = inputs::uniform(1 << log_n, inputs::SEED);
            let check = if common.no_check {
                Check::Skip
            } else {
                let mut inverses: Vec<_> = values.iter().map(arkworks::fr).collect();
                ark_ff::batch_inversion(&mut inverses);
                Check::Equal(inverses.iter().map(arkworks::fr_back).collect())
            };
            let mut contestants = inversions(&values, &pool, &common.peers);
            let meter = &mut common.meter(None);
            let outcomes =
                interleave("batch_inverse", &mut contestants, common.plan(), &check, meter.as_mut())?;
            report.outcomes(&record("batch_inverse", threads, log_n), &outcomes, values.len() as f64)?;
        }
    }
    report.finish()
}

fn run(cli: &Cli) -> Result<()> {
    let common = &cli.common;
    common.check_peers("modular product", &[Peer::Arkworks, Peer::Halo2curves])?;
    device::cpu_only(common.device, "the modular product")?;
    if cli.op == Op::BatchInverse {
        return run_inversions(cli);
    }
    let mut report = Report::for_args("Modular products in F_r", "products", common)?.with_rate(Rate::Each);
    let elements = inputs::uniform(STREAMS + 1, inputs::SEED);
    let y = elements[STREAMS];
    for threads in common.thread_counts() {
        let pool = Pool::new(threads)?;
        for &log_n in &cli.log_n {
            let mut base = record("field_mul", threads, log_n);
            let n = 1usize << log_n;

            base.variant = Some("dependent".into());
            let streams = Streams { pool: &pool, chains: [elements[0]], y, rounds: n };
            streams.measure(common, &base, &mut report)?;

            base.variant = Some("independent".into());
            let rounds = n.div_ceil(STREAMS);
            let mut chains = [y; STREAMS];
            chains.copy_from_slice(&elements[..STREAMS]);
            Streams { pool: &pool, chains, y, rounds }.measure(common, &base, &mut report)?;
        }
    }
    report.finish()
}

fn main() -> ExitCode {
    exit::end(run(&Cli::parse()))
}
