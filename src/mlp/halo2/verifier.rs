//! The verifier's side.

use super::commitment::ModelCommitment;
use crate::error::{Error, Result};
use crate::halo2::keygen::{Selectors, keygen_vk};
use crate::halo2::link::{self, LinkProof, LinkStatement};
use crate::halo2::{DeviceSrs, Halo2Backend, KzgParams, Srs, srs};
use crate::interop::halo2curves as interop;
use crate::mlp::plonkish::{
    InferenceStatement, LayerRows, Layout, PlonkishCircuit, PlonkishInterface, RangeCircuit,
};
use crate::mlp::{InputSpec, QuantisedLayer, QuantisedModel, Requantise};
use halo2_axiom::halo2curves::bn256::{Bn256, Fr as HaloFr, G1Affine as HaloG1Affine};
use halo2_axiom::plonk::{VerifyingKey, verify_proof};
use halo2_axiom::poly::kzg::commitment::KZGCommitmentScheme;
use halo2_axiom::poly::kzg::multiopen::VerifierSHPLONK;
use halo2_axiom::poly::kzg::strategy::SingleStrategy;
use halo2_axiom::transcript::{Blake2bRead, Challenge255, TranscriptReadBuffer};
use std::sync::OnceLock;
use zkwatt_kernels::{G1Affine, G2Affine};

/// A proof of a batch of inferences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MlpProof {
    /// What it states, inference by inference.
    pub statements: Vec<InferenceStatement>,
    /// Commitments to the inputs, if they are committed.
    pub input_commitments: Vec<G1Affine>,
    /// The Halo2 proof, of a Blake2b transcript.
    pub halo2: Vec<u8>,
    /// That its columns are the committed ones, if any are.
    pub link: Option<LinkProof>,
}

impl MlpProof {
    /// Bytes of what is proved, without the statements: Halo2 proof, link and commitments.
    pub fn size(&self) -> usize {
        self.halo2.len() + self.link.map_or(0, |_| LinkProof::BYTES) + 32 * self.input_commitments.len()
    }
}

/// What a verifier keeps: the verifying key, the layout behind it, and what names the SRS.
#[derive(Clone, Debug)]
pub struct MlpVerifier {
    pub(super) model: String,
    /// Of the model, if its weights are public.
    pub(super) model_digest: Option<[u8; 32]>,
    pub(super) layout: Layout,
    pub(super) interface: PlonkishInterface,
    pub(super) vk: VerifyingKey<HaloG1Affine>,
    pub(super) srs_digest: [u8; 32],
    pub(super) insecure: bool,
    pub(super) s_g2: G2Affine,
    pub(super) range: Option<RangeVerifier>,
}

/// The verifier's side of private weights.
#[derive(Clone, Debug)]
pub(super) struct RangeVerifier {
    pub circuit: RangeCircuit,
    pub vk: VerifyingKey<HaloG1Affine>,
    pub commitment: ModelCommitment,
    /// Set once the range proof and its link have been verified.
    pub checked: OnceLock<()>,
}

impl RangeVerifier {
    pub fn new<B: Halo2Backend>(
        srs: &DeviceSrs<B>,
        circuit: &PlonkishCircuit,
        commitment: ModelCommitment,
    ) -> Result<Self> {
        let circuit = RangeCircuit::new(circuit.layout());
        let vk = keygen_vk(srs, &circuit, Selectors::Direct)?;
        Ok(Self { circuit, vk, commitment, checked: OnceLock::new() })
    }
}

impl MlpVerifier {
    pub(super) fn new(
        srs: &Srs,
        circuit: &PlonkishCircuit,
        vk: VerifyingKey<HaloG1Affine>,
        range: Option<RangeVerifier>,
    ) -> Self {
        Self {
            model: circuit.model().name.clone(),
            model_digest: range.is_none().then(|| circuit.model().digest()),
            layout: circuit.layout().clone(),
            interface: circuit.interface(),
            vk,
            srs_digest: srs.digest(),
            insecure: srs.is_insecure(),
            s_g2: srs.s_g2(),
            range,
        }
    }

    /// The name of the model, as the prover gave it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The layout of the circuit.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The form of statements.
    pub fn interface(&self) -> &PlonkishInterface {
        &self.interface
    }

    /// Upstream's verifying key.
    pub fn verifying_key(&self) -> &VerifyingKey<HaloG1Affine> {
        &self.vk
    }

    /// The commitment to private weights: two proofs are about the same weights if this is equal.
    pub fn model_commitment(&self) -> Option<&ModelCommitment> {
        self.range.as_ref().map(|range| &range.commitment)
    }

    /// Whether the key says that somebody knows the secret of its SRS: proofs then say nothing to anybody else. Only
    /// [`MlpVerifier::check_key`] tells whether the key speaks the truth.
    pub fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// The digest of the SRS that the key says it is for.
    pub fn srs_digest(&self) -> [u8; 32] {
        self.srs_digest
    }

    /// Upstream's parameters, as small as its verifier needs them.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a point of the key that is not in G2.
    pub fn params(&self) -> Result<KzgParams> {
        srs::verifier_params(self.layout.log_n, &self.s_g2)
    }

    /// Checks a proof; the first time also the [commitment](MlpVerifier::verify_commitment) to private weights.
    ///
    /// A proof says nothing that its key does not: whoever makes a key can make one that accepts anything. Take keys from
    /// who you trust, or [check](MlpVerifier::check_key) them.
    ///
    /// # Errors
    /// [`Error::ProofRejected`]; [`Error::InvalidArgument`] and [`Error::LengthMismatch`] for statements that the circuit
    /// does not have.
    pub fn verify(&self, proof: &MlpProof) -> Result<()> {
        self.verify_commitment()?;
        let instances = self.interface.instances(&proof.statements)?;
        let instances: Vec<&[HaloFr]> =
            instances.iter().map(|column| interop::halo2_scalars(column)).collect();
        let params = self.params()?;
        verify_halo2(&params, &self.vk, &instances, &proof.halo2)?;
        match (self.link_statement(&proof.halo2, &proof.input_commitments)?, &proof.link) {
            (None, None) => Ok(()),
            (Some(statement), Some(link)) => link::verify(&params, &statement, link),
            _ => Err(Error::ProofRejected),
        }
    }

    /// Checks the proof that the private weights are bytes, and its link to the commitment; nothing to do for public
    /// weights, or if that was done before.
    ///
    /// # Errors
    /// [`Error::ProofRejected`].
    pub fn verify_commitment(&self) -> Result<()> {
        let Some(RangeVerifier { circuit, vk, commitment, checked }) = &self.range else {
            return Ok(());
        };
        if checked.get().is_some() {
            return Ok(());
        }
        let params = self.params()?;
        verify_halo2(&params, vk, &[], &commitment.range_proof)?;
        let columns = circuit.weight_columns();
        let statement = LinkStatement::new(vk, &commitment.range_proof, &columns, &commitment.points)?;
        link::verify(&params, &statement, &commitment.link)?;
        checked.get_or_init(|| ());
        Ok(())
    }

    /// Checks that the verifying key is the one that setup makes from this SRS, its layout and, for public weights, this
    /// model. With private weights the key does not depend on the model; if one is given it must have the key's shape.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it is another; [`Error::InvalidArgument`] for public weights without a model; those of the
    /// circuit and the device.
    pub fn check_key<B: Halo2Backend>(
        &self,
        srs: &DeviceSrs<B>,
        model: Option<&QuantisedModel>,
    ) -> Result<()> {
        let mismatch = |made_for: String, used_with: String| Error::Mismatch {
            what: "the verifying key",
            made_for,
            used_with,
            hint: "take key, model and SRS from one setup",
        };
        if srs.srs().digest() != self.srs_digest || srs.srs().s_g2() != self.s_g2 {
            return Err(mismatch("another SRS".into(), format!("this one with k = {}", srs.srs().k())));
        }
        if srs.srs().is_insecure() && !self.insecure {
            return Err(mismatch(
                "an SRS whose secret nobody knows".into(),
                "one for development only".into(),
            ));
        }
        let any;
        let model = match model {
            Some(model) => model,
            None if self.range.is_some() => {
                any = self.any_model();
                &any
            }
            None => return Err(Error::invalid("model", "is needed to check a key of public weights")),
        };
        self.expect_model(model)?;
        let circuit = PlonkishCircuit::new(model, self.layout.options, self.layout.choice())?;
        let of_model = || format!("model `{}`", model.name.escape_debug());
        let same = |ours: &VerifyingKey<_>, theirs: &VerifyingKey<_>| {
            ours.transcript_repr() == theirs.transcript_repr()
        };
        if !same(&keygen_vk(srs, &circuit, Selectors::Direct)?, &self.vk) {
            return Err(mismatch("a circuit with other fixed columns".into(), of_model()));
        }
        if let Some(RangeVerifier { circuit: range, vk, .. }) = &self.range
            && !same(&keygen_vk(srs, range, Selectors::Direct)?, vk)
        {
            return Err(mismatch("another range proof".into(), of_model()));
        }
        Ok(())
    }

    /// Refuses a model that leads to another layout than the key's, and with public weights any but the key's.
    ///
    /// # Errors
    /// [`Error::Mismatch`].
    pub fn expect_model(&self, model: &QuantisedModel) -> Result<()> {
        let layout = Layout::new(model, self.layout.options, self.layout.choice());
        let same_weights = self.model_digest.is_none_or(|digest| digest == model.digest());
        if same_weights && layout.is_ok_and(|layout| layout == self.layout) {
            return Ok(());
        }
        Err(Error::Mismatch {
            what: "the verifying key",
            made_for: format!("model `{}`", self.model.escape_debug()),
            used_with: format!("`{}`", model.name.escape_debug()),
            hint: "use the directory that one setup wrote for this model",
        })
    }

    /// A model of the layout's shape, for keys that do not depend on weights.
    fn any_model(&self) -> QuantisedModel {
        let layer = |rows: &LayerRows| {
            let form = rows.form.and_then(|form| self.layout.forms.get(form));
            QuantisedLayer {
                inputs: rows.inputs,
                outputs: rows.outputs,
                weights: vec![0; rows.inputs * rows.outputs],
                bias: vec![0; rows.outputs],
                requantise: form.map(|form| Requantise { shift: form.shift, bits: form.value.bits }),
                accumulator_scale: 1.0,
            }
        };
        let (len, bits) = (self.interface.input_len, self.interface.input_bits);
        QuantisedModel {
            name: self.model.clone(),
            input: InputSpec { len, bits, scale: 1.0 },
            layers: self.layout.layers.iter().map(layer).collect(),
        }
    }

    /// The advice columns that are bound to published commitments: weights, then inputs.
    pub(super) fn linked_columns(&self) -> Vec<usize> {
        let map = self.layout.columns();
        let inputs = (0..self.layout.batch).filter_map(|b| map.input(b));
        map.weights.clone().chain(inputs).collect()
    }

    /// What the link of a proof is about; `None` if nothing is bound.
    pub(super) fn link_statement(
        &self,
        halo2: &[u8],
        input_commitments: &[G1Affine],
    ) -> Result<Option<LinkStatement>> {
        let columns = self.linked_columns();
        let weights = self.range.as_ref().map(|range| range.commitment.points.as_slice()).unwrap_or_default();
        let published = [weights, input_commitments].concat();
        if columns.is_empty() && published.is_empty() {
            return Ok(None);
        }
        if columns.len() != published.len() {
            return Err(Error::ProofRejected);
        }
        LinkStatement::new(&self.vk, halo2, &columns, &published).map(Some)
    }
}

/// Upstream's verifier; nothing may follow the proof.
fn verify_halo2(
    params: &KzgParams,
    vk: &VerifyingKey<HaloG1Affine>,
    instances: &[&[HaloFr]],
    proof: &[u8],
) -> Result<()> {
    let mut rest = proof;
    let mut transcript = Blake2bRead::<_, HaloG1Affine, Challenge255<_>>::init(&mut rest);
    let strategy = SingleStrategy::new(params);
    let verified = verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<Bn256>, _, _, _>(
        params,
        vk,
        strategy,
        &[instances],
        &mut transcript,
    );
    if verified.is_ok() && rest.is_empty() { Ok(()) } else { Err(Error::ProofRejected) }
}
