//! Sizes of an MSM: a pure function of the scalars' bit lengths.

/// How many scalars have a magnitude of exactly b bits, for b = 0..=254.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitHistogram(pub [u32; 256]);

impl BitHistogram {
    /// Scalars that are not zero.
    pub fn non_zero(&self) -> usize {
        self.0[1..].iter().map(|c| *c as usize).sum()
    }

    /// Bits of the largest magnitude.
    pub fn max_bits(&self) -> u32 {
        self.0.iter().rposition(|c| *c != 0).unwrap_or(0) as u32
    }

    /// A histogram of `n` scalars of `bits` bits: what uniform scalars nearly have.
    pub fn uniform(n: usize, bits: u32) -> Self {
        let mut counts = [0; 256];
        counts[bits.min(255) as usize] = n as u32;
        Self(counts)
    }

    /// Scalars whose signed digits of width `c` reach window `w` or beyond.
    pub fn reaching(&self, w: u32, c: u32) -> usize {
        // b bits need b/c + 1 windows, since a signed top digit can carry once more.
        let bits = (w * c).clamp(1, 256) as usize;
        self.0[bits..].iter().map(|n| *n as usize).sum()
    }

    /// Scalars of at least b bits, for b = 0..=255.
    fn at_least(&self) -> [usize; 256] {
        let mut counts = self.0.map(|n| n as usize);
        for b in (0..255).rev() {
            counts[b] += counts[b + 1];
        }
        counts
    }
}

/// Windows that signed digits of width `c` need for a magnitude of `bits` bits.
pub const fn windows_of(bits: u32, c: u32) -> u32 {
    if bits == 0 { 0 } else { bits / c + 1 }
}

/// Entries that one batched-affine block handles: its points and products fit a 512 KiB L2 cache with room to spare.
pub const BLOCK_ENTRIES: usize = 4096;

/// Buckets that one chain of the reduction sums.
pub const REDUCE_SEGMENT: usize = 32;

/// Digits of more bits would not fit an `i16`.
pub(super) const MAX_WINDOW_BITS: u32 = 15;

/// How an MSM is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MsmPlan {
    /// Bits in a signed digit; digits are in −2^(c−1)..=2^(c−1).
    pub window_bits: u32,
    /// Scalars with a digit in each window, at most; windows from the lowest.
    pub window_scalars: Vec<usize>,
    /// Sets of buckets: window w falls into set w mod this, by multiples 2^(c·(w − w mod this)) of the bases.
    pub bucket_sets: usize,
    /// Estimated cost in field products.
    pub products: u64,
    /// Bytes of scratch memory beside bases and scalars.
    pub scratch_bytes: u64,
}

impl MsmPlan {
    /// The cheapest window width for these scalars.
    ///
    /// One more bit removes windows and doubles the buckets in each. A bucket addition costs 6 products (batched
    /// affine, inversion shared); the reduction adds each bucket twice, in the same form. Pure: the same histogram
    /// gives the same plan on every device. `point_bytes` is the size of an affine point.
    pub fn new(histogram: &BitHistogram, point_bytes: usize) -> Self {
        let at_least = histogram.at_least();
        (2..=MAX_WINDOW_BITS)
            .map(|c| Self::of_counts(&at_least, point_bytes, c, usize::MAX))
            .min_by_key(|plan| plan.products)
            .unwrap_or_else(|| Self::with_window_bits(histogram, point_bytes, 8))
    }

    /// The plan of a given window width, without tables: every window has its own buckets.
    pub fn with_window_bits(histogram: &BitHistogram, point_bytes: usize, c: u32) -> Self {
        Self::with_bucket_sets(histogram, point_bytes, c, usize::MAX)
    }

    /// The plan of a given width with at most `sets` sets of buckets, over [`TablePlan`]'s multiples of the bases.
    pub fn with_bucket_sets(histogram: &BitHistogram, point_bytes: usize, c: u32, sets: usize) -> Self {
        Self::of_counts(&histogram.at_least(), point_bytes, c, sets)
    }

    /// As [`MsmPlan::with_bucket_sets`], of what [`BitHistogram::at_least`] counts.
    fn of_counts(at_least: &[usize; 256], point_bytes: usize, c: u32, sets: usize) -> Self {
        let non_zero = at_least[1];
        let max_bits = at_least.partition_point(|n| *n != 0).saturating_sub(1);
        let windows = if non_zero == 0 { 0 } else { windows_of(max_bits as u32, c) };
        let window_scalars: Vec<usize> = (0..windows).map(|w| at_least[(w * c).max(1) as usize]).collect();
        let buckets = 1u64 << (c - 1);
        let bucket_sets = sets.max(1).min(windows as usize);
        let digits: u64 = window_scalars.iter().map(|n| *n as u64).sum();
        let live_sets = window_scalars.iter().take(bucket_sets).filter(|n| **n != 0).count() as u64;
        // An addition, its share of inversions included: they are one product for each ten additions. Buckets that
        // nothing falls into are skipped only as whole sets.
        let products =
            digits * 13 / 2 + live_sets * (buckets * 14 + 400) + 10 * u64::from(c) * bucket_sets as u64;
        // Measured scalars are 16 bytes, beside which their indices and digits are made; then come entries.
        let scratch_bytes = non_zero as u64 * 4
            + (digits * (2 + 4)).max(non_zero as u64 * 16 + digits * 2)
            + live_sets * buckets * (point_bytes as u64 + 4)
            + 4 * (BLOCK_ENTRIES * point_bytes) as u64;
        Self { window_bits: c, window_scalars, bucket_sets, products, scratch_bytes }
    }

    /// Buckets of one window: digits 1..=2^(c−1), the sign moved to the point.
    pub fn buckets(&self) -> usize {
        1 << (self.window_bits - 1)
    }
}

/// Multiples 2^(c·s·j)·P of bases, so that windows s apart share their buckets.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TablePlan {
    /// Bits in a window, c.
    pub window_bits: u32,
    /// Sets of buckets, s.
    pub bucket_sets: usize,
    /// Multiples of each base, j = 0..levels.
    pub levels: usize,
}

impl TablePlan {
    /// Points in all tables that 31 bits number.
    const MAX_POINTS: u64 = 1 << 31;

    /// The tables with which full-width sums over `n` bases cost least, among those of at most `budget` bytes; `None` if
    /// they would not save a tenth.
    ///
    /// Fewer sets mean fewer buckets to add up, which allows wider windows, which mean fewer additions; and more
    /// levels. Pure.
    pub fn new(n: usize, point_bytes: usize, budget: u64) -> Option<Self> {
        const FULL: u32 = 253;
        if n == 0 {
            return None;
        }
        let histogram = BitHistogram::uniform(n, FULL);
        let without = MsmPlan::new(&histogram, point_bytes).products;
        let candidates = (8..=MAX_WINDOW_BITS).flat_map(|c| (1..=8).map(move |sets| (c, sets)));
        let fitting = candidates.filter_map(|(window_bits, bucket_sets)| {
            let levels = (windows_of(FULL, window_bits) as usize).div_ceil(bucket_sets);
            let points = n as u64 * levels as u64;
            let fits = points < Self::MAX_POINTS && points.saturating_mul(point_bytes as u64) <= budget;
            let cost = MsmPlan::with_bucket_sets(&histogram, point_bytes, window_bits, bucket_sets).products;
            fits.then_some((cost, Self { window_bits, bucket_sets, levels }))
        });
        let (cost, plan) = fitting.min_by_key(|(cost, plan)| (*cost, plan.levels))?;
        (10 * cost <= 9 * without).then_some(plan)
    }
}
