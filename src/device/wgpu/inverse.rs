//! Stage `batch_inverse`, over the scalars and over the coordinates of both groups.

use super::WgpuDevice;
use super::memory::Raw;
use super::stage::Access::ReadWrite;
use super::stage::{CoordinateField, Source, Stage};
use super::work::Work;
use crate::error::Result;

/// Elements of one thread: a level leaves n/16, and all levels together cost 3.2 products an element.
const CHUNK: u64 = 16;

/// At most so many elements are inverted each on its own; as one costs some 380 products in a row, whatever
/// runs beside it is free.
const DIRECT: u64 = 16;

/// Elements go through their levels in pieces of this size, which bounds the scratch memory.
const PIECE_BYTES: u64 = 64 << 20;

struct Stages {
    products: Stage,
    back: Stage,
    direct: Stage,
}

const fn stages(field: CoordinateField) -> Stages {
    const fn stage(name: &'static str, field: CoordinateField) -> Stage {
        Stage::new(name, Source::BatchInverse).coordinate(field)
    }
    Stages {
        products: stage("batch_inverse_products", field).bind(&[ReadWrite, ReadWrite, ReadWrite]),
        back: stage("batch_inverse_back", field).bind(&[ReadWrite, ReadWrite, ReadWrite]),
        direct: stage("batch_inverse_direct", field).bind(&[ReadWrite]).workgroup(DIRECT as u32),
    }
}

static FR: Stages = stages(CoordinateField::Fr);
static FQ: Stages = stages(CoordinateField::Fq);
static FQ2: Stages = stages(CoordinateField::Fq2);

impl Stages {
    fn of(field: CoordinateField) -> &'static Self {
        match field {
            CoordinateField::Fr => &FR,
            CoordinateField::Fq => &FQ,
            CoordinateField::Fq2 => &FQ2,
        }
    }
}

/// Bytes of an element.
fn element_bytes(field: CoordinateField) -> u64 {
    match field {
        CoordinateField::Fr | CoordinateField::Fq => 32,
        CoordinateField::Fq2 => 64,
    }
}

impl WgpuDevice {
    /// vᵢ ← 1/vᵢ for the first `n` elements of `values`; zeros stay zero.
    pub(super) fn batch_inverse_raw(
        &self,
        work: &mut Work<'_>,
        field: CoordinateField,
        values: &Raw,
        n: u64,
    ) -> Result<()> {
        let bytes = element_bytes(field);
        let piece = PIECE_BYTES.min(self.limits().max_binding_bytes) / bytes;
        let mut start = 0;
        while start < n {
            let len = piece.min(n - start);
            self.invert_piece(work, field, values, start, len)?;
            start += len;
        }
        Ok(())
    }

    /// The elements start..start + n, which one binding holds.
    fn invert_piece(
        &self,
        work: &mut Work<'_>,
        field: CoordinateField,
        values: &Raw,
        start: u64,
        n: u64,
    ) -> Result<()> {
        let (stages, bytes) = (Stages::of(field), element_bytes(field));
        let binding = values.range(start * bytes, n * bytes);
        if n <= DIRECT {
            return work.dispatch(&stages.direct, &[binding], &[n as u32], n);
        }
        let threads = n.div_ceil(CHUNK);
        let before = self.scratch(n * bytes)?;
        let totals = self.scratch(threads * bytes)?;
        let bindings = [binding, before.whole(), totals.whole()];
        let sizes = [threads as u32, n as u32];
        work.dispatch(&stages.products, &bindings, &sizes, threads)?;
        self.invert_piece(work, field, &totals, 0, threads)?;
        work.dispatch(&stages.back, &bindings, &sizes, threads)
    }
}

/// Bytes of scratch memory that the inversion of `n` elements takes at most, for plans.
pub(super) fn inverse_scratch_bytes(field: CoordinateField, n: u64) -> u64 {
    let bytes = element_bytes(field);
    let mut n = n.min(PIECE_BYTES / bytes);
    let mut sum = 0;
    while n > DIRECT {
        let threads = n.div_ceil(CHUNK);
        sum += (n + threads) * bytes;
        n = threads;
    }
    sum
}
