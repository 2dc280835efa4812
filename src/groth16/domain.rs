//! The evaluation domain of a circuit's quadratic arithmetic program.

use super::R1cs;
use crate::error::{Error, Result};
use zeroize::Zeroizing;
use zkwatt_kernels::{CpuPath, Field, Fr, PrimeField, vector};

/// The 2^log_n-th roots of unity.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Domain {
    pub log_n: u32,
}

impl Domain {
    /// The smallest domain with a row for each constraint and each instance variable; the latter rows hold
    /// `x_i · 0 = 0`, which makes the instance polynomials independent.
    pub fn of(r1cs: &R1cs) -> Result<Self> {
        Self::with_rows(r1cs.num_constraints(), r1cs.num_instance())
    }

    /// The smallest domain with `constraints + instance` elements.
    pub fn with_rows(constraints: usize, instance: usize) -> Result<Self> {
        let log_n = constraints.saturating_add(instance).checked_next_power_of_two().map_or(64, usize::ilog2);
        if log_n > Fr::TWO_ADICITY {
            return Err(Error::DomainTooLarge { log_n, max: Fr::TWO_ADICITY });
        }
        Ok(Self { log_n })
    }

    /// The domain of twice as many elements.
    pub fn doubled(self) -> Result<Self> {
        let log_n = self.log_n + 1;
        if log_n > Fr::TWO_ADICITY {
            return Err(Error::DomainTooLarge { log_n, max: Fr::TWO_ADICITY });
        }
        Ok(Self { log_n })
    }

    /// n.
    pub fn len(self) -> usize {
        1 << self.log_n
    }

    /// Z(x) = x^n − 1.
    pub fn vanishing(self, x: Fr) -> Fr {
        (0..self.log_n).fold(x, |x, _| x.square()) - Fr::ONE
    }

    /// L_i(τ) = Z(τ)/n · ω^i/(τ − ω^i) for the first `count` i; τ outside of the domain. Cost: 6 products each.
    pub fn lagrange_at(self, path: CpuPath, tau: Fr, count: usize) -> Zeroizing<Vec<Fr>> {
        // Within the two-adicity, checked at construction; n is not a multiple of r.
        let omega = Fr::root_of_unity(self.log_n).unwrap_or(Fr::ONE);
        let n_inv = Fr::from(self.len() as u64).inverse_vartime().unwrap_or(Fr::ZERO);
        let factor = self.vanishing(tau) * n_inv;
        let roots = vector::powers(path, Fr::ONE, omega, count);
        let mut out = Zeroizing::new(roots.iter().map(|root| tau - *root).collect::<Vec<_>>());
        vector::batch_inverse(path, &mut out);
        for (slot, root) in out.iter_mut().zip(&roots) {
            *slot *= factor * *root;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let log_n = |c, i| Domain::with_rows(c, i).map(|d| d.log_n).ok();
        assert_eq!(
            [log_n(0, 1), log_n(1, 1), log_n(2, 1), log_n(4, 1)],
            [Some(0), Some(1), Some(2), Some(3)]
        );
        assert_eq!([log_n(1 << 28, 0), log_n(1 << 28, 1), log_n(usize::MAX, 1)], [Some(28), None, None]);
    }

    #[test]
    fn lagrange_polynomials_interpolate() {
        // Σ ω^(ik)·L_i(τ) = τ^k for k < n
        for log_n in [0, 1, 4, 12] {
            let domain = Domain { log_n };
            let tau = Fr::from(123_456_789u64);
            let basis = domain.lagrange_at(CpuPath::active(), tau, domain.len());
            let omega = Fr::root_of_unity(log_n).unwrap();
            for k in [0, 1, domain.len() - 1] {
                let values =
                    vector::powers(CpuPath::active(), Fr::ONE, omega.pow_vartime(&[k as u64]), domain.len());
                let sum: Fr = values.iter().zip(basis.iter()).map(|(v, l)| *v * *l).sum();
                // Exponents are modulo n, so for n = 1 all of them are 0.
                assert_eq!(sum, tau.pow_vartime(&[(k % domain.len()) as u64]), "{log_n} {k}");
            }
            assert_eq!(domain.vanishing(omega), Fr::ZERO);
        }
    }
}
