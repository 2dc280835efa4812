//! Sparse matrices over F_r.

use crate::kernels::{Field, Fr, PrimeField, parallel};
use std::collections::HashMap;

/// Rows of one parallel job; a row of a dense layer has hundreds of non-zeros, most others two.
const ROWS_PER_JOB: usize = 128;

/// The dictionary begins with 1 and −1, which cost no product.
const PLUS_ONE: u32 = 0;
const MINUS_ONE: u32 = 1;

/// A sparse matrix in compressed row form; coefficients are indices into a dictionary.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseMatrix {
    row_offsets: Vec<usize>,
    /// (column, index into `coefficients`)
    entries: Vec<(u32, u32)>,
    coefficients: Vec<Fr>,
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
    }

    /// The (column, coefficient) pairs of row `row`, columns ascending. Empty beyond the last row.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = (usize, Fr)> + '_ {
        self.raw_row(row)
            .iter()
            .map(|&(column, coefficient)| (column as usize, self.coefficients[coefficient as usize]))
    }

    pub(super) fn raw_row(&self, row: usize) -> &[(u32, u32)] {
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
    /// Cost: one product for each non-zero whose coefficient is not ±1 and whose variable is not zero.
    pub fn multiply(&self, z: &[Fr]) -> Vec<Fr> {
        let mut out = vec![Fr::ZERO; self.num_rows()];
        parallel::for_each_chunk_mut(&mut out, ROWS_PER_JOB, |first, rows| {
            for (i, out) in rows.iter_mut().enumerate() {
                *out = self.dot(first + i, z);
            }
        });
        out
    }

    fn dot(&self, row: usize, z: &[Fr]) -> Fr {
        let mut sum = Fr::ZERO;
        for &(column, coefficient) in self.raw_row(row) {
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
        Self { matrix: SparseMatrix { row_offsets: vec![0], entries: Vec::new(), coefficients }, index }
    }

    /// In: columns ascending and distinct, no coefficient zero.
    pub(super) fn push_row(&mut self, terms: &[(u32, Fr)]) {
        let Self { matrix, index } = self;
        matrix.entries.extend(terms.iter().map(|&(column, coefficient)| {
            let next = matrix.coefficients.len() as u32;
            let at = *index.entry(coefficient.to_montgomery()).or_insert_with(|| {
                matrix.coefficients.push(coefficient);
                next
            });
            (column, at)
        }));
        matrix.row_offsets.push(matrix.entries.len());
    }

    pub(super) fn finish(mut self) -> SparseMatrix {
        self.matrix.entries.shrink_to_fit();
        self.matrix
    }
}

/// The canonical integer, 32 bytes, little-endian.
fn canonical_bytes(value: Fr) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (bytes, limb) in bytes.chunks_exact_mut(8).zip(PrimeField::to_canonical(value)) {
        bytes.copy_from_slice(&limb.to_le_bytes());
    }
    bytes
}
