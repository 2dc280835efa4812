//! The prover's side.

use super::commitment::{BlindingSeed, ModelCommitment, PublishedColumn};
use super::verifier::{MlpProof, MlpVerifier, RangeVerifier};
use crate::device::DeviceKind;
use crate::error::{Error, Result};
use crate::halo2::keygen::{self, Selectors};
use crate::halo2::link::{self, LinkStatement};
use crate::halo2::{
    self, DeviceSrs, Halo2Backend, KeyOptions, PreparedKey, ProveReport, Srs, create_proof_from_witness,
};
use crate::interop::halo2curves as interop;
use crate::mlp::plonkish::{LayoutChoice, PlonkishCircuit, PlonkishPlan};
use crate::mlp::{CircuitOptions, InputMode, QuantisedModel};
use halo2_axiom::halo2curves::bn256::{Fr as HaloFr, G1Affine as HaloG1Affine};
use halo2_axiom::transcript::{Blake2bWrite, Challenge255, TranscriptWriterBuffer};
use rand_core::{CryptoRng, RngCore};
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;
use zkwatt_kernels::{Fr, G1Affine};

/// A device with the circuit and key of one model; makes any number of proofs.
pub struct MlpProver<B: Halo2Backend> {
    circuit: PlonkishCircuit,
    srs: DeviceSrs<B>,
    key: PreparedKey<B>,
    verifier: MlpVerifier,
    /// Of the published weight columns, if weights are private.
    weights: Option<BlindingSeed>,
    verify: bool,
}

/// What a prover is made from.
#[derive(Copy, Clone, Debug)]
pub struct ProverParts<'a> {
    /// The model.
    pub model: &'a QuantisedModel,
    /// What proofs shall state.
    pub options: CircuitOptions,
    /// The layout; see [`Planner`](crate::mlp::plonkish::Planner).
    pub choice: LayoutChoice,
    /// What the key may spend on being faster: nothing by default, which is right for a few proofs.
    pub key: KeyOptions,
}

/// A proof and what it cost.
pub struct Proved {
    /// The proof.
    pub proof: MlpProof,
    /// Where the time of the Halo2 proof went.
    pub report: ProveReport,
    /// Seconds to assign the witness's first phase and to compute the outputs.
    pub witness_s: f64,
    /// Seconds for commitments to inputs and the link.
    pub link_s: f64,
}

impl<B: Halo2Backend> MlpProver<B> {
    /// Sets up for public weights.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if weights are to be private, and for an SRS of another k than the layout's; those of
    /// the circuit, of keygen and of the device.
    pub fn new(device: Arc<B>, srs: Arc<Srs>, parts: ProverParts<'_>) -> Result<Self> {
        let circuit = PlonkishCircuit::new(parts.model, parts.options, parts.choice)?;
        if circuit.layout().private_weights() {
            return Err(Error::invalid("weights", "are private; use MlpProver::with_private_weights"));
        }
        Self::assemble(DeviceSrs::new(device, srs)?, circuit, None, parts.key)
    }

    /// Sets up for private weights, with a commitment to them under `seed` that
    /// [`MlpProver::commit_model`] made before.
    ///
    /// # Errors
    /// As [`MlpProver::new`]; [`Error::Mismatch`] if the commitment is not that of model and seed.
    pub fn with_private_weights(
        device: Arc<B>,
        srs: Arc<Srs>,
        parts: ProverParts<'_>,
        seed: BlindingSeed,
        commitment: ModelCommitment,
    ) -> Result<Self> {
        let circuit = PlonkishCircuit::new(parts.model, parts.options, parts.choice)?;
        let srs = DeviceSrs::new(device, srs)?;
        check_k(&srs, &circuit)?;
        let published = published_weights(&circuit, &seed)?;
        let points = published.iter().map(|column| column.commit(&srs)).collect::<Result<Vec<_>>>()?;
        drop(published);
        if points != commitment.points {
            return Err(Error::Mismatch {
                what: "the commitment to the model",
                made_for: "another model, layout or secret".into(),
                used_with: format!("model `{}`", parts.model.name.escape_debug()),
                hint: "use the files that one setup wrote together",
            });
        }
        Self::assemble(srs, circuit, Some((seed, commitment)), parts.key)
    }

    /// Commits to the weights of a model and proves, once for all proofs to come, that they are bytes.
    ///
    /// # Errors
    /// As [`MlpProver::new`]; [`Error::InvalidArgument`] if the weights are public.
    pub fn commit_model(
        device: Arc<B>,
        srs: Arc<Srs>,
        parts: ProverParts<'_>,
        seed: &BlindingSeed,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<ModelCommitment> {
        let circuit = PlonkishCircuit::new(parts.model, parts.options, parts.choice)?;
        let srs = DeviceSrs::new(device, srs)?;
        check_k(&srs, &circuit)?;
        let range = circuit.range_circuit()?;
        let key = keygen::prepare(&srs, &range, Selectors::Direct, KeyOptions::default())?;
        let witness =
            range.witness().ok_or_else(|| Error::SelfCheck("the range circuit has no weights".into()))?;
        let (range_proof, proved) = prove_columns(&key, witness, &[], rng)?;
        let published = published_weights(&circuit, seed)?;
        let points = published.iter().map(|column| column.commit(&srs)).collect::<Result<Vec<_>>>()?;
        let columns = range.weight_columns();
        let statement = LinkStatement::new(key.verifying_key(), &range_proof, &columns, &points)?;
        let link = link_columns(&srs, &statement, &published, &columns, &proved)?;
        Ok(ModelCommitment { points, range_proof, link })
    }

    fn assemble(
        srs: DeviceSrs<B>,
        circuit: PlonkishCircuit,
        private: Option<(BlindingSeed, ModelCommitment)>,
        options: KeyOptions,
    ) -> Result<Self> {
        check_k(&srs, &circuit)?;
        let key = keygen::prepare(&srs, &circuit, Selectors::Direct, options)?;
        let (weights, commitment) = private.unzip();
        let range =
            commitment.map(|commitment| RangeVerifier::new(&srs, &circuit, commitment)).transpose()?;
        let verifier = MlpVerifier::new(srs.srs(), &circuit, key.verifying_key().clone(), range);
        let verify = srs.device().info().kind != DeviceKind::Cpu;
        Ok(Self { circuit, srs, key, verifier, weights, verify })
    }

    /// The verifier's side.
    pub fn verifier(&self) -> &MlpVerifier {
        &self.verifier
    }

    /// The circuit.
    pub fn circuit(&self) -> &PlonkishCircuit {
        &self.circuit
    }

    /// What the planner predicts of this layout.
    pub fn plan(&self) -> PlonkishPlan {
        PlonkishPlan::of(self.circuit.layout())
    }

    /// A commitment to one input, as proofs of it under the same `seed` carry it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an input out of range; those of the device.
    pub fn commit_input(&self, input: &[u32], seed: &BlindingSeed) -> Result<G1Affine> {
        let values = Zeroizing::new(self.circuit.interface().input_column(input)?);
        self.published_input(&values, seed).commit(&self.srs)
    }

    fn published_input<'a>(&self, values: &'a [i32], seed: &BlindingSeed) -> PublishedColumn<'a> {
        let rows = self.srs.srs().n() - self.key.usable_rows();
        PublishedColumn { values, blinding: seed.rows(INPUT, values, rows) }
    }

    /// The same with each proof verified before it is returned, or not. By default proofs are if a GPU makes them.
    pub fn verifying(self, verify: bool) -> Self {
        Self { verify, ..self }
    }

    /// Proves a batch of inferences. `seeds` has one secret for each input where inputs are committed, else none.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] and [`Error::LengthMismatch`] for inputs or seeds that do not fit the circuit; those of
    /// [`create_proof_from_witness`] and of the link.
    pub fn prove(
        &self,
        inputs: &[&[u32]],
        seeds: &[BlindingSeed],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Proved> {
        let start = Instant::now();
        let interface = self.circuit.interface();
        let committed = interface.input == InputMode::Committed;
        let expected = if committed { inputs.len() } else { 0 };
        if seeds.len() != expected {
            return Err(Error::invalid(
                "seeds",
                format!("there are {}, but {expected} inputs are committed; give one for each", seeds.len()),
            ));
        }
        let circuit = self.circuit.with_inputs(inputs)?;
        let statements = circuit.statements(inputs)?;
        let instances = interface.instances(&statements)?;
        let instances: Vec<&[HaloFr]> =
            instances.iter().map(|column| interop::halo2_scalars(column)).collect();
        let witness =
            circuit.witness().ok_or_else(|| Error::SelfCheck("the circuit has no witness".into()))?;
        let witness_s = start.elapsed().as_secs_f64();
        let (halo2, proved) = prove_columns(&self.key, witness, &instances, rng)?;

        let start = Instant::now();
        let values =
            inputs.iter().take(expected).map(|input| interface.input_column(input).map(Zeroizing::new));
        let values = values.collect::<Result<Vec<_>>>()?;
        let of_inputs = values.iter().zip(seeds).map(|(values, seed)| self.published_input(values, seed));
        let of_inputs: Vec<PublishedColumn<'_>> = of_inputs.collect();
        let input_commitments = of_inputs.iter().map(|c| c.commit(&self.srs)).collect::<Result<Vec<_>>>()?;
        let mut published = Vec::new();
        if let Some(seed) = &self.weights {
            published.extend(published_weights(&self.circuit, seed)?);
        }
        published.extend(of_inputs);
        let statement = self.verifier.link_statement(&halo2, &input_commitments)?;
        let link = match statement {
            None => None,
            Some(statement) => {
                let columns = self.verifier.linked_columns();
                Some(link_columns(&self.srs, &statement, &published, &columns, &proved)?)
            }
        };
        let link_s = start.elapsed().as_secs_f64();
        let proof = MlpProof { statements, input_commitments, halo2, link };
        if self.verify {
            let rejected = |e| Error::SelfCheck(format!("the proof does not verify ({e})"));
            self.verifier.verify(&proof).map_err(rejected)?;
        }
        Ok(Proved { proof, report: proved.report, witness_s, link_s })
    }
}

/// The column under which the blinding of an input is derived: no weight column has it.
const INPUT: u64 = u64::MAX;

fn check_k<B: Halo2Backend>(srs: &DeviceSrs<B>, circuit: &PlonkishCircuit) -> Result<()> {
    let (has, needs) = (srs.srs().k(), circuit.layout().log_n);
    if has == needs {
        return Ok(());
    }
    Err(Error::invalid(
        "srs",
        format!("has k = {has}; the layout needs k = {needs}: downsize it, or plan for it"),
    ))
}

/// The weight columns as they are published: blinded where neither circuit has usable rows.
fn published_weights<'a>(
    circuit: &'a PlonkishCircuit,
    seed: &BlindingSeed,
) -> Result<Vec<PublishedColumn<'a>>> {
    let range = circuit.range_circuit()?.layout();
    let rows = (1usize << range.log_n) - range.usable_rows;
    let columns = circuit.weight_values().iter().enumerate();
    Ok(columns
        .map(|(c, values)| PublishedColumn { values, blinding: seed.rows(c as u64, values, rows) })
        .collect())
}

/// A Halo2 proof with a Blake2b transcript.
fn prove_columns<B: Halo2Backend>(
    key: &PreparedKey<B>,
    witness: &impl halo2::PhaseWitness,
    instances: &[&[HaloFr]],
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(Vec<u8>, halo2::Proved)> {
    let mut transcript = Blake2bWrite::<_, HaloG1Affine, Challenge255<_>>::init(Vec::new());
    let witnesses = std::slice::from_ref(witness);
    let proved = create_proof_from_witness(key, witnesses, &[instances], rng, &mut transcript)?;
    Ok((transcript.finalize(), proved))
}

fn link_columns<B: Halo2Backend>(
    srs: &DeviceSrs<B>,
    statement: &LinkStatement,
    published: &[PublishedColumn<'_>],
    columns: &[usize],
    proved: &halo2::Proved,
) -> Result<link::LinkProof> {
    let published: Vec<_> =
        published.iter().map(|column| column.rows_from(statement.usable_rows(), srs.srs().n())).collect();
    let published: Vec<&[Fr]> = published.iter().map(|rows| rows.as_slice()).collect();
    let blinding = proved.blinding.first().map(Vec::as_slice).unwrap_or_default();
    let committed: Vec<&[Fr]> =
        columns.iter().filter_map(|c| blinding.get(*c)).map(|rows| rows.as_slice()).collect();
    link::prove(srs, statement, &published, &committed)
}
