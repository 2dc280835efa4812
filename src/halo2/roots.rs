//! Halo2's roots of unity and those of snarkjs.
//!
//! halo2curves takes its 2^28-th root of unity from the generator 7 of F_r, snarkjs (like arkworks) from 5. Both generate
//! the same group, so ω_halo2 = ω^e for one odd e, and what Halo2 has at index i, snarkjs has at index e·i mod n.

use std::sync::OnceLock;
use zkwatt_kernels::ntt::{Generator, MAX_LOG_N};
use zkwatt_kernels::{Field, Fr, PrimeField};

/// Halo2's root of unity of order 2^`log_n`; `log_n` is at most 28.
pub(crate) fn root_of_unity(log_n: u32) -> Fr {
    Generator::Seven.root_of_unity(log_n).unwrap_or(Fr::ONE)
}

/// The index at which snarkjs has the value that Halo2 has at index `i` of 2^`log_n` values.
pub(crate) fn snarkjs_index(i: usize, log_n: u32) -> usize {
    i.wrapping_mul(exponent()) & ((1usize << log_n) - 1)
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
    fn halo2curves_takes_the_same_root() {
        use halo2curves_axiom::ff::PrimeField as _;
        let root = crate::interop::halo2curves::scalar(&halo2curves_axiom::bn256::Fr::ROOT_OF_UNITY);
        assert_eq!(root_of_unity(MAX_LOG_N), root);
    }

    #[test]
    fn snarkjs_roots_to_the_exponent_are_halo2s() {
        for log_n in [0, 1, 2, 5, 17, 28] {
            let ours = Fr::root_of_unity(log_n).unwrap();
            let e = exponent() as u64;
            assert_eq!(ours.pow_vartime(&[e]), root_of_unity(log_n), "{log_n}");
            assert_eq!(e & 1, 1);
        }
        let n = 1usize << 5;
        let mut seen = vec![false; n];
        for i in 0..n {
            seen[snarkjs_index(i, 5)] = true;
        }
        assert!(seen.into_iter().all(|x| x));
    }
}
