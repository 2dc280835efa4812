//! Which devices are here.

use super::backend::{Backend, DeviceInfo, DeviceKind};
use super::cpu::{CpuDevice, CpuOptions};
#[cfg(feature = "cuda")]
use super::cuda::{self, CudaOptions};
use super::facade::not_built;
#[cfg(feature = "icicle")]
use super::icicle::{self, IcicleOptions};
#[cfg(all(feature = "wgpu", not(target_family = "wasm")))]
use super::wgpu::{self, WgpuOptions};
use std::fmt;

/// A device that was looked for.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its kind.
    pub kind: DeviceKind,
    /// What was found, or why it cannot be used or was not chosen.
    pub status: Result<DeviceInfo, String>,
}

/// What [`Device::auto`](super::Device::auto) chose and why.
#[derive(Clone, Debug)]
pub struct AutoReport {
    /// The chosen kind.
    pub chosen: DeviceKind,
    /// Everything that was considered, in order of preference; usable ones beside the chosen one help it.
    pub candidates: Vec<Candidate>,
}

impl fmt::Display for AutoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for candidate in &self.candidates {
            match &candidate.status {
                Ok(info) if candidate.kind == self.chosen => {
                    writeln!(f, "{}: chosen ({})", candidate.kind, info.name)?
                }
                Ok(info) => writeln!(f, "{}: for what it does sooner ({})", candidate.kind, info.name)?,
                Err(reason) => writeln!(f, "{}: not chosen: {reason}", candidate.kind)?,
            }
        }
        Ok(())
    }
}

/// Looks for every kind of device, fastest first.
pub fn discover() -> Vec<Candidate> {
    [DeviceKind::Cuda, DeviceKind::Icicle, DeviceKind::Wgpu, DeviceKind::Cpu]
        .map(|kind| {
            let status = match kind {
                DeviceKind::Cpu => CpuDevice::new(CpuOptions::default())
                    .map(|device| device.info().clone())
                    .map_err(|e| e.to_string()),
                #[cfg(all(feature = "wgpu", not(target_family = "wasm")))]
                DeviceKind::Wgpu => wgpu::probe(WgpuOptions::default()).map_err(|e| e.to_string()),
                #[cfg(feature = "cuda")]
                DeviceKind::Cuda => cuda::probe(&CudaOptions::default()).map_err(|e| e.to_string()),
                #[cfg(feature = "icicle")]
                DeviceKind::Icicle => icicle::probe(&IcicleOptions::default()).map_err(|e| e.to_string()),
                #[allow(unreachable_patterns, reason = "all kinds may be built")]
                other => Err(not_built(other).to_string()),
            };
            Candidate { kind, status }
        })
        .into()
}
