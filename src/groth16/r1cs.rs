//! Rank-1 constraint systems (minimal).

use zkwatt_kernels::{Field, Fr};

/// Rows of (column, coefficient).
#[derive(Clone, Debug, Default)]
pub struct SparseMatrix(pub Vec<Vec<(u32, Fr)>>);

impl SparseMatrix {
    /// Row i.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, Fr)> + '_ {
        self.0[i].iter().map(|&(c, v)| (c as usize, v))
    }
    /// M·z
    pub fn mul_vec(&self, z: &[Fr]) -> Vec<Fr> {
        self.0
            .iter()
            .map(|r| r.iter().map(|&(c, v)| v * z[c as usize]).fold(Fr::ZERO, |a, b| a + b))
            .collect()
    }
}

/// A·z ∘ B·z = C·z
#[derive(Clone, Debug, Default)]
pub struct R1cs {
    /// one and the public inputs
    pub instance: usize,
    /// all variables
    pub variables: usize,
    /// A
    pub a: SparseMatrix,
    /// B
    pub b: SparseMatrix,
    /// C
    pub c: SparseMatrix,
}

impl R1cs {
    /// One and the public inputs.
    pub fn num_instance(&self) -> usize {
        self.instance
    }
    /// All variables.
    pub fn num_variables(&self) -> usize {
        self.variables
    }
    /// Constraints.
    pub fn num_constraints(&self) -> usize {
        self.a.0.len()
    }
}

/// z
pub struct Assignment(pub Vec<Fr>);
