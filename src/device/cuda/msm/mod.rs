//! Multi-scalar multiplication.
//!
//! Scalars become signed digits; ranks from atomics sort them into buckets; buckets are summed in XYZZ form by one thread
//! a segment, so that heavy ones are many threads' work; rounds of additions in place weigh and sum the buckets; what is
//! left of a row of buckets, c points, goes to the host. Several sums over the same bases are worked on together, scalars
//! in pieces that all add to the same buckets: while one is worked on, the next is uploaded. Downloads: the bit lengths of
//! each piece, and the last points.

mod ahead;
mod finish;
mod plan;
mod run;
mod stages;
mod step;
mod tables;
#[cfg(test)]
mod tests;

pub use plan::CudaMsmPlan;

use super::{CudaBuffer, CudaDevice};
use crate::device::gpu::{Arithmetic, Gpu, scalars_len};
use crate::device::{Backend, Buffer, Group, MsmOps, MsmScalars};
use crate::error::{Error, Result};
use plan::{Room, TablePlan};
use run::Sums;
use zkwatt_kernels::curve::{Affine, Coordinate};
use zkwatt_kernels::msm::BaseHints;

/// Bases on a device.
pub struct CudaBases<F> {
    /// The `n` bases; behind them, level by level, what the table plan says.
    points: CudaBuffer<Affine<F>>,
    n: usize,
    tables: Option<TablePlan>,
    /// Whether any of them is the identity; if not, nobody has to look.
    has_identity: bool,
}

impl<F: Coordinate> CudaBases<F> {
    /// 16-byte vectors of a base that is looked at.
    fn vectors(&self) -> u32 {
        if self.has_identity { size_of::<Affine<F>>() as u32 / 16 } else { 0 }
    }

    /// Number of bases.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Bytes of device memory.
    pub fn bytes(&self) -> u64 {
        (self.points.len() * size_of::<Affine<F>>()) as u64
    }
}

impl<G: Group> MsmOps<G> for CudaDevice {
    type Bases = CudaBases<G::Coordinate>;

    fn prepare(&self, bases: &[Affine<G::Coordinate>]) -> Result<Self::Bases> {
        self.prepare_with_tables(bases, None)
    }

    fn prepare_with(&self, bases: &[Affine<G::Coordinate>], hints: BaseHints) -> Result<Self::Bases> {
        let room = self.msm_room::<G::Coordinate>();
        let points = bases.len() as u64 * room.point_bytes();
        // Sums need memory too.
        let budget = hints.table_bytes.min(room.memory_bytes.saturating_sub(points) / 2);
        self.prepare_with_tables(bases, TablePlan::new(bases.len(), budget, &room))
    }

    fn msm(&self, bases: &Self::Bases, scalars: MsmScalars<'_, Self>) -> Result<Affine<G::Coordinate>> {
        let sums = self.sums(bases, &[scalars], None)?;
        Ok(sums.first().copied().unwrap_or(Affine::IDENTITY))
    }

    fn msm_batch(
        &self,
        bases: &Self::Bases,
        batch: Vec<MsmScalars<'_, Self>>,
    ) -> Result<Vec<Affine<G::Coordinate>>> {
        self.sums(bases, &batch, None)
    }
}

impl CudaDevice {
    fn prepare_with_tables<F: Coordinate>(
        &self,
        bases: &[Affine<F>],
        tables: Option<TablePlan>,
    ) -> Result<CudaBases<F>> {
        if bases.len() >= 1 << 31 {
            return Err(Error::invalid("bases", format!("{} are too many; at most 2^31 − 1", bases.len())));
        }
        let has_identity = bases.iter().any(Affine::is_identity);
        let points = match tables {
            None => self.upload(bases)?,
            Some(plan) => self.tables(bases, plan)?,
        };
        Ok(CudaBases { points, n: bases.len(), tables, has_identity })
    }

    /// Σ kᵢ·Pᵢ for each item; with the `forced` width and levels instead of the planned ones, where given.
    fn sums<F: Coordinate>(
        &self,
        bases: &CudaBases<F>,
        batch: &[MsmScalars<'_, Self>],
        forced: Option<TablePlan>,
    ) -> Result<Vec<Affine<F>>> {
        let longest = batch.iter().map(scalars_len).max().unwrap_or(0);
        if longest > bases.n {
            let (left, right) = ("bases", "scalars");
            return Err(Error::LengthMismatch { left, left_len: bases.n, right, right_len: longest });
        }
        let mut sums = Vec::with_capacity(batch.len());
        for equal in batch.chunk_by(|a, b| scalars_len(a) == scalars_len(b)) {
            Sums { device: self, bases, forced }.of(equal, &mut sums)?;
        }
        Ok(sums.into_iter().map(|sum| sum.to_affine()).collect())
    }

    fn msm_room<F: Coordinate>(&self) -> Room {
        let available = self.budget().available().saturating_sub(self.bytes_in_use());
        Room {
            arithmetic: arithmetic_of::<F>(),
            lanes: u64::from(self.multiprocessors) * LANES,
            // Memory that is used again may be an eighth larger than what was asked for.
            memory_bytes: available - available / 8,
        }
    }
}

/// Threads of 128 registers that a multiprocessor runs at the same time.
const LANES: u64 = 512;

/// Coordinates are of F_q or of F_q²; their sizes tell which.
fn arithmetic_of<F: Coordinate>() -> Arithmetic {
    if size_of::<F>() == size_of::<zkwatt_kernels::Fq>() { Arithmetic::G1 } else { Arithmetic::G2 }
}
