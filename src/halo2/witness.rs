//! Witnesses by phase and column.

use crate::error::Result;
use zeroize::Zeroize;
use zkwatt_kernels::Fr;

/// The values of one advice column, from row 0; rows behind the last one are zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnValues {
    /// Field elements.
    Field(Vec<Fr>),
    /// Signed integers: −3 stands for r − 3. They take an eighth of the memory, and a commitment to them costs a fraction.
    Small(Vec<i32>),
}

impl ColumnValues {
    /// Number of rows that are given.
    pub fn len(&self) -> usize {
        match self {
            Self::Field(values) => values.len(),
            Self::Small(values) => values.len(),
        }
    }

    /// Whether no row is given: the column is zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for ColumnValues {
    fn drop(&mut self) {
        match self {
            Self::Field(values) => values.zeroize(),
            Self::Small(values) => values.zeroize(),
        }
    }
}

/// A witness that is made column by column, so that kernels can make it: the alternative to
/// [`Circuit::synthesize`](halo2_axiom::plonk::Circuit::synthesize), which visits cells one by one.
pub trait PhaseWitness {
    /// The advice columns of `phase` (0, 1 or 2) in ascending order of their indices.
    ///
    /// No column may be longer than the usable rows. `challenges` holds what was squeezed after the phases before, in
    /// the order of the challenges' indices.
    fn columns(&self, phase: u8, challenges: &[Fr]) -> Result<Vec<ColumnValues>>;
}
