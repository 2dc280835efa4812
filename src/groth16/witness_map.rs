//! From an assignment to the quotient polynomial h = (a·b − c)/Z.

use super::R1cs;
use super::domain::Domain;
use super::r1cs::MixedVector;
use crate::device::{NttOps, VectorOps};
use crate::error::{Error, Result};
use crate::interop::ark;
use zeroize::Zeroizing;
use zkwatt_kernels::ntt::{Direction, NttError, NttPlan, Order};
use zkwatt_kernels::{Field, Fr, G1Affine, PrimeField, parallel};

/// A·z, B·z and C·z.
pub(super) struct Products {
    a: Zeroizing<Vec<Fr>>,
    b: Zeroizing<Vec<Fr>>,
    c: Zeroizing<Vec<Fr>>,
    /// The public part of z, which fills the rows after the constraints in a.
    instance: Zeroizing<Vec<Fr>>,
}

/// The matrix products, if z satisfies the circuit. The check costs a product a constraint on top of them.
pub(super) fn constraint_products(r1cs: &R1cs, z: &[Fr]) -> Result<Products> {
    if z.len() != r1cs.num_variables() {
        return Err(Error::LengthMismatch {
            left: "the assignment",
            left_len: z.len(),
            right: "the circuit's list of variables",
            right_len: r1cs.num_variables(),
        });
    }
    if z.first() != Some(&Fr::ONE) {
        return Err(Error::invalid("assignment", "value 0 must be the constant 1"));
    }
    let mixed = MixedVector::new(z);
    let [a, b, c] = [r1cs.a(), r1cs.b(), r1cs.c()].map(|m| Zeroizing::new(m.multiply_mixed(&mixed)));
    let failures = parallel::map_chunks(r1cs.num_constraints(), 4096, |range| {
        range.into_iter().find(|&i| a[i] * b[i] != c[i])
    });
    if let Some(constraint) = failures.into_iter().flatten().next() {
        return Err(Error::Unsatisfied { constraint, description: r1cs.describe_constraint(constraint) });
    }
    let instance = Zeroizing::new(z.get(..r1cs.num_instance()).unwrap_or(z).to_vec());
    Ok(Products { a, b, c, instance })
}

/// The transforms of one domain.
///
/// Seven transforms by the book: three to coefficients, three to a coset, one back. Here six, since c enters linearly:
/// with p the polynomial below degree n that agrees with a·b on the coset, where Z is the constant g^n − 1,
///
/// ```text
/// a·b = c + h·Z  and  Z(X) = (X^n − g^n) + (g^n − 1)  give  h = (p − c)/(g^n − 1),
/// ```
///
/// coefficient by coefficient, so c needs no coset. Inverses leave bit-reversed order, forward transforms take it, and
/// the bases of h are stored in it, so nothing is ever permuted. The constant factor goes to the sum over h's bases.
pub(super) struct WitnessMap {
    domain: Domain,
    interpolate: NttPlan,
    to_coset: NttPlan,
    from_coset: NttPlan,
    factor: Fr,
}

impl WitnessMap {
    pub fn new(domain: Domain) -> Result<Self> {
        let shift = Fr::generator();
        let plan = |direction, order| NttPlan::new(domain.log_n, direction).map(|plan| plan.order(order));
        let coset = |direction, order| plan(direction, order).and_then(|plan| plan.coset(shift));
        let too_large = |_: NttError| Error::DomainTooLarge { log_n: domain.log_n, max: Fr::TWO_ADICITY };
        Ok(Self {
            domain,
            interpolate: plan(Direction::Inverse, Order::NR).map_err(too_large)?,
            to_coset: coset(Direction::Forward, Order::RN).map_err(too_large)?,
            from_coset: coset(Direction::Inverse, Order::NR).map_err(too_large)?,
            // The generator is in no proper subgroup.
            factor: domain.vanishing(shift).inverse_vartime().unwrap_or(Fr::ZERO),
        })
    }

    /// What the sum over the bases of h is to be multiplied with: 1/(g^n − 1).
    pub fn factor(&self) -> Fr {
        self.factor
    }

    /// (g^n − 1)·h: n coefficients in bit-reversed order, the last of them zero.
    pub fn quotient<B: NttOps + VectorOps>(&self, backend: &B, products: Products) -> Result<B::Buf<Fr>> {
        let Products { a, b, c, instance } = products;
        let upload = |values: Zeroizing<Vec<Fr>>, instance: &[Fr]| {
            let mut column = Zeroizing::new(Vec::with_capacity(self.domain.len()));
            column.extend_from_slice(&values);
            column.extend_from_slice(instance);
            column.resize(self.domain.len(), Fr::ZERO);
            backend.upload(&column)
        };
        let mut c = upload(c, &[])?;
        backend.ntt(&mut c, &self.interpolate)?;
        let evaluated = |values, instance: &[Fr]| {
            let mut column = upload(values, instance)?;
            backend.ntt(&mut column, &self.interpolate)?;
            backend.ntt(&mut column, &self.to_coset)?;
            Ok::<_, Error>(column)
        };
        let mut p = evaluated(a, &instance)?;
        let b = evaluated(b, &[])?;
        backend.mul_assign(&mut p, &b)?;
        drop(b);
        backend.ntt(&mut p, &self.from_coset)?;
        backend.sub_assign(&mut p, &c)?;
        Ok(p)
    }
}

/// The bases of h in bit-reversed order. Coefficient n − 1, whose place is the last in either order, has none, hence
/// infinity.
pub(super) fn reversed_bases(h_query: &[ark_bn254::G1Affine], domain: Domain) -> Vec<G1Affine> {
    let unused_bits = usize::BITS - domain.log_n;
    (0..domain.len())
        .map(|i| i.reverse_bits().checked_shr(unused_bits).unwrap_or(0))
        .map(|i| h_query.get(i).map_or(G1Affine::IDENTITY, ark::g1_point))
        .collect()
}
