//! Multi-layer perceptrons: reading, quantisation, integer inference, circuits.

mod quantised;

pub use quantised::{Inference, InputSpec, QuantisedLayer, QuantisedModel, Requantise, arg_max};
