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
use core::ops::Range;
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
    let of_chunks = digits.of_chunks();
    let Tasks { groups, parts } = Tasks::new(plan, &of_chunks, parallel::num_threads());
    let ranges = cut(&of_chunks, parts);
    let sets_of = |group: usize| group * sets / groups..(group + 1) * sets / groups;
    let buckets = |adder: &mut Adder<F::Lanes>, task: usize| {
        let (sets, part) = (sets_of(task / parts), task % parts);
        let chunks = ranges[part].clone();
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
    /// The cut whose longest thread is estimated to end first, in additions. `of_chunks`: digits of each chunk of scalars.
    fn new(plan: &MsmPlan, of_chunks: &[usize], threads: usize) -> Self {
        let sets = plan.bucket_sets;
        let entries_of = |set: usize| plan.window_scalars.iter().skip(set).step_by(sets).sum::<usize>();
        let entries: usize = plan.window_scalars.iter().sum();
        // Groups that fill a cache, and as many as threads need without parts.
        let full = sets.div_ceil((GROUP_VECTORS * 8 / plan.buckets()).max(1)).max(entries / MAX_ENTRIES + 1);
        let full = full.min(sets);
        let even = full.next_multiple_of(threads).min(sets);
        let all: usize = of_chunks.iter().sum();
        let cost = |groups: usize, parts: usize| {
            let sets_of = |i: usize| i * sets / groups..(i + 1) * sets / groups;
            let largest = (0..groups).map(|i| sets_of(i).map(entries_of).sum()).max().unwrap_or(0);
            let ranges = cut(of_chunks, parts).into_iter();
            let longest = ranges.map(|range| of_chunks[range].iter().sum()).max().unwrap_or(0);
            let part = (largest as u128 * longest as u128).div_ceil(all.max(1) as u128) as usize;
            // Reduction is two additions a bucket; one thread joins the parts of a group.
            let buckets = plan.buckets() * sets.div_ceil(groups) * (parts + 1);
            part * (groups * parts).div_ceil(threads) + buckets * groups.div_ceil(threads)
        };
        let most = (entries / (2 * plan.buckets() * sets)).isqrt().min(threads).min(of_chunks.len());
        let shared = (2..=most).flat_map(|parts| [(full, parts), (even, parts)]);
        let (groups, parts) =
            core::iter::once((even, 1)).chain(shared).min_by_key(|&(g, p)| cost(g, p)).unwrap_or((even, 1));
        Self { groups, parts }
    }
}

/// Ranges of chunks with about as many digits.
fn cut(of_chunks: &[usize], parts: usize) -> Vec<Range<usize>> {
    let all: usize = of_chunks.iter().sum();
    let (mut at, mut before) = (0, 0);
    (1..=parts)
        .map(|part| {
            let start = at;
            // A chunk belongs to the part in which its middle lies.
            while at < of_chunks.len() && (part == parts || (before + of_chunks[at] / 2) * parts < part * all)
            {
                before += of_chunks[at];
                at += 1;
            }
            start..at
        })
        .collect()
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
        let digits: usize = plan.window_scalars.iter().sum();
        let chunks = n.div_ceil(4096);
        (Tasks::new(&plan, &vec![digits / chunks; chunks], threads), plan)
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
        // One chunk is never cut, and no cut has fewer tasks than groups of sets would have made.
        for (log_n, bits, threads) in [
            (12, 253, 12),
            (10, 253, 64),
            (12, 128, 4),
            (10, 32, 2),
            (13, 253, 8),
            (14, 253, 16),
            (14, 32, 4),
        ] {
            let (tasks, plan) = tasks(1 << log_n, bits, threads);
            assert!(tasks.parts <= (1usize << log_n).div_ceil(4096), "{tasks:?}");
            assert!(
                tasks.groups * tasks.parts >= plan.bucket_sets.min(threads),
                "2^{log_n} {bits} {threads}: {tasks:?}"
            );
        }
    }

    #[test]
    fn parts_are_cut_by_digits() {
        assert_eq!(cut(&[10, 10, 0, 0], 2), [0..1, 1..4]);
        assert_eq!(cut(&[0, 0, 0, 30, 0, 30], 2), [0..4, 4..6]);
        assert_eq!(cut(&[5], 3), [0..0, 0..1, 1..1]);
        assert_eq!(cut(&[], 2), [0..0, 0..0]);
        for parts in 1..9 {
            let ranges = cut(&[7, 0, 9, 30, 1, 1], parts);
            assert!(ranges[0].start == 0 && ranges[parts - 1].end == 6);
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }
}
