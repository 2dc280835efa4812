//! Measures multi-scalar multiplication.

use clap::Parser;
use std::process::ExitCode;
use std::time::Instant;
use zkwatt::device::{Backend, Device, G1, G2, Group, PreparedBases};
use zkwatt::kernels::Fr;
use zkwatt::kernels::curve::Affine;
use zkwatt::ops::msm;
use zkwatt::{Error, Result};
use zkwatt_harness::args::{self, Common, EXIT_CODES, parse_log_n};
use zkwatt_harness::inputs::{self, SEED, Scalars};
use zkwatt_harness::measure::{Check, Contestant, interleave};
use zkwatt_harness::peers::arkworks::{self, ArkGroup};
use zkwatt_harness::peers::halo2curves::{self, Halo2Group};
use zkwatt_harness::peers::{Peer, Pool, blst, icicle};
use zkwatt_harness::record::Record;
use zkwatt_harness::report::Report;
use zkwatt_harness::{device, exit, progress};

/// Measures the multi-scalar multiplication Σ kᵢ·Pᵢ over BN254.
///
/// Bases are prepared once, as provers do; that time is in `first_use_s` of the records. Where scalars are small the
/// same sum is also measured with scalars handed over as 16-bit integers (`i16`).
#[derive(Debug, Parser)]
#[command(name = "bench-msm", version, after_help = examples())]
struct Cli {
    #[command(flatten)]
    common: Common,

    /// Base-two logarithms of the number of points
    #[arg(long, value_delimiter = ',', default_value = "14,16,18", value_name = "K,…", value_parser = parse_log_n)]
    log_n: Vec<u32>,

    /// Distributions of the scalars
    #[arg(long, value_enum, value_delimiter = ',', default_value = "uniform,zkml", value_name = "KIND,…")]
    scalars: Vec<Scalars>,

    /// Groups of the points
    #[arg(long, value_enum, value_delimiter = ',', default_value = "g1", value_name = "GROUP,…")]
    group: Vec<args::Group>,
}

fn examples() -> String {
    format!(
        "Examples:
  bench-msm
  bench-msm --log-n 16,18,20 --scalars uniform,zkml,ones --peers arkworks,halo2curves
  bench-msm --group g1,g2 --threads 1,2 --json msm.jsonl
  bench-msm --scalars uniform --peers halo2curves,blst
  bench-msm --device cuda --log-n 20,22 --watts 250

{EXIT_CODES}"
    )
}

/// Bases and scalars of one measurement.
struct Input<'a, G: Group> {
    bases: &'a [Affine<G::Coordinate>],
    scalars: Vec<Fr>,
    small: Option<Vec<i16>>,
}

fn contestants<'a, G: Group>(
    device: &'a Device,
    pool: &Pool,
    input: &'a Input<'a, G>,
    peers: &[Peer],
) -> Result<Vec<Contestant<'a, Affine<G::Coordinate>>>>
where
    Affine<G::Coordinate>: ArkGroup + Halo2Group,
{
    let mut contestants = Vec::new();
    let small = input.small.as_deref().map(|small| ("i16", msm::Scalars::I16(small)));
    for (variant, scalars) in [Some(("", msm::Scalars::Field(&input.scalars))), small].into_iter().flatten() {
        let start = Instant::now();
        let bases: PreparedBases<G> = msm::prepare(device, input.bases)?;
        let preparation = start.elapsed();
        let products = match &bases {
            PreparedBases::Cpu(bases) => Some(bases.plan(scalars).products as f64),
            _ => None,
        };
        let mut ours = Contestant::zkwatt(move |watch| {
            let sum = device.on_host(|| watch.time(|| msm::msm(device, &bases, scalars)))?;
            Ok(watch.result(|| sum))
        })
        .on(device)
        .prepared_in(preparation);
        ours.modmul = products;
        // A product in F_q² is three in F_q.
        let ours =
            ours.bounded_by(device, if size_of::<G::Coordinate>() > size_of::<Fr>() { 3.0 } else { 1.0 });
        contestants.push(if variant.is_empty() { ours } else { ours.variant(variant) });
    }
    for peer in peers {
        match peer {
            Peer::Arkworks => contestants.push(arkworks::msm(input.bases, &input.scalars, pool)),
            Peer::Halo2curves => contestants.push(halo2curves::msm(input.bases, &input.scalars, pool)),
            Peer::Icicle => contestants.push(icicle::msm::<G>(input.bases, &input.scalars)?),
            // Signed scalars of this curve are wide ones of another.
            Peer::Blst if input.small.is_none() => contestants.push(blst::msm(&input.scalars, pool)?),
            Peer::Blst | Peer::Halo2Axiom => {}
        }
    }
    Ok(contestants)
}

fn measure_group<G: Group>(cli: &Cli, report: &mut Report) -> Result<()>
where
    Affine<G::Coordinate>: ArkGroup + Halo2Group,
{
    let common = &cli.common;
    let largest = cli.log_n.iter().max().map_or(0, |log_n| 1usize << log_n);
    let spinner = progress::spinner(format!("making {largest} points of {}", G::NAME));
    let points = inputs::bases::<G::Coordinate>(largest, SEED);
    spinner.finish_and_clear();
    for &threads in &common.thread_counts() {
        let device = common.open(threads)?;
        let pool = Pool::new(threads)?;
        for &log_n in &cli.log_n {
            let n = 1usize << log_n;
            for &kind in &cli.scalars {
                let input: Input<'_, G> = Input {
                    bases: &points[..n],
                    scalars: kind.field_elements(n, SEED),
                    small: kind.small(n, SEED),
                };
                let check = if common.no_check {
                    Check::Skip
                } else {
                    Check::Equal(arkworks::msm_once(input.bases, &input.scalars, &pool))
                };
                let mut base = Record::new(format!("msm_{}", G::NAME));
                device::fill(&device, threads, &mut base);
                base.log_n = Some(log_n);
                base.scalars = Some(kind.name().into());
                let mut contestants = contestants(&device, &pool, &input, &common.peers)?;
                let label = format!("{} 2^{log_n} {kind}", base.op);
                let mut meter = common.meter(Some(&device));
                let outcomes = interleave(&label, &mut contestants, common.plan(), &check, meter.as_mut())?;
                report.outcomes(&base, &outcomes, n as f64)?;
            }
        }
    }
    Ok(())
}

fn run(cli: &Cli) -> Result<()> {
    cli.common.check_peers("MSM", &[Peer::Arkworks, Peer::Halo2curves, Peer::Blst, Peer::Icicle])?;
    // What is missing is found before points are made.
    for &threads in &cli.common.thread_counts() {
        device::open(cli.common.device, threads)?;
    }
    if cli.common.peers.contains(&Peer::Icicle) {
        icicle::device()?;
    }
    let with_blst = cli.common.peers.contains(&Peer::Blst);
    if with_blst {
        cli.common.thread_counts().into_iter().try_for_each(blst::check)?;
    }
    if with_blst && cli.group.contains(&args::Group::G2) {
        return Err(Error::invalid("--peers", "blst is measured over G1 only; leave it out or --group g2"));
    }
    let mut report = Report::for_args("Multi-scalar multiplication over BN254", "points", &cli.common)?;
    if with_blst {
        let version = Peer::Blst.version();
        report.note(format!("blst {version}: G1 of {}, another curve; uniform scalars only", blst::CURVE));
    }
    for group in &cli.group {
        match group {
            args::Group::G1 => measure_group::<G1>(cli, &mut report)?,
            args::Group::G2 => measure_group::<G2>(cli, &mut report)?,
        }
    }
    report.finish()
}

fn main() -> ExitCode {
    exit::end(run(&Cli::parse()))
}
