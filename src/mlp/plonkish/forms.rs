//! How integers are written as cells that a lookup in the bytes 0..256 bounds.
//!
//! A value of the network (an input, an activation) is `v = x + 256·high` with x in the column of values and `high`,
//! if v has more than 8 bits, in a limb. If its n bits are not a multiple of 8, its top limb times 2^(8 − n mod 8) is
//! another limb, a byte only if v < 2^n.
//!
//! A hidden neuron computes y = clamp((acc + 2^(s−1)) >> s, 0, Y), Y = 2^n − 1. Its limbs are those of y, the excess e,
//! the sign g and the remainder ρ, with
//!
//! ```text
//! acc = 2^s·(y + (1 − 2g)·e) + ρ − 2^(s−1)        the accumulator, an expression and not a cell
//! 0 ≤ y ≤ Y,  0 ≤ ρ < 2^s,  e ≥ 0                 by lookups
//! g·(1 − g) = 0,   e·(y − (1 − g)·Y) = 0          by gates
//! ```
//!
//! For e = 0 the quotient (acc + 2^(s−1)) >> s is y. For e > 0 it is Y + e > Y if g = 0, and −e < 0 if g = 1; y is
//! the bound on that side. So y is a function of acc. All of it is below 2^112 in magnitude, so nothing wraps.

use crate::mlp::Requantise;
use serde::{Deserialize, Serialize};

/// Bits of a limb; the table holds 0..2^8.
pub const LIMB_BITS: u32 = 8;

/// Bytes that hold 0..=`max`.
pub(super) fn limbs_for(max: u128) -> usize {
    (u128::BITS - max.leading_zeros()).div_ceil(LIMB_BITS) as usize
}

/// 2^k by which the top limb of `bits` bits is multiplied, or `None` if it fills its byte.
fn top_scale(bits: u32) -> Option<u32> {
    let used = bits % LIMB_BITS;
    (used != 0).then(|| LIMB_BITS - used)
}

/// Writes `count` limbs of `value`, lowest first.
fn push_limbs(slots: &mut Vec<i32>, value: u128, count: usize) {
    slots.extend((0..count).map(|i| (value >> (8 * i) & 0xff) as i32));
}

/// A value in 0..2^bits.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ValueForm {
    /// 1 to 16.
    pub bits: u32,
}

impl ValueForm {
    /// Whether there is a limb `high`; it is limb 0.
    pub fn is_wide(self) -> bool {
        self.bits > LIMB_BITS
    }

    /// log₂ of the factor between the top limb and its scaled copy, if there is one: the last limb.
    pub fn scale(self) -> Option<u32> {
        top_scale(self.bits)
    }

    /// Limbs beside x.
    pub fn limbs(self) -> usize {
        usize::from(self.is_wide()) + usize::from(self.scale().is_some())
    }

    /// x; the limbs go to `slots`.
    pub(super) fn write(self, value: u32, slots: &mut Vec<i32>) -> i32 {
        let (x, high) = ((value & 0xff) as i32, (value >> 8) as i32);
        if self.is_wide() {
            slots.push(high);
        }
        if let Some(scale) = self.scale() {
            slots.push(if self.is_wide() { high } else { x } << scale);
        }
        x
    }
}

/// A hidden neuron.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NeuronForm {
    /// y.
    pub value: ValueForm,
    /// s.
    pub shift: u32,
    /// Limbs of e; none if no accumulator is clamped, and then there is no sign either.
    pub excess: usize,
}

impl NeuronForm {
    /// The form for accumulators within `min..=max`.
    pub(super) fn new(requantise: Requantise, (min, max): (i128, i128)) -> Self {
        let Requantise { shift, bits } = requantise;
        let quotient = |acc: i128| (acc + (1 << (shift - 1))) >> shift;
        let top = (1i128 << bits) - 1;
        let excess = (quotient(max) - top).max(-quotient(min)).max(0);
        Self { value: ValueForm { bits }, shift, excess: limbs_for(excess as u128) }
    }

    /// Y.
    pub(super) fn top(self) -> u64 {
        (1 << self.value.bits) - 1
    }

    /// Index of the first limb of e.
    pub(super) fn excess_at(self) -> usize {
        self.value.limbs()
    }

    /// Index of g, if it exists.
    pub(super) fn sign_at(self) -> Option<usize> {
        (self.excess > 0).then(|| self.excess_at() + self.excess)
    }

    /// Index of the first limb of ρ.
    pub(super) fn remainder_at(self) -> usize {
        self.excess_at() + self.excess + usize::from(self.excess > 0)
    }

    /// Limbs of ρ without the scaled copy.
    pub(super) fn remainder_limbs(self) -> usize {
        self.shift.div_ceil(LIMB_BITS) as usize
    }

    /// As [`ValueForm::scale`], for ρ < 2^s.
    pub fn remainder_scale(self) -> Option<u32> {
        top_scale(self.shift)
    }

    /// All limbs.
    pub fn limbs(self) -> usize {
        self.remainder_at() + self.remainder_limbs() + usize::from(self.remainder_scale().is_some())
    }

    /// x of y; the limbs go to `slots`. In: an accumulator within the bounds that the form was made for.
    pub(super) fn write(self, acc: i64, slots: &mut Vec<i32>) -> i32 {
        let requantise = Requantise { shift: self.shift, bits: self.value.bits };
        let y = requantise.apply(acc);
        let x = self.value.write(y, slots);
        let sum = i128::from(acc) + (1 << (self.shift - 1));
        let quotient = sum >> self.shift;
        if self.excess > 0 {
            push_limbs(slots, (quotient - i128::from(y)).unsigned_abs(), self.excess);
            slots.push(i32::from(quotient < 0));
        }
        let remainder = (sum - (quotient << self.shift)) as u128;
        push_limbs(slots, remainder, self.remainder_limbs());
        if let Some(scale) = self.remainder_scale() {
            slots.push(((remainder >> (8 * (self.remainder_limbs() - 1))) << scale) as i32);
        }
        x
    }

    /// acc, from x and the limbs: the integer of the expression above, for cells of any content.
    pub(super) fn accumulator(self, x: i32, slot: impl Fn(usize) -> i32) -> i128 {
        let sum = |at: usize, count: usize| -> i128 {
            (0..count).map(|i| i128::from(slot(at + i)) << (8 * i)).sum()
        };
        let y = i128::from(x) + if self.value.is_wide() { i128::from(slot(0)) << 8 } else { 0 };
        let sign = self.sign_at().map_or(0, |at| i128::from(slot(at)));
        let quotient = y + (1 - 2 * sign) * sum(self.excess_at(), self.excess);
        (quotient << self.shift) + sum(self.remainder_at(), self.remainder_limbs()) - (1 << (self.shift - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limbs_give_the_accumulator_back_and_are_bytes() {
        for (shift, bits) in [(1, 8), (8, 8), (10, 8), (7, 5), (16, 16), (40, 12), (9, 1), (3, 9)] {
            let requantise = Requantise { shift, bits };
            let bound = 1i64 << (shift + bits + 3).min(61);
            let form = NeuronForm::new(requantise, (i128::from(-bound), i128::from(bound)));
            for acc in [-bound, bound, 0, 1, -1, 1 << (shift - 1), -(1 << (shift - 1)), bound / 3, -bound / 7]
            {
                let mut slots = vec![];
                let x = form.write(acc, &mut slots);
                assert_eq!(slots.len(), form.limbs());
                assert!(slots.iter().chain([&x]).all(|v| (0..256).contains(v)), "{acc} {form:?} {slots:?}");
                assert_eq!(form.accumulator(x, |i| slots[i]), i128::from(acc), "{form:?}");
            }
        }
    }

    #[test]
    fn limbs_follow_the_bounds() {
        let form = |range| NeuronForm::new(Requantise { shift: 8, bits: 8 }, range);
        // (min, max) -> limbs of e; the last in range rounds to 255.
        for (range, excess) in
            [((0, 65_407), 0), ((0, 65_408), 1), ((-129, 0), 1), ((-128, 0), 0), ((-70_000, 0), 2)]
        {
            assert_eq!(form(range).excess, excess, "{range:?}");
        }
        assert_eq!(form((0, 1)).limbs(), 1);
        assert_eq!(form((-1 << 20, 1 << 20)).limbs(), 4);
    }
}
