//! `zkwatt tune`

use crate::console::{note, say};
use zkwatt::device::cuda::{CudaDevice, CudaOptions};
use zkwatt::device::tuning::{self, TuneSizes};
use zkwatt::device::wgpu::{WgpuDevice, WgpuOptions};
use zkwatt::device::{
    AllOps, Backend, CostLine, Costs, CpuDevice, CpuOptions, DeviceKind, Operation, discover,
};
use zkwatt::{Error, Result};
use zkwatt_harness::environment::available_threads;
use zkwatt_harness::table::{self, Table};
use zkwatt_harness::{device, progress};

/// Options of `tune`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Smaller and larger size to measure, as base-two logarithms [default: 10,16; 6,10 for software]
    #[arg(long, value_delimiter = ',', value_name = "SMALL,LARGE", num_args = 1)]
    log_n: Vec<u32>,

    /// Device to measure [default: the one that `--device auto` would choose]
    #[arg(long, value_enum, value_name = "DEVICE")]
    device: Option<Kind>,

    /// Adapter of wgpu to measure, by a part of its name
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

/// Kinds that can be measured.
#[derive(Copy, Clone, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// An NVIDIA GPU through CUDA.
    Cuda,
    /// A GPU through WGPU.
    Wgpu,
}

impl Args {
    fn kind(&self) -> Result<Kind> {
        match (self.device, &self.adapter) {
            (Some(Kind::Cuda), Some(_)) => {
                Err(Error::invalid("--adapter", "is of wgpu; ZKWATT_CUDA_DEVICE chooses among GPUs of CUDA"))
            }
            (Some(kind), _) => Ok(kind),
            (None, Some(_)) => Ok(Kind::Wgpu),
            (None, None) => preferred(),
        }
    }
}

/// What `--device auto` would choose; software if there is nothing else.
fn preferred() -> Result<Kind> {
    let mut found: Vec<(Kind, bool)> = discover()
        .into_iter()
        .filter_map(|candidate| match (candidate.kind, candidate.status) {
            (DeviceKind::Cuda, Ok(info)) => Some((Kind::Cuda, info.software)),
            (DeviceKind::Wgpu, Ok(info)) => Some((Kind::Wgpu, info.software)),
            _ => None,
        })
        .collect();
    found.sort_by_key(|(_, software)| *software);
    found.first().map(|(kind, _)| *kind).ok_or_else(|| Error::NoSuchDevice {
        device: "cuda or wgpu".into(),
        reason: "there is no GPU to measure; `zkwatt devices` says why".into(),
    })
}

/// Measures a GPU against the CPU and keeps what `--device auto` decides by.
pub fn run(args: &Args) -> Result<()> {
    match args.kind()? {
        Kind::Cuda => measure(args, &CudaDevice::new(CudaOptions::default())?),
        Kind::Wgpu => {
            let options = WgpuOptions { adapter: args.adapter.clone(), ..WgpuOptions::default() };
            measure(args, &WgpuDevice::new(options)?)
        }
    }
}

fn measure<B: AllOps>(args: &Args, gpu: &B) -> Result<()> {
    let threads = Some(args.threads.unwrap_or_else(available_threads));
    let cpu = CpuDevice::new(CpuOptions { threads, ..CpuOptions::default() })?;
    let spinner = progress::spinner("measuring");
    let sizes = args.sizes(gpu.info().software)?;
    let costs = tuning::tune(&cpu, gpu, sizes, |operation| {
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
    say(format!("kept in {}; --device auto goes by it when it chooses this device", file.display()))
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
