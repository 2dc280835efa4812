//! Halo2's roots of unity seen from the kernels.
//!
//! halo2curves takes its 2^28-th root of unity from the generator 7 of F_r, the kernels (like arkworks and snarkjs)
//! from 5. Both generate the same group, so ω_halo2 = ω^e for one odd e, and a column of values v_i = p(ω_halo2^i) is
//! for the kernels the column that has v_i at index e·i mod n.

use crate::interop::halo2curves as interop;
use halo2curves_axiom::bn256;
use halo2curves_axiom::ff::PrimeField as _;
use std::sync::OnceLock;
use zkwatt_kernels::ntt::MAX_LOG_N;
use zkwatt_kernels::{Field, Fr, PrimeField};

/// Halo2's root of unity of order 2^`log_n`; `log_n` is at most 28.
pub(crate) fn root_of_unity(log_n: u32) -> Fr {
    let top = interop::scalar(&bn256::Fr::ROOT_OF_UNITY);
    (log_n..MAX_LOG_N).fold(top, |root, _| root.square())
}

/// The index at which the kernels have the value that Halo2 has at index `i` of 2^`log_n` values.
pub(crate) fn kernel_index(i: usize, log_n: u32) -> usize {
    i.wrapping_mul(exponent()) & ((1usize << log_n) - 1)
}

/// `to`\[e·i mod n\] = `from`\[i\]; both have 2^`log_n` elements, missing ones of `from` are skipped.
pub(crate) fn into_kernel_order(from: &[Fr], to: &mut [Fr], log_n: u32) {
    for (i, value) in from.iter().enumerate() {
        if let Some(slot) = to.get_mut(kernel_index(i, log_n)) {
            *slot = *value;
        }
    }
}

/// The e of ω_halo2 = ω^e, bit by bit: e mod 2^(i+1) is right if (ω_halo2·ω^−e)^(2^(27−i)) = 1.
fn exponent() -> usize {
    static EXPONENT: OnceLock<usize> = OnceLock::new();
    *EXPONENT.get_or_init(|| {
        // Both roots exist and are not zero.
        let ours = Fr::root_of_unity(MAX_LOG_N).unwrap_or(Fr::ONE);
        let inverse = ours.inverse_vartime().unwrap_or(Fr::ONE);
        let mut quotient = root_of_unity(MAX_LOG_N);
        let mut step = inverse;
        let mut exponent = 0;
        for bit in 0..MAX_LOG_N {
            let power = (bit + 1..MAX_LOG_N).fold(quotient, |x, _| x.square());
            if power != Fr::ONE {
                exponent |= 1 << bit;
                quotient *= step;
            }
            step = step.square();
        }
        exponent
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_roots_to_the_exponent_are_halo2s() {
        for log_n in [0, 1, 2, 5, 17, 28] {
            let ours = Fr::root_of_unity(log_n).unwrap();
            let e = exponent() as u64;
            assert_eq!(ours.pow_vartime(&[e]), root_of_unity(log_n), "{log_n}");
            assert_eq!(e & 1, 1);
        }
        let n = 1usize << 5;
        let mut seen = vec![false; n];
        for i in 0..n {
            seen[kernel_index(i, 5)] = true;
        }
        assert!(seen.into_iter().all(|x| x));
    }
}
