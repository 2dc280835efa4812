//! How a device is opened.

use std::time::Duration;

/// How a [`CudaDevice`](super::CudaDevice) works.
#[derive(Clone, Debug, Default)]
pub struct CudaOptions {
    /// Number of the GPU, as CUDA counts those that `CUDA_VISIBLE_DEVICES` shows; the environment variable
    /// `ZKWATT_CUDA_DEVICE` or else 0 if `None`.
    pub ordinal: Option<u32>,
    /// Bound on the device's memory that buffers may take, in bytes; what is free when the device is opened if `None`.
    pub memory_budget: Option<u64>,
    /// Bound on what a stage sees of one buffer, in bytes, 16 KiB at least; 4 GiB if `None`.
    pub max_binding_bytes: Option<u64>,
    /// How long to wait while the device finishes nothing, whoever gave it the work, before it is taken for hung; 60 s if
    /// `None`.
    pub deadline: Option<Duration>,
    /// Whether to take the time of work by the device's clock.
    pub timestamps: bool,
    /// Whether fresh memory is filled with garbage, and no longer than what is asked for. For tests.
    pub poison: bool,
}

impl CudaOptions {
    /// The number of the GPU. Err: what the environment says and is no number.
    pub(super) fn chosen(&self) -> Result<u32, String> {
        match (self.ordinal, std::env::var("ZKWATT_CUDA_DEVICE")) {
            (Some(ordinal), _) => Ok(ordinal),
            (None, Ok(text)) => text
                .trim()
                .parse()
                .map_err(|_| format!("ZKWATT_CUDA_DEVICE is `{text}`, which is no number of a GPU")),
            (None, Err(_)) => Ok(0),
        }
    }
}
