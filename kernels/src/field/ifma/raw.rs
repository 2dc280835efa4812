//! Eight elements from and to slices of elements, and residues in the form that memory holds.
#![allow(clippy::needless_range_loop)] // iterators over vectors are not inlined

use super::{
    Ifma, LANES, LaneParams, Lanes, MASK, Stored, V, Wide, subtract_quotient, transpose_4x8, transpose_8x4,
};
use crate::field::params::FieldParams;
use core::marker::PhantomData;

/// Eight consecutive elements.
pub(crate) type Group = [[u64; 4]; LANES];

/// Up to eight elements, zeros behind them.
#[inline(always)]
pub(crate) fn padded(values: &[[u64; 4]]) -> Group {
    let mut group = [[0; 4]; LANES];
    group[..values.len()].copy_from_slice(values);
    group
}

/// Stores the first elements of eight.
#[inline(always)]
pub(crate) fn store_first<P: FieldParams>(lanes: Lanes<P>, to: &mut [[u64; 4]]) {
    let mut group = [[0; 4]; LANES];
    lanes.store_raw(&mut group);
    to.copy_from_slice(&group[..to.len()]);
}

/// The words of eight elements that lie `step` apart, from `at` on.
#[inline(always)]
pub(crate) fn strided_words(ifma: Ifma, from: &[[u64; 4]], at: usize, step: usize) -> [V; 4] {
    let [a, b, c, d] = [at, at + step, at + 2 * step, at + 3 * step];
    let [e, f, g, h] = [a + 4 * step, b + 4 * step, c + 4 * step, d + 4 * step];
    transpose_8x4([
        ifma.load_halves(&from[a], &from[b]),
        ifma.load_halves(&from[c], &from[d]),
        ifma.load_halves(&from[e], &from[f]),
        ifma.load_halves(&from[g], &from[h]),
    ])
}

impl<P: FieldParams> Lanes<P> {
    /// As [`Lanes::from_words`], 16 times that: the lanes divide by 2^260, this makes it 2^256. In: < 2^256.
    #[inline(always)]
    pub(crate) fn from_words_times_16(w: [V; 4]) -> Self {
        let mask = w[0].ifma().splat(MASK);
        // Shifts 4 less than in `from_words`.
        Self(
            [
                w[0].shl::<4>().and(mask),
                w[0].shr_pair::<48>(w[1]).and(mask),
                w[1].shr_pair::<36>(w[2]).and(mask),
                w[2].shr_pair::<24>(w[3]).and(mask),
                w[3].shr::<12>(),
            ],
            PhantomData,
        )
    }

    /// 16·v of eight consecutive elements.
    #[inline(always)]
    pub(crate) fn load_raw_times_16(ifma: Ifma, from: &Group) -> Self {
        let [a, b, c, d, e, f, g, h] = from;
        let rows =
            [ifma.load_halves(a, b), ifma.load_halves(c, d), ifma.load_halves(e, f), ifma.load_halves(g, h)];
        Self::from_words_times_16(transpose_8x4(rows))
    }

    /// Elements `step` apart, from `at` on. In: < 2^256.
    #[inline(always)]
    pub(crate) fn store_strided(self, to: &mut [[u64; 4]], at: usize, step: usize) {
        let rows = transpose_4x8(self.to_words());
        for i in 0..4 {
            rows[i].store_low(&mut to[at + 2 * i * step]);
            rows[i].store_high(&mut to[at + (2 * i + 1) * step]);
        }
    }

    /// The same element in all lanes.
    #[inline(always)]
    pub(crate) fn splat_words(ifma: Ifma, words: [u64; 4]) -> Self {
        Self::splat(ifma, super::to_limbs(words))
    }

    /// Integers as they are.
    #[inline(always)]
    pub(crate) fn from_u32(ifma: Ifma, values: &[u32; LANES]) -> Self {
        let zero = ifma.splat(0);
        Self([ifma.load_u32(values), zero, zero, zero, zero], PhantomData)
    }

    /// Lanes whose integer is zero.
    #[inline(always)]
    pub(crate) fn zero_integers(self) -> u8 {
        let [a, b, c, d, e] = self.0;
        a.or(b).or(c.or(d)).or(e).zero_lanes()
    }

    /// By value, for vectors that grow.
    #[inline(always)]
    pub(crate) fn stored(self) -> Stored {
        let mut out = Stored::ZERO;
        self.store(&mut out);
        out
    }
}

impl<P: FieldParams> Wide<P> {
    /// The residue below p. In: < 2^260, no limb negative.
    ///
    /// The quotient by p, guessed from the top limb, is right unless the value lies within 2^-40·p of a multiple of p;
    /// only then does the branch at the end correct it. Half of [`Lanes::reduce`] after a carry.
    #[inline(always)]
    pub(crate) fn reduce(self) -> Lanes<P> {
        let t = self.0;
        let ifma = t[0].ifma();
        // The carries of the lower limbs add less than 2^-40 of p.
        let top = t[4].add(t[3].sar::<52>());
        let mut carried = Wide::<P>(subtract_quotient::<P>(t, top), PhantomData).carry_signed();
        carried.0[4] = carried.0[4].and(ifma.splat(MASK));
        let below_p = ifma.splat(LaneParams::<P>::P[4]).greater_lanes(carried.0[4]);
        if below_p != 0xff { reduce_rarely(carried) } else { carried }
    }
}

/// Out of line: limbs equal to p's top one are one in 2^45.
#[cold]
#[inline(never)]
fn reduce_rarely<P: FieldParams>(lanes: Lanes<P>) -> Lanes<P> {
    lanes.reduce_once()
}

/// Σ a_j·b_j before its reduction: ten columns of 52 bits with carries in them.
#[derive(Copy, Clone)]
pub(crate) struct Columns<P>([V; 10], PhantomData<P>);

impl<P: FieldParams> Columns<P> {
    /// Products that fit: each adds less than 9·2^52 to a column, and those must stay below 2^62.
    pub(crate) const MAX_PRODUCTS: usize = 64;

    #[inline(always)]
    pub(crate) fn zero(ifma: Ifma) -> Self {
        Self([ifma.splat(0); 10], PhantomData)
    }

    /// self + a·b. Cost: half of a product.
    #[inline(always)]
    pub(crate) fn madd(self, a: &Lanes<P>, b: &Lanes<P>) -> Self {
        let mut t = self.0;
        for i in 0..5 {
            for j in 0..5 {
                t[i + j] = t[i + j].madd_lo(a.0[j], b.0[i]);
            }
            for j in 0..5 {
                t[i + j + 1] = t[i + j + 1].madd_hi(a.0[j], b.0[i]);
            }
        }
        Self(t, PhantomData)
    }

    /// self + 2^260·b, limbs of b between 0 and 2^53.
    #[inline(always)]
    pub(crate) fn add_high(self, b: Wide<P>) -> Self {
        let mut t = self.0;
        for i in 0..5 {
            t[5 + i] = t[5 + i].add(b.0[i]);
        }
        Self(t, PhantomData)
    }

    /// The sum over 2^260 mod p. Out: < sum/2^260 + 1.13·p.
    #[inline(always)]
    pub(crate) fn reduce_lazy(self) -> Wide<P> {
        Lanes::reduce_columns(self.0)
    }
}
