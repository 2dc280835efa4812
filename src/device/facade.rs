//! All devices behind one type.

use super::backend::{Backend, DeviceInfo, DeviceKind, Group, MsmOps, MsmScalars};
use super::cpu::{CpuDevice, CpuOptions};
use super::discovery::{AutoReport, Candidate};
use crate::error::{Error, Result};
use std::sync::Arc;
use zkwatt_kernels::Fr;
use zkwatt_kernels::curve::Affine;
use zkwatt_kernels::msm::{MsmBases, Scalars};
use zkwatt_kernels::ntt::NttPlan;

/// A device, chosen at run time. Cheap to clone; clones share the device.
#[derive(Clone)]
#[non_exhaustive]
pub enum Device {
    /// This computer's processor.
    Cpu(Arc<CpuDevice>),
}

/// Bases that a [`Device`] holds.
#[non_exhaustive]
pub enum PreparedBases<G: Group> {
    /// In host memory.
    Cpu(MsmBases<G::Coordinate>),
}

impl Device {
    /// The CPU with these options.
    pub fn cpu(options: CpuOptions) -> Result<Self> {
        Ok(Self::Cpu(Arc::new(CpuDevice::new(options)?)))
    }

    /// The device of this kind, or an error that says why there is none. Never another kind.
    pub fn only(kind: DeviceKind) -> Result<Self> {
        match kind {
            DeviceKind::Cpu => Self::cpu(CpuOptions::default()),
            other => {
                Err(Error::NoSuchDevice { device: other.name().into(), reason: not_built(other).into() })
            }
        }
    }

    /// The fastest device here, and what was considered.
    pub fn auto() -> Result<(Self, AutoReport)> {
        let mut chosen = None;
        let candidates = super::discover()
            .into_iter()
            .map(|found| {
                let verdict = match found.status {
                    Err(reason) => Err(reason),
                    Ok(_) if chosen.is_some() => Err("slower than the chosen device".into()),
                    Ok(info) => {
                        chosen = Some(found.kind);
                        Ok(info)
                    }
                };
                Candidate { kind: found.kind, status: verdict }
            })
            .collect();
        let kind = chosen.unwrap_or(DeviceKind::Cpu);
        Ok((Self::only(kind)?, AutoReport { chosen: kind, candidates }))
    }

    /// What is known of the device.
    pub fn info(&self) -> &DeviceInfo {
        match self {
            Self::Cpu(device) => device.info(),
        }
    }

    pub(crate) fn prepare<G: Group>(&self, bases: &[Affine<G::Coordinate>]) -> Result<PreparedBases<G>> {
        match self {
            Self::Cpu(device) => Ok(PreparedBases::Cpu(MsmOps::<G>::prepare(&**device, bases)?)),
        }
    }

    pub(crate) fn msm<G: Group>(
        &self,
        bases: &PreparedBases<G>,
        scalars: Scalars<'_>,
    ) -> Result<Affine<G::Coordinate>> {
        match (self, bases) {
            (Self::Cpu(device), PreparedBases::Cpu(bases)) => {
                MsmOps::<G>::msm(&**device, bases, MsmScalars::Host(scalars))
            }
        }
    }

    pub(crate) fn ntt(&self, data: &mut [Fr], plan: &NttPlan) -> Result<()> {
        match self {
            Self::Cpu(device) => device.ntt_in_place(data, plan),
        }
    }
}

/// Why this version has no such device.
pub(super) fn not_built(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Cpu => "",
        DeviceKind::Cuda => "this version of zkwatt has no CUDA backend yet; use `cpu`",
        DeviceKind::Wgpu => "this version of zkwatt has no WGPU backend yet; use `cpu`",
        DeviceKind::Icicle => "this version of zkwatt has no ICICLE backend yet; use `cpu`",
    }
}
