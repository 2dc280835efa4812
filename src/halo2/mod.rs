//! Halo2 over BN254 with KZG and SHPLONK: a prover for the circuits and keys of `halo2-axiom`, whose own, unmodified
//! verifier accepts its proofs.

mod device_srs;
pub mod keygen;
pub mod link;
mod roots;
pub mod scheme;
pub mod srs;

pub use device_srs::DeviceSrs;
pub use srs::Srs;
