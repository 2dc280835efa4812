//! From a float [`Model`] to a [`QuantisedModel`], with scales chosen on calibration samples.
//!
//! Weights of a layer are `W_q = ⌊W·2^k⌉` clamped to `bits` signed bits, with one k a layer; biases are `b_q
//! = ⌊b / scale_in · 2^k⌉`, so an accumulator stands for `acc · scale_in · 2^−k`; hidden values are
//! `clamp((acc + 2^(shift−1)) >> shift, 0, 2^bits − 1)`. All scales but the input's are thus powers of two
//! times the input's, and a circuit needs shifts only. ⌊·⌉ rounds half up.
//!
//! k and shift are chosen layer by layer from the input on: those whose outputs, with the layers after it
//! still in float, have the least mean-squared error against the float model's on the calibration samples.
//! Candidates of k are the largest at which no weight is clamped, and one more; of shift, the least at which
//! no calibration sample saturates, and up to four less.

use super::model::{DenseLayer, Model};
use super::parallel::map;
use super::quantised::{InputSpec, QuantisedLayer, QuantisedModel, Requantise, arg_max};
use super::validate::MAX_SHIFT;
use crate::error::{Error, Result};

/// Share of calibration samples, in thousandths, whose class may change for [`Preset::Auto`] to take 8 bits.
pub const AUTO_DISAGREEMENTS_PER_MILLE: usize = 2;

/// |b_q| stays below 2^44, so that accumulators fit and shifts are at most [`MAX_SHIFT`].
const BIAS_LIMIT: f64 = (1u64 << 44) as f64;
/// How far below the shift without saturation the candidates go.
const SHIFT_CANDIDATES: u32 = 4;

/// Widths of weights and activations.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Signed 8-bit weights, unsigned 8-bit activations.
    Bits8,
    /// Signed 16-bit weights, unsigned 16-bit activations.
    Bits16,
    /// [`Bits8`](Self::Bits8) if at most [`AUTO_DISAGREEMENTS_PER_MILLE`] thousandths of the calibration
    /// samples, rounded down, get another class than from the float model, else [`Bits16`](Self::Bits16).
    #[default]
    Auto,
}

/// What the integers of an input mean: real = integer · scale.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct InputEncoding {
    /// Inputs are in 0..2^bits; 1 to 16.
    pub bits: u32,
    /// Real value of one unit.
    pub scale: f64,
}

impl InputEncoding {
    /// Pixels: 8 bits, 255 stands for 1.
    pub const PIXELS: Self = Self { bits: 8, scale: 1.0 / 255.0 };

    /// ⌊x / scale⌉ for each x.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a value that is not finite, or that has no integer in 0..2^bits.
    pub fn encode(&self, input: &[f32]) -> Result<Vec<u32>> {
        self.check()?;
        let max = max_of_bits(self.bits);
        let encode = |(i, x): (usize, &f32)| {
            let value = round_half_up(f64::from(*x) / self.scale);
            if (0.0..=max).contains(&value) {
                return Ok(value as u32);
            }
            let highest = max * self.scale;
            Err(Error::invalid("input", format!("value {i} is {x}; 0 to {highest} can be expressed")))
        };
        input.iter().enumerate().map(encode).collect()
    }

    /// x · scale for each x.
    pub fn decode(&self, input: &[u32]) -> Vec<f32> {
        input.iter().map(|x| (f64::from(*x) * self.scale) as f32).collect()
    }

    fn check(&self) -> Result<()> {
        if (1..=16).contains(&self.bits) && self.scale.is_finite() && self.scale > 0.0 {
            return Ok(());
        }
        Err(Error::invalid(
            "input encoding",
            format!(
                "{} bits of scale {}; 1 to 16 bits and a positive scale were expected",
                self.bits, self.scale
            ),
        ))
    }
}

impl Default for InputEncoding {
    fn default() -> Self {
        Self::PIXELS
    }
}

/// How to quantise.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct QuantiseOptions {
    /// Widths of weights and activations.
    pub preset: Preset,
    /// What the integers of an input mean.
    pub input: InputEncoding,
}

/// How well a quantised model agrees with the float one on the calibration samples.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct QuantiseReport {
    /// Bits of a signed weight.
    pub weight_bits: u32,
    /// Bits of an unsigned activation.
    pub activation_bits: u32,
    /// Calibration samples.
    pub samples: usize,
    /// Samples whose class changed.
    pub argmax_disagreements: usize,
    /// Mean of (quantised − float)² over all outputs, in the float model's unit.
    pub mean_squared_error: f64,
}

/// Quantises `model`; each calibration sample holds one integer in 0..2^bits for each input.
///
/// A few hundred samples of the training data serve well; never use those on which accuracy is measured.
/// Pure: the same arguments give the same model on every machine. Cost: some ten inferences a sample.
///
/// # Errors
/// [`Error::Model`] if the model is invalid (see [`Model::validate`]) or its outputs or accumulators
/// overflow; [`Error::InvalidArgument`] for no samples, or one of the wrong length or range.
pub fn quantise(
    model: &Model,
    options: &QuantiseOptions,
    calibration: &[Vec<u32>],
) -> Result<QuantisedModel> {
    Ok(quantise_with_report(model, options, calibration)?.0)
}

/// [`quantise`], and how well the result agrees.
pub fn quantise_with_report(
    model: &Model,
    options: &QuantiseOptions,
    calibration: &[Vec<u32>],
) -> Result<(QuantisedModel, QuantiseReport)> {
    let model = model.folded()?;
    options.input.check()?;
    check_samples(&model, &options.input, calibration)?;
    let targets = map(calibration, |sample| tail(&model.layers, options.input.decode(sample)));
    if targets.iter().flatten().any(|y| !y.is_finite()) {
        return Err(Error::model(&model.name, "its float outputs overflow on the calibration samples"));
    }
    let run = |bits| Search { model: &model, input: options.input, bits, targets: &targets }.run(calibration);
    match options.preset {
        Preset::Bits8 => run(8),
        Preset::Bits16 => run(16),
        Preset::Auto => {
            let eight = run(8)?;
            let allowed = calibration.len().saturating_mul(AUTO_DISAGREEMENTS_PER_MILLE) / 1000;
            if eight.1.argmax_disagreements <= allowed { Ok(eight) } else { run(16) }
        }
    }
}

fn check_samples(model: &Model, input: &InputEncoding, samples: &[Vec<u32>]) -> Result<()> {
    if samples.is_empty() {
        return Err(Error::invalid(
            "calibration",
            "has no samples; some hundred of the training data are needed",
        ));
    }
    for (i, sample) in samples.iter().enumerate() {
        if sample.len() != model.input_len {
            let (n, expected) = (sample.len(), model.input_len);
            let reason = format!("sample {i} has {n} values; model `{}` takes {expected}", model.name);
            return Err(Error::invalid("calibration", reason));
        }
        if let Some(x) = sample.iter().find(|x| f64::from(**x) > max_of_bits(input.bits)) {
            let reason = format!("sample {i} has the value {x}, which does not fit {} bits", input.bits);
            return Err(Error::invalid("calibration", reason));
        }
    }
    Ok(())
}

/// One quantisation at fixed widths.
struct Search<'a> {
    model: &'a Model,
    input: InputEncoding,
    bits: u32,
    /// The float model's outputs.
    targets: &'a [Vec<f32>],
}

/// A layer, what the calibration samples become after it, and its error.
struct Candidate {
    layer: QuantisedLayer,
    activations: Vec<Vec<u32>>,
    accumulators: Vec<Vec<i64>>,
    error: f64,
}

impl Search<'_> {
    fn run(&self, calibration: &[Vec<u32>]) -> Result<(QuantisedModel, QuantiseReport)> {
        let mut layers = Vec::with_capacity(self.model.layers.len());
        let mut activations = calibration.to_vec();
        let mut outputs = Vec::new();
        let mut error = 0.0;
        let mut scale_in = self.input.scale;
        for l in 0..self.model.layers.len() {
            let best = self.layer(l, scale_in, &activations)?;
            if let Some(requantise) = best.layer.requantise {
                scale_in = best.layer.accumulator_scale * exp2(requantise.shift as i32);
            }
            (activations, outputs, error) = (best.activations, best.accumulators, best.error);
            layers.push(best.layer);
        }
        let input = InputSpec { len: self.model.input_len, bits: self.input.bits, scale: self.input.scale };
        let model = QuantisedModel { name: self.model.name.clone(), input, layers };
        model.validate()?;
        let disagreements =
            self.targets.iter().zip(&outputs).filter(|(float, ints)| arg_max(float) != arg_max(ints)).count();
        let report = QuantiseReport {
            weight_bits: self.bits,
            activation_bits: self.bits,
            samples: calibration.len(),
            argmax_disagreements: disagreements,
            mean_squared_error: error,
        };
        Ok((model, report))
    }

    /// The best k and shift for layer `l`, whose integer inputs are `x`.
    fn layer(&self, l: usize, scale_in: f64, x: &[Vec<u32>]) -> Result<Candidate> {
        let dense = &self.model.layers[l];
        let after = &self.model.layers[l + 1..];
        let overflow =
            || Error::model(format!("layer {l}"), "its scales or accumulators overflow; rescale the model");
        let largest = self.log_scale(dense, scale_in).ok_or_else(overflow)?;
        let mut best: Option<Candidate> = None;
        for k in [largest, largest + 1] {
            let Some(layer) = self.integer_layer(dense, scale_in, k) else { continue };
            let accumulators = map(x, |x| layer.accumulate(x)).into_iter().collect::<Option<Vec<_>>>();
            let accumulators = accumulators.ok_or_else(overflow)?;
            let candidates = if after.is_empty() {
                vec![self.outputs(&layer, &accumulators)]
            } else {
                self.shifts(&accumulators)
                    .map(|shift| self.hidden(&layer, &accumulators, shift, after))
                    .collect()
            };
            for (requantise, activations, error) in candidates {
                if best.as_ref().is_none_or(|best| error < best.error) {
                    let layer = QuantisedLayer { requantise, ..layer.clone() };
                    // Only the model's outputs are looked at later.
                    let accumulators = if after.is_empty() { accumulators.clone() } else { Vec::new() };
                    best = Some(Candidate { layer, activations, accumulators, error });
                }
            }
        }
        best.filter(|best| best.error.is_finite()).ok_or_else(overflow)
    }

    /// The last layer: its accumulators are the outputs.
    fn outputs(
        &self,
        layer: &QuantisedLayer,
        accumulators: &[Vec<i64>],
    ) -> (Option<Requantise>, Vec<Vec<u32>>, f64) {
        let scale = layer.accumulator_scale;
        let errors = accumulators
            .iter()
            .zip(self.targets)
            .map(|(acc, target)| squared_distance(acc.iter().map(|a| *a as f64 * scale), target));
        (None, Vec::new(), self.mean(errors.sum()))
    }

    /// A hidden layer with `shift`, its outputs carried on by the float layers `after` it.
    fn hidden(
        &self,
        layer: &QuantisedLayer,
        accumulators: &[Vec<i64>],
        shift: u32,
        after: &[DenseLayer],
    ) -> (Option<Requantise>, Vec<Vec<u32>>, f64) {
        let requantise = Requantise { shift, bits: self.bits };
        let scale = layer.accumulator_scale * exp2(shift as i32);
        let activations: Vec<Vec<u32>> =
            map(accumulators, |acc| acc.iter().map(|a| requantise.apply(*a)).collect());
        let outputs =
            map(&activations, |y| tail(after, y.iter().map(|y| (f64::from(*y) * scale) as f32).collect()));
        let errors = outputs
            .iter()
            .zip(self.targets)
            .map(|(output, target)| squared_distance(output.iter().map(|y| f64::from(*y)), target));
        (Some(requantise), activations, self.mean(errors.sum()))
    }

    /// Mean over all outputs; what is no number counts as the worst.
    fn mean(&self, sum: f64) -> f64 {
        let n = self.targets.iter().map(Vec::len).sum::<usize>().max(1) as f64;
        if sum.is_nan() { f64::INFINITY } else { sum / n }
    }

    /// Shifts from "no sample saturates" downwards.
    fn shifts(&self, accumulators: &[Vec<i64>]) -> impl Iterator<Item = u32> + use<> {
        let largest = accumulators.iter().flatten().copied().max().unwrap_or(0).max(1) as u64;
        let most = (u64::BITS - largest.leading_zeros()).saturating_sub(self.bits).clamp(1, MAX_SHIFT);
        (most.saturating_sub(SHIFT_CANDIDATES).max(1)..=most).rev()
    }

    /// The largest k at which every weight fits without clamping and every bias is below 2^44.
    fn log_scale(&self, layer: &DenseLayer, scale_in: f64) -> Option<i32> {
        let limit = exp2(self.bits as i32 - 1);
        let (mut min, mut max) = (0f64, 0f64);
        for w in &layer.weights {
            (min, max) = (min.min(f64::from(*w)), max.max(f64::from(*w)));
        }
        let bias = layer.bias.iter().map(|b| f64::from(b.abs())).fold(0.0, f64::max) / scale_in;
        let fits = |k: i32| {
            let (min, max) = (round_half_up(min * exp2(k)), round_half_up(max * exp2(k)));
            min >= -limit && max < limit && bias * exp2(k) < BIAS_LIMIT
        };
        // f32 spans 2^±150; without weights any k does.
        if min == 0.0 && max == 0.0 {
            return (0..=1).chain([-64, -150]).find(|k| fits(*k));
        }
        (-300..=300).rev().find(|k| fits(*k))
    }

    /// W·2^k and b/scale_in·2^k in integers, or `None` if that does not fit.
    fn integer_layer(&self, layer: &DenseLayer, scale_in: f64, k: i32) -> Option<QuantisedLayer> {
        let limit = exp2(self.bits as i32 - 1);
        let factor = exp2(k);
        let accumulator_scale = scale_in * exp2(-k);
        if !(accumulator_scale.is_normal() && accumulator_scale > 0.0) {
            return None;
        }
        let weight = |w: &f32| round_half_up(f64::from(*w) * factor).clamp(-limit, limit - 1.0) as i32;
        let bias = |b: &f32| {
            let b = round_half_up(f64::from(*b) / scale_in * factor);
            (b.abs() <= 2.0 * BIAS_LIMIT).then_some(b as i64)
        };
        Some(QuantisedLayer {
            inputs: layer.inputs,
            outputs: layer.outputs,
            weights: layer.weights.iter().map(weight).collect(),
            bias: layer.bias.iter().map(bias).collect::<Option<_>>()?,
            requantise: None,
            accumulator_scale,
        })
    }
}

/// The float layers `layers` applied to `x`.
fn tail(layers: &[DenseLayer], x: Vec<f32>) -> Vec<f32> {
    layers.iter().fold(x, |x, layer| layer.apply(&x))
}

fn squared_distance(output: impl Iterator<Item = f64>, target: &[f32]) -> f64 {
    output.zip(target).map(|(y, t)| (y - f64::from(*t)).powi(2)).sum()
}

/// ⌊x + 1/2⌋
fn round_half_up(x: f64) -> f64 {
    (x + 0.5).floor()
}

/// 2^k
fn exp2(k: i32) -> f64 {
    2f64.powi(k)
}

/// 2^bits − 1 for at most 16 bits.
fn max_of_bits(bits: u32) -> f64 {
    exp2(bits as i32) - 1.0
}
