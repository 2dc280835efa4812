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
    let Tasks { groups, parts } = Tasks::new(plan, parallel::num_threads());
    let sets_of = |group: usize| group * sets / groups..(group + 1) * sets / groups;
    let all = digits.all();
    let buckets = |adder: &mut Adder<F::Lanes>, task: usize| {
        let (sets, part) = (sets_of(task / parts), task % parts);
        let chunks = part * all.len() / parts..(part + 1) * all.len() / parts;
        let sorted =
            sort::msm_bucket_sort(digits, chunks, sets.clone(), plan.bucket_sets, stride, plan.buckets());
        let sums = accumulate::msm_bucket_accumulate(ifma, points, &sorted, adder);
        gather_buckets(ifma, sums, &sorted, sets.len() * vectors, vectors, adder)
    };
    let of_groups = if parts == 1 {
        parallel::map_range(groups, |group| {
            let mut adder = Adder::default();
            let mut buckets = buckets(&mut adder, group);
            reduce::msm_bucket_reduce(ifma, &mut buckets, vectors, &mut adder)
        })
    } else {
        let of_tasks = parallel::map_range_with(groups * parts, Adder::default, buckets);
        parallel::map_range(groups, |group| {
            let mut adder = Adder::default();
            let mut buckets = PointVec::joined(&of_tasks[group * parts..][..parts]);
            let (n, mut left) = (buckets.points.len() / parts, parts);
            while left > 1 {
                let half = left / 2;
                left -= half;
                let pairs: Vec<_> = (0..half * n).map(|to| (to as u32, (to + left * n) as u32)).collect();
                adder.add_pairs(ifma, &mut buckets, &pairs);
            }
            buckets.truncate(n);
            reduce::msm_bucket_reduce(ifma, &mut buckets, vectors, &mut adder)
        })
    };
    let sums: Vec<SetSum<F>> = of_groups.into_iter().flatten().collect();
    msm_window_combine(&sums)
}

/// How the work on all sets of buckets is cut: each group of sets for each part of the scalars is a task.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Tasks {
    groups: usize,
    parts: usize,
}

impl Tasks {
    fn new(plan: &MsmPlan, threads: usize) -> Self {
        let sets = plan.bucket_sets;
        let entries_of = |set: usize| plan.window_scalars.iter().skip(set).step_by(sets).sum::<usize>();
        let entries: usize = plan.window_scalars.iter().sum();
        // Groups that fill a cache.
        let full = sets.div_ceil((GROUP_VECTORS * 8 / plan.buckets()).max(1)).max(entries / MAX_ENTRIES + 1);
        let groups = full.next_multiple_of(threads).min(sets);
        let largest =
            (0..groups).map(|i| (i * sets / groups..(i + 1) * sets / groups).map(entries_of).sum()).max();
        let is_even = largest.unwrap_or(0) * threads * 7 <= entries * 8;
        // One thread joins the parts of a group, which is to be a small share of what it does for its own part.
        let parts = (entries / (2 * plan.buckets() * sets)).isqrt().min(threads);
        if is_even || parts <= 1 { Self { groups, parts: 1 } } else { Self { groups: full.min(sets), parts } }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::msm::plan::BitHistogram;

    fn tasks(n: usize, bits: u32, threads: usize) -> (Tasks, MsmPlan) {
        let plan = MsmPlan::new(&BitHistogram::uniform(n, bits), 64);
        (Tasks::new(&plan, threads), plan)
    }

    #[test]
    fn one_thread_makes_no_parts() {
        for (n, bits) in [(1 << 8, 253), (1 << 18, 253), (1 << 18, 15), (1 << 18, 7)] {
            assert_eq!(tasks(n, bits, 1).0.parts, 1);
        }
    }

    #[test]
    fn few_sets_are_shared_by_parts_and_many_are_not() {
        let (shared, plan) = tasks(1 << 18, 7, 2);
        assert!(plan.bucket_sets < 3 && shared == Tasks { groups: 1, parts: 2 }, "{shared:?}");
        let (whole, plan) = tasks(1 << 16, 253, 2);
        assert!(plan.bucket_sets > 15 && whole.parts == 1 && whole.groups >= 2, "{whole:?}");
        // As many parts as there is work for.
        let (many, plan) = tasks(1 << 16, 15, 1000);
        assert!(
            many.parts > 1 && many.parts.pow(2) * 2 * plan.buckets() * plan.bucket_sets <= 2 << 16,
            "{many:?}"
        );
    }
}
