//! Stage `msm_bucket_sort` for lanes: each lane of a vector gets entries of one bucket.
//!
//! Buckets of equal size share a vector, so its lanes end together; a large bucket fills vectors of its own. Row j of a vector
//! is what its lanes add in step j, and no two lanes of a step belong to one sum.

use crate::msm::digits::Digits;
use crate::scratch::Scratch;
use core::ops::Range;

/// No entry: the lane has none in this row.
pub(super) const NO_ENTRY: u32 = u32::MAX;

/// Rows of eight entries for the lanes of one vector.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Vector {
    /// First row.
    pub(super) start: u32,
    pub(super) rows: u32,
    /// Which of the sums it is.
    pub(super) sum: u32,
}

/// A bucket that has vectors of its own.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Large {
    pub(super) bucket: u32,
    /// The first of its sums.
    pub(super) sum: u32,
    pub(super) vectors: u32,
}

/// Entries of some sets of buckets, sorted for lanes.
pub(super) struct Sorted {
    /// Index of a base or of its multiple, shifted left by one, with the sign in bit 0; or [`NO_ENTRY`].
    pub(super) rows: Scratch<[u32; 8]>,
    /// By falling number of rows.
    pub(super) vectors: Vec<Vector>,
    /// The bucket of each lane of the sums from `large_sums` on, by falling size.
    pub(super) buckets: Vec<u32>,
    pub(super) large: Vec<Large>,
    /// Sums of large buckets, which come first.
    pub(super) large_sums: u32,
}

/// Sorts the non-zero digits that `chunks` of scalars have in the windows of `sets`: windows w with w mod `all_sets` in that range. Bucket
/// (w mod `all_sets` − first set)·`buckets` + |d| − 1 takes digit d. Level j of windows reads bases from `stride`·j on.
pub(super) fn msm_bucket_sort(
    digits: &Digits,
    chunks: Range<usize>,
    sets: Range<usize>,
    all_sets: usize,
    stride: usize,
    buckets: usize,
) -> Sorted {
    let windows = || {
        (0..digits.windows())
            .map(move |w| (w, w % all_sets, w / all_sets))
            .filter(|(_, set, _)| sets.contains(set))
            .map(|(w, set, level)| (w, (set - sets.start) * buckets, (level * stride) as u32))
    };
    // Slot 0 of each set counts zero digits.
    let width = buckets + 1;
    let mut counts = vec![0u32; sets.len() * width];
    for (window, first, _) in windows() {
        let counts = &mut counts[first / buckets * width..][..width];
        digits.for_each(chunks.clone(), window, |_, digit| counts[digit.unsigned_abs() as usize] += 1);
    }
    let mut layout = Layout::new(&mut counts, width);
    for (window, first, base) in windows() {
        let next = &mut layout.next[first / buckets * width..][..width];
        let entries = layout.sorted.rows.as_flattened_mut();
        digits.for_each(chunks.clone(), window, |index, digit| {
            if digit != 0 {
                let next = &mut next[digit.unsigned_abs() as usize];
                entries[*next as u32 as usize] = (base + index) << 1 | u32::from(digit < 0);
                // The high half is how far apart the bucket's entries lie.
                *next += *next >> 32;
            }
        });
    }
    layout.sorted
}

/// Where entries go.
struct Layout {
    sorted: Sorted,
    /// Of each bucket: where its next entry goes, and, in the high half, the distance to the one after.
    next: Vec<u64>,
}

impl Layout {
    /// `counts` are those of each bucket, with slot 0 of each `width` left out.
    fn new(counts: &mut [u32], width: usize) -> Self {
        for set in counts.chunks_exact_mut(width) {
            set[0] = 0;
        }
        let used = counts.iter().filter(|count| **count != 0).count();
        let total: usize = counts.iter().map(|count| *count as usize).sum();
        // Twice the mean and some, which next to no bucket of uniform digits exceeds; where there are few buckets, what
        // still gives steps of 64 vectors.
        let limit = (2 * total / used.max(1) + 32).min((total / 512).max(4)) as u32;
        let mut next = vec![0u64; counts.len()];
        let mut sorted =
            Sorted { rows: Scratch::none(), vectors: vec![], buckets: vec![], large: vec![], large_sums: 0 };
        let bucket = |slot: usize| (slot / width * (width - 1) + slot % width - 1) as u32;
        let mut row = 0;
        let mut of_size = vec![0u32; limit as usize + 2];
        for (slot, &count) in counts.iter().enumerate() {
            if count <= limit {
                of_size[count as usize] += 1;
                continue;
            }
            // Its entries lie one behind the other.
            next[slot] = (8 * u64::from(row)) | (1 << 32);
            let (rows, sum) = (count.div_ceil(8), sorted.large_sums);
            let vectors = rows.div_ceil(limit);
            for i in 0..vectors {
                let start = i * limit;
                sorted.vectors.push(Vector {
                    start: row + start,
                    rows: limit.min(rows - start),
                    sum: sum + i,
                });
            }
            sorted.large.push(Large { bucket: bucket(slot), sum, vectors });
            sorted.large_sums += vectors;
            row += rows;
        }
        // Counting sort of the others by falling size.
        let (mut place, mut light) = (0, 0);
        for size in (1..=limit as usize).rev() {
            light += of_size[size];
            (of_size[size], place) = (place, place + of_size[size]);
        }
        let mut slots = vec![0u32; light as usize];
        for (slot, &count) in counts.iter().enumerate() {
            if count != 0 && count <= limit {
                slots[of_size[count as usize] as usize] = slot as u32;
                of_size[count as usize] += 1;
            }
        }
        for (i, lanes) in slots.chunks(8).enumerate() {
            let rows = counts[lanes[0] as usize];
            for (lane, &slot) in lanes.iter().enumerate() {
                next[slot as usize] = (8 * u64::from(row) + lane as u64) | (8 << 32);
                sorted.buckets.push(bucket(slot as usize));
            }
            sorted.vectors.push(Vector { start: row, rows, sum: sorted.large_sums + i as u32 });
            row += rows;
        }
        debug_assert!(row < 1 << 29, "places of entries have 32 bits");
        sorted.vectors.sort_by_key(|vector| core::cmp::Reverse(vector.rows));
        sorted.rows = Scratch::filled(row as usize, [NO_ENTRY; 8]);
        Self { sorted, next }
    }
}
