//! What a proof states, from the verifier's side.

use super::{CircuitOptions, InputMode, OutputMode, OutputStatement, QuantisedModel};
use crate::error::{Error, Result};
use crate::kernels::Fr;
use serde::{Deserialize, Serialize};

/// The shape of the public values, which a verifier needs beside the verifying key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitInterface {
    /// Number of inputs.
    pub input_len: usize,
    /// Inputs are in 0..2^bits.
    pub input_bits: u32,
    /// Number of accumulators of the last layer.
    pub output_len: usize,
    /// Who sees the input.
    pub input: InputMode,
    /// What is revealed of the outputs.
    pub output: OutputMode,
}

/// The public part of one proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Of the input.
    pub input: InputStatement,
    /// Of the outputs.
    pub output: OutputStatement,
}

/// What is public of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputStatement {
    /// A commitment to it.
    Commitment(Fr),
    /// Nothing.
    Private,
    /// All of it.
    Public(Vec<u32>),
}

impl CircuitInterface {
    pub(super) fn new(model: &QuantisedModel, options: &CircuitOptions) -> Self {
        Self {
            input_len: model.input.len,
            input_bits: model.input.bits,
            output_len: model.layers.last().map_or(0, |layer| layer.outputs),
            input: options.input,
            output: options.output,
        }
    }

    /// Public values of the outputs: as many as outputs, or one class.
    pub fn output_values(&self) -> usize {
        match self.output {
            OutputMode::Accumulators => self.output_len,
            OutputMode::Class => 1,
        }
    }

    /// All public values, not counting the constant one.
    pub fn public_values(&self) -> usize {
        let input = match self.input {
            InputMode::Committed => 1,
            InputMode::Private => 0,
            InputMode::Public => self.input_len,
        };
        self.output_values() + input
    }

    /// The public values of `statement` without the constant one: outputs first, then commitment or inputs.
    ///
    /// A verifier must take the values from here, not from the prover: the range of public inputs is checked here
    /// and nowhere else. Negative accumulators −v become r − v.
    /// Errors: a statement of another mode, length or range.
    pub fn public_inputs(&self, statement: &Statement) -> Result<Vec<Fr>> {
        let mut values = Vec::with_capacity(self.public_values());
        match (&statement.output, self.output) {
            (OutputStatement::Accumulators(outputs), OutputMode::Accumulators) => {
                check_len("the stated outputs", outputs.len(), self.output_len)?;
                values.extend(outputs.iter().map(|v| Fr::from(*v)));
            }
            (OutputStatement::Class(class), OutputMode::Class) => {
                if *class >= self.output_len {
                    let reason = format!("is {class}; the model has the classes 0..{}", self.output_len);
                    return Err(Error::invalid("class", reason));
                }
                values.push(Fr::from(*class as u64));
            }
            _ => return Err(mode_error("output", &self.output)),
        }
        match (&statement.input, self.input) {
            (InputStatement::Commitment(commitment), InputMode::Committed) => values.push(*commitment),
            (InputStatement::Private, InputMode::Private) => {}
            (InputStatement::Public(input), InputMode::Public) => {
                check_len("the stated input", input.len(), self.input_len)?;
                let limit = 1u64.checked_shl(self.input_bits).unwrap_or(u64::MAX);
                if let Some(i) = input.iter().position(|x| u64::from(*x) >= limit) {
                    let reason =
                        format!("value {} at index {i} does not fit {} bits", input[i], self.input_bits);
                    return Err(Error::invalid("input", reason));
                }
                values.extend(input.iter().map(|x| Fr::from(u64::from(*x))));
            }
            _ => return Err(mode_error("input", &self.input)),
        }
        Ok(values)
    }

    /// The statement whose [`public_inputs`](Self::public_inputs) are `values`; for verifiers of proof files.
    ///
    /// Errors: another number of values, or one that no statement has: an accumulator beyond 63 bits, a class or an
    /// input out of range.
    pub fn statement(&self, values: &[Fr]) -> Result<Statement> {
        check_len("the public values", values.len(), self.public_values())?;
        let (outputs, input) = values.split_at(self.output_values());
        let small = |x: &Fr| match x.to_canonical() {
            [low, 0, 0, 0] => i64::try_from(low).ok(),
            _ => None,
        };
        let signed = |x: &Fr| small(x).or_else(|| small(&-*x).map(|v| -v));
        let out_of_range = |what| Error::invalid(what, "has a value that no inference gives");
        let output = match self.output {
            OutputMode::Accumulators => {
                let values: Option<Vec<i64>> = outputs.iter().map(signed).collect();
                OutputStatement::Accumulators(values.ok_or_else(|| out_of_range("output"))?)
            }
            OutputMode::Class => {
                let class = outputs.first().and_then(small).and_then(|class| usize::try_from(class).ok());
                OutputStatement::Class(class.ok_or_else(|| out_of_range("class"))?)
            }
        };
        let input = match (self.input, input) {
            (InputMode::Committed, [commitment]) => InputStatement::Commitment(*commitment),
            (InputMode::Public, input) => {
                let values: Option<Vec<u32>> =
                    input.iter().map(|x| small(x).and_then(|x| u32::try_from(x).ok())).collect();
                InputStatement::Public(values.ok_or_else(|| out_of_range("input"))?)
            }
            (InputMode::Private | InputMode::Committed, _) => InputStatement::Private,
        };
        let statement = Statement { input, output };
        // Ranges are checked where they always are.
        self.public_inputs(&statement)?;
        Ok(statement)
    }
}

fn check_len(left: &'static str, left_len: usize, right_len: usize) -> Result<()> {
    if left_len == right_len {
        return Ok(());
    }
    Err(Error::LengthMismatch { left, left_len, right: "the circuit's interface", right_len })
}

fn mode_error(argument: &'static str, expected: &impl core::fmt::Debug) -> Error {
    Error::invalid(argument, format!("the circuit was built for mode {expected:?}; state it in that form"))
}
