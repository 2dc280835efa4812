//! Columns of small integers times powers of a challenge, without field products.

use crate::kernels::{Field, Fr};
use core::ops::Range;

/// Rows whose sums are kept at a time: 64 bytes each.
const CHUNK: usize = 256;
/// Values below 2^15 times 32 bits, 2^16 columns: the sums stay below 2^63.
const SMALL: u32 = 1 << 15;
const MAX_COLUMNS: usize = 1 << 16;

/// Σ_c `powers`_c · columns_c, for each row of `rows`; columns end in zeros.
///
/// Powers are cut into eight 32-bit pieces of their Montgomery form, so that a cell costs eight products of machine
/// integers and a row three of the field. Where values or columns are too many for that, a cell costs two of the field.
pub(super) fn combine(columns: &[&[i32]], powers: &[Fr], rows: Range<usize>) -> Vec<Fr> {
    let small = columns.len() <= MAX_COLUMNS
        && columns.iter().flat_map(|column| column.iter()).all(|v| v.unsigned_abs() < SMALL);
    if !small {
        let mut sums = vec![Fr::ZERO; rows.len()];
        for (column, power) in columns.iter().zip(powers) {
            for (sum, v) in sums.iter_mut().zip(cells(column, &rows)) {
                if *v != 0 {
                    *sum += Fr::from(i64::from(*v)) * *power;
                }
            }
        }
        return sums;
    }
    let pieces: Vec<[i64; 8]> = powers.iter().map(|power| pieces(*power)).collect();
    let chunks = rows.clone().step_by(CHUNK).map(|start| start..(start + CHUNK).min(rows.end));
    chunks.flat_map(|chunk| combine_chunk(columns, &pieces, chunk)).collect()
}

/// The rows of a column that are there.
fn cells<'a>(column: &'a [i32], rows: &Range<usize>) -> &'a [i32] {
    column.get(rows.start..rows.end.min(column.len())).unwrap_or(&[])
}

fn pieces(power: Fr) -> [i64; 8] {
    let limbs = power.to_montgomery();
    core::array::from_fn(|i| (limbs[i / 2] >> (32 * (i % 2)) & 0xffff_ffff) as i64)
}

fn combine_chunk(
    columns: &[&[i32]],
    pieces: &[[i64; 8]],
    rows: Range<usize>,
) -> impl Iterator<Item = Fr> + use<> {
    let mut sums = vec![[0i64; 8]; rows.len()];
    for (column, pieces) in columns.iter().zip(pieces) {
        for (sum, v) in sums.iter_mut().zip(cells(column, &rows)) {
            let v = i64::from(*v);
            sum.iter_mut().zip(pieces).for_each(|(sum, piece)| *sum += v * piece);
        }
    }
    sums.into_iter().map(reduce)
}

/// Σ 2^(32i)·sum_i is the Montgomery form of the result, up to multiples of r.
fn reduce(sums: [i64; 8]) -> Fr {
    let mut limbs = [0u64; 4];
    let mut carry = 0i128;
    for (limb, pair) in limbs.iter_mut().zip(sums.chunks_exact(2)) {
        carry += i128::from(pair[0]) + (i128::from(pair[1]) << 32);
        *limb = carry as u64;
        carry >>= 64;
    }
    // R = 2^256: `from_u256_reduced` gives l·R for l, the product with R⁻¹ takes that to l; and carry·2^256 is carry·R.
    let inverse_r = Fr::from_montgomery_unchecked([1, 0, 0, 0]);
    Fr::from_u256_reduced(limbs) * inverse_r + Fr::from(carry)
}

/// 1, base, …, base^(count − 1)
pub(super) fn powers(base: Fr, count: usize) -> Vec<Fr> {
    core::iter::successors(Some(Fr::ONE), |power| Some(*power * base)).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_field() {
        let base = Fr::from(0x1234_5678_9abc_def1u64).square().square();
        for limit in [1i64, 128, 32_767, 32_768, i64::from(i32::MAX)] {
            let mut state = 1u64;
            let columns: Vec<Vec<i32>> = (0..37)
                .map(|c| {
                    let value = |i: usize| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i as u64 | 1);
                        ((state >> 20) as i64 % (limit + 1)) as i32 * if state >> 63 == 0 { 1 } else { -1 }
                    };
                    (0..300 - c).map(value).collect()
                })
                .collect();
            let views: Vec<&[i32]> = columns.iter().map(Vec::as_slice).collect();
            let powers = powers(base, columns.len());
            let naive = |row: usize| {
                let cell = |c: usize| columns[c].get(row).map_or(Fr::ZERO, |v| Fr::from(i64::from(*v)));
                (0..columns.len()).map(|c| cell(c) * powers[c]).fold(Fr::ZERO, |a, b| a + b)
            };
            let expected: Vec<Fr> = (5..290).map(naive).collect();
            assert!(combine(&views, &powers, 5..290) == expected, "values up to {limit}");
        }
        let negative = vec![i32::from(i16::MIN) + 1; 3];
        let got = combine(&[&negative], &[-Fr::ONE], 0..3);
        assert_eq!(got[2], Fr::from(32_767i64));
    }
}
