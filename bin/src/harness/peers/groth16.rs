//! ark-groth16: on our circuit with our key, and on a circuit with one constraint for each product.

use super::{Pool, ProvePeer, per_product};
use crate::measure::Contestant;
use ark_bn254::Bn254;
use ark_ff::UniformRand;
use ark_groth16::Groth16;
use rand_chacha::ChaCha20Rng;
use zkwatt::groth16::{Assignment, PreparedVerifyingKey, Proof, ProvingKey, R1cs, setup};
use zkwatt::interop::ark;
use zkwatt::mlp::QuantisedModel;
use zkwatt::{Error, Result};

/// A circuit in the form of ark-groth16's prover.
struct Matrices {
    matrices: Vec<Vec<Vec<(ark_bn254::Fr, usize)>>>,
    num_instance: usize,
    num_constraints: usize,
}

impl Matrices {
    fn new(r1cs: &R1cs) -> Self {
        Self {
            matrices: r1cs.to_ark_matrices(),
            num_instance: r1cs.num_instance(),
            num_constraints: r1cs.num_constraints(),
        }
    }

    fn prove(&self, key: &ProvingKey, assignment: &Assignment, rng: &mut ChaCha20Rng) -> Result<Proof> {
        let (r, s) = (ark_bn254::Fr::rand(rng), ark_bn254::Fr::rand(rng));
        Groth16::<Bn254>::create_proof_with_reduction_and_matrices(
            key,
            r,
            s,
            &self.matrices,
            self.num_instance,
            self.num_constraints,
            ark::ark_scalars(assignment.values()),
        )
        .map_err(|e| Error::SelfCheck(format!("ark-groth16 failed: {e}")))
    }
}

/// What one run of a prover is to prove, and with which public inputs each proof must verify.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// The circuit.
    pub r1cs: &'a R1cs,
    /// Its key.
    pub key: &'a ProvingKey,
    /// One assignment for each proof of a run.
    pub assignments: &'a [Assignment],
}

/// `create_proof_with_reduction_and_matrices` with cached matrices. Every proof is verified, outside of the time.
///
/// # Errors
/// As [`PreparedVerifyingKey::new`].
pub fn prover<'a>(
    peer: ProvePeer,
    task: Task<'a>,
    pool: &Pool,
    mut rng: ChaCha20Rng,
) -> Result<Contestant<'a, bool>> {
    let Task { r1cs, key, assignments } = task;
    let matrices = Matrices::new(r1cs);
    let verifier = PreparedVerifyingKey::new(&key.vk)?;
    let pool = pool.clone();
    Ok(Contestant::new(peer.name(), peer.version(), move |watch| {
        let proofs = pool.run(|| {
            watch.time(|| {
                let prove = |assignment| matrices.prove(key, assignment, &mut rng);
                assignments.iter().map(prove).collect::<Result<Vec<Proof>>>()
            })
        })?;
        verify_all(&verifier, r1cs, assignments, &proofs)?;
        Ok(watch.result(|| true))
    }))
}

/// Verifies each proof against the public part of its assignment.
///
/// # Errors
/// [`Error::ProofRejected`].
pub fn verify_all(
    verifier: &PreparedVerifyingKey,
    r1cs: &R1cs,
    assignments: &[Assignment],
    proofs: &[Proof],
) -> Result<()> {
    let mut pairs = assignments.iter().zip(proofs);
    pairs.try_for_each(|(assignment, proof)| verifier.verify(assignment.public_inputs(r1cs), proof))
}

/// The circuit with one constraint for each product, with a key of its own.
pub struct PerProduct {
    /// The circuit.
    pub r1cs: R1cs,
    /// Its key.
    pub key: ProvingKey,
    /// One for each input.
    pub assignments: Vec<Assignment>,
    /// Wall time of the setup.
    pub setup_s: f64,
}

impl PerProduct {
    /// Builds the circuit of `model`, its assignments for `inputs` (at least one) and a key.
    ///
    /// # Errors
    /// What inference, the circuit and the setup report; invalid without inputs.
    pub fn new(
        model: &QuantisedModel,
        inputs: &[Vec<u32>],
        pool: &Pool,
        rng: &mut ChaCha20Rng,
    ) -> Result<Self> {
        let mut r1cs = None;
        let mut assignments = Vec::with_capacity(inputs.len());
        for input in inputs {
            let (circuit, assignment) = per_product::circuit(model, input)?;
            r1cs = Some(circuit);
            assignments.push(assignment);
        }
        let r1cs = r1cs.ok_or_else(|| Error::invalid("inputs", "there are none; at least one is needed"))?;
        let start = std::time::Instant::now();
        let key = pool.run(|| setup(&r1cs, rng))?;
        Ok(Self { key, assignments, setup_s: start.elapsed().as_secs_f64(), r1cs })
    }

    /// What its prover proves.
    pub fn task(&self) -> Task<'_> {
        Task { r1cs: &self.r1cs, key: &self.key, assignments: &self.assignments }
    }
}
