//! The system in the forms of other programs: ark-relations matrices and iden3's `.r1cs` files.

use super::{R1cs, SparseMatrix};
use crate::error::{Error, Result};
use crate::iden3;
use crate::kernels::Fr;
use std::io::{self, Write};

impl R1cs {
    /// A, B and C as `ark_groth16::Groth16::create_proof_with_reduction_and_matrices` takes them.
    pub fn to_ark_matrices(&self) -> Vec<Vec<Vec<(ark_bn254::Fr, usize)>>> {
        [&self.a, &self.b, &self.c].map(SparseMatrix::to_ark).into()
    }

    /// Writes the binary `.r1cs` format of iden3 (version 1) that snarkjs and circom tools read.
    ///
    /// Wires are the columns in order: one, then the public values (counted as public outputs), then the private
    /// ones. Field elements are canonical and little-endian. The label of a wire is its index.
    /// Errors: [`Error::Unsupported`] where a count exceeds 32 bits; [`Error::Io`] with the path `.r1cs`.
    pub fn write_r1cs(&self, out: impl Write) -> Result<()> {
        let fits = |n: usize, what: &str| {
            u32::try_from(n).map_err(|_| Error::Unsupported {
                what: format!("a .r1cs file with {n} {what}"),
                reason: "the format counts them in 32 bits".into(),
            })
        };
        let wires = fits(self.num_variables(), "wires")?;
        let constraints = fits(self.num_constraints(), "constraints")?;
        self.write_sections(out, wires, constraints).map_err(|source| Error::io(".r1cs", source))
    }

    fn write_sections(&self, mut out: impl Write, wires: u32, constraints: u32) -> io::Result<()> {
        out.write_all(&iden3::start(b"r1cs", 1, 3))?;
        out.write_all(&iden3::section_start(1, 36 + 4 * 4 + 8 + 4))?;
        out.write_all(&iden3::scalar_field())?;
        let outputs = (self.num_instance - 1) as u32;
        // Wires, public outputs, public inputs, private inputs.
        for count in [wires, outputs, 0, self.num_witness as u32] {
            out.write_all(&count.to_le_bytes())?;
        }
        out.write_all(&u64::from(wires).to_le_bytes())?;
        out.write_all(&constraints.to_le_bytes())?;

        let non_zeros: usize = self.non_zeros().iter().sum();
        let length = 3 * 4 * u64::from(constraints) + 36 * non_zeros as u64;
        out.write_all(&iden3::section_start(2, length))?;
        let matrices = [&self.a, &self.b, &self.c].map(|m| (m, m.coefficient_bytes()));
        let mut buffer = Vec::new();
        for row in 0..self.num_constraints() {
            buffer.clear();
            for (matrix, coefficients) in &matrices {
                let entries = matrix.raw_row(row);
                buffer.extend_from_slice(&(entries.len() as u32).to_le_bytes());
                for &(column, coefficient) in entries {
                    buffer.extend_from_slice(&column.to_le_bytes());
                    buffer.extend_from_slice(&coefficients[coefficient as usize]);
                }
            }
            out.write_all(&buffer)?;
        }

        out.write_all(&iden3::section_start(3, 8 * u64::from(wires)))?;
        for wire in 0..u64::from(wires) {
            out.write_all(&wire.to_le_bytes())?;
        }
        out.flush()
    }
}

impl SparseMatrix {
    /// The rows as (coefficient, column) pairs, the `Matrix` type of ark-relations.
    pub fn to_ark(&self) -> Vec<Vec<(ark_bn254::Fr, usize)>> {
        (0..self.num_rows())
            .map(|row| self.row(row).map(|(column, coefficient)| (ark_fr(coefficient), column)).collect())
            .collect()
    }
}

/// Both sides hold a·2^256 mod r, fully reduced.
fn ark_fr(value: Fr) -> ark_bn254::Fr {
    ark_bn254::Fr::new_unchecked(ark_ff::BigInt(value.to_montgomery()))
}
