//! Halo2 over BN254 with KZG and SHPLONK: a prover for the circuits and keys of `halo2-axiom`, whose own, unmodified
//! verifier accepts its proofs.
//!
//! ```no_run
//! # use halo2_axiom::{halo2curves::bn256::{Bn256, Fr, G1Affine}, plonk::{Circuit, ProvingKey},
//! #     poly::kzg::commitment::ParamsKZG, transcript::{Blake2bWrite, Challenge255, TranscriptWriterBuffer}};
//! # fn prove<C: Circuit<Fr>>(params: &ParamsKZG<Bn256>, pk: &ProvingKey<G1Affine>, circuit: C, instance: &[Fr],
//! #     mut rng: impl rand_core::RngCore + rand_core::CryptoRng) -> zkwatt::Result<Vec<u8>> {
//! use zkwatt::device::{CpuDevice, CpuOptions};
//! use zkwatt::halo2::{PreparedKey, create_proof};
//!
//! // Once: the key goes to the device.
//! let key = PreparedKey::new(CpuDevice::new(CpuOptions::default())?, params, pk)?;
//! // For every proof, as with halo2-axiom's create_proof:
//! let mut transcript = Blake2bWrite::<_, G1Affine, Challenge255<_>>::init(Vec::new());
//! create_proof(&key, &[circuit], &[&[instance]], &mut rng, &mut transcript)?;
//! # Ok(transcript.finalize()) }
//! ```

mod channel;
mod columns;
mod constraints;
mod diagnosis;
mod key;
mod opening;
mod params;
mod programs;
mod prover;
mod quotient;
mod report;
mod synthesis;
mod witness;

pub use key::{Halo2Backend, KeyOptions, PreparedKey};
pub use params::{KzgParams, lagrange_bases};
pub use prover::{Proved, create_proof, create_proof_from_witness};
pub use report::ProveReport;
pub use witness::{ColumnValues, PhaseWitness};
