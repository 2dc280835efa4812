//! Proofs of inference with Halo2: setup, proving, verification, and their files.
//!
//! [`MlpProver`] holds the circuit of one model, its key on a device and the verifier's side, [`MlpVerifier`]. An
//! [`MlpProof`] is a Halo2 proof that upstream's verifier accepts, what it states, and, where columns are bound to
//! published commitments, a [link](crate::halo2::link) of 96 bytes.
//!
//! | weights | the verifying key says | the proof says |
//! |---|---|---|
//! | public | which model: its weights are fixed columns | this model gives these outputs |
//! | private | which layout, and a commitment to the weights with a proof, made once, that all of them are bytes | the committed model gives these outputs |
//!
//! A key says so if it is what setup makes: take it from who you trust, or [check](MlpVerifier::check_key) it.
//!
//! | input | the proof says |
//! |---|---|
//! | committed | the input is that of a commitment, a point in the proof file |
//! | private | there is an input that gives these outputs; anyone can search for one |
//! | public | the input is the one in the proof file |

mod commitment;
mod file;
mod prover;
#[cfg(test)]
mod tests;
mod verifier;

pub use commitment::{BlindingSeed, ModelCommitment};
pub use prover::{MlpProver, Proved, ProverParts};
pub use verifier::{MlpProof, MlpVerifier};
