//! Bases of many MSMs, and what is computed of them once.

use super::batch::BatchAdder;
use super::plan::{BitHistogram, MsmPlan, TablePlan};
use super::repeats::msm_prefix_sums;
use crate::curve::{Affine, Coordinate, CurveField};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{cast_slice, cast_slice_mut, uncast};
use crate::{pages, parallel};

/// What [`MsmBases::with_hints`] may prepare.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseHints {
    /// Scalars often repeat: neighbours are equal, or most of them are.
    pub repeats: bool,
    /// Bytes that tables of multiples may take.
    pub table_bytes: u64,
}

/// Bases of many MSMs, prepared once.
#[derive(Clone, Debug)]
pub struct MsmBases<F> {
    pub(super) plain: BaseSet<F>,
    /// P_0, P_0 + P_1, …, for scalars that repeat.
    pub(super) prefix_sums: Option<BaseSet<F>>,
}

/// Bases with their tables.
#[derive(Clone, Debug)]
pub(super) struct BaseSet<F> {
    /// The `n` bases; behind them, level by level, what the table plan says.
    pub(super) points: Vec<Affine<F>>,
    pub(super) n: usize,
    pub(super) tables: Option<TablePlan>,
    /// Whether any of them is the identity; if not, nobody has to look.
    has_identity: bool,
}

impl<F: Coordinate> MsmBases<F> {
    /// Prepares bases. Identities are allowed and cost nothing later. At most 2^31 − 1 bases.
    pub fn new(points: Vec<Affine<F>>) -> Self {
        Self { plain: BaseSet::new(points), prefix_sums: None }
    }

    /// As [`MsmBases::new`], and computes what makes later sums cheaper; their values are the same.
    ///
    /// Prefix sums double the memory of the bases, for 28 products a base. Tables (their number: [`TablePlan`]) save
    /// about a quarter of sums of full-width scalars, for 7 products a base and bit of a scalar: they pay from about
    /// fifty sums on.
    pub fn with_hints(path: CpuPath, points: Vec<Affine<F>>, hints: BaseHints) -> Self {
        let sets = if hints.repeats { 2 } else { 1 };
        let prefix_sums = hints.repeats.then(|| {
            let sums = with_arith!(path, A => {
                let sums = msm_prefix_sums(cast_slice::<Affine<F>, A>(&points));
                sums.into_iter().map(uncast::<Affine<F>, A>).collect()
            });
            BaseSet::with_tables(path, sums, hints.table_bytes / sets)
        });
        Self { plain: BaseSet::with_tables(path, points, hints.table_bytes / sets), prefix_sums }
    }

    /// The bases.
    pub fn points(&self) -> &[Affine<F>] {
        &self.plain.points[..self.plain.n]
    }

    /// The tables of the bases, if there are any.
    pub fn tables(&self) -> Option<TablePlan> {
        self.plain.tables
    }
}

impl<F: Coordinate> BaseSet<F> {
    fn new(points: Vec<Affine<F>>) -> Self {
        let has_identity = points.iter().any(Affine::is_identity);
        pages::prefer_large(&points);
        Self { n: points.len(), points, tables: None, has_identity }
    }

    fn with_tables(path: CpuPath, points: Vec<Affine<F>>, budget: u64) -> Self {
        let tables = TablePlan::new(points.len(), size_of::<Affine<F>>(), budget);
        let mut set = Self { tables, ..Self::new(points) };
        if let Some(plan) = tables {
            set.points.resize(plan.levels * set.n, Affine::IDENTITY);
            let bits = plan.window_bits * plan.bucket_sets as u32;
            pages::prefer_large(&set.points);
            with_arith!(path, A => fill_levels(cast_slice_mut::<Affine<F>, A>(&mut set.points), set.n, bits));
        }
        set
    }

    #[inline(always)]
    pub(super) fn skips(&self, i: usize) -> bool {
        self.has_identity && self.points[i].is_identity()
    }

    /// The cheapest way for these scalars.
    pub(super) fn plan(&self, histogram: &BitHistogram) -> MsmPlan {
        let point_bytes = size_of::<Affine<F>>();
        let plain = MsmPlan::new(histogram, point_bytes);
        let shared = self.tables.map(|tables| {
            MsmPlan::with_bucket_sets(histogram, point_bytes, tables.window_bits, tables.bucket_sets)
        });
        match shared {
            Some(shared) if shared.products < plain.products => shared,
            _ => plain,
        }
    }
}

/// Points that are doubled together.
const CHUNK: usize = 512;

/// Level j + 1 is 2^`bits` times level j.
fn fill_levels<F: CurveField>(points: &mut [Affine<F>], n: usize, bits: u32) {
    let mut rest = points;
    while rest.len() >= 2 * n && n > 0 {
        let (level, after) = rest.split_at_mut(n);
        parallel::for_each_chunk_mut(&mut after[..n], CHUNK, |start, chunk| {
            chunk.copy_from_slice(&level[start..start + chunk.len()]);
            let mut adder = BatchAdder::default();
            let mut same = chunk.to_vec();
            for _ in 0..bits {
                adder.add_assign(chunk, &same);
                same.copy_from_slice(chunk);
            }
        });
        rest = after;
    }
}
