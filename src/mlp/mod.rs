//! Multi-layer perceptrons: reading, quantisation, integer inference, circuits.

mod accuracy;
mod commitment;
mod dataset;
#[cfg(feature = "halo2")]
pub mod halo2;
mod model;
mod model_file;
#[cfg(feature = "onnx")]
mod onnx;
mod options;
mod parallel;
#[cfg(feature = "halo2")]
pub mod plonkish;
mod poseidon;
mod quantise;
mod quantised;
#[cfg(feature = "groth16")]
pub mod r1cs;
mod validate;

pub use accuracy::{AccuracyReport, ClassAccuracy, accuracy};
pub use commitment::{commit_input, random_salt};
pub use dataset::Dataset;
pub use model::{DenseLayer, MAX_LAYERS, MAX_PARAMETERS, MAX_WIDTH, Model};
#[cfg(feature = "onnx")]
pub use onnx::MAX_ONNX_BYTES;
pub use options::{CircuitOptions, InputMode, OutputMode, OutputStatement, WeightMode};
pub use poseidon::poseidon;
pub use quantise::{
    AUTO_DISAGREEMENTS_PER_MILLE, InputEncoding, Preset, QuantiseOptions, QuantiseReport, quantise,
    quantise_with_report,
};
pub use quantised::{Inference, InputSpec, QuantisedLayer, QuantisedModel, Requantise, arg_max};
pub use validate::{MAX_ACTIVATION_BITS, MAX_SHIFT};
