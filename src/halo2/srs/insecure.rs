//! An SRS from a secret that is known, for development.

use super::Parts;
use crate::halo2::roots;
use crate::interop::halo2curves as interop;
use halo2curves_axiom::bn256;
use halo2curves_axiom::ff::FromUniformBytes;
use sha2::{Digest, Sha256};
use zkwatt_kernels::curve::Xyzz;
use zkwatt_kernels::curve::fixed_base::FixedBase;
use zkwatt_kernels::{CpuPath, Field, Fq, Fr, G1Affine, G2Affine, vector};

/// \[τ^i\]G, \[ℓ_i(τ)\]G and \[τ\]H, with ℓ_i(τ) = (τ^n − 1)/n·ω^i/(τ − ω^i).
pub(super) fn generate(k: u32, seed: &[u8]) -> Parts {
    let path = CpuPath::active();
    let n = 1usize << k;
    let (tau, vanishing) = secret(k, seed);
    let powers = vector::powers(path, Fr::ONE, tau, n);
    let omega = roots::root_of_unity(k);
    let roots = vector::powers(path, Fr::ONE, omega, n);
    let mut lagrange: Vec<Fr> = roots.iter().map(|root| tau - *root).collect();
    vector::batch_inverse(path, &mut lagrange);
    // n is not zero in F_r.
    let factor = vanishing * Fr::from(n as u64).inverse_vartime().unwrap_or(Fr::ZERO);
    for (l, root) in lagrange.iter_mut().zip(&roots) {
        *l *= factor * *root;
    }
    let table = FixedBase::<Fq>::new(path, G1Affine::generator(), 2 * n);
    let g = table.mul_batch_vartime(path, &powers);
    let g_lagrange = Some(table.mul_batch_vartime(path, &lagrange));
    let s_g2 = Xyzz::from(G2Affine::generator()).mul_vartime(&tau.to_canonical()).to_affine();
    Parts { k, g, g_lagrange, s_g2, insecure: true }
}

/// τ and τ^n − 1, neither zero.
fn secret(k: u32, seed: &[u8]) -> (Fr, Fr) {
    let mut attempt = 0u64;
    loop {
        let mut bytes = [0; 64];
        for (half, out) in bytes.chunks_exact_mut(32).enumerate() {
            let hash = Sha256::new_with_prefix(b"zkwatt insecure srs v1\0")
                .chain_update(attempt.to_le_bytes())
                .chain_update([half as u8])
                .chain_update(seed)
                .finalize();
            out.copy_from_slice(&hash);
        }
        let tau = interop::scalar(&bn256::Fr::from_uniform_bytes(&bytes));
        let vanishing = (0..k).fold(tau, |x, _| x.square()) - Fr::ONE;
        if !tau.is_zero() && !vanishing.is_zero() {
            return (tau, vanishing);
        }
        attempt += 1;
    }
}

/// No randomness at all.
pub(super) struct Zeros;

impl rand_core::RngCore for Zeros {
    fn next_u32(&mut self) -> u32 {
        0
    }

    fn next_u64(&mut self) -> u64 {
        0
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        dest.fill(0);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        dest.fill(0);
        Ok(())
    }
}
