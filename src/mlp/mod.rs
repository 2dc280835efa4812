//! Multi-layer perceptrons: reading, quantisation, integer inference, circuits.

mod accuracy;
mod dataset;
mod files;
mod model;
mod model_file;
#[cfg(feature = "onnx")]
mod onnx;
mod parallel;
mod quantise;
mod quantised;
mod validate;

pub use accuracy::{AccuracyReport, ClassAccuracy, accuracy};
pub use dataset::Dataset;
pub use model::{DenseLayer, MAX_LAYERS, MAX_PARAMETERS, MAX_WIDTH, Model};
#[cfg(feature = "onnx")]
pub use onnx::MAX_ONNX_BYTES;
pub use quantise::{
    AUTO_DISAGREEMENTS_PER_MILLE, InputEncoding, Preset, QuantiseOptions, QuantiseReport, quantise,
    quantise_with_report,
};
pub use quantised::{Inference, InputSpec, QuantisedLayer, QuantisedModel, Requantise, arg_max};
pub use validate::{MAX_ACTIVATION_BITS, MAX_SHIFT};
