//! Rank-1 constraint systems (A·z) ∘ (B·z) = C·z with z = (1, instance, witness).
//!
//! Columns are in the order of ark-relations: column 0 is the constant one, then the public values, then the
//! witness. Matrices are sparse, with a dictionary of coefficients: circuits of quantised networks have hundreds
//! of thousands of non-zeros and a few hundred distinct ones, so that a non-zero costs 8 bytes.

mod builder;
mod export;
mod label;
mod matrix;

pub use builder::{LinearCombination, R1csBuilder};
pub use label::Label;
pub(crate) use matrix::MixedVector;
pub use matrix::SparseMatrix;
pub(super) use matrix::{MatrixFiller, canonical_bytes};

use crate::error::{Error, Result};
use crate::kernels::{Field, Fr};
use core::fmt;
use label::Labels;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A rank-1 constraint system.
#[derive(Clone, Debug, PartialEq)]
pub struct R1cs {
    num_instance: usize,
    num_witness: usize,
    a: SparseMatrix,
    b: SparseMatrix,
    c: SparseMatrix,
    constraints: Labels,
    variables: Labels,
}

impl R1cs {
    /// Public values, including the constant one at index 0.
    pub fn num_instance(&self) -> usize {
        self.num_instance
    }

    /// Private values.
    pub fn num_witness(&self) -> usize {
        self.num_witness
    }

    /// Columns of the matrices: public and private values together.
    pub fn num_variables(&self) -> usize {
        self.num_instance + self.num_witness
    }

    /// Rows of the matrices.
    pub fn num_constraints(&self) -> usize {
        self.a.num_rows()
    }

    /// Non-zeros of A, B and C.
    pub fn non_zeros(&self) -> [usize; 3] {
        [self.a.non_zeros(), self.b.non_zeros(), self.c.non_zeros()]
    }

    /// A.
    pub fn a(&self) -> &SparseMatrix {
        &self.a
    }

    /// B.
    pub fn b(&self) -> &SparseMatrix {
        &self.b
    }

    /// C.
    pub fn c(&self) -> &SparseMatrix {
        &self.c
    }

    /// What constraint `index` enforces.
    pub fn describe_constraint(&self, index: usize) -> String {
        self.constraints.describe(index)
    }

    /// What variable `index` (a column) holds.
    pub fn describe_variable(&self, index: usize) -> String {
        self.variables.describe(index)
    }

    /// Whether `assignment` satisfies every constraint.
    ///
    /// Errors: [`Error::Unsatisfied`] names the first constraint that fails; an assignment of the wrong length, or
    /// one that does not begin with 1, is an argument error.
    pub fn check(&self, assignment: &Assignment) -> Result<()> {
        let z = assignment.values();
        if z.len() != self.num_variables() {
            return Err(Error::LengthMismatch {
                left: "the assignment",
                left_len: z.len(),
                right: "the constraint system",
                right_len: self.num_variables(),
            });
        }
        if z.first() != Some(&Fr::ONE) {
            return Err(Error::invalid("assignment", "value 0 must be the constant 1"));
        }
        let mixed = MixedVector::new(z);
        let [a, b, c] = [&self.a, &self.b, &self.c].map(|m| Zeroizing::new(m.multiply_mixed(&mixed)));
        match (0..self.num_constraints()).find(|&i| a[i] * b[i] != c[i]) {
            None => Ok(()),
            Some(i) => Err(Error::Unsatisfied { constraint: i, description: self.describe_constraint(i) }),
        }
    }

    /// SHA-256 of the dimensions and of all non-zeros in row order; binds keys to the circuit.
    ///
    /// Per matrix: the number of rows, then per row its length and (column, coefficient) pairs; integers and
    /// canonical field elements are little-endian. Labels do not enter.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"zkwatt r1cs v1 bn254\0");
        hash.update((self.num_instance as u64).to_le_bytes());
        hash.update((self.num_witness as u64).to_le_bytes());
        let mut row_bytes = Vec::new();
        for matrix in [&self.a, &self.b, &self.c] {
            hash.update((matrix.num_rows() as u64).to_le_bytes());
            let coefficients = matrix.coefficient_bytes();
            for row in 0..matrix.num_rows() {
                row_bytes.clear();
                row_bytes.extend_from_slice(&(matrix.raw_row(row).len() as u64).to_le_bytes());
                for &(column, coefficient) in matrix.raw_row(row) {
                    row_bytes.extend_from_slice(&column.to_le_bytes());
                    row_bytes.extend_from_slice(&coefficients[coefficient as usize]);
                }
                hash.update(&row_bytes);
            }
        }
        hash.finalize().into()
    }
}

/// Values of all variables: the constant one, the instance, the witness. Overwritten when dropped.
#[derive(Clone, PartialEq)]
pub struct Assignment {
    values: Vec<Fr>,
}

impl Assignment {
    /// From values in column order, the constant one first.
    pub fn new(values: Vec<Fr>) -> Self {
        Self { values }
    }

    /// All values in column order.
    pub fn values(&self) -> &[Fr] {
        &self.values
    }

    /// All values, to change them.
    pub fn values_mut(&mut self) -> &mut [Fr] {
        &mut self.values
    }

    /// The public values of `r1cs` without the constant one: what a verifier is given.
    pub fn public_inputs(&self, r1cs: &R1cs) -> &[Fr] {
        self.values.get(1..r1cs.num_instance()).unwrap_or(&[])
    }
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assignment {{ {} values }}", self.values.len())
    }
}

impl Drop for Assignment {
    fn drop(&mut self) {
        wipe(&mut self.values);
    }
}

/// Overwrites secret values with zero; the barrier keeps the compiler from dropping the stores.
pub(crate) fn wipe(values: &mut [Fr]) {
    values.fill(Fr::ZERO);
    zeroize::optimization_barrier(values);
}
