//! Measures number-theoretic transforms.

use clap::Parser;
use std::process::ExitCode;
use zkwatt::Result;
use zkwatt::device::{Backend, Device};
use zkwatt::kernels::ntt::NttPlan;
use zkwatt::kernels::{Fr, PrimeField};
use zkwatt::ops::ntt::{self, Direction, NttOptions};
use zkwatt_harness::args::{Common, EXIT_CODES, parse_log_n};
use zkwatt_harness::inputs::{self, SEED};
use zkwatt_harness::measure::{Check, Contestant, interleave};
use zkwatt_harness::peers::{Peer, Pool, Transform, arkworks, halo2_axiom, halo2curves, icicle};
use zkwatt_harness::record::Record;
use zkwatt_harness::report::Report;
use zkwatt_harness::{device, exit};

/// Measures number-theoretic transforms over BN254's scalar field, natural order on both ends, in place.
///
/// `coset` evaluates on the coset of the field's multiplicative generator. Twiddles are made by the first run.
#[derive(Debug, Parser)]
#[command(name = "bench-ntt", version, after_help = examples())]
struct Cli {
    #[command(flatten)]
    common: Common,

    /// Base-two logarithms of the number of elements
    #[arg(long, value_delimiter = ',', default_value = "16,18,20", value_name = "K,…", value_parser = parse_log_n)]
    log_n: Vec<u32>,

    /// Transforms to measure
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "forward,inverse,coset",
        value_name = "KIND,…"
    )]
    transform: Vec<Transform>,
}

fn examples() -> String {
    format!(
        "Examples:
  bench-ntt
  bench-ntt --log-n 16,18,20 --peers arkworks,halo2curves,halo2-axiom
  bench-ntt --transform forward --threads 1,2 --json ntt.jsonl

{EXIT_CODES}"
    )
}

fn options(transform: Transform) -> NttOptions {
    let direction = if transform == Transform::Inverse { Direction::Inverse } else { Direction::Forward };
    let coset = (transform == Transform::Coset).then(Fr::generator);
    NttOptions { direction, coset, ..NttOptions::default() }
}

fn ours<'a>(device: &'a Device, transform: Transform, data: &'a [Fr]) -> Result<Contestant<'a, Vec<Fr>>> {
    let options = options(transform);
    let mut plan = NttPlan::new(data.len().ilog2(), options.direction)?;
    plan.coset = options.coset;
    let mut work = data.to_vec();
    let contestant = Contestant::zkwatt(move |watch| {
        device.on_host(|| {
            work.copy_from_slice(data);
            watch.time(|| ntt::ntt(device, &mut work, &options))
        })?;
        Ok(watch.result(|| work.clone()))
    });
    Ok(contestant.on(device).modmul(plan.products() as f64).bounded_by(device, 1.0))
}

fn run(cli: &Cli) -> Result<()> {
    let common = &cli.common;
    let mut report = Report::for_args("Number-theoretic transforms over F_r", "elements", common)?;
    for &threads in &common.thread_counts() {
        let device = common.open(threads)?;
        let pool = Pool::new(threads)?;
        for &log_n in &cli.log_n {
            let data = inputs::uniform(1 << log_n, SEED);
            for &transform in &cli.transform {
                let check = if common.no_check {
                    Check::Skip
                } else {
                    Check::Equal(arkworks::ntt_once(transform, &data, &pool)?)
                };
                let mut contestants = vec![ours(&device, transform, &data)?];
                for peer in &common.peers {
                    contestants.push(match peer {
                        Peer::Arkworks => arkworks::ntt(transform, &data, &pool)?,
                        Peer::Halo2curves => halo2curves::ntt(transform, &data, &pool)?,
                        Peer::Halo2Axiom => halo2_axiom::ntt(transform, &data, &pool)?,
                        Peer::Icicle => icicle::ntt(transform, &data)?,
                        // Refused before.
                        Peer::Blst => continue,
                    });
                }
                let mut base = Record::new("ntt");
                device::fill(&device, threads, &mut base);
                base.log_n = Some(log_n);
                base.variant = Some(transform.name().into());
                let label = format!("ntt 2^{log_n} {}", transform.name());
                let mut meter = common.meter(Some(&device));
                let outcomes = interleave(&label, &mut contestants, common.plan(), &check, meter.as_mut())?;
                report.outcomes(&base, &outcomes, data.len() as f64)?;
            }
        }
    }
    report.finish()
}

fn main() -> ExitCode {
    exit::end(run(&Cli::parse()))
}
