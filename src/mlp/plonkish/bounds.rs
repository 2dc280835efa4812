//! Ranges of accumulators over all inputs, from which limbs are counted.
//!
//! With public weights they are the real ones. With private weights the layout may say nothing about them, so they are
//! those of any weights in −128..128 and any bias of as many digits as the shape alone calls for.

use crate::error::{Error, Result};
use crate::mlp::{QuantisedModel, WeightMode};

/// Private weights are stored as w + 128 in 0..256.
pub(super) const WEIGHT_OFFSET: i32 = 128;

/// The range of all accumulators of each layer.
pub(super) fn accumulator_ranges(
    model: &QuantisedModel,
    weights: WeightMode,
    digits: usize,
) -> Vec<(i128, i128)> {
    let layers = model.layers.iter().enumerate();
    layers
        .map(|(l, layer)| {
            let input_max = model.layer_input_max(l).unwrap_or(0);
            match weights {
                WeightMode::Public => (0..layer.outputs)
                    .map(|o| layer.accumulator_range(o, input_max))
                    .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
                    .unwrap_or((0, 0)),
                WeightMode::Private => {
                    let reach = layer.inputs as i128 * i128::from(input_max);
                    let digits = digit_unit(digits);
                    (-128 * (reach + digits), 127 * (reach + digits))
                }
            }
        })
        .collect()
}

/// Balanced base-256 digits of a private bias: those that reach 128·I·max x, the largest sum that a bias can meet.
pub(super) fn bias_digits(model: &QuantisedModel) -> usize {
    let reach = model
        .layers
        .iter()
        .enumerate()
        .map(|(l, layer)| 128 * layer.inputs as i128 * i128::from(model.layer_input_max(l).unwrap_or(0)));
    let reach = reach.max().unwrap_or(0);
    (1..8).find(|n| 127 * digit_unit(*n) >= reach).unwrap_or(8)
}

/// 1 + 256 + … , `digits` terms.
fn digit_unit(digits: usize) -> i128 {
    ((1i128 << (8 * digits)) - 1) / 255
}

/// The digits of `bias` in −128..128, lowest first.
///
/// Error: it needs more of them.
pub(super) fn balanced_digits(bias: i64, count: usize) -> Result<Vec<i32>> {
    let mut rest = i128::from(bias);
    let digits = (0..count)
        .map(|_| {
            let digit = ((rest + 128) & 0xff) - 128;
            rest = (rest - digit) >> 8;
            digit as i32
        })
        .collect();
    if rest == 0 {
        return Ok(digits);
    }
    Err(Error::Unsupported {
        what: format!("a private bias of {bias}"),
        reason: format!("the circuit holds {count} balanced bytes of it; use public weights"),
    })
}

/// Errors: a private weight outside −128..128.
pub(super) fn check_private_weights(model: &QuantisedModel) -> Result<()> {
    let range = -WEIGHT_OFFSET..WEIGHT_OFFSET;
    for (l, layer) in model.layers.iter().enumerate() {
        if let Some(w) = layer.weights.iter().find(|w| !range.contains(*w)) {
            return Err(Error::Unsupported {
                what: format!("the private weight {w} in layer {l}"),
                reason:
                    "private weights have 8 bits, -128 to 127; quantise to 8 bits or make the weights public"
                        .into(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_balanced_and_give_the_bias_back() {
        for bias in [0i64, 1, -1, 127, 128, -128, -129, 32_639, -32_896, 8_355_711, -8_421_504] {
            let digits = balanced_digits(bias, 3).unwrap();
            assert!(digits.iter().all(|d| (-128..128).contains(d)));
            let sum: i64 = digits.iter().rev().fold(0, |sum, d| 256 * sum + i64::from(*d));
            assert_eq!(sum, bias);
        }
        assert!(balanced_digits(8_355_712, 3).is_err());
        assert!(balanced_digits(-8_421_505, 3).is_err());
        assert!(balanced_digits(i64::MIN, 8).is_ok());
    }
}
