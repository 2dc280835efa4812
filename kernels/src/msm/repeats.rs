//! Sums whose scalars repeat: sorted columns, columns with a default value, running products that stand still.
//!
//! With S_i = P_0 + … + P_i and k_n = 0,
//!
//! ```text
//! Σ kᵢ·Pᵢ = Σ (kᵢ − kᵢ₊₁)·Sᵢ = Σ (kᵢ − c)·Pᵢ + c·S_{n−1},
//! ```
//!
//! so a scalar that equals its neighbour, or a common value c, costs nothing.

use super::Scalars;
use crate::curve::{Affine, CurveField, Xyzz, normalise};
use crate::field::{Arith, Field, Fp, Fr, FrParams, cast_slice};
use crate::parallel;

/// Points of one piece of work.
const CHUNK: usize = 1 << 10;

/// Scalars that are looked at for a common value.
const SAMPLE: usize = 64;

/// S_0, S_1, …. Cost: 28 products a point.
pub(super) fn msm_prefix_sums<F: CurveField>(points: &[Affine<F>]) -> Vec<Affine<F>> {
    let add = |sum: Xyzz<F>, point: &Affine<F>| sum.add_affine(*point);
    let mut carries =
        parallel::map_chunks(points.len(), CHUNK, |range| points[range].iter().fold(Xyzz::IDENTITY, add));
    let mut sum = Xyzz::IDENTITY;
    for carry in &mut carries {
        sum += core::mem::replace(carry, sum);
    }
    let mut sums = vec![Affine::IDENTITY; points.len()];
    parallel::for_each_chunk_mut(&mut sums, CHUNK, |start, out| {
        let mut sum = carries[start / CHUNK];
        let chunk: Vec<_> = points[start..start + out.len()]
            .iter()
            .map(|point| {
                sum = sum.add_affine(*point);
                sum
            })
            .collect();
        normalise(&chunk, out);
    });
    sums
}

/// Other scalars that give the same sum.
pub(super) enum Rewritten {
    /// kᵢ − kᵢ₊₁, over the prefix sums.
    Differences(Vec<Fr>),
    /// kᵢ − c over the bases, and c, over the last prefix sum.
    Offset(Vec<Fr>, Fr),
}

/// The form with the fewest non-zero scalars, where that is less than three quarters of those of the plain one.
///
/// Cost: n comparisons, n subtractions.
pub(super) fn rewrite<A: Arith>(scalars: Scalars<'_>) -> Option<Rewritten> {
    let Scalars::Field(scalars) = scalars else { return None };
    let n = scalars.len();
    let common = most_common_of_sample(scalars)?;
    let counts = parallel::map_chunks(n, CHUNK, |range| {
        let after = (range.end + 1).min(n);
        let changes = scalars[range.start..after].windows(2).filter(|pair| pair[0] != pair[1]).count();
        let scalars = &scalars[range];
        let other_than = |value: Fr| scalars.iter().filter(|s| **s != value).count();
        [other_than(Fr::ZERO), changes, other_than(common)]
    });
    let [plain, changes, uncommon] =
        counts.iter().fold([0; 3], |sum, count| core::array::from_fn(|i| sum[i] + count[i]));
    if 4 * changes.min(uncommon) > 3 * plain {
        return None;
    }
    let own = cast_slice::<Fr, A>(scalars);
    let minus = |subtrahend: &(dyn Fn(usize) -> Fp<FrParams, A> + Sync)| {
        let mut out = vec![Fr::ZERO; n];
        let target = crate::field::cast_slice_mut::<Fr, A>(&mut out);
        parallel::for_each_chunk_mut(target, CHUNK, |start, chunk| {
            for (i, out) in (start..).zip(chunk) {
                *out = own[i] - subtrahend(i);
            }
        });
        out
    };
    Some(if changes < uncommon {
        Rewritten::Differences(minus(&|i| own.get(i + 1).copied().unwrap_or(Fp::ZERO)))
    } else {
        let value = crate::field::cast::<Fr, A>(common);
        Rewritten::Offset(minus(&|_| value), common)
    })
}

/// The most frequent of evenly spaced scalars; `None` if there are fewer than are looked at.
fn most_common_of_sample(scalars: &[Fr]) -> Option<Fr> {
    let step = scalars.len() / SAMPLE;
    let sample: Vec<Fr> = scalars.chunks_exact(step.max(1)).take(SAMPLE).map(|chunk| chunk[0]).collect();
    if step == 0 {
        return None;
    }
    let count = |value: &Fr| sample.iter().filter(|other| *other == value).count();
    sample.iter().max_by_key(|value| count(value)).copied()
}
