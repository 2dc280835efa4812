//! Proofs under a `.zkey`.

use super::quotient::OddValues;
use super::zkey::G1Query;
use super::{Witness, Zkey, ZkeyHeader};
use crate::error::{Error, Result};
use crate::groth16::keys::Validate;
use crate::groth16::r1cs::MixedVector;
use crate::groth16::sums::{KeyPoints, Queries, Query, Sums, timed};
use crate::groth16::{
    Groth16Backend, PreparedVerifyingKey, Proof, ProveReport, ProverPlan, R1cs, SparseMatrix, random,
};
use rand_core::{CryptoRng, RngCore};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;
use zkwatt_kernels::Fr;

/// Where a prover's bases are between proofs.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Residence {
    /// On the device, prepared once: for many proofs.
    #[default]
    Device,
    /// In the file: each sum reads its bases and drops them. For little memory; a proof takes the time of reading on top.
    File,
}

/// Choices of a [`ZkeyProver`] that do not change its proofs.
#[derive(Clone, Debug)]
pub struct ZkeyProverOptions {
    /// How much of the points is checked when they are read.
    pub validate: Validate,
    /// Where the bases are between proofs.
    pub residence: Residence,
    /// Whether to verify each proof before returning it. A `.zkey` does not hold all of its circuit's constraints: without
    /// this or [`ZkeyProverOptions::r1cs`], a witness that does not satisfy them gives a proof that does not verify. Without
    /// this, the key must be one that you trust: whoever makes a key can choose points whose sums reveal private values, and
    /// that they do not belong together is seen by verifying alone, not by [`Validate::Full`].
    pub verify: bool,
    /// The circuit, to name the constraint that a witness does not satisfy. It is looked at when a proof does not verify, or
    /// before the proof if it is not verified.
    pub r1cs: Option<Arc<R1cs>>,
}

impl Default for ZkeyProverOptions {
    fn default() -> Self {
        Self { validate: Validate::OnCurve, residence: Residence::Device, verify: true, r1cs: None }
    }
}

/// A device with the key of one circuit, prepared once; makes any number of proofs.
///
/// The proof of witness z with blinding r, s is
///
/// ```text
/// A = α + Σ z_i·A_i + r·δ    B = β + Σ z_i·B_i + s·δ    C = Σ w_i·C_i + Σ p_i·H_i + s·A + r·B − r·s·δ
/// ```
///
/// with p the values of a·b − c at the odd powers of a 2n-th root of unity; that of snarkjs for the same r and s. For equal
/// key, witness and random stream it is the same on every device.
pub struct ZkeyProver<B: Groth16Backend> {
    backend: Arc<B>,
    header: ZkeyHeader,
    key: KeyPoints,
    verifier: PreparedVerifyingKey,
    options: ZkeyProverOptions,
    matrices: [SparseMatrix; 2],
    odd_values: OddValues,
    bases: Bases<B>,
    plan: ProverPlan,
}

enum Bases<B: Groth16Backend> {
    Device(Queries<B>),
    File(Box<Zkey>),
}

impl<B: Groth16Backend> ZkeyProver<B> {
    /// Opens a `.zkey` and prepares its bases and matrices on `backend` (a device, or an `Arc` of one that is shared), with
    /// default options.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] for a file that is not a Groth16 `.zkey` over BN254 or is damaged; what the device
    /// reports.
    pub fn open(path: impl AsRef<Path>, backend: impl Into<Arc<B>>) -> Result<Self> {
        Self::new(Zkey::open(path)?, backend, ZkeyProverOptions::default())
    }

    /// From an open `.zkey`.
    ///
    /// # Errors
    /// As [`ZkeyProver::open`]; [`Error::Mismatch`] if the options' circuit is another one, as far as its numbers tell.
    pub fn new(zkey: Zkey, backend: impl Into<Arc<B>>, options: ZkeyProverOptions) -> Result<Self> {
        let backend = backend.into();
        let header = zkey.header().clone();
        if let Some(r1cs) = &options.r1cs {
            check_circuit(&header, r1cs)?;
        }
        let matrices = zkey.matrices()?;
        let odd_values = OddValues::new(header.log_n)?;
        let verifier = PreparedVerifyingKey::new(&header.verifying_key)?;
        let validate = options.validate;
        let (bases, plan) = match options.residence {
            Residence::Device => {
                let queries = backend.on_host(|| queries(&*backend, &zkey, validate))?;
                let plan = ProverPlan::new(header.log_n, queries.lengths());
                (Bases::Device(queries), plan.with_host(&matrices, header.num_variables))
            }
            Residence::File => {
                let plan = predicted_plan(&header, &matrices).one_query_at_a_time();
                (Bases::File(Box::new(zkey)), plan)
            }
        };
        let key = KeyPoints::new(&header.verifying_key, header.beta_g1, header.delta_g1);
        Ok(Self { backend, header, key, verifier, options, matrices, odd_values, bases, plan })
    }

    /// The device.
    pub fn backend(&self) -> &Arc<B> {
        &self.backend
    }

    /// What the key says of its circuit.
    pub fn header(&self) -> &ZkeyHeader {
        &self.header
    }

    /// The bytes that the key takes and that a proof will take on the device.
    pub fn plan(&self) -> &ProverPlan {
        &self.plan
    }

    /// A proof of `witness`. The blinding is drawn from `rng` (r, then s) before anything else happens.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for a witness of another circuit; [`Error::Unsatisfied`] with the first constraint that
    /// fails, if the options name the circuit; [`Error::SelfCheck`] if the proof was verified and is wrong; what the device
    /// reports.
    pub fn prove(&self, witness: &Witness, rng: &mut (impl RngCore + CryptoRng)) -> Result<Proof> {
        self.prove_with_report(witness, rng).map(|(proof, _)| proof)
    }

    /// As [`ZkeyProver::prove`], and says where the time went.
    pub fn prove_with_report(
        &self,
        witness: &Witness,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Proof, ProveReport)> {
        let r = Zeroizing::new(random::scalar(rng));
        let s = Zeroizing::new(random::scalar(rng));
        self.prove_with_blinding(witness, *r, *s)
    }

    /// The proof with given blinding. **Not zero-knowledge unless r and s are uniform and used once.**
    #[doc(hidden)]
    pub fn prove_with_blinding(&self, witness: &Witness, r: Fr, s: Fr) -> Result<(Proof, ProveReport)> {
        self.backend.on_host(|| self.prove_on_host(witness, r, s))
    }

    /// The public values of a witness, as `public.json` has them.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for a witness of another circuit.
    pub fn public_values<'a>(&self, witness: &'a Witness) -> Result<&'a [Fr]> {
        self.check_length(witness)?;
        Ok(&witness.values()[1..=self.header.num_public])
    }

    fn check_length(&self, witness: &Witness) -> Result<()> {
        if witness.values().len() == self.header.num_variables {
            return Ok(());
        }
        Err(Error::Mismatch {
            what: "the witness",
            made_for: format!("a circuit of {} wires", witness.values().len()),
            used_with: format!("this zkey of {} variables", self.header.num_variables),
            hint: "give the witness of the key's circuit",
        })
    }

    fn prove_on_host(&self, witness: &Witness, r: Fr, s: Fr) -> Result<(Proof, ProveReport)> {
        let start = Instant::now();
        let mut report = ProveReport::default();
        let public = self.public_values(witness)?;
        if !self.options.verify {
            self.check_constraints(witness)?;
        }
        let z = witness.values();
        let [a, b] = timed(&mut report.constraints_s, || {
            let mixed = MixedVector::new(z);
            self.matrices.each_ref().map(|matrix| Zeroizing::new(matrix.multiply_mixed(&mixed)))
        });
        let quotient = timed(&mut report.witness_map_s, || self.odd_values.of(&*self.backend, a, b))?;
        let sums = match &self.bases {
            Bases::Device(queries) => {
                queries.sums(&*self.backend, z, public.len() + 1, &quotient, &mut report)?
            }
            Bases::File(zkey) => self.sums_from_file(zkey, z, &quotient, &mut report)?,
        };
        drop(quotient);
        let proof = self.key.assemble(sums, r, s);
        if self.options.verify {
            let mut verify_s = 0.0;
            let verified = timed(&mut verify_s, || self.verifier.verify(public, &proof));
            report.verify_s = Some(verify_s);
            if let Err(error) = verified {
                self.check_constraints(witness)?;
                return Err(Error::SelfCheck(match self.options.r1cs {
                    Some(_) => format!(
                        "the witness satisfies the circuit, but the proof does not verify: {error}. The key is damaged, \
                         or was made to reveal the witness: do not use it"
                    ),
                    None => "the proof does not verify; most likely the witness does not satisfy the circuit, or else \
                             the key is damaged. Give the .r1cs file to learn which constraint fails"
                        .into(),
                }));
            }
        }
        report.total_s = start.elapsed().as_secs_f64();
        Ok((proof, report))
    }

    fn check_constraints(&self, witness: &Witness) -> Result<()> {
        self.options.r1cs.as_ref().map_or(Ok(()), |r1cs| r1cs.check(witness.assignment()))
    }

    /// The sums with the bases of one query at a time in memory. Reading counts as part of the sum.
    fn sums_from_file(
        &self,
        zkey: &Zkey,
        z: &[Fr],
        quotient: &B::Buf<Fr>,
        report: &mut ProveReport,
    ) -> Result<Sums> {
        let (backend, validate) = (&*self.backend, self.options.validate);
        let w = &z[self.header.num_public + 1..];
        let g1 = |query, values, seconds: &mut f64| {
            timed(seconds, || {
                let query = Query::g1(backend, zkey.g1_query(query, validate)?)?;
                let sum = query.sum_g1(backend, &query.gather(values))?;
                Ok::<_, Error>((sum, query.into_places()))
            })
        };
        let (a, _) = g1(G1Query::A, z, &mut report.msm_a_s)?;
        let (b1, places) = g1(G1Query::B, z, &mut report.msm_b1_s)?;
        let (l, _) = g1(G1Query::C, w, &mut report.msm_l_s)?;
        let h = timed(&mut report.msm_h_s, || {
            let query = Query::g1_all(backend, zkey.g1_query(G1Query::H, validate)?)?;
            query.sum_on_device(backend, quotient)
        })?;
        let b2 = timed(&mut report.msm_b2_s, || {
            let query = Query::g2(backend, zkey.b_g2_query(validate)?)?;
            if query.places() != places.as_deref() {
                return Err(zkey.error(DIFFERENT_PLACES));
            }
            query.sum_g2(backend, &query.gather(z))
        })?;
        Ok(Sums { a, b1, b2, l, h })
    }
}

/// Both hold the same multiples; a key for which that is not so was not made by a setup.
const DIFFERENT_PLACES: &str = "B in G1 and B in G2 are infinity at different places";

/// All bases on the device; the largest query first, while there is nothing else.
fn queries<B: Groth16Backend>(backend: &B, zkey: &Zkey, validate: Validate) -> Result<Queries<B>> {
    let b2 = Query::g2(backend, zkey.b_g2_query(validate)?)?;
    let g1 = |query| zkey.g1_query(query, validate);
    let b1 = Query::g1(backend, g1(G1Query::B)?)?;
    if b1.places() != b2.places() {
        return Err(zkey.error(DIFFERENT_PLACES));
    }
    Ok(Queries {
        a: Query::g1(backend, g1(G1Query::A)?)?,
        b1,
        b2,
        l: Query::g1(backend, g1(G1Query::C)?)?,
        h: Query::g1_all(backend, g1(G1Query::H)?)?,
    })
}

/// The bytes that a prover will take, before the bases are read: as if those of all variables that occur were finite.
pub fn predicted_plan(header: &ZkeyHeader, matrices: &[SparseMatrix; 2]) -> ProverPlan {
    let [a, b] = matrices.each_ref().map(|matrix| matrix.used_columns(header.num_variables, 0));
    ProverPlan::new(header.log_n, [a, b, b, header.num_variables - header.num_public - 1])
        .with_host(matrices, header.num_variables)
}

fn check_circuit(header: &ZkeyHeader, r1cs: &R1cs) -> Result<()> {
    let of_key = (header.num_variables, header.num_public + 1);
    let of_circuit = (r1cs.num_variables(), r1cs.num_instance());
    if of_key == of_circuit && r1cs.num_constraints() + r1cs.num_instance() <= 1 << header.log_n {
        return Ok(());
    }
    let describe = |(variables, instance): (usize, usize)| {
        format!("a circuit of {variables} variables, {} of them public", instance.saturating_sub(1))
    };
    Err(Error::Mismatch {
        what: "the zkey",
        made_for: format!(
            "{} and up to {} constraints",
            describe(of_key),
            (1usize << header.log_n) - of_key.1
        ),
        used_with: format!("{} and {} constraints", describe(of_circuit), r1cs.num_constraints()),
        hint: "give the .r1cs file that the key was set up with",
    })
}
