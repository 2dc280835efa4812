//! Integer models: the specification of what a circuit proves.

use crate::error::{Error, Result};

/// A multi-layer perceptron over integers.
///
/// Layer l computes `acc = W·x + b`; every layer but the last is followed by
/// `x' = clamp((acc + 2^(shift−1)) >> shift, 0, 2^bits − 1)`: a shift that rounds half up, ReLU, and saturation.
/// The outputs are the accumulators of the last layer.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedModel {
    /// Name for tables and files.
    pub name: String,
    /// What the integers of the input mean.
    pub input: InputSpec,
    /// At least one layer; the last has no [`Requantise`], all others have one.
    pub layers: Vec<QuantisedLayer>,
}

/// Range and meaning of the input integers.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// Number of inputs.
    pub len: usize,
    /// Inputs are in 0..2^bits.
    pub bits: u32,
    /// real = integer · scale
    pub scale: f64,
}

/// One dense layer.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedLayer {
    /// Columns of W.
    pub inputs: usize,
    /// Rows of W.
    pub outputs: usize,
    /// W, row-major, `outputs` x `inputs`.
    pub weights: Vec<i32>,
    /// b, one for each output, at the scale of the accumulator.
    pub bias: Vec<i64>,
    /// How the accumulator becomes the next layer's input; `None` in the last layer.
    pub requantise: Option<Requantise>,
    /// real = accumulator · scale
    pub accumulator_scale: f64,
}

/// Shift (rounding half up), ReLU and saturation. [`QuantisedModel::validate`] keeps `shift` in 1..=40,
/// `bits` in 1..=16.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Requantise {
    /// Right shift, at least 1.
    pub shift: u32,
    /// Result is in 0..2^bits.
    pub bits: u32,
}

impl Requantise {
    /// clamp((acc + 2^(shift−1)) >> shift, 0, 2^bits − 1)
    pub fn apply(self, acc: i64) -> u32 {
        let rounded = (acc + (1 << (self.shift - 1))) >> self.shift;
        rounded.clamp(0, (1 << self.bits) - 1) as u32
    }
}

/// All integers of one inference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inference {
    /// The input of each layer; `activations[0]` is the model's input.
    pub activations: Vec<Vec<u32>>,
    /// The accumulators of each layer; the last are the model's outputs.
    pub accumulators: Vec<Vec<i64>>,
}

impl Inference {
    /// The accumulators of the last layer.
    pub fn outputs(&self) -> &[i64] {
        self.accumulators.last().map_or(&[], Vec::as_slice)
    }

    /// Index of the largest output, the lowest one among equals.
    pub fn class(&self) -> usize {
        arg_max(self.outputs())
    }
}

/// Index of the largest value, the lowest one among equals.
pub fn arg_max<T: PartialOrd>(values: &[T]) -> usize {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = i;
        }
    }
    best
}

impl QuantisedModel {
    /// Exact integer inference. `input` holds one integer in 0..2^bits for each input.
    ///
    /// # Errors
    /// An input of another length or range; a model that [`validate`](Self::validate) would reject for its
    /// shapes or for accumulators beyond 2^62.
    pub fn infer(&self, input: &[u32]) -> Result<Inference> {
        self.validate_shapes()?;
        if input.len() != self.input.len {
            return Err(Error::invalid(
                "input",
                format!("has {} values; model `{}` takes {}", input.len(), self.name, self.input.len),
            ));
        }
        if let Some((i, x)) = input.iter().enumerate().find(|(_, x)| **x >> self.input.bits != 0) {
            return Err(Error::invalid(
                "input",
                format!("value {x} at index {i} does not fit the model's {} bits", self.input.bits),
            ));
        }
        let mut activations = vec![input.to_vec()];
        let mut accumulators = Vec::with_capacity(self.layers.len());
        for (l, layer) in self.layers.iter().enumerate() {
            let x = &activations[activations.len() - 1];
            let acc = layer.accumulate(x).ok_or_else(|| {
                Error::model(
                    format!("layer {l}"),
                    "an accumulator is beyond 2^62; weights or biases are too large",
                )
            })?;
            if let Some(requantise) = layer.requantise {
                activations.push(acc.iter().map(|a| requantise.apply(*a)).collect());
            }
            accumulators.push(acc);
        }
        Ok(Inference { activations, accumulators })
    }
}

impl QuantisedLayer {
    /// The weights of one output.
    pub fn row(&self, output: usize) -> &[i32] {
        &self.weights[output * self.inputs..(output + 1) * self.inputs]
    }

    /// W·x + b for an `x` of at most 16 bits, or `None` if an accumulator is beyond 2^62.
    pub(crate) fn accumulate(&self, x: &[u32]) -> Option<Vec<i64>> {
        // A product of 31 and 16 bits, so a sum of 2^14 of them stays below 2^61.
        const SAFE: usize = 1 << 14;
        (0..self.outputs)
            .map(|o| {
                let parts = self.row(o).chunks(SAFE).zip(x.chunks(SAFE));
                parts
                    .map(|(w, x)| -> i64 {
                        w.iter().zip(x).map(|(w, x)| i64::from(*w) * i64::from(*x)).sum()
                    })
                    .try_fold(self.bias[o], |acc, part| acc.checked_add(part))
                    .filter(|acc| acc.unsigned_abs() < 1 << 62)
            })
            .collect()
    }

    /// The exact range `[min, max]` of accumulator `output` over all inputs in 0..=`input_max`.
    pub fn accumulator_range(&self, output: usize, input_max: u32) -> (i128, i128) {
        let (mut min, mut max) = (i128::from(self.bias[output]), i128::from(self.bias[output]));
        for &w in self.row(output) {
            let extreme = i128::from(w) * i128::from(input_max);
            if w < 0 { min += extreme } else { max += extreme }
        }
        (min, max)
    }
}
