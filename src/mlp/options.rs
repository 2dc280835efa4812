//! Which statement a circuit proves, for all proof systems.

use serde::{Deserialize, Serialize};

/// Who sees the input.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputMode {
    /// Private, and bound to a public commitment.
    #[default]
    Committed,
    /// Private and bound to nothing: the proof says only that some input in range gives these outputs.
    Private,
    /// Public. The verifier checks its range when it makes the public values, not the circuit.
    Public,
}

/// What is revealed of the outputs.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputMode {
    /// All accumulators of the last layer.
    #[default]
    Accumulators,
    /// The index of the largest accumulator (the lowest among equals) and nothing else.
    Class,
}

/// Who sees the weights.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightMode {
    /// Constants of the circuit, bound by the verifying key.
    #[default]
    Public,
    /// Secret, and bound by a public commitment to the model. Not available in R1CS.
    Private,
}

/// Which statement a circuit proves.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitOptions {
    /// Who sees the input.
    pub input: InputMode,
    /// What is revealed of the outputs.
    pub output: OutputMode,
    /// Who sees the weights.
    pub weights: WeightMode,
}

/// What is public of the outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputStatement {
    /// The accumulators of the last layer.
    Accumulators(Vec<i64>),
    /// The class.
    Class(usize),
}
