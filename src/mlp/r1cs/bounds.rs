//! Ranges of accumulators, exact over all inputs, from which the circuit takes its widths.

use crate::error::{Error, Result};
use crate::groth16::r1cs::LinearCombination;
use crate::kernels::Fr;
use crate::mlp::QuantisedLayer;

/// Accumulators, with rounding and in every partial sum, stay below 2^62 in magnitude: exact in i64, and far
/// from wrapping in the 254-bit field.
const MAGNITUDE_BITS: u32 = 62;

/// What a layer reads: a variable within `low..=high`, or a value that is the same for every input.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    Constant(u32),
    Variable { index: u32, low: u32, high: u32 },
}

impl Activation {
    fn range(self) -> (i128, i128) {
        match self {
            Self::Constant(value) => (value.into(), value.into()),
            Self::Variable { low, high, .. } => (low.into(), high.into()),
        }
    }
}

/// The accumulator ranges of one layer, given the ranges of what it reads.
#[derive(Clone, Debug)]
pub(super) struct DenseBounds {
    /// Smallest and largest accumulator of each output.
    pub(super) ranges: Vec<(i64, i64)>,
}

impl DenseBounds {
    pub(super) fn new(layer: &QuantisedLayer, activations: &[Activation], index: usize) -> Result<Self> {
        let limit = 1i128 << MAGNITUDE_BITS;
        let rounding = layer.requantise.map_or(0, |r| 1i128 << (r.shift - 1));
        let ranges = (0..layer.outputs)
            .map(|o| {
                let bias = i128::from(layer.bias[o]);
                let (mut min, mut max, mut magnitude) = (bias, bias, bias.abs() + rounding);
                for (w, activation) in layer.row(o).iter().zip(activations) {
                    let w = i128::from(*w);
                    let (low, high) = activation.range();
                    let (a, b) = if w < 0 { (w * high, w * low) } else { (w * low, w * high) };
                    min += a;
                    max += b;
                    magnitude += w.abs() * high;
                }
                if magnitude < limit {
                    Ok((min as i64, max as i64))
                } else {
                    Err(Error::model(
                        format!("layer {index}, output {o}"),
                        format!(
                            "the accumulator can reach {magnitude} in magnitude, the circuit takes it below \
                             2^{MAGNITUDE_BITS}; quantise to fewer bits"
                        ),
                    ))
                }
            })
            .collect::<Result<_>>()?;
        Ok(Self { ranges })
    }

    /// W·x + b of one output as a linear combination, columns ascending.
    pub(super) fn accumulator(
        &self,
        layer: &QuantisedLayer,
        output: usize,
        activations: &[Activation],
    ) -> LinearCombination {
        let mut constant = i128::from(layer.bias[output]);
        let mut lc = LinearCombination::constant(Fr::default());
        for (w, activation) in layer.row(output).iter().zip(activations) {
            match activation {
                Activation::Constant(value) => constant += i128::from(*w) * i128::from(*value),
                Activation::Variable { index, .. } if *w != 0 => lc.push(*index, Fr::from(i64::from(*w))),
                Activation::Variable { .. } => {}
            }
        }
        lc.set_constant(Fr::from(constant));
        lc
    }
}
