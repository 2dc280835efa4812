//! Values that random ones never are, chosen by bytes.

use crate::curve::{Affine, Coordinate, Xyzz};
use crate::field::ifma::LaneParams;
use crate::field::ifma::oracle::{Limbs, multiples_of_p, plus, residue, times};
use crate::field::{Field, FieldParams, Fp};

const BITS: u32 = 52;
const MASK: u64 = (1 << BITS) - 1;

/// Choices from a fuzzer's bytes; zeros once they are used up.
pub(super) struct Choices<'a>(pub(super) &'a [u8]);

/// Bytes that look random, the same for each `seed`: splitmix64.
pub(super) fn fill(seed: u64, bytes: &mut [u8]) {
    let mut state = seed;
    for chunk in bytes.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(z ^ z >> 31).to_le_bytes()[..chunk.len()]);
    }
}

impl Choices<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> u8 {
        let (byte, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *byte
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    fn small(&mut self) -> i64 {
        i64::from(self.byte() as i8)
    }

    pub(super) fn word(&mut self) -> u64 {
        u64::from_le_bytes(core::array::from_fn(|_| self.byte()))
    }

    /// Saturated, empty and nearly so, one bit, or near a limb of p.
    fn limb(&mut self, of_p: u64) -> u64 {
        let byte = self.byte();
        match byte & 15 {
            0..=2 => 0,
            3..=5 => MASK,
            6 => 1,
            7 => MASK - 1,
            8 => 1 << 51,
            9 => (1 << 51) - 1,
            10 => 1 << (u32::from(byte >> 4) * 17 % BITS),
            11 => MASK ^ 1 << (u32::from(byte >> 4) * 17 % BITS),
            12 => of_p,
            13 => (of_p + 1) & MASK,
            14 => of_p.wrapping_sub(1) & MASK,
            _ => MASK - of_p,
        }
    }

    /// An integer of five limbs below 2^52.
    pub(super) fn limbs<P: FieldParams>(&mut self) -> Limbs {
        let p = LaneParams::<P>::P;
        match self.byte() & 7 {
            // The neighbours of 0, p, 2p, … 84p.
            0..=2 => {
                let (k, d) = (self.below(85) as u64, self.small());
                plus(times(k, p), if k == 0 { d.abs() } else { d })
            }
            3..=4 => p.map(|limb| self.limb(limb)),
            // The neighbours of multiples of 2^254.
            5 => {
                let (k, d) = (self.below(64) as u64, self.small());
                plus([0, 0, 0, 0, k << 46], if k == 0 { d.abs() } else { d })
            }
            6 => {
                let mut bytes = [0; 40];
                fill(u64::from(self.byte()), &mut bytes);
                core::array::from_fn(|i| u64::from_le_bytes(*bytes.as_chunks().0.get(i).unwrap()) & MASK)
            }
            _ => core::array::from_fn(|_| self.word() & MASK),
        }
    }

    /// As [`Choices::limbs`], below `bound`·p.
    pub(super) fn limbs_below<P: FieldParams>(&mut self, bound: u64) -> Limbs {
        let p = LaneParams::<P>::P;
        let v = self.limbs::<P>();
        if multiples_of_p::<P>(v) < bound as f64 - 1e-9 {
            return v;
        }
        match self.byte() & 3 {
            0 => plus(times(bound, p), -1),
            1 => plus(times(bound - 1, p), self.small().abs()),
            _ => residue::<P>(v).to_limbs(),
        }
    }

    /// The same in all lanes, one of its own in each, or one among zeros and ones.
    pub(super) fn eight<T: Copy>(&mut self, mut value: impl FnMut(&mut Self) -> T) -> [T; 8] {
        match self.byte() & 7 {
            0..=2 => [value(self); 8],
            kind => {
                let lane = if kind < 6 { 8 } else { self.below(8) };
                let [here, other] = [value(self), value(self)];
                core::array::from_fn(|i| match (lane, i) {
                    (8, 0) => here,
                    (8, 1) => other,
                    (8, _) => value(self),
                    _ if i == lane => here,
                    _ => other,
                })
            }
        }
    }

    /// An element whose Montgomery form is hostile, or that is small, of either sign, a power of two, or its value.
    pub(super) fn element<P: FieldParams>(&mut self) -> Fp<P> {
        let byte = self.byte();
        let small = Fp::from(u64::from(byte >> 4));
        match byte & 15 {
            0..=2 => small,
            3..=4 => -small,
            5 => Fp::from(2u64).pow_vartime(&[self.byte().into()]),
            6 => -Fp::from(2u64).pow_vartime(&[self.byte().into()]),
            // (p − 1)/2 and its neighbours: where scalars change their sign.
            7 => small - Fp::from(2u64).inverse_vartime().unwrap(),
            8..=9 => residue(self.limbs::<P>()),
            _ => Fp::from_montgomery_unchecked(residue::<P>(self.limbs::<P>()).to_canonical()),
        }
    }

    /// A small multiple of the generator, of either sign, or the identity.
    pub(super) fn points<F: Coordinate>(&mut self, n: usize) -> Vec<Affine<F>> {
        let mut multiples = vec![Affine::IDENTITY];
        let mut sum = Xyzz::IDENTITY;
        for _ in 0..8 {
            sum = sum.add_affine(Affine::generator());
            multiples.push(sum.to_affine());
        }
        let point = |byte: u8| multiples[usize::from(byte) % 9].negate_if(byte & 64 != 0);
        (0..n).map(|_| point(self.byte())).collect()
    }
}

/// Limbs of an element's integer.
pub(super) trait ToLimbs {
    /// Of the canonical form.
    fn to_limbs(self) -> Limbs;
}

impl<P: FieldParams> ToLimbs for Fp<P> {
    fn to_limbs(self) -> Limbs {
        crate::field::ifma::to_limbs(self.to_canonical())
    }
}
