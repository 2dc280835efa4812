//! Stages `prefix_sum`, `prefix_product` and `divide_by_linear`: recurrences in chunks, level by level.

use super::{FE_BYTES, VectorPieces, part, with_factor};
use crate::device::Buffer;
use crate::device::gpu::Access::ReadWrite;
use crate::device::gpu::{Arithmetic, Gpu, GpuWork, Source, Stage, source};
use crate::error::Result;
use zkwatt_kernels::vector::Scan;
use zkwatt_kernels::{Field, Fr};

/// Elements of one thread, in a row of as many products twice; a level leaves n/32.
const CHUNK: u64 = 32;

const SOURCE: Source = source!("scan");

const fn stage(name: &'static str) -> Stage {
    Stage::new(name, SOURCE)
        .over(Arithmetic::Fr)
        .bind(&[ReadWrite, ReadWrite])
        .constants(&[("CHUNK", CHUNK as u32)])
        .products(CHUNK as u32)
}

/// Folds chunks, and goes over them with what is carried into them.
struct Stages {
    totals: Stage,
    apply: Stage,
}

const SUM: Stages = Stages { totals: stage("prefix_sum_totals"), apply: stage("prefix_sum") };
const PRODUCT: Stages = Stages { totals: stage("prefix_product_totals"), apply: stage("prefix_product") };
const DIVISION: Stages =
    Stages { totals: stage("divide_by_linear_totals"), apply: stage("divide_by_linear") };

/// All stages of this module, for [`catalogue`](crate::device::wgpu::catalogue).
pub(super) const STAGES: &[Stage] =
    &[SUM.totals, SUM.apply, PRODUCT.totals, PRODUCT.apply, DIVISION.totals, DIVISION.apply];

/// What runs through a vector.
#[derive(Copy, Clone)]
pub(super) enum Recurrence {
    /// Sums, upwards.
    Sum(Scan),
    /// Products, upwards.
    Product(Scan),
    /// b ← c + z·b, downwards; places receive the b that comes to them.
    Division(Fr),
}

impl Recurrence {
    fn stages(self) -> Stages {
        match self {
            Self::Sum(_) => SUM,
            Self::Product(_) => PRODUCT,
            Self::Division(_) => DIVISION,
        }
    }

    /// That of the chunks' totals, which tells what is carried into each chunk.
    fn of_totals(self) -> Self {
        match self {
            Self::Sum(_) => Self::Sum(Scan::Exclusive),
            Self::Product(_) => Self::Product(Scan::Exclusive),
            Self::Division(z) => Self::Division(z.pow_vartime(&[CHUNK])),
        }
    }

    /// The total of no elements.
    fn identity(self) -> Fr {
        match self {
            Self::Product(_) => Fr::ONE,
            Self::Sum(_) | Self::Division(_) => Fr::ZERO,
        }
    }

    fn params(self, threads: u64, n: u64, alone: bool) -> [u32; 16] {
        let (scan, z) = match self {
            Self::Sum(scan) | Self::Product(scan) => (scan, Fr::ZERO),
            Self::Division(z) => (Scan::Exclusive, z),
        };
        let words = [threads as u32, n as u32, u32::from(scan == Scan::Inclusive), u32::from(alone)];
        with_factor(words, z)
    }
}

pub(super) trait Recurrences: Gpu + VectorPieces {
    /// Runs the recurrence in place and returns its total.
    async fn run_recurrence(&self, values: &Self::Buf<Fr>, recurrence: Recurrence) -> Result<Fr> {
        let n = values.len() as u64;
        if n == 0 {
            return Ok(recurrence.identity());
        }
        let mut work = self.work()?;
        let total = self.recur(&mut work, Self::raw(values), n, recurrence)?;
        work.submit()?;
        let total = self.read(&total, 0, 1).await?;
        Ok(total.first().copied().unwrap_or(Fr::ZERO))
    }

    /// Records a level and those above it; returns where the total will be.
    fn recur(
        &self,
        work: &mut Self::Work<'_>,
        values: &Self::Memory,
        n: u64,
        recurrence: Recurrence,
    ) -> Result<Self::Memory> {
        let chunks = n.div_ceil(CHUNK);
        let totals = self.scratch(chunks * FE_BYTES)?;
        let stages = recurrence.stages();
        self.dispatch_chunks(work, &stages.totals, values, &totals, n, recurrence)?;
        let total = match chunks {
            1 => totals.clone(),
            _ => self.recur(work, &totals, chunks, recurrence.of_totals())?,
        };
        self.dispatch_chunks(work, &stages.apply, values, &totals, n, recurrence)?;
        Ok(total)
    }

    fn dispatch_chunks(
        &self,
        work: &mut Self::Work<'_>,
        stage: &Stage,
        values: &Self::Memory,
        totals: &Self::Memory,
        n: u64,
        recurrence: Recurrence,
    ) -> Result<()> {
        // Pieces whose totals begin at whole alignments too.
        let piece = (self.piece() / (8 * CHUNK)).max(1) * 8 * CHUNK;
        for start in (0..n).step_by(piece as usize) {
            let len = piece.min(n - start);
            let threads = len.div_ceil(CHUNK);
            let bindings = [part(values, start, len), part(totals, start / CHUNK, threads)];
            let params = recurrence.params(threads, len, n <= CHUNK);
            work.dispatch(stage, &bindings, &params, threads)?;
        }
        Ok(())
    }
}

impl<D: Gpu> Recurrences for D {}
