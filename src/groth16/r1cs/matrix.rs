//! Sparse matrices over F_r.

use crate::kernels::{Field, Fr, PrimeField, parallel};
use std::collections::HashMap;
use zeroize::Zeroizing;

/// Rows of one parallel job; a row of a dense layer has hundreds of non-zeros, most others two.
const ROWS_PER_JOB: usize = 128;

/// The dictionary begins with 1 and −1, which cost no product.
const PLUS_ONE: u32 = 0;
const MINUS_ONE: u32 = 1;

/// Rows of at least so many non-zeros multiply small integers as integers; in shorter ones the conversion of the sum to
/// the field would cost what that saves.
const INTEGER_ROW: usize = 16;

/// A sparse matrix in compressed row form; coefficients are indices into a dictionary.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseMatrix {
    row_offsets: Vec<usize>,
    /// (column, index into `coefficients`)
    entries: Vec<(u32, u32)>,
    coefficients: Vec<Fr>,
    /// [`small`] of each coefficient.
    small_coefficients: Vec<i32>,
}

/// What [`small`] says of a value that is not small.
const LARGE: i32 = i32::MIN;

/// The integer v in −2^31 < v < 2^31 that `value` stands for, or [`LARGE`].
fn small(value: Fr) -> i32 {
    let magnitude = |value: Fr| match PrimeField::to_canonical(value) {
        [low, 0, 0, 0] => i32::try_from(low).ok(),
        _ => None,
    };
    magnitude(value).or_else(|| magnitude(-value).map(|v| -v)).unwrap_or(LARGE)
}

/// A vector with those of its values that are small as integers. Those are wiped when dropped.
pub(crate) struct MixedVector<'a> {
    values: &'a [Fr],
    /// [`small`] of each value.
    integers: Zeroizing<Vec<i32>>,
}

impl<'a> MixedVector<'a> {
    /// Cost: a product for each value, two for those that are not small.
    pub(crate) fn new(values: &'a [Fr]) -> Self {
        Self { values, integers: Zeroizing::new(parallel::map_range(values.len(), |i| small(values[i]))) }
    }
}

impl SparseMatrix {
    /// Number of rows.
    pub fn num_rows(&self) -> usize {
        self.row_offsets.len() - 1
    }

    /// Number of stored entries; none of them is zero.
    pub fn non_zeros(&self) -> usize {
        self.entries.len()
    }

    /// Number of distinct coefficients, counting 1 and −1 always.
    pub fn distinct_coefficients(&self) -> usize {
        self.coefficients.len()
    }

    /// Heap bytes.
    pub fn bytes(&self) -> usize {
        self.row_offsets.capacity() * size_of::<usize>()
            + self.entries.capacity() * size_of::<(u32, u32)>()
            + self.coefficients.capacity() * size_of::<Fr>()
            + self.small_coefficients.capacity() * size_of::<i32>()
    }

    /// The (column, coefficient) pairs of row `row`, in the order they were given in: columns ascending, unless a file has
    /// them otherwise. Empty beyond the last row.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = (usize, Fr)> + '_ {
        self.raw_row(row)
            .iter()
            .map(|&(column, coefficient)| (column as usize, self.coefficients[coefficient as usize]))
    }

    /// How many of the first `columns` columns have an entry, or are among the first `always`.
    pub(in crate::groth16) fn used_columns(&self, columns: usize, always: usize) -> usize {
        let mut used = vec![false; columns];
        used.iter_mut().take(always).for_each(|used| *used = true);
        for (column, _) in &self.entries {
            if let Some(used) = used.get_mut(*column as usize) {
                *used = true;
            }
        }
        used.into_iter().filter(|used| *used).count()
    }

    /// The dictionary of coefficients, in which [`SparseMatrix::raw_row`] looks up.
    pub(in crate::groth16) fn coefficients(&self) -> &[Fr] {
        &self.coefficients
    }

    /// The (column, index of the coefficient) pairs of a row.
    pub(in crate::groth16) fn raw_row(&self, row: usize) -> &[(u32, u32)] {
        if row < self.num_rows() {
            &self.entries[self.row_offsets[row]..self.row_offsets[row + 1]]
        } else {
            &[]
        }
    }

    /// Canonical little-endian bytes of the dictionary.
    pub(super) fn coefficient_bytes(&self) -> Vec<[u8; 32]> {
        self.coefficients.iter().map(|c| canonical_bytes(*c)).collect()
    }

    /// M·z, rows in parallel; columns beyond the end of `z` count as zero.
    ///
    /// Cost: one product for each non-zero whose coefficient is not ±1 and whose variable is not zero; in long rows, an
    /// integer product instead where both are below 2^31 in magnitude, as nearly all are in a quantised network.
    pub fn multiply(&self, z: &[Fr]) -> Vec<Fr> {
        self.multiply_mixed(&MixedVector::new(z))
    }

    /// As [`SparseMatrix::multiply`], for several matrices with one vector.
    pub(crate) fn multiply_mixed(&self, z: &MixedVector<'_>) -> Vec<Fr> {
        let mut out = vec![Fr::ZERO; self.num_rows()];
        parallel::for_each_chunk_mut(&mut out, ROWS_PER_JOB, |first, rows| {
            for (i, out) in rows.iter_mut().enumerate() {
                let row = self.raw_row(first + i);
                *out = if row.len() < INTEGER_ROW { self.dot(row, z.values) } else { self.long_dot(row, z) };
            }
        });
        out
    }

    fn long_dot(&self, row: &[(u32, u32)], z: &MixedVector<'_>) -> Fr {
        // Fewer than 2^32 products below 2^62: the sum cannot overflow.
        let (mut integers, mut rest) = (0i128, Fr::ZERO);
        for &(column, coefficient) in row {
            let Some(&integer) = z.integers.get(column as usize) else { continue };
            let small_coefficient = self.small_coefficients[coefficient as usize];
            if integer != LARGE && small_coefficient != LARGE {
                integers += i128::from(i64::from(integer) * i64::from(small_coefficient));
            } else {
                rest += z.values[column as usize] * self.coefficients[coefficient as usize];
            }
        }
        Fr::from(integers) + rest
    }

    fn dot(&self, row: &[(u32, u32)], z: &[Fr]) -> Fr {
        let mut sum = Fr::ZERO;
        for &(column, coefficient) in row {
            let Some(value) = z.get(column as usize) else { continue };
            if value.is_zero() {
                continue;
            }
            match coefficient {
                PLUS_ONE => sum += *value,
                MINUS_ONE => sum -= *value,
                _ => sum += *value * self.coefficients[coefficient as usize],
            }
        }
        sum
    }
}

/// Appends rows to a matrix.
#[derive(Clone, Debug)]
pub(super) struct MatrixBuilder {
    matrix: SparseMatrix,
    index: HashMap<[u64; 4], u32>,
}

impl MatrixBuilder {
    pub(super) fn new() -> Self {
        let coefficients = vec![Fr::ONE, -Fr::ONE];
        let index = coefficients.iter().zip(0..).map(|(c, i)| (c.to_montgomery(), i)).collect();
        let small_coefficients = coefficients.iter().map(|c| small(*c)).collect();
        let matrix =
            SparseMatrix { row_offsets: vec![0], entries: Vec::new(), coefficients, small_coefficients };
        Self { matrix, index }
    }

    /// In: columns ascending and distinct, no coefficient zero.
    pub(super) fn push_row(&mut self, terms: &[(u32, Fr)]) {
        for (column, coefficient) in terms {
            let coefficient = self.coefficient(*coefficient);
            self.matrix.entries.push((*column, coefficient));
        }
        self.matrix.row_offsets.push(self.matrix.entries.len());
    }

    /// The index of a coefficient in the dictionary.
    fn coefficient(&mut self, coefficient: Fr) -> u32 {
        let Self { matrix, index } = self;
        *index.entry(coefficient.to_montgomery()).or_insert_with(|| {
            matrix.coefficients.push(coefficient);
            matrix.small_coefficients.push(small(coefficient));
            // Fewer than entries, which a row's length bounds.
            (matrix.coefficients.len() - 1) as u32
        })
    }

    pub(super) fn finish(mut self) -> SparseMatrix {
        self.matrix.entries.shrink_to_fit();
        self.matrix
    }
}

/// Fills a matrix with entries in any order; entries of a row stay in theirs.
pub(in crate::groth16) struct MatrixFiller {
    builder: MatrixBuilder,
    /// Where the next entry of each row goes.
    next: Vec<usize>,
}

impl MatrixFiller {
    /// For rows of these lengths.
    pub fn new(lengths: &[u32]) -> Self {
        let mut builder = MatrixBuilder::new();
        builder.matrix.row_offsets.reserve_exact(lengths.len());
        let mut end = 0;
        for length in lengths {
            end += *length as usize;
            builder.matrix.row_offsets.push(end);
        }
        builder.matrix.entries = vec![(0, PLUS_ONE); end];
        Self { next: builder.matrix.row_offsets[..lengths.len()].to_vec(), builder }
    }

    /// Adds an entry other than zero; beyond the length of its row it is left out.
    pub fn place(&mut self, row: usize, column: u32, coefficient: Fr) {
        let coefficient = self.builder.coefficient(coefficient);
        let end = self.builder.matrix.row_offsets.get(row + 1).copied();
        if let Some(next) = self.next.get_mut(row).filter(|next| Some(**next) < end) {
            self.builder.matrix.entries[*next] = (column, coefficient);
            *next += 1;
        }
    }

    pub fn finish(self) -> SparseMatrix {
        self.builder.finish()
    }
}

/// The canonical integer, 32 bytes, little-endian.
pub(in crate::groth16) fn canonical_bytes(value: Fr) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (bytes, limb) in bytes.chunks_exact_mut(8).zip(PrimeField::to_canonical(value)) {
        bytes.copy_from_slice(&limb.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_are_recognised() {
        let top = (1i64 << 31) - 1;
        for v in [0, 1, -1, 255, -128, top, -top] {
            assert_eq!(i64::from(small(Fr::from(v))), v);
        }
        for v in [top + 1, -top - 1, i64::MAX, i64::MIN] {
            assert_eq!(small(Fr::from(v)), LARGE);
        }
        assert_eq!(small(Fr::generator().inverse_vartime().unwrap()), LARGE);
    }

    #[test]
    fn long_rows_mix_integers_and_field_elements() {
        let half = Fr::from(2u64).inverse_vartime().unwrap();
        let value = |i: u64| match i % 5 {
            0 => Fr::from(-(i as i64)),
            1 => half + Fr::from(i),
            2 => Fr::from(i << 40),
            3 => Fr::from(i64::from(i32::MAX)),
            _ => Fr::ZERO,
        };
        for len in [0, 1, INTEGER_ROW - 1, INTEGER_ROW, INTEGER_ROW + 1, 200] {
            let row: Vec<(u32, Fr)> = (0..len as u32).map(|i| (i, value(u64::from(i * 7 + 3)))).collect();
            let z: Vec<Fr> = (0..len as u64).map(|i| value(i * 3 + 1)).collect();
            let mut builder = MatrixBuilder::new();
            builder.push_row(&row.iter().copied().filter(|(_, c)| !c.is_zero()).collect::<Vec<_>>());
            let expected: Fr = row.iter().zip(&z).map(|((_, c), z)| *c * *z).sum();
            let matrix = builder.finish();
            assert_eq!(matrix.multiply(&z), [expected], "{len}");
            // Columns beyond the end count as zero.
            let half = len / 2;
            let expected: Fr = row.iter().zip(&z[..half]).map(|((_, c), z)| *c * *z).sum();
            assert_eq!(matrix.multiply(&z[..half]), [expected], "{len}");
        }
    }
}
