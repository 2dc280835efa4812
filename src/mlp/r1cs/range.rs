//! Range checks.

use crate::groth16::r1cs::{Label, LinearCombination, R1csBuilder};
use crate::kernels::{Field, Fr};

/// A fresh variable x in 0..2^bits, in `bits` constraints.
///
/// All bits but the top one are boolean variables, after x; with L = Σ 2^i · bit_i the top one is implied by
/// (x − L) · (x − L − 2^(bits−1)) = 0. In: bits ≥ 1.
pub(super) fn ranged(
    builder: &mut R1csBuilder,
    bits: u32,
    place: Label,
    value: &'static str,
    value_bits: &'static str,
) -> u32 {
    let x = builder.witness(place.with(value));
    let low = builder.booleans(bits.saturating_sub(1), place.with(value_bits));
    let mut top = LinearCombination::variable(x);
    top.add_scaled(&LinearCombination::from_bits(low), -Fr::ONE);
    let mut top_minus_weight = top.clone();
    top_minus_weight.push(0, -Fr::from(1u64 << bits.saturating_sub(1)));
    builder.enforce(top, top_minus_weight, LinearCombination::zero(), place.with(value));
    x
}

/// Bits of the binary form of `value`; 0 for 0 and below.
pub(super) fn bit_length(value: i64) -> u32 {
    64 - value.max(0).leading_zeros()
}
