//! All devices behind one type.

#[cfg(any(feature = "wgpu", feature = "cuda"))]
use super::Costs;
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "icicle"))]
use super::Hybrid;
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "icicle"))]
use super::backend::NttOps;
use super::backend::{Backend, DeviceInfo, DeviceKind};
use super::counters::DeviceCounters;
use super::cpu::{CpuDevice, CpuOptions};
#[cfg(feature = "cuda")]
use super::cuda::{CudaDevice, CudaOptions};
use super::discovery::AutoReport;
#[cfg(feature = "icicle")]
use super::icicle::{IcicleDevice, IcicleOptions};
#[cfg(feature = "wgpu")]
use super::wgpu::{WgpuDevice, WgpuOptions};
use crate::error::{Error, Result};
use std::sync::Arc;
use zkwatt_kernels::Fr;
use zkwatt_kernels::ntt::NttPlan;

/// A device, chosen at run time. Cheap to clone; clones share the device.
#[derive(Clone)]
#[non_exhaustive]
pub enum Device {
    /// This computer's processor.
    Cpu(Arc<CpuDevice>),
    /// A GPU through wgpu.
    #[cfg(feature = "wgpu")]
    Wgpu(Arc<WgpuDevice>),
    /// The CPU and a GPU through wgpu, each operation where it is done sooner.
    #[cfg(feature = "wgpu")]
    HybridWgpu(Arc<Hybrid<WgpuDevice>>),
    /// An NVIDIA GPU through CUDA.
    #[cfg(feature = "cuda")]
    Cuda(Arc<CudaDevice>),
    /// The CPU and an NVIDIA GPU through CUDA, each operation where it is done sooner.
    #[cfg(feature = "cuda")]
    HybridCuda(Arc<Hybrid<CudaDevice>>),
    /// An installed ICICLE for sums and transforms, and the CPU for the rest.
    #[cfg(feature = "icicle")]
    Icicle(Arc<Hybrid<IcicleDevice>>),
}

/// `on_device!(device, d => f(d))` is `f` of the `Arc` of whichever device it is.
macro_rules! on_device {
    ($device:expr, $name:ident => $body:expr) => {
        match $device {
            $crate::device::Device::Cpu($name) => $body,
            #[cfg(feature = "wgpu")]
            $crate::device::Device::Wgpu($name) => $body,
            #[cfg(feature = "wgpu")]
            $crate::device::Device::HybridWgpu($name) => $body,
            #[cfg(feature = "cuda")]
            $crate::device::Device::Cuda($name) => $body,
            #[cfg(feature = "cuda")]
            $crate::device::Device::HybridCuda($name) => $body,
            #[cfg(feature = "icicle")]
            $crate::device::Device::Icicle($name) => $body,
        }
    };
}

/// As `on_device!`, with a shorter way for the CPU, whose memory is the host's.
macro_rules! here_or_there {
    ($device:expr, $cpu:ident => $here:expr, $name:ident => $there:expr) => {
        match $device {
            $crate::device::Device::Cpu($cpu) => $here,
            #[cfg(feature = "wgpu")]
            $crate::device::Device::Wgpu($name) => $there,
            #[cfg(feature = "wgpu")]
            $crate::device::Device::HybridWgpu($name) => $there,
            #[cfg(feature = "cuda")]
            $crate::device::Device::Cuda($name) => $there,
            #[cfg(feature = "cuda")]
            $crate::device::Device::HybridCuda($name) => $there,
            #[cfg(feature = "icicle")]
            $crate::device::Device::Icicle($name) => $there,
        }
    };
}

impl Device {
    /// The CPU with these options.
    pub fn cpu(options: CpuOptions) -> Result<Self> {
        Ok(Self::Cpu(Arc::new(CpuDevice::new(options)?)))
    }

    /// A GPU with these options.
    #[cfg(all(feature = "wgpu", not(target_family = "wasm")))]
    pub fn wgpu(options: WgpuOptions) -> Result<Self> {
        Ok(Self::Wgpu(Arc::new(WgpuDevice::new(options)?)))
    }

    /// An NVIDIA GPU with these options.
    #[cfg(feature = "cuda")]
    pub fn cuda(options: CudaOptions) -> Result<Self> {
        Ok(Self::Cuda(Arc::new(CudaDevice::new(options)?)))
    }

    /// An installed ICICLE for sums and transforms, and the CPU for the rest.
    #[cfg(feature = "icicle")]
    pub fn icicle(options: IcicleOptions, cpu: CpuOptions) -> Result<Self> {
        let (device, cpu) = (IcicleDevice::new(options)?, CpuDevice::new(cpu)?);
        Ok(Self::Icicle(Arc::new(Hybrid::new(Arc::new(cpu), Arc::new(device), IcicleDevice::costs()))))
    }

    /// The device of this kind, or an error that says why there is none. Never another kind.
    pub fn only(kind: DeviceKind) -> Result<Self> {
        match kind {
            DeviceKind::Cpu => Self::cpu(CpuOptions::default()),
            #[cfg(all(feature = "wgpu", not(target_family = "wasm")))]
            DeviceKind::Wgpu => Self::wgpu(WgpuOptions::default()),
            #[cfg(feature = "cuda")]
            DeviceKind::Cuda => Self::cuda(CudaOptions::default()),
            #[cfg(feature = "icicle")]
            DeviceKind::Icicle => Self::icicle(IcicleOptions::default(), CpuOptions::default()),
            #[allow(unreachable_patterns, reason = "all kinds may be built")]
            other => {
                Err(Error::NoSuchDevice { device: other.name().into(), reason: not_built(other).into() })
            }
        }
    }

    /// The fastest device here, and what was considered: the CPU, or where there is a GPU both of them, with the
    /// [stored costs](super::tuning) or else those of [`Costs::of_a_gpu`]. Software that does as a GPU is not chosen.
    pub fn auto() -> Result<(Self, AutoReport)> {
        Self::auto_with(CpuOptions::default())
    }

    /// As [`Device::auto`], with options for the CPU. A GPU takes the time of its work, where it can.
    pub fn auto_with(cpu: CpuOptions) -> Result<(Self, AutoReport)> {
        let cpu = Arc::new(CpuDevice::new(cpu)?);
        let mut candidates = super::discover();
        for candidate in &mut candidates {
            if candidate.status.as_ref().is_ok_and(|info| info.software) {
                candidate.status = Err("it is software on this CPU; ask for it by name to use it".into());
            }
            if candidate.status.is_err() {
                continue;
            }
            match Self::beside(candidate.kind, &cpu) {
                None if candidate.kind == DeviceKind::Icicle => {
                    candidate.status = Err("it is here, and used only where it is asked for by name".into());
                }
                None => (),
                Some(Ok(device)) => return Ok((device, AutoReport { chosen: candidate.kind, candidates })),
                Some(Err(error)) => candidate.status = Err(error.to_string()),
            }
        }
        Ok((Self::Cpu(cpu), AutoReport { chosen: DeviceKind::Cpu, candidates }))
    }

    /// The CPU with a device of another kind; `None` for kinds that it does not work beside.
    fn beside(kind: DeviceKind, cpu: &Arc<CpuDevice>) -> Option<Result<Self>> {
        let _ = cpu;
        match kind {
            #[cfg(feature = "cuda")]
            DeviceKind::Cuda => {
                let options = CudaOptions { timestamps: true, ..CudaOptions::default() };
                Some(CudaDevice::new(options).map(|device| Self::HybridCuda(hybrid(cpu, device))))
            }
            #[cfg(all(feature = "wgpu", not(target_family = "wasm")))]
            DeviceKind::Wgpu => {
                let options = WgpuOptions { timestamps: true, ..WgpuOptions::default() };
                Some(WgpuDevice::new(options).map(|device| Self::HybridWgpu(hybrid(cpu, device))))
            }
            _ => None,
        }
    }

    /// What is known of the device.
    pub fn info(&self) -> &DeviceInfo {
        on_device!(self, device => device.info())
    }

    /// What the device has done since it was opened; `None` for the CPU, which moves nothing.
    pub fn counters(&self) -> Option<DeviceCounters> {
        match self {
            Self::Cpu(_) => None,
            #[cfg(feature = "wgpu")]
            Self::Wgpu(device) => Some(device.counters()),
            #[cfg(feature = "wgpu")]
            Self::HybridWgpu(device) => Some(device.device().counters()),
            #[cfg(feature = "cuda")]
            Self::Cuda(device) => Some(device.counters()),
            #[cfg(feature = "cuda")]
            Self::HybridCuda(device) => Some(device.device().counters()),
            #[cfg(feature = "icicle")]
            Self::Icicle(device) => Some(device.device().counters()),
        }
    }

    pub(crate) fn ntt_in_place(&self, data: &mut [Fr], plan: &NttPlan) -> Result<()> {
        here_or_there!(self,
            cpu => cpu.ntt_in_place(data, plan),
            device => in_place(&**device, data, |buffer| device.ntt(buffer, plan)))
    }
}

/// Both, with the [stored costs](super::tuning) or else those of [`Costs::of_a_gpu`].
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn hybrid<B: Backend>(cpu: &Arc<CpuDevice>, device: B) -> Arc<Hybrid<B>> {
    let costs = super::tuning::stored(device.info()).unwrap_or_else(|| Costs::of_a_gpu(cpu.info().threads));
    Arc::new(Hybrid::new(Arc::clone(cpu), Arc::new(device), costs))
}

/// Work on host data where the device is: there and back. The data are unchanged if it fails.
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "icicle"))]
pub(crate) fn in_place<B: Backend, R>(
    device: &B,
    data: &mut [Fr],
    work: impl FnOnce(&mut B::Buf<Fr>) -> Result<R>,
) -> Result<R> {
    let mut buffer = device.upload(data)?;
    let value = work(&mut buffer)?;
    data.copy_from_slice(&device.download_blocking(&buffer)?);
    Ok(value)
}

/// Why this version has no such device.
pub(super) fn not_built(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Cpu => "",
        DeviceKind::Cuda => "zkwatt was built without feature `cuda`; use `cpu`",
        DeviceKind::Wgpu => "zkwatt was built without feature `wgpu`; use `cpu`",
        DeviceKind::Icicle => "zkwatt was built without feature `icicle`; use `cpu`",
    }
}
