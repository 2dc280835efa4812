//! Groth16 over BN254.

pub mod r1cs;
