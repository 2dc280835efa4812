//! Groth16 over BN254 (Groth 2016, eprint 2016/260): setup, prover, verification, key and proof files.
//!
//! Keys and proofs are those of `ark-groth16`; a proof made here is the one that `ark-groth16` makes with the same
//! key, assignment and blinding, byte for byte.

pub mod circom;
mod domain;
pub mod keys;
mod plan;
mod points;

mod prover;
pub mod r1cs;
mod random;
mod setup;
mod snark;
mod sums;
mod verify;
mod witness_map;

pub use plan::ProverPlan;
pub use prover::{Groth16Backend, ProveReport, Prover, ProverOptions};
pub use r1cs::{Assignment, R1cs, SparseMatrix};
pub use setup::setup;
pub use snark::{SnarkError, ZkwattGroth16, synthesise};
pub use verify::{PreparedVerifyingKey, verify};

/// A proof: A and C in G1, B in G2.
pub type Proof = ark_groth16::Proof<ark_bn254::Bn254>;
/// A proving key.
pub type ProvingKey = ark_groth16::ProvingKey<ark_bn254::Bn254>;
/// A verifying key.
pub type VerifyingKey = ark_groth16::VerifyingKey<ark_bn254::Bn254>;
