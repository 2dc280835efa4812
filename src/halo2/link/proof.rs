//! A link's bytes.

use crate::error::{Error, Result};
use crate::interop::halo2curves as interop;
use halo2curves_axiom::bn256;
use halo2curves_axiom::ff::PrimeField;
use halo2curves_axiom::group::GroupEncoding;
use zkwatt_kernels::{Fr, G1Affine};

/// A proof that columns agree: \[Q\], \[W\], q.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LinkProof {
    pub(super) quotient: G1Affine,
    pub(super) opening: G1Affine,
    pub(super) evaluation: Fr,
}

impl LinkProof {
    /// Bytes of a link.
    pub const BYTES: usize = 96;

    /// \[Q\] and \[W\] compressed, q canonical and little-endian.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        let parts = [compress(&self.quotient), compress(&self.opening), scalar_bytes(self.evaluation)];
        out.copy_from_slice(parts.as_flattened());
        out
    }

    /// Reads what [`LinkProof::to_bytes`] made; no other bytes mean the same proof.
    ///
    /// # Errors
    /// [`Error::Format`] unless they are 96 bytes, two points and a scalar in their only form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bad = |reason: String| Error::format("link proof", reason);
        let Ok(bytes) = <[u8; Self::BYTES]>::try_from(bytes) else {
            return Err(bad(format!("has {} bytes; expected {}", bytes.len(), Self::BYTES)));
        };
        let (parts, _) = bytes.as_chunks::<32>();
        let [quotient, opening, evaluation] = parts else {
            return Err(bad("is cut off".into()));
        };
        let point = |bytes: &[u8; 32], name| {
            decompress(bytes).ok_or_else(|| bad(format!("{name} is not a point of G1")))
        };
        let evaluation = Option::<bn256::Fr>::from(bn256::Fr::from_repr(*evaluation))
            .ok_or_else(|| bad("the evaluation is not below the modulus".into()))?;
        Ok(Self {
            quotient: point(quotient, "the quotient")?,
            opening: point(opening, "the opening")?,
            evaluation: interop::scalar(&evaluation),
        })
    }
}

/// The compressed form.
pub(crate) fn compress(point: &G1Affine) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(interop::halo2_g1_point(point).to_bytes().as_ref());
    out
}

/// The point with this compressed form, which is unique.
pub(crate) fn decompress(bytes: &[u8; 32]) -> Option<G1Affine> {
    let mut repr = <bn256::G1Affine as GroupEncoding>::Repr::default();
    repr.as_mut().copy_from_slice(bytes);
    let point = Option::<bn256::G1Affine>::from(bn256::G1Affine::from_bytes(&repr))?;
    (point.to_bytes().as_ref() == bytes).then(|| interop::g1_point(&point))
}

/// The canonical form.
pub(super) fn scalar_bytes(scalar: Fr) -> [u8; 32] {
    interop::halo2_scalar(&scalar).to_repr()
}
