//! Commitments to columns that outlive a proof: a model's weights, an input.

use crate::device::{G1, MsmOps};
use crate::error::Result;
use crate::halo2::DeviceSrs;
use crate::halo2::link::{LinkProof, compress};
use crate::interop::halo2curves as interop;
use halo2curves_axiom::bn256;
use halo2curves_axiom::ff::FromUniformBytes;
use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha256, Sha512};
use zeroize::{Zeroize, Zeroizing};
use zkwatt_kernels::curve::Xyzz;
use zkwatt_kernels::msm::Scalars;
use zkwatt_kernels::{Fr, G1Affine};

/// The secret from which the blinding rows of published columns follow. Who has it can test guesses of what is
/// committed to; who lost it cannot use the commitment any more.
#[derive(Clone, PartialEq, Eq)]
pub struct BlindingSeed([u8; 32]);

impl BlindingSeed {
    /// A new secret.
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// From the bytes of another one.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0
    }

    /// `count` elements of F_r to blind `values` with: SHA-512 of the seed, the column's number and its values, then the
    /// row, reduced from 512 bits. Other values have other blinding, so that a seed that is used twice gives away no
    /// difference.
    pub(super) fn rows(&self, column: u64, values: &[i32], count: usize) -> Zeroizing<Vec<Fr>> {
        let mut hash = Sha512::new_with_prefix(b"zkwatt published column v1\0")
            .chain_update(self.0)
            .chain_update(column.to_le_bytes())
            .chain_update((count as u64).to_le_bytes())
            .chain_update((values.len() as u64).to_le_bytes());
        values.iter().for_each(|value| hash.update(value.to_le_bytes()));
        let row = |row: usize| {
            let bytes: [u8; 64] = hash.clone().chain_update((row as u64).to_le_bytes()).finalize().into();
            interop::scalar(&bn256::Fr::from_uniform_bytes(&bytes))
        };
        Zeroizing::new((0..count).map(row).collect())
    }
}

impl Drop for BlindingSeed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for BlindingSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BlindingSeed(secret)")
    }
}

/// A column that is committed to in public: values, zeros, and blinding in the last rows.
pub(super) struct PublishedColumn<'a> {
    pub values: &'a [i32],
    pub blinding: Zeroizing<Vec<Fr>>,
}

impl PublishedColumn<'_> {
    /// \[p(τ)\]G.
    pub fn commit<B: MsmOps<G1>>(&self, srs: &DeviceSrs<B>) -> Result<G1Affine> {
        let mut tail = Zeroizing::new(vec![Fr::default(); srs.srs().n().saturating_sub(self.blinding.len())]);
        tail.extend_from_slice(&self.blinding);
        let values = srs.commit_lagrange(Scalars::I32(self.values))?;
        Ok(Xyzz::from(values).add_affine(srs.commit_lagrange(Scalars::Field(&tail))?).to_affine())
    }

    /// Rows `from`.. of the column, of which all but the blinding must be zero.
    pub fn rows_from(&self, from: usize, n: usize) -> Zeroizing<Vec<Fr>> {
        let mut rows = Zeroizing::new(vec![Fr::default(); n.saturating_sub(from + self.blinding.len())]);
        rows.extend_from_slice(&self.blinding);
        rows
    }
}

/// What is public of private weights: a point for each column, and the proof that all cells are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCommitment {
    /// C\*_c for each column of weights.
    pub points: Vec<G1Affine>,
    /// The Halo2 proof of a [`RangeCircuit`](crate::mlp::plonkish::RangeCircuit).
    pub range_proof: Vec<u8>,
    /// That the columns of that proof are those of `points`.
    pub link: LinkProof,
}

impl ModelCommitment {
    /// SHA-256 of the points, by which people tell whether two keys hold the same weights.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(b"zkwatt model commitment v1\0");
        self.points.iter().for_each(|point| hash.update(compress(point)));
        hash.finalize().into()
    }
}
