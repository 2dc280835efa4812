//! The prover as an `ark_snark::SNARK`, for programs that are written against arkworks.

use super::r1cs::{Label, LinearCombination, R1csBuilder};
use super::{Assignment, Prover, R1cs};
use crate::device::{CpuDevice, CpuOptions};
use crate::error::Error;
use crate::interop::ark;
use ark_bn254::Bn254;
use ark_groth16::Groth16;
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystem, OptimizationGoal, R1CS_PREDICATE_LABEL, SynthesisError,
    SynthesisMode,
};
use ark_snark::SNARK;
use ark_std::rand::{CryptoRng, RngCore};
use std::sync::Arc;

/// `ark_groth16::Groth16<Bn254>` whose proofs are made by this library on the CPU.
///
/// Keys, proofs and verification are ark-groth16's; for one random stream `prove` gives the same proof. Every call
/// prepares the key anew: a program that makes many proofs is better served by a [`Prover`].
#[derive(Copy, Clone, Debug)]
pub struct ZkwattGroth16;

/// Why [`ZkwattGroth16`] failed.
#[derive(Debug, thiserror::Error)]
pub enum SnarkError {
    /// Synthesis, setup or verification of arkworks failed.
    #[error("arkworks: {0}")]
    Synthesis(#[from] SynthesisError),
    /// The prover failed.
    #[error(transparent)]
    Prover(#[from] Error),
}

impl SNARK<ark_bn254::Fr> for ZkwattGroth16 {
    type ProvingKey = ark_groth16::ProvingKey<Bn254>;
    type VerifyingKey = ark_groth16::VerifyingKey<Bn254>;
    type Proof = ark_groth16::Proof<Bn254>;
    type ProcessedVerifyingKey = ark_groth16::PreparedVerifyingKey<Bn254>;
    type Error = SnarkError;

    fn circuit_specific_setup<C: ConstraintSynthesizer<ark_bn254::Fr>, R: RngCore + CryptoRng>(
        circuit: C,
        rng: &mut R,
    ) -> Result<(Self::ProvingKey, Self::VerifyingKey), SnarkError> {
        Ok(Groth16::<Bn254>::circuit_specific_setup(circuit, rng)?)
    }

    fn prove<C: ConstraintSynthesizer<ark_bn254::Fr>, R: RngCore + CryptoRng>(
        key: &Self::ProvingKey,
        circuit: C,
        rng: &mut R,
    ) -> Result<Self::Proof, SnarkError> {
        let (r1cs, assignment) = synthesise(circuit)?;
        let device = CpuDevice::new(CpuOptions::default())?;
        Ok(Prover::<CpuDevice>::new(device, key, Arc::new(r1cs))?.prove(&assignment, rng)?)
    }

    fn process_vk(key: &Self::VerifyingKey) -> Result<Self::ProcessedVerifyingKey, SnarkError> {
        Ok(Groth16::<Bn254>::process_vk(key)?)
    }

    /// As ark-groth16, but another number of public inputs than the key has is `false`, not cut to fit.
    fn verify_with_processed_vk(
        key: &Self::ProcessedVerifyingKey,
        public_inputs: &[ark_bn254::Fr],
        proof: &Self::Proof,
    ) -> Result<bool, SnarkError> {
        if public_inputs.len() + 1 != key.vk.gamma_abc_g1.len() {
            return Ok(false);
        }
        Ok(Groth16::<Bn254>::verify_with_processed_vk(key, public_inputs, proof)?)
    }
}

/// The matrices and the assignment of an arkworks circuit, in the form that its own prover would use.
///
/// # Errors
/// [`SnarkError::Synthesis`] if the circuit cannot be synthesised or uses constraints other than R1CS.
pub fn synthesise<C: ConstraintSynthesizer<ark_bn254::Fr>>(
    circuit: C,
) -> Result<(R1cs, Assignment), SnarkError> {
    let cs = ConstraintSystem::new_ref();
    cs.set_optimization_goal(OptimizationGoal::Constraints);
    cs.set_mode(SynthesisMode::Prove { construct_matrices: true, generate_lc_assignments: false });
    circuit.generate_constraints(cs.clone())?;
    cs.finalize();
    let mut matrices = cs.to_matrices()?;
    let r1cs_matrices = matrices.remove(R1CS_PREDICATE_LABEL).unwrap_or_default();
    if matrices.values().flatten().any(|m| !m.is_empty()) {
        return Err(Error::Unsupported {
            what: "a circuit with predicates other than R1CS".into(),
            reason: "Groth16 proves rank-1 constraints only".into(),
        }
        .into());
    }
    let instance = cs.instance_assignment()?;
    let witness = cs.witness_assignment()?;
    let mut builder = R1csBuilder::new(instance.len().saturating_sub(1));
    for _ in 0..witness.len() {
        builder.witness(Label::new("witness"));
    }
    if let [a, b, c] = r1cs_matrices.as_slice() {
        for ((a, b), c) in a.iter().zip(b).zip(c) {
            let [a, b, c] = [a, b, c].map(|row| {
                let mut combination = LinearCombination::zero();
                for (coefficient, column) in row {
                    // The builder refuses more than 2^32 variables.
                    combination.push(*column as u32, ark::scalar(coefficient));
                }
                combination
            });
            builder.enforce(a, b, c, Label::new("constraint"));
        }
    }
    let values = instance.iter().chain(&witness).map(ark::scalar).collect();
    Ok((builder.finish()?, Assignment::new(values)))
}
