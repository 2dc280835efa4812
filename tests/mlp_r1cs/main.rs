//! The circuit of a model: honest assignments satisfy it and malicious ones do not.
#![cfg(feature = "groth16")]

mod class;
mod commitment;
mod common;
mod exhaustive;
mod honest;
mod ranges;
mod shape;
