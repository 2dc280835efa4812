//! The stages over eight lanes with AVX-512 IFMA.

// Iterator adaptors over vectors are not inlined into kernels.
#![allow(clippy::needless_range_loop)]

mod accumulate;
mod adder;
mod digits;
mod reduce;
mod sort;

pub(super) use digits::{measure, msm_scalar_digits};

use super::digits::Digits;
use super::plan::MsmPlan;
use crate::curve::{Affine, Coordinate, Xyzz};
use crate::field::ifma::{Coordinate8, Ifma};
use crate::field::{Adx, cast, uncast};
use crate::parallel;
use adder::{Adder, PointVec};
use reduce::SetSum;
use sort::Sorted;

/// Vectors of buckets that one task sums: enough to share an inversion, few enough for an L2 cache.
const GROUP_VECTORS: usize = 1024;

/// Bases of one sum; longer ones are cut. The additions of 2^20 points read 64 MiB at random, and take half as long again as
/// those of 2^18, which is more than the buckets of four sums cost.
pub(super) const PIECE_BYTES: usize = 16 << 20;

/// Products in F_q below which a sum, once it is measured, is one thread's work: some 0.3 ms, in which a second one is hardly awake (docs/BENCHMARKING.md, sums of
/// 2^8 to 2^12 zkML scalars).
pub(super) const MIN_SHARED_PRODUCTS: u64 = 1 << 15;

/// Entries of one task: places of rows have 29 bits.
const MAX_ENTRIES: usize = 1 << 30;

/// Whether there is something to add, and buckets are whole vectors.
pub(super) fn serves(plan: &MsmPlan) -> bool {
    plan.bucket_sets > 0 && plan.buckets() >= 8
}

/// Σ over all digits. `stride`: where the next level of the bases starts.
pub(super) fn run_stages<F: Coordinate>(
    ifma: Ifma,
    points: &[Affine<F>],
    stride: usize,
    digits: &Digits,
    plan: &MsmPlan,
) -> Affine<F> {
    let vectors = plan.buckets() / 8;
    let sets = plan.bucket_sets;
    let threads = parallel::num_threads();
    let entries: usize = plan.window_scalars.iter().sum();
    let groups = sets.div_ceil((GROUP_VECTORS / vectors).max(1)).max(entries / MAX_ENTRIES + 1);
    let groups = groups.next_multiple_of(threads).min(sets);
    let of_groups = parallel::map_range(groups, |i| {
        let sets = i * sets / groups..(i + 1) * sets / groups;
        let sorted = sort::msm_bucket_sort(digits, sets.clone(), plan.bucket_sets, stride, plan.buckets());
        let mut adder = Adder::<F::Lanes>::default();
        let sums = accumulate::msm_bucket_accumulate(ifma, points, &sorted, &mut adder, groups < threads);
        let mut buckets = gather_buckets(ifma, sums, &sorted, sets.len() * vectors, vectors, &mut adder);
        reduce::msm_bucket_reduce(ifma, &mut buckets, vectors, &mut adder)
    });
    let sums: Vec<SetSum<F>> = of_groups.into_iter().flatten().collect();
    msm_window_combine(&sums)
}

/// Brings the sums of buckets to where the reduction wants them: bucket l·`vectors` + v of a set into lane l of vector v.
fn gather_buckets<F: Coordinate8>(
    ifma: Ifma,
    mut sums: PointVec<F>,
    sorted: &Sorted,
    n: usize,
    vectors: usize,
    adder: &mut Adder<F>,
) -> PointVec<F> {
    let mut buckets = PointVec::identities(n);
    let place = |bucket: u32| {
        let (set, within) = (bucket as usize / (8 * vectors), bucket as usize % (8 * vectors));
        (set * vectors + within % vectors, within / vectors)
    };
    // A large bucket's vectors are halved until one is left, all of them at once.
    let mut left: Vec<(u32, u32)> = sorted.large.iter().map(|large| (large.sum, large.vectors)).collect();
    let mut pairs = Vec::new();
    loop {
        pairs.clear();
        for (first, vectors) in &mut left {
            let half = *vectors / 2;
            let rest = *vectors - half;
            pairs.extend((*first..*first + half).map(|to| (to, to + rest)));
            *vectors = rest;
        }
        if pairs.is_empty() {
            break;
        }
        adder.add_pairs(ifma, &mut sums, &pairs);
    }
    if !sorted.large.is_empty() {
        let items: Vec<(usize, u8)> =
            sorted.large.iter().map(|large| (large.sum as usize, u8::MAX)).collect();
        let turned = reduce::turn_and_halve(ifma, &sums, &items, adder);
        for (i, large) in sorted.large.iter().enumerate() {
            let (to, lane) = place(large.bucket);
            buckets.copy_lane(to, lane, &turned, i / 8 * 8, i % 8);
        }
    }
    for (i, &bucket) in sorted.buckets.iter().enumerate() {
        let (to, lane) = place(bucket);
        buckets.copy_lane(to, lane, &sums, sorted.large_sums as usize + i / 8, i % 8);
    }
    buckets
}

/// Σ 2^(c·w)·(total_w + Σ 2^t·bits_{w,t}) by Horner's rule, c − 1 bits a set.
fn msm_window_combine<F: Coordinate>(sets: &[SetSum<F>]) -> Affine<F> {
    let on = |point: Affine<F>| cast::<Affine<F>, Adx>(point);
    let sum = sets.iter().rev().fold(Xyzz::IDENTITY, |mut sum, set| {
        // Digits go up to 2^(c−1), bucket numbers to one less: bit c − 1 has no point.
        sum = sum.double();
        for bit in set.bits.iter().rev() {
            sum = sum.double().add_affine(on(*bit));
        }
        sum.add_affine(on(set.total))
    });
    uncast::<Affine<F>, Adx>(sum.to_affine())
}
