//! The permuted pair of Halo2's lookup argument.

use super::{LookupError, TableIndex, multiplicities_table};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Field, Fr, cast_slice};
use crate::parallel::{for_each_chunk_mut, map_range, sort_unstable};
use crate::vector::{CHUNK, LengthMismatch};

/// The permuted input column A' and the permuted table column S'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermutedPair {
    /// A': the input, ascending by canonical integer.
    pub input: Vec<Fr>,
    /// S': the table such that S'_i = A'_i or A'_i = A'_{i−1}.
    pub table: Vec<Fr>,
}

/// Permutes input and table so that S'_i = A'_i where A'_i differs from A'_{i−1} (and in row 0).
///
/// A' ascends by canonical integer. The other rows of S' take the left-over table values in ascending order, lowest
/// row first. That is the filling order of halo2-axiom 0.5.3's multi-threaded `permute_expression_pair`; there the
/// groups of equal inputs come in the order of a hash map instead (its `_seq` form ascends as here, but fills from the
/// highest row). The verifier accepts every order. Blinding rows are the caller's.
///
/// Cost: a parallel sort of the table only (linear if it is sorted already), a hash join, parallel fills; memory of
/// [`permuted_pair_bytes`](super::plan::permuted_pair_bytes). Source: the Halo2 book, "Lookup argument".
///
/// Errors: [`LookupError::NotInTable`], [`LookupError::Length`], [`LookupError::TooManyRows`].
pub fn permuted_pair(path: CpuPath, input: &[Fr], table: &[Fr]) -> Result<PermutedPair, LookupError> {
    LengthMismatch::check("table", table.len(), input.len())?;
    let n = table.len();
    // By row of the first occurrence.
    let counts = multiplicities_table(input, &TableIndex::new(table)?)?;

    // The distinct table values, ascending, with their numbers in the input and, beyond those that A' will meet, in
    // the table.
    let sorted = sorted_rows(path, table);
    let mut distinct = Vec::with_capacity(n);
    let mut in_input = Vec::with_capacity(n);
    let mut left_over = Vec::with_capacity(n);
    for group in sorted.chunk_by(|(a, _), (b, _)| a == b) {
        // Equal keys ascend by row, so the first is the one that was counted.
        let row = group[0].1 as usize;
        distinct.push(table[row]);
        in_input.push(counts[row]);
        left_over.push(group.len() as u32 - u32::from(counts[row] > 0));
    }
    drop((sorted, counts));

    let starts = run_starts(&in_input);
    let mut permuted_input = vec![Fr::ZERO; n];
    fill_runs(&mut permuted_input, &distinct, &starts);
    let left_over_starts = run_starts(&left_over);
    let mut left = vec![Fr::ZERO; left_over_starts.last().map_or(0, |&total| total as usize)];
    fill_runs(&mut left, &distinct, &left_over_starts);

    // new_before[c]: rows before chunk c in which A' is new; all others take a left-over value.
    let a = &permuted_input;
    let is_new = |i: usize| i == 0 || a[i] != a[i - 1];
    let mut new_before = crate::parallel::map_chunks(n, CHUNK, |range| range.filter(|&i| is_new(i)).count());
    let mut total = 0;
    for count in &mut new_before {
        total += core::mem::replace(count, total);
    }
    let mut permuted_table = vec![Fr::ZERO; n];
    for_each_chunk_mut(&mut permuted_table, CHUNK, |start, chunk| {
        let mut left = left[start - new_before[start / CHUNK]..].iter();
        for (i, out) in (start..).zip(chunk) {
            // There are as many left-over values as rows without a new one: n less the values used, both.
            *out = if is_new(i) { a[i] } else { left.next().copied().unwrap_or(Fr::ZERO) };
        }
    });
    Ok(PermutedPair { input: permuted_input, table: permuted_table })
}

/// (canonical integer, most significant limb first; row), ascending.
fn sorted_rows(path: CpuPath, table: &[Fr]) -> Vec<([u64; 4], u32)> {
    let mut rows = with_arith!(path, A => {
        let table = cast_slice::<Fr, A>(table);
        map_range(table.len(), |row| {
            let [a, b, c, d] = table[row].to_canonical();
            ([d, c, b, a], row as u32)
        })
    });
    sort_unstable(&mut rows);
    rows
}

/// Where each of the runs starts, and where the last one ends.
fn run_starts(lengths: &[u32]) -> Vec<u32> {
    let mut end = 0;
    let ends = lengths.iter().map(|&length| {
        end += length;
        end
    });
    core::iter::once(0).chain(ends).collect()
}

/// Writes values_k to starts_k..starts_{k+1}, which together cover `out`.
fn fill_runs(out: &mut [Fr], values: &[Fr], starts: &[u32]) {
    for_each_chunk_mut(out, CHUNK, |first, chunk| {
        // The run that holds `first`: the last that starts at or before it (earlier ones there are empty).
        let mut run = starts.partition_point(|&start| start as usize <= first) - 1;
        let mut filled = 0;
        while filled < chunk.len() {
            let end = (starts[run + 1] as usize - first).min(chunk.len());
            chunk[filled..end].fill(values[run]);
            filled = end;
            run += 1;
        }
    });
}
