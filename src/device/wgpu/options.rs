//! How a device is opened.

use super::shader::LimbForm;
use std::time::Duration;

/// How a [`WgpuDevice`](super::WgpuDevice) works.
#[derive(Clone, Debug, Default)]
pub struct WgpuOptions {
    /// Text that the adapter's name must contain, in any case; the environment variable `ZKWATT_WGPU_ADAPTER` or else the
    /// best adapter if `None`.
    pub adapter: Option<String>,
    /// Form of products; the best that the adapter has if `None`.
    pub form: Option<LimbForm>,
    /// Bound on the device's memory that buffers may take, in bytes. If `None`: for software adapters what the host has
    /// available, for others no bound but the driver's, which WebGPU does not tell.
    pub memory_budget: Option<u64>,
    /// Bound on what a stage sees of one buffer, in bytes, 16 KiB at least; the adapter's if `None`.
    pub max_binding_bytes: Option<u64>,
    /// How long to wait for the device before it is taken for hung; 60 s if `None`.
    pub deadline: Option<Duration>,
    /// Whether to take the time of dispatches by the device's clock, where it has one.
    pub timestamps: bool,
    /// Whether fresh scratch memory is filled with garbage. For tests.
    pub poison: bool,
}

impl WgpuOptions {
    /// The same, with the adapter that the environment names if none is named here.
    pub(super) fn with_environment(self) -> Self {
        let adapter = self.adapter.or_else(|| std::env::var("ZKWATT_WGPU_ADAPTER").ok());
        Self { adapter, ..self }
    }
}
