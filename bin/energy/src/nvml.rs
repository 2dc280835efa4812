//! Sensors of NVIDIA GPUs, by NVIDIA's management library (NVML), which is found at run time.

use crate::clock::Clock;
use crate::conditions::Conditions;
use crate::sensor::{Channel, Sensor, Window};
use nvml_wrapper::enum_wrappers::device::{Clock as Domain, TemperatureSensor};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const MILLI: f64 = 1e-3;

/// Between two samples of power.
const PERIOD: Duration = Duration::from_millis(20);

/// The counter moves every 20 to 100 ms: over ten seconds that is 1 % at most.
const COUNTED: Window = Window::millis(200, 10_000);
/// Power is the mean over the last second on most GPUs since Ampere.
const SAMPLED: Window = Window::millis(1200, 3000);

/// A GPU as NVML knows it.
#[derive(Clone)]
pub struct Gpu {
    nvml: Arc<Nvml>,
    address: String,
}

impl Gpu {
    /// The GPU at a PCI address, which CUDA and NVML agree on whatever `CUDA_VISIBLE_DEVICES` hides or reorders; by the
    /// system's library, or by `library`.
    ///
    /// # Errors
    /// Why NVML cannot be used.
    pub fn open(library: Option<&Path>, address: &str) -> Result<Self, String> {
        let nvml = match library {
            Some(path) => Nvml::builder().lib_path(path.as_os_str()).init().map(Arc::new).map_err(absent),
            None => system().clone(),
        };
        Ok(Self { nvml: nvml?, address: address.into() })
    }

    /// The sensor of this GPU: its energy counter (Volta and newer), else its power. All that it takes, whoever uses it, and
    /// nothing of the host.
    ///
    /// # Errors
    /// Why its energy cannot be told for certain.
    pub fn sensor(&self, clock: &Clock) -> Result<Sensor, String> {
        self.undivided()?;
        let gpu = self.clone();
        let read = move || gpu.device().and_then(|device| device.total_energy_consumption()).map_err(failed);
        let counter = Channel::energy("energy counter", MILLI, None, read);
        let counter = Sensor::open("nvml", "energy counter".into(), vec![counter], COUNTED, clock.clone());
        if counter.is_ok() {
            return counter;
        }
        let gpu = self.clone();
        let read =
            move || gpu.device().and_then(|device| device.power_usage()).map(u64::from).map_err(failed);
        let power = Channel::power("power", MILLI, PERIOD, read);
        let detail = format!("power every {} ms", PERIOD.as_millis());
        Sensor::open("nvml", detail, vec![power], SAMPLED, clock.clone())
            .map_err(|reason| format!("neither energy nor power of the GPU can be read: {reason}"))
    }

    /// Its clock and temperature, where they can be read.
    pub fn conditions(&self) -> Conditions {
        let Ok(device) = self.device() else { return Conditions::default() };
        Conditions {
            clock_mhz: device.clock_info(Domain::SM).ok().map(f64::from),
            temperature_c: device.temperature(TemperatureSensor::Gpu).ok().map(f64::from),
        }
    }

    /// The version of its driver.
    pub fn driver(&self) -> Option<String> {
        self.nvml.sys_driver_version().ok().map(|version| format!("NVIDIA {version}"))
    }

    fn device(&self) -> Result<Device<'_>, NvmlError> {
        self.nvml.device_by_pci_bus_id(self.address.as_str())
    }

    /// Err: the GPU is unknown, or its sensors are those of more than the part that is used.
    fn undivided(&self) -> Result<(), String> {
        let device =
            self.device().map_err(|e| format!("NVML does not know the GPU at {}: {e}", self.address))?;
        match device.mig_mode().map(|mode| mode.current) {
            // Old GPUs and old drivers have no parts.
            Ok(0) | Err(NvmlError::NotSupported | NvmlError::FailedToLoadSymbol(_)) => Ok(()),
            Ok(_) => Err("the GPU is divided (MIG), and its sensors are of all parts".into()),
            Err(error) => {
                Err(format!("NVML does not say whether the GPU is divided (MIG): {}", failed(error)))
            }
        }
    }
}

/// The system's library, opened once.
fn system() -> &'static Result<Arc<Nvml>, String> {
    static SYSTEM: OnceLock<Result<Arc<Nvml>, String>> = OnceLock::new();
    SYSTEM.get_or_init(|| Nvml::init().map(Arc::new).map_err(absent))
}

fn absent(error: NvmlError) -> String {
    match error {
        NvmlError::LibloadingError(_) => "NVIDIA's libnvidia-ml.so.1 (nvml.dll) is not here".into(),
        error => format!("NVML does not start: {error}"),
    }
}

fn failed(error: NvmlError) -> String {
    match error {
        NvmlError::NoPermission => {
            "NVML fails: this user may not read the sensor; run as root, or ask who owns the machine".into()
        }
        NvmlError::GpuLost => "NVML fails: the GPU is lost (it fell off the bus)".into(),
        error => format!("NVML fails: {error}"),
    }
}
