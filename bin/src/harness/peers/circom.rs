//! Provers under a `.zkey`: ark-groth16 with a reduction to the basis of such keys, and snarkjs.

use super::Pool;
use super::snarkjs::Snarkjs;
use crate::measure::Contestant;
use ark_bn254::Bn254;
use ark_ff::{PrimeField, UniformRand};
use ark_groth16::Groth16;
use ark_groth16::r1cs_to_qap::{LibsnarkReduction, R1CSToQAP, evaluate_constraint};
use ark_poly::EvaluationDomain;
use ark_relations::gr1cs::{ConstraintSystemRef, Matrix, Result as R1csResult, SynthesisError};
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use std::fmt;
use std::path::Path;
use std::time::Instant;
use zkwatt::groth16::circom::{Witness, Zkey};
use zkwatt::groth16::keys::Validate;
use zkwatt::groth16::{PreparedVerifyingKey, Proof};
use zkwatt::interop::ark;
use zkwatt::{Error, Result};

/// The peers that prove under a `.zkey`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CircomPeer {
    /// ark-groth16 on the same key and matrices, converted before anything is timed, with a circom reduction.
    Arkworks,
    /// snarkjs in a process of its own that has read both files; tools/circom/install installs it.
    Snarkjs,
}

impl CircomPeer {
    /// The name that records carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arkworks => "arkworks",
            Self::Snarkjs => "snarkjs",
        }
    }
}

impl fmt::Display for CircomPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is to be proved, and the public values with which each proof must verify.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The key.
    pub zkey: &'a Zkey,
    /// Where it was read from.
    pub zkey_path: &'a Path,
    /// Its witness.
    pub witness: &'a Witness,
    /// Where it was read from.
    pub witness_path: &'a Path,
}

impl Task<'_> {
    /// The public values.
    pub fn public(&self) -> &[zkwatt::kernels::Fr] {
        self.witness.values().get(1..=self.zkey.header().num_public).unwrap_or_default()
    }

    /// A verifier of its proofs.
    ///
    /// # Errors
    /// As [`PreparedVerifyingKey::new`].
    pub fn verifier(&self) -> Result<PreparedVerifyingKey> {
        PreparedVerifyingKey::new(&self.zkey.header().verifying_key)
    }

    /// Verifies a proof of `prover`.
    ///
    /// # Errors
    /// [`Error::SelfCheck`].
    pub fn verify(&self, verifier: &PreparedVerifyingKey, prover: &str, proof: &Proof) -> Result<()> {
        verifier.verify(self.public(), proof).map_err(|e| {
            Error::SelfCheck(format!(
                "the proof of {prover} is wrong: {e}; most likely the witness does not satisfy the circuit, which \
                 `zkwatt circom prove --r1cs` looks at"
            ))
        })
    }
}

/// A peer's prover. Every proof is verified, outside of the time.
///
/// # Errors
/// As [`Zkey::proving_key`], [`Zkey::matrices`] and [`Snarkjs::start`].
pub fn prover<'a>(
    peer: CircomPeer,
    task: Task<'a>,
    pool: &Pool,
    rng: ChaCha20Rng,
) -> Result<Contestant<'a, bool>> {
    match peer {
        CircomPeer::Arkworks => arkworks(task, pool, rng),
        CircomPeer::Snarkjs => snarkjs(task, pool.threads()),
    }
}

fn arkworks<'a>(task: Task<'a>, pool: &Pool, mut rng: ChaCha20Rng) -> Result<Contestant<'a, bool>> {
    let start = Instant::now();
    let key = task.zkey.proving_key(Validate::Trust)?;
    let matrices = task.zkey.matrices()?.map(|matrix| matrix.to_ark());
    let num_instance = task.zkey.header().num_public + 1;
    // The rows of the public values are among the matrices'.
    let rows = matrices[0].len();
    let verifier = task.verifier()?;
    let pool = pool.clone();
    let version = super::ProvePeer::Arkworks.version();
    let contestant = Contestant::new(CircomPeer::Arkworks.name(), version, move |watch| {
        let proof = pool.run(|| {
            watch.time(|| {
                let (r, s) = (ark_bn254::Fr::rand(&mut rng), ark_bn254::Fr::rand(&mut rng));
                Groth16::<Bn254, CircomReduction>::create_proof_with_reduction_and_matrices(
                    &key,
                    r,
                    s,
                    &matrices,
                    num_instance,
                    rows,
                    ark::ark_scalars(task.witness.values()),
                )
                .map_err(|e| Error::SelfCheck(format!("ark-groth16 failed: {e}")))
            })
        })?;
        task.verify(&verifier, CircomPeer::Arkworks.name(), &proof)?;
        Ok(watch.result(|| true))
    });
    Ok(contestant.prepared_in(start.elapsed()))
}

fn snarkjs(task: Task<'_>, threads: usize) -> Result<Contestant<'_, bool>> {
    let start = Instant::now();
    let mut process = Snarkjs::start(task.zkey_path, task.witness_path, threads)?;
    let version = process.version().to_owned();
    let verifier = task.verifier()?;
    let contestant = Contestant::new(CircomPeer::Snarkjs.name(), version, move |watch| {
        let proof = watch.time_elsewhere(|| process.prove())?;
        task.verify(&verifier, CircomPeer::Snarkjs.name(), &proof)?;
        Ok(watch.result(|| true))
    });
    Ok(contestant.prepared_in(start.elapsed()))
}

/// From a witness to the scalars of a `.zkey`'s H: the values of a·b − c at the odd powers of a root of unity of twice the
/// domain, with c interpolated from a·b on the domain.
#[derive(Debug)]
pub struct CircomReduction;

impl R1CSToQAP for CircomReduction {
    fn instance_map_with_evaluation<F: PrimeField, D: EvaluationDomain<F>>(
        system: ConstraintSystemRef<F>,
        t: &F,
    ) -> R1csResult<(Vec<F>, Vec<F>, Vec<F>, F, usize, usize)> {
        LibsnarkReduction::instance_map_with_evaluation::<F, D>(system, t)
    }

    /// The matrices are those of the file, of which all rows are given; `num_inputs` is not needed.
    fn witness_map_from_matrices<F: PrimeField, D: EvaluationDomain<F>>(
        matrices: &[Matrix<F>],
        _num_inputs: usize,
        rows: usize,
        assignment: &[F],
    ) -> R1csResult<Vec<F>> {
        let domain = D::new(rows).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        let doubled = D::new(2 * domain.size()).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        let odd = domain.get_coset(doubled.group_gen()).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        let [a, b] = [matrices.first(), matrices.get(1)]
            .map(|matrix| matrix.ok_or(SynthesisError::MissingCS))
            .map(|matrix| {
                matrix.map(|matrix| {
                    let mut values: Vec<F> =
                        matrix.par_iter().map(|row| evaluate_constraint(row, assignment)).collect();
                    values.resize(domain.size(), F::zero());
                    values
                })
            });
        let (mut a, mut b) = (a?, b?);
        let mut c: Vec<F> = a.par_iter().zip(&b).map(|(a, b)| *a * b).collect();
        for values in [&mut a, &mut b, &mut c] {
            domain.ifft_in_place(values);
            odd.fft_in_place(values);
        }
        a.par_iter_mut().zip(&b).zip(&c).for_each(|((a, b), c)| *a = *a * b - c);
        Ok(a)
    }

    fn h_query_scalars<F: PrimeField, D: EvaluationDomain<F>>(
        _max_power: usize,
        _t: F,
        _zt: F,
        _delta_inverse: F,
    ) -> R1csResult<Vec<F>> {
        // Keys come from files.
        Err(SynthesisError::MissingCS)
    }
}
