//! One hidden neuron: y = clamp((acc + 2^(shift−1)) >> shift, 0, Y) with Y = 2^bits − 1.
//!
//! Write q = (acc + 2^(s−1)) >> s and r for the remainder, so that acc + 2^(s−1) = 2^s·q + r, 0 ≤ r < 2^s. The
//! range of q over all inputs is known, and decides among four forms:
//!
//! | form | range of q | variables | constraints |
//! |---|---|---|---|
//! | constant | y is the same everywhere | none | 0 |
//! | exact | 0 ≤ q ≤ Y | r: s bits; y in n bits, y = q | s + n + 1 |
//! | signed | q < 0 occurs, q ≤ Y | r; q: n bits and a sign bit; y | s + n + 3 |
//! | wide | q > Y occurs | r; q: n bits, a sign bit if q < 0 occurs; y, z | s + n + 3 (+ 1) |
//!
//! q = Q − 2^n·neg in two's complement. Signed: (1 − neg)·Q = y. Wide: let L be the low `bits` bits of q and h the
//! rest, q = L + 2^bits·h. Then h·(y − (1 − neg)·Y) = 0 and h·z = y − L: for h ≠ 0 the first fixes y to 0 or Y,
//! for h = 0 the second fixes y to L = q. z is (y − L)/h, and free where h = 0.

use super::bounds::Activation;
use super::range::{bit_length, ranged};
use super::trace::Trace;
use crate::groth16::r1cs::{Label, LinearCombination, R1csBuilder};
use crate::kernels::{Field, Fr};
use crate::mlp::Requantise;

/// How one neuron is enforced.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Neuron {
    requantise: Requantise,
    form: Form,
    /// Range of y.
    low: u32,
    high: u32,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Form {
    Constant,
    /// n
    Exact(u32),
    /// n
    Signed(u32),
    /// n, and whether there is a sign bit
    Wide(u32, bool),
}

impl Neuron {
    /// Chooses the form for accumulators within `min..=max`.
    pub(super) fn plan((min, max): (i64, i64), requantise: Requantise) -> Self {
        let (low, high) = (requantise.apply(min), requantise.apply(max));
        let q_min = quotient(min, requantise.shift);
        let q_max = quotient(max, requantise.shift);
        // Two's complement of n bits and a sign: q_max < 2^n, q_min ≥ −2^n.
        let n = bit_length(q_max).max(bit_length(-1 - q_min));
        let form = match (q_min < 0, q_max > top(requantise)) {
            _ if low == high => Form::Constant,
            (false, false) => Form::Exact(n),
            (true, false) => Form::Signed(n),
            (signed, true) => Form::Wide(n, signed),
        };
        Self { requantise, form, low, high }
    }

    /// Adds the constraints; `accumulator` is used once, and not at all for a constant.
    pub(super) fn build(
        &self,
        builder: &mut R1csBuilder,
        accumulator: impl FnOnce() -> LinearCombination,
        place: Label,
    ) -> Activation {
        if self.form == Form::Constant {
            return Activation::Constant(self.low);
        }
        let Requantise { shift, bits } = self.requantise;
        let one = Fr::ONE;
        let power = |exponent: u32| Fr::from(1u64 << exponent);
        // acc + 2^(s−1) − r − 2^s·q, to be made zero.
        let mut division = accumulator();
        division.push(0, power(shift - 1));
        let remainder = builder.booleans(shift, place.with("remainder bits"));
        division.add_scaled(&LinearCombination::from_bits(remainder), -one);

        let index = match self.form {
            Form::Constant => 0, // returned above
            Form::Exact(n) => {
                let y = ranged(builder, n, place, "activation", "activation bits");
                division.push(y, -power(shift));
                y
            }
            Form::Signed(n) => {
                let magnitude =
                    LinearCombination::from_bits(builder.booleans(n, place.with("quotient bits")));
                let negative = builder.boolean(place.with("sign bit"));
                division.add_scaled(&magnitude, -power(shift));
                division.push(negative, power(shift + n));
                let y = builder.witness(place.with("activation"));
                let positive = LinearCombination::constant(one).plus(negative, -one);
                let label = place.with("activation is the quotient or zero");
                builder.enforce(positive, magnitude, LinearCombination::variable(y), label);
                y
            }
            Form::Wide(n, signed) => {
                let quotient = builder.booleans(n, place.with("quotient bits"));
                division.add_scaled(&LinearCombination::from_bits(quotient.clone()), -power(shift));
                let low = LinearCombination::from_bits(quotient.start..quotient.start + bits);
                let mut high = LinearCombination::from_bits(quotient.start + bits..quotient.end);
                let negative = signed.then(|| builder.boolean(place.with("sign bit")));
                let y = builder.witness(place.with("activation"));
                let maximum = Fr::from(top(self.requantise));
                let mut excess = LinearCombination::variable(y).plus(0, -maximum);
                if let Some(negative) = negative {
                    division.push(negative, power(shift + n));
                    high.push(negative, -power(n - bits));
                    excess.push(negative, maximum);
                }
                let label = place.with("activation is clamped");
                builder.enforce(high.clone(), excess, LinearCombination::zero(), label);
                let z = builder.witness(place.with("free unless clamped"));
                let mut difference = LinearCombination::variable(y);
                difference.add_scaled(&low, -one);
                let label = place.with("activation is the quotient");
                builder.enforce(high, LinearCombination::variable(z), difference, label);
                y
            }
        };
        builder.enforce_zero(division, place.with("quotient and remainder of the accumulator"));
        Activation::Variable { index, low: self.low, high: self.high }
    }

    /// Writes the values of the variables, in the order of [`Neuron::build`].
    pub(super) fn assign(&self, trace: &mut Trace, accumulator: i64) {
        if self.form == Form::Constant {
            return;
        }
        let Requantise { shift, bits } = self.requantise;
        let q = quotient(accumulator, shift);
        let y = self.requantise.apply(accumulator);
        // Two's complement: the low bits of the shifted sum are the remainder, whatever its sign.
        trace.push_bits((accumulator + (1 << (shift - 1))) as u64, shift);
        match self.form {
            Form::Constant => {}
            Form::Exact(n) => trace.push_ranged(u64::from(y), n),
            Form::Signed(n) | Form::Wide(n, _) => {
                trace.push_bits(q as u64, n);
                if !matches!(self.form, Form::Wide(_, false)) {
                    trace.push(Fr::from(q < 0));
                }
                trace.push(Fr::from(u64::from(y)));
                if matches!(self.form, Form::Wide(..)) {
                    let high = q >> bits;
                    trace.push_quotient(i64::from(y) - (q - (high << bits)), high);
                }
            }
        }
    }
}

/// (acc + 2^(shift−1)) >> shift
fn quotient(accumulator: i64, shift: u32) -> i64 {
    (accumulator + (1 << (shift - 1))) >> shift
}

/// Y
fn top(requantise: Requantise) -> i64 {
    (1 << requantise.bits) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_follows_the_range_of_the_quotient() {
        // (min, max, shift, bits) -> form; half of 2^shift rounds up.
        let table = [
            ((-100, 1), 2, 8, Form::Constant),
            ((-100, 2), 2, 8, Form::Signed(5)),
            ((-1, 9), 2, 8, Form::Exact(2)),
            ((0, 1021), 2, 8, Form::Exact(8)),
            ((0, 1022), 2, 8, Form::Wide(9, false)),
            ((-2, 1022), 2, 8, Form::Wide(9, false)),
            ((-3, 1022), 2, 8, Form::Wide(9, true)),
            ((-3, 1021), 2, 8, Form::Signed(8)),
            ((-2050, 1021), 2, 8, Form::Signed(9)),
            ((-2051, 1021), 2, 8, Form::Signed(10)),
            ((1018, 5000), 2, 8, Form::Constant),
            ((7, 7), 1, 8, Form::Constant),
        ];
        for (range, shift, bits, form) in table {
            assert_eq!(Neuron::plan(range, Requantise { shift, bits }).form, form, "{range:?}");
        }
    }
}
