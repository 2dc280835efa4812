//! Multi-scalar multiplication on the device, over both groups.
//!
//! Scalars become signed digits, digits are sorted into buckets by ranks that atomics hand out, buckets are
//! summed by pair trees of affine additions that share inversions, and weighted sums of buckets by the same
//! additions; what is left of a window, 64 points at most, goes to the host. Windows are worked on in groups
//! of what fits memory and bindings, scalars in pieces. Downloads: the bit lengths of a piece; of a group the
//! sizes of its levels and the last points.

mod adder;
pub(super) mod plan;
mod sort;
#[cfg(test)]
mod tests;

use super::WgpuDevice;
use super::memory::{Raw, WgpuBuffer};
use crate::device::backend::{Backend, Buffer, Group, MsmOps, MsmScalars};
use crate::device::gpu::{
    Arithmetic, Gpu, GpuMemory, ScalarJob, ScalarOps, Stage, scalars_len, window_combine,
};
use crate::error::{Error, Result};
use plan::{Room, WgpuMsmPlan};
use std::ops::Range;
use zkwatt_kernels::curve::{Affine, Coordinate, Xyzz};

/// Bases on a device.
pub struct WgpuBases<F> {
    points: WgpuBuffer<Affine<F>>,
    has_identity: bool,
}

/// One piece of scalars with its bases.
struct Job<'a> {
    room: Room,
    scalars: ScalarJob<'a, Raw>,
}

impl<G: Group> MsmOps<G> for WgpuDevice {
    type Bases = WgpuBases<G::Coordinate>;

    fn prepare(&self, bases: &[Affine<G::Coordinate>]) -> Result<Self::Bases> {
        if bases.len() >= 1 << 31 {
            return Err(Error::invalid("bases", format!("{} are too many; at most 2^31 − 1", bases.len())));
        }
        Ok(WgpuBases { points: self.upload(bases)?, has_identity: bases.iter().any(Affine::is_identity) })
    }

    fn msm(&self, bases: &Self::Bases, scalars: MsmScalars<'_, Self>) -> Result<Affine<G::Coordinate>> {
        self.wait(self.msm_async::<G>(bases, scalars))
    }
}

/// All stages of this module, with typical constants, for [`catalogue`](super::catalogue).
pub(super) const STAGES: &[&[Stage]] = &[sort::STAGES, adder::STAGES];

impl WgpuDevice {
    /// Σ kᵢ·Pᵢ as [`MsmOps::msm`], for callers that may not block.
    pub async fn msm_async<G: Group>(
        &self,
        bases: &WgpuBases<G::Coordinate>,
        scalars: MsmScalars<'_, Self>,
    ) -> Result<Affine<G::Coordinate>> {
        self.msm_with_window_bits(bases, scalars, None).await
    }

    /// As [`WgpuDevice::msm_async`], with a given window width instead of the planned one.
    async fn msm_with_window_bits<F: Coordinate>(
        &self,
        bases: &WgpuBases<F>,
        scalars: MsmScalars<'_, Self>,
        window_bits: Option<u32>,
    ) -> Result<Affine<F>> {
        let n = scalars_len(&scalars);
        if n > bases.points.len() {
            let (left, right) = ("bases", "scalars");
            return Err(Error::LengthMismatch { left, left_len: bases.points.len(), right, right_len: n });
        }
        let piece = self.msm_room::<F>().piece(n);
        let mut sum = Xyzz::IDENTITY;
        for start in (0..n).step_by(piece) {
            let range = start..(start + piece).min(n);
            sum += self.msm_piece(bases, &scalars, range, window_bits).await?;
        }
        Ok(sum.to_affine())
    }

    fn msm_room<F: Coordinate>(&self) -> Room {
        Room {
            arithmetic: arithmetic_of::<F>(),
            binding_bytes: self.limits().max_binding_bytes,
            memory_bytes: self.budget().available().saturating_sub(self.bytes_in_use()),
        }
    }

    async fn msm_piece<F: Coordinate>(
        &self,
        bases: &WgpuBases<F>,
        scalars: &MsmScalars<'_, Self>,
        range: Range<usize>,
        window_bits: Option<u32>,
    ) -> Result<Xyzz<F>> {
        let (start, n) = (range.start as u64, range.len());
        let scalars = self.scalars_on_device(scalars, range)?;
        let room = self.msm_room::<F>();
        let vectors = if bases.has_identity { room.point_bytes() as u32 / 16 } else { 0 };
        let bases = bases.points.raw().range(start * room.point_bytes(), n as u64 * room.point_bytes());
        let job = Job { room, scalars: ScalarJob::new(n, bases, vectors, &scalars) };
        let histogram = self.scalar_bits(&job.scalars).await?;
        let plan = match window_bits {
            None => WgpuMsmPlan::new(&histogram, n, &room),
            Some(c) => WgpuMsmPlan::with_window_bits(&histogram, n, &room, c),
        };
        let mut windows = Vec::with_capacity(plan.windows);
        for group in &plan.groups {
            windows.extend(self.window_sums(&job, &plan, group).await?);
        }
        Ok(window_combine(&windows, plan.window_bits))
    }
}

/// Coordinates are of F_q or of F_q²; their sizes tell which.
fn arithmetic_of<F: Coordinate>() -> Arithmetic {
    if size_of::<F>() == size_of::<zkwatt_kernels::Fq>() { Arithmetic::G1 } else { Arithmetic::G2 }
}
