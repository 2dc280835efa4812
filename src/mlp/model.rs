//! Float models: dense layers with ReLU between them.

use super::quantised::arg_max;
use super::validate::check_dense;
use crate::error::{Error, Result};

/// Most inputs or outputs of a layer.
pub const MAX_WIDTH: usize = 1 << 20;
/// Most layers of a model.
pub const MAX_LAYERS: usize = 256;
/// Most weights and biases of a model.
pub const MAX_PARAMETERS: usize = 1 << 28;
/// Most multiplications that folding two layers may take; 2^34 is some ten seconds.
const MAX_FOLD_WORK: u64 = 1 << 34;

/// A multi-layer perceptron over `f32`: `x ← relu(W·x + b)` layer by layer; the last layer has no ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Name for tables and files.
    pub name: String,
    /// Number of inputs.
    pub input_len: usize,
    /// At least one layer.
    pub layers: Vec<DenseLayer>,
    /// Operators that followed the outputs in the file and were left out (`Softmax`, `LogSoftmax`, `ArgMax`),
    /// in order. They do not change which output is the largest.
    pub dropped: Vec<String>,
}

/// `y = W·x + b`, then `max(y, 0)` if `relu`.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseLayer {
    /// Columns of W.
    pub inputs: usize,
    /// Rows of W.
    pub outputs: usize,
    /// W, row-major, `outputs` x `inputs`.
    pub weights: Vec<f32>,
    /// b, one for each output.
    pub bias: Vec<f32>,
    /// Whether ReLU follows.
    pub relu: bool,
}

impl DenseLayer {
    /// `relu?(W·x + b)` for an `x` of `inputs` values; a shape that does not fit leaves values out.
    pub(crate) fn apply(&self, x: &[f32]) -> Vec<f32> {
        let rows = self.weights.chunks_exact(self.inputs.max(1));
        rows.zip(&self.bias)
            .map(|(row, b)| {
                let y = dot(row, x) + b;
                if self.relu { y.max(0.0) } else { y }
            })
            .collect()
    }

    /// Weights and biases.
    fn parameters(&self) -> usize {
        self.weights.len().saturating_add(self.bias.len())
    }
}

/// Σ a·b in sixteen interleaved partial sums: a fixed order, so the same result on every machine, that
/// compilers turn into SIMD.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut lanes = [0f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for i in 0..LANES {
            lanes[i] += a[i] * b[i];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

impl Model {
    /// Weights and biases of all layers.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(DenseLayer::parameters).sum()
    }

    /// `[inputs, outputs of layer 0, outputs of layer 1, …]`
    pub fn dims(&self) -> Vec<usize> {
        std::iter::once(self.input_len).chain(self.layers.iter().map(|l| l.outputs)).collect()
    }

    /// Checks that shapes chain, that sizes are at most [`MAX_WIDTH`], [`MAX_LAYERS`] and [`MAX_PARAMETERS`],
    /// that every weight and bias is finite, and that the last layer has no ReLU.
    ///
    /// Errors name the layer and the index.
    pub fn validate(&self) -> Result<()> {
        if self.layers.is_empty() {
            return Err(Error::model(&self.name, "has no layers; at least one dense layer is needed"));
        }
        if self.layers.len() > MAX_LAYERS {
            let reason = format!("has {} layers; at most {MAX_LAYERS} are supported", self.layers.len());
            return Err(Error::model(&self.name, reason));
        }
        let mut width = self.input_len;
        let mut parameters = 0usize;
        for (l, layer) in self.layers.iter().enumerate() {
            let fail = |reason: String| Err(Error::model(format!("layer {l}"), reason));
            let (weights, biases) = (layer.weights.len(), layer.bias.len());
            check_dense(width, [layer.inputs, layer.outputs], weights, biases).or_else(fail)?;
            for (what, values) in [("weight", &layer.weights), ("bias", &layer.bias)] {
                if let Some((i, v)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
                    return fail(format!("{what} {i} is {v}; all values must be finite"));
                }
            }
            parameters = parameters.saturating_add(layer.parameters());
            width = layer.outputs;
        }
        if parameters > MAX_PARAMETERS {
            let reason = format!("has {parameters} parameters; at most {MAX_PARAMETERS} are supported");
            return Err(Error::model(&self.name, reason));
        }
        if self.layers.last().is_some_and(|l| l.relu) {
            return Err(Error::model(
                format!("layer {}", self.layers.len() - 1),
                "is the last one and has a ReLU, which makes all negative outputs equal and so loses the \
                 class; remove the ReLU after the last dense layer",
            ));
        }
        Ok(())
    }

    /// The outputs of the last layer for one `input` of `input_len` finite values.
    ///
    /// Sums are over `f32` in a fixed order. Cost: one multiplication a weight.
    pub fn infer(&self, input: &[f32]) -> Result<Vec<f32>> {
        if input.len() != self.input_len {
            return Err(Error::invalid(
                "input",
                format!("has {} values; model `{}` takes {}", input.len(), self.name, self.input_len),
            ));
        }
        if let Some((i, x)) = input.iter().enumerate().find(|(_, x)| !x.is_finite()) {
            return Err(Error::invalid("input", format!("value {i} is {x}; all values must be finite")));
        }
        let mut x = input.to_vec();
        for (l, layer) in self.layers.iter().enumerate() {
            if layer.inputs != x.len()
                || layer.bias.len() != layer.outputs
                || layer.inputs.checked_mul(layer.outputs) != Some(layer.weights.len())
            {
                return Err(Error::model(
                    format!("layer {l}"),
                    "its shape is wrong; `Model::validate` says how",
                ));
            }
            x = layer.apply(&x);
        }
        Ok(x)
    }

    /// Index of the largest output for one input, the lowest one among equals.
    pub fn classify(&self, input: &[f32]) -> Result<usize> {
        Ok(arg_max(&self.infer(input)?))
    }

    /// The same function with a ReLU between any two layers.
    ///
    /// Where a layer without ReLU is followed by another, the two are one: `W = W₂·W₁`, `b = W₂·b₁ + b₂`, in
    /// `f64`, rounded once at the end of such a chain.
    ///
    /// # Errors
    /// What [`validate`](Self::validate) reports, and folded layers that are beyond the limits.
    pub fn folded(&self) -> Result<Self> {
        self.validate()?;
        let last = self.layers.len() - 1;
        let mut layers = Vec::with_capacity(self.layers.len());
        let mut l = 0;
        while l <= last {
            let start = l;
            while l < last && !self.layers[l].relu {
                l += 1;
            }
            layers.push(match &self.layers[start..=l] {
                [single] => single.clone(),
                chain => fold(chain, start)?,
            });
            l += 1;
        }
        let model = Self {
            name: self.name.clone(),
            input_len: self.input_len,
            layers,
            dropped: self.dropped.clone(),
        };
        model.validate()?;
        Ok(model)
    }
}

/// One layer that computes what `chain` computes; `chain` starts at layer `start` and only its last has a
/// ReLU.
fn fold(chain: &[DenseLayer], start: usize) -> Result<DenseLayer> {
    let to_f64 = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
    let first = &chain[0];
    let inputs = first.inputs;
    let (mut weights, mut bias) = (to_f64(&first.weights), to_f64(&first.bias));
    for (i, layer) in chain.iter().enumerate().skip(1) {
        let parameters = inputs.checked_mul(layer.outputs).filter(|n| *n <= MAX_PARAMETERS);
        let work = parameters.and_then(|n| (n as u64).checked_mul(layer.inputs as u64));
        if work.is_none_or(|work| work > MAX_FOLD_WORK) {
            return Err(Error::model(
                format!("layer {}", start + i),
                format!(
                    "follows a layer without ReLU, and the two folded into one ({} x {inputs}) are too large; \
                     put a ReLU between them",
                    layer.outputs
                ),
            ));
        }
        let mut folded = vec![0f64; inputs * layer.outputs];
        let mut folded_bias = to_f64(&layer.bias);
        let rows = layer.weights.chunks_exact(layer.inputs).zip(folded.chunks_exact_mut(inputs));
        for ((row, out), b) in rows.zip(&mut folded_bias) {
            for ((w, below), b_below) in row.iter().zip(weights.chunks_exact(inputs)).zip(&bias) {
                let w = f64::from(*w);
                *b += w * b_below;
                out.iter_mut().zip(below).for_each(|(o, x)| *o += w * x);
            }
        }
        (weights, bias) = (folded, folded_bias);
    }
    let to_f32 = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect::<Vec<_>>();
    let last = &chain[chain.len() - 1];
    Ok(DenseLayer {
        inputs,
        outputs: last.outputs,
        weights: to_f32(weights),
        bias: to_f32(bias),
        relu: last.relu,
    })
}
