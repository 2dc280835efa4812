//! The integers that lanes hold, in the obvious form: what tests compare with.

use super::*;
use crate::field::{Field, Fp};

/// An integer of five limbs below 2^52, lowest first.
pub(crate) type Limbs = [u64; 5];

/// Limbs of one lane before their carries, lowest first.
pub(crate) type SignedLimbs = [i64; 5];

/// low + top·2^260.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Integer {
    pub(crate) low: Limbs,
    pub(crate) top: i64,
}

impl Integer {
    pub(crate) fn of(limbs: SignedLimbs) -> Self {
        Self::carried(limbs.map(i128::from))
    }

    fn carried(limbs: [i128; 5]) -> Self {
        let mut carry = 0;
        let low = limbs.map(|limb| {
            let sum = limb + carry;
            carry = sum >> BITS;
            sum as u64 & MASK
        });
        Self { low, top: carry as i64 }
    }

    /// a·self + b·other.
    pub(crate) fn combine(self, a: i64, other: Self, b: i64) -> Self {
        let [a, b] = [i128::from(a), i128::from(b)];
        let limbs = core::array::from_fn(|i| a * i128::from(self.low[i]) + b * i128::from(other.low[i]));
        let Self { low, top } = Self::carried(limbs);
        let top = i128::from(top) + a * i128::from(self.top) + b * i128::from(other.top);
        Self { low, top: top as i64 }
    }

    pub(crate) fn residue<P: FieldParams>(self) -> Fp<P> {
        let top = Fp::<P>::from(self.top.unsigned_abs()) * residue::<P>(to_limbs(LaneParams::<P>::ONE));
        residue::<P>(self.low) + if self.top < 0 { -top } else { top }
    }

    /// self/p, to some ten digits.
    pub(crate) fn multiples_of_p<P: FieldParams>(self) -> f64 {
        multiples_of_p::<P>(self.low) + self.top as f64 * 2f64.powi(52) * multiples_of_p::<P>([0, 0, 0, 0, 1])
    }
}

/// The residue that an integer of five limbs stands for.
pub(crate) fn residue<P: FieldParams>(v: Limbs) -> Fp<P> {
    let shift = Fp::<P>::from(1u64 << 52);
    v.iter().rev().fold(Fp::ZERO, |sum, limb| sum * shift + Fp::from(*limb))
}

/// 2^−260 mod p.
pub(crate) fn inverse_r<P: FieldParams>() -> Fp<P> {
    residue::<P>(to_limbs(LaneParams::<P>::ONE)).inverse_vartime().unwrap()
}

/// value/p, to some ten digits.
pub(crate) fn multiples_of_p<P: FieldParams>(v: Limbs) -> f64 {
    let float = |v: Limbs| v.iter().rev().fold(0.0, |sum, limb| sum * 2f64.powi(52) + *limb as f64);
    float(v) / float(LaneParams::<P>::P)
}

/// k·v mod 2^260.
pub(crate) fn times(k: u64, v: Limbs) -> Limbs {
    let mut carry = 0u128;
    v.map(|limb| {
        let sum = u128::from(limb) * u128::from(k) + carry;
        carry = sum >> 52;
        sum as u64 & MASK
    })
}

/// v + d mod 2^260.
pub(crate) fn plus(v: Limbs, d: i64) -> Limbs {
    let mut carry = i128::from(d);
    v.map(|limb| {
        let sum = i128::from(limb) + carry;
        carry = sum >> 52;
        sum as u64 & MASK
    })
}

/// Lane i holds value i.
pub(crate) fn lanes<P: FieldParams>(ifma: Ifma, values: &[Limbs; 8]) -> Lanes<P> {
    let stored = Stored(core::array::from_fn(|limb| values.map(|v| v[limb])));
    stored.load(ifma)
}

/// As [`lanes`], of limbs as they are.
pub(crate) fn wide<P: FieldParams>(ifma: Ifma, values: &[SignedLimbs; 8]) -> Wide<P> {
    let stored = Stored(core::array::from_fn(|limb| values.map(|v| v[limb] as u64)));
    stored.load_wide(ifma)
}

pub(crate) fn stored_values(stored: &Stored) -> [Limbs; 8] {
    core::array::from_fn(|lane| stored.0.map(|limb| limb[lane]))
}

pub(crate) fn values<P: FieldParams>(lanes: &Lanes<P>) -> [Limbs; 8] {
    let mut stored = Stored::ZERO;
    lanes.store(&mut stored);
    stored_values(&stored)
}

pub(crate) fn wide_values<P: FieldParams>(wide: &Wide<P>) -> [SignedLimbs; 8] {
    let mut stored = Stored::ZERO;
    wide.store_wide(&mut stored);
    stored_values(&stored).map(|limbs| limbs.map(|limb| limb as i64))
}
