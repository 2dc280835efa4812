//! Models and inputs from a seed, for tests of scale.

use crate::inputs::{SEED, rng};
use rand_core::RngCore;
use zkwatt::mlp::{
    InputEncoding, InputSpec, MAX_LAYERS, MAX_PARAMETERS, QuantisedLayer, QuantisedModel, Requantise,
};
use zkwatt::{Error, Result};

/// Bits of weights and activations.
const BITS: u32 = 8;
/// Largest weight.
const MAX_WEIGHT: i32 = (1 << (BITS - 1)) - 1;

/// The model `name` of random 8-bit weights whose `dims` are like `1024-1024-10`: inputs, then the outputs of each layer.
///
/// Shifts are such that hidden values fill their 8 bits as trained ones do: a third of the range is one standard
/// deviation of the accumulators.
///
/// # Errors
/// [`Error::InvalidArgument`] for dims that are no numbers, fewer than two, or more than the library takes.
pub fn synthetic(name: &str, dims: &str) -> Result<QuantisedModel> {
    let dims = parse(dims).map_err(|reason| Error::invalid("--model", format!("`{name}`: {reason}")))?;
    let mut rng = rng(SEED, 16);
    let max = f64::from((1u32 << BITS) - 1);
    let weight_variance = f64::from(MAX_WEIGHT * (MAX_WEIGHT + 1)) / 3.0;
    // Mean square of the values that come in; uniform ones first.
    let mut mean_square = max * max / 3.0;
    let mut scale = InputEncoding::PIXELS.scale;
    let mut layers = Vec::with_capacity(dims.len() - 1);
    for (l, shape) in dims.windows(2).enumerate() {
        let (inputs, outputs) = (shape[0], shape[1]);
        let mut draw = |bound: i32| (rng.next_u32() % (2 * bound as u32 + 1)) as i32 - bound;
        let weights = (0..inputs * outputs).map(|_| draw(MAX_WEIGHT)).collect();
        let bias = (0..outputs).map(|_| i64::from(draw(1 << 12))).collect();
        let deviation = (inputs as f64 * mean_square * weight_variance).sqrt();
        let shift = (deviation / (max / 3.0)).log2().round().max(1.0) as u32;
        let last = l + 2 == dims.len();
        scale /= f64::from(1 << (BITS - 1));
        layers.push(QuantisedLayer {
            inputs,
            outputs,
            weights,
            bias,
            requantise: (!last).then_some(Requantise { shift, bits: BITS }),
            accumulator_scale: scale,
        });
        let hidden = deviation / f64::from(shift).exp2();
        scale *= f64::from(shift).exp2();
        // ReLU leaves half of the square.
        mean_square = hidden * hidden / 2.0;
    }
    let input = InputSpec { len: dims[0], bits: BITS, scale: InputEncoding::PIXELS.scale };
    let model = QuantisedModel { name: name.into(), input, layers };
    model.validate()?;
    Ok(model)
}

fn parse(dims: &str) -> Result<Vec<usize>, String> {
    const EXPECTED: &str = "expected dims like synthetic-1024-1024-10";
    let dims: Vec<usize> =
        dims.split('-').map(str::parse).collect::<Result<_, _>>().map_err(|_| EXPECTED.to_owned())?;
    if dims.len() < 2 || dims.contains(&0) || dims.len() > MAX_LAYERS {
        return Err(EXPECTED.into());
    }
    let weights = dims.windows(2).try_fold(0usize, |sum, d| sum.checked_add(d[0].checked_mul(d[1])?));
    match weights {
        Some(weights) if weights <= MAX_PARAMETERS => Ok(dims),
        _ => Err(format!("it has more than {MAX_PARAMETERS} weights")),
    }
}

/// `n` inputs of uniform values in 0..2^`bits`.
pub(super) fn inputs(len: usize, bits: u32, n: usize) -> Vec<Vec<u32>> {
    let mut rng = rng(SEED, 17);
    (0..n).map(|_| (0..len).map(|_| rng.next_u32() >> (32 - bits.clamp(1, 31))).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_values_fill_their_range() {
        let model = synthetic("synthetic-300-200-100-10", "300-200-100-10").unwrap();
        let inference = model.infer(&inputs(300, 8, 1)[0]).unwrap();
        for activations in &inference.activations[1..] {
            let zeros = activations.iter().filter(|x| **x == 0).count() as f64 / activations.len() as f64;
            let full = activations.iter().filter(|x| **x == 255).count() as f64 / activations.len() as f64;
            assert!((0.3..0.7).contains(&zeros) && full < 0.2, "{zeros} {full}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for dims in ["", "10", "10-0-10", "10-x", "10--10", "1000000-1000000", "18446744073709551615-2"] {
            assert!(synthetic("synthetic", dims).is_err(), "{dims}");
        }
    }
}
