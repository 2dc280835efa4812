//! What a proof states, and the instance columns that say so.

use super::layout::{Layout, MAX_LOG_N};
use crate::error::{Error, Result};
use crate::kernels::{Field, Fr};
use crate::mlp::{InputMode, OutputMode, OutputStatement};
use serde::{Deserialize, Serialize};

/// The shape of the public values, which a verifier needs beside the verifying key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlonkishInterface {
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
    /// Inferences in a proof.
    pub batch: usize,
    /// Row of input 0, in the instance or in the committed column.
    pub first_input_row: usize,
    /// Rows from an input to the next.
    pub input_row_step: usize,
}

/// The public part of one inference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InferenceStatement {
    /// The input, in [`InputMode::Public`] and only there. A commitment is the verifier's other argument.
    pub input: Option<Vec<u32>>,
    /// Of the outputs.
    pub output: OutputStatement,
}

impl PlonkishInterface {
    /// That of a circuit with this layout.
    pub fn new(layout: &Layout) -> Self {
        let first = layout.layers.first();
        Self {
            input_len: first.map_or(0, |layer| layer.inputs),
            input_bits: layout.input.bits,
            output_len: layout.outputs(),
            input: layout.options.input,
            output: layout.options.output,
            batch: layout.batch,
            first_input_row: layout.value_row(0, 0),
            input_row_step: first.map_or(1, |layer| layer.blocks),
        }
    }

    /// The instance columns of `statements`, one statement for each inference of the batch:
    ///
    /// - of accumulators the values, in rows 0..O; −v is r − v;
    /// - of a class c two columns, \[i < c\] and \[i = c\] in rows i of 0..O;
    /// - of a public input its values in the rows of layer 0, zeros between them.
    ///
    /// A verifier must take the columns from here, not from the prover: that rows behind the outputs are zero, the form of
    /// a class and the range of public inputs are assured here and nowhere else.
    ///
    /// Errors: another number of statements; a statement of another mode, length or range.
    pub fn instances(&self, statements: &[InferenceStatement]) -> Result<Vec<Vec<Fr>>> {
        check_len("the statements", statements.len(), "the batch", self.batch)?;
        let mut columns = Vec::new();
        for statement in statements {
            match (&statement.output, self.output) {
                (OutputStatement::Accumulators(outputs), OutputMode::Accumulators) => {
                    check_len(
                        "the stated outputs",
                        outputs.len(),
                        "the circuit's interface",
                        self.output_len,
                    )?;
                    columns.push(outputs.iter().map(|v| Fr::from(*v)).collect());
                }
                (OutputStatement::Class(class), OutputMode::Class) => {
                    if *class >= self.output_len {
                        let reason = format!("is {class}; the model has the classes 0..{}", self.output_len);
                        return Err(Error::invalid("class", reason));
                    }
                    columns.push((0..self.output_len).map(|i| Fr::from(i < *class)).collect());
                    columns.push((0..self.output_len).map(|i| Fr::from(i == *class)).collect());
                }
                _ => return Err(mode_error("output", &self.output)),
            }
            match (&statement.input, self.input) {
                (Some(input), InputMode::Public) => {
                    columns.push(self.placed(input)?.iter().map(|v| Fr::from(i64::from(*v))).collect());
                }
                (None, InputMode::Private | InputMode::Committed) => {}
                _ => return Err(mode_error("input", &self.input)),
            }
        }
        Ok(columns)
    }

    /// `input` as the committed column holds it, from row 0 to the last input; what a commitment to it commits to.
    ///
    /// Errors: another length; a value out of range.
    pub fn input_column(&self, input: &[u32]) -> Result<Vec<i32>> {
        self.placed(input)
    }

    fn placed(&self, input: &[u32]) -> Result<Vec<i32>> {
        check_len("the stated input", input.len(), "the circuit's interface", self.input_len)?;
        let limit = 1u64.checked_shl(self.input_bits).unwrap_or(u64::MAX);
        let mut column = Vec::new();
        for (i, value) in input.iter().enumerate() {
            if u64::from(*value) >= limit {
                let reason = format!("value {value} at index {i} does not fit {} bits", self.input_bits);
                return Err(Error::invalid("input", reason));
            }
            let row =
                i.checked_mul(self.input_row_step).and_then(|row| row.checked_add(self.first_input_row));
            let row = row.filter(|row| *row < 1 << MAX_LOG_N);
            column
                .resize(row.ok_or_else(|| Error::invalid("interface", "places inputs beyond all rows"))?, 0);
            column.push(*value as i32);
        }
        Ok(column)
    }

    /// The statements whose [`instances`](Self::instances) are `columns`; for verifiers of proof files.
    ///
    /// Errors: columns that no statements have.
    pub fn statements(&self, columns: &[Vec<Fr>]) -> Result<Vec<InferenceStatement>> {
        let class = usize::from(self.output == OutputMode::Class);
        let width = 1 + class + usize::from(self.input == InputMode::Public);
        check_len(
            "the instance columns",
            columns.len(),
            "the circuit's interface",
            width.saturating_mul(self.batch),
        )?;
        let none = || Error::invalid("instance", "has a value that no inference gives");
        let statements = columns.chunks(width).map(|columns| {
            let first = columns.first().ok_or_else(none)?;
            let output = if class == 1 {
                let hot = columns.get(1).and_then(|column| column.iter().position(|v| *v == Fr::ONE));
                OutputStatement::Class(hot.ok_or_else(none)?)
            } else {
                let values: Option<Vec<i64>> = first.iter().map(signed).collect();
                OutputStatement::Accumulators(values.ok_or_else(none)?)
            };
            let input = match self.input {
                InputMode::Public => {
                    let column = columns.last().ok_or_else(none)?;
                    let values = column.iter().skip(self.first_input_row).step_by(self.input_row_step.max(1));
                    let values: Option<Vec<u32>> = values.map(|v| u32::try_from(signed(v)?).ok()).collect();
                    Some(values.ok_or_else(none)?)
                }
                InputMode::Private | InputMode::Committed => None,
            };
            Ok(InferenceStatement { input, output })
        });
        let statements: Vec<_> = statements.collect::<Result<_>>()?;
        // One form of each statement: ranges, paddings and the columns of a class are compared as a whole.
        if self.instances(&statements)? == columns { Ok(statements) } else { Err(none()) }
    }
}

/// v as an integer of less than 64 bits.
fn signed(v: &Fr) -> Option<i64> {
    let small = |v: Fr| match v.to_canonical() {
        [low, 0, 0, 0] => i64::try_from(low).ok(),
        _ => None,
    };
    small(*v).or_else(|| small(-*v).map(|v| -v))
}

fn check_len(left: &'static str, left_len: usize, right: &'static str, right_len: usize) -> Result<()> {
    if left_len == right_len {
        Ok(())
    } else {
        Err(Error::LengthMismatch { left, left_len, right, right_len })
    }
}

fn mode_error(argument: &'static str, expected: &impl core::fmt::Debug) -> Error {
    Error::invalid(argument, format!("the circuit was built for mode {expected:?}; state it in that form"))
}
