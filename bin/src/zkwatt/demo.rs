//! The demonstration: every embedded model, every device found, a table.

mod measure;
mod show;

use crate::console::{note, say, warn};
use std::io::Write;
use std::path::PathBuf;
use zkwatt::device::{Device, discover};
use zkwatt::mlp::accuracy;
use zkwatt::{Error, Result};
use zkwatt_harness::args::{DeviceArg, parse_threads};
use zkwatt_harness::environment::available_threads;
use zkwatt_harness::json_lines::{Target, Writer};
use zkwatt_harness::models::{self, LoadOptions, LoadedModel, TrainedOn, embedded};
use zkwatt_harness::{device, progress};

/// The digit that is shown, of the embedded ones.
const SHOWN_DIGIT: usize = 42;

/// Options of the demonstration.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Models to prove; by default every embedded one that was trained on digits
    #[arg(long, value_delimiter = ',', value_name = "MODEL,…")]
    model: Vec<String>,

    /// Directory of CIFAR-10's binary batches, for models of 3072 inputs
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Proofs of each model, each of another digit
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    digits: u32,

    /// Device to prove on; `auto` takes every device found
    #[arg(long, value_enum, default_value = "auto", value_name = "DEVICE")]
    device: DeviceArg,

    /// CPU threads [default: all]
    #[arg(long, value_name = "T", value_parser = parse_threads)]
    threads: Option<usize>,

    /// Also write a measurement a model and device as JSON Lines, to a file or (`-`) to standard output
    #[arg(long, value_name = "FILE|-")]
    json: Option<Target>,
}

/// Where text goes: with `--json -`, standard output is for records.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Text {
    Stdout,
    Stderr,
}

impl Text {
    fn say(self, text: impl AsRef<str>) -> Result<()> {
        match self {
            Self::Stdout => say(text),
            Self::Stderr => {
                writeln!(std::io::stderr(), "{}", text.as_ref()).map_err(|e| Error::io("standard error", e))
            }
        }
    }
}

/// Runs the demonstration.
pub fn run(args: &Args) -> Result<()> {
    let threads = args.threads.unwrap_or_else(available_threads);
    let devices = open_devices(args.device, threads)?;
    let names: Vec<String> = if args.model.is_empty() {
        let of_digits = embedded().iter().filter(|entry| entry.trained_on() == TrainedOn::Mnist);
        of_digits.map(|entry| entry.name.clone()).collect()
    } else {
        args.model.clone()
    };
    let mut writer = args.json.as_ref().map(Writer::open).transpose()?;
    let text = if args.json == Some(Target::Stdout) { Text::Stderr } else { Text::Stdout };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|e| Error::invalid("--threads", e.to_string()))?;

    text.say(show::heading())?;
    let options = LoadOptions { data: args.data.as_deref(), ..LoadOptions::default() };
    let mut summary = show::Summary::default();
    for (m, name) in names.iter().enumerate() {
        let spinner = progress::spinner(format!("{name}: quantising"));
        let mut loaded = pool.install(|| models::load(name, &options))?;
        let notes = std::mem::take(&mut loaded.notes);
        if m == 0
            && let Some(picture) = show::picture(&loaded, SHOWN_DIGIT)?
        {
            spinner.suspend(|| text.say(picture))?;
        }
        spinner.set_message(format!("{name}: classifying"));
        let accuracy = pool.install(|| accuracy_of(&loaded))?;
        notes.into_iter().for_each(|note| summary.note(note));
        for device in &devices {
            let run = pool.install(|| {
                measure::prove(device, threads, &loaded, accuracy.as_ref(), args.digits as usize, &spinner)
            })?;
            spinner.suspend(|| text.say(run.line()))?;
            if let Some(writer) = &mut writer {
                writer.write(&run.record)?;
            }
            summary.add(run, accuracy.as_ref());
        }
        spinner.finish_and_clear();
    }
    text.say(summary.render())?;
    writer.map_or(Ok(()), Writer::finish)
}

fn open_devices(wanted: DeviceArg, threads: usize) -> Result<Vec<Device>> {
    if wanted != DeviceArg::Auto {
        return Ok(vec![device::open(wanted, threads)?]);
    }
    let mut devices = Vec::new();
    for candidate in discover() {
        let Ok(info) = &candidate.status else { continue };
        if info.software {
            note(format!(
                "{} is left out: it is software on this CPU; --device {} uses it",
                info.name, candidate.kind
            ));
            continue;
        }
        let arg = [DeviceArg::Cpu, DeviceArg::Cuda, DeviceArg::Wgpu, DeviceArg::Icicle]
            .into_iter()
            .find(|arg| arg.name() == candidate.kind.name());
        match arg.map(|arg| device::open(arg, threads)) {
            Some(Ok(device)) => devices.push(device),
            Some(Err(error)) => warn(error.to_string()),
            None => {}
        }
    }
    if devices.is_empty() {
        let reason = "no device was found; `zkwatt devices` says why".into();
        return Err(Error::NoSuchDevice { device: "auto".into(), reason });
    }
    Ok(devices)
}

/// Accuracy of both forms over the best set that is there.
fn accuracy_of(loaded: &LoadedModel) -> Result<Option<zkwatt::mlp::AccuracyReport>> {
    match (&loaded.model, loaded.accuracy_set()) {
        (Some(model), Some(images)) => accuracy(model, &loaded.quantised, images).map(Some),
        _ => Ok(None),
    }
}
