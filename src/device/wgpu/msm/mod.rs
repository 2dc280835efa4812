//! Multi-scalar multiplication on the device, over both groups.
//!
//! Scalars become signed digits, digits are sorted into buckets by ranks that atomics hand out, buckets are
//! summed by pair trees of affine additions that share inversions, and weighted sums of buckets by the same
//! additions; what is left of a window, 64 points at most, goes to the host. Windows are worked on in groups
//! of what fits memory and bindings, scalars in pieces. Downloads: the bit lengths of a piece; of a group the
//! sizes of its levels and the last points.

mod adder;
mod finish;
pub(super) mod plan;
mod sort;
#[cfg(test)]
mod tests;

use super::WgpuDevice;
use super::memory::{Binding, Raw, WgpuBuffer};
use super::stage::Access::{Read, ReadWrite};
use super::stage::{Arithmetic, Source, Stage, source};
use crate::device::backend::{Backend, Buffer, Group, MsmOps, MsmScalars};
use crate::error::{Error, Result};
use plan::{Room, WgpuMsmPlan};
use std::ops::Range;
use zkwatt_kernels::Fr;
use zkwatt_kernels::curve::{Affine, Coordinate, Xyzz};
use zkwatt_kernels::msm::{BitHistogram, Scalars};

const DIGITS: Source = source!("msm_digits");
const SCALAR_BITS: Stage = Stage::new("msm_scalar_bits", DIGITS)
    .over(Arithmetic::Fr)
    .bind(&[Read, Read, ReadWrite])
    .products(SCALARS);
const SCALAR_DIGITS: Stage =
    Stage::new("msm_scalar_digits", DIGITS).over(Arithmetic::Fr).bind(&[Read, Read, ReadWrite]).products(2);

/// Scalars that a thread measures.
const SCALARS: u32 = 8;

/// Bases on a device.
pub struct WgpuBases<F> {
    points: WgpuBuffer<Affine<F>>,
    has_identity: bool,
}

/// One piece of scalars with its bases.
struct Job<'a> {
    room: Room,
    n: usize,
    bases: Binding<'a>,
    scalars: Binding<'a>,
    /// Constants of the stages that read scalars.
    constants: [(&'static str, u32); 2],
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
pub(super) const STAGES: &[&[Stage]] = &[
    &[
        SCALAR_BITS.constants(&[("SCALAR_WORDS", 8), ("BASE_VECTORS", 4), ("WINDOW_BITS", 8)]),
        SCALAR_DIGITS.constants(&[("SCALAR_WORDS", 8), ("BASE_VECTORS", 4), ("WINDOW_BITS", 13)]),
        SCALAR_DIGITS.constants(&[("SCALAR_WORDS", 1), ("BASE_VECTORS", 0), ("WINDOW_BITS", 8)]),
    ],
    sort::STAGES,
    adder::STAGES,
];

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
        let scalars = self.on_device(scalars, range)?;
        let room = self.msm_room::<F>();
        let vectors = if bases.has_identity { room.point_bytes() as u32 / 16 } else { 0 };
        let job = Job {
            room,
            n,
            bases: bases.points.raw().range(start * room.point_bytes(), n as u64 * room.point_bytes()),
            scalars: scalars.binding(n),
            constants: [("SCALAR_WORDS", scalars.words), ("BASE_VECTORS", vectors)],
        };
        let histogram = self.scalar_bits(&job).await?;
        let plan = match window_bits {
            None => WgpuMsmPlan::new(&histogram, n, &room),
            Some(c) => WgpuMsmPlan::with_window_bits(&histogram, n, &room, c),
        };
        let mut windows = Vec::with_capacity(plan.windows);
        for group in &plan.groups {
            windows.extend(self.window_sums(&job, &plan, group).await?);
        }
        Ok(finish::msm_window_combine(&windows, plan.window_bits))
    }

    /// Stage `msm_scalar_bits`. Scalars of identities count as zero.
    async fn scalar_bits(&self, job: &Job<'_>) -> Result<BitHistogram> {
        let lengths = self.scratch(4 * 256)?;
        let threads = (job.n as u64).div_ceil(SCALARS.into());
        let mut work = self.work()?;
        work.clear(&lengths);
        // Digits are not asked for: any width will do.
        let constants = [job.constants[0], job.constants[1], ("WINDOW_BITS", 8)];
        let bindings = [job.scalars, job.bases, lengths.whole()];
        work.dispatch_with(&SCALAR_BITS, &constants, &bindings, &[threads as u32, job.n as u32], threads)?;
        work.submit()?;
        let mut histogram = BitHistogram([0; 256]);
        histogram.0.copy_from_slice(&self.read::<u32>(&lengths, 0, 256).await?);
        Ok(histogram)
    }

    /// The scalars of `range` in device memory, integers widened to whole words.
    fn on_device(&self, scalars: &MsmScalars<'_, Self>, range: Range<usize>) -> Result<DeviceScalars> {
        let host = match scalars {
            MsmScalars::Device(buffer) => {
                let offset = (range.start * size_of::<Fr>()) as u64;
                return Ok(DeviceScalars { raw: buffer.raw().clone(), offset, words: 8 });
            }
            MsmScalars::Host(host) => host.slice(range),
        };
        let (raw, words) = match host {
            Scalars::Field(s) => (self.upload(s)?.raw().clone(), 8),
            Scalars::I8(s) => (self.upload_widened(s)?, 1),
            Scalars::I16(s) => (self.upload_widened(s)?, 1),
            Scalars::I32(s) => (self.upload(s)?.raw().clone(), 1),
            Scalars::I64(s) => (self.upload(s)?.raw().clone(), 2),
            Scalars::I128(s) => (self.upload(s)?.raw().clone(), 4),
        };
        Ok(DeviceScalars { raw, offset: 0, words })
    }

    fn upload_widened<T: Copy + Into<i32>>(&self, scalars: &[T]) -> Result<Raw> {
        let words: Vec<i32> = scalars.iter().map(|k| (*k).into()).collect();
        Ok(self.upload(&words)?.raw().clone())
    }
}

/// Scalars in device memory.
struct DeviceScalars {
    raw: Raw,
    offset: u64,
    words: u32,
}

impl DeviceScalars {
    fn binding(&self, n: usize) -> Binding<'_> {
        self.raw.range(self.offset, n as u64 * 4 * u64::from(self.words))
    }
}

fn scalars_len(scalars: &MsmScalars<'_, WgpuDevice>) -> usize {
    match scalars {
        MsmScalars::Host(host) => host.len(),
        MsmScalars::Device(buffer) => buffer.len(),
    }
}

/// Coordinates are of F_q or of F_q²; their sizes tell which.
fn arithmetic_of<F: Coordinate>() -> Arithmetic {
    if size_of::<F>() == size_of::<zkwatt_kernels::Fq>() { Arithmetic::G1 } else { Arithmetic::G2 }
}
