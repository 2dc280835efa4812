//! The obvious form of every kernel: short, slow, and what all other forms are compared with.
//!
//! One thread, plain arithmetic, one formula a function. Lengths that do not fit give `None` or stop at the shorter.

mod lookup;
mod quotient;
mod vector;

pub use lookup::{grand_sum, logup_terms, multiplicities, permuted_pair};
pub use quotient::evaluate_rows;
pub use vector::{
    add, axpy, batch_inverse, divide_by_linear, evaluate, inner_product, linear_combination, mul, powers,
    prefix_product, prefix_sum, scale, sub, sum,
};

use crate::curve::{Affine, CurveField, Xyzz};
use crate::field::{Field, Fr, PrimeField};

/// Σ k_i·P_i by double-and-add, over the shorter of both slices.
pub fn msm<F: CurveField>(points: &[Affine<F>], scalars: &[Fr]) -> Affine<F> {
    let products = points.iter().zip(scalars).map(|(&p, k)| Xyzz::from(p).mul_vartime(&k.to_canonical()));
    products.fold(Xyzz::IDENTITY, |acc, p| acc + p).to_affine()
}

/// X_k = Σ_j x_j·(g·ω^k)^j: the polynomial with coefficients x on the coset g·⟨ω⟩, natural order in and out.
///
/// ω = [`PrimeField::root_of_unity`] of the length n, g = `shift`. `None` unless n is a power of two up to 2^28.
/// Cost: n² products.
pub fn ntt_forward(values: &[Fr], shift: Fr) -> Option<Vec<Fr>> {
    let n = values.len();
    let omega = Fr::root_of_unity(log2_exact(n)?)?;
    Some(powers(shift, omega, n).iter().map(|&point| evaluate(values, point)).collect())
}

/// x_j = g^(−j)·n⁻¹·Σ_k X_k·ω^(−jk): undoes [`ntt_forward`]; natural order in and out.
///
/// `None` unless the length n is a power of two up to 2^28 and `shift` is not zero. Cost: n² products.
pub fn ntt_inverse(values: &[Fr], shift: Fr) -> Option<Vec<Fr>> {
    let n = values.len();
    let omega_inv = Fr::root_of_unity(log2_exact(n)?)?.inverse_vartime()?;
    let n_inv = Fr::from(n as u64).inverse_vartime()?;
    let sums = powers(Fr::ONE, omega_inv, n).into_iter().map(|point| evaluate(values, point));
    let factors = powers(n_inv, shift.inverse_vartime()?, n);
    Some(sums.zip(factors).map(|(sum, factor)| sum * factor).collect())
}

/// out_i = v_rev(i), where rev reverses the log₂ n bits of an index. `None` unless n is a power of two.
pub fn bit_reverse_permute<T: Copy>(values: &[T]) -> Option<Vec<T>> {
    let log_n = log2_exact(values.len())?;
    let rev = |i: usize| (0..log_n).fold(0, |acc, bit| acc << 1 | i >> bit & 1);
    Some((0..values.len()).map(|i| values[rev(i)]).collect())
}

fn log2_exact(n: usize) -> Option<u32> {
    n.is_power_of_two().then(|| n.trailing_zeros())
}
