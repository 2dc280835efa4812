//! `zkwatt circom bench`

use super::{ProverArgs, warn_of};
use crate::console::{field, say};
use crate::random;
use std::path::PathBuf;
use std::time::Instant;
use zkwatt::Result;
use zkwatt::groth16::ProveReport;
use zkwatt::groth16::circom::Zkey;
use zkwatt_harness::statistics::{mad, median};
use zkwatt_harness::table::{Table, seconds};
use zkwatt_harness::{device, progress};

/// Times the phases of a proof: medians over some proofs through one open prover, after one that is not counted.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The key
    #[arg(long, value_name = "FILE.zkey")]
    zkey: PathBuf,

    /// The witness
    #[arg(long, value_name = "FILE.wtns")]
    wtns: PathBuf,

    /// Timed proofs
    #[arg(long, default_value_t = 7, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,

    #[command(flatten)]
    prover: ProverArgs,
}

/// Name and time of a phase.
type Phase = (&'static str, fn(&ProveReport) -> f64);

const PHASES: [Phase; 9] = [
    ("A·z, B·z", |r| r.constraints_s),
    ("transforms", |r| r.witness_map_s),
    ("sum over A", |r| r.msm_a_s),
    ("sum over B, G1", |r| r.msm_b1_s),
    ("sum over B, G2", |r| r.msm_b2_s),
    ("sum over C", |r| r.msm_l_s),
    ("sum over H", |r| r.msm_h_s),
    ("verification", |r| r.verify_s.unwrap_or(0.0)),
    ("proof, verification left out", |r| r.total_s - r.verify_s.unwrap_or(0.0)),
];

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let device = args.prover.device()?;
    let bar = progress::bar("reading the key", args.samples as usize + 1);
    let start = Instant::now();
    let zkey = Zkey::open(&args.zkey)?;
    bar.suspend(|| warn_of(&zkey));
    let witness = args.prover.read_witness(&args.wtns)?;
    let prover = args.prover.prover(zkey, device.clone())?;
    let open_s = start.elapsed().as_secs_f64();
    bar.set_message("proving");
    let mut rng = random::generator()?;
    let mut prove = || {
        bar.inc(1);
        prover.prove_with_report(&witness, &mut rng).map(|(_, report)| report)
    };
    prove()?;
    let reports = (0..args.samples).map(|_| prove()).collect::<Result<Vec<_>>>()?;
    bar.finish_and_clear();

    let mut table = Table::new(&["phase", "median", "MAD"]);
    for (name, phase) in PHASES {
        let times: Vec<f64> = reports.iter().map(phase).collect();
        // There is one sample or more.
        let [median, mad] = [median(&times), mad(&times)].map(|value| seconds(value.unwrap_or(f64::NAN)));
        table.row(vec![name.into(), median, mad]);
    }
    let lines = [
        field("device", format!("{} ({})", device.info().kind, device::name(device.info()))),
        field("key", format!("read and prepared in {}", seconds(open_s))),
        field("samples", args.samples),
        String::new(),
        table.render(),
    ];
    say(lines.join("\n"))
}
