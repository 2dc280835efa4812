//! Multi-scalar multiplication: Σ kᵢ·Pᵢ over G1 or G2.
//!
//! Pippenger's bucket method, in the stages `msm_scalar_digits`, `msm_bucket_sort`, `msm_bucket_accumulate`,
//! `msm_bucket_reduce`, `msm_window_combine`, sized by the pure [`MsmPlan`].

mod accumulate;
mod bases;
mod batch;
mod digits;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod plan;
mod reduce;
mod repeats;
mod scalars;

pub use bases::{BaseHints, MsmBases};
pub use plan::{BLOCK_ENTRIES, BitHistogram, MsmPlan, REDUCE_SEGMENT, TablePlan, windows_of};
pub use scalars::Scalars;

use crate::curve::{Affine, Coordinate, CurveField, Xyzz};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Arith, Fq, Fr, Plain, cast, cast_slice, uncast};
use crate::parallel;
use bases::BaseSet;
use repeats::Rewritten;

impl<F: Coordinate> MsmBases<F> {
    /// The plan that [`msm`] will follow for these scalars if they do not repeat and it does not cut them into pieces, as it does
    /// with more than 16 MiB of bases on lanes.
    pub fn plan(&self, scalars: Scalars<'_>) -> MsmPlan {
        let n = self.plain.n.min(scalars.len());
        let (_, histogram) = digits::measure::<Plain>(scalars, n, |i| self.plain.skips(i));
        self.plain.plan(&histogram)
    }
}

/// Σ kᵢ·Pᵢ.
///
/// Where `bases` and `scalars` differ in length, the shorter counts. Bases may repeat, be each other's opposites or be
/// the identity. Cost: [`MsmPlan::products`]. For points of the curve the result is the same bit
/// for bit for every path and thread count.
pub fn msm<F: Coordinate>(path: CpuPath, bases: &MsmBases<F>, scalars: Scalars<'_>) -> Affine<F> {
    with_arith!(path, A => uncast::<Affine<F>, A>(msm_with::<F, A>(path, bases, scalars, None)))
}

/// As [`msm`], with a given window width instead of the planned one (2 to 15), without tables; for tuning and tests.
pub fn msm_with_window_bits<F: Coordinate>(
    path: CpuPath,
    bases: &MsmBases<F>,
    scalars: Scalars<'_>,
    window_bits: u32,
) -> Affine<F> {
    let c = window_bits.clamp(2, plan::MAX_WINDOW_BITS);
    with_arith!(path, A => uncast::<Affine<F>, A>(msm_with::<F, A>(path, bases, scalars, Some(c))))
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
    let n = bases.plain.n.min(scalars.len());
    let piece = piece.max(1);
    let sum = (0..n).step_by(piece).fold(Xyzz::IDENTITY, |sum, start| {
        let range = start..(start + piece).min(n);
        let part = with_arith!(path, A => {
            uncast::<Affine<F>, A>(msm_over::<F, A>(path, &bases.plain, range.clone(), scalars.slice(range), None))
        });
        sum.add_affine(part)
    });
    sum.to_affine()
}

fn msm_with<F: Coordinate, A: Arith>(
    path: CpuPath,
    bases: &MsmBases<F>,
    scalars: Scalars<'_>,
    window_bits: Option<u32>,
) -> Affine<F::Under<A>> {
    let n = bases.plain.n.min(scalars.len());
    let scalars = scalars.slice(0..n);
    let over = |set, scalars| msm_over::<F, A>(path, set, 0..n, scalars, window_bits);
    let rewritten = bases.prefix_sums.as_ref().and_then(|sums| Some((sums, repeats::rewrite::<A>(scalars)?)));
    match rewritten {
        None => over(&bases.plain, scalars),
        Some((sums, Rewritten::Differences(differences))) => over(sums, Scalars::Field(&differences)),
        Some((sums, Rewritten::Offset(rest, common))) => {
            let rest = over(&bases.plain, Scalars::Field(&rest));
            // There is a common value only if there are scalars.
            let all = cast::<Affine<F>, A>(sums.points[n - 1]);
            Xyzz::from(all).mul_vartime(&Fr::to_canonical(common)).add_affine(rest).to_affine()
        }
    }
}

/// The sum over the bases of `range`; scalar 0 belongs to the first of them.
fn msm_over<F: Coordinate, A: Arith>(
    path: CpuPath,
    bases: &BaseSet<F>,
    range: core::ops::Range<usize>,
    scalars: Scalars<'_>,
    window_bits: Option<u32>,
) -> Affine<F::Under<A>> {
    let (start, n) = (range.start, range.len());
    let skip = |i: usize| bases.skips(start + i);
    let plan_of = |histogram: &BitHistogram| match window_bits {
        None => bases.plan(histogram),
        Some(c) => MsmPlan::with_window_bits(histogram, size_of::<Affine<F>>(), c),
    };
    let points = &bases.points[start..];
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes() {
        let pieces = n.div_ceil(lanes::PIECE_BYTES / size_of::<Affine<F>>());
        if pieces > 1 && window_bits.is_none() {
            let piece = n.div_ceil(pieces);
            let sum = (0..n).step_by(piece).fold(Xyzz::IDENTITY, |sum, first| {
                let within = first..(first + piece).min(n);
                let range = start + within.start..start + within.end;
                sum.add_affine(msm_over::<F, A>(path, bases, range, scalars.slice(within), None))
            });
            return sum.to_affine();
        }
        let (magnitudes, histogram) = lanes::measure(ifma, scalars, n, skip);
        let plan = plan_of(&histogram);
        if lanes::serves(&plan) {
            let stages = || {
                let digits = lanes::msm_scalar_digits(ifma, scalars, magnitudes, &plan);
                lanes::run_stages(ifma, points, bases.n, &digits, &plan)
            };
            // A product in F_q² is about three.
            let weight = if size_of::<F>() > size_of::<Fq>() { 3 } else { 1 };
            let alone = weight * plan.products < lanes::MIN_SHARED_PRODUCTS;
            return cast::<Affine<F>, A>(if alone { parallel::alone(stages) } else { stages() });
        }
        return run_stages::<A, _>(cast_slice::<Affine<F>, A>(points), bases.n, scalars, magnitudes, &plan);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = path;
    let (magnitudes, histogram) = digits::measure::<A>(scalars, n, skip);
    let plan = plan_of(&histogram);
    run_stages::<A, _>(cast_slice::<Affine<F>, A>(points), bases.n, scalars, magnitudes, &plan)
}

/// `stride`: where the next level of the bases starts.
fn run_stages<A: Arith, F: CurveField>(
    points: &[Affine<F>],
    stride: usize,
    scalars: Scalars<'_>,
    magnitudes: digits::Magnitudes,
    plan: &MsmPlan,
) -> Affine<F> {
    let digits = digits::msm_scalar_digits::<A>(scalars, magnitudes, plan);
    let sums = parallel::map_range(plan.bucket_sets, |set| {
        let sorted = digits::msm_bucket_sort(&digits, set, plan.bucket_sets, stride, plan.buckets());
        let buckets = accumulate::msm_bucket_accumulate(points, &sorted);
        reduce::msm_bucket_reduce(&buckets)
    });
    reduce::msm_window_combine(&sums, plan.window_bits).to_affine()
}
