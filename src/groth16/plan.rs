//! How many bytes a prover needs; pure.

use super::domain::Domain;
use super::{R1cs, SparseMatrix};
use crate::error::Result;
use zkwatt_kernels::msm::{BitHistogram, MsmPlan};
use zkwatt_kernels::{Fr, G1Affine, G2Affine};

/// Predicted bytes on a prover's device, and beside it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ProverPlan {
    /// Bases of the five sums, for as long as the prover lives.
    pub bases_bytes: u64,
    /// Those of the largest one, of which B in G2 is mostly the one.
    pub largest_query_bytes: u64,
    /// Twiddles of both directions, likewise.
    pub twiddle_bytes: u64,
    /// Polynomials during the witness map: a, b and c.
    pub polynomial_bytes: u64,
    /// Scalars and scratch of the largest sum, while the quotient is kept.
    pub msm_bytes: u64,
    /// Matrices and one assignment, on the host whatever the device.
    pub host_bytes: u64,
}

impl ProverPlan {
    /// For a domain of 2^`log_n` and the numbers of finite bases in A, B in G1, B in G2, and L.
    pub fn new(log_n: u32, [a, b1, b2, l]: [usize; 4]) -> Self {
        const SCALAR: u64 = size_of::<Fr>() as u64;
        const POINT: [usize; 2] = [size_of::<G1Affine>(), size_of::<G2Affine>()];
        let n = 1u64 << log_n;
        let g1 = (a + b1 + l) as u64 + n - 1;
        // Full-width scalars are the upper bound.
        let msm = |count: usize, point: usize| {
            let scratch = MsmPlan::new(&BitHistogram::uniform(count, 254), point).scratch_bytes;
            count as u64 * SCALAR + scratch
        };
        let sums = [
            msm(a, POINT[0]),
            msm(b1, POINT[0]),
            msm(b2, POINT[1]),
            msm(l, POINT[0]),
            msm(1 << log_n, POINT[0]),
        ];
        let largest = (a.max(b1).max(l).max(1 << log_n) * POINT[0]).max(b2 * POINT[1]);
        Self {
            bases_bytes: g1 * POINT[0] as u64 + b2 as u64 * POINT[1] as u64,
            largest_query_bytes: largest as u64,
            twiddle_bytes: n * SCALAR,
            polynomial_bytes: 3 * n * SCALAR,
            msm_bytes: n * SCALAR + sums.into_iter().max().unwrap_or(0),
            host_bytes: 0,
        }
    }

    /// With matrices and an assignment of `variables` on the host.
    pub(super) fn with_host<'a>(
        self,
        matrices: impl IntoIterator<Item = &'a SparseMatrix>,
        variables: usize,
    ) -> Self {
        let matrices: usize = matrices.into_iter().map(SparseMatrix::bytes).sum();
        Self { host_bytes: (matrices + variables * size_of::<Fr>()) as u64, ..self }
    }

    /// For a circuit, before there is a key: the variables that occur in A (or are public), in B, and the private ones.
    ///
    /// # Errors
    /// [`crate::Error::DomainTooLarge`] beyond 2^28 rows.
    pub fn for_circuit(r1cs: &R1cs) -> Result<Self> {
        let domain = Domain::of(r1cs)?;
        let variables = r1cs.num_variables();
        let a = r1cs.a().used_columns(variables, r1cs.num_instance());
        let b = r1cs.b().used_columns(variables, 0);
        let plan = Self::new(domain.log_n, [a, b, b, r1cs.num_witness()]);
        Ok(plan.with_host([r1cs.a(), r1cs.b(), r1cs.c()], variables))
    }

    /// The same where the bases of one sum at a time are there, and are gone before the next ones come.
    pub fn one_query_at_a_time(self) -> Self {
        Self { bases_bytes: self.largest_query_bytes, ..self }
    }

    /// The peak on the device: what stays, and the larger of the two phases.
    pub fn peak_bytes(&self) -> u64 {
        self.bases_bytes + self.twiddle_bytes + self.polynomial_bytes.max(self.msm_bytes)
    }

    /// The peak where the device is the CPU, which has the host's part too.
    pub fn peak_on_cpu_bytes(&self) -> u64 {
        self.peak_bytes() + self.host_bytes
    }
}
