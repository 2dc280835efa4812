//! Options that the bench binaries share.

use crate::energy::{self, Meter};
use crate::environment::available_threads;
use crate::json_lines::Target;
use crate::measure::Plan;
use crate::peers::Peer;
use crate::{device, progress};
use rand_core::RngCore;
use std::time::Duration;
use zkwatt::device::{Device, Operation};
use zkwatt::{Error, Result};

/// Devices to measure on.
#[derive(Copy, Clone, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DeviceArg {
    /// What the library chooses for each operation and size.
    Auto,
    /// This CPU.
    Cpu,
    /// An NVIDIA GPU through CUDA.
    Cuda,
    /// A GPU through WGPU (Vulkan, Metal, DX12).
    Wgpu,
    /// An installed ICICLE.
    Icicle,
}

impl DeviceArg {
    /// The name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Wgpu => "wgpu",
            Self::Icicle => "icicle",
        }
    }
}

/// Groups of an MSM.
#[derive(Copy, Clone, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Group {
    /// Points over F_q.
    G1,
    /// Points over F_q².
    G2,
}

/// Exit codes, as every binary's help ends with them.
pub const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed (also a result that differs from the reference), 2 usage, 3 bad file,
4 no such device, 5 out of memory.";

/// Options of every bench; `P` are the peers that it can name.
#[derive(Clone, Debug, clap::Args)]
pub struct Common<P: clap::ValueEnum + Send + Sync + 'static = Peer> {
    /// Device to measure on; a named one that is missing is an error, never replaced
    #[arg(long, value_enum, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceArg,

    /// Numbers of CPU threads, each measured in turn [default: all]
    #[arg(long, value_delimiter = ',', value_name = "T,…", value_parser = parse_threads)]
    pub threads: Vec<usize>,

    /// Other implementations to measure in the same rounds, on the same input
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PEER,…")]
    pub peers: Vec<P>,

    /// Timed rounds; a median over fewer than 7 is noted as such
    #[arg(long, default_value_t = 7, value_name = "N", value_parser = parse_samples)]
    pub samples: usize,

    /// Seconds of one measurement after which no further round starts (three rounds are always taken)
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS", value_parser = parse_positive)]
    pub budget: f64,

    /// Compare nothing before timing: neither results with an independent implementation, nor kernels with the CPU's
    #[arg(long)]
    pub no_check: bool,

    /// Compare the device with the CPU on random inputs, in one operation of each kind, before anything is measured;
    /// with `--device cuda` that is done without being asked for
    #[arg(long)]
    pub check_kernels: bool,

    /// Power of the device in watts, for joules per run; labelled as yours in all output, and taken instead of a sensor
    #[arg(long, value_name = "W", value_parser = parse_positive)]
    pub watts: Option<f64>,

    /// Also write the measurements as JSON Lines, to a file or (`-`) to standard output
    ///
    /// The file appears under its name only when the run is complete. With `-` the table goes to standard error.
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<Target>,
}

impl<P: clap::ValueEnum + Send + Sync + 'static> Common<P> {
    /// The numbers of threads to measure with.
    pub fn thread_counts(&self) -> Vec<usize> {
        if self.threads.is_empty() { vec![available_threads()] } else { self.threads.clone() }
    }

    /// Opens the device with `threads` CPU threads, and checks its kernels where that is asked for or goes by itself.
    ///
    /// # Errors
    /// As [`device::open`]; [`Error::SelfCheck`] if kernels differ.
    pub fn open(&self, threads: usize) -> Result<Device> {
        let device = device::open(self.device, threads)?;
        if self.checks_kernels() {
            self_check(&device)?;
        }
        Ok(device)
    }

    /// Whether kernels are compared with the CPU's before anything is measured.
    fn checks_kernels(&self) -> bool {
        self.check_kernels || (self.device == DeviceArg::Cuda && !self.no_check)
    }

    /// How long to sample.
    pub fn plan(&self) -> Plan {
        Plan { samples: self.samples, budget: Some(Duration::from_secs_f64(self.budget)) }
    }

    /// The energy meter of runs on a device; without one, of runs on the CPU.
    pub fn meter(&self, device: Option<&Device>) -> Box<dyn Meter> {
        energy::meter(self.watts, device)
    }
}

fn self_check(device: &Device) -> Result<()> {
    if let Device::Cpu(_) = device {
        eprintln!("the CPU is what devices are compared with; --check-kernels did nothing");
        return Ok(());
    }
    let name = device::name(device.info());
    let spinner = progress::spinner(format!("comparing {name} with the CPU"));
    device::compare(device, rand_core::OsRng.next_u64())?;
    spinner.finish_and_clear();
    eprintln!("verified: {name} agrees with the CPU in {} operations", Operation::ALL.len());
    Ok(())
}

impl Common {
    /// Refuses peers that do not have the operation.
    ///
    /// # Errors
    /// Invalid, naming the peers that have it.
    pub fn check_peers(&self, operation: &str, have: &[Peer]) -> Result<()> {
        match self.peers.iter().find(|peer| !have.contains(peer)) {
            None => Ok(()),
            Some(_) if have.is_empty() => {
                Err(Error::invalid("--peers", format!("no peer has {operation}; leave the option out")))
            }
            Some(peer) => {
                let names = have.iter().map(|peer| peer.name()).collect::<Vec<_>>().join(",");
                let reason = format!("{peer} has no {operation} of its own; choose from {names}");
                Err(Error::invalid("--peers", reason))
            }
        }
    }
}

/// `--log-n`, with the bench's own default.
pub fn parse_log_n(text: &str) -> Result<u32, String> {
    match text.trim().parse::<u32>() {
        Ok(log_n @ 1..=28) => Ok(log_n),
        _ => Err("expected a base-two logarithm from 1 to 28".into()),
    }
}

/// A number of threads.
pub fn parse_threads(text: &str) -> Result<usize, String> {
    match text.trim().parse::<usize>() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("expected a number of threads from 1 to 1024".into()),
    }
}

fn parse_samples(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(samples) if samples >= 1 => Ok(samples),
        _ => Err("expected a number of samples, at least 1".into()),
    }
}

/// A positive number of whatever unit.
pub fn parse_positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= 1e6 => Ok(value),
        _ => Err("expected a positive number, at most a million".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        common: Common,
    }

    fn parse(args: &[&str]) -> Result<Common, clap::Error> {
        Cli::try_parse_from([&["bench"], args].concat()).map(|cli| cli.common)
    }

    #[test]
    fn lists_and_defaults() {
        let common = parse(&["--threads", "1,2", "--peers", "arkworks,halo2-axiom", "--json", "-"]).unwrap();
        assert_eq!(common.thread_counts(), [1, 2]);
        assert_eq!(common.peers, [Peer::Arkworks, Peer::Halo2Axiom]);
        assert_eq!(common.json, Some(Target::Stdout));
        let common = parse(&[]).unwrap();
        assert_eq!((common.samples, common.peers.len(), common.no_check), (7, 0, false));
        assert_eq!(common.thread_counts(), [available_threads()]);
    }

    #[test]
    fn cuda_checks_itself() {
        for (args, checks) in [
            (&["--device", "cuda"][..], true),
            (&["--device", "cuda", "--no-check"], false),
            (&["--device", "cuda", "--no-check", "--check-kernels"], true),
            (&["--device", "wgpu"], false),
            (&["--device", "wgpu", "--check-kernels"], true),
        ] {
            assert_eq!(parse(args).unwrap().checks_kernels(), checks, "{args:?}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for args in [
            ["--samples", "0"],
            ["--threads", "0"],
            ["--watts", "-1"],
            ["--watts", "NaN"],
            ["--budget", "1e300"],
            ["--device", "tpu"],
            ["--peers", "unknown"],
            ["--json", ""],
        ] {
            assert_eq!(parse(&args).unwrap_err().exit_code(), 2, "{args:?}");
        }
        assert!(parse_log_n("29").is_err() && parse_log_n("0").is_err());
    }

    #[test]
    fn peers_without_the_operation_are_refused() {
        let common = parse(&["--peers", "halo2-axiom"]).unwrap();
        let error = common.check_peers("MSM", &[Peer::Arkworks, Peer::Halo2curves]).unwrap_err();
        assert!(error.to_string().contains("arkworks,halo2curves"));
        assert!(common.check_peers("NTT", &[Peer::Halo2Axiom]).is_ok());
    }
}
