//! Exclusive prefix sums of 32-bit numbers.

use super::Access::{Read, ReadWrite};
use super::pieces::{PIECE_UNIT, elements, pieces};
use super::{Gpu, GpuWork, Stage, source};
use crate::error::Result;

/// Numbers that a workgroup sums: four a thread.
const TILE: usize = PIECE_UNIT;
const WORKGROUP: u32 = TILE as u32 / 4;

const TILES: Stage =
    Stage::new("scan_u32_tiles", source!("scan_u32")).bind(&[ReadWrite, ReadWrite]).workgroup(WORKGROUP);
const ADD: Stage =
    Stage::new("scan_u32_add", source!("scan_u32")).bind(&[ReadWrite, Read]).workgroup(WORKGROUP);

/// All stages of this module, for [`catalogue`](super::catalogue).
pub(super) const STAGES: &[Stage] = &[TILES, ADD];

/// Stage `scan_u32`.
pub(crate) trait ScanU32: Gpu {
    /// data_i ← Σ_{j < i} data_j mod 2^32 for i in 0..=n: slot n gets the total, so `data` has n + 1 slots.
    ///
    /// Cost: 4 accesses of 4 bytes a number, and some 2·log₁₀₂₄ n dispatches.
    fn scan_u32(&self, work: &mut Self::Work<'_>, data: &Self::Memory, n: usize) -> Result<()> {
        let slots = n + 1;
        let tiles = slots.div_ceil(TILE);
        let totals = self.scratch((tiles as u64 + 1) * 4)?;
        let limit = self.limits().max_binding_bytes;
        for piece in pieces(slots, 4, limit) {
            let bindings = [piece.of::<u32, _>(data), elements::<u32, _>(&totals, 0, tiles)];
            let threads = piece.len.div_ceil(4);
            let values = piece.len.min(n - piece.first);
            let params = [threads, values, piece.len, piece.first / TILE].map(|x| x as u32);
            work.dispatch(&TILES, &bindings, &params, threads as u64)?;
        }
        if tiles == 1 {
            return Ok(());
        }
        self.scan_u32(work, &totals, tiles)?;
        for piece in pieces(slots, 4, limit) {
            let bindings = [piece.of::<u32, _>(data), elements::<u32, _>(&totals, 0, tiles)];
            let params = [piece.len as u32, (piece.first / TILE) as u32];
            work.dispatch(&ADD, &bindings, &params, piece.len as u64)?;
        }
        Ok(())
    }
}

impl<D: Gpu> ScanU32 for D {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::gpu::testing::on_every_gpu;

    on_every_gpu! {
        sums_of_any_length with [None];
    }

    fn sums_of_any_length<D: Gpu>(device: &D) {
        for n in [0usize, 1, 2, 3, 1022, 1023, 1024, 1025, 4000, (1 << 20) - 1, (1 << 20) + 5] {
            let mut data: Vec<u32> =
                (0..n as u32).map(|i| i.wrapping_mul(2_654_435_761) >> (i % 32)).collect();
            data.push(77);
            let buffer = device.upload(&data).unwrap();
            let mut work = device.work().unwrap();
            device.scan_u32(&mut work, D::raw(&buffer), n).unwrap();
            work.submit().unwrap();
            let mut sum = 0u32;
            for value in &mut data {
                sum = sum.wrapping_add(std::mem::replace(value, sum));
            }
            assert!(device.download_blocking(&buffer).unwrap() == data, "{n}");
        }
    }
}
