//! `zkwatt compare`

use crate::console::{note, say};
use crate::records;
use std::path::PathBuf;
use std::process::ExitCode;
use zkwatt::{Error, Result};
use zkwatt_harness::exit;
use zkwatt_harness::table::{self, Table};
use zkwatt_records::compare::{Comparison, Options, Pair, Verdict, baselines, compare};
use zkwatt_records::files;
use zkwatt_records::identity::Identity;
use zkwatt_records::prediction::FEWEST;
use zkwatt_records::text::plain;

/// Options of `compare`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Records before: a file or a directory of .jsonl files
    #[arg(value_name = "BEFORE")]
    old: PathBuf,

    /// Records after
    #[arg(value_name = "AFTER")]
    new: PathBuf,

    /// Growth of a count that is let pass
    #[arg(long, value_name = "PERCENT", default_value = "0.5%", value_parser = parse_share)]
    tolerance: f64,

    /// Also fail where a time grew, beyond noise and tolerance
    #[arg(long)]
    gate_time: bool,

    /// Also fail where a record of BEFORE has no partner in AFTER
    #[arg(long)]
    require_partners: bool,

    /// Pair records of different machines: names of devices may differ
    #[arg(long)]
    across_machines: bool,

    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,

    /// Write the counts of AFTER to this file, as a baseline to commit, without failed records and of repeated ones
    /// the last, and compare with BEFORE all the same
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
}

const HELP: &str = "\
Records are paired if they measured the same: operation, variant, size, scalars, device, kernels,
threads, implementation, and what was proved. A change of time is the ratio of medians, with an
interval of 90 % from the samples of both, at least 7 each. Times are shown and fail nothing
without --gate-time, which also tells how many pairs have too few samples to be judged.
Counts (modmul, constraints, rows, proof_bytes, key_bytes, uploaded_bytes, downloaded_bytes) do
not vary from run to run: exit code 1 if one grew beyond the tolerance, or is counted no more.

Examples:
  zkwatt compare main.jsonl branch.jsonl
  zkwatt compare main.jsonl branch.jsonl --gate-time --tolerance 5%
  zkwatt compare bench/baselines/cpu-plain.jsonl now.jsonl --across-machines --require-partners

Exit codes: 0 no regression, 1 a regression, 2 usage, 3 bad input file.";

fn parse_share(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim().parse::<f64>();
    match number {
        Ok(percent) if (0.0..=1000.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("expected percent from 0 to 1000, such as 0.5%".into()),
    }
}

/// Reads, pairs, shows. A regression is an answer and no error.
pub fn run(args: &Args) -> Result<ExitCode> {
    let (old, new) = (load(&args.old)?, load(&args.new)?);
    let options = Options {
        tolerance: args.tolerance,
        across_machines: args.across_machines,
        gate_time: args.gate_time,
        require_partners: args.require_partners,
    };
    let comparison = compare(&old, &new, &options);
    if let Some(path) = &args.write_baseline {
        let mut text = String::new();
        for record in baselines(&new) {
            let line = serde_json::to_string(&record);
            text += &line.map_err(|e| Error::format("measurement record", e.to_string()))?;
            text.push('\n');
        }
        files::write(path, text.as_bytes()).map_err(records::error)?;
        note(format!("wrote {}", path.display()));
    }
    if args.json {
        let text = serde_json::to_string_pretty(&comparison);
        say(text.map_err(|e| Error::format("comparison", e.to_string()))?)?;
    } else {
        say(render(&comparison, args))?;
    }
    Ok(if comparison.regressions == 0 { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

fn load(path: &PathBuf) -> Result<Vec<zkwatt_records::record::Record>> {
    Ok(records::load(std::slice::from_ref(path))?.records)
}

fn change(ratio: f64) -> String {
    format!("{:+.1}%", 100.0 * (ratio - 1.0))
}

fn verdict(pair: &Pair) -> &'static str {
    match (pair.ratio, pair.verdict) {
        (None, _) => "",
        (_, Verdict::Faster) => "faster",
        (_, Verdict::Slower) => "slower",
        (_, Verdict::NoChange) => "no change",
        (_, Verdict::Unknown) => "few samples",
    }
}

fn label(identity: &Identity) -> String {
    format!("{}, {}", identity.task(), identity.contestant())
}

fn render(comparison: &Comparison, args: &Args) -> String {
    let header = [
        "measurement",
        "device",
        "threads",
        "implementation",
        "kernels",
        "before",
        "after",
        "change",
        "90 %",
        "",
    ];
    let mut rows = Table::new(&header).left(&[0, 1, 3, 4, 9]).shared(&[1, 2, 3, 4]);
    let mut counts = String::new();
    for pair in &comparison.pairs {
        let time = |seconds: f64| if seconds > 0.0 { table::seconds(seconds) } else { String::new() };
        let interval = pair.interval.filter(|_| pair.ratio.is_some());
        rows.row(vec![
            pair.identity.task(),
            pair.identity.device.clone(),
            pair.identity.threads.to_string(),
            pair.identity.implementation.clone(),
            pair.identity.cpu_path.clone().unwrap_or_default(),
            time(pair.old_s),
            time(pair.new_s),
            pair.ratio.map(change).unwrap_or_default(),
            interval.map(|i| format!("{} to {}", change(i.low), change(i.high))).unwrap_or_default(),
            verdict(pair).into(),
        ]);
        for (count, change) in pair.counts.iter().filter_map(|count| Some((count, count.change()?))) {
            let mark = if count.regressed { "REGRESSION" } else { "  changed" };
            let name = count.name;
            counts += &format!("{mark:<10}  {}\n            {name} {change}\n", label(&pair.identity));
        }
        if let Some(failure) = &pair.failure {
            counts += &format!("REGRESSION  {}\n            {}\n", label(&pair.identity), plain(failure));
        }
        if pair.time_regressed {
            counts += &format!("REGRESSION  {}\n            time\n", label(&pair.identity));
        }
    }
    let mut text = if rows.is_empty() { String::new() } else { format!("{}\n", rows.render()) };
    if let Some(mean) = comparison.mean_ratio {
        text += &format!("\ngeometric mean of the changes: {}\n", change(mean));
        text += "90 %: where the ratio is with 90 % confidence; of ten unchanged pairs one looks changed\n";
    }
    if !counts.is_empty() {
        text += &format!("\ncounts (tolerance {}%)\n\n{counts}", 100.0 * args.tolerance);
    }
    for (title, identities) in [("only before", &comparison.only_old), ("only after", &comparison.only_new)] {
        if !identities.is_empty() {
            text += &format!("\n{title}\n\n");
            identities.iter().for_each(|identity| text += &format!("  {}\n", label(identity)));
        }
    }
    if args.gate_time && comparison.unjudged > 0 {
        let pairs = if comparison.unjudged == 1 { "pair" } else { "pairs" };
        text +=
            &format!("\n{} {pairs} could not be judged: fewer than {FEWEST} samples\n", comparison.unjudged);
    }
    let same = comparison.pairs.iter().filter(|pair| !pair.counts.is_empty()).count();
    text += &match comparison.regressions {
        0 => format!("\n{} pairs, {same} with counts: no regression", comparison.pairs.len()),
        1 => format!("\n{} pairs: 1 regression", comparison.pairs.len()),
        n => format!("\n{} pairs: {n} regressions", comparison.pairs.len()),
    };
    text
}
