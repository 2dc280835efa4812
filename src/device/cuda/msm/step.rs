//! What one piece of scalars comes to: pure functions.

use super::plan::Room;
use zkwatt_kernels::msm::{BitHistogram, windows_of};

/// Entries of a segment at most; as in `cuda/msm_segments.cu`.
pub(super) const MAX_SEGMENT: u64 = 256;
/// Shorter segments would spend more on merging than they gain.
const MIN_SEGMENT: u64 = 16;

/// Sums that one job of merging makes one; as in `cuda/msm_segments.cu`.
pub(super) const FAN_IN: u64 = 8;

/// How scalars become digits, and digits rows of buckets.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Bits in a signed digit.
    pub(super) window_bits: u32,
    /// Windows of a scalar.
    pub(super) windows: usize,
    /// Windows that share a row of buckets, by multiples of the bases.
    pub(super) levels: usize,
}

impl Shape {
    pub(super) fn new(bits: u32, window_bits: u32, levels: usize) -> Self {
        let windows = windows_of(bits, window_bits) as usize;
        Self { window_bits, windows, levels: levels.min(windows).max(1) }
    }

    /// Rows of buckets of one sum.
    pub(super) fn rows(&self) -> usize {
        self.windows.div_ceil(self.levels)
    }

    /// Buckets of a row.
    pub(super) fn buckets(&self) -> u64 {
        1 << self.log_buckets()
    }

    pub(super) fn log_buckets(&self) -> u32 {
        self.window_bits - 1
    }
}

/// What a piece of scalars comes to at most.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Digits, the zeros too.
    pub(super) digits: u64,
    /// Digits that are not zero.
    pub(super) entries: u64,
    /// Of one row.
    pub(super) row_entries: u64,
    pub(super) buckets: u64,
    /// Entries that one thread adds up.
    pub(super) segment: u64,
}

impl Step {
    /// For the scalars of all sums of a cut, whose bit lengths the histogram has.
    pub(super) fn new(
        histogram: &BitHistogram,
        piece: usize,
        items: usize,
        room: &Room,
        shape: &Shape,
    ) -> Self {
        let rows = (shape.rows() * items) as u64;
        let row_digits = (shape.levels * piece) as u64;
        let reaching = |w| histogram.reaching(w as u32, shape.window_bits) as u64;
        let entries = (0..shape.windows).map(reaching).sum();
        Self {
            digits: rows * row_digits,
            entries,
            row_entries: entries.min(row_digits),
            buckets: rows * shape.buckets(),
            segment: (2 * entries / room.lanes).next_power_of_two().clamp(MIN_SEGMENT, MAX_SEGMENT),
        }
    }

    /// Segments that are not their bucket's first: all but the last of a bucket are full.
    pub(super) fn extras(&self) -> u64 {
        self.entries / self.segment
    }

    pub(super) fn segments(&self) -> u64 {
        self.entries.min(self.buckets) + self.extras()
    }

    /// Rounds that bring the sums of a bucket's extras to it.
    pub(super) fn rounds(&self) -> u32 {
        let most = self.row_entries.div_ceil(self.segment);
        (0..).take_while(|round| FAN_IN.pow(*round) < most).count() as u32
    }

    /// Jobs of a round: each takes in more than FAN_IN^round full segments that no other does.
    pub(super) fn jobs(&self, round: u32) -> u64 {
        self.entries / (FAN_IN.pow(round) * self.segment + 1)
    }

    /// Where in the list of all jobs those of each round start; its end.
    pub(super) fn job_starts(&self) -> (Vec<u64>, u64) {
        let mut end = 0;
        let starts = (0..self.rounds()).map(|round| {
            let start = end;
            end += self.jobs(round);
            start
        });
        (starts.collect(), end)
    }

    /// Most bytes that the step holds at a time, the buckets' sums included.
    pub(super) fn bytes(&self, room: &Room) -> u64 {
        let entries = 4 * self.entries;
        let starts = 8 * self.buckets;
        let segments = 16 * (self.segments() + self.job_starts().1);
        let sorting = 8 * self.digits + 4 * self.buckets + starts + entries;
        let cutting = starts + entries + segments;
        let summing = entries + segments + room.sum_bytes() * self.extras();
        room.sum_bytes() * self.buckets + sorting.max(cutting).max(summing)
    }
}
