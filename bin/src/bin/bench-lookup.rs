//! Measures the kernels of lookup arguments.

use clap::{Parser, ValueEnum};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;
use zkwatt::device::Device;
use zkwatt::kernels::reference;
use zkwatt::kernels::{Field, Fr};
use zkwatt::ops::lookup::{self, RangeTable, TableIndex};
use zkwatt::{Error, Result};
use zkwatt_harness::args::{Common, EXIT_CODES, parse_log_n};
use zkwatt_harness::inputs::{self, SEED};
use zkwatt_harness::measure::{Check, Contestant, interleave};
use zkwatt_harness::peers::arkworks;
use zkwatt_harness::record::Record;
use zkwatt_harness::report::Report;
use zkwatt_harness::{device, exit};

/// Measures the kernels of lookup arguments over BN254's scalar field.
///
/// 2^K values are looked up in a table of at most 2^T rows; half of the values are among the 16 smallest, as
/// activations of quantised networks are.
#[derive(Debug, Parser)]
#[command(name = "bench-lookup", version, after_help = examples())]
struct Cli {
    #[command(flatten)]
    common: Common,

    /// Base-two logarithms of the number of values
    #[arg(long, value_delimiter = ',', default_value = "16,18", value_name = "K,…", value_parser = parse_log_n)]
    log_n: Vec<u32>,

    /// Base-two logarithm of the number of distinct table values
    #[arg(long, default_value = "16", value_name = "T", value_parser = parse_log_n)]
    log_table: u32,

    /// Kernels to measure [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KERNEL,…")]
    kernel: Vec<Kernel>,
}

/// A kernel of lookup arguments.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
enum Kernel {
    /// Multiplicities in a range table
    Range,
    /// Multiplicities in any table
    Table,
    /// The fractions 1/(β + f) and m/(β + t) of logUp
    Logup,
    /// The running sum of logUp
    GrandSum,
    /// The permuted pair of Halo2
    Permuted,
}

fn examples() -> String {
    format!(
        "Examples:
  bench-lookup
  bench-lookup --log-n 20 --log-table 12 --kernel range,logup
  bench-lookup --threads 1,2 --json lookup.jsonl

{EXIT_CODES}"
    )
}

/// Columns of one size.
struct Input {
    values: Vec<Fr>,
    /// As long as the values: 0, 1, …, and the last row again where the distinct values end.
    table: Vec<Fr>,
    distinct: usize,
    multiplicities: Vec<u32>,
    beta: Fr,
}

impl Input {
    fn new(log_n: u32, log_table: u32) -> Result<Self> {
        let (n, log_table) = (1usize << log_n, log_table.min(log_n));
        let distinct = 1usize << log_table;
        let values: Vec<Fr> =
            inputs::lookup_values(n, log_table, SEED).into_iter().map(|v| Fr::from(u64::from(v))).collect();
        let table: Vec<Fr> = (0..n).map(|i| Fr::from(i.min(distinct - 1) as u64)).collect();
        let multiplicities = reference::multiplicities(&values, &table)
            .ok_or_else(|| Error::SelfCheck("an input value is not in the table".into()))?;
        Ok(Self { values, table, distinct, multiplicities, beta: inputs::uniform(1, SEED + 1)[0] })
    }

    /// 1/(β + f) and m/(β + t), with arkworks' inversion.
    fn logup_terms(&self) -> (Vec<Fr>, Vec<Fr>) {
        let inverses = |column: &[Fr]| -> Vec<Fr> {
            let mut shifted: Vec<_> = column.iter().map(|x| arkworks::fr(&(*x + self.beta))).collect();
            ark_ff::batch_inversion(&mut shifted);
            shifted.iter().map(arkworks::fr_back).collect()
        };
        let mut table = inverses(&self.table);
        for (term, &m) in table.iter_mut().zip(&self.multiplicities) {
            *term *= Fr::from(u64::from(m));
        }
        (inverses(&self.values), table)
    }

    /// The permuted pair by ordered maps; [`reference::permuted_pair`] takes quadratic time.
    fn permuted_pair(&self) -> (Vec<Fr>, Vec<Fr>) {
        let key = |v: &Fr| {
            let [a, b, c, d] = v.to_canonical();
            [d, c, b, a]
        };
        let mut input = self.values.clone();
        input.sort_by_key(key);
        let mut left: BTreeMap<[u64; 4], (Fr, usize)> = BTreeMap::new();
        for row in &self.table {
            left.entry(key(row)).or_insert((*row, 0)).1 += 1;
        }
        let is_new: Vec<bool> = (0..input.len()).map(|i| i == 0 || input[i] != input[i - 1]).collect();
        for value in input.iter().zip(&is_new).filter_map(|(value, new)| new.then_some(value)) {
            if let Some(entry) = left.get_mut(&key(value)) {
                entry.1 -= 1;
            }
        }
        let mut fill = left.values().flat_map(|(value, count)| std::iter::repeat_n(*value, *count));
        let aligned =
            |(value, new): (&Fr, &bool)| if *new { *value } else { fill.next().unwrap_or(Fr::ZERO) };
        let table = input.iter().zip(&is_new).map(aligned).collect();
        (input, table)
    }
}

/// Measures one kernel whose result is `expected()`.
struct Bench<'a> {
    common: &'a Common,
    report: &'a mut Report,
    device: &'a Device,
    base: Record,
    n: usize,
}

impl Bench<'_> {
    fn measure<R: PartialEq>(
        &mut self,
        op: &str,
        preparation: Duration,
        mut run: impl FnMut() -> Result<R>,
        expected: impl FnOnce() -> R,
    ) -> Result<()> {
        let check = if self.common.no_check { Check::Skip } else { Check::Equal(expected()) };
        let ours = Contestant::zkwatt(move |watch| {
            let result = watch.time(&mut run)?;
            Ok(watch.result(|| result))
        });
        let ours = ours.on(self.device).prepared_in(preparation);
        self.base.op = op.into();
        let label = format!("{op} {}", self.n);
        let mut meter = self.common.meter(Some(self.device));
        let outcomes = interleave(&label, &mut [ours], self.common.plan(), &check, meter.as_mut())?;
        self.report.outcomes(&self.base, &outcomes, self.n as f64)
    }

    fn kernel(&mut self, kernel: Kernel, input: &Input) -> Result<()> {
        let device = self.device;
        let Input { values, table, multiplicities, beta, distinct } = input;
        match kernel {
            Kernel::Range => {
                let range = RangeTable { start: 0, len: *distinct };
                let run = || lookup::multiplicities_range(device, values, range);
                let expected = || range_counts(multiplicities, *distinct);
                self.measure("lookup_range", Duration::ZERO, run, expected)
            }
            Kernel::Table => {
                let start = std::time::Instant::now();
                let index = TableIndex::new(table)?;
                let preparation = start.elapsed();
                let run = || lookup::multiplicities_table(device, values, &index);
                self.measure("lookup_table", preparation, run, || multiplicities.clone())
            }
            Kernel::Logup => {
                let run = || {
                    let terms = lookup::logup_terms(device, values, table, multiplicities, *beta)?;
                    Ok((terms.inputs, terms.table))
                };
                self.measure("lookup_logup", Duration::ZERO, run, || input.logup_terms())
            }
            Kernel::GrandSum => {
                let (inputs, rows) = input.logup_terms();
                let run = || {
                    let sum = lookup::grand_sum(device, &[&inputs], &rows)?;
                    Ok((sum.phi, sum.last))
                };
                let expected = || reference::grand_sum(&[&inputs], &rows);
                self.measure("lookup_grand_sum", Duration::ZERO, run, expected)
            }
            Kernel::Permuted => {
                let run = || {
                    let pair = lookup::permuted_pair(device, values, table)?;
                    Ok((pair.input, pair.table))
                };
                self.measure("lookup_permuted", Duration::ZERO, run, || input.permuted_pair())
            }
        }
    }
}

/// The counts of the distinct rows, from those of the padded table.
fn range_counts(multiplicities: &[u32], distinct: usize) -> Vec<u32> {
    multiplicities[..distinct].to_vec()
}

fn run(cli: &Cli) -> Result<()> {
    let common = &cli.common;
    common.check_peers("lookup kernel to compare with", &[])?;
    let mut report = Report::for_args("Lookup kernels over F_r", "values", common)?;
    let kernels = if cli.kernel.is_empty() { Kernel::value_variants() } else { &cli.kernel };
    for &threads in &common.thread_counts() {
        let device = common.open(threads)?;
        for &log_n in &cli.log_n {
            let input = Input::new(log_n, cli.log_table)?;
            let mut base = Record::new("");
            device::fill(&device, threads, &mut base);
            base.log_n = Some(log_n);
            base.variant = Some(format!("table 2^{}", input.distinct.ilog2()));
            let mut bench =
                Bench { common, report: &mut report, device: &device, base, n: input.values.len() };
            for &kernel in kernels {
                bench.kernel(kernel, &input)?;
            }
        }
    }
    report.finish()
}

fn main() -> ExitCode {
    exit::end(run(&Cli::parse()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_references_agree_with_the_obvious_ones() {
        for (log_n, log_table) in [(1, 1), (5, 3), (8, 8), (8, 4)] {
            let input = Input::new(log_n, log_table).unwrap();
            let obvious = reference::permuted_pair(&input.values, &input.table).unwrap();
            assert!(input.permuted_pair() == obvious);
            let Input { values, table, multiplicities, beta, .. } = &input;
            let obvious = reference::logup_terms(values, table, multiplicities, *beta).unwrap();
            assert!(input.logup_terms() == obvious);
        }
    }
}
