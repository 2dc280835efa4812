//! Any GPU through wgpu: Vulkan, Metal, DX12, WebGPU.
//!
//! Shaders are the WGSL files of `shaders/`, composed by `shader`. A `stage::Stage` is one entry point, `Work` records
//! dispatches of stages and submits them, `memory` holds buffers and their pool. Elements and points have the host's
//! bits, so nothing is converted on the way.

mod adapter;
mod asynchronous;
mod backend;
mod cache;
mod catalogue;
mod clock;
mod context;
mod faults;
mod memory;
mod msm;
mod ntt;
mod options;
mod pipeline;
mod read;
mod recording;
mod shader;
#[cfg(test)]
pub(in crate::device) mod tests;
mod timer;
mod work;

pub use adapter::{AdapterReport, adapters};
#[doc(hidden)]
pub use catalogue::{ShaderText, shaders};
pub use faults::Fault;
pub use memory::WgpuBuffer;
pub use options::WgpuOptions;
pub use recording::Command;
pub use shader::LimbForm;

use super::gpu::Limits;
use super::{DeviceCounters, DeviceInfo, DeviceKind, MemoryBudget};
use crate::error::{Error, Result};
use cache::DiskCache;
use context::Context;
use memory::Pool;
use pipeline::Pipelines;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use timer::Timer;
use work::ParamsPool;

/// A GPU, or software that does as one.
pub struct WgpuDevice {
    info: DeviceInfo,
    adapter: AdapterReport,
    form: LimbForm,
    limits: Limits,
    context: Arc<Context>,
    pool: Arc<Pool>,
    pipelines: Pipelines,
    params: ParamsPool,
    timer: Timer,
    /// Submits that may not be done yet, oldest first.
    in_flight: Mutex<VecDeque<wgpu::SubmissionIndex>>,
    roots: ntt::RootTables,
}

impl Drop for WgpuDevice {
    fn drop(&mut self) {
        if let Some(cache) = &self.pipelines.cache {
            cache.keep(&self.context);
        }
    }
}

/// What is known of an adapter before it is opened, and the memory that buffers may take.
fn described(adapter: &AdapterReport, options: &WgpuOptions) -> (DeviceInfo, MemoryBudget) {
    let budget = match options.memory_budget {
        Some(bytes) => MemoryBudget::bytes(bytes),
        None if adapter.software => MemoryBudget::of_host(),
        None => MemoryBudget::bytes(u64::MAX),
    };
    let info = DeviceInfo {
        kind: DeviceKind::Wgpu,
        name: adapter.name.clone(),
        cpu_path: None,
        threads: 1,
        memory_bytes: budget.available(),
        software: adapter.software,
    };
    (info, budget)
}

/// What is known of the adapter that [`WgpuDevice::new`] would open with these options.
///
/// # Errors
/// As [`WgpuDevice::new`], but for what shows only when a device is opened.
#[cfg(not(target_family = "wasm"))]
pub fn probe(options: WgpuOptions) -> Result<DeviceInfo> {
    let options = options.with_environment();
    let (_, adapter) = read::block_on(adapter::choose(&options))?;
    Ok(described(&adapter, &options).0)
}

/// As [`adapters`], for callers that may block.
#[cfg(not(target_family = "wasm"))]
pub fn adapters_blocking() -> Vec<AdapterReport> {
    read::block_on(adapters())
}

/// Words of a binding are numbered by 32 bits with room to spare.
const MAX_BINDING_BYTES: u64 = 4 << 30;

const DEADLINE: Duration = Duration::from_secs(60);

impl WgpuDevice {
    /// Opens an adapter. Errors: [`Error::NoSuchDevice`] with what was found and why it will not do.
    #[cfg(not(target_family = "wasm"))]
    pub fn new(options: WgpuOptions) -> Result<Self> {
        read::block_on(Self::open(options))
    }

    /// As [`WgpuDevice::new`], for callers that may not block.
    pub async fn open(options: WgpuOptions) -> Result<Self> {
        let options = options.with_environment();
        let (adapter, report) = adapter::choose(&options).await?;
        let offered = adapter.limits();
        let limits = Limits::new(options.max_binding_bytes, report.max_binding_bytes.min(MAX_BINDING_BYTES));
        let needs = adapter::needs();
        // Stages keep to the least that every adapter has; buffers may be as large as this one allows.
        let required_limits = wgpu::Limits {
            max_storage_buffers_per_shader_stage: needs.max_storage_buffers_per_shader_stage,
            max_compute_workgroup_storage_size: needs.max_compute_workgroup_storage_size,
            max_compute_invocations_per_workgroup: needs.max_compute_invocations_per_workgroup,
            max_storage_buffer_binding_size: report.max_binding_bytes,
            ..offered
        };
        let mut wanted = wgpu::Features::SHADER_INT64 | wgpu::Features::PIPELINE_CACHE;
        if options.timestamps {
            wanted |= wgpu::Features::TIMESTAMP_QUERY;
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("zkwatt"),
            required_features: adapter.features() & wanted,
            required_limits,
            ..Default::default()
        };
        let (device, queue) = adapter.request_device(&descriptor).await.map_err(|e| Error::NoSuchDevice {
            device: format!("wgpu ({})", report.name),
            reason: format!("it cannot be opened: {e}"),
        })?;
        let cache = DiskCache::open(&device, &adapter.get_info());
        Ok(Self::over(device, queue, report, cache, limits, &options))
    }

    fn over(
        device: wgpu::Device,
        queue: wgpu::Queue,
        adapter: AdapterReport,
        cache: Option<DiskCache>,
        limits: Limits,
        options: &WgpuOptions,
    ) -> Self {
        let timestamps = device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let timer = Timer::new(timestamps.then(|| queue.get_timestamp_period()));
        let form = options.form.unwrap_or(adapter.form);
        let deadline = options.deadline.unwrap_or(DEADLINE);
        let context = Arc::new(Context::new(device, queue, adapter.name.clone(), deadline));
        let (info, budget) = described(&adapter, options);
        let pool = Arc::new(Pool::new(Arc::clone(&context), budget, options.poison));
        let pipelines = Pipelines::new(Arc::clone(&context), form, cache);
        let params = ParamsPool::new(pipelines.params.clone());
        Self {
            info,
            adapter,
            form,
            limits,
            context,
            pool,
            pipelines,
            params,
            timer,
            roots: ntt::RootTables::default(),
            in_flight: Mutex::default(),
        }
    }

    /// The adapter.
    pub fn adapter(&self) -> &AdapterReport {
        &self.adapter
    }

    /// The form of products.
    pub fn form(&self) -> LimbForm {
        self.form
    }

    /// What the device has done since it was opened.
    pub fn counters(&self) -> DeviceCounters {
        self.context.counters.snapshot()
    }

    /// Bytes of device memory that buffers hold now.
    pub fn bytes_in_use(&self) -> u64 {
        self.pool.in_use()
    }

    /// Gives unused memory back to the driver.
    pub fn trim(&self) {
        self.pool.trim();
    }

    /// Lets a fault strike once, after `occasions` occasions at which it could. For tests.
    #[doc(hidden)]
    pub fn inject(&self, fault: Fault, occasions: u32) {
        self.context.faults.arm(fault, occasions);
    }

    /// Starts to keep all commands. For tests on other implementations of WebGPU; open the device for this, since pipelines
    /// made before have no text.
    #[doc(hidden)]
    pub fn start_recording(&self) {
        self.context.recorder.start();
    }

    /// All commands since [`WgpuDevice::start_recording`].
    #[doc(hidden)]
    pub fn take_recording(&self) -> Vec<Command> {
        self.context.recorder.take()
    }
}
