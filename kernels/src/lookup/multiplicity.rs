//! Multiplicities: how often each table row is looked up.

#[cfg(target_arch = "x86_64")]
use super::lanes;
use super::plan::CountPlan;
use super::{LookupError, TableIndex, check_rows};
use crate::dispatch::{CpuPath, with_arith};
#[cfg(target_arch = "x86_64")]
use crate::field::words;
use crate::field::{Fr, cast, cast_slice};
use crate::parallel::{fold_chunks, for_each_chunk_mut};
use crate::vector::CHUNK;
use core::ops::Range;

/// The table of consecutive integers `start`, `start + 1`, …, of `len` rows; negative ones stand for p − |x|.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct RangeTable {
    /// The integer in row 0.
    pub start: i64,
    /// Rows.
    pub len: usize,
}

/// m_j = #{i : values_i = `start` + j} for a dense table.
///
/// Cost: one product a value (out of Montgomery form), half of one on eight lanes; memory of [`CountPlan`]. Parallel over
/// chunks of values, with a histogram for each run of them.
///
/// Errors: [`LookupError::NotInTable`], [`LookupError::TooManyRows`].
pub fn multiplicities_range(
    path: CpuPath,
    values: &[Fr],
    table: RangeTable,
) -> Result<Vec<u32>, LookupError> {
    check_rows("table", table.len)?;
    check_rows("values", values.len())?;
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes() {
        let rows = lanes::Rows::new(table);
        return count_rows(values.len(), table.len, |range, counts| {
            lanes::count(ifma, words(&values[range.clone()]), &rows, counts).map(|i| range.start + i)
        })
        .map_err(|index| LookupError::NotInTable { index, value: values[index] });
    }
    let row = with_arith!(path, A => {
        let start = cast::<Fr, A>(Fr::from(table.start));
        let values = cast_slice::<Fr, A>(values);
        count_rows_of(values.len(), table.len, |i| match (values[i] - start).to_canonical() {
            [row, 0, 0, 0] if row < table.len as u64 => Some(row as u32),
            _ => None,
        })
    });
    row.map_err(|index| LookupError::NotInTable { index, value: values[index] })
}

/// As [`multiplicities_range`], for values that are held as small integers. Cost: about one memory access a value.
///
/// Errors: [`LookupError::NotInTable`], [`LookupError::TooManyRows`].
pub fn multiplicities_integers<T: Copy + Into<i64> + Sync>(
    values: &[T],
    table: RangeTable,
) -> Result<Vec<u32>, LookupError> {
    check_rows("table", table.len)?;
    check_rows("values", values.len())?;
    count_rows_of(values.len(), table.len, |i| {
        let value: i64 = values[i].into();
        // The difference of any two i64 in this order fits u64.
        let row = value.wrapping_sub(table.start) as u64;
        (value >= table.start && row < table.len as u64).then_some(row as u32)
    })
    .map_err(|index| LookupError::NotInTable { index, value: Fr::from(values[index].into()) })
}

/// m_j = #{i : values_i = t_j}, counted at the first occurrence of t_j; later occurrences get 0.
///
/// A hash join: one hash and one random access a value; memory of
/// [`multiplicities_table_bytes`](super::plan::multiplicities_table_bytes) less the index. Parallel over chunks of
/// values, with a histogram for each run of them.
///
/// Errors: [`LookupError::NotInTable`], [`LookupError::TooManyRows`].
pub fn multiplicities_table(values: &[Fr], table: &TableIndex<'_>) -> Result<Vec<u32>, LookupError> {
    check_rows("values", values.len())?;
    count_rows_of(values.len(), table.table().len(), |i| table.find(&values[i]))
        .map_err(|index| LookupError::NotInTable { index, value: values[index] })
}

/// Counts `row_of(i)` for i in 0..n; the first i without a row is the error.
fn count_rows_of(
    n: usize,
    table_len: usize,
    row_of: impl Fn(usize) -> Option<u32> + Send + Sync,
) -> Result<Vec<u32>, usize> {
    count_rows(n, table_len, |mut range, counts| {
        range.find(|&i| match row_of(i) {
            Some(row) => {
                counts[row as usize] += 1;
                false
            }
            None => true,
        })
    })
}

/// Fills histograms of 0..n and adds them; `count` adds a range to one, or returns its first index without a row.
fn count_rows(
    n: usize,
    table_len: usize,
    count: impl Fn(Range<usize>, &mut [u32]) -> Option<usize> + Send + Sync,
) -> Result<Vec<u32>, usize> {
    let counts = fold_chunks(
        n,
        CountPlan::new(n, table_len).chunk_len,
        || Ok(vec![0; table_len]),
        |state: Result<Vec<u32>, usize>, range| {
            let mut counts = state?;
            count(range, &mut counts).map_or(Ok(counts), Err)
        },
        // The error of the earlier values is the first one.
        |earlier, later| {
            let (mut sum, counts) = (earlier?, later?);
            for_each_chunk_mut(&mut sum, CHUNK, |start, chunk| {
                chunk.iter_mut().zip(&counts[start..]).for_each(|(sum, &count)| *sum += count);
            });
            Ok(sum)
        },
    );
    counts.unwrap_or_else(|| Ok(vec![0; table_len]))
}
