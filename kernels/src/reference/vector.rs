//! Vectors of scalars, in the obvious way.

use crate::field::{Field, Fr};
use crate::vector::Scan;

/// a_i + b_i.
pub fn add(a: &[Fr], b: &[Fr]) -> Vec<Fr> {
    a.iter().zip(b).map(|(&a, &b)| a + b).collect()
}

/// a_i − b_i.
pub fn sub(a: &[Fr], b: &[Fr]) -> Vec<Fr> {
    a.iter().zip(b).map(|(&a, &b)| a - b).collect()
}

/// a_i·b_i.
pub fn mul(a: &[Fr], b: &[Fr]) -> Vec<Fr> {
    a.iter().zip(b).map(|(&a, &b)| a * b).collect()
}

/// v_i·`factor`.
pub fn scale(values: &[Fr], factor: Fr) -> Vec<Fr> {
    values.iter().map(|&v| v * factor).collect()
}

/// y_i + a·x_i.
pub fn axpy(y: &[Fr], a: Fr, x: &[Fr]) -> Vec<Fr> {
    y.iter().zip(x).map(|(&y, &x)| y + a * x).collect()
}

/// 1/v_i, and zero for zero.
pub fn batch_inverse(values: &[Fr]) -> Vec<Fr> {
    values.iter().map(|v| v.inverse_vartime().unwrap_or(Fr::ZERO)).collect()
}

/// Sums of prefixes, and the sum of all.
pub fn prefix_sum(values: &[Fr], scan: Scan) -> (Vec<Fr>, Fr) {
    prefix(values, scan, Fr::ZERO, |a, b| a + b)
}

/// Products of prefixes, and the product of all.
pub fn prefix_product(values: &[Fr], scan: Scan) -> (Vec<Fr>, Fr) {
    prefix(values, scan, Fr::ONE, |a, b| a * b)
}

fn prefix(values: &[Fr], scan: Scan, identity: Fr, op: impl Fn(Fr, Fr) -> Fr) -> (Vec<Fr>, Fr) {
    // prefixes[i] = v_0 ∘ … ∘ v_{i−1}, for i in 0..=n
    let mut prefixes = vec![identity];
    for (i, &v) in values.iter().enumerate() {
        prefixes.push(op(prefixes[i], v));
    }
    let total = prefixes[values.len()];
    match scan {
        Scan::Inclusive => (prefixes[1..].to_vec(), total),
        Scan::Exclusive => (prefixes[..values.len()].to_vec(), total),
    }
}

/// Σ v_i.
pub fn sum(values: &[Fr]) -> Fr {
    values.iter().copied().sum()
}

/// Σ a_i·b_i.
pub fn inner_product(a: &[Fr], b: &[Fr]) -> Fr {
    sum(&mul(a, b))
}

/// Σ c_i·x^i.
pub fn evaluate(coefficients: &[Fr], x: Fr) -> Fr {
    inner_product(coefficients, &powers(Fr::ONE, x, coefficients.len()))
}

/// `first`·`ratio`^i for i in 0..n.
pub fn powers(first: Fr, ratio: Fr, n: usize) -> Vec<Fr> {
    core::iter::successors(Some(first), |&p| Some(p * ratio)).take(n).collect()
}

/// Σ_j a_j·v_j, n elements; what a v_j lacks is zero.
pub fn linear_combination(n: usize, terms: &[(Fr, &[Fr])]) -> Vec<Fr> {
    let at = |v: &[Fr], i: usize| v.get(i).copied().unwrap_or_default();
    (0..n).map(|i| terms.iter().map(|&(a, v)| a * at(v, i)).sum()).collect()
}

/// q and r with c(X) = q(X)·(X − z) + r; q has as many coefficients as c.
pub fn divide_by_linear(coefficients: &[Fr], z: Fr) -> (Vec<Fr>, Fr) {
    // q_i = c_(i+1) + z·q_(i+1), from the highest coefficient down.
    let mut quotient = vec![Fr::ZERO; coefficients.len()];
    let mut remainder = Fr::ZERO;
    for (q, &c) in quotient.iter_mut().zip(coefficients).rev() {
        *q = remainder;
        remainder = remainder * z + c;
    }
    (quotient, remainder)
}
