//! What a [`QuantisedModel`] must satisfy before it is proved.

use super::model::{MAX_LAYERS, MAX_PARAMETERS, MAX_WIDTH};
use super::quantised::QuantisedModel;
use crate::error::{Error, Result};

/// Widest input and activation, in bits.
pub const MAX_ACTIVATION_BITS: u32 = 16;
/// Largest shift of a [`Requantise`](super::Requantise).
pub const MAX_SHIFT: u32 = 40;
/// |accumulator| + 2^shift stays below 2^62: it fits an `i64`, and is far below the field's 2^254.
const ACCUMULATOR_LIMIT: u128 = 1 << 62;

impl QuantisedModel {
    /// Checks everything that inference and circuits rely on; whoever reads a model from outside calls this.
    ///
    /// - shapes chain; sizes are within [`MAX_WIDTH`], [`MAX_LAYERS`] and [`MAX_PARAMETERS`];
    /// - every layer but the last has a [`Requantise`](super::Requantise), the last has none;
    /// - inputs and activations have 1 to [`MAX_ACTIVATION_BITS`] bits, shifts are 1 to [`MAX_SHIFT`];
    /// - scales are finite and positive;
    /// - |accumulator| + 2^shift < 2^62 for every input of the stated range.
    ///
    /// Errors are [`Error::Model`] and name the layer. Cost: one pass over the weights.
    pub fn validate(&self) -> Result<()> {
        self.validate_shapes()?;
        let is_scale = |scale: f64| scale.is_finite() && scale > 0.0;
        if !is_scale(self.input.scale) {
            let reason = format!("its scale is {}; a positive number was expected", self.input.scale);
            return Err(Error::model("input", reason));
        }
        for (l, layer) in self.layers.iter().enumerate() {
            let fail = |reason: String| Err(Error::model(format!("layer {l}"), reason));
            if !is_scale(layer.accumulator_scale) {
                let scale = layer.accumulator_scale;
                return fail(format!("its accumulator_scale is {scale}; a positive number was expected"));
            }
            let shift = layer.requantise.map_or(0, |requantise| requantise.shift);
            let rounding = if shift == 0 { 0 } else { 1u128 << shift };
            for output in 0..layer.outputs {
                let bound = self.accumulator_bound(l, output);
                if bound + rounding >= ACCUMULATOR_LIMIT {
                    return fail(format!(
                        "accumulator {output} can reach {bound}, too close to 2^62; \
                         use fewer bits or smaller weights"
                    ));
                }
            }
        }
        Ok(())
    }

    /// The part of [`validate`](Self::validate) that costs one pass over the layers, not over the weights.
    pub(crate) fn validate_shapes(&self) -> Result<()> {
        let bits_ok = |bits: u32| (1..=MAX_ACTIVATION_BITS).contains(&bits);
        if !bits_ok(self.input.bits) {
            let reason = format!("has {} bits; 1 to {MAX_ACTIVATION_BITS} are supported", self.input.bits);
            return Err(Error::model("input", reason));
        }
        if self.layers.is_empty() || self.layers.len() > MAX_LAYERS {
            let reason = format!("has {} layers; 1 to {MAX_LAYERS} are supported", self.layers.len());
            return Err(Error::model(&self.name, reason));
        }
        let mut width = self.input.len;
        let mut parameters = 0usize;
        for (l, layer) in self.layers.iter().enumerate() {
            let fail = |reason: String| Err(Error::model(format!("layer {l}"), reason));
            let (weights, biases) = (layer.weights.len(), layer.bias.len());
            check_dense(width, [layer.inputs, layer.outputs], weights, biases).or_else(fail)?;
            match (layer.requantise, l + 1 == self.layers.len()) {
                (None, true) => {}
                (Some(_), true) => return fail("is the last one and has a requantise; it must not".into()),
                (None, false) => return fail("has no requantise; only the last layer has none".into()),
                (Some(requantise), false) => {
                    if !bits_ok(requantise.bits) {
                        let bits = requantise.bits;
                        return fail(format!(
                            "has {bits}-bit outputs; 1 to {MAX_ACTIVATION_BITS} are supported"
                        ));
                    }
                    if !(1..=MAX_SHIFT).contains(&requantise.shift) {
                        return fail(format!(
                            "shifts by {}; 1 to {MAX_SHIFT} are supported",
                            requantise.shift
                        ));
                    }
                }
            }
            parameters = parameters.saturating_add(layer.weights.len()).saturating_add(layer.bias.len());
            width = layer.outputs;
        }
        if parameters > MAX_PARAMETERS {
            let reason = format!("has {parameters} parameters; at most {MAX_PARAMETERS} are supported");
            return Err(Error::model(&self.name, reason));
        }
        Ok(())
    }

    /// The largest value that inputs of layer `l` can take: 2^bits − 1 of the model's input or of the layer
    /// before.
    ///
    /// `None` beyond the last layer.
    pub fn layer_input_max(&self, l: usize) -> Option<u32> {
        let bits = match l.checked_sub(1) {
            None => self.input.bits,
            Some(before) => self.layers.get(before)?.requantise?.bits,
        };
        (l < self.layers.len()).then(|| 1u32.checked_shl(bits).map_or(u32::MAX, |n| n - 1))
    }

    /// The smallest n with −2^n < accumulator < 2^n for every accumulator of the model and every input.
    ///
    /// 128 for a model whose shapes [`validate`](Self::validate) rejects.
    pub fn max_accumulator_bits(&self) -> u32 {
        if self.validate_shapes().is_err() {
            return u128::BITS;
        }
        let bounds =
            self.layers.iter().enumerate().flat_map(|(l, layer)| {
                (0..layer.outputs).map(move |output| self.accumulator_bound(l, output))
            });
        bounds.max().map_or(0, |bound| u128::BITS - bound.leading_zeros())
    }

    /// max |accumulator|
    fn accumulator_bound(&self, l: usize, output: usize) -> u128 {
        let input_max = self.layer_input_max(l).unwrap_or(0);
        let (min, max) = self.layers[l].accumulator_range(output, input_max);
        min.unsigned_abs().max(max.unsigned_abs())
    }
}

/// Whether a dense layer of shape `[inputs, outputs]` that reads `width` values holds what it should; or why not.
pub(super) fn check_dense(
    width: usize,
    [inputs, outputs]: [usize; 2],
    weights: usize,
    biases: usize,
) -> Result<(), String> {
    if inputs != width {
        return Err(format!("takes {inputs} values, but {width} come in"));
    }
    for (what, n) in [("inputs", inputs), ("outputs", outputs)] {
        if n == 0 || n > MAX_WIDTH {
            return Err(format!("has {n} {what}; 1 to {MAX_WIDTH} are supported"));
        }
    }
    if inputs.checked_mul(outputs) != Some(weights) {
        return Err(format!("has {weights} weights; {outputs} x {inputs} were expected"));
    }
    if biases != outputs {
        return Err(format!("has {biases} biases for {outputs} outputs"));
    }
    Ok(())
}
