//! The circuit against upstream's `MockProver`, prover and verifier.

mod honest;
mod malicious;
mod proofs;
mod support;
