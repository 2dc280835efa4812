//! Polynomials that vanish on all usable rows.

use super::statement::LinkStatement;
use crate::error::{Error, Result};
use crate::halo2::roots;
use zeroize::Zeroizing;
use zkwatt_kernels::{CpuPath, Field, Fr, vector};

/// The b rows u..n.
pub(super) struct BlindingRows {
    k: u32,
    usable: usize,
    omega: Fr,
    /// ω^i for i ≥ u.
    points: Vec<Fr>,
}

impl BlindingRows {
    pub fn new(statement: &LinkStatement) -> Self {
        let (k, usable) = (statement.k(), statement.usable_rows());
        let omega = roots::root_of_unity(k);
        let first = omega.pow_vartime(&[usable as u64]);
        let points = vector::powers(CpuPath::active(), first, omega, (1usize << k) - usable);
        Self { k, usable, omega, points }
    }

    /// Σ γ^c·(committed_c − published_c), row by row.
    pub fn combine(&self, gamma: Fr, published: &[&[Fr]], committed: &[&[Fr]]) -> Result<Zeroizing<Vec<Fr>>> {
        let lengths =
            |left, left_len, right, right_len| Error::LengthMismatch { left, left_len, right, right_len };
        if published.len() != committed.len() {
            return Err(lengths("published", published.len(), "committed", committed.len()));
        }
        let mut sum = Zeroizing::new(vec![Fr::ZERO; self.points.len()]);
        let mut power = Fr::ONE;
        for (published, committed) in published.iter().zip(committed) {
            for (name, rows) in [("published", published), ("committed", committed)] {
                if rows.len() != sum.len() {
                    return Err(lengths(name, rows.len(), "blinding rows", sum.len()));
                }
            }
            for (sum, (p, c)) in sum.iter_mut().zip(published.iter().zip(*committed)) {
                *sum += power * (*c - *p);
            }
            power *= gamma;
        }
        Ok(sum)
    }

    /// Z(z) = (z^n − 1)/Π(z − ω^i); `None` where that is 0/0.
    pub fn vanishing(&self, z: Fr) -> Option<Fr> {
        let product = self.points.iter().fold(Fr::ONE, |product, point| product * (z - *point));
        let power = (0..self.k).fold(z, |x, _| x.square());
        Some((power - Fr::ONE) * product.inverse_vartime()?)
    }

    /// The b coefficients of Q = Σ d_i·ω^i/n·Π_{j ≠ i}(X − ω^j), for a D with the values d in these rows and zero in all
    /// others: D = Σ d_i·ℓ_i and ℓ_i = ω^i/n·(X^n − 1)/(X − ω^i). Cost: 3b² products.
    pub fn quotient(&self, values: &[Fr]) -> Vec<Fr> {
        // V = Π(X − ω^j), lowest degree first.
        let mut v = vec![Fr::ONE];
        for point in &self.points {
            let shifted = [&[Fr::ZERO], &v[..]].concat();
            v.push(Fr::ZERO);
            v = v.iter().zip(shifted).map(|(below, above)| above - *point * *below).collect();
        }
        // n is not zero in F_r.
        let n_inv = Fr::from(1u64 << self.k).inverse_vartime().unwrap_or(Fr::ZERO);
        let mut out = vec![Fr::ZERO; self.points.len()];
        for (value, point) in values.iter().zip(&self.points) {
            let factor = *value * *point * n_inv;
            let (cofactor, _) = divide(&v, *point);
            for (out, c) in out.iter_mut().zip(cofactor) {
                *out += factor * c;
            }
        }
        out
    }

    /// Values of (D − D(z))/(X − z) in all n rows; `None` if z is one of the domain's points.
    pub fn opening(&self, values: &[Fr], z: Fr, at_z: Fr) -> Option<Vec<Fr>> {
        let path = CpuPath::active();
        let mut out = vector::powers(path, Fr::ONE, self.omega, 1usize << self.k);
        out.iter_mut().for_each(|x| *x -= z);
        if out.iter().any(Field::is_zero) {
            return None;
        }
        vector::batch_inverse(path, &mut out);
        let (usable, blinding) = out.split_at_mut(self.usable.min(1 << self.k));
        vector::scale(path, usable, -at_z);
        for (x, value) in blinding.iter_mut().zip(values) {
            *x *= *value - at_z;
        }
        Some(out)
    }
}

/// p = quotient·(X − z) + remainder, coefficients lowest degree first; the quotient has one coefficient less.
pub(super) fn divide(p: &[Fr], z: Fr) -> (Vec<Fr>, Fr) {
    let mut quotient = p.to_vec();
    let mut carry = Fr::ZERO;
    for c in quotient.iter_mut().rev() {
        let value = *c + carry * z;
        *c = carry;
        carry = value;
    }
    quotient.pop();
    (quotient, carry)
}
