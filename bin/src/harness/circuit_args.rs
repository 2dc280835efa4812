//! Options that say which statement is proved.

use clap::ValueEnum;
use zkwatt::mlp::Preset;
use zkwatt::mlp::r1cs::{CircuitOptions, InputMode, OutputMode, WeightMode};

/// Proof systems.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum System {
    /// Groth16 over R1CS: proofs of 128 bytes, a setup for each model.
    Groth16,
    /// Halo2 with KZG: one universal setup for all models, private weights, batches.
    Halo2,
}

/// Who sees the input.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum Input {
    /// Nobody; a public salted hash binds it.
    Committed,
    /// Nobody, and nothing binds it: the proof says little.
    Private,
    /// Everybody.
    Public,
}

/// What is revealed of the outputs.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Every accumulator of the last layer.
    Accumulators,
    /// The index of the largest alone.
    Class,
}

/// Who sees the weights.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum Weights {
    /// Everybody; they are constants of the circuit.
    Public,
    /// The prover alone; a public commitment binds them. With Halo2 only.
    Private,
}

/// Widths of weights and activations.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bits {
    /// 8 where the calibration samples keep their classes, else 16.
    Auto,
    /// 8 bits.
    #[value(name = "8")]
    Eight,
    /// 16 bits.
    #[value(name = "16")]
    Sixteen,
}

impl From<Bits> for Preset {
    fn from(bits: Bits) -> Self {
        match bits {
            Bits::Auto => Self::Auto,
            Bits::Eight => Self::Bits8,
            Bits::Sixteen => Self::Bits16,
        }
    }
}

/// The statement's options.
#[derive(Copy, Clone, Debug, clap::Args)]
pub struct CircuitArgs {
    /// Proof system
    #[arg(long, value_enum, default_value = "groth16", value_name = "SYSTEM")]
    pub system: System,

    /// Who sees the input
    #[arg(long, value_enum, default_value = "committed", value_name = "MODE")]
    pub input: Input,

    /// What is revealed of the outputs
    #[arg(long, value_enum, default_value = "accumulators", value_name = "WHAT")]
    pub output: Output,

    /// Who sees the weights
    #[arg(long, value_enum, default_value = "public", value_name = "MODE")]
    pub weights: Weights,
}

impl CircuitArgs {
    /// The circuit's options.
    pub fn options(&self) -> CircuitOptions {
        circuit_options(self.input, self.output, self.weights)
    }
}

/// The library's options for those of the command line.
pub fn circuit_options(input: Input, output: Output, weights: Weights) -> CircuitOptions {
    CircuitOptions {
        input: match input {
            Input::Committed => InputMode::Committed,
            Input::Private => InputMode::Private,
            Input::Public => InputMode::Public,
        },
        output: match output {
            Output::Accumulators => OutputMode::Accumulators,
            Output::Class => OutputMode::Class,
        },
        weights: match weights {
            Weights::Public => WeightMode::Public,
            Weights::Private => WeightMode::Private,
        },
    }
}
