//! Sensors of NVIDIA GPUs, by NVIDIA's management library (NVML), which is found at run time.

use super::{Meter, Window};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use zkwatt::device::Backend;
use zkwatt::device::cuda::CudaDevice;

/// The energy of one GPU: all of it, whoever uses it, and nothing of the host.
pub struct NvmlMeter {
    gpu: Gpu,
    sensor: Sensor,
    /// Err: why there is none.
    running: Result<Running, String>,
    failure: Option<String>,
}

/// What a GPU has.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Sensor {
    /// Energy since the driver was loaded, from Volta on.
    Counter,
    /// Power, sampled.
    Power,
}

/// A measurement that goes on.
enum Running {
    /// Millijoules when it began.
    Counter(u64),
    Power(Sampler),
}

const IDLE: &str = "no run has begun";

/// Between two samples of power.
const PERIOD: Duration = Duration::from_millis(20);

impl NvmlMeter {
    /// The sensor of this GPU. Err: why its energy cannot be told for certain.
    pub fn of(gpu: &CudaDevice) -> Result<Self, String> {
        if gpu.info().software {
            return Err("an emulated GPU takes no power".into());
        }
        let address = gpu.pci_address().ok_or("CUDA does not say where the GPU is; pass --watts")?;
        Self::open(None, address)
    }

    /// The sensor of the GPU at a PCI address, which CUDA and NVML agree on whatever `CUDA_VISIBLE_DEVICES` hides or
    /// reorders; by the system's library, or by `library`. Err: why there is none.
    pub fn open(library: Option<&Path>, address: &str) -> Result<Self, String> {
        let nvml = match library {
            Some(path) => Nvml::builder().lib_path(path.as_os_str()).init(),
            None => Nvml::init(),
        };
        let nvml = nvml.map_err(|error| match error {
            NvmlError::LibloadingError(_) => "NVIDIA's libnvidia-ml.so.1 (nvml.dll) is not here".into(),
            error => format!("NVML does not start: {error}"),
        })?;
        let gpu = Gpu { nvml: Arc::new(nvml), address: address.into() };
        let sensor = gpu.sensor()?;
        Ok(Self { gpu, sensor, running: Err(IDLE.into()), failure: None })
    }

    fn joules(&mut self) -> Result<f64, String> {
        match std::mem::replace(&mut self.running, Err(IDLE.into()))? {
            Running::Power(sampler) => sampler.joules(),
            Running::Counter(before) => match self.gpu.millijoules()?.checked_sub(before) {
                Some(0) => Err("NVML's energy counter stands still".into()),
                Some(millijoules) => Ok(millijoules as f64 * 1e-3),
                None => Err("NVML's energy counter ran backwards".into()),
            },
        }
    }
}

impl Meter for NvmlMeter {
    fn source(&self) -> String {
        match (&self.failure, self.sensor) {
            (Some(reason), _) => format!("none: {reason}"),
            (None, Sensor::Counter) => "nvml: energy counter, of the GPU alone".into(),
            (None, Sensor::Power) => {
                format!("nvml: power every {} ms, of the GPU alone", PERIOD.as_millis())
            }
        }
    }

    fn begin(&mut self) {
        self.failure = None;
        self.running = match self.sensor {
            Sensor::Counter => self.gpu.millijoules().map(Running::Counter),
            Sensor::Power => Ok(Running::Power(Sampler::start(self.gpu.clone()))),
        };
    }

    fn end(&mut self, _wall_s: f64) -> Option<f64> {
        self.joules().map_err(|reason| self.failure = Some(reason)).ok()
    }

    /// The counter moves every 20 to 100 ms; power is the mean over the last second on most GPUs since Ampere.
    fn window(&self) -> Option<Window> {
        let [settle, measure] = match self.sensor {
            Sensor::Counter => [200, 2000],
            Sensor::Power => [1200, 3000],
        };
        Some(Window { settle: Duration::from_millis(settle), measure: Duration::from_millis(measure) })
    }
}

/// A GPU as NVML knows it.
#[derive(Clone)]
struct Gpu {
    nvml: Arc<Nvml>,
    address: String,
}

impl Gpu {
    fn device(&self) -> Result<Device<'_>, NvmlError> {
        self.nvml.device_by_pci_bus_id(self.address.as_str())
    }

    fn millijoules(&self) -> Result<u64, String> {
        self.device().and_then(|device| device.total_energy_consumption()).map_err(failed)
    }

    fn watts(&self) -> Result<f64, String> {
        let milliwatts = self.device().and_then(|device| device.power_usage()).map_err(failed)?;
        Ok(f64::from(milliwatts) * 1e-3)
    }

    fn sensor(&self) -> Result<Sensor, String> {
        let device =
            self.device().map_err(|e| format!("NVML does not know the GPU at {}: {e}", self.address))?;
        match device.mig_mode().map(|mode| mode.current) {
            // Old GPUs and old drivers have no parts.
            Ok(0) | Err(NvmlError::NotSupported | NvmlError::FailedToLoadSymbol(_)) => (),
            Ok(_) => {
                return Err("the GPU is divided (MIG), and its sensors are of all parts; pass --watts".into());
            }
            Err(error) => return Err(format!("NVML does not say whether the GPU is divided (MIG): {error}")),
        }
        if self.millijoules().is_ok() {
            return Ok(Sensor::Counter);
        }
        match self.watts() {
            Ok(_) => Ok(Sensor::Power),
            Err(reason) => Err(format!("neither energy nor power of the GPU can be read: {reason}")),
        }
    }
}

/// A thread that integrates power until it is told to stop or nobody waits any more.
struct Sampler {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Result<f64, String>>,
}

impl Sampler {
    fn start(gpu: Gpu) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let (mut at, mut watts, mut joules) = (Instant::now(), gpu.watts()?, 0.0);
            loop {
                let goes_on = stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout);
                let (now, sample) = (Instant::now(), gpu.watts()?);
                joules += (now - at).as_secs_f64() * (watts + sample) / 2.0;
                (at, watts) = (now, sample);
                if !goes_on {
                    return Ok(joules);
                }
            }
        });
        Self { stop, thread }
    }

    fn joules(self) -> Result<f64, String> {
        // A thread that has failed listens no more.
        let _ = self.stop.send(());
        self.thread.join().map_err(|_| "the sampling of power broke off".to_owned())?
    }
}

fn failed(error: NvmlError) -> String {
    format!("NVML fails: {error}")
}
