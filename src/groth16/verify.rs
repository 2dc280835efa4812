//! Verification by the unmodified `ark-groth16`.

use super::{Proof, VerifyingKey};
use crate::error::{Error, Result};
use crate::interop::ark;
use ark_bn254::Bn254;
use ark_groth16::Groth16;
use ark_serialize::Valid;
use zkwatt_kernels::Fr;

/// A verifying key with its pairings prepared; for many proofs under one key.
#[derive(Clone, Debug)]
pub struct PreparedVerifyingKey(ark_groth16::PreparedVerifyingKey<Bn254>);

impl PreparedVerifyingKey {
    /// Prepares `key`. Cost: one pairing.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a key without the term of the constant one.
    pub fn new(key: &VerifyingKey) -> Result<Self> {
        if key.gamma_abc_g1.is_empty() {
            return Err(Error::invalid(
                "verifying key",
                "has no gamma_abc; it needs one more than public inputs",
            ));
        }
        Ok(Self(ark_groth16::prepare_verifying_key(key)))
    }

    /// Checks e(A, B) = e(α, β)·e(Σ x_i·gamma_abc_i, γ)·e(C, δ) with x_0 = 1 and `public_inputs` x_1, x_2, ….
    ///
    /// Points of the proof that are not in the groups are rejected first.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`] for another number of public inputs than the key has (`ark-groth16` ignores the
    /// surplus); [`Error::ProofRejected`] if the proof is not valid.
    pub fn verify(&self, public_inputs: &[Fr], proof: &Proof) -> Result<()> {
        let expected = self.0.vk.gamma_abc_g1.len() - 1;
        if public_inputs.len() != expected {
            return Err(Error::LengthMismatch {
                left: "public_inputs",
                left_len: public_inputs.len(),
                right: "the verifying key's list of public inputs",
                right_len: expected,
            });
        }
        proof.check().map_err(|_| Error::ProofRejected)?;
        match Groth16::<Bn254>::verify_proof(&self.0, proof, ark::ark_scalars(public_inputs)) {
            Ok(true) => Ok(()),
            _ => Err(Error::ProofRejected),
        }
    }
}

/// Verifies one proof; see [`PreparedVerifyingKey::verify`].
pub fn verify(key: &VerifyingKey, public_inputs: &[Fr], proof: &Proof) -> Result<()> {
    PreparedVerifyingKey::new(key)?.verify(public_inputs, proof)
}
