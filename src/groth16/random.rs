//! Uniform scalars.

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroize;
use zkwatt_kernels::{Field, Fr};

/// r is below 2^254.
const MODULUS_UNUSED_BITS: u32 = 2;

/// A uniform element of F_r, by rejection from 254 bits (about 1.3 draws).
pub(crate) fn scalar(rng: &mut (impl RngCore + CryptoRng)) -> Fr {
    loop {
        let mut limbs = [0u64; 4].map(|_| rng.next_u64());
        limbs[3] &= u64::MAX >> (MODULUS_UNUSED_BITS);
        let drawn = Fr::from_montgomery(limbs);
        limbs.zeroize();
        if let Some(x) = drawn {
            return x;
        }
    }
}

/// A uniform element of F_r other than zero.
pub(crate) fn nonzero_scalar(rng: &mut (impl RngCore + CryptoRng)) -> Fr {
    loop {
        let x = scalar(rng);
        if !x.is_zero() {
            return x;
        }
    }
}
