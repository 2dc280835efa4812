//! NVIDIA GPUs through CUDA's driver.
//!
//! Kernels are the files of `cuda/`, compiled to PTX that is embedded here; nothing of CUDA is needed to build. `driver` has
//! every call of the driver, a `session::Session` is a private context with all that lives in it, [`CudaDevice`] has the
//! session that works now: after a fault that the driver does not recover from it makes another, and what was on the
//! device before is lost. Elements and points have the host's bits, so nothing is converted on the way.

mod adopt;
mod backend;
mod driver;
#[cfg(test)]
mod field_tests;
mod kernels;
mod memory;
mod msm;
mod multi;
mod ntt;
mod options;
#[cfg(test)]
mod point_tests;
mod session;
mod staging;
mod wait;
mod work;

pub use memory::CudaBuffer;
pub use msm::{CudaBases, CudaMsmPlan};
pub use multi::{CudaMulti, MultiBases};
pub use options::CudaOptions;

use super::gpu::Limits;
use super::gpu::counters::Counters;
use super::{DeviceCounters, DeviceInfo, DeviceKind};
use crate::error::{Error, Result};
use driver::{Context, Driver, DriverError, driver};
use ntt::RootTables;
use session::{Session, Settings};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An NVIDIA GPU, or our emulator of one.
pub struct CudaDevice {
    info: DeviceInfo,
    limits: Limits,
    driver: &'static Driver,
    /// `None` where the context is somebody else's, who alone can make another.
    gpu: Option<driver::Gpu>,
    multiprocessors: u32,
    settings: Settings,
    counters: Arc<Counters>,
    /// `None` between a session that failed and the next, for as long as that cannot be made.
    session: Mutex<Option<Arc<Session>>>,
    roots: RootTables,
}

/// A GPU that CUDA sees.
#[derive(Clone, Debug)]
pub struct GpuReport {
    /// Its number, as CUDA counts.
    pub ordinal: u32,
    /// Its model.
    pub name: String,
    /// Compute capability, major and minor.
    pub capability: (i32, i32),
    /// All of its memory, in bytes.
    pub memory_bytes: u64,
    /// Streaming multiprocessors.
    pub multiprocessors: u32,
    /// Its place in the machine, `domain:bus:device.0` in hexadecimal, where CUDA tells it.
    pub pci_address: Option<String>,
    /// Version of CUDA that the driver has, major and minor.
    pub driver: (i32, i32),
    /// Whether it is our emulator.
    pub emulated: bool,
    /// Why it cannot be used, if so.
    pub unusable: Option<String>,
}

/// Oldest compute capability that our PTX is for.
const OLDEST: (i32, i32) = (7, 0);

/// Words of a binding are numbered by 32 bits with room to spare.
const MAX_BINDING_BYTES: u64 = 4 << 30;

const DEADLINE: Duration = Duration::from_secs(60);

fn none(reason: impl Into<String>) -> Error {
    Error::NoSuchDevice { device: "cuda".into(), reason: reason.into() }
}

fn report(driver: &Driver, ordinal: u32, gpu: &driver::Gpu) -> GpuReport {
    let unusable = (gpu.capability < OLDEST).then(|| {
        let ((major, minor), (least, _)) = (gpu.capability, OLDEST);
        format!("its compute capability is {major}.{minor}; {least}.0 (Volta) or newer is needed")
    });
    GpuReport {
        ordinal,
        name: gpu.name.clone(),
        capability: gpu.capability,
        memory_bytes: gpu.memory_bytes,
        multiprocessors: gpu.multiprocessors,
        pci_address: gpu.pci_address.clone(),
        driver: driver.version(),
        emulated: driver.is_emulated(),
        unusable,
    }
}

/// The GPUs that CUDA sees; of those that do not even tell what they are, only the number and [`GpuReport::unusable`] mean
/// anything. Errors: [`Error::NoSuchDevice`] with why there are none.
pub fn gpus() -> Result<Vec<GpuReport>> {
    let driver = driver().map_err(none)?;
    let count = driver.count().map_err(|error| none(format!("the driver counts no GPUs: {error}")))?;
    let gpu = |ordinal: u32| match driver.gpu(ordinal as i32) {
        Ok(gpu) => report(driver, ordinal, &gpu),
        Err(error) => silent(driver, ordinal, error),
    };
    Ok((0..u32::try_from(count).unwrap_or(0)).map(gpu).collect())
}

/// A GPU that does not tell what it is.
fn silent(driver: &Driver, ordinal: u32, error: DriverError) -> GpuReport {
    GpuReport {
        ordinal,
        name: format!("GPU {ordinal}"),
        capability: (0, 0),
        memory_bytes: 0,
        multiprocessors: 0,
        pci_address: None,
        driver: driver.version(),
        emulated: driver.is_emulated(),
        unusable: Some(error.to_string()),
    }
}

/// What is known of the GPU that [`CudaDevice::new`] would open with these options.
///
/// # Errors
/// As [`CudaDevice::new`], but for what shows only when a GPU is opened.
pub fn probe(options: &CudaOptions) -> Result<DeviceInfo> {
    let (driver, gpu) = choose(options)?;
    Ok(described(driver, &gpu, options))
}

fn choose(options: &CudaOptions) -> Result<(&'static Driver, driver::Gpu)> {
    let driver = driver().map_err(none)?;
    let ordinal = options.chosen().map_err(none)?;
    let count = driver.count().map_err(|error| none(format!("the driver counts no GPUs: {error}")))?;
    if count == 0 {
        return Err(none(driver::NO_GPU));
    }
    if i64::from(ordinal) >= i64::from(count) {
        return Err(none(format!("there is no GPU {ordinal}; CUDA counts {count}, from 0 on")));
    }
    let gpu = driver.gpu(ordinal as i32).map_err(|error| none(format!("GPU {ordinal}: {error}")))?;
    match report(driver, ordinal, &gpu).unusable {
        Some(reason) => Err(none(format!("{}: {reason}", gpu.name))),
        None => Ok((driver, gpu)),
    }
}

fn described(driver: &Driver, gpu: &driver::Gpu, options: &CudaOptions) -> DeviceInfo {
    DeviceInfo {
        kind: DeviceKind::Cuda,
        name: gpu.name.clone(),
        cpu_path: None,
        threads: 1,
        memory_bytes: options.memory_budget.unwrap_or(gpu.memory_bytes),
        software: driver.is_emulated(),
    }
}

impl CudaDevice {
    /// Opens a GPU in a context of its own. Errors: [`Error::NoSuchDevice`] with what is missing and what to do;
    /// [`Error::OutOfMemory`] and [`Error::DeviceFailed`] where the GPU is here but does not open.
    pub fn new(options: CudaOptions) -> Result<Self> {
        let (driver, gpu) = choose(&options)?;
        let context = Context::create(driver, &gpu).map_err(|error| not_opened(&gpu, error))?;
        Self::over(driver, context, gpu, true, &options)
    }

    fn over(
        driver: &'static Driver,
        context: Context,
        gpu: driver::Gpu,
        owned: bool,
        options: &CudaOptions,
    ) -> Result<Self> {
        let settings = Settings {
            name: gpu.name.clone(),
            memory_budget: options.memory_budget,
            deadline: options.deadline.unwrap_or(DEADLINE),
            timestamps: options.timestamps,
            poison: options.poison,
        };
        let counters = Arc::<Counters>::default();
        let session = Session::new(driver, context, &settings, Arc::clone(&counters))
            .map_err(|error| not_opened(&gpu, error))?;
        let info =
            DeviceInfo { memory_bytes: session.budget.available(), ..described(driver, &gpu, options) };
        Ok(Self {
            info,
            limits: Limits::new(options.max_binding_bytes, MAX_BINDING_BYTES),
            driver,
            multiprocessors: gpu.multiprocessors,
            gpu: owned.then_some(gpu),
            settings,
            counters,
            session: Mutex::new(Some(Arc::new(session))),
            roots: RootTables::default(),
        })
    }

    /// What the device has done since it was opened.
    pub fn counters(&self) -> DeviceCounters {
        if let Some(session) = self.current()
            && let Ok(entered) = session.enter()
        {
            session.collect_timings(&entered, 0);
        }
        self.counters.snapshot()
    }

    /// As [`GpuReport::pci_address`]; `None` also in somebody else's context.
    pub fn pci_address(&self) -> Option<&str> {
        self.gpu.as_ref()?.pci_address.as_deref()
    }

    /// Gives unused memory back to the driver, and roots of unity that were kept for later transforms.
    pub fn trim(&self) {
        self.roots.clear();
        if let Some(session) = self.current()
            && let Ok(entered) = session.enter()
        {
            session.trim(&entered);
        }
    }

    /// The session that works, a new one if the last has failed.
    fn session(&self) -> Result<Arc<Session>> {
        let mut current = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = &*current {
            // Somebody else's context is not ours to make anew.
            if self.gpu.is_none() || !session.has_failed() {
                return session.check().map(|()| Arc::clone(session));
            }
        }
        // What the lost context holds goes first: the new one finds as much free memory as the old one did.
        self.roots.clear();
        *current = None;
        let session = Arc::new(self.anew()?);
        *current = Some(Arc::clone(&session));
        Ok(session)
    }

    /// A session in a new context.
    fn anew(&self) -> Result<Session> {
        let Some(gpu) = &self.gpu else { return Err(none("its context is somebody else's")) };
        let opened = Context::create(self.driver, gpu).and_then(|context| {
            Session::new(self.driver, context, &self.settings, Arc::clone(&self.counters))
        });
        opened.map_err(|error| match not_opened(gpu, error) {
            Error::OutOfMemory { requested, available, .. } => {
                Error::OutOfMemory { what: REPLACEMENT, requested, available }
            }
            other => other,
        })
    }

    /// The session that there is, whether it works or not.
    fn current(&self) -> Option<Arc<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

const REPLACEMENT: &str = "a context in place of one that failed, whose memory stays until all buffers and bases in it are dropped,";

fn not_opened(gpu: &driver::Gpu, error: DriverError) -> Error {
    match error {
        DriverError(DriverError::OUT_OF_MEMORY) => {
            Error::OutOfMemory { what: "a context on the GPU", requested: 0, available: 0 }
        }
        other => Error::DeviceFailed {
            device: format!("cuda ({})", gpu.name),
            reason: format!("it cannot be opened: {other}"),
        },
    }
}
