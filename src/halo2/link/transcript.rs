//! The hash behind a link's challenges.

use super::proof::{compress, scalar_bytes};
use crate::interop::halo2curves as interop;
use halo2curves_axiom::bn256;
use halo2curves_axiom::ff::FromUniformBytes;
use sha2::{Digest, Sha256};
use zkwatt_kernels::{Fr, G1Affine};

/// SHA-256 over a domain tag and everything absorbed. All that is absorbed has a fixed length or follows its count.
pub(super) struct Transcript(Sha256);

impl Transcript {
    pub fn new() -> Self {
        Self(Sha256::new_with_prefix(b"zkwatt link v1\0"))
    }

    pub fn bytes(&mut self, bytes: &[u8; 32]) {
        self.0.update(bytes);
    }

    pub fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    pub fn point(&mut self, point: &G1Affine) {
        self.bytes(&compress(point));
    }

    pub fn scalar(&mut self, scalar: Fr) {
        self.bytes(&scalar_bytes(scalar));
    }

    /// 512 bits of hash, reduced: uniform up to 2^−256. The state goes on from the hash.
    pub fn challenge(&mut self) -> Fr {
        let state: [u8; 32] = self.0.finalize_reset().into();
        let half = |i: u8| -> [u8; 32] { Sha256::new_with_prefix(state).chain_update([i]).finalize().into() };
        let mut wide = [0; 64];
        wide.copy_from_slice([half(0), half(1)].as_flattened());
        self.0.update(state);
        interop::scalar(&bn256::Fr::from_uniform_bytes(&wide))
    }
}
