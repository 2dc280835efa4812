//! What the host does of an MSM: the last points of each window, and the windows.

use zkwatt_kernels::curve::{Affine, Xyzz};
use zkwatt_kernels::field::Field;

/// Σ (i + 1)·D_i of one window, from what `rounds` rounds of `msm_bucket_reduce` leave: `trees`\[l\] for l <
/// `rounds` sums to O_l, and the last tree holds A_j, where the sum is 2^rounds·Σ (j + 1)·A_j − Σ 2^l·O_l.
pub(crate) fn window_sum<'a, F: Field>(trees: impl DoubleEndedIterator<Item = &'a [Affine<F>]>) -> Xyzz<F> {
    let mut trees = trees.rev();
    let weighted = trees.next().map_or(Xyzz::IDENTITY, weighted_sum);
    trees.fold(weighted, |sum, evens| {
        let evens = evens.iter().fold(Xyzz::IDENTITY, |sum, point| sum.add_affine(*point));
        sum.double() + -evens
    })
}

/// Σ (j + 1)·A_j by running sums from the last to the first.
fn weighted_sum<F: Field>(points: &[Affine<F>]) -> Xyzz<F> {
    let sums = points.iter().rev().fold((Xyzz::IDENTITY, Xyzz::IDENTITY), |(weighted, total), point| {
        let total = total.add_affine(*point);
        (weighted + total, total)
    });
    sums.0
}

/// Σ 2^(c·w)·S_w by Horner's rule.
pub(crate) fn window_combine<F: Field>(window_sums: &[Xyzz<F>], window_bits: u32) -> Xyzz<F> {
    window_sums
        .iter()
        .rev()
        .fold(Xyzz::IDENTITY, |acc, sum| (0..window_bits).fold(acc, |acc, _| acc.double()) + *sum)
}
