//! Halo2 over BN254 with KZG and SHPLONK: a prover for the circuits and keys of `halo2-axiom`, whose own, unmodified
//! verifier accepts its proofs.
mod channel;
mod columns;
mod constraints;
mod device_srs;
mod diagnosis;
mod key;
pub mod keygen;
pub mod link;
mod opening;
mod params;
mod programs;
mod prover;
mod quotient;
mod report;
mod roots;
pub mod scheme;
pub mod srs;
mod synthesis;
mod witness;

pub use device_srs::DeviceSrs;
pub use key::{Halo2Backend, KeyOptions, PreparedKey};
pub use params::{KzgParams, lagrange_bases};
pub use prover::{Proved, create_proof, create_proof_from_witness};
pub use report::ProveReport;
pub use srs::Srs;
pub use witness::{ColumnValues, PhaseWitness};
