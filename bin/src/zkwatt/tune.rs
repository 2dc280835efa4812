//! `zkwatt tune`

use crate::console::{note, say};
use std::sync::Arc;
use zkwatt::device::tuning::{self, TuneSizes};
use zkwatt::device::wgpu::{WgpuDevice, WgpuOptions};
use zkwatt::device::{Backend, CostLine, Costs, CpuDevice, CpuOptions, Operation};
use zkwatt::{Error, Result};
use zkwatt_harness::environment::available_threads;
use zkwatt_harness::table::{self, Table};
use zkwatt_harness::{device, progress};

/// Options of `tune`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Smaller and larger size to measure, as base-two logarithms [default: 10,16; 6,10 for software adapters]
    #[arg(long, value_delimiter = ',', value_name = "SMALL,LARGE", num_args = 1)]
    log_n: Vec<u32>,

    /// Adapter to measure, by a part of its name
    #[arg(long, value_name = "TEXT")]
    adapter: Option<String>,

    /// CPU threads to compare with [default: all]
    #[arg(long, value_name = "T", value_parser = zkwatt_harness::args::parse_threads)]
    threads: Option<usize>,

    /// Show the costs without keeping them
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    fn sizes(&self, software: bool) -> Result<TuneSizes> {
        match *self.log_n {
            [] if software => Ok(TuneSizes { small: 6, large: 10 }),
            [] => Ok(TuneSizes { small: 10, large: 16 }),
            [small, large] => Ok(TuneSizes { small, large }),
            _ => Err(Error::invalid("--log-n", "expected two logarithms, such as 10,16")),
        }
    }
}

/// Measures a GPU against the CPU and keeps what `--device auto` decides by.
pub fn run(args: &Args) -> Result<()> {
    let gpu = WgpuDevice::new(WgpuOptions { adapter: args.adapter.clone(), ..WgpuOptions::default() })?;
    let threads = Some(args.threads.unwrap_or_else(available_threads));
    let cpu = Arc::new(CpuDevice::new(CpuOptions { threads, ..CpuOptions::default() })?);
    let spinner = progress::spinner("measuring");
    let sizes = args.sizes(gpu.info().software)?;
    let costs = tuning::tune(&cpu, &gpu, sizes, |operation| {
        spinner.set_message(format!("measuring {}", operation.name()))
    })?;
    spinner.finish_and_clear();
    say(format!("{} against {}\n\n{}", device::name(gpu.info()), cpu.info().name, render(&costs)))?;
    if gpu.info().software {
        note("software is never chosen by --device auto, whatever it costs");
    }
    if args.dry_run {
        return Ok(());
    }
    let file = tuning::store(gpu.info(), &costs)?;
    say(format!("kept in {}; --device auto goes by it when it chooses this adapter", file.display()))
}

fn render(costs: &Costs) -> String {
    let mut rows = Table::new(&["operation", "cpu", "device", "device first from"]).left(&[0]);
    let line = |line: Option<&CostLine>| {
        line.map_or_else(String::new, |line| {
            format!("{} + {} each", table::seconds(line.fixed_s), table::seconds(line.each_s))
        })
    };
    for operation in Operation::ALL {
        let crossover = costs.crossover(operation, 32);
        rows.row(vec![
            operation.name().into(),
            line(costs.cpu.get(&operation)),
            line(costs.device.get(&operation)),
            crossover.map_or_else(|| "never".into(), |items| format!("2^{} items", items.ilog2())),
        ]);
    }
    rows.render()
}
