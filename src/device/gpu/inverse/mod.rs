//! Stage `batch_inverse`, over the scalars and over the coordinates of both groups.

use super::Access::ReadWrite;
use super::{ALIGNMENT, Arithmetic, Gpu, GpuMemory, GpuWork, Source, Stage, source};
use crate::error::Result;

/// Elements of one thread: a level leaves n/16, and all levels together cost 3.2 products an element.
const CHUNK: u64 = 16;

/// At most so many elements are inverted each on its own: one inversion is a chain of some 380 products, and
/// whatever runs beside it is free.
const DIRECT: u64 = 16;
const DIRECT_PRODUCTS: u32 = 380;

/// Elements go through their levels in pieces of at most this size, which bounds the scratch memory.
const PIECE_BYTES: u64 = 64 << 20;

const SOURCE: Source = source!("batch_inverse");
const PRODUCTS: Stage = Stage::new("batch_inverse_products", SOURCE)
    .bind(&[ReadWrite, ReadWrite, ReadWrite])
    .products(CHUNK as u32);
const BACK: Stage = Stage::new("batch_inverse_back", SOURCE)
    .bind(&[ReadWrite, ReadWrite, ReadWrite])
    .products(2 * CHUNK as u32);
const DIRECTLY: Stage = Stage::new("batch_inverse_direct", SOURCE)
    .bind(&[ReadWrite])
    .workgroup(DIRECT as u32)
    .products(DIRECT_PRODUCTS);

/// Bytes of a coordinate.
fn coordinate_bytes(arithmetic: Arithmetic) -> u64 {
    if arithmetic == Arithmetic::G2 { 64 } else { 32 }
}

/// All stages of this module, for [`catalogue`](super::catalogue).
pub(super) const STAGES: &[Stage] = &[
    PRODUCTS.over(Arithmetic::CoordFr),
    PRODUCTS.over(Arithmetic::G1),
    PRODUCTS.over(Arithmetic::G2),
    BACK.over(Arithmetic::CoordFr),
    BACK.over(Arithmetic::G1),
    BACK.over(Arithmetic::G2),
    DIRECTLY.over(Arithmetic::CoordFr),
    DIRECTLY.over(Arithmetic::G1),
    DIRECTLY.over(Arithmetic::G2),
];

/// Stage `batch_inverse`.
pub(crate) trait BatchInverse: Gpu {
    /// vᵢ ← 1/vᵢ for the first `n` elements of `values`, which are coordinates of `arithmetic`; zeros stay
    /// zero.
    fn batch_inverse_raw(
        &self,
        work: &mut Self::Work<'_>,
        arithmetic: Arithmetic,
        values: &Self::Memory,
        n: u64,
    ) -> Result<()> {
        let bytes = coordinate_bytes(arithmetic);
        let piece = PIECE_BYTES.min(self.limits().max_binding_bytes) / ALIGNMENT * ALIGNMENT / bytes;
        let mut start = 0;
        while start < n {
            let len = piece.min(n - start);
            self.invert_piece(work, arithmetic, values, start, len)?;
            start += len;
        }
        Ok(())
    }

    /// The elements start..start + n, which one binding holds.
    fn invert_piece(
        &self,
        work: &mut Self::Work<'_>,
        arithmetic: Arithmetic,
        values: &Self::Memory,
        start: u64,
        n: u64,
    ) -> Result<()> {
        let bytes = coordinate_bytes(arithmetic);
        let binding = values.range(start * bytes, n * bytes);
        if n <= DIRECT {
            return work.dispatch(&DIRECTLY.over(arithmetic), &[binding], &[n as u32], n);
        }
        let threads = n.div_ceil(CHUNK);
        let before = self.scratch(n * bytes)?;
        let totals = self.scratch(threads * bytes)?;
        let bindings = [binding, before.whole(), totals.whole()];
        let sizes = [threads as u32, n as u32];
        work.dispatch(&PRODUCTS.over(arithmetic), &bindings, &sizes, threads)?;
        self.invert_piece(work, arithmetic, &totals, 0, threads)?;
        work.dispatch(&BACK.over(arithmetic), &bindings, &sizes, threads)
    }
}

impl<D: Gpu> BatchInverse for D {}

/// Bytes of scratch memory that [`BatchInverse::batch_inverse_raw`] holds at most.
pub(crate) fn batch_inverse_scratch_bytes(arithmetic: Arithmetic, n: u64) -> u64 {
    let bytes = coordinate_bytes(arithmetic);
    let mut n = n.min(PIECE_BYTES / bytes);
    let mut sum = 0;
    while n > DIRECT {
        let threads = n.div_ceil(CHUNK);
        sum += (n + threads) * bytes;
        n = threads;
    }
    sum
}

#[cfg(test)]
mod tests;
