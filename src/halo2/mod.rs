//! Halo2 over BN254 with KZG and SHPLONK: a prover for the circuits and keys of `halo2-axiom`, whose own, unmodified
//! verifier accepts its proofs.

mod witness;

pub use witness::{ColumnValues, PhaseWitness};
