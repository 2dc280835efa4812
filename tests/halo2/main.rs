//! The Halo2 prover against upstream's prover and verifier.
#![cfg(feature = "halo2")]

mod circuits;
mod halo2_base;
mod prover;
mod support;
