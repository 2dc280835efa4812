//! Sizes of lookup kernels: how work is cut and how many bytes it needs. Pure; the same inputs give the same plan on
//! every device.

use core::mem::size_of;

/// Most rows of a column: a row number and one more fit 32 bits.
pub const MAX_ROWS: usize = u32::MAX as usize - 1;

/// Fewest values that are worth a task of their own.
const MIN_CHUNK: usize = 1 << 12;

/// How multiplicities are counted: chunks of values fill histograms, which are added. Consecutive chunks that one thread
/// takes share a histogram; the plan is of the worst case, one each.
///
/// Histograms rather than atomic counters, because zkML columns repeat few values (zero above all), and threads would
/// fight for the same cache line. A chunk has at least an eighth as many values as the table has rows: clearing and
/// adding a row of a histogram takes a small fraction of the time of converting or hashing a value, so this keeps the
/// overhead low and the histograms together no larger than the input.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct CountPlan {
    /// Values a chunk.
    pub chunk_len: usize,
    /// Chunks, each with at most one histogram of the table's length.
    pub chunks: usize,
    /// Most bytes of all histograms, the result included; saturating.
    pub bytes: usize,
}

impl CountPlan {
    /// The plan for `values` values and a table of `table_len` rows.
    pub const fn new(values: usize, table_len: usize) -> Self {
        let chunk_len = if table_len / 8 > MIN_CHUNK { table_len / 8 } else { MIN_CHUNK };
        let chunks = values.div_ceil(chunk_len);
        // No values still give a result of zeros.
        let histograms = if chunks == 0 { 1 } else { chunks };
        let bytes = histograms.saturating_mul(table_len).saturating_mul(size_of::<u32>());
        Self { chunk_len, chunks, bytes }
    }
}

/// Slots of the hash index of a table: a power of two, at most half of them used.
pub const fn index_slots(table_len: usize) -> usize {
    let least = table_len.saturating_mul(2);
    if least < 2 {
        2
    } else if least > 1 << (usize::BITS - 1) {
        usize::MAX
    } else {
        least.next_power_of_two()
    }
}

/// Bytes that [`multiplicities_table`](super::multiplicities_table) needs beside its arguments, the result included.
pub const fn multiplicities_table_bytes(values: usize, table_len: usize) -> usize {
    let index = index_slots(table_len).saturating_mul(size_of::<u64>());
    // The hashes of the table live while the index is built, the histograms after that.
    let hashes = table_len.saturating_mul(size_of::<u64>());
    let counts = CountPlan::new(values, table_len).bytes;
    index.saturating_add(if hashes > counts { hashes } else { counts })
}

/// Bytes that [`logup_terms`](super::logup_terms) needs beside its arguments: the result.
pub const fn logup_terms_bytes(values: usize, table_len: usize) -> usize {
    values.saturating_add(table_len).saturating_mul(32)
}

/// Bytes that [`permuted_pair`](super::permuted_pair) needs beside its arguments, the result included.
pub const fn permuted_pair_bytes(rows: usize) -> usize {
    // Sorted keys with row numbers: 40. Distinct values, their table and input counts: 32 + 4 + 4. Where both runs
    // start: 2 x 4. Left-over values 32, the result 64.
    multiplicities_table_bytes(rows, rows).saturating_add(rows.saturating_mul(40 + 40 + 8 + 32 + 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_plans() {
        for (values, table_len, chunk_len, chunks, bytes) in [
            (0, 0, 4096, 0, 0),
            (0, 256, 4096, 0, 1024),
            (1, 256, 4096, 1, 1024),
            (4096, 256, 4096, 1, 1024),
            (4097, 256, 4096, 2, 2048),
            (1 << 18, 1 << 16, 8192, 32, 8 << 20),
        ] {
            assert_eq!(CountPlan::new(values, table_len), CountPlan { chunk_len, chunks, bytes });
        }
    }

    #[test]
    fn histograms_are_no_larger_than_input_and_one_histogram() {
        for log_values in 0..24 {
            for log_table in 0..24 {
                let (values, table) = (1usize << log_values, 1 << log_table);
                assert!(CountPlan::new(values, table).bytes <= 32 * values + 4 * table);
            }
        }
    }

    #[test]
    fn index_is_at_most_half_full() {
        for (len, slots) in [(0, 2), (1, 2), (2, 4), (3, 8), (1024, 2048), (1025, 4096)] {
            assert_eq!(index_slots(len), slots);
        }
    }

    #[test]
    fn sizes_saturate() {
        assert_eq!(permuted_pair_bytes(usize::MAX), usize::MAX);
        assert_eq!(logup_terms_bytes(usize::MAX, 1), usize::MAX);
    }
}
