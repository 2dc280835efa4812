//! Multiples of bases, so that windows share their buckets.

use super::super::kernels::source;
use super::super::{CudaBuffer, CudaDevice};
use super::arithmetic_of;
use super::plan::TablePlan;
use crate::device::gpu::Access::{Read, ReadWrite};
use crate::device::gpu::{BatchInverse, Gpu, GpuMemory, GpuWork, Source, Stage, bytes};
use crate::error::Result;
use zkwatt_kernels::curve::{Affine, Coordinate, Xyzz};

const SOURCE: Source = source("msm_tables");
const DOUBLE: Stage =
    Stage::new("msm_table_double", SOURCE).bind(&[Read, ReadWrite, ReadWrite]).workgroup(128);
const AFFINE: Stage = Stage::new("msm_table_affine", SOURCE).bind(&[Read, Read, ReadWrite]).workgroup(128);

/// Points that are multiplied at the same time: enough for the largest GPU, and 25 MB of G1 in XYZZ form.
const TOGETHER: usize = 1 << 17;

impl CudaDevice {
    /// The bases, and behind them the levels of the plan: level l + 1 is 2^c times level l.
    ///
    /// Cost: 9 products a base, level and bit of a window, and 9 to come back to affine form.
    pub(super) fn tables<F: Coordinate>(
        &self,
        bases: &[Affine<F>],
        plan: TablePlan,
    ) -> Result<CudaBuffer<Affine<F>>> {
        let arithmetic = arithmetic_of::<F>();
        let n = bases.len();
        let points = self.room::<Affine<F>>(n * plan.levels)?;
        let raw = points.raw();
        self.write_bytes(raw, 0, bytes(bases))?;
        let together = n.min(TOGETHER);
        let doubled = self.scratch((together * size_of::<Xyzz<F>>()) as u64)?;
        let inverses = self.scratch((together * size_of::<F>()) as u64)?;
        let of = |first: usize, count: usize| {
            let bytes = size_of::<Affine<F>>();
            raw.range((first * bytes) as u64, (count * bytes) as u64)
        };
        for level in 1..plan.levels {
            for start in (0..n).step_by(TOGETHER) {
                let count = TOGETHER.min(n - start);
                let (from, to) = (of((level - 1) * n + start, count), of(level * n + start, count));
                let mut work = self.work()?;
                let bindings = [from, doubled.whole(), inverses.whole()];
                let params = [count as u32, plan.window_bits];
                work.dispatch(&DOUBLE.over(arithmetic), &bindings, &params, count as u64)?;
                self.batch_inverse_raw(&mut work, arithmetic, &inverses, count as u64)?;
                let bindings = [doubled.whole(), inverses.whole(), to];
                work.dispatch(&AFFINE.over(arithmetic), &bindings, &[count as u32], count as u64)?;
                work.submit()?;
            }
        }
        Ok(points)
    }
}
