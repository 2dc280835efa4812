//! Multi-layer perceptrons: reading, quantisation, integer inference, circuits.

mod commitment;
mod poseidon;
mod quantised;
#[cfg(feature = "groth16")]
pub mod r1cs;

pub use commitment::{commit_input, random_salt};
pub use poseidon::poseidon;
pub use quantised::{Inference, InputSpec, QuantisedLayer, QuantisedModel, Requantise, arg_max};
