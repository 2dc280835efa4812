//! What a prover needs of upstream's KZG parameters.

use crate::error::{Error, Result};
use halo2_axiom::halo2curves::bn256::{Bn256, G1Affine as HaloG1Affine};
use halo2_axiom::halo2curves::serde::SerdeObject;
use halo2_axiom::poly::commitment::{Params, ParamsProver};
use halo2_axiom::poly::kzg::commitment::ParamsKZG;
use std::io::{self, Write};

/// KZG parameters over BN254, as upstream holds them.
pub type KzgParams = ParamsKZG<Bn256>;

/// [L_i(τ)]₁ for i in 0..n: the bases of commitments to values.
///
/// Upstream keeps them but does not show them; its serialisation does, and to read them from there costs no group
/// operation, where to compute them from the powers of τ takes n/2·log n multiplications of points.
///
/// # Errors
/// [`Error::Format`] if upstream's serialisation is not what it was.
pub fn lagrange_bases(params: &KzgParams) -> Result<Vec<HaloG1Affine>> {
    let n = params.get_g().len();
    let mut points = PointSink {
        skip: size_of::<u32>() + n * POINT_BYTES,
        pending: Vec::new(),
        points: Vec::with_capacity(n),
        n,
    };
    let written = params.write(&mut points);
    let unexpected = |reason: String| Error::format("KZG parameters", reason);
    written.map_err(|e| unexpected(e.to_string()))?;
    // A changed format cannot yield the right point here but by accident: Σ L_i = 1.
    let sum =
        points.points.iter().fold(halo2_axiom::halo2curves::bn256::G1::default(), |sum, point| sum + point);
    let generator = params.get_g().first().copied().unwrap_or_default();
    if points.points.len() != n || sum != generator.into() {
        return Err(unexpected(
            "the Lagrange bases do not add up to the generator; the parameters are damaged".into(),
        ));
    }
    Ok(points.points)
}

/// Bytes of an uncompressed point.
const POINT_BYTES: usize = 64;

/// Takes `n` points from a stream after `skip` bytes; ignores the rest.
struct PointSink {
    skip: usize,
    pending: Vec<u8>,
    points: Vec<HaloG1Affine>,
    n: usize,
}

impl Write for PointSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        if self.points.len() < self.n {
            self.pending.extend_from_slice(&bytes[skipped..]);
            while self.pending.len() >= POINT_BYTES && self.points.len() < self.n {
                let rest = self.pending.split_off(POINT_BYTES);
                let point = std::mem::replace(&mut self.pending, rest);
                self.points.push(HaloG1Affine::from_raw_bytes_unchecked(&point));
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_axiom::arithmetic::g_to_lagrange;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn lagrange_bases_are_those_of_the_powers() {
        for k in [1, 3, 6] {
            let params = KzgParams::setup(k, ChaCha20Rng::seed_from_u64(7));
            let powers = params.get_g().iter().map(|point| (*point).into()).collect();
            assert_eq!(lagrange_bases(&params).unwrap(), g_to_lagrange(powers, k));
        }
    }
}
