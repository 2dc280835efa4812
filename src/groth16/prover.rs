//! The prover, generic over the device.

use super::domain::Domain;
use super::plan::ProverPlan;
use super::sums::{KeyPoints, Points, Queries, timed};
use super::witness_map::{WitnessMap, constraint_products, reversed_bases};
use super::{Assignment, PreparedVerifyingKey, Proof, ProvingKey, R1cs, keys, random};
use crate::device::{DeviceKind, G1, G2, MsmOps, NttOps, VectorOps};
use crate::error::{Error, Result};
use crate::interop::ark;
use rand_core::{CryptoRng, RngCore};
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;
use zkwatt_kernels::Fr;

/// What a device must do for Groth16.
pub trait Groth16Backend: MsmOps<G1> + MsmOps<G2> + NttOps + VectorOps {}

impl<B: MsmOps<G1> + MsmOps<G2> + NttOps + VectorOps> Groth16Backend for B {}

/// Choices of a [`Prover`] that do not change its proofs.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ProverOptions {
    /// Whether to verify each proof before returning it. `None`: on a GPU yes, on a CPU no. Say yes for a key that somebody
    /// else made: whoever makes a key can choose points whose sums reveal private values.
    pub verify: Option<bool>,
}

/// Where the time of one proof went, in seconds.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct ProveReport {
    /// A·z, B·z, C·z and the check of all constraints.
    pub constraints_s: f64,
    /// The coefficients of h.
    pub witness_map_s: f64,
    /// Σ z_i·a_query_i.
    pub msm_a_s: f64,
    /// Σ z_i·b_query_i in G1.
    pub msm_b1_s: f64,
    /// Σ z_i·b_query_i in G2.
    pub msm_b2_s: f64,
    /// Σ w_i·l_query_i.
    pub msm_l_s: f64,
    /// Σ h_i·h_query_i.
    pub msm_h_s: f64,
    /// Verification of the proof, if it was asked for.
    pub verify_s: Option<f64>,
    /// All of it.
    pub total_s: f64,
}

/// A device with one circuit and its proving key, uploaded once; makes any number of proofs.
///
/// The proof of assignment z = (x, w) with blinding r, s is
///
/// ```text
/// A = α + Σ z_i·a_i + r·δ    B = β + Σ z_i·b_i + s·δ    C = Σ w_i·l_i + Σ h_i·τ^i·Z(τ)/δ + s·A + r·B − r·s·δ
/// ```
///
/// with h = (a·b − c)/Z. For equal key, assignment and random stream it is, byte for byte, that of `ark-groth16`.
pub struct Prover<B: Groth16Backend> {
    backend: Arc<B>,
    r1cs: Arc<R1cs>,
    key: KeyPoints,
    verifier: PreparedVerifyingKey,
    verify: bool,
    queries: Queries<B>,
    witness_map: WitnessMap,
    plan: ProverPlan,
}

impl<B: Groth16Backend> Prover<B> {
    /// Uploads `key` to `backend` (a device, or an `Arc` of one that is shared) for the circuit `r1cs`, with default
    /// options.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the key was made for another circuit, as far as its lengths tell;
    /// [`Error::InvalidArgument`] if its parts disagree; [`Error::DomainTooLarge`] beyond 2^28 rows; what the device
    /// reports.
    pub fn new(backend: impl Into<Arc<B>>, key: &ProvingKey, r1cs: Arc<R1cs>) -> Result<Self> {
        Self::with_options(backend, key, r1cs, ProverOptions::default())
    }

    /// As [`Prover::new`] with options.
    pub fn with_options(
        backend: impl Into<Arc<B>>,
        key: &ProvingKey,
        r1cs: Arc<R1cs>,
        options: ProverOptions,
    ) -> Result<Self> {
        let backend = backend.into();
        keys::check_shape(key).map_err(|reason| Error::invalid("proving key", reason))?;
        let domain = Domain::of(&r1cs)?;
        check_circuit(key, &r1cs, domain)?;
        let queries = Queries::prepare(
            &*backend,
            Points {
                a: ark::g1_points(&key.a_query),
                b1: ark::g1_points(&key.b_g1_query),
                b2: ark::g2_points(&key.b_g2_query),
                l: ark::g1_points(&key.l_query),
                h: &reversed_bases(&key.h_query, domain),
            },
        )?;
        let plan = ProverPlan::new(domain.log_n, queries.lengths())
            .with_host([r1cs.a(), r1cs.b(), r1cs.c()], r1cs.num_variables());
        Ok(Self {
            queries,
            witness_map: WitnessMap::new(domain)?,
            verify: options.verify.unwrap_or_else(|| backend.info().kind != DeviceKind::Cpu),
            verifier: PreparedVerifyingKey::new(&key.vk)?,
            key: KeyPoints::new(&key.vk, key.beta_g1, key.delta_g1),
            plan,
            r1cs,
            backend,
        })
    }

    /// The device.
    pub fn backend(&self) -> &Arc<B> {
        &self.backend
    }

    /// The circuit.
    pub fn r1cs(&self) -> &Arc<R1cs> {
        &self.r1cs
    }

    /// The bytes that the key takes and that a proof will take on the device.
    pub fn plan(&self) -> &ProverPlan {
        &self.plan
    }

    /// A proof that `assignment` satisfies the circuit.
    ///
    /// The blinding is drawn from `rng` (r, then s) before anything else happens.
    ///
    /// # Errors
    /// [`Error::Unsatisfied`] with the first constraint that fails; [`Error::LengthMismatch`] or
    /// [`Error::InvalidArgument`] for an assignment of another shape; [`Error::SelfCheck`] if the proof was verified
    /// and is wrong; what the device reports.
    pub fn prove(&self, assignment: &Assignment, rng: &mut (impl RngCore + CryptoRng)) -> Result<Proof> {
        self.prove_with_report(assignment, rng).map(|(proof, _)| proof)
    }

    /// As [`Prover::prove`], and says where the time went.
    pub fn prove_with_report(
        &self,
        assignment: &Assignment,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Proof, ProveReport)> {
        let r = Zeroizing::new(random::scalar(rng));
        let s = Zeroizing::new(random::scalar(rng));
        self.prove_with_blinding(assignment, *r, *s)
    }

    /// The proof with given blinding. **Not zero-knowledge unless r and s are uniform and used once.**
    #[doc(hidden)]
    pub fn prove_with_blinding(&self, assignment: &Assignment, r: Fr, s: Fr) -> Result<(Proof, ProveReport)> {
        self.backend.on_host(|| self.prove_on_host(assignment, r, s))
    }

    fn prove_on_host(&self, assignment: &Assignment, r: Fr, s: Fr) -> Result<(Proof, ProveReport)> {
        let start = Instant::now();
        let mut report = ProveReport::default();
        let z = assignment.values();
        let products = timed(&mut report.constraints_s, || constraint_products(&self.r1cs, z))?;
        let h = timed(&mut report.witness_map_s, || self.witness_map.quotient(&*self.backend, products))?;
        let sums = self.queries.sums(&*self.backend, z, self.r1cs.num_instance(), &h, &mut report)?;
        let proof = self.key.assemble(sums.scale_h(self.witness_map.factor()), r, s);
        if self.verify {
            let mut verify_s = 0.0;
            let verified =
                timed(&mut verify_s, || self.verifier.verify(assignment.public_inputs(&self.r1cs), &proof));
            report.verify_s = Some(verify_s);
            verified.map_err(|e| Error::SelfCheck(format!("the proof does not verify: {e}")))?;
        }
        report.total_s = start.elapsed().as_secs_f64();
        Ok((proof, report))
    }
}

fn check_circuit(key: &ProvingKey, r1cs: &R1cs, domain: Domain) -> Result<()> {
    let describe = |variables: usize, instance: usize, rows: usize| {
        format!(
            "a circuit of {variables} variables ({} of them public inputs) and at most {rows} rows",
            instance - 1
        )
    };
    let of_key = (key.a_query.len(), key.vk.gamma_abc_g1.len(), key.h_query.len() + 1);
    let of_circuit = (r1cs.num_variables(), r1cs.num_instance(), domain.len());
    if of_key == of_circuit {
        return Ok(());
    }
    Err(Error::Mismatch {
        what: "the proving key",
        made_for: describe(of_key.0, of_key.1, of_key.2),
        used_with: describe(of_circuit.0, of_circuit.1.max(1), of_circuit.2),
        hint: "run setup with this circuit first",
    })
}
