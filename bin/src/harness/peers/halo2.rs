//! halo2-axiom: its keys, its verifier, which judges all proofs, and its prover as a peer.

use super::{Pool, ProvePeer};
use crate::measure::Contestant;
use ::halo2_axiom::halo2curves::bn256::{Bn256, Fr, G1Affine};
use ::halo2_axiom::plonk::{self, Circuit, ProvingKey, keygen_pk, keygen_vk};
use ::halo2_axiom::poly::commitment::ParamsProver;
use ::halo2_axiom::poly::kzg::commitment::KZGCommitmentScheme;
use ::halo2_axiom::poly::kzg::multiopen::{ProverSHPLONK, VerifierSHPLONK};
use ::halo2_axiom::poly::kzg::strategy::SingleStrategy;
use ::halo2_axiom::transcript::{
    Blake2bRead, Blake2bWrite, Challenge255, TranscriptReadBuffer, TranscriptWriterBuffer,
};
use rand_chacha::ChaCha20Rng;
use zkwatt::halo2::KzgParams;
use zkwatt::{Error, Result};

/// The transcript of all proofs that are measured.
pub type Transcript = Blake2bWrite<Vec<u8>, G1Affine, Challenge255<G1Affine>>;

/// An empty [`Transcript`].
pub fn transcript() -> Transcript {
    Blake2bWrite::init(Vec::new())
}

/// What is to be proved, with the key of halo2-axiom.
pub struct Task<C> {
    /// Parameters whose τ is known to whoever made them: for measurements only.
    pub params: KzgParams,
    /// The proving key.
    pub key: ProvingKey<G1Affine>,
    /// The circuit with its witness.
    pub circuit: C,
    /// Its instance columns.
    pub instances: Vec<Vec<Fr>>,
}

impl<C: Circuit<Fr>> Task<C> {
    /// Parameters and key for a circuit of 2^k rows.
    ///
    /// # Errors
    /// [`Error::SelfCheck`] if the circuit does not fit.
    pub fn new(k: u32, circuit: C, instances: Vec<Vec<Fr>>, pool: &Pool, rng: ChaCha20Rng) -> Result<Self>
    where
        C: Sync,
    {
        let made = pool.run(|| {
            let params = KzgParams::setup(k, rng);
            let vk = keygen_vk(&params, &circuit)?;
            Ok((keygen_pk(&params, vk, &circuit)?, params))
        });
        let (key, params) = made.map_err(|e: plonk::Error| failed("key generation", &e))?;
        Ok(Self { params, key, circuit, instances })
    }

    /// The instances as provers and verifiers take them, columns of the one circuit.
    pub fn instance_columns(&self) -> Vec<&[Fr]> {
        self.instances.iter().map(Vec::as_slice).collect()
    }

    /// A proof by halo2-axiom.
    ///
    /// # Errors
    /// [`Error::SelfCheck`].
    pub fn prove(&self, rng: &mut ChaCha20Rng) -> Result<Vec<u8>> {
        let mut transcript = transcript();
        plonk::create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
            &self.params,
            &self.key,
            std::slice::from_ref(&self.circuit),
            &[&self.instance_columns()],
            rng,
            &mut transcript,
        )
        .map_err(|e| failed("halo2-axiom", &e))?;
        Ok(transcript.finalize())
    }

    /// Has halo2-axiom verify a proof.
    ///
    /// # Errors
    /// [`Error::ProofRejected`].
    pub fn verify(&self, proof: &[u8]) -> Result<()> {
        let mut transcript = Blake2bRead::<_, G1Affine, Challenge255<_>>::init(proof);
        plonk::verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
            self.params.verifier_params(),
            self.key.get_vk(),
            SingleStrategy::new(&self.params),
            &[&self.instance_columns()],
            &mut transcript,
        )
        .map_err(|_| Error::ProofRejected)
    }
}

fn failed(what: &str, error: &plonk::Error) -> Error {
    Error::SelfCheck(format!("{what} failed: {error}"))
}

/// halo2-axiom's `create_proof`. Every proof is verified, outside of the time.
pub fn prover<'a, C: Circuit<Fr> + Sync>(
    task: &'a Task<C>,
    pool: &Pool,
    mut rng: ChaCha20Rng,
) -> Contestant<'a, bool> {
    let pool = pool.clone();
    let peer = ProvePeer::Halo2Axiom;
    Contestant::new(peer.name(), peer.version(), move |watch| {
        let proof = pool.run(|| watch.time(|| task.prove(&mut rng)))?;
        task.verify(&proof)?;
        Ok(watch.result(|| true))
    })
}
