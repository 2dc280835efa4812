//! Multi-scalar multiplication: Σ kᵢ·Pᵢ over G1 or G2.
//!
//! Pippenger's bucket method, in the stages `msm_scalar_digits`, `msm_bucket_sort`, `msm_bucket_accumulate`,
//! `msm_bucket_reduce`, `msm_window_combine`, sized by the pure [`MsmPlan`].

mod accumulate;
mod batch;
mod digits;
mod plan;
mod reduce;
mod scalars;

pub use plan::{BLOCK_ENTRIES, BitHistogram, MsmPlan, REDUCE_SEGMENT};
pub use scalars::Scalars;

use crate::curve::{Affine, Coordinate, CurveField, Xyzz};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Arith, Plain, cast_slice, uncast};
use crate::parallel;

/// Bases of many MSMs, prepared once.
#[derive(Clone, Debug)]
pub struct MsmBases<F> {
    points: Vec<Affine<F>>,
    /// Whether any of them is the identity; if not, nobody has to look.
    has_identity: bool,
}

impl<F: Coordinate> MsmBases<F> {
    /// Prepares bases. Identities are allowed and cost nothing later. At most 2^31 − 1 bases.
    pub fn new(points: Vec<Affine<F>>) -> Self {
        let has_identity = points.iter().any(Affine::is_identity);
        Self { points, has_identity }
    }

    /// The bases.
    pub fn points(&self) -> &[Affine<F>] {
        &self.points
    }

    /// The plan that [`msm`] will follow for these scalars.
    pub fn plan(&self, scalars: Scalars<'_>) -> MsmPlan {
        let n = self.points.len().min(scalars.len());
        let (_, histogram) = digits::measure::<Plain>(scalars, n, |i| self.skips(i));
        MsmPlan::new(&histogram, size_of::<Affine<F>>())
    }

    #[inline(always)]
    fn skips(&self, i: usize) -> bool {
        self.has_identity && self.points[i].is_identity()
    }
}

/// Σ kᵢ·Pᵢ.
///
/// Where `bases` and `scalars` differ in length, the shorter counts. Bases may repeat, be each other's opposites or be
/// the identity. Cost: [`MsmPlan::products`]. The result is the same bit for bit for every path and thread count.
pub fn msm<F: Coordinate>(path: CpuPath, bases: &MsmBases<F>, scalars: Scalars<'_>) -> Affine<F> {
    with_arith!(path, A => uncast::<Affine<F>, A>(msm_with::<F, A>(bases, scalars, None)))
}

/// As [`msm`], with a given window width instead of the planned one (2 to 15); for tuning and tests.
pub fn msm_with_window_bits<F: Coordinate>(
    path: CpuPath,
    bases: &MsmBases<F>,
    scalars: Scalars<'_>,
    window_bits: u32,
) -> Affine<F> {
    let c = window_bits.clamp(2, plan::MAX_WINDOW_BITS);
    with_arith!(path, A => uncast::<Affine<F>, A>(msm_with::<F, A>(bases, scalars, Some(c))))
}

/// Several MSMs over the same bases.
pub fn msm_batch<F: Coordinate>(path: CpuPath, bases: &MsmBases<F>, batch: &[Scalars<'_>]) -> Vec<Affine<F>> {
    parallel::map_range(batch.len(), |i| msm(path, bases, batch[i]))
}

/// As [`msm`], as a sum over pieces of `piece` scalars each: less scratch memory, somewhat more work.
pub fn msm_in_pieces<F: Coordinate>(
    path: CpuPath,
    bases: &MsmBases<F>,
    scalars: Scalars<'_>,
    piece: usize,
) -> Affine<F> {
    let n = bases.points.len().min(scalars.len());
    let piece = piece.max(1);
    let sum = (0..n).step_by(piece).fold(Xyzz::IDENTITY, |sum, start| {
        let range = start..(start + piece).min(n);
        let part = with_arith!(path, A => {
            uncast::<Affine<F>, A>(msm_over::<F, A>(bases, range.clone(), scalars.slice(range), None))
        });
        sum.add_affine(part)
    });
    sum.to_affine()
}

fn msm_with<F: Coordinate, A: Arith>(
    bases: &MsmBases<F>,
    scalars: Scalars<'_>,
    window_bits: Option<u32>,
) -> Affine<F::Under<A>> {
    msm_over::<F, A>(bases, 0..bases.points.len().min(scalars.len()), scalars, window_bits)
}

/// The sum over the bases of `range`; scalar 0 belongs to the first of them.
fn msm_over<F: Coordinate, A: Arith>(
    bases: &MsmBases<F>,
    range: core::ops::Range<usize>,
    scalars: Scalars<'_>,
    window_bits: Option<u32>,
) -> Affine<F::Under<A>> {
    let start = range.start;
    let points = cast_slice::<Affine<F>, A>(&bases.points[range]);
    let (magnitudes, histogram) = digits::measure::<A>(scalars, points.len(), |i| bases.skips(start + i));
    let plan = match window_bits {
        None => MsmPlan::new(&histogram, size_of::<Affine<F>>()),
        Some(c) => MsmPlan::with_window_bits(&histogram, size_of::<Affine<F>>(), c),
    };
    run_stages::<A, _>(points, scalars, &magnitudes, &plan)
}

fn run_stages<A: Arith, F: CurveField>(
    points: &[Affine<F>],
    scalars: Scalars<'_>,
    magnitudes: &digits::Magnitudes,
    plan: &MsmPlan,
) -> Affine<F> {
    let digits = digits::msm_scalar_digits::<A>(scalars, magnitudes, plan);
    let window_sums = parallel::map_range(plan.window_scalars.len(), |w| {
        let sorted = digits::msm_bucket_sort(&digits, w, plan.buckets());
        let buckets = accumulate::msm_bucket_accumulate(points, &sorted);
        reduce::msm_bucket_reduce(&buckets)
    });
    reduce::msm_window_combine(&window_sums, plan.window_bits).to_affine()
}
