//! Stages `msm_bucket_reduce` and `msm_window_combine`.

use super::batch::BatchAdder;
use super::plan::REDUCE_SEGMENT;
use crate::curve::{Affine, Xyzz};
use crate::field::Field;
use crate::parallel;

/// Segments that one batch of additions advances together: enough to share an inversion, few enough for L2.
const BATCH_SEGMENTS: usize = 256;

/// Fewer buckets than this are summed one by one.
const SMALL: usize = 8 * REDUCE_SEGMENT;

/// Σ (b + 1)·B_b over the buckets of a window.
pub(super) fn msm_bucket_reduce<F: Field>(buckets: &[Affine<F>]) -> Xyzz<F> {
    if buckets.len() < SMALL || !buckets.len().is_multiple_of(REDUCE_SEGMENT) {
        return weighted_sum(buckets.iter().map(|b| Xyzz::from(*b))).0;
    }
    // Segment s holds buckets s·L + j, 0 ≤ j < L:
    //   Σ (b + 1)·B_b = Σ_s W_s + L·Σ_s s·T_s,  W_s = Σ_j (j + 1)·B, T_s = Σ_j B.
    let groups = parallel::map_chunks(buckets.len(), BATCH_SEGMENTS * REDUCE_SEGMENT, |range| {
        segment_sums(&buckets[range])
    });
    let weighted = groups.iter().flat_map(|(w, _)| w).fold(Xyzz::IDENTITY, |sum, w| sum.add_affine(*w));
    // Totals weighted by s: (s + 1)-weights without the first segment.
    let totals: Vec<_> = groups.iter().flat_map(|(_, t)| t).map(|t| Xyzz::from(*t)).collect();
    let mut shifted = weighted_sum(totals[1..].iter().copied()).0;
    for _ in 0..REDUCE_SEGMENT.ilog2() {
        shifted = shifted.double();
    }
    weighted + shifted
}

/// (Σ (i + 1)·P_i, Σ P_i) by running sums from the last to the first.
fn weighted_sum<F: Field>(points: impl DoubleEndedIterator<Item = Xyzz<F>>) -> (Xyzz<F>, Xyzz<F>) {
    points.rev().fold((Xyzz::IDENTITY, Xyzz::IDENTITY), |(weighted, total), point| {
        let total = total + point;
        (weighted + total, total)
    })
}

/// W_s and T_s of each segment, all segments advanced together.
fn segment_sums<F: Field>(buckets: &[Affine<F>]) -> (Vec<Affine<F>>, Vec<Affine<F>>) {
    let segments = buckets.len() / REDUCE_SEGMENT;
    let mut adder = BatchAdder::default();
    // First half: running totals T; second half: weighted sums W, one step behind.
    let mut sums = vec![Affine::IDENTITY; 2 * segments];
    let mut terms = vec![Affine::IDENTITY; 2 * segments];
    for j in (0..REDUCE_SEGMENT).rev() {
        for s in 0..segments {
            terms[s] = buckets[s * REDUCE_SEGMENT + j];
            terms[segments + s] = sums[s];
        }
        adder.add_assign(&mut sums, &terms);
    }
    let (totals, weighted) = sums.split_at_mut(segments);
    adder.add_assign(weighted, totals);
    (weighted.to_vec(), totals.to_vec())
}

/// Σ 2^(c·w)·S_w by Horner's rule.
pub(super) fn msm_window_combine<F: Field>(window_sums: &[Xyzz<F>], window_bits: u32) -> Xyzz<F> {
    window_sums.iter().rev().fold(Xyzz::IDENTITY, |mut acc, sum| {
        for _ in 0..window_bits {
            acc = acc.double();
        }
        acc + *sum
    })
}
