//! Sizes of a multi-scalar multiplication on the device: pure functions.

use crate::device::gpu::{Arithmetic, batch_inverse_scratch_bytes};
use std::ops::Range;
use zkwatt_kernels::msm::{BitHistogram, windows_of};

/// One bit more would save 5 % of the products for 2^22 scalars, and double the memory of the buckets.
pub(super) const MAX_WINDOW_BITS: u32 = 16;

/// Scalars of one piece at most: a dispatch over one window of them ends in time on slow devices.
const MAX_SCALARS: u64 = 1 << 22;

/// Additions of one dispatch at most: 6·2^22 products over F_q end within a quarter of a second on a phone's
/// GPU.
const MAX_ADDITIONS: u64 = 1 << 22;

/// Pieces of scalars are cut at multiples of this, so that all bindings start at multiples of 256 bytes.
const PIECE_UNIT: usize = 256;

/// Smaller pieces would save little memory.
const MIN_PIECE: usize = 1 << 12;

/// Points of a window that are left to the host: fewer rounds there cost it less than their dispatches.
const HOST_POINTS: u64 = 64;

/// Products of one addition: 3 for the shared inversion, 3 for the sum, of which one is a square.
pub const ADDITION_PRODUCTS: u64 = 6;

/// What the work is done over and within.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// G1 or G2.
    pub arithmetic: Arithmetic,
    /// Bytes that a stage sees of one buffer.
    pub binding_bytes: u64,
    /// Bytes of memory beside bases and scalars.
    pub memory_bytes: u64,
}

impl Room {
    pub(super) fn coordinate_bytes(&self) -> u64 {
        if self.arithmetic == Arithmetic::G2 { 64 } else { 32 }
    }

    pub(super) fn point_bytes(&self) -> u64 {
        2 * self.coordinate_bytes()
    }

    /// Products over F_q in one over the coordinates.
    pub(super) fn base_products(&self) -> u64 {
        if self.arithmetic == Arithmetic::G2 { 3 } else { 1 }
    }

    /// Points of a buffer that is read and written in one dispatch.
    fn max_points(&self) -> u64 {
        (self.binding_bytes / self.point_bytes()).min(MAX_ADDITIONS / self.base_products())
    }

    /// Scalars that can be worked on at the same time, out of `n`.
    pub(super) fn piece(&self, n: usize) -> usize {
        let bound = (self.binding_bytes / self.point_bytes().max(32)).min(MAX_SCALARS) as usize;
        let mut piece = n.min(bound / PIECE_UNIT * PIECE_UNIT).max(1);
        let fits = |piece: usize| {
            let histogram = BitHistogram::uniform(piece, 253);
            self.bytes(&GroupSizes::worst(&histogram, 8, &(0..1), piece)) <= self.memory_bytes
        };
        while piece > MIN_PIECE && !fits(piece) {
            piece = piece.div_ceil(2).next_multiple_of(PIECE_UNIT);
        }
        piece
    }

    /// Most bytes that a group of windows holds at a time.
    pub(super) fn bytes(&self, sizes: &GroupSizes) -> u64 {
        let sorting = 8 * sizes.digits + 4 * sizes.buckets + 12 * sizes.slots;
        let kept = 4 * sizes.buckets * sizes.levels + 4 * sizes.list();
        let batch = self.batch_bytes(sizes.batch());
        let summing = 8 * sizes.slots + self.point_bytes() * sizes.slots + batch;
        let reducing = self.point_bytes() * (sizes.slots + sizes.buckets) + batch;
        kept + sorting.max(summing).max(reducing)
    }

    /// Scratch memory of `pairs` additions at the same time.
    fn batch_bytes(&self, pairs: u64) -> u64 {
        let threads = max_threads(pairs);
        (pairs + threads) * self.coordinate_bytes() + batch_inverse_scratch_bytes(self.arithmetic, threads)
    }
}

/// Pairs of one thread: more mean fewer inversions, 3 products saved in each; fewer mean more threads, of
/// which a large GPU wants some 2^15.
pub(super) fn pairs_per_thread(pairs: u64) -> u64 {
    (pairs >> TARGET_LOG_THREADS).clamp(MIN_PER_THREAD, MAX_PER_THREAD)
}

const TARGET_LOG_THREADS: u32 = 15;
const MIN_PER_THREAD: u64 = 4;
const MAX_PER_THREAD: u64 = 32;

/// Threads of any batch of up to `pairs` pairs: those below a step of [`pairs_per_thread`] have more than
/// some larger ones.
pub(super) fn max_threads(pairs: u64) -> u64 {
    let most_of_short = (MIN_PER_THREAD + 1) << TARGET_LOG_THREADS;
    let short = pairs.min(most_of_short).div_ceil(MIN_PER_THREAD);
    short.max(pairs.div_ceil(MAX_PER_THREAD))
}

/// Sizes of the work on some windows.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct GroupSizes {
    /// Digits, the zeros too.
    pub digits: u64,
    /// Buckets.
    pub buckets: u64,
    /// Sums of up to two entries.
    pub slots: u64,
    /// Rows of the table of levels.
    pub levels: u64,
}

impl GroupSizes {
    /// What no scalars of these bit lengths exceed.
    fn worst(histogram: &BitHistogram, c: u32, windows: &Range<usize>, n: usize) -> Self {
        let per_window = 1u64 << (c - 1);
        let slots = windows.clone().map(|w| {
            let entries = histogram.reaching(w as u32, c) as u64;
            (entries + entries.min(per_window)).div_ceil(2)
        });
        let levels = u64::from((n.max(2) as u64).next_power_of_two().ilog2());
        let count = windows.len() as u64;
        Self { digits: count * n as u64, buckets: count * per_window, slots: slots.sum(), levels }
    }

    /// What uniform digits come to, and the slots of each level.
    fn expected(histogram: &BitHistogram, c: u32, windows: &Range<usize>, n: usize) -> (Self, Vec<u64>) {
        let loads: Vec<_> = windows.clone().map(|w| Load::expected(histogram, w as u32, c)).collect();
        let longest = loads.iter().map(Load::longest).fold(2.0, f64::max);
        let level = |l: i32| loads.iter().map(|load| load.slots(l)).sum::<f64>().ceil() as u64;
        let levels: Vec<_> = (1..=longest.log2().ceil() as i32).map(level).collect();
        let slots = levels[0];
        let worst = Self::worst(histogram, c, windows, n);
        (Self { slots, levels: levels.len() as u64, ..worst }, levels)
    }

    /// Most entries of the lists of additions.
    pub(super) fn list(&self) -> u64 {
        self.slots.max(self.buckets)
    }

    /// Most additions at the same time.
    pub(super) fn batch(&self) -> u64 {
        self.slots.max(self.buckets.div_ceil(2))
    }
}

/// How uniform digits fill a window's buckets: by Poisson's distribution.
struct Load {
    /// Buckets in use.
    used: f64,
    /// Entries of each.
    mean: f64,
}

impl Load {
    fn expected(histogram: &BitHistogram, w: u32, c: u32) -> Self {
        let entries = histogram.reaching(w, c) as f64;
        // The top window has fewer buckets in use; where it only takes carries, a third of uniform scalars
        // have one.
        let top = histogram.max_bits() as i32 - (w * c) as i32;
        if top < 1 {
            return Self { used: 1.0, mean: entries / 3.0 };
        }
        let used = 2f64.powi(top.min(c as i32 - 1));
        Self { used, mean: entries * (1.0 - 0.5f64.powi(c as i32)) / used }
    }

    /// Entries of the fullest bucket.
    fn longest(&self) -> f64 {
        self.mean + 3.5 * self.mean.sqrt()
    }

    /// Slots of level l: an odd count leaves a half more, and a bucket that has any keeps one.
    fn slots(&self, l: i32) -> f64 {
        let scale = 0.5f64.powi(l);
        let filled = 1.0 - (-self.mean).exp();
        // An odd count has probability (1 − e^(−2m))/2, on level 1; on high levels all remainders are alike.
        let rest = if l == 1 { (1.0 - (-2.0 * self.mean).exp()) / 4.0 } else { filled * (1.0 - scale) / 2.0 };
        self.used * (self.mean * scale + rest).max(filled)
    }
}

/// How an MSM is cut on the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WgpuMsmPlan {
    /// Bits in a signed digit.
    pub window_bits: u32,
    /// Windows.
    pub windows: usize,
    /// Windows that are worked on at the same time.
    pub groups: Vec<Range<usize>>,
    /// Products over F_q, inversions included.
    pub products: u64,
    /// Bytes of memory beside bases and scalars, for uniform digits.
    pub peak_bytes: u64,
    /// Bytes that dispatches read and write.
    pub moved_bytes: u64,
    /// Dispatches, readings of results left out.
    pub dispatches: u64,
}

impl WgpuMsmPlan {
    /// The cheapest window width for `n` scalars of these bit lengths.
    ///
    /// Pure. One more bit removes windows and doubles the buckets in each. An addition costs 6 products, the
    /// reduction adds each bucket twice.
    pub(super) fn new(histogram: &BitHistogram, n: usize, room: &Room) -> Self {
        let plans = (2..=MAX_WINDOW_BITS).map(|c| Self::with_window_bits(histogram, n, room, c));
        plans
            .min_by_key(|plan| plan.products)
            .unwrap_or_else(|| Self::with_window_bits(histogram, n, room, 8))
    }

    /// The plan of a given window width.
    pub(super) fn with_window_bits(histogram: &BitHistogram, n: usize, room: &Room, c: u32) -> Self {
        let windows = windows_of(histogram.max_bits(), c) as usize;
        let groups = groups(histogram, n, room, c, windows);
        let mut plan = Self {
            window_bits: c,
            windows,
            groups,
            products: 0,
            peak_bytes: 0,
            moved_bytes: n as u64 * room.point_bytes() / 2,
            dispatches: 1,
        };
        for group in plan.groups.clone() {
            let (sizes, levels) = GroupSizes::expected(histogram, c, &group, n);
            plan.peak_bytes = plan.peak_bytes.max(room.bytes(&sizes));
            plan.add_group(&sizes, &levels, n as u64, group.len() as u64, room);
        }
        plan
    }

    /// Buckets of a window.
    pub(super) fn buckets(&self) -> u64 {
        1 << (self.window_bits - 1)
    }

    fn add_group(&mut self, sizes: &GroupSizes, levels: &[u64], n: u64, windows: u64, room: &Room) {
        // Digits, their ranks in two passes, the table of levels.
        self.moved_bytes += 36 * n + 48 * sizes.digits + 12 * sizes.buckets * sizes.levels;
        self.dispatches += 6 + scan_dispatches(sizes.buckets * sizes.levels);
        self.add_batch(sizes.slots, room);
        for level in levels.windows(2) {
            self.add_batch(level[0].saturating_sub(level[1]), room);
        }
        self.moved_bytes += 2 * room.point_bytes() * sizes.buckets;
        self.dispatches += 3;
        for round in rounds(self.buckets()) {
            self.add_batch(round.pairs(windows), room);
            self.dispatches += 1;
        }
    }

    fn add_batch(&mut self, pairs: u64, room: &Room) {
        if pairs == 0 {
            return;
        }
        let threads = pairs.div_ceil(pairs_per_thread(pairs));
        self.products += (pairs * ADDITION_PRODUCTS + 4 * threads) * room.base_products();
        // Abscissas and prefix in the first pass, points and prefix in the second, the sum, two words of
        // lists.
        self.moved_bytes += pairs * (4 * room.point_bytes() + 2 * room.coordinate_bytes() + 16);
        self.dispatches += 2 + inverse_dispatches(threads);
    }
}

/// Windows in groups whose points fit a binding and whose memory fits the budget.
fn groups(histogram: &BitHistogram, n: usize, room: &Room, c: u32, windows: usize) -> Vec<Range<usize>> {
    let fits = |group: &Range<usize>| {
        let sizes = GroupSizes::worst(histogram, c, group, n);
        sizes.slots.max(sizes.buckets) <= room.max_points()
            && 4 * sizes.digits <= room.binding_bytes
            && 4 * (sizes.buckets * sizes.levels + 1) <= room.binding_bytes
            && room.bytes(&sizes) <= room.memory_bytes
    };
    let mut groups = Vec::new();
    let mut start = 0;
    while start < windows {
        // One window must do, even where memory may turn out too small.
        let longer = (start + 1..windows).take_while(|last| fits(&(start..last + 1))).count();
        groups.push(start..start + 1 + longer);
        start += 1 + longer;
    }
    groups
}

/// A round of the buckets' reduction; see `msm_bucket_reduce`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// Trees that are summed.
    pub trees: u64,
    /// Additions in each tree and window.
    pub pairs: u64,
    /// Distance between the summands.
    pub distance: u64,
}

impl Round {
    /// Additions of all windows.
    pub(super) fn pairs(&self, windows: u64) -> u64 {
        self.trees * self.pairs * windows
    }
}

/// The rounds on the device for `buckets` buckets a window, a power of two.
pub(super) fn rounds(buckets: u64) -> impl Iterator<Item = Round> {
    let left = move |round: u64| (round + 1) * (buckets >> round);
    (0..buckets.ilog2().into()).take_while(move |round| left(*round) > HOST_POINTS).map(move |round| Round {
        trees: round + 1,
        pairs: buckets >> (round + 1),
        distance: 1 << round,
    })
}

/// Dispatches of `scan_u32` over `n` numbers, in tiles of 1024.
fn scan_dispatches(n: u64) -> u64 {
    let tiles = (n + 1).div_ceil(1024);
    if tiles <= 1 { 1 } else { 2 + scan_dispatches(tiles) }
}

/// Dispatches of `batch_inverse`: levels of 16, the last of at most 16 directly.
fn inverse_dispatches(n: u64) -> u64 {
    if n <= 16 { 1 } else { 2 + inverse_dispatches(n.div_ceil(16)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { arithmetic: Arithmetic::G1, binding_bytes: 128 << 20, memory_bytes: u64::MAX };

    #[test]
    fn rounds_weigh_buckets_by_their_number() {
        for log in 1..=15 {
            let n = 1usize << log;
            let start: Vec<i64> = (0..n as i64).map(|i| i * i % 1009 - 300).collect();
            let mut at = start.clone();
            let mut done = 0;
            for round in rounds(n as u64) {
                assert!(round.pairs(1) <= n as u64 / 2);
                for tree in 0..round.trees {
                    for j in 0..round.pairs {
                        let left = ((1 << tree) - 1 + 2 * j * round.distance) as usize;
                        let right = left + round.distance as usize;
                        let to = if tree + 1 == round.trees { right } else { left };
                        at[to] = at[left] + at[right];
                    }
                }
                done += 1;
            }
            let elements = |tree: u32| (0..n >> done).map(move |j| (1 << tree) - 1 + (j << done));
            let weighted: i64 = elements(done).zip(1..).map(|(i, weight)| weight * at[i]).sum();
            let evens: i64 = (0..done).map(|l| elements(l).map(|i| at[i]).sum::<i64>() << l).sum();
            let expected: i64 = start.iter().zip(1..).map(|(value, weight)| weight * value).sum();
            assert_eq!((weighted << done) - evens, expected, "{n} buckets");
        }
    }

    #[test]
    fn groups_cover_all_windows_within_their_room() {
        for (n, memory_bytes) in [(1, u64::MAX), (1 << 14, 4 << 20), (1 << 20, u64::MAX), (1 << 21, 1 << 30)]
        {
            for arithmetic in [Arithmetic::G1, Arithmetic::G2] {
                let room = Room { arithmetic, memory_bytes, ..ROOM };
                let piece = room.piece(n);
                let plan = WgpuMsmPlan::new(&BitHistogram::uniform(piece, 253), piece, &room);
                let covered: Vec<usize> = plan.groups.iter().flat_map(Clone::clone).collect();
                assert_eq!(covered, (0..plan.windows).collect::<Vec<_>>());
                assert!(plan.peak_bytes <= memory_bytes, "{n}: {} of {memory_bytes}", plan.peak_bytes);
                for group in plan.groups {
                    let histogram = BitHistogram::uniform(piece, 253);
                    let worst = GroupSizes::worst(&histogram, plan.window_bits, &group, piece);
                    assert!(worst.slots * room.point_bytes() <= room.binding_bytes);
                    assert!(
                        GroupSizes::expected(&histogram, plan.window_bits, &group, piece).0.slots
                            <= worst.slots
                    );
                }
            }
        }
    }

    #[test]
    fn products_follow_the_scalars() {
        let plan = |bits, n| WgpuMsmPlan::new(&BitHistogram::uniform(n, bits), n, &ROOM);
        let full = plan(253, 1 << 14);
        // 24 windows of 2^14 digits, some 7 products each with the inversions, and twice the buckets.
        assert!((2_500_000..3_600_000).contains(&full.products), "{full:?}");
        assert!(plan(16, 1 << 14).products * 8 < full.products);
        assert_eq!(plan(0, 1 << 14).products, 0);
        assert!(plan(0, 1 << 14).groups.is_empty());
        assert_eq!(plan(253, 0).windows, 0);
    }

    #[test]
    fn threads_of_smaller_batches_fit() {
        for pairs in (1u64..1 << 22).step_by(997) {
            assert!(pairs.div_ceil(pairs_per_thread(pairs)) <= max_threads(pairs));
            assert!(max_threads(pairs) >= max_threads(pairs - 1));
        }
    }
}
