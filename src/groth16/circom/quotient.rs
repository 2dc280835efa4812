//! From the matrix products to the scalars of a `.zkey`'s H.
//!
//! a·b − c, of degree below 2n − 1, vanishes on the n-th roots of unity, the even powers of ω_2n. Over the Lagrange basis of
//! all its powers it is the sum of its values at the odd ones, so
//!
//! ```text
//! h·Z(τ)/δ = Σ_i (a·b − c)(ω_2n^(2i+1)) · H_i,
//! ```
//!
//! with c the polynomial of the values a·b on the domain, which the constraints say it is. No division, no C matrix, six
//! transforms of n.

use crate::device::{NttOps, VectorOps};
use crate::error::{Error, Result};
use zeroize::Zeroizing;
use zkwatt_kernels::ntt::{Direction, NttError, NttPlan, Order};
use zkwatt_kernels::{Fr, PrimeField, parallel};

/// The transforms of one domain.
pub(super) struct OddValues {
    interpolate: NttPlan,
    evaluate: NttPlan,
}

impl OddValues {
    pub fn new(log_n: u32) -> Result<Self> {
        let too_large = || Error::DomainTooLarge { log_n: log_n + 1, max: Fr::TWO_ADICITY };
        let shift = Fr::root_of_unity(log_n + 1).ok_or_else(too_large)?;
        let plan = |direction, order| NttPlan::new(log_n, direction).map(|plan| plan.order(order));
        let failed = |_: NttError| too_large();
        Ok(Self {
            interpolate: plan(Direction::Inverse, Order::NR).map_err(failed)?,
            evaluate: plan(Direction::Forward, Order::RN)
                .and_then(|plan| plan.coset(shift))
                .map_err(failed)?,
        })
    }

    /// (a·b − c) at the odd powers of ω_2n, from the values of a and b on the domain.
    pub fn of<B: NttOps + VectorOps>(
        &self,
        backend: &B,
        a: Zeroizing<Vec<Fr>>,
        b: Zeroizing<Vec<Fr>>,
    ) -> Result<B::Buf<Fr>> {
        let c = Zeroizing::new(parallel::map_range(a.len(), |i| a[i] * b[i]));
        let odd_values = |values: Zeroizing<Vec<Fr>>| {
            let mut column = backend.upload(&values)?;
            drop(values);
            backend.ntt(&mut column, &self.interpolate)?;
            backend.ntt(&mut column, &self.evaluate)?;
            Ok::<_, Error>(column)
        };
        let mut values = odd_values(a)?;
        let b = odd_values(b)?;
        backend.mul_assign(&mut values, &b)?;
        drop(b);
        backend.sub_assign(&mut values, &odd_values(c)?)?;
        Ok(values)
    }
}
